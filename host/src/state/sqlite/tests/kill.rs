//! A process that is killed while it commits. The test starts its own binary as that process.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{BufRead as _, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    thread,
};

use super::*;

/// Tells the child that it is one, and where the state is.
const STATE: &str = "PROVISOR_TEST_KILLED_STATE";
const ROUNDS: u32 = 20;
const PAGE: usize = 40;
/// Tasks that commit at the same time, so that transactions hold several pages.
const TASKS: usize = 4;

/// The child: pages of creates, announced and committed, until it is killed. It says which pages it was told are committed.
#[test]
fn child() {
    let Ok(path) = env::var(STATE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(SqliteStore::open(path).unwrap());
        let run = store.begin_run("hr", "read", "full", now()).await.unwrap();
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    for page in 0_u64.. {
                        let name = format!("{}-{task}-{page}", run.0);
                        let ids: Vec<_> = (0..PAGE).map(|index| format!("{name}-{index}")).collect();
                        let id_list: Vec<_> = ids.iter().map(String::as_str).collect();
                        let intent = store.intend(run, &link(), "user", &id_list).await.unwrap();
                        println!("intended {name}");
                        let commit = PageCommit {
                            changes: ids.iter().map(|id| insert(id)).collect(),
                            intents_done: Some(intent),
                            checkpoint: Some(Checkpoint { pages: page + 1, cursor: None }),
                            ..PageCommit::new(run, link(), "user", now())
                        };
                        let counters = Counters { created: PAGE as u64, ..Counters::default() };
                        store.commit(commit.count("directory", counters)).await.unwrap();
                        println!("committed {name}");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// A child that has begun to commit, and what it has said so far.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
}

fn start(path: &Path) -> Running {
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::child"), "--nocapture", "--test-threads=1"])
        .env(STATE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = vec![];
    // The test harness prints some lines of its own first.
    while !said.last().is_some_and(|line: &String| line.contains("intended ")) {
        said.push(lines.next().expect("the child has begun").unwrap());
    }
    Running { child, lines, said }
}

/// Kill a child a while after it has begun, and return the pages it said it had (announced, committed).
fn killed_child(path: &Path, after: Duration) -> (BTreeSet<String>, BTreeSet<String>) {
    let Running { mut child, lines, mut said } = start(path);
    let killer = thread::spawn(move || {
        thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap()
    });
    said.extend(lines.map_while(Result::ok));
    assert!(!killer.join().unwrap().success());
    let pages = |word: &str| said.iter().filter_map(|line| Some(line.split_once(word)?.1.to_owned())).collect();
    (pages("intended "), pages("committed "))
}

#[test]
fn the_process_that_holds_the_state_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    let Running { mut child, lines, .. } = start(&path);
    let refused = SqliteStore::open(&path).err();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(lines);
    let error = refused.unwrap();
    assert_eq!(error.code(), "state.locked");
    assert!(!cfg!(unix) || error.to_string().contains(&format!("the process with id {}", child.id())), "{error}");
    SqliteStore::open(&path).unwrap();
}

#[tokio::test]
async fn pages_are_whole_or_absent() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.db");
    let (mut relations, mut committed_pages, mut cut_short) = (0, 0, 0);
    for round in 0..ROUNDS {
        // Spread without a pattern over the first 50 ms.
        let after = Duration::from_micros(u64::from((round + 1) * 7_919 % 50_000));
        let (announced, told) = killed_child(&path, after);

        let store = SqliteStore::open(&path).unwrap();
        let run = store.last_run("hr").await.unwrap().unwrap();
        assert_eq!(run.status, RunStatus::Interrupted);
        let shell = rusqlite::Connection::open(&path).unwrap();
        let mut pages: BTreeMap<String, usize> = BTreeMap::new();
        let mut statement = shell.prepare("SELECT source_id FROM relation").unwrap();
        for id in statement.query_map([], |row| row.get::<_, String>(0)).unwrap() {
            *pages.entry(id.unwrap().rsplit_once('-').unwrap().0.to_owned()).or_default() += 1;
        }
        assert!(pages.values().all(|&size| size == PAGE), "round {round}: a torn page in {pages:?}");
        let of_this_run: BTreeSet<_> = pages.keys().filter(|name| name.starts_with(&format!("{}-", run.id.0))).cloned().collect();
        assert!(told.is_subset(&of_this_run), "round {round}: a page that was answered is gone");

        // Counts and checkpoints are those of the committed pages.
        let created: u64 = run.counters.iter().map(|of| of.counters.created).sum();
        assert_eq!(created, (of_this_run.len() * PAGE) as u64);
        relations += created;
        assert_eq!(store.count(&link(), "user").await.unwrap(), relations);
        committed_pages += of_this_run.len();

        // What was announced is committed or left over, and never both.
        let leftover = store.leftover_intents(&link(), "user").await.unwrap();
        let left: BTreeSet<_> = leftover.iter().map(|id| id.rsplit_once('-').unwrap().0.to_owned()).collect();
        assert_eq!(leftover.len(), left.len() * PAGE);
        assert!(left.is_disjoint(&of_this_run));
        assert!(announced.iter().all(|name| left.contains(name) || of_this_run.contains(name)), "round {round}");
        cut_short += left.len();
        let ids: Vec<_> = leftover.iter().map(String::as_str).collect();
        store.settle(&link(), "user", &ids).await.unwrap();
        let sound: String = shell.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }
    assert!(
        committed_pages > 0 && cut_short > 0,
        "{committed_pages} pages committed, {cut_short} cut short: the kills came at no useful time"
    );
}
