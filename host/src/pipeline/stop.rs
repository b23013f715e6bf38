//! Being asked to stop. A run that is asked finishes the page in hand, commits it and says so; nothing is deleted, since not everything was read.

use std::time::Duration;

use tokio::sync::watch;

/// Whether the run has been asked to stop. Cheap to clone; all clones are asked at once.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// Asks a run to stop.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// One that has not asked yet, and what it asks.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Self(sender), Stop(receiver))
    }

    pub fn ask(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Never asked.
    pub fn never() -> Self {
        Self(watch::channel(false).1)
    }

    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Wait so long, or until asked.
    pub(super) async fn sleep(&self, pause: Duration) {
        let mut asked = self.0.clone();
        let asked = async move {
            if asked.wait_for(|asked| *asked).await.is_err() {
                // Nobody is left who could ask.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = asked => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_is_asked_waits_no_longer() {
        let (stopper, stop) = Stopper::new();
        let begun = Instant::now();
        stop.sleep(Duration::from_secs(1)).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
        let waiting = tokio::spawn({
            let stop = stop.clone();
            async move { stop.sleep(Duration::from_hours(1)).await }
        });
        stopper.ask();
        waiting.await.expect("no panic");
        assert!(stop.is_asked() && begun.elapsed() < Duration::from_secs(2));
        drop(stopper);
        Stop::never().sleep(Duration::from_secs(1)).await;
    }
}
