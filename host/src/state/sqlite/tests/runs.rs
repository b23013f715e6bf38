//! Runs and what they leave behind.

use super::*;

#[tokio::test]
async fn a_run_is_remembered_with_its_counts_and_checkpoints() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    assert_eq!(store.last_run("nobody").await.unwrap(), None);
    for pages in 1..=3 {
        let page = PageCommit {
            checkpoint: Some(Checkpoint { pages, cursor: (pages < 3).then(|| format!("after {pages}")) }),
            ..fixture.page("user", vec![])
        };
        let page = page
            .count("hr", Counters { read: 10, failed: 1, ..Counters::default() })
            .count("directory", Counters { created: 4, updated: 3, unchanged: 1, deleted: 5, skipped: 1, ..Counters::default() });
        store.commit(page).await.unwrap();
    }
    let run = store.last_run("hr").await.unwrap().unwrap();
    assert_eq!((run.id, run.status, run.started_at, run.ended_at), (fixture.run, RunStatus::Running, now(), None));
    let of = |system: &str, counters| CountersOf { system: system.to_owned(), entity_type: "user".to_owned(), counters };
    let target = Counters { created: 12, updated: 9, unchanged: 3, deleted: 15, skipped: 3, ..Counters::default() };
    assert_eq!(run.counters, [of("directory", target), of("hr", Counters { read: 30, failed: 3, ..Counters::default() })]);
    assert_eq!(run.checkpoints, [(link(), "user".to_owned(), Checkpoint { pages: 3, cursor: None })]);

    let end = now() + Duration::from_secs(5);
    store.finish_run(fixture.run, RunStatus::FinishedWithError, end, r#"{"run":1}"#).await.unwrap();
    let run = store.last_run("hr").await.unwrap().unwrap();
    assert_eq!((run.status, run.ended_at, run.report.as_deref()), (RunStatus::FinishedWithError, Some(end), Some(r#"{"run":1}"#)));
    assert_eq!(store.finish_run(RunId(99), RunStatus::Success, end, "{}").await.unwrap_err().code(), "state.write");
}

#[tokio::test]
async fn a_run_that_never_ended_is_interrupted() {
    let Fixture { store, folder, run } = Fixture::new().await;
    let other = store.begin_run("payroll", "read", "full", now()).await.unwrap();
    let second = store.begin_run("hr", "resync", "full", now()).await.unwrap();
    assert!(second > other && other > run);
    assert_eq!(store.last_run("payroll").await.unwrap().unwrap().status, RunStatus::Running, "two sources run side by side");
    drop(store);

    let store = SqliteStore::open(folder.path().join("state.db")).unwrap();
    for source in ["payroll", "hr"] {
        let run = store.last_run(source).await.unwrap().unwrap();
        assert_eq!((run.status, run.ended_at), (RunStatus::Interrupted, None), "{source}");
    }
    let word = |id: RunId| -> String {
        let shell = rusqlite::Connection::open(folder.path().join("state.db")).unwrap();
        shell.query_row("SELECT status FROM run WHERE id = ?1", [id.0], |row| row.get(0)).unwrap()
    };
    assert_eq!(word(run), "interrupted");
}

#[tokio::test]
async fn intents_of_ended_runs_are_left_over_until_settled() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let first = store.intend(fixture.run, &link(), "user", &["a", "b"]).await.unwrap();
    let second = store.intend(fixture.run, &link(), "user", &["c", "b", "d"]).await.unwrap();
    store.intend(fixture.run, &link(), "group", &["g"]).await.unwrap();
    assert_ne!(first, second);
    assert!(store.leftover_intents(&link(), "user").await.unwrap().is_empty(), "the run is still at it");
    store.settle(&link(), "user", &["a"]).await.unwrap();

    let page = PageCommit { intents_done: Some(first), ..fixture.page("user", vec![insert("a"), insert("b")]) };
    store.commit(page).await.unwrap();
    store.finish_run(fixture.run, RunStatus::Failed, now(), "{}").await.unwrap();
    assert_eq!(store.leftover_intents(&link(), "user").await.unwrap(), ["b", "c", "d"]);
    assert_eq!(store.leftover_intents(&Link::new("x", "y"), "user").await.unwrap(), Vec::<String>::new());

    let run = store.begin_run("hr", "read", "full", now()).await.unwrap();
    store.intend(run, &link(), "user", &["c"]).await.unwrap();
    store.settle(&link(), "user", &["b", "c", "unknown"]).await.unwrap();
    assert_eq!(store.leftover_intents(&link(), "user").await.unwrap(), ["d"]);
    store.settle(&link(), "user", &["d"]).await.unwrap();
    store.settle(&link(), "user", &[]).await.unwrap();
    store.settle(&Link::new("x", "y"), "user", &["d"]).await.unwrap();
    assert!(store.leftover_intents(&link(), "user").await.unwrap().is_empty());
    let left: i64 = fixture.shell().query_row("SELECT count(*) FROM intent", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 2, "the running run's and the group's");
    store.finish_run(run, RunStatus::Failed, now(), "{}").await.unwrap();
    assert_eq!(store.leftover_intents(&link(), "user").await.unwrap(), ["c"], "the newer intent was not settled by the older one");
    assert_eq!(store.intend(RunId(99), &link(), "user", &["z"]).await.unwrap_err().code(), "state.write");
}
