//! What was told about the runs of a source, so that a series of failures is told once (spec/provisioning.md section 2.16).

use async_trait::async_trait;

use super::{RunId, StateError};

/// How a source stands since its last successful run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// Runs that failed one after the other, the last one included.
    pub failures: u64,
    /// Somebody was told of this series.
    pub told: bool,
    /// Somebody was told that deletions are withheld, and no run since went without.
    pub withheld: bool,
}

/// The memory of notifications.
#[async_trait]
pub trait NotificationStore: Send + Sync {
    /// How this source stood after its last run that was looked at.
    async fn series(&self, source: &str) -> Result<Series, StateError>;

    /// How it stands now; and the report of the run, which now says what came of its notifications, a JSON object as text.
    async fn set_series(&self, source: &str, series: Series, run: RunId, report: &str) -> Result<(), StateError>;
}
