//! How fast one system is asked: at most so many requests a second, at most so many at once. Whoever comes too early waits; nothing is refused here.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// The pace of one system. Held by its door, so all instances of its plugin and all runs share it.
#[derive(Debug)]
pub(super) struct Pace {
    /// The time between two requests, and when the next one may go. A second's worth may go at once after a rest.
    bucket: Option<(Duration, Mutex<Instant>)>,
    at_once: Option<Arc<Semaphore>>,
}

impl Pace {
    /// Without a number there is no bound of that kind.
    pub(super) fn new(per_second: Option<NonZeroU32>, at_once: Option<usize>) -> Self {
        Self {
            bucket: per_second.map(|rate| (Duration::from_secs(1) / rate.get(), Mutex::new(Instant::now()))),
            at_once: at_once.map(|at_once| Arc::new(Semaphore::new(at_once))),
        }
    }

    /// Wait for one's turn. What is answered is held until the request has ended.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        let permit = match &self.at_once {
            // Nobody closes it.
            Some(at_once) => at_once.clone().acquire_owned().await.ok(),
            None => None,
        };
        self.next().await;
        permit
    }

    /// Wait until one more request may go. For those that belong to a request which has its turn: one for a token, and a repetition.
    pub(super) async fn next(&self) {
        if let Some((between, next)) = &self.bucket {
            let mine = {
                let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                let now = Instant::now();
                // Time that went by unused counts for at most a second.
                let earliest = now.checked_sub(Duration::from_secs(1).saturating_sub(*between)).unwrap_or(now);
                let mine = (*next).max(earliest);
                *next = mine + *between;
                mine
            };
            sleep_until(mine).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_s_worth_goes_at_once_and_the_rest_in_time() {
        let pace = Pace::new(NonZeroU32::new(10), None);
        tokio::time::advance(Duration::from_mins(1)).await;
        let begin = Instant::now();
        for _ in 0..30 {
            pace.turn().await;
        }
        let took = begin.elapsed();
        assert!((Duration::from_millis(1_950)..Duration::from_millis(2_150)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_so_many_at_once() {
        let pace = Pace::new(None, Some(2));
        let (first, second) = (pace.turn().await, pace.turn().await);
        assert!(first.is_some() && second.is_some());
        assert!(tokio::time::timeout(Duration::from_secs(5), pace.turn()).await.is_err());
        drop(first);
        assert!(tokio::time::timeout(Duration::from_secs(5), pace.turn()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_bound_nobody_waits() {
        let (pace, begin) = (Pace::new(None, None), Instant::now());
        for _ in 0..1000 {
            assert!(pace.turn().await.is_none());
        }
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }
}
