//! What is printed: one line a run.

use std::fmt::Write as _;

use crate::arguments::Route;
use crate::child::Ran;

/// Name in the report, title of the column. Above the columns stands what they are: seconds the stage computed, and seconds it waited where that is noteworthy.
const STAGES: [(&str, &str); 7] = [
    ("read", "read"),
    ("read mapping", "read map"),
    ("plan", "plan"),
    ("write mapping", "write map"),
    ("write", "write"),
    ("commit", "commit"),
    ("delete", "delete"),
];

pub(crate) struct Row {
    pub route: Route,
    pub users: u64,
    pub run: &'static str,
    /// Users and groups that are read.
    pub entities: u64,
}

pub(crate) fn header() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let mut text =
        format!("{cores} cores; of each stage the seconds it computed + the seconds it waited (for the disk, the network, a lock)\n");
    let _ = write!(
        text,
        "{:<10} {:>9} {:<6} {:>10} {:>8} {:>8} {:>8} {:>9}",
        "path", "users", "run", "entities/s", "seconds", "cpu s", "peak MiB", "state MiB"
    );
    for (_, title) in STAGES {
        let _ = write!(text, " {title:>13}");
    }
    text
}

impl Row {
    /// The line of the run with the median time.
    pub(crate) fn text<'r>(&self, runs: impl Iterator<Item = &'r Ran>) -> String {
        let mut runs: Vec<&Ran> = runs.collect();
        runs.sort_by(|a, b| a.seconds().total_cmp(&b.seconds()));
        let ran = runs[runs.len() / 2];
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let rate = self.entities as f64 / ran.seconds();
        let measured = |value: Option<f64>, digits: usize| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"));
        let mut text = format!(
            "{:<10} {:>9} {:<6} {rate:>10.0} {:>8.2} {:>8} {:>8} {:>9}",
            self.route.name(),
            self.users,
            self.run,
            ran.seconds(),
            measured(ran.cpu_seconds, 2),
            measured(ran.peak_mib, 1),
            measured(ran.state_mib, 1),
        );
        for (name, _) in STAGES {
            let stage = &ran.report["stages"][name];
            let seconds = |what: &str| stage[what].as_f64().unwrap_or_default();
            let _ = write!(text, " {:>13}", format!("{:.2}+{:.2}", seconds("busy"), seconds("waiting")));
        }
        text
    }
}
