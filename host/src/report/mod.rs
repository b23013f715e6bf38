//! What a person or a script sees of a run. The pipeline counts and notes; this room only holds and prints.

mod change;
mod deletions;
mod explanation;
mod failures;
mod job;
mod json;
mod notification;
pub mod plan_file;
pub mod progress;
mod stages;
mod text;

use std::{collections::BTreeMap, time::Duration};

use crate::state::{Counters, CountersOf};

pub use change::{AttributeChange, Before, SimulatedChange};
pub use deletions::{Decision, Deletion, DeletionNote};
pub use explanation::{MappedLine, StepLine};
pub use failures::{Failure, Notes, Skip, Unresolved};
pub use job::{JobType, ReadMode, ReadOf};
pub use notification::Notified;
pub use stages::{Stage, StageTime, Stages};
pub(crate) use text::{aligned, printable};

/// Counts of one system and entity type. A source reads, skips and fails; a target does everything but read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub read: u64,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub deleted: u64,
    pub skipped: u64,
    pub failed: u64,
}

impl Counts {
    /// The names of the columns, in the order of [`Counts::values`].
    pub const COLUMNS: [&'static str; 7] = ["read", "created", "updated", "unchanged", "deleted", "skipped", "failed"];

    /// The numbers, in the order of [`Counts::COLUMNS`].
    pub fn values(&self) -> [u64; 7] {
        [self.read, self.created, self.updated, self.unchanged, self.deleted, self.skipped, self.failed]
    }

    /// Whether a column means something to a source (else to a target): a source creates nothing and a target reads nothing (spec section 2.14).
    pub fn belongs(column: &str, is_source: bool) -> bool {
        if is_source { ["read", "skipped", "failed"].contains(&column) } else { column != "read" }
    }

    /// Add another count.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.deleted += other.deleted;
        self.skipped += other.skipped;
        self.failed += other.failed;
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Everything that was read is where it belongs.
    Success,
    /// Some entities failed or deletions were held back; the rest is done.
    FinishedWithError,
    /// The run could not go on.
    Failed,
    /// It was asked to stop, and has; the rest is for the next run.
    Terminated,
}

impl Status {
    /// The word in reports and in the state file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::FinishedWithError => "finished with error",
            Self::Failed => "failed",
            Self::Terminated => "terminated",
        }
    }

    /// The process's exit code (DESIGN decision 12).
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed | Self::Terminated => 1,
            Self::FinishedWithError => 4,
        }
    }
}

/// One run of one source's job.
#[derive(Clone, Debug)]
pub struct Report {
    pub run: i64,
    pub job: JobType,
    /// Nothing was written: the numbers are what the job would have done.
    pub simulated: bool,
    pub reads: Vec<ReadOf>,
    pub source: String,
    pub status: Status,
    /// Why the run failed, if it did.
    pub error: Option<Failure>,
    /// System -> entity type -> counts; the source first, targets in manifest order.
    pub systems: Vec<(String, BTreeMap<String, Counts>)>,
    pub deletions: Vec<Deletion>,
    pub notes: Notes,
    pub stages: Stages,
    pub duration: Duration,
    /// What came of telling somebody of this run; empty where nobody was to be told.
    pub notifications: Vec<Notified>,
}

impl Report {
    /// Delta if any entity type was read so; none where the job reads nothing.
    pub fn read_mode(&self) -> ReadMode {
        if self.job == JobType::AcceptDeletions {
            ReadMode::None
        } else if self.reads.iter().any(|read| read.mode == ReadMode::Delta) {
            ReadMode::Delta
        } else {
            ReadMode::Full
        }
    }

    /// The table and the lists for a person.
    pub fn text(&self) -> String {
        text::render(self)
    }

    /// The counts, as the state keeps them.
    pub fn counters(&self) -> Vec<CountersOf> {
        let of = |(system, types): &(String, BTreeMap<String, Counts>)| {
            let of = |(entity_type, counts): (&String, &Counts)| {
                let Counts { read, created, updated, unchanged, deleted, skipped, failed } = *counts;
                let counters = Counters { read, created, updated, unchanged, deleted, skipped, failed };
                CountersOf { system: system.clone(), entity_type: entity_type.clone(), counters }
            };
            types.iter().map(of).collect::<Vec<_>>()
        };
        self.systems.iter().flat_map(of).collect()
    }

    /// The object of `--json`.
    pub fn json(&self) -> serde_json::Value {
        json::render(self)
    }
}
