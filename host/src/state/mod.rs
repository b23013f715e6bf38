//! What must survive a run: which target entity stands for which source entity, the digests that tell "nothing to do", what was about to be
//! created, and how each run went.
//!
//! The pipeline speaks to [`StateStore`], a page at a time. [`SqliteStore`] keeps everything in one `SQLite` file that anyone can open and query.
//! No attribute of any entity is kept here: ids, digests and counts only, but for contents the operator asked for in the log of one run. Plugins, HTTP and the meaning of a job are not this room's business.
//!
//! A page goes through here three times:
//!
//! 1. [`relations`](StateStore::relations): which of these source ids are known, and with which digests;
//! 2. [`intend`](StateStore::intend): before creates are sent, so that a killed process knows what it may have created;
//! 3. [`commit`](StateStore::commit): the outcomes, the counts, the checkpoint and the end of the intent, all or nothing.

mod delta;
mod error;
mod held;
mod log;
mod membership;
mod notification;
mod page;
mod relation;
mod run;
mod seen;
mod sqlite;
mod store;
mod target_lock;

pub use delta::DeltaToken;
pub use error::StateError;
pub use held::{Cause, DeletionStore, HeldDeletion, HeldList, HeldOutcome, HeldRun, Met};
pub use log::{LogAction, LogEntry, LogQuery, Logged, ResetCounts};
pub use membership::Membership;
pub use notification::{NotificationStore, Series};
pub use page::{Checkpoint, Committed, IntentId, PageCommit, RelationChange};
pub use relation::{Digest, Link, Lookup, Relation};
pub use run::{Counters, CountersOf, Run, RunId, RunStatus};
pub use seen::Seen;
pub use sqlite::SqliteStore;
pub use store::StateStore;
pub use target_lock::TargetLock;
