//! The log of single entities, what it is looked for by, and what is forgotten.

use super::*;

fn entry(system: &str, source_id: &str, target_id: Option<&str>, action: LogAction) -> LogEntry {
    LogEntry {
        at: now(),
        system: system.to_owned(),
        entity_type: "user".to_owned(),
        source_id: source_id.to_owned(),
        target_id: target_id.map(str::to_owned),
        action,
        stage: Some("write".to_owned()).filter(|_| action == LogAction::Failed),
        code: Some("backend.rejected".to_owned()).filter(|_| action == LogAction::Failed),
        message: None,
        content: None,
    }
}

async fn found(store: &SqliteStore, query: LogQuery) -> Vec<LogEntry> {
    store.log(LogQuery { limit: 100, ..query }).await.unwrap().into_iter().map(|logged| logged.entry).collect()
}

#[tokio::test]
async fn rows_come_with_the_page_and_are_found_by_everything_they_say() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let rows = vec![
        entry("hr", "a", None, LogAction::Skipped),
        entry("directory", "b", Some("t-b"), LogAction::Created),
        entry("directory", "c", None, LogAction::Failed),
    ];
    store.commit(PageCommit { log: rows.clone(), ..fixture.page("user", vec![insert("b")]) }).await.unwrap();
    let other = store.begin_run("payroll", "read", "full", now()).await.unwrap();
    store.record(other, vec![], vec![entry("directory", "b", Some("t-b2"), LogAction::Updated)]).await.unwrap();

    let of_run = LogQuery { run: Some(fixture.run), ..LogQuery::default() };
    assert_eq!(found(store, of_run.clone()).await, rows);
    assert_eq!(found(store, LogQuery { action: Some(LogAction::Failed), ..of_run.clone() }).await, rows[2..]);
    assert!(found(store, LogQuery { entity_type: Some("group".into()), ..of_run.clone() }).await.is_empty());
    let page = store.log(LogQuery { limit: 2, ..of_run.clone() }).await.unwrap();
    assert_eq!(page.len(), 2);
    assert_eq!(found(store, LogQuery { after: page[1].id, ..of_run }).await, rows[2..]);
    // The same source id of another source is another entity; a target's rows are found by both ids.
    let of = |system: &str, id: &str| LogQuery { entity: Some((system.into(), id.into())), ..LogQuery::default() };
    assert_eq!(found(store, of("hr", "b")).await, rows[1..2]);
    assert_eq!(found(store, of("payroll", "b")).await.len(), 1);
    assert_eq!(found(store, of("directory", "b")).await.len(), 2);
    assert_eq!(found(store, of("directory", "t-b")).await, rows[1..2]);
    assert!(found(store, of("hr", "t-b")).await.is_empty(), "a target's id is none of the source");

    // A page that fails leaves no row.
    let twice = PageCommit { log: rows.clone(), ..fixture.page("user", vec![insert("b")]) };
    assert_eq!(store.commit(twice).await.unwrap_err().code(), "state.already-related");
    assert_eq!(found(store, LogQuery { run: Some(fixture.run), ..LogQuery::default() }).await.len(), 3);
}

#[tokio::test]
async fn the_counts_a_run_ends_with_replace_those_of_its_pages() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let page = fixture.page("user", vec![]).count("directory", Counters { unchanged: 4, failed: 1, ..Counters::default() });
    store.commit(page).await.unwrap();
    assert_eq!(store.run(fixture.run).await.unwrap().unwrap().status_word(), "running with error");
    let of =
        CountersOf { system: "directory".into(), entity_type: "user".into(), counters: Counters { updated: 4, ..Counters::default() } };
    store.record(fixture.run, vec![of.clone()], vec![]).await.unwrap();
    let run = store.run(fixture.run).await.unwrap().unwrap();
    assert_eq!((run.counters.as_slice(), run.status_word()), ([of].as_slice(), "running"));
    assert_eq!(store.run(RunId(99)).await.unwrap(), None);
}

#[tokio::test]
async fn a_switch_works_once_until_it_was_off() {
    let fixture = Fixture::new().await;
    let used = async |source: &str, a: bool, b: bool| fixture.store.use_once(source, vec![("a".into(), a), ("b".into(), b)]).await.unwrap();
    assert_eq!(used("hr", true, false).await, ["a"]);
    assert_eq!(used("hr", true, true).await, ["b"]);
    assert!(used("hr", true, true).await.is_empty());
    assert_eq!(used("payroll", true, false).await, ["a"], "each source for itself");
    assert!(used("hr", false, true).await.is_empty());
    assert_eq!(used("hr", true, true).await, ["a"]);
}

#[tokio::test]
async fn old_runs_go_but_the_last_of_each_source_and_what_is_in_doubt() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let later = now() + Duration::from_hours(1);
    let page = PageCommit { log: vec![entry("directory", "a", None, LogAction::Failed)], ..fixture.page("user", vec![insert("a")]) };
    let place = Some(Checkpoint { pages: 1, cursor: None });
    store.commit(PageCommit { checkpoint: place, ..page }.count("hr", Counters::default())).await.unwrap();
    let doubtful = store.begin_run("hr", "read", "full", now()).await.unwrap();
    store.intend(doubtful, &link(), "user", &["z"]).await.unwrap();
    let last = store.begin_run("hr", "read", "full", now()).await.unwrap();
    store.finish_run(last, RunStatus::Success, now(), "{}").await.unwrap();

    assert_eq!(store.forget_runs(now()).await.unwrap(), 0, "none began before that");
    assert_eq!(store.forget_runs(later).await.unwrap(), 1);
    let left: Vec<RunId> = store.runs(None, 10).await.unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(left, [last, doubtful]);
    assert!(found(store, LogQuery::default()).await.is_empty());
    assert_eq!(store.count(&link(), "user").await.unwrap(), 1, "relations stay");
    assert_eq!(store.leftover_intents(&link(), "user").await.unwrap(), ["z"]);
}

