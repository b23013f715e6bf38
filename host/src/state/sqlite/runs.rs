//! Runs: begun, ended, remembered.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension as _, Row, params, types::Type};

use super::{
    super::{Checkpoint, Counters, CountersOf, Link, Run, RunId, RunStatus},
    row::{count, milliseconds, time},
    writer::Fault,
};

/// Whoever opens the state holds its lock, so a run that still counts as running died with its process.
pub(super) fn interrupt_all(connection: &Connection) -> rusqlite::Result<()> {
    let (dead, running) = (RunStatus::Interrupted.word(), RunStatus::Running.word());
    connection.execute("UPDATE run SET status = ?1 WHERE status = ?2", [dead, running])?;
    Ok(())
}

/// Begin a run of a source.
pub(super) fn begin(connection: &Connection, source: &str, job: &str, read_mode: &str, started_at: SystemTime) -> Result<RunId, Fault> {
    let (dead, running) = (RunStatus::Interrupted.word(), RunStatus::Running.word());
    connection.execute("UPDATE run SET status = ?1 WHERE status = ?2 AND source = ?3", [dead, running, source])?;
    clear_stale(connection, source)?;
    connection.execute(
        "INSERT INTO run (source, job, read_mode, status, started_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![source, job, read_mode, running, milliseconds(started_at)],
    )?;
    Ok(RunId(connection.last_insert_rowid()))
}

/// The table `stale` says for which relations.
fn clear_stale(connection: &Connection, source: &str) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare("SELECT stale.link, stale.entity_type FROM stale JOIN link ON link.id = stale.link WHERE link.source = ?1")?;
    let stale = statement.query_map([source], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    for of in stale.collect::<rusqlite::Result<Vec<_>>>()? {
        connection.execute(
            "UPDATE relation SET common_digest = NULL WHERE link = ?1 AND entity_type = ?2 AND common_digest IS NOT NULL",
            params![of.0, of.1],
        )?;
        connection.execute("DELETE FROM stale WHERE link = ?1 AND entity_type = ?2", params![of.0, of.1])?;
    }
    Ok(())
}

/// End a run.
pub(super) fn finish(connection: &Connection, run: RunId, status: RunStatus, ended_at: SystemTime, report: &str) -> Result<(), Fault> {
    // RETURNING, so that a run that does not exist is an error.
    let sql = "UPDATE run SET status = ?2, ended_at = ?3, report = ?4 WHERE id = ?1 RETURNING id";
    connection.query_row(sql, params![run.0, status.word(), milliseconds(ended_at), report], |_| Ok(()))?;
    Ok(())
}

const COLUMNS: &str = "id, source, job, read_mode, status, started_at, ended_at, report";

/// The latest run of a source.
pub(super) fn last(connection: &Connection, source: &str) -> rusqlite::Result<Option<Run>> {
    Ok(latest(connection, Some(source), 1)?.pop())
}

/// The latest runs, of one source or of all, the newest first.
pub(super) fn latest(connection: &Connection, source: Option<&str>, limit: usize) -> rusqlite::Result<Vec<Run>> {
    let of_source = if source.is_some() { "WHERE source = ?2" } else { "WHERE ?2 IS NULL" };
    let sql = format!("SELECT {COLUMNS} FROM run {of_source} ORDER BY id DESC LIMIT ?1");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let runs: Vec<Run> = connection.prepare_cached(&sql)?.query_map(params![limit, source], run)?.collect::<rusqlite::Result<_>>()?;
    runs.into_iter().map(|run| complete(connection, run)).collect()
}

/// One run.
pub(super) fn one(connection: &Connection, id: RunId) -> rusqlite::Result<Option<Run>> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE id = ?1");
    let found = connection.prepare_cached(&sql)?.query_row([id.0], run).optional()?;
    found.map(|run| complete(connection, run)).transpose()
}

/// With its counts and checkpoints.
fn complete(connection: &Connection, mut run: Run) -> rusqlite::Result<Run> {
    run.counters = counters(connection, run.id)?;
    run.checkpoints = checkpoints(connection, run.id)?;
    Ok(run)
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    let status: String = row.get(4)?;
    let status = RunStatus::from_word(&status)
        .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(4, Type::Text, format!("no such run status: {status}").into()))?;
    Ok(Run {
        id: RunId(row.get(0)?),
        source: row.get(1)?,
        job: row.get(2)?,
        read_mode: row.get(3)?,
        status,
        started_at: time(row.get(5)?),
        ended_at: row.get::<_, Option<i64>>(6)?.map(time),
        report: row.get(7)?,
        counters: vec![],
        checkpoints: vec![],
    })
}

fn counters(connection: &Connection, run: RunId) -> rusqlite::Result<Vec<CountersOf>> {
    let mut statement = connection.prepare_cached(
        "SELECT system, entity_type, read, created, updated, unchanged, deleted, skipped, failed FROM run_count
         WHERE run = ?1 ORDER BY system, entity_type",
    )?;
    let rows = statement.query_map([run.0], |row| {
        let counters = Counters {
            read: count(row, 2)?,
            created: count(row, 3)?,
            updated: count(row, 4)?,
            unchanged: count(row, 5)?,
            deleted: count(row, 6)?,
            skipped: count(row, 7)?,
            failed: count(row, 8)?,
        };
        Ok(CountersOf { system: row.get(0)?, entity_type: row.get(1)?, counters })
    })?;
    rows.collect()
}

fn checkpoints(connection: &Connection, run: RunId) -> rusqlite::Result<Vec<(Link, String, Checkpoint)>> {
    let mut statement = connection.prepare_cached(
        "SELECT link.source, link.target, entity_type, pages, cursor FROM checkpoint JOIN link ON link.id = checkpoint.link
         WHERE run = ?1 ORDER BY link.source, link.target, entity_type",
    )?;
    let rows = statement.query_map([run.0], |row| {
        let link = Link { source: row.get(0)?, target: row.get(1)? };
        Ok((link, row.get(2)?, Checkpoint { pages: count(row, 3)?, cursor: row.get(4)? }))
    })?;
    rows.collect()
}
