//! Reading: a few connections on blocking threads, and the queries.
//!
//! Each read is one transaction, so a page of look-ups takes `SQLite`'s shared lock once and sees one state of things.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    super::{Link, Lookup, Relation, Seen, StateError, error::Doing},
    link_id,
    row::{self, RELATION_COLUMNS},
    schema,
};

/// Connections that read at the same time. More would wait for the processor, each with a cache of its own.
const CONNECTIONS: usize = 4;

/// The connections that read; each is opened when it is first needed.
pub(super) struct Readers {
    path: Arc<Path>,
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: Arc<Path>) -> Self {
        Self { path, idle: Arc::default(), free: Arc::new(Semaphore::new(CONNECTIONS)) }
    }

    /// Run a query on a blocking thread.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StateError> {
        let (path, idle) = (Arc::clone(&self.path), Arc::clone(&self.idle));
        // The permit goes with the query: a caller that gives up does not make room before the connection is back.
        let permit = Arc::clone(&self.free).acquire_owned().await;
        let task = spawn_blocking(move || {
            let _permit = permit;
            let run = || {
                let pooled = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let connection = pooled.map_or_else(|| schema::open_reader(&path), Ok)?;
                let transaction = connection.unchecked_transaction()?;
                let answer = query(&transaction)?;
                transaction.finish()?;
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
                Ok(answer)
            };
            run().map_err(|error| StateError::sqlite(&path, Doing::Read, &error))
        });
        match task.await {
            Ok(answer) => answer,
            Err(error) => Err(StateError::Read { path: self.path.to_path_buf(), reason: format!("the read was given up: {error}") }),
        }
    }
}

/// One seek for each id, in the order of the ids.
pub(super) fn relations(
    connection: &Connection,
    link: &Link,
    entity_type: &str,
    source_ids: &[String],
) -> rusqlite::Result<Vec<Option<Relation>>> {
    let Some(link) = link_id(connection, link)? else {
        return Ok(vec![None; source_ids.len()]);
    };
    let sql = format!("SELECT {RELATION_COLUMNS} FROM relation WHERE link = ?1 AND entity_type = ?2 AND source_id = ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    source_ids.iter().map(|source_id| statement.query_row(params![link, entity_type, source_id], row::relation).optional()).collect()
}

/// The source id of the oldest relation with this target id.
pub(super) fn related_to(connection: &Connection, link: &Link, entity_type: &str, target_id: &str) -> rusqlite::Result<Option<String>> {
    let Some(link) = link_id(connection, link)? else {
        return Ok(None);
    };
    connection
        .prepare_cached("SELECT source_id FROM relation WHERE link = ?1 AND entity_type = ?2 AND target_id = ?3 ORDER BY id LIMIT 1")?
        .query_row(params![link, entity_type, target_id], |row| row.get(0))
        .optional()
}

/// Target ids, in the order of the lookups.
pub(super) fn resolve(connection: &Connection, lookups: &[Lookup]) -> rusqlite::Result<Vec<Option<String>>> {
    let mut links: HashMap<(&str, &str), Option<i64>> = HashMap::new();
    let mut find = connection.prepare_cached("SELECT target_id FROM relation WHERE link = ?1 AND entity_type = ?2 AND source_id = ?3")?;
    let mut answers = Vec::with_capacity(lookups.len());
    for lookup in lookups {
        let names = (lookup.source_system.as_str(), lookup.target_system.as_str());
        let link = match links.get(&names) {
            Some(known) => *known,
            None => *links.entry(names).or_insert(link_id(connection, &Link::new(names.0, names.1))?),
        };
        answers.push(match link {
            Some(link) => find.query_row(params![link, lookup.entity_type, lookup.source_id], |row| row.get(0)).optional()?,
            None => None,
        });
    }
    Ok(answers)
}

/// How many relations there are.
pub(super) fn count(connection: &Connection, link: &Link, entity_type: &str) -> rusqlite::Result<u64> {
    let Some(link) = link_id(connection, link)? else {
        return Ok(0);
    };
    let mut statement = connection.prepare_cached("SELECT count(*) FROM relation WHERE link = ?1 AND entity_type = ?2")?;
    statement.query_row(params![link, entity_type], |row| row::count(row, 0))
}

/// The next relations that were not seen.
pub(super) fn unseen(
    connection: &Connection,
    link: &Link,
    entity_type: &str,
    seen: &Seen,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<Relation>> {
    let Some(link) = link_id(connection, link)? else {
        return Ok(vec![]);
    };
    // The table itself, in the order of its ids: all pages together cost one pass, where an index would have to be sorted for every page.
    let sql = format!("SELECT {RELATION_COLUMNS} FROM relation NOT INDEXED WHERE id > ?1 AND link = ?2 AND entity_type = ?3 ORDER BY id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![after, link, entity_type])?;
    let mut unseen = vec![];
    while unseen.len() < limit
        && let Some(row) = rows.next()?
    {
        if !seen.contains(row.get(0)?) {
            unseen.push(row::relation(row)?);
        }
    }
    Ok(unseen)
}

/// How many relations were not seen.
pub(super) fn count_unseen(connection: &Connection, link: &Link, entity_type: &str, seen: &Seen) -> rusqlite::Result<u64> {
    let Some(link) = link_id(connection, link)? else {
        return Ok(0);
    };
    let mut statement = connection.prepare_cached("SELECT id FROM relation WHERE link = ?1 AND entity_type = ?2")?;
    let mut rows = statement.query(params![link, entity_type])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += u64::from(!seen.contains(row.get(0)?));
    }
    Ok(count)
}
