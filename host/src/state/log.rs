//! The log of single entities (spec section 2.15).

use std::time::SystemTime;

use super::RunId;

/// What became of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogAction {
    Failed,
    Skipped,
    Created,
    Updated,
    Deleted,
    /// It was due for deletion and stays in the target; its relation is dropped.
    Kept,
    /// It was gone or left the scope, and is disabled in the target instead of deleted.
    Disabled,
    /// Its deletion waits for an operator.
    HeldBack,
}

impl LogAction {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Failed, Self::Skipped, Self::Created, Self::Updated, Self::Deleted, Self::Kept, Self::Disabled, Self::HeldBack];

    /// The word in the state file and in exports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Kept => "kept",
            Self::Disabled => "disabled",
            Self::HeldBack => "held-back",
        }
    }

    /// The action a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.word() == word)
    }
}

/// One row: what became of one entity in one system. No attribute of it is here, but for `content`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// To the millisecond.
    pub at: SystemTime,
    /// The source or a target, by its name in the manifest.
    pub system: String,
    pub entity_type: String,
    /// `entityIdSourceSystem`; before the read mapping the connector's id; empty if there is none.
    pub source_id: String,
    pub target_id: Option<String>,
    pub action: LogAction,
    /// Of a failure, as in [`crate::report::Failure::stage`].
    pub stage: Option<String>,
    /// Of a failure: stable, dotted.
    pub code: Option<String>,
    /// Why it failed, was skipped or kept.
    pub message: Option<String>,
    /// The entity's document, only where that was asked for.
    pub content: Option<String>,
}

/// A row as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Ascending in the order of writing.
    pub id: i64,
    pub run: RunId,
    /// The run's source.
    pub source: String,
    pub entry: LogEntry,
}

/// Which rows; everything that is set has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    pub run: Option<RunId>,
    /// A system and an id in it: the source's rows of this source id and what became of it in targets, or a target's rows of this target or source id.
    pub entity: Option<(String, String)>,
    pub entity_type: Option<String>,
    pub action: Option<LogAction>,
    /// Only rows with a greater id: where the page before ended.
    pub after: i64,
    /// At most so many rows, the oldest first.
    pub limit: usize,
}

/// What a reset removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResetCounts {
    pub relations: u64,
    /// Entities noted as about to be written.
    pub intents: u64,
    /// Rows of the log of single entities.
    pub log: u64,
}
