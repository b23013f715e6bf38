//! The members big groups were last sent.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    super::{Link, Membership},
    link_id,
    writer::Fault,
};

/// In the order of the ids; nothing for a group of which nothing is known.
pub(super) fn find(
    connection: &Connection,
    link: &Link,
    entity_type: &str,
    source_ids: &[String],
) -> rusqlite::Result<Vec<Option<Membership>>> {
    let Some(link) = link_id(connection, link)? else { return Ok(vec![None; source_ids.len()]) };
    let mut statement =
        connection.prepare_cached("SELECT rest, members FROM membership WHERE link = ?1 AND entity_type = ?2 AND source_id = ?3")?;
    let mut find = |id: &String| {
        let row = statement.query_row(params![link, entity_type, id], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).optional()?;
        // A list nobody can read is none: the group is written whole.
        Ok(row.and_then(|(rest, members)| Some(Membership { rest, members: serde_json::from_str(&members).ok()? })))
    };
    source_ids.iter().map(&mut find).collect()
}

/// Remember, or forget.
pub(super) fn keep(
    connection: &Connection,
    link: i64,
    entity_type: &str,
    source_id: &str,
    membership: Option<&Membership>,
) -> Result<(), Fault> {
    match membership {
        Some(Membership { rest, members }) => connection
            .prepare_cached("INSERT OR REPLACE INTO membership (link, entity_type, source_id, rest, members) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![link, entity_type, source_id, rest, serde_json::Value::from(members.as_slice()).to_string()])?,
        None => connection
            .prepare_cached("DELETE FROM membership WHERE link = ?1 AND entity_type = ?2 AND source_id = ?3")?
            .execute(params![link, entity_type, source_id])?,
    };
    Ok(())
}
