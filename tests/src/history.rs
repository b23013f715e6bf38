//! What happened and why: runs, the log of single entities, `explain`, `reset`.

use std::time::{Duration, Instant, SystemTime};

use provisor::state::{SqliteStore, StateStore as _};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::matching::Matches;
use crate::place::{Ended, MANIFEST, Place, rows};
use crate::trials;

trials![
    before_the_first_run_there_is_nothing_to_tell,
    runs_are_listed_and_shown_with_their_statistics,
    a_run_is_seen_while_it_goes_on_and_after_it_was_killed,
    a_killed_run_has_the_counts_of_what_it_did,
    failures_are_always_logged_and_contents_only_once,
    tracing_fills_the_log_and_exports_give_it_out,
    switching_the_trace_does_not_map_everything_again,
    no_attribute_is_kept_unless_asked_for,
    old_runs_are_forgotten_and_relations_never,
    explain_tells_what_the_next_run_does,
    explain_tells_why_nobody_is_deleted,
    explain_finds_who_stands_behind_a_target_entity,
    explain_of_what_nobody_knows,
    a_reset_forgets_one_system_and_the_next_run_finds_what_is_there,
    a_reset_is_refused_while_a_run_goes_on_and_without_being_meant,
];

const READ: &str = r#"{
  "user": {
    "condition": "$.status != 'left'",
    "mappings": [
      { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" },
      { "sourcePath": "$.userName", "targetPath": "$.userName" },
      { "sourcePath": "$.mail", "targetPath": "$.mail", "optional": true },
      { "sourcePath": "$.status", "targetPath": "$.status" }
    ]
  }
}"#;

/// Who has no address fails; who is external is left out.
const WRITE: &str = r#"{
  "user": {
    "condition": "$.status != 'external'",
    "mappings": [
      { "sourcePath": "$.userName", "targetPath": "$.userName" },
      { "sourcePath": "$.mail", "targetPath": "$.mail" }
    ]
  }
}"#;

const PEOPLE: [&str; 4] =
    ["1,ada,ada@secret.example,here", "2,bob,bob@secret.example,here", "3,eve,eve@secret.example,left", "4,flo,,here"];

fn manifest(trace: &str, more: &str) -> String {
    format!(
        "{more}\n[systems.hr]\nrole = \"source\"\nconnector = \"file\"\ntransformation = \"read.json\"\n\
         properties = {{ \"file.user.path\" = \"people.csv\"{trace} }}\n\n\
         [systems.directory]\nrole = \"target\"\nconnector = \"file\"\nsources = [\"hr\"]\ntransformation = \"write.json\"\n\
         properties = {{ \"file.target.path\" = \"out/\" }}\n"
    )
}

fn place(trace: &str) -> Place {
    let place = Place::with_manifest(&manifest(trace, ""));
    place.write("read.json", READ);
    place.write("write.json", WRITE);
    people(&place, &PEOPLE);
    place
}

fn people(place: &Place, rows: &[&str]) {
    place.write("people.csv", format!("id,userName,mail,status\n{}\n", rows.join("\n")));
}

fn trace(names: &[&str]) -> String {
    names.iter().flat_map(|name| [", \"ips.trace.", name, "\" = true"]).collect()
}

fn runs(place: &Place, arguments: &[&str]) -> Ended {
    place.command(&[&["runs", MANIFEST], arguments].concat())
}

fn explain(place: &Place, system: &str, id: &str) -> Value {
    let ended = place.command(&["explain", MANIFEST, "--system", system, "--id", id, "--json"]);
    ended.assert_code(0);
    ended.value()
}

#[track_caller]
fn assert_matches(expected: &Value, ended: &Ended) {
    ended.assert_code(0);
    Matches::stream(expected, &ended.values()).unwrap_or_else(|why| panic!("{why}\n{ended}"));
}

/// What the next run does with an entity, and a part of why.
#[track_caller]
fn assert_next(place: &Place, id: &str, next: &str, why: &str) -> Value {
    let answer = explain(place, "hr", id);
    let target = &answer["targets"][0];
    assert_eq!(target["next"], next, "{answer:#}");
    assert!(target["why"].as_str().is_some_and(|text| text.contains(why)), "{why:?} is not in {target:#}");
    answer
}

