//! Intents: what was about to be created in a target when the process may have died.

use rusqlite::{Connection, params};

use super::{
    super::{IntentId, Link, RunId},
    intern, link_id,
    writer::Fault,
};

/// Only runs that are over leave anything behind.
const OF_ENDED_RUNS: &str = "link = ?1 AND entity_type = ?2 AND run NOT IN (SELECT id FROM run WHERE status = 'running')";

/// `source_ids` is a JSON array of texts.
pub(super) fn intend(connection: &Connection, run: RunId, link: &Link, entity_type: &str, source_ids: &str) -> Result<IntentId, Fault> {
    let link = intern(connection, link)?;
    connection.prepare_cached("INSERT INTO intent (run, link, entity_type, source_ids) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        run.0,
        link,
        entity_type,
        source_ids
    ])?;
    Ok(IntentId(connection.last_insert_rowid()))
}

/// Sorted, each once. `abandoned`: nobody works on the file, so no run is running, whatever its row says.
pub(super) fn leftover(connection: &Connection, link: &Link, entity_type: &str, abandoned: bool) -> rusqlite::Result<Vec<String>> {
    let Some(link) = link_id(connection, link)? else {
        return Ok(vec![]);
    };
    let left = if abandoned { "link = ?1 AND entity_type = ?2" } else { OF_ENDED_RUNS };
    let sql = format!("SELECT DISTINCT id.value FROM intent, json_each(intent.source_ids) AS id WHERE {left} ORDER BY id.value");
    connection.prepare_cached(&sql)?.query_map(params![link, entity_type], |row| row.get(0))?.collect()
}

/// Take these ids, a JSON array of texts, out of the leftovers.
pub(super) fn settle(connection: &Connection, link: &Link, entity_type: &str, source_ids: &str) -> Result<(), Fault> {
    let Some(link) = link_id(connection, link)? else {
        return Ok(());
    };
    let sql = format!(
        "UPDATE intent SET source_ids = (
             SELECT json_group_array(id.value) FROM json_each(intent.source_ids) AS id WHERE id.value NOT IN (SELECT value FROM json_each(?3))
         ) WHERE {OF_ENDED_RUNS}"
    );
    connection.prepare_cached(&sql)?.execute(params![link, entity_type, source_ids])?;
    let sql = format!("DELETE FROM intent WHERE {OF_ENDED_RUNS} AND source_ids = '[]'");
    connection.prepare_cached(&sql)?.execute(params![link, entity_type])?;
    Ok(())
}
