//! Files that are refused, and what is said about them.

use std::{fs, path::Path};

use super::*;

fn refused(path: &Path) -> StateError {
    match SqliteStore::open(path) {
        Ok(_) => panic!("{} was accepted", path.display()),
        Err(error) => error,
    }
}

/// Open, expect a code and a part of the message, and the file as it was.
fn refused_unchanged(path: &Path, code: &str, says: &str) {
    let before = fs::read(path).unwrap();
    let error = refused(path);
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(fs::read(path).unwrap(), before);
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let Fixture { store, folder, run } = Fixture::new().await;
    store.commit(PageCommit { changes: vec![insert("a")], ..PageCommit::new(run, link(), "user", now()) }).await.unwrap();
    drop(store);
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.ends_with("-wal")), "closing leaves one file and its lock: {names:?}");
    let store = SqliteStore::open(folder.path().join("state.db")).unwrap();
    assert_eq!(store.count(&link(), "user").await.unwrap(), 1);
}

#[tokio::test]
async fn an_empty_file_becomes_a_state_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    fs::write(&path, "").unwrap();
    let store = SqliteStore::open(&path).unwrap();
    store.begin_run("hr", "read", "full", now()).await.unwrap();
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    fs::write(&path, "id,userName\n1,jdoe\n".repeat(400)).unwrap();
    refused_unchanged(&path, "state.open", "not an SQLite database");
    fs::write(&path, "short").unwrap();
    refused_unchanged(&path, "state.open", "not an SQLite database");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE link (id)").unwrap();
    refused_unchanged(&path, "state.open", "of another program");
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA application_id = 7; PRAGMA user_version = 1").unwrap();
    refused_unchanged(&path, "state.open", "of another program");
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    drop(SqliteStore::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 999").unwrap();
    refused_unchanged(&path, "state.version", "newer Provisor (schema version 999; this one knows up to ");
}

#[test]
fn paths_that_cannot_be_a_file_are_refused() {
    let folder = TempDir::new().unwrap();
    let error = refused(folder.path());
    assert!(error.code() == "state.open" && error.to_string().contains("it is a folder"), "{error}");
    let error = refused(&folder.path().join("missing/state.db"));
    assert!(error.code() == "state.open" && error.to_string().contains("its folder does not exist"), "{error}");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(refused(&file.join("state.db")).code(), "state.open");
    for path in ["", "/", "..", "a\0b"] {
        assert_eq!(refused(Path::new(path)).code(), "state.open", "{path:?}");
    }
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let expect_refusal = || {
        let error = refused(&path);
        assert!(error.code() == "state.open" && error.to_string().contains("needs to write the file and its folder"), "{error}");
    };
    allow(folder.path(), 0o555);
    // The superuser may write everywhere; there is nothing to see then.
    if fs::write(folder.path().join("probe"), "").is_err() {
        expect_refusal();
        allow(folder.path(), 0o755);
        drop(SqliteStore::open(&path).unwrap());
        allow(&path, 0o444);
        expect_refusal();
    }
    allow(folder.path(), 0o755);
}

#[tokio::test]
async fn only_one_at_a_time() {
    let fixture = Fixture::new().await;
    let path = fixture.folder.path().join("state.db");
    let error = refused(&path);
    assert_eq!(error.code(), "state.locked");
    assert!(error.to_string().contains("in use by this very process"), "{error}");
    #[cfg(unix)]
    {
        let other_name = fixture.folder.path().join("link.db");
        std::os::unix::fs::symlink(&path, &other_name).unwrap();
        assert_eq!(refused(&other_name).code(), "state.locked");
    }
    drop(fixture.store);
    SqliteStore::open(&path).unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_called_damaged() {
    let Fixture { store, folder, run } = Fixture::new().await;
    for page in 0..20 {
        let changes = (0..200).map(|index| insert(&format!("{page}-{index}"))).collect();
        store.commit(PageCommit { changes, ..PageCommit::new(run, link(), "user", now()) }).await.unwrap();
    }
    drop(store);
    let path = folder.path().join("state.db");
    let mut bytes = fs::read(&path).unwrap();
    // Everything but the first page, which holds the schema.
    bytes[8192..].fill(0xAA);
    fs::write(&path, bytes).unwrap();
    let read_or_write = || async {
        let store = SqliteStore::open(&path)?;
        store.relations(&link(), "user", &["1-1"]).await?;
        store.count(&link(), "user").await
    };
    assert_eq!(read_or_write().await.unwrap_err().code(), "state.corrupt");
    fs::write(&path, &fs::read(&path).unwrap()[..5000]).unwrap();
    assert_eq!(read_or_write().await.unwrap_err().code(), "state.corrupt");
}

#[tokio::test]
async fn a_value_no_column_of_ours_can_hold_is_called_damage() {
    let fixture = Fixture::new().await;
    fixture.store.commit(fixture.page("user", vec![insert("a")])).await.unwrap();
    fixture.shell().execute_batch("UPDATE relation SET updated_at = 'yesterday'; UPDATE run SET status = 'fine'").unwrap();
    assert_eq!(fixture.store.relations(&link(), "user", &["a"]).await.unwrap_err().code(), "state.corrupt");
    assert_eq!(fixture.store.last_run("hr").await.unwrap_err().code(), "state.corrupt");
    // The connection that met it is not lost.
    for _ in 0..10 {
        fixture.store.relations(&link(), "user", &["a"]).await.unwrap_err();
    }
    assert_eq!(fixture.store.count(&link(), "user").await.unwrap(), 1);
}
