//! Operations that share a transaction.

use std::{path::Path, sync::Arc, sync::mpsc};

use futures_util::future::join_all;
use rusqlite::Connection;

use super::{
    super::{
        schema,
        writer::{Fault, Writer},
    },
    *,
};

/// A writer on a file of its own, and a look at the file from outside.
struct Alone {
    writer: Writer,
    shell: Connection,
    _folder: TempDir,
}

impl Alone {
    fn new(prepare: impl FnOnce(&Connection)) -> Self {
        let folder = TempDir::new().unwrap();
        let path: Arc<Path> = folder.path().join("state.db").into();
        let connection = schema::open(&path).unwrap();
        prepare(&connection);
        Self { shell: Connection::open(&path).unwrap(), writer: Writer::start(path, connection).unwrap(), _folder: folder }
    }

    /// Run operations that are all waiting when the writer becomes free.
    async fn together<T: Send + 'static>(&self, operations: Vec<Apply<T>>) -> Vec<Result<T, StateError>> {
        let (free, busy) = mpsc::channel::<()>();
        let blocker = self.writer.write(1, move |_| Ok(busy.recv().is_ok()));
        let waiting = join_all(operations.into_iter().map(|apply| self.writer.write(1, apply)));
        // Polled in this order: by the time the writer is let go, everything is in its queue.
        let (_, answers, ()) = tokio::join!(blocker, waiting, async { free.send(()).unwrap() });
        answers
    }

    fn sources(&self) -> Vec<String> {
        let mut statement = self.shell.prepare("SELECT source FROM link ORDER BY source").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

type Apply<T> = Box<dyn FnOnce(&Connection) -> Result<T, Fault> + Send>;

/// Write one row, then do something else.
fn write(source: &'static str, then: impl FnOnce(&Connection) -> Result<(), Fault> + Send + 'static) -> Apply<()> {
    Box::new(move |connection| {
        connection.execute("INSERT INTO link (source, target) VALUES (?1, '')", [source])?;
        then(connection)
    })
}

#[tokio::test]
async fn one_that_fails_takes_only_itself_back() {
    let alone = Alone::new(|_| ());
    let fails = || StateError::UnknownRelation { link: link(), entity_type: "user".to_owned(), id: 7 };
    let answers = alone
        .together(vec![
            write("a", |_| Ok(())),
            write("b", move |_| Err(fails().into())),
            write("c", |_| Ok(())),
            write("a", |_| Ok(())),
            write("d", |_| Ok(())),
        ])
        .await;
    let codes: Vec<_> = answers.iter().map(|answer| answer.as_ref().err().map(StateError::code)).collect();
    assert_eq!(codes, [None, Some("state.unknown-relation"), None, Some("state.write"), None]);
    assert_eq!(alone.sources(), ["a", "c", "d"]);
}

#[tokio::test]
async fn nothing_is_visible_before_all_of_it_is() {
    let alone = Alone::new(|_| ());
    let path = alone.shell.path().unwrap().to_owned();
    let look = move |connection: &Connection| {
        let count = |connection: &Connection| connection.query_row("SELECT count(*) FROM link", [], |row| row.get::<_, i64>(0));
        assert_eq!((count(connection)?, count(&Connection::open(path)?)?), (2, 0));
        Ok(())
    };
    let answers = alone.together(vec![write("a", |_| Ok(())), write("b", look)]).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(alone.sources(), ["a", "b"]);
}

#[tokio::test]
async fn a_full_disk_keeps_nothing_of_what_failed() {
    let alone = Alone::new(|connection| {
        let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        connection.pragma_update(None, "max_page_count", pages + 20).unwrap();
    });
    let fill = |connection: &Connection| {
        connection.execute("INSERT INTO link (source, target) VALUES ('big', hex(zeroblob(200000)))", [])?;
        Ok(())
    };
    let answers = alone.together(vec![write("a", |_| Ok(())), write("b", fill), write("c", |_| Ok(()))]).await;
    assert_eq!(answers[1].as_ref().unwrap_err().code(), "state.full");
    let kept: Vec<_> = ["a", "b", "c"].into_iter().zip(&answers).filter(|(_, answer)| answer.is_ok()).map(|(name, _)| name).collect();
    assert_eq!(alone.sources(), kept, "what was answered as done is there, and nothing else");

    alone.writer.write(1, |connection| Ok(connection.pragma_update(None, "max_page_count", 1_000_000)?)).await.unwrap();
    alone.writer.write(1, write("d", fill)).await.unwrap();
    assert!(alone.sources().contains(&"d".to_owned()));
}

#[tokio::test]
async fn a_program_outside_that_holds_the_file_is_named() {
    let alone = Alone::new(|connection| connection.busy_timeout(Duration::ZERO).unwrap());
    alone.shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = alone.writer.write(1, write("a", |_| Ok(()))).await.unwrap_err();
    assert!(error.code() == "state.write" && error.to_string().contains("another program"), "{error}");
    alone.shell.execute_batch("COMMIT").unwrap();
    alone.writer.write(1, write("a", |_| Ok(()))).await.unwrap();
}

#[tokio::test]
async fn a_writer_that_panicked_answers() {
    let alone = Alone::new(|_| ());
    for _ in 0..2 {
        let error = alone.writer.write(1, write("a", |_| panic!("on purpose"))).await.unwrap_err();
        assert!(error.code() == "state.write" && error.to_string().contains("has stopped"), "{error}");
    }
    assert!(alone.sources().is_empty());
}

#[tokio::test]
async fn dropping_the_store_finishes_what_was_handed_over() {
    let Fixture { store, folder, run } = Fixture::new().await;
    let page = |index: usize| PageCommit { changes: vec![insert(&index.to_string())], ..PageCommit::new(run, link(), "user", now()) };
    for index in 0..20 {
        // Polled once, which hands it over, and then given up.
        let commit = store.commit(page(index));
        tokio::select! { biased; _ = commit => {}, () = std::future::ready(()) => {} }
    }
    drop(store);
    let store = SqliteStore::open(folder.path().join("state.db")).unwrap();
    assert_eq!(store.count(&link(), "user").await.unwrap(), 20);
}