#[tokio::test]
async fn a_reset_forgets_the_system_and_nothing_else() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let other = Link::new("hr", "phone");
    store
        .commit(PageCommit {
            log: vec![entry("directory", "a", None, LogAction::Failed)],
            ..fixture.page("user", vec![insert("a"), insert("b")])
        })
        .await
        .unwrap();
    let phone = PageCommit::new(fixture.run, other.clone(), "user", now());
    store
        .commit(PageCommit { changes: vec![insert("a")], log: vec![entry("phone", "a", None, LogAction::Failed)], ..phone })
        .await
        .unwrap();
    store.intend(fixture.run, &link(), "user", &["x", "y"]).await.unwrap();
    store.set_place("directory", "file out/").await.unwrap();
    store.use_once("hr", vec![("a".into(), true)]).await.unwrap();
    assert!(store.knows("phone").await.unwrap() && !store.knows("payroll").await.unwrap());

    assert_eq!(store.reset("directory").await.unwrap(), ResetCounts { relations: 2, intents: 2, log: 1 });
    assert_eq!((store.count(&link(), "user").await.unwrap(), store.count(&other, "user").await.unwrap()), (0, 1));
    assert_eq!(store.place("directory").await.unwrap(), None);
    assert!(store.use_once("hr", vec![("a".into(), true)]).await.unwrap().is_empty(), "the source was not reset");
    assert_eq!(store.reset("hr").await.unwrap(), ResetCounts { relations: 1, intents: 0, log: 1 });
    assert_eq!(store.use_once("hr", vec![("a".into(), true)]).await.unwrap(), ["a"]);
    assert_eq!(store.runs(Some("hr"), 10).await.unwrap().len(), 1, "runs stay");
}

#[tokio::test]
async fn looking_keeps_nobody_out_and_writes_nothing() {
    let fixture = Fixture::new().await;
    let path = fixture.folder.path().join("state.db");
    let look = SqliteStore::look(&path).unwrap().unwrap();
    assert_eq!(look.run(fixture.run).await.unwrap().unwrap().status, RunStatus::Running, "seen at work");
    assert_eq!(look.begin_run("hr", "read", "full", now()).await.unwrap_err().code(), "state.write");
    fixture.store.commit(fixture.page("user", vec![insert("a")])).await.unwrap();
    assert_eq!(look.count(&link(), "user").await.unwrap(), 1);
    fixture.store.intend(fixture.run, &link(), "user", &["z"]).await.unwrap();
    assert!(look.leftover_intents(&link(), "user").await.unwrap().is_empty());
    drop((look, fixture.store));
    let look = SqliteStore::look(&path).unwrap().unwrap();
    assert_eq!(look.last_run("hr").await.unwrap().unwrap().status, RunStatus::Interrupted, "nobody is at work");
    assert_eq!(look.leftover_intents(&link(), "user").await.unwrap(), ["z"], "what a dead run left is in doubt");
    let word: String = rusqlite::Connection::open(&path).unwrap().query_row("SELECT status FROM run", [], |row| row.get(0)).unwrap();
    assert_eq!(word, "running", "and nothing was written");
    assert!(SqliteStore::look(fixture.folder.path().join("none.db")).unwrap().is_none());
    std::fs::write(fixture.folder.path().join("text.db"), "no database at all".repeat(100)).unwrap();
    assert_eq!(SqliteStore::look(fixture.folder.path().join("text.db")).err().unwrap().code(), "state.open");
}

#[test]
fn a_file_of_the_first_version_is_brought_up_to_date() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    let shell = rusqlite::Connection::open(&path).unwrap();
    shell.execute_batch(include_str!("../schema_1.sql")).unwrap();
    shell.execute_batch("PRAGMA application_id = 0x50565352; PRAGMA user_version = 1").unwrap();
    drop(shell);
    let refused = SqliteStore::look(&path).err().unwrap();
    assert!(refused.to_string().contains("the next run brings it up to date"), "{refused}");
    drop(SqliteStore::open(&path).unwrap());
    assert!(SqliteStore::look(&path).unwrap().is_some());
}

#[tokio::test]
async fn after_a_reset_the_next_read_is_a_full_one() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store.commit(fixture.page("user", vec![insert("a")])).await.unwrap();
    let token = |text: &str| vec![DeltaToken { entity_type: "user".into(), token: text.into(), basis: [1; 32] }];
    for system in ["directory", "hr"] {
        for source in ["hr", "payroll"] {
            store.set_delta_tokens(source, token("since then")).await.unwrap();
            store.set_delta_runs(source, 3).await.unwrap();
        }
        store.reset(system).await.unwrap();
        assert!(store.delta_tokens("hr").await.unwrap().is_empty(), "{system} was reset");
        assert_eq!((store.delta_runs("hr").await.unwrap(), store.delta_runs("payroll").await.unwrap()), (0, 3));
        assert_eq!(store.delta_tokens("payroll").await.unwrap(), token("since then"), "it feeds another target");
    }
}
