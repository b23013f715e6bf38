//! The log of single entities, and the switches that fill it.

use std::{fmt::Write as _, time::SystemTime};

use rusqlite::{Connection, Row, params, types::Type};

use super::{
    super::{CountersOf, LogAction, LogEntry, LogQuery, Logged, RunId},
    commit,
    row::{milliseconds, time},
    schema,
    writer::Fault,
};

/// Add rows to a run.
pub(super) fn append(connection: &Connection, run: RunId, entries: &[LogEntry]) -> rusqlite::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO entity_log (run, at, system, entity_type, source_id, target_id, action, stage, code, message, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for entry in entries {
        insert.execute(params![
            run.0,
            milliseconds(entry.at),
            entry.system,
            entry.entity_type,
            entry.source_id,
            entry.target_id,
            entry.action.word(),
            entry.stage,
            entry.code,
            entry.message,
            entry.content,
        ])?;
    }
    Ok(())
}

/// The counts a run ends with, and the last rows of its log.
pub(super) fn record(connection: &Connection, run: RunId, counters: &[CountersOf], entries: &[LogEntry]) -> Result<(), Fault> {
    connection.execute("DELETE FROM run_count WHERE run = ?1", [run.0])?;
    for of in counters {
        commit::add(connection, run, &of.system, &of.entity_type, &of.counters)?;
    }
    append(connection, run, entries)?;
    Ok(())
}

/// Of these switches of a source those that are on and not used up. They are now; those that are off may be used again.
pub(super) fn use_once(connection: &Connection, source: &str, switches: &[(String, bool)]) -> Result<Vec<String>, Fault> {
    let mut fresh = Vec::new();
    for (name, on) in switches {
        if !on {
            connection.execute("DELETE FROM used_switch WHERE source = ?1 AND name = ?2", [source, name])?;
        } else if connection.execute("INSERT INTO used_switch (source, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING", [source, name])? > 0 {
            fresh.push(name.clone());
        }
    }
    Ok(fresh)
}

/// The rows a query asks for, the oldest first.
pub(super) fn find(connection: &Connection, query: &LogQuery) -> rusqlite::Result<Vec<Logged>> {
    let mut sql = String::from(
        "SELECT entity_log.id, run, run.source, at, system, entity_type, source_id, target_id, action, stage, code, message, content
         FROM entity_log JOIN run ON run.id = entity_log.run WHERE entity_log.id > :after",
    );
    let run = query.run.map(|run| run.0);
    let action = query.action.map(LogAction::word);
    let (system, id) = query.entity.as_ref().map(|(system, id)| (system, id)).unzip();
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let mut parameters: Vec<(&str, &dyn rusqlite::ToSql)> = vec![(":after", &query.after), (":limit", &limit)];
    if run.is_some() {
        sql.push_str(" AND run = :run");
        parameters.push((":run", &run));
    }
    if action.is_some() {
        sql.push_str(" AND action = :action");
        parameters.push((":action", &action));
    }
    if query.entity_type.is_some() {
        sql.push_str(" AND entity_type = :entity_type");
        parameters.push((":entity_type", &query.entity_type));
    }
    if query.entity.is_some() {
        // By the two indices first: neither alone could answer an OR.
        sql.push_str(
            " AND entity_log.id IN (SELECT id FROM entity_log WHERE source_id = :id UNION SELECT id FROM entity_log WHERE target_id = :id)
              AND (run.source = :system AND source_id = :id OR system = :system AND :id IN (source_id, target_id))",
        );
        parameters.push((":system", &system));
        parameters.push((":id", &id));
    }
    sql.push_str(" ORDER BY entity_log.id LIMIT :limit");
    connection.prepare_cached(&sql)?.query_map(parameters.as_slice(), logged)?.collect()
}

fn logged(row: &Row<'_>) -> rusqlite::Result<Logged> {
    let word: String = row.get(8)?;
    let action = LogAction::from_word(&word)
        .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(8, Type::Text, format!("no such action: {word}").into()))?;
    let entry = LogEntry {
        at: time(row.get(3)?),
        system: row.get(4)?,
        entity_type: row.get(5)?,
        source_id: row.get(6)?,
        target_id: row.get(7)?,
        action,
        stage: row.get(9)?,
        code: row.get(10)?,
        message: row.get(11)?,
        content: row.get(12)?,
    };
    Ok(Logged { id: row.get(0)?, run: RunId(row.get(1)?), source: row.get(2)?, entry })
}

/// What goes with its run.
const OF_A_RUN: [&str; 3] = ["entity_log", "run_count", "checkpoint"];

/// Remove runs that began before this moment, with all that belongs to them. Answers how many. Kept: what is still running, a source's last run, and a run that
/// anything else still refers to, as what it left in doubt.
pub(super) fn forget(connection: &Connection, before: SystemTime) -> Result<u64, Fault> {
    let mut old = String::from(
        "SELECT id FROM run WHERE started_at < ?1 AND status <> 'running' AND id NOT IN (SELECT max(id) FROM run GROUP BY source)",
    );
    for (table, column) in schema::referring_to(connection, "run")? {
        if !OF_A_RUN.contains(&table.as_str()) {
            let _ = write!(old, " AND id NOT IN (SELECT {column} FROM {table})");
        }
    }
    let before = milliseconds(before);
    for table in OF_A_RUN {
        connection.execute(&format!("DELETE FROM {table} WHERE run IN ({old})"), [before])?;
    }
    let forgotten = connection.execute(&format!("DELETE FROM run WHERE id IN ({old})"), [before])?;
    Ok(forgotten as u64)
}
