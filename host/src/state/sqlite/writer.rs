//! Writing: one thread, one connection, and as many waiting operations in one transaction as there are (group commit).
//!
//! Each operation has a savepoint, so one that fails takes only itself back. Nobody is answered before the transaction is on the disk; if that
//! fails, everybody in it is told so.

use std::{
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::super::{StateError, error::Doing};

/// A transaction takes no further operation once it has this many.
const GROUP_OPERATIONS: usize = 64;

/// A transaction takes no further operation once it has this many rows. A longer one is hardly cheaper a row and makes everybody wait.
const GROUP_ROWS: usize = 20_000;

/// Why an operation failed.
#[derive(Debug)]
pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    State(StateError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl Fault {
    fn into_error(self, path: &Path) -> StateError {
        match self {
            Self::Sqlite(error) => StateError::sqlite(path, Doing::Write, &error),
            Self::State(error) => error,
        }
    }
}

/// The thread that writes.
pub(super) struct Writer {
    path: Arc<Path>,
    /// `None` where the file is only looked at, and while it is dropped.
    queue: Option<mpsc::Sender<Box<dyn Operation>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Give the connection to a thread of its own.
    pub(super) fn start(path: Arc<Path>, mut connection: Connection) -> Result<Self, StateError> {
        let (queue, mut operations) = mpsc::channel(GROUP_OPERATIONS);
        let of_thread = Arc::clone(&path);
        let thread = thread::Builder::new()
            .name("state-writer".to_owned())
            .spawn(move || {
                while let Some(first) = operations.blocking_recv() {
                    commit_group(&mut connection, &of_thread, first, || operations.try_recv().ok());
                }
            })
            .map_err(|error| StateError::open_io(&path, &error))?;
        Ok(Self { path, queue: Some(queue), thread: Some(thread) })
    }

    /// In place of the thread where the file is only looked at: every write fails.
    pub(super) fn absent(path: Arc<Path>) -> Self {
        Self { path, queue: None, thread: None }
    }

    /// Do something inside the next transaction. `rows` is how many rows it writes, roughly. The answer comes when it is on the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        rows: usize,
        apply: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StateError> {
        let (answer, answered) = oneshot::channel();
        let operation = Box::new(Pending { rows, apply: Some(apply), outcome: None, answer });
        let stopped = || StateError::write(&self.path, "the thread that writes it has stopped");
        let queue = self.queue.as_ref().ok_or_else(|| StateError::write(&self.path, "it was opened to be looked at"))?;
        queue.send(operation).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // It has answered "stopped" to whoever waited, if it panicked.
            let _ = thread.join();
        }
    }
}

/// What waits in the queue.
trait Operation: Send {
    fn rows(&self) -> usize;
    /// Do it and keep the outcome. An error is kept too; what is returned says that it must be taken back, and why.
    fn apply(&mut self, connection: &Connection, path: &Path) -> Result<(), StateError>;
    /// Answer with the outcome, or with the failure of the whole transaction.
    fn answer(self: Box<Self>, transaction: Result<(), StateError>);
}

struct Pending<T, F> {
    rows: usize,
    apply: Option<F>,
    outcome: Option<Result<T, StateError>>,
    answer: oneshot::Sender<Result<T, StateError>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T, Fault> + Send> Operation for Pending<T, F> {
    fn rows(&self) -> usize {
        self.rows
    }

    fn apply(&mut self, connection: &Connection, path: &Path) -> Result<(), StateError> {
        let Some(apply) = self.apply.take() else {
            return Ok(());
        };
        let outcome = apply(connection).map_err(|fault| fault.into_error(path));
        let result = outcome.as_ref().map(|_| ()).map_err(StateError::clone);
        self.outcome = Some(outcome);
        result
    }

    fn answer(self: Box<Self>, transaction: Result<(), StateError>) {
        // An operation's own failure says more than that of the transaction it was in. Nobody may be waiting any more.
        let outcome = match (self.outcome, transaction) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(error)) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => return,
        };
        let _ = self.answer.send(outcome);
    }
}

/// One transaction: `first`, and what `more` has until the group is full.
fn commit_group(connection: &mut Connection, path: &Path, first: Box<dyn Operation>, more: impl FnMut() -> Option<Box<dyn Operation>>) {
    let mut group = vec![first];
    let committed = apply_group(connection, path, &mut group, more);
    for operation in group {
        operation.answer(committed.clone());
    }
}

fn apply_group(
    connection: &mut Connection,
    path: &Path,
    group: &mut Vec<Box<dyn Operation>>,
    mut more: impl FnMut() -> Option<Box<dyn Operation>>,
) -> Result<(), StateError> {
    let failed = |error: rusqlite::Error| StateError::sqlite(path, Doing::Write, &error);
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let (mut applied, mut rows) = (0, 0);
    while let Some(operation) = group.get_mut(applied) {
        isolate(&mut transaction, path, operation.as_mut())?;
        applied += 1;
        rows += operation.rows();
        if applied < GROUP_OPERATIONS && rows < GROUP_ROWS {
            group.extend(more());
        }
    }
    transaction.commit().map_err(failed)
}

/// Apply one operation in a savepoint. An error is the end of the whole transaction; an operation that merely fails is none.
fn isolate(transaction: &mut Transaction<'_>, path: &Path, operation: &mut dyn Operation) -> Result<(), StateError> {
    let failed = |error: rusqlite::Error| StateError::sqlite(path, Doing::Write, &error);
    let mut savepoint = transaction.savepoint().map_err(failed)?;
    if let Err(error) = operation.apply(&savepoint, path) {
        // A full disk and some other faults make SQLite roll back everything at once, the operations before this one included.
        if savepoint.is_autocommit() {
            return Err(error);
        }
        savepoint.rollback().map_err(failed)?;
    }
    savepoint.commit().map_err(failed)
}
