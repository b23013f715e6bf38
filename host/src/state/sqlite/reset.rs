//! Forgetting a system (spec section 2.4): what is known about its entities, not its runs and their counts.

use rusqlite::Connection;

use super::{super::ResetCounts, row, schema, writer::Fault};

/// The links a system has a part in.
const LINKS: &str = "SELECT id FROM link WHERE source = ?1 OR target = ?1";

/// Remove everything that is known about a system's entities, as a source and as a target.
pub(super) fn system(connection: &Connection, system: &str) -> Result<ResetCounts, Fault> {
    // Tables may refer to each other; what counts is how they stand when all is done.
    connection.execute_batch("PRAGMA defer_foreign_keys = ON")?;
    let all = |sql: &str| connection.execute(sql, [system]).map(|rows| rows as u64);
    let noted = format!("SELECT coalesce(sum(json_array_length(source_ids)), 0) FROM intent WHERE link IN ({LINKS})");
    let mut removed = ResetCounts { intents: connection.query_row(&noted, [system], |row| row::count(row, 0))?, ..ResetCounts::default() };
    // Whatever belongs to a link is known about the entities of its systems.
    for (table, column) in schema::referring_to(connection, "link")? {
        let rows = all(&format!("DELETE FROM {table} WHERE {column} IN ({LINKS})"))?;
        if table == "relation" {
            removed.relations = rows;
        }
    }
    // What did not change since the token would not be read, and so never reach a target that was reset.
    for table in ["delta_token", "delta_run"] {
        all(&format!("DELETE FROM {table} WHERE source = ?1 OR source IN (SELECT source FROM link WHERE target = ?1)"))?;
    }
    all("DELETE FROM target_place WHERE target = ?1")?;
    all("DELETE FROM used_switch WHERE source = ?1")?;
    all("DELETE FROM notification WHERE source = ?1")?;
    removed.log = all("DELETE FROM entity_log WHERE system = ?1 OR run IN (SELECT id FROM run WHERE source = ?1)")?;
    Ok(removed)
}

/// Whether anything was ever remembered under this name.
pub(super) fn knows(connection: &Connection, system: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM link WHERE source = ?1 OR target = ?1) OR EXISTS (SELECT 1 FROM run WHERE source = ?1)
                   OR EXISTS (SELECT 1 FROM target_place WHERE target = ?1)";
    connection.query_row(sql, [system], |row| row.get(0))
}
