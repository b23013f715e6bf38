//! How long each stage computes and how long it waits. Read once or twice a page, so it is always on.

use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use crate::report::{Stage, StageTime, Stages};

/// The clock of one run, shared by all its stages.
#[derive(Debug, Default)]
pub struct StageClock([Reading; Stage::ALL.len()]);

/// Nanoseconds.
#[derive(Debug, Default)]
struct Reading {
    busy: AtomicU64,
    elapsed: AtomicU64,
}

impl StageClock {
    /// Await a stage's work. While it is polled the stage is busy; the rest of the time it waits.
    pub async fn time<F: Future>(&self, stage: Stage, work: F) -> F::Output {
        let mut work = pin!(work);
        let begun = Instant::now();
        let mut busy = Duration::ZERO;
        let output = std::future::poll_fn(|context| {
            let polled = Instant::now();
            let poll = work.as_mut().poll(context);
            busy += polled.elapsed();
            poll
        })
        .await;
        let reading = &self.0[stage as usize];
        reading.busy.fetch_add(nanoseconds(busy), Ordering::Relaxed);
        reading.elapsed.fetch_add(nanoseconds(begun.elapsed()), Ordering::Relaxed);
        output
    }

    /// What it shows. The plan is timed with the write mapping in it and the write with the commit; here each stands for itself.
    pub fn stages(&self) -> Stages {
        let read = |stage: Stage| {
            let Reading { busy, elapsed } = &self.0[stage as usize];
            [busy, elapsed].map(|nanoseconds| Duration::from_nanos(nanoseconds.load(Ordering::Relaxed)))
        };
        Stages(Stage::ALL.map(|stage| {
            let [mut busy, mut elapsed] = read(stage);
            let inside = match stage {
                Stage::Plan => Some(Stage::WriteMapping),
                Stage::Write => Some(Stage::Commit),
                _ => None,
            };
            if let Some(inside) = inside {
                let [inside_busy, inside_elapsed] = read(inside);
                busy = busy.saturating_sub(inside_busy);
                elapsed = elapsed.saturating_sub(inside_elapsed);
            }
            StageTime { busy, waiting: elapsed.saturating_sub(busy) }
        }))
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_is_told_from_computing_and_the_inner_stage_from_the_outer() {
        let (clock, begun, pause) = (StageClock::default(), Instant::now(), Duration::from_millis(20));
        clock
            .time(Stage::Write, async {
                std::thread::sleep(pause);
                clock.time(Stage::Commit, tokio::time::sleep(pause)).await;
                clock.time(Stage::Commit, async { std::thread::sleep(pause) }).await;
            })
            .await;
        let elapsed = begun.elapsed();
        let shown: Vec<(Stage, StageTime)> = clock.stages().iter().collect();
        let of = |stage| shown.iter().find(|(shown, _)| *shown == stage).expect("every stage is shown").1;
        let (write, commit) = (of(Stage::Write), of(Stage::Commit));
        // A timer counts from before the poll that waits for it: the waiting is a little shorter than the pause.
        assert!(write.busy >= pause && commit.busy >= pause && commit.waiting >= pause / 2, "{shown:?}");
        // Nothing is counted twice, but for the moments between two readings of the clock.
        assert!(write.busy + write.waiting + commit.busy + commit.waiting <= elapsed + pause / 2, "{shown:?}, all in {elapsed:?}");
        assert_eq!(of(Stage::Read), StageTime::default());
    }
}
