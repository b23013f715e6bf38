//! The state in one `SQLite` file.
//!
//! One thread owns the connection that writes and puts whatever is waiting into one transaction ([`writer`]); a few connections only read
//! ([`reader`]). The tables and what their columns mean: [`schema`]. A lock file keeps a second process away ([`lock`]).

mod commit;
mod delta;
mod entity_log;
mod held;
mod intents;
mod lock;
mod membership;
mod notification;
mod places;
mod reader;
mod reset;
mod row;
mod runs;
mod schema;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use async_trait::async_trait;
use rusqlite::Connection;

use self::{lock::StateLock, reader::Readers, writer::Writer};
use super::{
    Committed, CountersOf, DeltaToken, IntentId, Link, LogEntry, LogQuery, Logged, Lookup, Membership, PageCommit, Relation, ResetCounts,
    Run, RunId, RunStatus, Seen, StateError, StateStore, error::Doing,
};

/// The state in one `SQLite` file; see the module's documentation.
///
/// Dropping it waits for what was handed to the writer, closes the file and gives the lock back.
pub struct SqliteStore {
    // The order matters: readers close first, so that the writer is the last one out and empties the write-ahead log into the file.
    readers: Readers,
    writer: Writer,
    _lock: Option<StateLock>,
    /// Of a copy; removed with it, after everything else is closed.
    _folder: Option<tempfile::TempDir>,
    /// Only looked at while no process works on it: what counts as running died with its process.
    abandoned: bool,
}

impl SqliteStore {
    /// Open the state file, making it if there is none, and keep every other process out until this is dropped. Runs that a killed process left
    /// unfinished are marked as interrupted.
    ///
    /// Errors: `state.open`, `state.locked`, `state.version`, `state.corrupt`, `state.full`. A file that is refused is not changed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StateError> {
        let path: Arc<Path> = real_path(path.as_ref())?.into();
        let lock = Some(StateLock::take(&path)?);
        let connection = schema::open(&path)?;
        runs::interrupt_all(&connection).map_err(|error| StateError::sqlite(&path, Doing::Write, &error))?;
        Ok(Self {
            readers: Readers::new(Arc::clone(&path)),
            writer: Writer::start(path, connection)?,
            _lock: lock,
            _folder: None,
            abandoned: false,
        })
    }

    /// Look at a state file, whether a run is going on or not. Nothing is written and nobody is kept out; every call that would write fails. `None`: there is
    /// no file yet, or nothing in it.
    ///
    /// Errors: `state.open`, `state.version`, `state.corrupt`.
    pub fn look(path: impl AsRef<Path>) -> Result<Option<Self>, StateError> {
        if !path.as_ref().exists() {
            return Ok(None);
        }
        let path: Arc<Path> = real_path(path.as_ref())?.into();
        let abandoned = !lock::is_held(&path);
        if !schema::is_ours(&path)? {
            return Ok(None);
        }
        Ok(Some(Self { readers: Readers::new(Arc::clone(&path)), writer: Writer::absent(path), _lock: None, _folder: None, abandoned }))
    }

    fn as_it_is(&self, run: Run) -> Run {
        let status = if self.abandoned && run.status == RunStatus::Running { RunStatus::Interrupted } else { run.status };
        Run { status, ..run }
    }

    /// Open a copy of a state file, as it was committed last, in a temporary folder; where there is no file, an empty state. The file is not changed, whoever has it
    /// open, and what is written to the copy is gone when this is dropped.
    pub fn open_copy(path: impl AsRef<Path>) -> Result<Self, StateError> {
        let path = real_path_or_none(path.as_ref())?;
        let folder = tempfile::tempdir().map_err(|error| StateError::open(&std::env::temp_dir(), error.to_string()))?;
        let copy: Arc<Path> = folder.path().join("state.db").into();
        if let Some(path) = path {
            schema::copy(&path, &copy)?;
        }
        let connection = schema::open(&copy)?;
        let failed = |error: rusqlite::Error| StateError::sqlite(&copy, Doing::Write, &error);
        // A copy need not survive anything.
        connection.execute_batch("PRAGMA synchronous = OFF").map_err(failed)?;
        runs::interrupt_all(&connection).map_err(failed)?;
        Ok(Self {
            readers: Readers::new(Arc::clone(&copy)),
            writer: Writer::start(copy, connection)?,
            _lock: None,
            _folder: Some(folder),
            abandoned: false,
        })
    }
}

/// Where the file really is, if it is there.
fn real_path_or_none(path: &Path) -> Result<Option<PathBuf>, StateError> {
    if path.exists() { real_path(path).map(Some) } else { Ok(None) }
}

