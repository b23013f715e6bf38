//! Deletions that were held back, and what ids are made by.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, params, types::Type};

use super::{
    super::{Cause, DeletionStore, Digest, HeldDeletion, HeldList, HeldOutcome, HeldRun, Link, Met, RunId, Seen, StateError},
    SqliteStore, intern, link_id,
    row::{count, time},
    writer::Fault,
};

/// Runs of a link and entity type whose lists are kept.
const LISTS: i64 = 10;

/// The name of the job that carries out a list; see [`doubt`].
const ACCEPTING: &str = "accept-deletions";

#[async_trait]
impl DeletionStore for SqliteStore {
    async fn hold(&self, run: RunId, link: &Link, entity_type: &str, code: &str, held: Vec<HeldDeletion>) -> Result<(), StateError> {
        let (link, entity_type, code) = (link.clone(), entity_type.to_owned(), code.to_owned());
        self.writer.write(held.len(), move |connection| hold(connection, run, &link, &entity_type, &code, &held)).await
    }

    async fn held_run(&self, run: RunId) -> Result<Option<HeldRun>, StateError> {
        self.readers.read(move |connection| held_run(connection, run)).await
    }

    async fn held_lists(&self, run: RunId) -> Result<Vec<HeldList>, StateError> {
        self.readers.read(move |connection| lists(connection, run)).await
    }

    async fn held(&self, run: RunId, link: &Link, entity_type: &str, after: i64, limit: usize) -> Result<Vec<HeldDeletion>, StateError> {
        let (link, entity_type) = (link.clone(), entity_type.to_owned());
        self.readers.read(move |connection| held(connection, run, &link, &entity_type, after, limit)).await
    }

    async fn settle_held(&self, run: RunId, link: &Link, entity_type: &str, outcomes: Vec<(i64, HeldOutcome)>) -> Result<(), StateError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let (link, entity_type) = (link.clone(), entity_type.to_owned());
        self.writer.write(outcomes.len(), move |connection| settle(connection, run, &link, &entity_type, &outcomes)).await
    }

    async fn returned(
        &self,
        run: RunId,
        link: &Link,
        entity_type: &str,
        seen: &Seen,
        left_scope: &Seen,
        read: Met,
    ) -> Result<(), StateError> {
        let (of, name, seen, left) = (link.clone(), entity_type.to_owned(), seen.clone(), left_scope.clone());
        let met = self.readers.read(move |connection| met(connection, &of, &name, &seen, &left)).await?;
        for (run, relations) in met {
            let outcomes = relations.into_iter().map(|relation| (relation, HeldOutcome::Returned)).collect();
            self.settle_held(RunId(run), link, entity_type, outcomes).await?;
        }
        let (link, entity_type) = (link.clone(), entity_type.to_owned());
        self.writer.write(1, move |connection| sure(connection, run, &link, &entity_type, read)).await
    }

    async fn held_by(&self, link: &Link, entity_type: &str, relation: i64) -> Result<Option<(RunId, String)>, StateError> {
        let (link, entity_type) = (link.clone(), entity_type.to_owned());
        self.readers
            .read(move |connection| {
                let Some(link) = link_id(connection, &link)? else { return Ok(None) };
                let sql = "SELECT run, code FROM held_deletion WHERE link = ?1 AND entity_type = ?2 AND relation = ?3 AND outcome IS NULL ORDER BY run DESC LIMIT 1";
                let found = |row: &Row<'_>| Ok((RunId(row.get(0)?), row.get(1)?));
                connection.prepare_cached(sql)?.query_row(params![link, entity_type, relation], found).optional()
            })
            .await
    }

    async fn identity(&self, link: &Link, entity_type: &str) -> Result<Option<Digest>, StateError> {
        let (link, entity_type) = (link.clone(), entity_type.to_owned());
        self.readers
            .read(move |connection| {
                let Some(link) = link_id(connection, &link)? else { return Ok(None) };
                let mut statement = connection.prepare_cached("SELECT digest FROM identity WHERE link = ?1 AND entity_type = ?2")?;
                statement.query_row(params![link, entity_type], |row| row.get(0)).optional()
            })
            .await
    }

    async fn set_identity(&self, link: &Link, entity_type: &str, identity: Digest) -> Result<(), StateError> {
        let (link, entity_type) = (link.clone(), entity_type.to_owned());
        self.writer
            .write(1, move |connection| {
                let link = intern(connection, &link)?;
                connection
                    .prepare_cached(
                        "INSERT INTO identity (link, entity_type, digest) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET digest = excluded.digest",
                    )?
                    .execute(params![link, entity_type, identity])?;
                Ok(())
            })
            .await
    }
}

fn hold(connection: &Connection, run: RunId, link: &Link, entity_type: &str, code: &str, held: &[HeldDeletion]) -> Result<(), Fault> {
    let link = intern(connection, link)?;
    connection
        .prepare_cached(
            "DELETE FROM held_deletion WHERE link = ?1 AND entity_type = ?2 AND run NOT IN
                 (SELECT DISTINCT run FROM held_deletion WHERE link = ?1 AND entity_type = ?2 AND run <> ?3 ORDER BY run DESC LIMIT ?4) AND run <> ?3",
        )?
        .execute(params![link, entity_type, run.0, LISTS - 1])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO held_deletion (link, entity_type, run, relation, source_id, target_id, cause, disable, code) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO NOTHING",
    )?;
    for HeldDeletion { relation, source_id, target_id, cause, disable, .. } in held {
        insert.execute(params![link, entity_type, run.0, relation, source_id, target_id, cause.word(), disable, code])?;
    }
    Ok(())
}

