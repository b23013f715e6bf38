//! The tables, the file's identity and how connections are set up.
//!
//! Singular names are the tables, the plural names are views of them for people and reports, with system names, readable times and digests in
//! hexadecimal. Times in tables are milliseconds since 1970-01-01 UTC.
//!
//! Deliberately absent: any attribute of any entity, but for contents in the log that the operator asked for.

use std::{io, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::super::{StateError, error::Doing};

/// `PRAGMA application_id`: "PVSR".
const APPLICATION_ID: i64 = 0x5056_5352;

/// How long to wait for a program outside, such as a shell that has the file open, to let go.
const BUSY: Duration = Duration::from_secs(10);

/// Step `n` leads from schema version `n` to `n + 1`. A step that was released is never edited.
const STEPS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_delta.sql"),
    include_str!("schema_membership.sql"),
    include_str!("schema_entity_log.sql"),
    include_str!("schema_held_deletions.sql"),
    include_str!("schema_notification.sql"),
];

/// The connection that writes. Makes the file if there is none and brings an older one up to date.
pub(super) fn open(path: &Path) -> Result<Connection, StateError> {
    let failed = |error: rusqlite::Error| StateError::sqlite(path, Doing::Open, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    let version = check_identity(&connection, path)?;
    // SQLite opens a file it may not write for reading, without a word.
    if connection.is_readonly("main").map_err(failed)? {
        return Err(StateError::open_io(path, &io::ErrorKind::PermissionDenied.into()));
    }

    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        return Err(StateError::open(
            path,
            "the file system has no shared memory for SQLite's write-ahead log; keep the state on a local disk",
        ));
    }
    // No mmap_size: mapping the file was no faster, and the whole index would count as this process's memory.
    // FULL: what was answered as committed survives a power failure, not only a crash.
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;
             PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 67108864;",
        )
        .map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    migrate(&mut connection, version).map_err(failed)?;
    Ok(connection)
}

/// A connection that reads, on a file that `open` has accepted.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let has_log = std::fs::metadata(log).is_ok_and(|log| log.len() > 0);
    // Read-write, because a reader takes part in the shared memory of the write-ahead log; `query_only` keeps it from writing.
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    // A reader that is the last one out, beside a process that was killed, leaves the write-ahead log to the next one that writes; where there was none, its own empty
    // one goes with it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096;")?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Write a copy of a state file, what is still in its write-ahead log included.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), StateError> {
    let failed = |error: rusqlite::Error| StateError::sqlite(from, Doing::Open, &error);
    let connection = open_reader(from).map_err(failed)?;
    check_identity(&connection, from)?;
    // VACUUM writes nothing but the copy; `query_only` would refuse it all the same.
    connection.execute_batch("PRAGMA query_only = OFF").map_err(failed)?;
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map_err(failed)?;
    Ok(())
}

/// Whether there is anything in the file; it has to be of this version then. Writes nothing.
pub(super) fn is_ours(path: &Path) -> Result<bool, StateError> {
    let failed = |error: rusqlite::Error| StateError::sqlite(path, Doing::Open, &error);
    let connection = open_reader(path).map_err(failed)?;
    let version = check_identity(&connection, path)?;
    if version != 0 && version < i64::try_from(STEPS.len()).unwrap_or(i64::MAX) {
        return Err(StateError::open(path, "it was written by an older Provisor; the next run brings it up to date"));
    }
    Ok(version != 0)
}

/// The schema version of a file that is ours, 0 for an empty one. Writes nothing.
fn check_identity(connection: &Connection, path: &Path) -> Result<i64, StateError> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let identity = || Ok((number("PRAGMA application_id")?, number("PRAGMA user_version")?, number("SELECT count(*) FROM sqlite_schema")?));
    let (application, version, objects) = identity().map_err(|error: rusqlite::Error| StateError::sqlite(path, Doing::Open, &error))?;
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    match (application, version) {
        (0, 0) if objects == 0 => Ok(0),
        (APPLICATION_ID, 1..) if version <= known => Ok(version),
        (APPLICATION_ID, 1..) => Err(StateError::Version { path: path.to_owned(), found: version, known }),
        _ => Err(StateError::open(path, "it is an SQLite database of another program; name another state file, or move this one away")),
    }
}

/// The tables, and their columns, with references to this one.
pub(super) fn referring_to(connection: &Connection, table: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let sql = "SELECT known.name, reference.\"from\" FROM sqlite_schema AS known, pragma_foreign_key_list(known.name) AS reference
               WHERE known.type = 'table' AND reference.\"table\" = ?1 ORDER BY known.name";
    connection.prepare_cached(sql)?.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn migrate(connection: &mut Connection, version: i64) -> rusqlite::Result<()> {
    let done = usize::try_from(version).unwrap_or(0);
    if done == STEPS.len() {
        return Ok(());
    }
    // The version is part of the file's header page and so of the transaction: a file is never between two versions.
    let transaction = connection.transaction()?;
    for step in &STEPS[done..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", i64::try_from(STEPS.len()).unwrap_or(i64::MAX))?;
    transaction.commit()
}