fn before_the_first_run_there_is_nothing_to_tell() {
    let place = place("");
    let before = place.listing();
    runs(&place, &["--json"]).assert_code(0).assert_output(&["[]"]).assert_error(&["note[history.no-state]: nothing has run yet"]);
    runs(&place, &["1"]).assert_code(2).assert_error(&["error[history.no-state]"]);
    runs(&place, &["--system", "hr", "--id", "1"]).assert_code(2).assert_error(&["error[history.no-state]"]);
    assert_next(&place, "1", "create", "no relation stands for it");
    place.command(&["reset", MANIFEST, "--system", "hr", "--yes"]).assert_code(0).assert_error(&["nothing has run yet"]);
    assert_eq!(place.listing(), before, "nothing was written");
}

fn runs_are_listed_and_shown_with_their_statistics() {
    let place = place("");
    place.run().assert_code(4);
    place.run().assert_code(4);
    let run = json!({ "run": 2, "source": "hr", "job": "read", "read-mode": "full", "status": "finished with error", "started": "~T", "ended": "~Z" });
    let mut first = run.clone();
    (first["run"], first["counts"]) = (1.into(), json!({ "read": 4, "created": 2, "unchanged": 0, "skipped": 1, "failed": 1 }));
    assert_matches(&json!([run, first]), &unwrapped(runs(&place, &["--json"])));
    assert_matches(&json!([run]), &unwrapped(runs(&place, &["--json", "--limit", "1"])));
    let mut shown = first.clone();
    shown.as_object_mut().expect("an object").remove("counts");
    shown["systems"] = json!({ "hr": { "user": { "read": 4, "skipped": 1, "failed": 0 } }, "directory": { "user": { "created": 2, "updated": 0, "deleted": 0, "skipped": 0, "failed": 1 } } });
    shown["failed"] =
        json!([{ "source-id": "4", "system": "directory", "stage": "write mapping", "code": "~mapping.", "content": "<hidden content>" }]);
    shown["deletions"] = json!([{ "decision": "nothing due" }]);
    let ended = runs(&place, &["1", "--json"]);
    assert_matches(&shown, &ended);
    let systems = &ended.value()["systems"];
    assert!(systems["hr"]["user"].get("created").is_none() && systems["directory"]["user"].get("read").is_none(), "{systems}");
    runs(&place, &[]).assert_code(0).assert_output(&["run", "read mode", "finished with error"]);
    runs(&place, &["1"]).assert_code(0).assert_output(&[
        "run 1 of hr: read, full read",
        "deletions  directory user: nothing due",
        "failed     failed user 4",
    ]);
    runs(&place, &["9"]).assert_code(2).assert_error(&["error[history.unknown-run]"]);
    runs(&place, &["--system", "payroll"]).assert_code(2).assert_error(&["error[history.unknown-system]"]);
    runs(&place, &["--export", "ndjson", "--action", "eaten"]).assert_code(2).assert_error(&["failed, skipped, created"]);
}

/// `Matches` takes the arrays of a stream apart; one array is printed as its values.
fn unwrapped(mut ended: Ended) -> Ended {
    let array = ended.value();
    ended.stdout = array.as_array().expect("an array").iter().flat_map(|value| [value.to_string(), "\n".into()]).collect();
    ended
}

fn a_run_is_seen_while_it_goes_on_and_after_it_was_killed() {
    let place = place("");
    place.run().assert_code(4);
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let store = SqliteStore::open(place.path("provisor.db")).expect("the state");
    runtime.block_on(store.begin_run("hr", "read", "full", SystemTime::now())).expect("a run");
    let status = || runs(&place, &["2", "--json"]).value()["status"].clone();
    assert_eq!(status(), "running");
    place.command(&["run", MANIFEST]).assert_code(3).assert_error(&["state.locked"]);
    drop(store);
    // Nobody holds the state any more, and the run never ended.
    assert_eq!(status(), "interrupted");
    runs(&place, &["2"]).assert_code(0).assert_output(&["interrupted", "did not come to its end"]);
}

fn a_killed_run_has_the_counts_of_what_it_did() {
    let fresh = || {
        let place = place("");
        place.write("people.csv", rows("id,userName,mail,status", 1..=8000, |n| format!("{n},user{n},user{n}@secret.example,here")));
        place
    };
    let begun = Instant::now();
    fresh().run().assert_code(0);
    let took = begun.elapsed();
    // Starting takes its time, and how much depends on the machine.
    for part in [12, 14, 10, 16, 13, 15, 11, 17, 18, 9, 19, 8] {
        let place = fresh();
        if place.run_killed_at(took * part / 20).code.is_some() {
            continue;
        }
        let run = runs(&place, &["1", "--json"]);
        let (read, created) = (&run.value()["systems"]["hr"]["user"]["read"], &run.value()["systems"]["directory"]["user"]["created"]);
        let (Some(read), Some(created)) = (read.as_u64(), created.as_u64()) else { continue };
        let state = Connection::open(place.path("provisor.db")).expect("the state");
        let known: i64 = state.query_row("SELECT count(*) FROM relation", [], |row| row.get(0)).expect("a number");
        assert_eq!((&run.value()["status"], created), (&json!("interrupted"), known.unsigned_abs()), "{run}");
        assert!(0 < created && created <= read && read <= 8000, "{run}");
        assert_eq!(run.value()["deletions"], Value::Null, "it did not come to them");
        return;
    }
    panic!("no kill in {took:?} met the run in the middle");
}