/// A run of a source begins: until it has come to its end nobody knows whom of an open list it met. A run that carries out a list reads nothing.
pub(super) fn doubt(connection: &Connection, run: RunId, source: &str, job: &str) -> Result<(), Fault> {
    if job == ACCEPTING {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO held_in_doubt (link, entity_type, run)
             SELECT DISTINCT link, entity_type, ?1 FROM held_deletion JOIN link ON link.id = held_deletion.link WHERE link.source = ?2 AND outcome IS NULL
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![run.0, source])?;
    Ok(())
}

fn sure(connection: &Connection, run: RunId, link: &Link, entity_type: &str, read: Met) -> Result<(), Fault> {
    let Some(link) = link_id(connection, link)?.filter(|_| read != Met::Some) else { return Ok(()) };
    // A read of changes says nothing of what an earlier run met.
    connection.prepare_cached("DELETE FROM held_in_doubt WHERE link = ?1 AND entity_type = ?2 AND (?4 OR run = ?3)")?.execute(params![
        link,
        entity_type,
        run.0,
        read == Met::Everybody
    ])?;
    Ok(())
}

fn held_run(connection: &Connection, run: RunId) -> rusqlite::Result<Option<HeldRun>> {
    let found = connection
        .prepare_cached("SELECT source, started_at FROM run WHERE id = ?1")?
        .query_row([run.0], |row| Ok((row.get::<_, String>(0)?, time(row.get(1)?))))
        .optional()?;
    let Some((source, started_at)) = found else { return Ok(None) };
    Ok(Some(HeldRun { source, started_at }))
}

fn lists(connection: &Connection, run: RunId) -> rusqlite::Result<Vec<HeldList>> {
    let mut statement = connection.prepare_cached(
        "SELECT link.source, link.target, entity_type, min(code), count(*), count(*) - count(outcome),
             (SELECT doubt.run FROM held_in_doubt AS doubt WHERE doubt.link = held_deletion.link AND doubt.entity_type = held_deletion.entity_type)
         FROM held_deletion JOIN link ON link.id = held_deletion.link
         WHERE run = ?1 GROUP BY held_deletion.link, entity_type ORDER BY link.source, link.target, entity_type",
    )?;
    let rows = statement.query_map([run.0], |row| {
        let link = Link { source: row.get(0)?, target: row.get(1)? };
        Ok(HeldList {
            link,
            entity_type: row.get(2)?,
            code: row.get(3)?,
            total: count(row, 4)?,
            open: count(row, 5)?,
            in_doubt: row.get::<_, Option<i64>>(6)?.map(RunId),
        })
    })?;
    rows.collect()
}

fn held(
    connection: &Connection,
    run: RunId,
    link: &Link,
    entity_type: &str,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<HeldDeletion>> {
    let Some(link) = link_id(connection, link)? else { return Ok(vec![]) };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "SELECT relation, source_id, target_id, cause, disable, outcome FROM held_deletion
             WHERE link = ?1 AND entity_type = ?2 AND run = ?3 AND relation > ?4 ORDER BY relation LIMIT ?5",
        )?
        .query_map(params![link, entity_type, run.0, after, limit], held_deletion)?
        .collect()
}

fn held_deletion(row: &Row<'_>) -> rusqlite::Result<HeldDeletion> {
    let strange =
        |column: usize, word: String| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("no such word: {word}").into());
    let cause: String = row.get(3)?;
    let outcome: Option<String> = row.get(5)?;
    Ok(HeldDeletion {
        relation: row.get(0)?,
        source_id: row.get(1)?,
        target_id: row.get(2)?,
        cause: Cause::from_word(&cause).ok_or_else(|| strange(3, cause))?,
        disable: row.get(4)?,
        outcome: outcome.map(|word| HeldOutcome::from_word(&word).ok_or_else(|| strange(5, word))).transpose()?,
    })
}

fn settle(connection: &Connection, run: RunId, link: &Link, entity_type: &str, outcomes: &[(i64, HeldOutcome)]) -> Result<(), Fault> {
    let Some(link) = link_id(connection, link)? else { return Ok(()) };
    let mut statement = connection.prepare_cached(
        "UPDATE held_deletion SET outcome = ?5 WHERE link = ?1 AND entity_type = ?2 AND run = ?3 AND relation = ?4 AND outcome IS NULL",
    )?;
    for (relation, outcome) in outcomes {
        statement.execute(params![link, entity_type, run.0, relation, outcome.word()])?;
    }
    Ok(())
}

/// By run, what is open and was met.
fn met(
    connection: &Connection,
    link: &Link,
    entity_type: &str,
    seen: &Seen,
    left_scope: &Seen,
) -> rusqlite::Result<BTreeMap<i64, Vec<i64>>> {
    let mut met: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let Some(link) = link_id(connection, link)? else { return Ok(met) };
    let mut statement = connection
        .prepare_cached("SELECT run, relation, cause FROM held_deletion WHERE link = ?1 AND entity_type = ?2 AND outcome IS NULL")?;
    let mut rows = statement.query(params![link, entity_type])?;
    while let Some(row) = rows.next()? {
        let (run, relation): (i64, i64) = (row.get(0)?, row.get(1)?);
        let was_gone = row.get_ref(2)?.as_str()? == Cause::Gone.word();
        if seen.contains(relation) || (was_gone && left_scope.contains(relation)) {
            met.entry(run).or_default().push(relation);
        }
    }
    Ok(met)
}
