//! One page's outcome, applied inside the writer's transaction.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    super::{Committed, Counters, Link, PageCommit, RelationChange, RunId, StateError},
    entity_log, intern, membership,
    row::{milliseconds, signed},
    writer::Fault,
};

/// Apply a page.
pub(super) fn page(connection: &Connection, page: &PageCommit) -> Result<Committed, Fault> {
    let mut relations = Relations::new(connection, page)?;
    for change in &page.changes {
        relations.apply(change)?;
    }
    let Relations { link, retargeted, deleted, inserted, .. } = relations;
    for (source_id, members) in &page.memberships {
        membership::keep(connection, link, &page.entity_type, source_id, members.as_ref())?;
    }
    if retargeted || deleted {
        clear_other_types(connection, link, &page.entity_type)?;
    }
    if retargeted || deleted {
        connection
            .prepare_cached("INSERT INTO stale (link, entity_type) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute(params![link, page.entity_type])?;
    }
    if let Some(intent) = page.intents_done {
        connection.prepare_cached("DELETE FROM intent WHERE id = ?1")?.execute([intent.0])?;
    }
    for of in &page.counters {
        add(connection, page.run, &of.system, &of.entity_type, &of.counters)?;
    }
    entity_log::append(connection, page.run, &page.log)?;
    if let Some(checkpoint) = &page.checkpoint {
        connection
            .prepare_cached(
                "INSERT INTO checkpoint (run, link, entity_type, pages, cursor) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET pages = excluded.pages, cursor = excluded.cursor",
            )?
            .execute(params![page.run.0, link, page.entity_type, signed(checkpoint.pages), checkpoint.cursor])?;
    }
    Ok(Committed { inserted })
}

/// The relations of one page's link and entity type, while they change.
struct Relations<'a> {
    connection: &'a Connection,
    link: i64,
    of: &'a Link,
    entity_type: &'a str,
    at: i64,
    inserted: Vec<i64>,
    /// A relation got another target id.
    retargeted: bool,
    /// A relation was deleted.
    deleted: bool,
}

impl<'a> Relations<'a> {
    fn new(connection: &'a Connection, page: &'a PageCommit) -> Result<Self, Fault> {
        Ok(Self {
            connection,
            link: intern(connection, &page.link)?,
            of: &page.link,
            entity_type: &page.entity_type,
            at: milliseconds(page.at),
            inserted: vec![],
            retargeted: false,
            deleted: false,
        })
    }