fn failures_are_always_logged_and_contents_only_once() {
    let off = trace(&[]);
    let on = trace(&["failed.entity.content"]);
    let place = place(&on);
    let contents = |place: &Place| -> Vec<bool> {
        let rows = runs(place, &["--export", "ndjson", "--action", "failed"]);
        rows.assert_code(0);
        rows.values().iter().map(|row| row["content"].as_str() != Some("<hidden content>")).collect()
    };
    place.run().assert_code(4);
    let row = &runs(&place, &["--export", "ndjson"]).values()[0];
    assert!(row["content"].as_str().is_some_and(|content| content.contains("\"userName\"")), "{row}");
    place.run().assert_code(4);
    assert_eq!(contents(&place), [true, false], "the switch worked for one run");
    place.write(MANIFEST, manifest(&off, ""));
    place.run().assert_code(4);
    place.write(MANIFEST, manifest(&on, ""));
    place.run().assert_code(4);
    assert_eq!(contents(&place), [true, false, false, true], "off and on again, it works again");
}

fn tracing_fills_the_log_and_exports_give_it_out() {
    let place = place(&trace(&["skipped.entity", "created.entity", "updated.entity", "deleted.entity", "created.entity.content"]));
    place.run().assert_code(4);
    people(
        &place,
        &[
            "1,ada,new@secret.example,here",
            "3,eve,eve@secret.example,left",
            "4,flo,flo@secret.example,here",
            "5,gus,gus@secret.example,external",
        ],
    );
    place.run().assert_code(0);
    let rows = runs(&place, &["--export", "ndjson"]);
    rows.assert_code(0);
    let row = |run: i64, action: &str, id: &str, target: Value| json!({ "run": run, "source": "hr", "action": action, "source-id": id, "target-id": target, "entity-type": "user" });
    let mut expected = vec![
        row(1, "skipped", "3", Value::Null),
        row(1, "failed", "4", Value::Null),
        row(1, "created", "1", "ada".into()),
        row(1, "created", "2", "bob".into()),
        row(2, "skipped", "3", Value::Null),
        row(2, "skipped", "5", Value::Null),
        row(2, "created", "4", "flo".into()),
        row(2, "updated", "1", "ada".into()),
        row(2, "deleted", "2", "bob".into()),
    ];
    expected[0]["message"] = "~$.status != 'left'".into();
    expected[2]["content"] = "~ada@secret.example".into();
    expected[6]["content"] = "<hidden content>".into();
    expected[8]["content"] = Value::Null;
    assert_matches(&json!(expected), &rows);
    let csv = runs(&place, &["2", "--export", "csv", "--action", "deleted"]);
    csv.assert_code(0);
    let lines: Vec<&str> = csv.stdout.lines().collect();
    assert_eq!(lines[0], "run,source,time,system,entity-type,source-id,target-id,action,stage,code,message,content");
    assert!(lines.len() == 2 && lines[1].starts_with("2,hr,") && lines[1].ends_with(",directory,user,2,bob,deleted,,,,"), "{csv}");
    // One entity through all runs, by its id in the source and by that in the target.
    for (system, id) in [("hr", "2"), ("directory", "bob")] {
        let history = runs(&place, &["--system", system, "--id", id, "--json"]);
        assert_matches(&json!([{ "run": 1, "action": "created" }, { "run": 2, "action": "deleted" }]), &unwrapped(history));
    }
    runs(&place, &["--system", "hr", "--id", "2"])
        .assert_code(0)
        .assert_output(&["created user 2 -> bob in directory", "deleted user 2 -> bob"]);
}

fn switching_the_trace_does_not_map_everything_again() {
    let place = place("");
    place.run().assert_code(4);
    let digests = || -> Vec<String> {
        let state = Connection::open(place.path("provisor.db")).expect("the state");
        let mut statement = state.prepare("SELECT common_digest FROM relations ORDER BY id").expect("a query");
        statement.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("texts")
    };
    let before = digests();
    place.write(MANIFEST, manifest(&trace(&["updated.entity", "skipped.entity"]), ""));
    place.run().assert_code(4);
    assert_eq!(digests(), before, "no transformation was edited");
}

