//! Where the time of a run went.

use std::time::Duration;

/// A stage of the data path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading pages from the source.
    Read,
    ReadMapping,
    /// Looking up relations and comparing digests.
    Plan,
    WriteMapping,
    /// Calls of the target.
    Write,
    /// Waiting until what was written is remembered.
    Commit,
    Delete,
}

impl Stage {
    /// In the order in which an entity meets them.
    pub const ALL: [Self; 7] = [Self::Read, Self::ReadMapping, Self::Plan, Self::WriteMapping, Self::Write, Self::Commit, Self::Delete];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadMapping => "read mapping",
            Self::Plan => "plan",
            Self::WriteMapping => "write mapping",
            Self::Write => "write",
            Self::Commit => "commit",
            Self::Delete => "delete",
        }
    }
}

/// The time of one stage, over all entity types and targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageTime {
    /// It computed.
    pub busy: Duration,
    /// It waited for somebody else: a backend, the disk, a processor. Waiting for the stages before and after it does not count.
    pub waiting: Duration,
}

/// The time of every stage. Stages work at the same time, so these do not add up to the run's duration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages(pub(crate) [StageTime; Stage::ALL.len()]);

impl Stages {
    /// Every stage with its time, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, StageTime)> + '_ {
        Stage::ALL.into_iter().zip(self.0)
    }
}
