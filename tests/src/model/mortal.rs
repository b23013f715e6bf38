//! A state that ends a run at one of its writes: the process is killed before or after it, the disk is full, or somebody asks the run to stop.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use async_trait::async_trait;
use provisor::{
    pipeline::Stopper,
    state::{
        Committed, CountersOf, DeletionStore, DeltaToken, HeldDeletion, HeldList, HeldOutcome, HeldRun, IntentId, Link, LogEntry, LogQuery,
        Logged, Lookup, Membership, Met, NotificationStore, PageCommit, Relation, ResetCounts, Run, RunId, RunStatus, Seen, Series,
        SqliteStore, StateError, StateStore,
    },
};
use tokio::sync::Notify;

type Digest = [u8; 32];

/// What happens at a write, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    KilledBefore(u64),
    KilledAfter(u64),
    /// There is no room for so many writes.
    Full(u64, u64),
    Stopped(u64),
}

pub(super) struct Mortal {
    inner: Arc<SqliteStore>,
    end: Option<End>,
    writes: AtomicU64,
    stopper: Stopper,
    /// The process is dead: nothing is answered any more.
    pub died: Arc<Notify>,
}

impl Mortal {
    pub(super) fn new(inner: Arc<SqliteStore>, end: Option<End>, stopper: Stopper) -> Self {
        Self { inner, end, writes: AtomicU64::new(0), stopper, died: Arc::default() }
    }

    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }

    async fn write<T>(&self, write: impl Future<Output = Result<T, StateError>>) -> Result<T, StateError> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        match self.end {
            Some(End::KilledBefore(at)) if number >= at => return self.die().await,
            Some(End::Full(at, count)) if (at..at + count).contains(&number) => {
                return Err(StateError::Full { path: PathBuf::from("state.db"), detail: "on purpose".into() });
            }
            Some(End::Stopped(at)) if number == at => self.stopper.ask(),
            _ => {}
        }
        let answer = write.await;
        if self.end.is_some_and(|end| matches!(end, End::KilledAfter(at) if number >= at)) {
            return self.die().await;
        }
        answer
    }
}

/// A trait whose reads go through and whose writes may be the end.
macro_rules! through {
    ($trait:ident {
        $(read $read:ident($($name:ident: $type:ty),*) -> $answer:ty;)*
        $(write $write:ident($($of:ident: $given:ty),*) -> $result:ty;)*
    }) => {
        #[async_trait]
        impl $trait for Mortal {
            $(async fn $read(&self, $($name: $type),*) -> Result<$answer, StateError> {
                self.inner.$read($($name),*).await
            })*
            $(async fn $write(&self, $($of: $given),*) -> Result<$result, StateError> {
                self.write(self.inner.$write($($of),*)).await
            })*
        }
    };
}

through!(DeletionStore {
    read held_run(run: RunId) -> Option<HeldRun>;
    read held_lists(run: RunId) -> Vec<HeldList>;
    read held(run: RunId, link: &Link, entity_type: &str, after: i64, limit: usize) -> Vec<HeldDeletion>;
    read held_by(link: &Link, entity_type: &str, relation: i64) -> Option<(RunId, String)>;
    read identity(link: &Link, entity_type: &str) -> Option<Digest>;
    write hold(run: RunId, link: &Link, entity_type: &str, code: &str, held: Vec<HeldDeletion>) -> ();
    write settle_held(run: RunId, link: &Link, entity_type: &str, outcomes: Vec<(i64, HeldOutcome)>) -> ();
    write returned(run: RunId, link: &Link, entity_type: &str, seen: &Seen, left_scope: &Seen, read: Met) -> ();
    write set_identity(link: &Link, entity_type: &str, identity: Digest) -> ();
});

through!(NotificationStore {
    read series(source: &str) -> Series;
    write set_series(source: &str, series: Series, run: RunId, report: &str) -> ();
});

through!(StateStore {
    read relations(link: &Link, entity_type: &str, source_ids: &[&str]) -> Vec<Option<Relation>>;
    read memberships(link: &Link, entity_type: &str, source_ids: &[&str]) -> Vec<Option<Membership>>;
    read related_to(link: &Link, entity_type: &str, target_id: &str) -> Option<String>;
    read resolve(lookups: Vec<Lookup>) -> Vec<Option<String>>;
    read count(link: &Link, entity_type: &str) -> u64;
    read unseen(link: &Link, entity_type: &str, seen: &Seen, after: i64, limit: usize) -> Vec<Relation>;
    read count_unseen(link: &Link, entity_type: &str, seen: &Seen) -> u64;
    read leftover_intents(link: &Link, entity_type: &str) -> Vec<String>;
    read shared(link: &Link, entity_type: &str, target_ids: &[&str]) -> Vec<bool>;
    read place(target: &str) -> Option<String>;
    read delta_tokens(source: &str) -> Vec<DeltaToken>;
    read delta_runs(source: &str) -> u64;
    read last_run(source: &str) -> Option<Run>;
    read knows(system: &str) -> bool;
    read runs(source: Option<&str>, limit: usize) -> Vec<Run>;
    read run(id: RunId) -> Option<Run>;
    read log(query: LogQuery) -> Vec<Logged>;
    write intend(run: RunId, link: &Link, entity_type: &str, source_ids: &[&str]) -> IntentId;
    write settle(link: &Link, entity_type: &str, source_ids: &[&str]) -> ();
    write commit(page: PageCommit) -> Committed;
    write set_place(target: &str, place: &str) -> ();
    write begin_run(source: &str, job: &str, read_mode: &str, started_at: SystemTime) -> RunId;
    write finish_run(run: RunId, status: RunStatus, ended_at: SystemTime, report: &str) -> ();
    write set_delta_tokens(source: &str, tokens: Vec<DeltaToken>) -> ();
    write set_delta_runs(source: &str, count: u64) -> ();
    write record(run: RunId, counters: Vec<CountersOf>, log: Vec<LogEntry>) -> ();
    write use_once(source: &str, switches: Vec<(String, bool)>) -> Vec<String>;
    write forget_runs(before: SystemTime) -> u64;
    write reset(system: &str) -> ResetCounts;
});
