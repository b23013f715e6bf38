//! Deletions that a run did not carry out by itself, and what they are judged by: kept so that an operator can have exactly these carried out.

use std::time::SystemTime;

use async_trait::async_trait;

use super::{Digest, Link, RunId, Seen, StateError};

/// In which way an entity was not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The source does not have it any more.
    Gone,
    /// The source has it, and a transformation leaves it out.
    LeftScope,
}

impl Cause {
    /// The word in the state file and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::LeftScope => "left scope",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::Gone, Self::LeftScope].into_iter().find(|cause| cause.word() == word)
    }
}

/// One deletion that was held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldDeletion {
    /// The relation as it was then.
    pub relation: i64,
    /// `entityIdSourceSystem`.
    pub source_id: String,
    /// The id in the target.
    pub target_id: String,
    pub cause: Cause,
    /// It was to be disabled, not deleted.
    pub disable: bool,
    /// What became of it since; `None` while it is open.
    pub outcome: Option<HeldOutcome>,
}

/// What became of a deletion that was held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldOutcome {
    /// Accepted, and gone from the target.
    Deleted,
    /// Accepted, and disabled in the target.
    Disabled,
    /// Accepted, and kept all the same: protected, or somebody else's too.
    Kept,
    /// A later run met the entity in its source again.
    Returned,
    /// The relation is not what it was any more: another run has written or deleted the entity.
    Changed,
}

impl HeldOutcome {
    const ALL: [Self; 5] = [Self::Deleted, Self::Disabled, Self::Kept, Self::Returned, Self::Changed];

    /// The word in the state file and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Disabled => "disabled",
            Self::Kept => "kept",
            Self::Returned => "returned",
            Self::Changed => "changed",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// The list of one run, target and entity type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldList {
    pub link: Link,
    pub entity_type: String,
    /// Why it was held back: a stable, dotted code.
    pub code: String,
    /// How many are on it.
    pub total: u64,
    /// How many of them nothing has become of yet.
    pub open: u64,
    /// A later run of the source that did not come to its end here, if none has since: whom it met nobody knows.
    pub in_doubt: Option<RunId>,
}

/// A run that may have held something back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRun {
    pub source: String,
    pub started_at: SystemTime,
}

/// Whom a read of one entity type for one target met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// Somebody may be missing.
    Some,
    /// All who changed: a delta read.
    Changed,
    /// Everybody: nothing is left of the doubt that runs before have left.
    Everybody,
}

/// What the state remembers for deletions; a part of [`super::StateStore`].
#[async_trait]
pub trait DeletionStore: Send + Sync {
    /// Add to the list of this run, link and entity type. Lists of the latest ten runs are kept, older ones are removed.
    async fn hold(&self, run: RunId, link: &Link, entity_type: &str, code: &str, held: Vec<HeldDeletion>) -> Result<(), StateError>;

    /// The run; `None` where there is no such run.
    async fn held_run(&self, run: RunId) -> Result<Option<HeldRun>, StateError>;

    /// All lists of a run, by link and entity type.
    async fn held_lists(&self, run: RunId) -> Result<Vec<HeldList>, StateError>;

    /// What is on a list, in ascending order of the relations, at most `limit`, beginning after the relation `after` (0 for the first page).
    async fn held(&self, run: RunId, link: &Link, entity_type: &str, after: i64, limit: usize) -> Result<Vec<HeldDeletion>, StateError>;

    /// Say what became of these relations on a list.
    async fn settle_held(&self, run: RunId, link: &Link, entity_type: &str, outcomes: Vec<(i64, HeldOutcome)>) -> Result<(), StateError>;

    /// A read of these entities has ended: what is open of them and was met has returned, `met` in `seen` or, where it was gone, in `left_scope`.
    async fn returned(
        &self,
        run: RunId,
        link: &Link,
        entity_type: &str,
        seen: &Seen,
        left_scope: &Seen,
        read: Met,
    ) -> Result<(), StateError>;

    /// The latest run that held this relation's deletion back, and the code it gave, while that is open.
    async fn held_by(&self, link: &Link, entity_type: &str, relation: i64) -> Result<Option<(RunId, String)>, StateError>;

    /// What the ids of these entities were made by in the last run that could tell, as [`DeletionStore::set_identity`] was told.
    async fn identity(&self, link: &Link, entity_type: &str) -> Result<Option<Digest>, StateError>;

    /// Remember what the ids of these entities are made by.
    async fn set_identity(&self, link: &Link, entity_type: &str, identity: Digest) -> Result<(), StateError>;
}
