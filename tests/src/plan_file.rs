//! `simulate --out` and `run --plan`: what was looked at is what is done, or nothing is.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use crate::http;
use crate::matching::Matches;
use crate::place::{Ended, MANIFEST, Place};
use crate::scim_sink::Sink;
use crate::trials;

trials![
    what_was_planned_is_done_and_nothing_else,
    a_plan_holds_only_while_everything_is_as_it_was,
    what_is_no_plan_is_refused,
    whoever_changes_after_the_comparison_is_left_alone,
    no_plan_is_made_of_a_simulation_that_fails
];

const PLAN: [&str; 5] = ["simulate", "--json", "--out", "plan.ndjson", MANIFEST];
const RUN: [&str; 5] = ["run", "--json", "--plan", "plan.ndjson", MANIFEST];

const READ: &str = r#"{ "user": { "condition": "$.status != 'left'", "mappings": [
  { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" },
  { "sourcePath": "$.userName", "targetPath": "$.userName" },
  { "sourcePath": "$.title", "targetPath": "$.title" },
  { "sourcePath": "$.manager", "targetPath": "$.manager", "optional": true } ] } }"#;

/// With a password by chance and a date of the day: neither makes a plan another one.
const WRITE: &str = r#"{ "user": { "mappings": [
  { "sourcePath": "$", "targetPath": "$" },
  { "sourcePath": "$.manager", "targetPath": "$.manager", "optional": true, "functions": [{ "function": "resolveEntityIds" }] },
  { "targetPath": "$.since", "scope": "createEntity", "sourceVariable": "currentDate" },
  { "targetPath": "$.password", "scope": "createEntity", "functions": [{ "function": "randomPassword", "passwordLength": 16, "minimumNumberOfLowercaseLetters": 1, "minimumNumberOfUppercaseLetters": 1, "minimumNumberOfDigits": 1, "minimumNumberOfSpecialSymbols": 0 }] } ] } }"#;

fn company() -> Place {
    let target = |name: &str, rest: &str| {
        format!(
            "\n[systems.{name}]\nrole = \"target\"\nconnector = \"file\"\nsources = [\"hr\"]\ntransformation = \"write.json\"\nproperties = {{ \"file.target.path\" = \"{name}/\" }}\n{rest}"
        )
    };
    let manifest = format!(
        "[systems.hr]\nrole = \"source\"\nconnector = \"file\"\ntransformation = \"read.json\"\nproperties = {{ \"file.user.path\" = \"people.csv\" }}\n{}{}",
        target("directory", ""),
        target("portal", "deletions = { left-scope = \"disable\" }\n")
    );
    let place = Place::with_manifest(&manifest);
    place.write("read.json", READ);
    place.write("write.json", WRITE);
    people(&place, &["1,ada,,here,x", "2,bob,1,here,x", "3,cy,1,here,x"]);
    place
}

fn people(place: &Place, rows: &[&str]) {
    place.write("people.csv", format!("id,userName,manager,status,title\n{}\n", rows.join("\n")));
}

#[track_caller]
fn assert_report(ended: &Ended, expected: &Value) {
    Matches::stream(expected, &ended.values()).unwrap_or_else(|why| panic!("{why}\n{ended}"));
}

#[track_caller]
fn assert_refused(place: &Place, why: &[&str]) {
    let before = place.listing();
    place.command(&RUN).assert_code(2).assert_error(&["error[plan.moved]", "nothing was written", "simulate again"]).assert_error(why);
    assert_eq!(place.listing(), before);
}

