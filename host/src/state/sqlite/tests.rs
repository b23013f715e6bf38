//! Tests on real files. What each is about: its module.

mod commit;
mod delta;
mod group;
mod held;
mod kill;
mod log;
mod model;
mod notification;
mod opening;
mod runs;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::{super::*, SqliteStore};

/// A store in a folder that goes with it.
struct Fixture {
    store: SqliteStore,
    folder: TempDir,
    run: RunId,
}

impl Fixture {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(folder.path().join("state.db")).unwrap();
        let run = store.begin_run("hr", "read", "full", now()).await.unwrap();
        Self { store, folder, run }
    }

    /// A look at the file from outside, as an administrator would take it.
    fn shell(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("state.db")).unwrap()
    }

    fn page(&self, entity_type: &str, changes: Vec<RelationChange>) -> PageCommit {
        PageCommit { changes, ..PageCommit::new(self.run, link(), entity_type, now()) }
    }

    async fn relation(&self, entity_type: &str, source_id: &str) -> Option<Relation> {
        self.store.relations(&link(), entity_type, &[source_id]).await.unwrap().remove(0)
    }
}

fn link() -> Link {
    Link::new("hr", "directory")
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_790_000_000_123)
}

/// A relation whose target id is `t-` and the source id, both digests set.
fn insert(source_id: &str) -> RelationChange {
    RelationChange::Insert {
        source_id: source_id.to_owned(),
        target_id: format!("t-{source_id}"),
        existed_before: false,
        common_digest: Some([1; 32]),
        target_digest: Some([2; 32]),
    }
}

/// Another target id, both digests set.
fn retarget(id: i64, target_id: &str) -> RelationChange {
    RelationChange::Update {
        id,
        target_id: Some(target_id.to_owned()),
        existed_before: None,
        common_digest: Some([3; 32]),
        target_digest: Some([4; 32]),
    }
}
