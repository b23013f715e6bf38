//! The file: opening it, one thread that writes, a few connections that read.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, functions::FunctionFlags};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::scim::{ScimError, evaluate};

/// `PRAGMA application_id`: "PVDR".
const APPLICATION_ID: i64 = 0x5056_4452;
const VERSION: i64 = 1;
/// How long to wait for a program outside that has the file locked.
const BUSY: Duration = Duration::from_secs(10);
/// Queries at once.
const READERS: usize = 4;
/// A query that takes longer is broken off.
const LONGEST_READ: Duration = Duration::from_secs(30);
/// Changes in one transaction, so in one wait for the disk.
const GROUP: usize = 64;

/// The directory's file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the directory file {} cannot be opened: {reason}", path.display())]
pub struct OpenError {
    pub path: PathBuf,
    pub reason: String,
}

impl OpenError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        "directory.open"
    }
}

/// Why a change or a query did not come to its end.
#[derive(Debug)]
pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    /// The client is to be told.
    Scim(ScimError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<ScimError> for Fault {
    fn from(error: ScimError) -> Self {
        Self::Scim(error)
    }
}

/// Tells its client how it ended, once it is known whether the transaction is on the disk.
type Answer = Box<dyn FnOnce(bool) + Send>;
/// Answers whether its part of the transaction is to be kept.
type Change = Box<dyn FnOnce(&Connection) -> (bool, Answer) + Send>;

pub(super) struct Store {
    path: Arc<Path>,
    changes: mpsc::Sender<Change>,
    idle: Arc<Mutex<Vec<Connection>>>,
    reading: Semaphore,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let failed = |error: &dyn std::fmt::Display| OpenError { path: path.to_owned(), reason: error.to_string() };
        let mut connection = connect(path).map_err(|error| failed(&error))?;
        let identity: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(|error| failed(&error))?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|error| failed(&error))?;
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(|error| failed(&error))?;
        match (identity, version) {
            (APPLICATION_ID, VERSION) => {}
            (APPLICATION_ID, _) => return Err(failed(&format!("it has version {version}, and this Provisor knows version {VERSION}"))),
            (0, 0) if tables == 0 => create(&mut connection).map_err(|error| failed(&error))?,
            _ => return Err(failed(&"it is not the file of a directory; name another one")),
        }
        let (changes, mut queue) = mpsc::channel::<Change>(GROUP * 4);
        let name = path.display().to_string();
        thread::Builder::new()
            .name("directory-writer".to_owned())
            .spawn(move || {
                while let Some(first) = queue.blocking_recv() {
                    commit(&mut connection, first, || queue.try_recv().ok(), &name);
                }
            })
            .map_err(|error| failed(&error))?;
        Ok(Self { path: path.into(), changes, idle: Arc::default(), reading: Semaphore::new(READERS) })
    }

    /// Do something in the next transaction. The answer comes when it is on the disk.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, ScimError> {
        let (answer, answered) = oneshot::channel();
        let change: Change = Box::new(move |connection| {
            let outcome = work(connection);
            let keep = outcome.is_ok();
            let tell = move |committed| {
                // Nobody waits any longer if the client has gone.
                let _ = answer.send(if committed || outcome.is_err() { outcome } else { Err(Fault::Scim(ScimError::internal())) });
            };
            (keep, Box::new(tell))
        });
        self.changes.send(change).await.map_err(|_| ScimError::internal())?;
        answered.await.map_err(|_| ScimError::internal())?.map_err(|fault| self.told(fault))
    }

    /// Ask something, of one moment's state.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, ScimError> {
        let _permit = self.reading.acquire().await.map_err(|_| ScimError::internal())?;
        let known = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (path, idle) = (Arc::clone(&self.path), Arc::clone(&self.idle));
        let (handle, handed) = oneshot::channel();
        let mut asked = tokio::task::spawn_blocking(move || {
            let connection = known.map_or_else(|| connect(&path), Ok)?;
            let _ = handle.send(connection.get_interrupt_handle());
            let transaction = connection.unchecked_transaction()?;
            let outcome = work(&connection);
            drop(transaction);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            outcome
        });
        let Ok(ended) = tokio::time::timeout(LONGEST_READ, &mut asked).await else {
            if let Ok(handle) = handed.await {
                handle.interrupt();
            }
            let _ = asked.await;
            let seconds = LONGEST_READ.as_secs();
            return Err(ScimError::new(503, format!("this took longer than {seconds} s and was broken off; ask for less")));
        };
        ended.map_err(|_| ScimError::internal())?.map_err(|fault| self.told(fault))
    }

    /// What the client is told; the rest is logged.
    fn told(&self, fault: Fault) -> ScimError {
        match fault {
            Fault::Scim(error) => error,
            Fault::Sqlite(error) => {
                tracing::error!(directory = %self.path.display(), code = "directory.sqlite", "{error}");
                ScimError::internal()
            }
        }
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // FULL: what a client was answered survives a power failure.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;
         PRAGMA trusted_schema = OFF;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    // What compares text without case and moments; the same functions that compare outside SQLite.
    connection
        .create_scalar_function("scim_fold", 1, flags, |context| Ok(context.get::<Option<String>>(0)?.map(|text| evaluate::fold(&text))))?;
    connection.create_scalar_function("scim_instant", 1, flags, |context| {
        Ok(context.get::<Option<String>>(0)?.and_then(|text| evaluate::instant(&text)))
    })?;
    Ok(connection)
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    transaction.execute_batch(include_str!("schema.sql"))?;
    transaction.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"))?;
    transaction.commit()
}

/// What waits, in one transaction; a change that fails takes only itself back.
fn commit(connection: &mut Connection, first: Change, mut next: impl FnMut() -> Option<Change>, file: &str) {
    let mut answers = Vec::new();
    let done = (|| {
        let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut change = Some(first);
        while let Some(now) = change {
            let savepoint = transaction.savepoint()?;
            let (keep, answer) = now(&savepoint);
            answers.push(answer);
            if keep {
                savepoint.commit()?;
            }
            // One that is not kept is taken back when it is dropped.
            change = if answers.len() < GROUP { next() } else { None };
        }
        transaction.commit()
    })();
    if let Err(error) = &done {
        tracing::error!(directory = file, code = "directory.sqlite", "nothing of a transaction was kept: {error}");
    }
    for answer in answers {
        answer(done.is_ok());
    }
}
