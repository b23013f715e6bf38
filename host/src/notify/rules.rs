//! Which runs are told of.
//!
//! | run | told |
//! | --- | --- |
//! | the first that fails after a success | yes, or after as many as `ips.job.notification.ignored.consecutive.failures` says |
//! | further ones of the series | no, or all with `ips.job.notification.repeat.on.failure` |
//! | one in which deletions are withheld, after one in which none were | yes, whatever the two above say |
//! | the first success after a series that was told | yes |
//! | other successes | no |
//! | one that somebody stopped | yes; the series goes on where it was |
//!
//! The reference also sends a mail while a run goes on, with its first failed entity; here a run is told of when it has ended.

use super::is_failure;
use crate::{manifest::NotificationRules, report::Status, state::Series};

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A run failed, or entities in it.
    Failed,
    /// Deletions are withheld, and the failures of the run are no news.
    DeletionsWithheld,
    /// Back to normal.
    Recovered,
    /// Somebody stopped a run.
    Terminated,
}

impl Event {
    /// The word in messages and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::DeletionsWithheld => "deletions-withheld",
            Self::Recovered => "recovered",
            Self::Terminated => "terminated",
        }
    }
}

/// What to do after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) event: Option<Event>,
    /// What to remember once somebody was told.
    pub(super) told: Series,
    /// What to remember where nobody was told.
    pub(super) untold: Series,
}

pub(super) fn judge(before: Series, status: Status, withheld: bool, rules: NotificationRules) -> Verdict {
    let nothing = |series| Verdict { event: None, told: series, untold: series };
    if status == Status::Terminated {
        return Verdict { event: Some(Event::Terminated), ..nothing(before) };
    }
    if !is_failure(status) {
        let normal = nothing(Series::default());
        let untold = Series { failures: 0, ..before };
        return if before.told || before.withheld { Verdict { event: Some(Event::Recovered), untold, ..normal } } else { normal };
    }
    // After a success nobody was told of, `told` is of the series before.
    let already = before.told && before.failures > 0;
    let failures = before.failures.saturating_add(1);
    let due = rules.repeat || (failures > rules.ignored && !already);
    let untold = Series { failures, told: already, withheld: withheld && before.withheld };
    let event = if due { Some(Event::Failed) } else { (withheld && !before.withheld).then_some(Event::DeletionsWithheld) };
    Verdict { event, told: Series { failures, told: already || due, withheld }, untold }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `s`uccess, `e`rrors, `f`ailed, `t`erminated, `w`ithheld deletions; a capital: nobody could be told.
    fn course(runs: &str, rules: NotificationRules) -> String {
        let mut series = Series::default();
        let told = runs.chars().map(|run| {
            let status = match run.to_ascii_lowercase() {
                's' => Status::Success,
                'f' => Status::Failed,
                't' => Status::Terminated,
                _ => Status::FinishedWithError,
            };
            let verdict = judge(series, status, run.eq_ignore_ascii_case(&'w'), rules);
            series = if verdict.event.is_some() && run.is_lowercase() { verdict.told } else { verdict.untold };
            verdict.event.map_or('-', |event| match event {
                Event::Failed => 'F',
                Event::DeletionsWithheld => 'W',
                Event::Recovered => 'R',
                Event::Terminated => 'T',
            })
        });
        told.collect()
    }

    #[test]
    fn a_series_is_told_once_and_its_end() {
        let rules = NotificationRules::default();
        for (runs, told) in [
            ("ssss", "----"),
            ("sfeefs", "-F---R"),
            ("fsfs", "FRFR"),
            ("ftfs", "FT-R"),
            ("tss", "T--"),
            // Nobody took it: the next run tells.
            ("FFes", "FFFR"),
            ("fSss", "FRR-"),
            ("fSfe", "FRF-"),
        ] {
            assert_eq!(course(runs, rules), told, "{runs}");
        }
    }

    #[test]
    fn ignored_and_repeated_failures() {
        let rules = NotificationRules { repeat: false, ignored: 2 };
        assert_eq!(course("ffsfffffs", rules), "-----F--R");
        let rules = NotificationRules { repeat: true, ignored: 2 };
        assert_eq!(course("fffsf", rules), "FFFRF", "repeating goes before ignoring");
    }

    #[test]
    fn withheld_deletions_are_news_in_the_middle_of_a_series() {
        assert_eq!(course("ewwews", NotificationRules::default()), "FW--WR");
        assert_eq!(course("wwews", NotificationRules { repeat: false, ignored: 9 }), "W--WR");
        assert_eq!(course("wees", NotificationRules::default()), "F--R");
    }
}
