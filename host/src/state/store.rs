//! The trait behind which the state lives.

use std::time::SystemTime;

use async_trait::async_trait;

use super::{
    Committed, CountersOf, DeletionStore, DeltaToken, IntentId, Link, LogEntry, LogQuery, Logged, Lookup, Membership, NotificationStore,
    PageCommit, Relation, ResetCounts, Run, RunId, RunStatus, Seen, StateError,
};

/// What a run remembers, a page at a time.
///
/// A write has happened, durably, when its future answers. Dropping the future does not take it back: it may or may not happen. A read sees every
/// write that was answered before it began. Ids and entity types are case-sensitive text.
#[async_trait]
pub trait StateStore: DeletionStore + NotificationStore {
    /// The relations of these source entities, in the order of the ids.
    async fn relations(&self, link: &Link, entity_type: &str, source_ids: &[&str]) -> Result<Vec<Option<Relation>>, StateError>;

    /// What these source entities were last sent as members, in the order of the ids; nothing where that is not known.
    async fn memberships(&self, link: &Link, entity_type: &str, source_ids: &[&str]) -> Result<Vec<Option<Membership>>, StateError>;

    /// The source entity this target entity is related to, the oldest relation if there are several.
    async fn related_to(&self, link: &Link, entity_type: &str, target_id: &str) -> Result<Option<String>, StateError>;

    /// The target ids of source entities, in the order of the lookups.
    async fn resolve(&self, lookups: Vec<Lookup>) -> Result<Vec<Option<String>>, StateError>;

    /// How many relations there are.
    async fn count(&self, link: &Link, entity_type: &str) -> Result<u64, StateError>;

    /// The relations that are not in `seen`, in ascending order of their ids, at most `limit` of them, beginning after the id `after` (0 for the
    /// first page).
    async fn unseen(&self, link: &Link, entity_type: &str, seen: &Seen, after: i64, limit: usize) -> Result<Vec<Relation>, StateError>;

    /// How many relations are not in `seen`.
    async fn count_unseen(&self, link: &Link, entity_type: &str, seen: &Seen) -> Result<u64, StateError>;

    /// Say that these source entities are about to be created in the target. Only once this is answered may the creates be sent.
    async fn intend(&self, run: RunId, link: &Link, entity_type: &str, source_ids: &[&str]) -> Result<IntentId, StateError>;

    /// Source ids that runs which are over meant to create and did not commit: they may or may not exist in the target. Sorted, each once.
    async fn leftover_intents(&self, link: &Link, entity_type: &str) -> Result<Vec<String>, StateError>;

    /// These leftovers need no attention any more: it is known whether they exist, and what follows from it is committed. Intents of runs that
    /// are still running are not touched.
    async fn settle(&self, link: &Link, entity_type: &str, source_ids: &[&str]) -> Result<(), StateError>;

    /// Commit a page's outcome.
    ///
    /// A relation that gets another target id, or is deleted, makes documents stale that were mapped with the old answer of
    /// [`StateStore::resolve`]. So that these are mapped again, the common digests of the link's other entity types are cleared in
    /// the same transaction, and those of the same entity type when the next run begins.
    async fn commit(&self, page: PageCommit) -> Result<Committed, StateError>;

    /// For each of these target ids whether more than one relation names it, over all sources of this link's target: such an entity must not be deleted
    /// because one of them is gone.
    async fn shared(&self, link: &Link, entity_type: &str, target_ids: &[&str]) -> Result<Vec<bool>, StateError>;

    /// Where this target was when its relations were made, as [`StateStore::set_place`] was told.
    async fn place(&self, target: &str) -> Result<Option<String>, StateError>;

    /// Remember where a target is. Target ids mean nothing anywhere else.
    async fn set_place(&self, target: &str, place: &str) -> Result<(), StateError>;

    /// Begin a run. A run of the same source that never ended becomes [`RunStatus::Interrupted`].
    async fn begin_run(&self, source: &str, job: &str, read_mode: &str, started_at: SystemTime) -> Result<RunId, StateError>;

    /// End a run. `report` is a JSON object as text.
    async fn finish_run(&self, run: RunId, status: RunStatus, ended_at: SystemTime, report: &str) -> Result<(), StateError>;

    /// Where the next delta read of each entity type of a source begins.
    async fn delta_tokens(&self, source: &str) -> Result<Vec<DeltaToken>, StateError>;

    /// Remember these tokens of a source, and forget all others it had.
    async fn set_delta_tokens(&self, source: &str, tokens: Vec<DeltaToken>) -> Result<(), StateError>;

    /// How many scheduled delta reads there were since the last scheduled full one.
    async fn delta_runs(&self, source: &str) -> Result<u64, StateError>;

    /// Remember that number.
    async fn set_delta_runs(&self, source: &str, count: u64) -> Result<(), StateError>;

    /// The latest run of a source, the one that is running included.
    async fn last_run(&self, source: &str) -> Result<Option<super::Run>, StateError>;

    /// The counts a run ends with, in place of those committed with its pages, and what is left of its log.
    async fn record(&self, run: RunId, counters: Vec<CountersOf>, log: Vec<LogEntry>) -> Result<(), StateError>;

    /// Of these switches (name, on) of a source, the ones that are on and have been off since they were used last. With that they are used: the next time they
    /// are not among the answers, until they have been off once.
    async fn use_once(&self, source: &str, switches: Vec<(String, bool)>) -> Result<Vec<String>, StateError>;

    /// Remove the runs that began before this moment, with their counts, checkpoints and logs; a source's last run stays, and relations are not touched. Answers how
    /// many runs were removed.
    async fn forget_runs(&self, before: SystemTime) -> Result<u64, StateError>;

    /// Forget everything about the entities of a system, as a source and as a target: relations, digests, what is in doubt, where the target is, the log,
    /// and the delta tokens, of a target those of its sources, so that the next read is a full one. Runs and their counts stay.
    async fn reset(&self, system: &str) -> Result<ResetCounts, StateError>;

    /// Whether anything was ever remembered under this system's name.
    async fn knows(&self, system: &str) -> Result<bool, StateError>;

    /// The latest runs, of one source or of all, the newest first.
    async fn runs(&self, source: Option<&str>, limit: usize) -> Result<Vec<Run>, StateError>;

    /// One run.
    async fn run(&self, id: RunId) -> Result<Option<Run>, StateError>;

    /// Rows of the log of single entities.
    async fn log(&self, query: LogQuery) -> Result<Vec<Logged>, StateError>;
}