fn what_was_planned_is_done_and_nothing_else() {
    let place = company();
    place.command(&PLAN).assert_code(0);
    let plan = place.read("plan.ndjson");
    assert_eq!(plan.lines().count(), 8, "a head, three users for each of two targets, an end");
    assert!(plan.contains(r#"{"after":"(hidden)","attribute":"password"}"#), "{plan}");
    let created = json!({ "job": "read", "status": "success", "systems": { "directory": { "user": { "created": 3 } }, "portal": { "user": { "created": 3 } } } });
    assert_report(place.command(&RUN).assert_code(0), &created);
    // Carried out already.
    assert_refused(&place, &["6 changes of the plan would not be made as they stand there, 0 others would"]);
    people(&place, &["1,ada,,here,x", "2,bob,,here,x", "3,cy,1,left,x", "4,dan,2,here,x"]);
    let text = place.command(&["simulate", "--out", "plan.ndjson", MANIFEST]);
    text.assert_code(0)
        .assert_output(&["would      disable user 3 (portal)", "plan       6 changes in plan.ndjson; provisor run --plan plan.ndjson"]);
    let done = json!({ "status": "success", "systems": {
        "directory": { "user": { "created": 1, "updated": 1, "deleted": 1 } }, "portal": { "user": { "created": 1, "updated": 2, "deleted": 0 } } } });
    assert_report(place.command(&RUN).assert_code(0), &done);
    let nothing = json!({ "systems": { "directory": { "user": { "created": 0, "updated": 0, "deleted": 0 } } } });
    assert_report(&place.run(), &nothing);
    // A plan of nothing is a plan.
    place.command(&PLAN).assert_code(0);
    assert_report(place.command(&RUN).assert_code(0), &nothing);
    place.command(&["simulate", "--resync", "--json", "--out", "plan.ndjson", MANIFEST]).assert_code(0);
    let resync = json!({ "job": "resync", "status": "success", "systems": { "directory": { "user": { "updated": 3 } } } });
    assert_report(place.command(&RUN).assert_code(0), &resync);
}

fn a_plan_holds_only_while_everything_is_as_it_was() {
    let place = company();
    place.run().assert_code(0);
    people(&place, &["1,ada,,here,l", "2,bob,1,here,x"]);
    place.command(&PLAN).assert_code(0);
    let plan = place.read("plan.ndjson");
    // The source.
    people(&place, &["1,ada,,here,m", "2,bob,1,here,x"]);
    assert_refused(
        &place,
        &["2 changes of the plan would not be made as they stand there, 2 others would", "not in the plan: update user 1"],
    );
    people(&place, &["1,ada,,here,l", "2,bob,1,here,x", "3,cy,1,here,x"]);
    assert_refused(&place, &["2 changes of the plan would not be made as they stand there, 0 others would"]);
    people(&place, &["1,ada,,here,l", "2,bob,1,here,x"]);
    // A target.
    let file = place
        .listing()
        .into_iter()
        .find(|name| name.starts_with("directory/") && name.contains(".json") && place.read(name).contains("\"ada\""))
        .expect("ada");
    let document = place.read(&file);
    place.write(&file, document.replace("\"x\"", "\"somebody else's\""));
    assert_refused(&place, &["not in the plan: update user 1 (directory)"]);
    place.write(&file, document);
    // A transformation, though it comes to the same.
    place.write("write.json", WRITE.replace("\"$.since\", \"scope\"", "\"$.since\",  \"scope\""));
    assert_refused(&place, &["the transformation of \"directory\" is another one"]);
    place.write("write.json", WRITE);
    // The systems.
    let manifest = place.read(MANIFEST);
    place.write(MANIFEST, manifest.replace("[systems.portal]", "[systems.door]"));
    assert_refused(&place, &["the system \"portal\" of the plan takes no part any more"]);
    place.write(MANIFEST, manifest);
    assert_eq!(place.read("plan.ndjson"), plan);
    place.command(&RUN).assert_code(0);
}

fn what_is_no_plan_is_refused() {
    let place = company();
    place.command(&RUN).assert_code(2).assert_error(&["error[plan.unreadable]", "plan.ndjson"]);
    place.write("plan.ndjson", "id,userName\n");
    place.command(&RUN).assert_code(2).assert_error(&["error[plan.invalid]: plan.ndjson, line 1: this is no plan"]);
    place.command(&PLAN).assert_code(0);
    let plan = place.read("plan.ndjson");
    place.write("plan.ndjson", &plan[..plan.len() / 2]);
    place.command(&RUN).assert_code(2).assert_error(&["the plan has no end: it was cut off"]);
    place.command(&["run", "--plan", "plan.ndjson", "--full", MANIFEST]).assert_code(2);
    place.command(&["simulate", "--out", "nowhere/plan.ndjson", MANIFEST]).assert_code(3).assert_error(&["error[plan.unwritable]"]);
    assert!(!place.listing().iter().any(|name| name.starts_with("directory/") && name.contains(".json")), "nothing was written");
}

/// The source is changed between the simulation that is compared and the run.
fn whoever_changes_after_the_comparison_is_left_alone() {
    static ADDRESS: OnceLock<std::net::SocketAddr> = OnceLock::new();
    let lists = Arc::new(AtomicUsize::new(0));
    let counted = lists.clone();
    let send = |method: &str, path: &str, user: Value| {
        http::exchange(*ADDRESS.get().expect("started"), method, path, &[], &user.to_string()).expect("the sink answers");
    };
    let sink = Sink::with_mishaps(move |method, path| {
        if method == "GET" && path.starts_with("/Users?") && path.contains("startIndex=1&") && counted.fetch_add(1, Ordering::SeqCst) == 2 {
            send("PUT", "/Users/000001", json!({ "userName": "ada", "title": "changed" }));
            send("POST", "/Users", json!({ "userName": "new" }));
        }
        None
    });
    ADDRESS.set(sink.address).expect("once");
    let place = Place::with_manifest(&format!(
        "[systems.service]\nrole = \"source\"\nconnector = \"scim\"\ngrants = {{ networks = [\"127.0.0.1/32\"] }}\nproperties = {{ URL = \"http://{}\" }}\n
[systems.folder]\nrole = \"target\"\nconnector = \"file\"\nsources = [\"service\"]\nproperties = {{ \"file.target.path\" = \"out/\" }}\n",
        sink.address
    ));
    for name in ["ada", "bob"] {
        send("POST", "/Users", json!({ "userName": name }));
    }
    place.command(&PLAN).assert_code(0);
    assert_eq!(lists.load(Ordering::SeqCst), 1, "one list a simulation");
    let ended = place.command(&RUN);
    let moved = |id: &str| json!({ "entity": id, "system": "folder", "code": "plan.moved" });
    let expected = json!({ "status": "finished with error", "systems": { "folder": { "user": { "created": 1, "failed": 2 } } }, "failures": [moved("000001"), moved("000003")] });
    assert_report(ended.assert_code(4), &expected);
    assert_eq!(place.listing().iter().filter(|name| name.starts_with("out/") && name.contains(".json")).count(), 1);
}

fn no_plan_is_made_of_a_simulation_that_fails() {
    let place = company();
    std::fs::remove_file(place.path("people.csv")).expect("removed");
    place.command(&PLAN).assert_code(1).assert_error(&["no plan was written"]);
    assert!(!place.listing().iter().any(|name| name.contains("plan")), "nor the beginning of one");
}