fn no_attribute_is_kept_unless_asked_for() {
    let place = place(&trace(&["skipped.entity", "created.entity", "updated.entity"]));
    place.run().assert_code(4);
    place.run().assert_code(4);
    for name in ["provisor.db", "provisor.db-wal"] {
        let bytes = std::fs::read(place.path(name)).unwrap_or_default();
        assert!(!bytes.windows(14).any(|window| window == b"secret.example"), "an attribute's value is in {name}");
    }
}

fn old_runs_are_forgotten_and_relations_never() {
    let place = place("");
    for _ in 0..3 {
        place.run().assert_code(4);
    }
    let age = |days: u64| {
        let state = Connection::open(place.path("provisor.db")).expect("the state");
        let by = i64::try_from(Duration::from_hours(24 * days).as_millis()).expect("a number");
        state.execute("UPDATE run SET started_at = started_at - ?1", [by]).expect("older runs");
    };
    let known = || -> Vec<i64> {
        runs(&place, &["--json"]).value().as_array().expect("an array").iter().filter_map(|run| run["run"].as_i64()).collect()
    };
    age(6);
    place.run().assert_code(4);
    assert_eq!(known(), [4, 3, 2, 1]);
    age(2);
    place.run().assert_code(4);
    assert_eq!(known(), [5, 4], "seven days");
    assert_eq!(runs(&place, &["--export", "ndjson"]).values().len(), 2, "their log went with them");
    place.write(MANIFEST, manifest("", "history = { retention = \"1 day\" }"));
    let report = place.run();
    report.assert_code(4);
    assert_eq!(known(), [6, 5]);
    assert_eq!(report.value()["systems"]["directory"]["user"]["unchanged"], 2, "what is known about entities stays");
    place.write(MANIFEST, manifest("", "history = { retention = \"1 minute\" }"));
    place.run().assert_code(2).assert_error(&["retention", "30 days"]);
}

