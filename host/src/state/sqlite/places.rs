//! Where each target was when its relations were made.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{super::Link, writer::Fault};

pub(super) fn place(connection: &Connection, target: &str) -> rusqlite::Result<Option<String>> {
    connection.prepare_cached("SELECT place FROM target_place WHERE target = ?1")?.query_row([target], |row| row.get(0)).optional()
}

pub(super) fn set(connection: &Connection, target: &str, place: &str) -> Result<(), Fault> {
    connection
        .prepare_cached("INSERT INTO target_place (target, place) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET place = excluded.place")?
        .execute([target, place])?;
    Ok(())
}

/// For each target id whether more than one relation of any link to this target names it.
pub(super) fn shared(connection: &Connection, link: &Link, entity_type: &str, target_ids: &[String]) -> rusqlite::Result<Vec<bool>> {
    let mut links = connection.prepare_cached("SELECT id FROM link WHERE target = ?1")?;
    let links: Vec<i64> = links.query_map([&link.target], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut count = connection.prepare_cached("SELECT count(*) FROM relation WHERE link = ?1 AND entity_type = ?2 AND target_id = ?3")?;
    target_ids
        .iter()
        .map(|id| {
            let mut relations = 0_i64;
            for link in &links {
                relations += count.query_row(params![link, entity_type, id], |row| row.get::<_, i64>(0))?;
            }
            Ok(relations > 1)
        })
        .collect()
}