    fn apply(&mut self, change: &RelationChange) -> Result<(), Fault> {
        match change {
            RelationChange::Insert { source_id, target_id, existed_before, common_digest, target_digest } => {
                let inserted = self
                    .connection
                    .prepare_cached(
                        "INSERT INTO relation (link, entity_type, source_id, target_id, existed_before, common_digest, target_digest, updated_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                         ON CONFLICT (link, entity_type, source_id) DO NOTHING",
                    )?
                    .execute(params![
                        self.link,
                        self.entity_type,
                        source_id,
                        target_id,
                        existed_before,
                        common_digest,
                        target_digest,
                        self.at
                    ])?;
                if inserted == 0 {
                    return Err(self.already_related(source_id)?);
                }
                self.inserted.push(self.connection.last_insert_rowid());
            }
            RelationChange::Update { id, target_id, existed_before, common_digest, target_digest } => {
                if let Some(target_id) = target_id {
                    self.retargeted |= self.target_of(*id)?.is_some_and(|known| known != *target_id);
                }
                let updated = self
                    .connection
                    .prepare_cached(
                        "UPDATE relation SET target_id = coalesce(?4, target_id), existed_before = coalesce(?5, existed_before),
                             common_digest = ?6, target_digest = ?7, updated_at = ?8
                         WHERE id = ?1 AND link = ?2 AND entity_type = ?3",
                    )?
                    .execute(params![id, self.link, self.entity_type, target_id, existed_before, common_digest, target_digest, self.at])?;
                if updated == 0 {
                    return Err(
                        StateError::UnknownRelation { link: self.of.clone(), entity_type: self.entity_type.to_owned(), id: *id }.into()
                    );
                }
            }
            RelationChange::Disable { id } => {
                let cleared =
                    RelationChange::Update { id: *id, target_id: None, existed_before: None, common_digest: None, target_digest: None };
                self.apply(&cleared)?;
                self.connection
                    .prepare_cached("INSERT INTO disabled (relation, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                    .execute(params![id, self.at])?;
            }
            RelationChange::Enable { id } => {
                self.connection.prepare_cached("DELETE FROM disabled WHERE relation = ?1")?.execute([id])?;
            }
            RelationChange::Delete { id } => {
                self.connection
                    .prepare_cached(
                        "DELETE FROM membership WHERE link = ?2 AND entity_type = ?3 AND source_id = (SELECT source_id FROM relation WHERE id = ?1)",
                    )?
                    .execute(params![id, self.link, self.entity_type])?;
                let deleted = self
                    .connection
                    .prepare_cached("DELETE FROM relation WHERE id = ?1 AND link = ?2 AND entity_type = ?3")?
                    .execute(params![id, self.link, self.entity_type])?;
                self.deleted |= deleted > 0;
            }
        }
        Ok(())
    }

    fn target_of(&self, id: i64) -> rusqlite::Result<Option<String>> {
        self.connection
            .prepare_cached("SELECT target_id FROM relation WHERE id = ?1 AND link = ?2 AND entity_type = ?3")?
            .query_row(params![id, self.link, self.entity_type], |row| row.get(0))
            .optional()
    }

    fn already_related(&self, source_id: &str) -> rusqlite::Result<Fault> {
        let target_id = self
            .connection
            .prepare_cached("SELECT target_id FROM relation WHERE link = ?1 AND entity_type = ?2 AND source_id = ?3")?
            .query_row(params![self.link, self.entity_type, source_id], |row| row.get(0))?;
        let error = StateError::AlreadyRelated {
            link: self.of.clone(),
            entity_type: self.entity_type.to_owned(),
            source_id: source_id.to_owned(),
            target_id,
        };
        Ok(error.into())
    }
}

/// The other entity types' documents may name an id that has just changed or gone: a group its members.
fn clear_other_types(connection: &Connection, link: i64, entity_type: &str) -> rusqlite::Result<()> {
    // From one entity type to the next by the index: going through the relations of the page's own type would cost a scan of all users.
    let mut next =
        connection.prepare_cached("SELECT entity_type FROM relation WHERE link = ?1 AND entity_type > ?2 ORDER BY entity_type LIMIT 1")?;
    let mut clear = connection
        .prepare_cached("UPDATE relation SET common_digest = NULL WHERE link = ?1 AND entity_type = ?2 AND common_digest IS NOT NULL")?;
    let mut last = String::new();
    while let Some(other) = next.query_row(params![link, last], |row| row.get::<_, String>(0)).optional()? {
        if other != entity_type {
            clear.execute(params![link, other])?;
        }
        last = other;
    }
    Ok(())
}

/// Add to the counts of a run.
pub(super) fn add(connection: &Connection, run: RunId, system: &str, entity_type: &str, counters: &Counters) -> rusqlite::Result<()> {
    let Counters { read, created, updated, unchanged, deleted, skipped, failed } = *counters;
    connection
        .prepare_cached(
            "INSERT INTO run_count (run, system, entity_type, read, created, updated, unchanged, deleted, skipped, failed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT DO UPDATE SET read = read + excluded.read, created = created + excluded.created, updated = updated + excluded.updated,
                 unchanged = unchanged + excluded.unchanged, deleted = deleted + excluded.deleted, skipped = skipped + excluded.skipped,
                 failed = failed + excluded.failed",
        )?
        .execute(params![
            run.0,
            system,
            entity_type,
            signed(read),
            signed(created),
            signed(updated),
            signed(unchanged),
            signed(deleted),
            signed(skipped),
            signed(failed)
        ])?;
    Ok(())
}