/// Where the file really is: a link and its target must meet at the same lock.
fn real_path(path: &Path) -> Result<PathBuf, StateError> {
    if let Ok(real) = path.canonicalize() {
        return if real.is_dir() { Err(StateError::open(path, "it is a folder; name a file in it")) } else { Ok(real) };
    }
    let Some(name) = path.file_name() else {
        return Err(StateError::open(path, "it does not name a file"));
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Ok(folder.canonicalize().map_err(|error| StateError::open_io(path, &error))?.join(name))
}

#[async_trait]
impl StateStore for SqliteStore {
    async fn relations(&self, link: &Link, entity_type: &str, source_ids: &[&str]) -> Result<Vec<Option<Relation>>, StateError> {
        if source_ids.is_empty() {
            return Ok(vec![]);
        }
        let (link, entity_type) = (link.clone(), entity_type.to_owned());
        let source_ids: Vec<String> = source_ids.iter().map(|&id| id.to_owned()).collect();
        self.readers.read(move |connection| reader::relations(connection, &link, &entity_type, &source_ids)).await
    }

    async fn memberships(&self, link: &Link, entity_type: &str, source_ids: &[&str]) -> Result<Vec<Option<Membership>>, StateError> {
        if source_ids.is_empty() {
            return Ok(vec![]);
        }
        let (link, entity_type) = (link.clone(), entity_type.to_owned());
        let source_ids: Vec<String> = source_ids.iter().map(|&id| id.to_owned()).collect();
        self.readers.read(move |connection| membership::find(connection, &link, &entity_type, &source_ids)).await
    }

    async fn related_to(&self, link: &Link, entity_type: &str, target_id: &str) -> Result<Option<String>, StateError> {
        let (link, entity_type, target_id) = (link.clone(), entity_type.to_owned(), target_id.to_owned());
        self.readers.read(move |connection| reader::related_to(connection, &link, &entity_type, &target_id)).await
    }

    async fn resolve(&self, lookups: Vec<Lookup>) -> Result<Vec<Option<String>>, StateError> {
        if lookups.is_empty() {
            return Ok(vec![]);
        }
        self.readers.read(move |connection| reader::resolve(connection, &lookups)).await
    }

    async fn count(&self, link: &Link, entity_type: &str) -> Result<u64, StateError> {
        let (link, entity_type) = (link.clone(), entity_type.to_owned());
        self.readers.read(move |connection| reader::count(connection, &link, &entity_type)).await
    }

    async fn unseen(&self, link: &Link, entity_type: &str, seen: &Seen, after: i64, limit: usize) -> Result<Vec<Relation>, StateError> {
        let (link, entity_type, seen) = (link.clone(), entity_type.to_owned(), seen.clone());
        self.readers.read(move |connection| reader::unseen(connection, &link, &entity_type, &seen, after, limit)).await
    }

    async fn count_unseen(&self, link: &Link, entity_type: &str, seen: &Seen) -> Result<u64, StateError> {
        let (link, entity_type, seen) = (link.clone(), entity_type.to_owned(), seen.clone());
        self.readers.read(move |connection| reader::count_unseen(connection, &link, &entity_type, &seen)).await
    }

    async fn intend(&self, run: RunId, link: &Link, entity_type: &str, source_ids: &[&str]) -> Result<IntentId, StateError> {
        let (link, entity_type, ids) = (link.clone(), entity_type.to_owned(), row::id_list(source_ids));
        self.writer.write(1, move |connection| intents::intend(connection, run, &link, &entity_type, &ids)).await
    }

    async fn leftover_intents(&self, link: &Link, entity_type: &str) -> Result<Vec<String>, StateError> {
        let (link, entity_type) = (link.clone(), entity_type.to_owned());
        let abandoned = self.abandoned;
        self.readers.read(move |connection| intents::leftover(connection, &link, &entity_type, abandoned)).await
    }

    async fn settle(&self, link: &Link, entity_type: &str, source_ids: &[&str]) -> Result<(), StateError> {
        if source_ids.is_empty() {
            return Ok(());
        }
        let (link, entity_type, ids) = (link.clone(), entity_type.to_owned(), row::id_list(source_ids));
        self.writer.write(source_ids.len(), move |connection| intents::settle(connection, &link, &entity_type, &ids)).await
    }

    async fn commit(&self, page: PageCommit) -> Result<Committed, StateError> {
        self.writer.write(page.changes.len() + page.log.len(), move |connection| commit::page(connection, &page)).await
    }

    async fn shared(&self, link: &Link, entity_type: &str, target_ids: &[&str]) -> Result<Vec<bool>, StateError> {
        let (link, entity_type) = (link.clone(), entity_type.to_owned());
        let target_ids: Vec<String> = target_ids.iter().map(|&id| id.to_owned()).collect();
        self.readers.read(move |connection| places::shared(connection, &link, &entity_type, &target_ids)).await
    }

    async fn place(&self, target: &str) -> Result<Option<String>, StateError> {
        let target = target.to_owned();
        self.readers.read(move |connection| places::place(connection, &target)).await
    }

    async fn set_place(&self, target: &str, place: &str) -> Result<(), StateError> {
        let (target, place) = (target.to_owned(), place.to_owned());
        self.writer.write(1, move |connection| places::set(connection, &target, &place)).await
    }

    async fn begin_run(&self, source: &str, job: &str, read_mode: &str, started_at: SystemTime) -> Result<RunId, StateError> {
        let (source, job, read_mode) = (source.to_owned(), job.to_owned(), read_mode.to_owned());
        let begin = move |connection: &rusqlite::Connection| {
            let run = runs::begin(connection, &source, &job, &read_mode, started_at)?;
            held::doubt(connection, run, &source, &job)?;
            Ok(run)
        };
        self.writer.write(1, begin).await
    }

    async fn finish_run(&self, run: RunId, status: RunStatus, ended_at: SystemTime, report: &str) -> Result<(), StateError> {
        let report = report.to_owned();
        self.writer.write(1, move |connection| runs::finish(connection, run, status, ended_at, &report)).await
    }

    async fn delta_tokens(&self, source: &str) -> Result<Vec<DeltaToken>, StateError> {
        let source = source.to_owned();
        self.readers.read(move |connection| delta::tokens(connection, &source)).await
    }

    async fn set_delta_tokens(&self, source: &str, tokens: Vec<DeltaToken>) -> Result<(), StateError> {
        let source = source.to_owned();
        self.writer.write(tokens.len(), move |connection| delta::set_tokens(connection, &source, &tokens)).await
    }

    async fn delta_runs(&self, source: &str) -> Result<u64, StateError> {
        let source = source.to_owned();
        self.readers.read(move |connection| delta::count(connection, &source)).await
    }

    async fn set_delta_runs(&self, source: &str, count: u64) -> Result<(), StateError> {
        let source = source.to_owned();
        self.writer.write(1, move |connection| delta::set_count(connection, &source, count)).await
    }

    async fn last_run(&self, source: &str) -> Result<Option<Run>, StateError> {
        let source = source.to_owned();
        let run = self.readers.read(move |connection| runs::last(connection, &source)).await?;
        Ok(run.map(|run| self.as_it_is(run)))
    }

    async fn record(&self, run: RunId, counters: Vec<CountersOf>, log: Vec<LogEntry>) -> Result<(), StateError> {
        self.writer.write(counters.len() + log.len(), move |connection| entity_log::record(connection, run, &counters, &log)).await
    }

    async fn use_once(&self, source: &str, switches: Vec<(String, bool)>) -> Result<Vec<String>, StateError> {
        let source = source.to_owned();
        self.writer.write(switches.len(), move |connection| entity_log::use_once(connection, &source, &switches)).await
    }

    async fn forget_runs(&self, before: SystemTime) -> Result<u64, StateError> {
        self.writer.write(1, move |connection| entity_log::forget(connection, before)).await
    }

    async fn reset(&self, system: &str) -> Result<ResetCounts, StateError> {
        let system = system.to_owned();
        self.writer.write(1, move |connection| reset::system(connection, &system)).await
    }

    async fn knows(&self, system: &str) -> Result<bool, StateError> {
        let system = system.to_owned();
        self.readers.read(move |connection| reset::knows(connection, &system)).await
    }

    async fn runs(&self, source: Option<&str>, limit: usize) -> Result<Vec<Run>, StateError> {
        let source = source.map(str::to_owned);
        let runs = self.readers.read(move |connection| runs::latest(connection, source.as_deref(), limit)).await?;
        Ok(runs.into_iter().map(|run| self.as_it_is(run)).collect())
    }

    async fn run(&self, id: RunId) -> Result<Option<Run>, StateError> {
        let run = self.readers.read(move |connection| runs::one(connection, id)).await?;
        Ok(run.map(|run| self.as_it_is(run)))
    }

    async fn log(&self, query: LogQuery) -> Result<Vec<Logged>, StateError> {
        self.readers.read(move |connection| entity_log::find(connection, &query)).await
    }
}

/// The number that stands for a link in the tables, if the link has ever been written.
fn link_id(connection: &Connection, link: &Link) -> rusqlite::Result<Option<i64>> {
    use rusqlite::OptionalExtension as _;
    let mut statement = connection.prepare_cached("SELECT id FROM link WHERE source = ?1 AND target = ?2")?;
    statement.query_row([&link.source, &link.target], |row| row.get(0)).optional()
}

/// The same, and a new number for a new link.
fn intern(connection: &Connection, link: &Link) -> rusqlite::Result<i64> {
    if let Some(known) = link_id(connection, link)? {
        return Ok(known);
    }
    connection.execute("INSERT INTO link (source, target) VALUES (?1, ?2)", [&link.source, &link.target])?;
    Ok(connection.last_insert_rowid())
}
