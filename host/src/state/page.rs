//! What one page of entities leaves behind, committed as a whole.

use std::time::SystemTime;

use super::{Counters, CountersOf, Digest, Link, LogEntry, Membership, RunId};

/// The announcement that a page's creates are about to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntentId(pub i64);

/// One change of one relation. Digests are absolute: what is given replaces what was there, `None` included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelationChange {
    /// A source entity that had no relation. A second insert for the same source id fails the page.
    Insert {
        /// `entityIdSourceSystem`.
        source_id: String,
        /// The id in the target.
        target_id: String,
        /// The target entity was found, not created.
        existed_before: bool,
        /// See [`super::Relation::common_digest`].
        common_digest: Option<Digest>,
        /// See [`super::Relation::target_digest`].
        target_digest: Option<Digest>,
    },
    /// New digests, and a new target id where the target entity had to be created again.
    Update {
        /// The relation. One that is not there fails the page.
        id: i64,
        /// `None` keeps the target id. Where it differs, every relation whose document may name the old id is marked for mapping again,
        /// see [`super::StateStore::commit`].
        target_id: Option<String>,
        /// `None` keeps the flag.
        existed_before: Option<bool>,
        /// See [`super::Relation::common_digest`].
        common_digest: Option<Digest>,
        /// See [`super::Relation::target_digest`].
        target_digest: Option<Digest>,
    },
    /// The target entity was disabled: the digests are cleared, so that whoever comes back is written again.
    Disable {
        /// The relation. One that is not there fails the page.
        id: i64,
    },
    /// The target entity is not disabled any more.
    Enable {
        /// The relation.
        id: i64,
    },
    /// The target entity is gone, or no longer ours. Deleting a relation that is not there is no error.
    Delete {
        /// The relation.
        id: i64,
    },
}

/// Where the reading of one entity type stands once a page is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many pages are done.
    pub pages: u64,
    /// The cursor of the next page; `None` after the last.
    pub cursor: Option<String>,
}

/// A page's outcome: all of it is committed, or nothing.
#[derive(Clone, Debug)]
pub struct PageCommit {
    /// The run that did it.
    pub run: RunId,
    /// Where the relations belong.
    pub link: Link,
    /// Where the relations belong.
    pub entity_type: String,
    /// In this order.
    pub changes: Vec<RelationChange>,
    /// What is known from now on about the members of these source entities; `None`: nothing.
    pub memberships: Vec<(String, Option<Membership>)>,
    /// The intent this page settles.
    pub intents_done: Option<IntentId>,
    /// What to add to the run's counts.
    pub counters: Vec<CountersOf>,
    /// What to add to the run's log of single entities.
    pub log: Vec<LogEntry>,
    /// Replaces the run's checkpoint of this link and entity type; `None` leaves it.
    pub checkpoint: Option<Checkpoint>,
    /// Becomes the `updated_at` of the changed relations.
    pub at: SystemTime,
}

impl PageCommit {
    /// A page without changes; fill in what there is.
    pub fn new(run: RunId, link: Link, entity_type: impl Into<String>, at: SystemTime) -> Self {
        Self {
            run,
            link,
            entity_type: entity_type.into(),
            changes: vec![],
            memberships: vec![],
            intents_done: None,
            counters: vec![],
            log: vec![],
            checkpoint: None,
            at,
        }
    }

    /// Add to the run's counts of a system, for this page's entity type.
    #[must_use]
    pub fn count(mut self, system: impl Into<String>, counters: Counters) -> Self {
        self.counters.push(CountersOf { system: system.into(), entity_type: self.entity_type.clone(), counters });
        self
    }
}

/// What a commit answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The ids of the relations that were inserted, in the order of the inserts among the changes.
    pub inserted: Vec<i64>,
}
