//! Trying again: what failed for a reason that passes is sent again, and a system that is away is waited for (spec section 2.12).
//!
//! | the backend said | what happens |
//! | --- | --- |
//! | too many requests | again after the time it names, or after a pause |
//! | unavailable, no answer in time | again after a pause; a create is looked for first, since nobody knows whether it happened |
//! | nothing at all gets through | the run waits until the system answers its probe, at most `failures.max-outage`, and goes on where it was |
//! | anything else | nothing: trying the same again is useless |

use std::time::Duration;

use tokio::time::Instant;

use super::{
    PipelineError,
    outcome::Settled,
    plan::{PlannedChange, PlannedStep},
    target::TargetError,
    write::Writer,
};
use crate::sandbox::contract::{Action, Change, Failure, Kind, Written, failure_code};

/// A backend that asks for more patience than this is not waited for; its entities fail and are tried again in the next run.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// The first pause between two looks at a system that is away.
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// The shortest one, where the operator wants none: looking without any pause would only be noise.
const SHORTEST_LOOK: Duration = Duration::from_millis(100);

/// How patient a run is with one system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often a failed request is sent again; 0 turns waiting for a system that is away off as well.
    pub attempts: u32,
    /// The longest pause between two attempts.
    pub interval: Duration,
    /// How long a system may be away before its part of the run is given up.
    pub max_outage: Duration,
}

/// What a failure asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// Trying the same again is useless.
    Never,
    /// The backend did not act; it names the seconds to wait, perhaps.
    After(Option<Duration>),
    /// The backend may have acted, or may be away.
    Unknown,
}

impl Again {
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::RateLimited(None) => Self::After(None),
            Kind::RateLimited(Some(seconds)) => {
                let wait = Duration::from_secs(u64::from(seconds));
                if wait > LONGEST_WAIT { Self::Never } else { Self::After(Some(wait)) }
            }
            Kind::Unavailable | Kind::TimedOut => Self::Unknown,
            _ => Self::Never,
        }
    }
}

impl Retry {
    /// The pause before the attempt with this number, from 1: it doubles from one to the next and the last is the whole interval, less up to a quarter by
    /// chance, so that runs that failed together do not come back together. What the backend asked for goes before.
    pub(super) fn pause(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let doublings = self.attempts.saturating_sub(attempt).min(16);
        let pause = asked.unwrap_or_else(|| (self.interval / (1 << doublings)).mul_f64(1.0 - fastrand::f64() / 4.0));
        // What was asked for is kept to; the chance only ever adds to it.
        if asked.is_some() { pause + pause.mul_f64(fastrand::f64() / 10.0) } else { pause }
    }

    /// The pause before the look with this number, from 0, at a system that is away.
    pub(super) fn look(&self, number: u32) -> Duration {
        FIRST_LOOK.saturating_mul(1 << number.min(16)).min(self.interval.max(SHORTEST_LOOK))
    }
}

/// A system that did not come back in time.
pub(super) struct Away {
    after: Duration,
    last: String,
    /// It was not waited for any longer because the run was asked to stop.
    stopped: bool,
}

impl Away {
    pub(super) fn error(&self, system: &str) -> PipelineError {
        if self.stopped {
            return PipelineError::Asked;
        }
        PipelineError::Away { system: system.to_owned(), seconds: self.after.as_secs(), last: self.last.clone() }
    }
}

impl Writer {
    /// Send again what failed for a reason that passes, and put the new outcomes in the place of the old. Whatever goes wrong here leaves the outcomes there were:
    /// what was written must be remembered before anything else is said.
    pub(super) async fn call_again(&mut self, changes: &[Change], outcomes: &mut [Written]) {
        let retry = self.run.spec.retry;
        for attempt in 1..=retry.attempts {
            let failed: Vec<(usize, Again)> = outcomes
                .iter()
                .enumerate()
                .filter_map(|(at, outcome)| match outcome {
                    Written::Failed(failure) => Some((at, Again::of(failure.kind))),
                    Written::Written(_) => None,
                })
                .filter(|(_, again)| *again != Again::Never)
                .collect();
            let Some(Written::Failed(first)) = failed.first().map(|(at, _)| &outcomes[*at]) else { return };
            let message = first.message.clone();
            if failed.len() == outcomes.len() && failed.iter().all(|(_, again)| *again == Again::Unknown) {
                if !self.wait_until_back(message).await {
                    return;
                }
            } else {
                let asked = failed.iter().filter_map(|(_, again)| if let Again::After(asked) = again { *asked } else { None }).max();
                let pause = retry.pause(attempt, asked);
                tracing::warn!(system = %self.run.spec.name, entities = failed.len(), ?pause, "tried again: {message}");
                self.run.spec.stop.sleep(pause).await;
            }
            // A create that may have happened is not sent again: it is looked for first.
            let certain = |(at, again): &(usize, Again)| *again != Again::Unknown || !matches!(changes[*at].action, Action::Create(_));
            let again: Vec<usize> = failed.into_iter().filter(certain).map(|(at, _)| at).collect();
            if again.is_empty() {
                return;
            }
            let subset: Vec<Change> = again.iter().map(|at| changes[*at].clone()).collect();
            match self.call_once(&subset).await {
                Ok(Ok(new)) => again.into_iter().zip(new).for_each(|(at, outcome)| outcomes[at] = outcome),
                // It was sent, and nobody knows what became of it.
                Ok(Err(fault)) => {
                    let unknown = || Written::Failed(Failure { kind: Kind::TimedOut, message: fault.to_string() });
                    for at in again {
                        outcomes[at] = unknown();
                    }
                    return;
                }
                // It was not even sent.
                Err(_) => return,
            }
        }
    }

