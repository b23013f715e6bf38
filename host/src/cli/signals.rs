//! SIGTERM and Ctrl-C: the first asks a run to stop after the page in hand, the second ends the process.

use crate::pipeline::{Stop, Stopper};

/// What is asked when the process is signalled.
pub(super) fn stop() -> Stop {
    let (stopper, stop) = Stopper::new();
    tokio::spawn(async move {
        for number in 1.. {
            if !signalled().await {
                return;
            }
            if number > 1 {
                // What is committed stays; a half-written page is looked for by the next run.
                std::process::exit(1);
            }
            eprintln!("stopping after the page in hand; once more to end at once");
            stopper.ask();
        }
    });
    stop
}

/// SIGHUP, as often as it comes.
pub(super) struct Hangups {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    pub(super) fn new() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    /// Waits for the next. False where the system gives no signals.
    pub(super) async fn next(&mut self) -> bool {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal {
            return signal.recv().await.is_some();
        }
        false
    }
}

/// Ends when the process is signalled for the first time; the second signal ends the process.
pub(super) async fn stop_serving() {
    if !signalled().await {
        std::future::pending::<()>().await;
    }
    eprintln!("stopping after the requests under way; once more to end at once");
    tokio::spawn(async {
        if signalled().await {
            // What was answered is on the disk.
            std::process::exit(1);
        }
    });
}

/// False where the system gives no signals.
async fn signalled() -> bool {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
            return false;
        };
        tokio::select! {
            _ = terminate.recv() => true,
            _ = interrupt.recv() => true,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.is_ok()
}