fn explain_tells_what_the_next_run_does() {
    let place = place("");
    place.run().assert_code(4);
    // Unchanged; that it was created is in the relation.
    let answer = assert_next(&place, "1", "unchanged", "first digest");
    assert_eq!((&answer["targets"][0]["target-id"], &answer["targets"][0]["existed-before"]), (&json!("ada"), &json!(false)));
    assert_eq!((&answer["found"], &answer["raw"]["mail"]), (&json!(true), &json!("ada@secret.example")));
    assert_eq!(answer["read"]["document"]["userName"], "ada");
    assert!(answer["read"]["steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{answer:#}");
    assert_eq!(answer["targets"][0]["write"]["document"]["mail"], "ada@secret.example");
    // Failed, and so it did in the last run.
    let answer = assert_next(&place, "4", "fail", "$.mail");
    assert_eq!(answer["log"][0]["action"], "failed");
    assert_eq!(answer["last-run"]["run"], 1);
    // Skipped at the source.
    let answer = assert_next(&place, "3", "skip", "$.status != 'left'");
    assert_eq!(answer["read"]["outcome"], "skipped");
    people(
        &place,
        &[
            "1,ada,new@secret.example,here",
            "2,bob,bob@secret.example,left",
            "5,gus,gus@secret.example,external",
            "6,hal,hal@secret.example,here",
        ],
    );
    assert_next(&place, "1", "update", "something else than last time");
    assert_next(&place, "2", "delete", "the read transformation leaves it out");
    assert_next(&place, "5", "skip", "the write transformation leaves it out");
    assert_next(&place, "6", "create", "no relation stands for it");
    place.run().assert_code(0);
    let answer = assert_next(&place, "2", "skip", "run 2 deleted it");
    assert_eq!(answer["log"][0]["action"], "deleted");
    let gone = assert_next(&place, "4", "nothing", "no relation says that the target has it");
    assert_eq!((&gone["found"], &gone["how"]), (&json!(false), &json!("not among the 4 users of a full read")));
    // An edited transformation that changes nothing for the target.
    place.write("read.json", READ.replace("optional\": true", "optional\":   true"));
    assert_next(&place, "1", "unchanged", "second digest");
    let text = place.command(&["explain", MANIFEST, "--system", "hr", "--id", "1"]);
    text.assert_code(0).assert_output(&[
        "user 1 of hr",
        "found on page 1 of a full read",
        "known as   ada, created by a run",
        "next run   unchanged",
        "last run   2, success",
    ]);
}

fn explain_tells_why_nobody_is_deleted() {
    let place = Place::with_manifest(&format!("{}[systems.directory.deletions]\nmax-count = 0\n", manifest("", "")));
    place.write("read.json", READ);
    place.write("write.json", WRITE);
    people(&place, &PEOPLE[..3]);
    place.run().assert_code(0);
    people(&place, &PEOPLE[..1]);
    assert_next(&place, "2", "delete", "does not have it any more");
    place.run().assert_code(4);
    assert_next(&place, "2", "hold back", "run 2 held it back [deletions.too-many]; `run --accept-deletions 2`");
    // Nothing at all in the source, and a row that cannot be read.
    place.write("people.csv", "id,userName,mail,status\n");
    assert_next(&place, "2", "hold back", "the source is empty although 2 are known");
    place.write("people.csv", "id,userName,mail,status\n1,ada,ada@secret.example,here,and,more\n");
    assert_next(&place, "2", "hold back", "fail at the source");
    // Who existed before is kept.
    people(&place, &PEOPLE[..1]);
    let state = Connection::open(place.path("provisor.db")).expect("the state");
    state.execute("UPDATE relation SET existed_before = 1", []).expect("changed");
    drop(state);
    assert_next(&place, "2", "keep", "it existed before");
}

fn explain_finds_who_stands_behind_a_target_entity() {
    let place = place("");
    place.run().assert_code(4);
    for id in ["bob", "2"] {
        let answer = explain(&place, "directory", id);
        assert_eq!(
            (&answer["source"], &answer["source-id"], &answer["targets"][0]["next"]),
            (&json!("hr"), &json!("2"), &json!("unchanged"))
        );
    }
    people(&place, &PEOPLE[..1]);
    place.run().assert_code(0);
    let answer = explain(&place, "directory", "bob");
    assert_eq!((&answer["source-id"], &answer["found"]), (&json!("2"), &json!(false)), "the log knows who it was");
    assert!(answer["targets"][0]["why"].as_str().is_some_and(|why| why.contains("run 2 deleted it")), "{answer:#}");
}

fn explain_of_what_nobody_knows() {
    let place = place("");
    let command = |system: &str, id: &str| place.command(&["explain", MANIFEST, "--system", system, "--id", id]);
    command("payroll", "1").assert_code(2).assert_error(&["error[explain.unknown-system]", "hr, directory"]);
    command("directory", "zoe").assert_code(2).assert_error(&["error[explain.unknown-entity]"]);
    command("hr", "99").assert_code(0).assert_output(&["not among the 4 users", "next run   nothing"]);
    std::fs::remove_file(place.path("people.csv")).expect("it was there");
    command("hr", "1").assert_code(0).assert_output(&["source     failed: ", "next run   fail: the source cannot read it"]);
}

fn a_reset_forgets_one_system_and_the_next_run_finds_what_is_there() {
    let place = place("");
    place.run().assert_code(4);
    place.command(&["reset", MANIFEST, "--system", "payroll", "--yes"]).assert_code(2).assert_error(&["error[history.unknown-system]"]);
    let ended = place.command(&["reset", MANIFEST, "--system", "directory", "--yes"]);
    ended.assert_code(0).assert_output(&["\"directory\" was reset: 2 relations", "1 rows of the log"]);
    runs(&place, &["--json"]).assert_code(0).assert_output(&["\"run\":1"]);
    assert_next(&place, "1", "create", "or reset");
    let report = place.run();
    report.assert_code(4);
    assert_eq!(report.value()["systems"]["directory"]["user"]["updated"], 2, "found and updated");
    assert_eq!(explain(&place, "hr", "1")["targets"][0]["existed-before"], true);
    place.command(&["reset", MANIFEST, "--system", "hr", "--yes"]).assert_code(0).assert_output(&["2 relations"]);
}

fn a_reset_is_refused_while_a_run_goes_on_and_without_being_meant() {
    let place = place("");
    place.run().assert_code(4);
    place.command(&["reset", MANIFEST, "--system", "hr"]).assert_code(2).assert_error(&["error[reset.not-confirmed]", "--yes"]);
    let store = SqliteStore::open(place.path("provisor.db")).expect("the state");
    place.command(&["reset", MANIFEST, "--system", "hr", "--yes"]).assert_code(3).assert_error(&["state.locked"]);
    drop(store);
    assert_next(&place, "1", "unchanged", "first digest");
}