    /// Creates of which nobody knows whether they happened: look for them, create those that are not there. Where a target cannot be searched they stay in doubt,
    /// for a second create could be a second entity.
    pub(super) async fn settle_doubtful(
        &mut self,
        entity_type: &str,
        settled: &mut [(PlannedChange, Settled)],
    ) -> Result<(), PipelineError> {
        if !self.run.can(entity_type, |abilities| abilities.find) {
            return Ok(());
        }
        let retry = self.run.spec.retry;
        // All of the batch: the call itself has waited for the system already.
        let mut silent = false;
        for attempt in 1..=retry.attempts {
            let doubtful = || settled.iter().filter(|(planned, outcome)| is_doubtful(planned, outcome));
            let (count, Some(message)) = (doubtful().count(), doubtful().find_map(|(_, outcome)| outcome.message().map(str::to_owned)))
            else {
                break;
            };
            if self.away.is_some() || (silent && !self.wait_until_back(message).await) {
                break;
            }
            if !silent {
                self.run.spec.stop.sleep(retry.pause(attempt, None)).await;
            }
            let mut still = 0;
            for (planned, outcome) in settled.iter_mut().filter(|(planned, outcome)| is_doubtful(planned, outcome)) {
                if self.run.spec.stop.is_asked() {
                    return Ok(());
                }
                // Sent again only once it was looked for and not found.
                if self.wanted(entity_type, &planned.document).is_ok() {
                    *outcome = self.create_in_doubt(entity_type, planned).await?;
                }
                still += usize::from(is_doubtful(planned, outcome));
            }
            silent = still == count;
        }
        Ok(())
    }

    /// Wait until the system answers its probe. False: it did not in time, and everything from now on fails.
    async fn wait_until_back(&mut self, mut last: String) -> bool {
        let (retry, began) = (self.run.spec.retry, Instant::now());
        tracing::warn!(system = %self.run.spec.name, "the system is away; the run waits for it: {last}");
        for number in 0.. {
            let left = retry.max_outage.saturating_sub(began.elapsed());
            if left.is_zero() || self.run.spec.stop.is_asked() {
                break;
            }
            self.run.spec.stop.sleep(retry.look(number).min(left)).await;
            let instance = match self.instance().await {
                Ok(instance) => instance,
                // What would say the same for ever is not waited out.
                Err(error @ PipelineError::GivenUp { .. }) => {
                    last = error.to_string();
                    break;
                }
                Err(PipelineError::Target(TargetError::Refused(failure))) if Again::of(failure.kind) == Again::Never => {
                    last = failure.message;
                    break;
                }
                Err(error) => {
                    last = error.to_string();
                    continue;
                }
            };
            match instance.probe().await {
                Ok(Err(failure)) if Again::of(failure.kind) == Again::Unknown => last = failure.message,
                // Any other answer is an answer: what it means, the changes themselves will tell.
                Ok(_) => {
                    tracing::warn!(system = %self.run.spec.name, after = ?began.elapsed(), "the system is back");
                    return true;
                }
                Err(fault) => {
                    self.instance = None;
                    last = fault.to_string();
                }
            }
        }
        self.away = Some(Away { after: began.elapsed(), last, stopped: self.run.spec.stop.is_asked() });
        false
    }
}

fn is_doubtful(planned: &PlannedChange, outcome: &Settled) -> bool {
    let passing = |code: &str| [Kind::Unavailable, Kind::TimedOut].iter().any(|kind| failure_code(kind) == code);
    matches!(planned.step, PlannedStep::Create { .. }) && matches!(outcome, Settled::Failed { code, in_doubt: true, .. } if passing(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry { attempts: 3, interval: Duration::from_secs(40), max_outage: Duration::from_mins(10) };

    #[test]
    fn pauses_grow_to_the_interval_and_never_beyond() {
        for (attempt, most) in [(1, 10), (2, 20), (3, 40), (9, 40)] {
            for _ in 0..200 {
                let pause = RETRY.pause(attempt, None);
                assert!(pause <= Duration::from_secs(most) && pause >= Duration::from_secs(most) * 3 / 4, "{attempt}: {pause:?}");
            }
        }
        assert_eq!(Retry { interval: Duration::ZERO, ..RETRY }.pause(1, None), Duration::ZERO);
        assert!((0..100).map(|number| RETRY.look(number)).all(|pause| pause <= RETRY.interval));
        assert_eq!(RETRY.look(0), Duration::from_secs(1));
    }

    #[test]
    fn what_the_backend_asks_for_is_never_undercut() {
        for _ in 0..200 {
            let pause = RETRY.pause(1, Some(Duration::from_secs(100)));
            assert!((Duration::from_secs(100)..=Duration::from_secs(110)).contains(&pause), "{pause:?}");
        }
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        assert_eq!(Again::of(Kind::RateLimited(Some(7))), Again::After(Some(Duration::from_secs(7))));
        assert_eq!(Again::of(Kind::RateLimited(Some(3600))), Again::Never);
        assert_eq!(Again::of(Kind::TimedOut), Again::Unknown);
        for kind in [Kind::Rejected, Kind::Forbidden, Kind::Unauthenticated, Kind::Conflict, Kind::AlreadyExists, Kind::NotFound] {
            assert_eq!(Again::of(kind), Again::Never);
        }
    }
}
