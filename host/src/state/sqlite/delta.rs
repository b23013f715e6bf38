//! Delta reads: tokens, and how many there were.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{super::DeltaToken, row, writer::Fault};

/// In the order of the entity types' names.
pub(super) fn tokens(connection: &Connection, source: &str) -> rusqlite::Result<Vec<DeltaToken>> {
    connection
        .prepare_cached("SELECT entity_type, token, basis FROM delta_token WHERE source = ?1 ORDER BY entity_type")?
        .query_map([source], |row| Ok(DeltaToken { entity_type: row.get(0)?, token: row.get(1)?, basis: row.get(2)? }))?
        .collect()
}

/// These and no others.
pub(super) fn set_tokens(connection: &Connection, source: &str, tokens: &[DeltaToken]) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM delta_token WHERE source = ?1")?.execute([source])?;
    let mut insert = connection.prepare_cached("INSERT INTO delta_token (source, entity_type, token, basis) VALUES (?1, ?2, ?3, ?4)")?;
    for DeltaToken { entity_type, token, basis } in tokens {
        insert.execute(params![source, entity_type, token, basis])?;
    }
    Ok(())
}

pub(super) fn count(connection: &Connection, source: &str) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached("SELECT count FROM delta_run WHERE source = ?1")?;
    Ok(statement.query_row([source], |row| row::count(row, 0)).optional()?.unwrap_or(0))
}

pub(super) fn set_count(connection: &Connection, source: &str, count: u64) -> Result<(), Fault> {
    connection
        .prepare_cached("INSERT INTO delta_run (source, count) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET count = excluded.count")?
        .execute(params![source, row::signed(count)])?;
    Ok(())
}
