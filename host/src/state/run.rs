//! A run of one source's job, as it is remembered.

use std::{ops::AddAssign, time::SystemTime};

use super::{Checkpoint, Link};

/// A run; ascending, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub i64);

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// Not ended.
    Running,
    /// Everything was done.
    Success,
    /// Some entities failed or deletions were held back; the rest is done.
    FinishedWithError,
    /// It could not go on.
    Failed,
    /// Somebody asked it to stop.
    Terminated,
    /// The process ended before the run did. What it had committed stays.
    Interrupted,
}

impl RunStatus {
    const ALL: [Self; 6] = [Self::Running, Self::Success, Self::FinishedWithError, Self::Failed, Self::Terminated, Self::Interrupted];

    /// The word in the state file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::FinishedWithError => "finished with error",
            Self::Failed => "failed",
            Self::Terminated => "terminated",
            Self::Interrupted => "interrupted",
        }
    }

    /// The status a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

/// Counts of entities. A source reads, skips and fails; a target does everything but read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub read: u64,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub deleted: u64,
    pub skipped: u64,
    pub failed: u64,
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.deleted += other.deleted;
        self.skipped += other.skipped;
        self.failed += other.failed;
    }
}

/// The counts of one system and entity type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountersOf {
    /// The system's name in the manifest: the source or a target.
    pub system: String,
    /// The entity type.
    pub entity_type: String,
    /// The counts.
    pub counters: Counters,
}

impl Run {
    /// The status in a word; a run that goes on although entities failed says so (spec section 2.13).
    pub fn status_word(&self) -> &'static str {
        match self.status {
            RunStatus::Running if self.counters.iter().any(|of| of.counters.failed > 0) => "running with error",
            status => status.word(),
        }
    }
}

/// A run as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The run.
    pub id: RunId,
    /// The source system's name.
    pub source: String,
    /// The job's name: `read`, `resync` and so on.
    pub job: String,
    /// `full` or `delta`.
    pub read_mode: String,
    /// How it stands.
    pub status: RunStatus,
    /// When it began, to the millisecond.
    pub started_at: SystemTime,
    /// When it ended; `None` while it runs, and for an interrupted run, whose end nobody saw.
    pub ended_at: Option<SystemTime>,
    /// The report as it was given to `finish_run`, a JSON object as text.
    pub report: Option<String>,
    /// The counts of the committed pages, by system and entity type.
    pub counters: Vec<CountersOf>,
    /// How far reading came, by link and entity type.
    pub checkpoints: Vec<(Link, String, Checkpoint)>,
}
