//! Plugins that misbehave while they run: each kind becomes an outcome of its own that names the plugin and the call, and nobody else notices.

use serde_json::{Value, json};

use crate::guests::{LINK, MAPPER, UNRULY};
use crate::matching::Matches;
use crate::place::{Ended, Place, rows};
use crate::trials;

trials![
    a_source_that_dies_in_a_call,
    a_source_that_breaks_the_contract,
    a_source_that_says_no,
    a_target_that_does_not_open,
    a_trap_on_one_entity_costs_that_entity,
    a_target_that_miscounts,
    a_target_that_always_dies_is_given_up,
    a_target_that_hangs_on_one_entity,
    a_transformation_that_panics_on_one_document,
    a_transformation_that_miscounts,
    an_element_is_given_what_those_before_it_put_out,
    an_element_that_panics_on_one_document,
    an_element_that_miscounts,
    an_element_that_puts_out_garbage,
    an_element_that_does_not_open,
    an_element_that_makes_a_document_of_a_deletion,
    another_source_does_not_notice,
    a_flood_of_messages_is_cut,
];

/// People in a CSV file; the one called `eve` is who it happens to.
const PEOPLE: &str = "id,userName\n1,ada\n2,bob\n3,eve\n4,dan\n5,flo\n";

/// The time limit of a call: what hangs is waited for as short as can be, and everything else has time on a slow machine.
fn timeout(behaviour: &str) -> &'static str {
    if ["loop", "sleep"].contains(&behaviour) { "2 s" } else { "1 min" }
}

/// From an unruly source to a folder.
fn source(behaviour: &str, call: &str) -> Place {
    let manifest = format!(
        r#"[systems.hr]
role = "source"
connector = "unruly"
page-size = 10
limits = {{ memory = "16 MiB", call-timeout = "{}" }}
properties = {{ "unruly.behaviour" = "{behaviour}", "unruly.call" = "{call}", "unruly.users" = 3 }}

[systems.directory]
role = "target"
connector = "file"
sources = ["hr"]
properties = {{ "file.target.path" = "out/" }}
"#,
        timeout(behaviour)
    );
    Place::with_manifest(&manifest).guest(UNRULY)
}

/// From a CSV file to an unruly target and, beside it, to a folder.
fn target(behaviour: &str, call: &str, only: &str) -> Place {
    let manifest = format!(
        r#"[systems.hr]
role = "source"
connector = "file"
properties = {{ "file.user.path" = "people.csv" }}

[systems.backend]
role = "target"
connector = "unruly"
sources = ["hr"]
limits = {{ memory = "16 MiB", call-timeout = "{}" }}
properties = {{ "unruly.behaviour" = "{behaviour}", "unruly.call" = "{call}", "unruly.only" = "{only}" }}

[systems.directory]
role = "target"
connector = "file"
sources = ["hr"]
properties = {{ "file.target.path" = "out/" }}
"#,
        timeout(behaviour)
    );
    let place = Place::with_manifest(&manifest).guest(UNRULY);
    place.write("people.csv", PEOPLE);
    place
}

#[track_caller]
fn assert_report(ended: &Ended, code: i32, expected: &Value) {
    ended.assert_code(code);
    Matches::value("", expected, &ended.value()).unwrap_or_else(|why| panic!("{why}\n{ended}"));
}

/// The run failed with this code; the message names the system, the plugin and the call.
#[track_caller]
fn assert_failed(ended: &Ended, system: &str, code: &str, call: &str) {
    let error = json!({ "system": system, "code": code, "message": format!("~plugin unruly (system {system}), {call}:") });
    assert_report(ended, 1, &json!({ "status": "failed", "error": error }));
}

fn a_source_that_dies_in_a_call() {
    for (behaviour, code) in [
        ("panic", "plugin.trap"),
        ("trap", "plugin.trap"),
        ("overflow", "plugin.trap"),
        ("loop", "plugin.timed-out"),
        ("sleep", "plugin.timed-out"),
        ("allocate", "plugin.memory-limit"),
        ("exit", "plugin.exit"),
    ] {
        for call in ["open", "read-page"] {
            assert_failed(&source(behaviour, call).run(), "hr", code, call);
        }
    }
}

fn a_source_that_breaks_the_contract() {
    assert_failed(&source("large-page", "read-page").run(), "hr", "plugin.contract", "read-page");
    let ended = source("same-cursor", "read-page").run();
    assert_report(
        &ended,
        1,
        &json!({ "status": "failed", "error": { "system": "hr", "code": "read.cursor-repeats", "message": "~\"1\"" } }),
    );
}

fn a_source_that_says_no() {
    for call in ["open", "read-page"] {
        let error = json!({ "system": "hr", "code": "backend.rejected", "message": "~refused on purpose" });
        assert_report(&source("rejected", call).run(), 1, &json!({ "status": "failed", "error": error }));
    }
}

fn a_target_that_does_not_open() {
    let place = target("panic", "open", "");
    let ended = place.run();
    assert_failed(&ended, "backend", "plugin.trap", "open");
    let expected = json!({ "systems": { "directory": { "user": { "created": 5, "failed": 0 } } } });
    Matches::value("", &expected, &ended.value()).unwrap_or_else(|why| panic!("the other target goes on: {why}\n{ended}"));
    assert!(place.path("out/user/ada.json").is_file());
}

fn a_trap_on_one_entity_costs_that_entity() {
    for (behaviour, code) in
        [("panic", "plugin.trap"), ("overflow", "plugin.trap"), ("allocate", "plugin.memory-limit"), ("exit", "plugin.exit")]
    {
        let place = target(behaviour, "write", "eve");
        let failure = json!({
            "entity": "3", "entity-type": "user", "system": "backend", "stage": "write", "code": code,
            "message": "~plugin unruly (system backend), write:",
        });
        let expected = json!({
            "status": "finished with error",
            "systems": {
                "backend": { "user": { "created": 4, "failed": 1 } },
                "directory": { "user": { "created": 5, "failed": 0 } },
            },
            "failures": [failure],
        });
        assert_report(&place.run(), 4, &expected);
        // The others are remembered, and the one is tried again.
        let expected = json!({
            "systems": {
                "backend": { "user": { "created": 0, "unchanged": 4, "failed": 1 } },
                "directory": { "user": { "created": 0, "unchanged": 5 } },
            },
        });
        assert_report(&place.run(), 4, &expected);
    }
}

fn a_target_that_hangs_on_one_entity() {
    // What a call that was stopped has done nobody knows: everything in it is in doubt, and the next run looks first.
    let place = target("sleep", "write", "eve");
    let ended = place.run();
    let failed: Vec<Value> =
        ["1", "2", "3", "4", "5"].map(|entity| json!({ "entity": entity, "system": "backend", "code": "plugin.timed-out" })).into();
    let expected = json!({ "systems": { "backend": { "user": { "created": 0, "failed": 5 } }, "directory": { "user": { "created": 5 } } }, "failures": failed });
    assert_report(&ended, 4, &expected);
    let expected =
        json!({ "systems": { "backend": { "user": { "created": 4, "failed": 1 } }, "directory": { "user": { "unchanged": 5 } } } });
    assert_report(&place.run(), 4, &expected);
}

fn a_target_that_miscounts() {
    for behaviour in ["few-outcomes", "many-outcomes"] {
        let place = target(behaviour, "write", "eve");
        let failure = json!({ "entity": "3", "system": "backend", "code": "plugin.contract", "message": "~outcomes for 1 changes" });
        let expected = json!({ "systems": { "backend": { "user": { "created": 4, "failed": 1 } } }, "failures": [failure] });
        assert_report(&place.run(), 4, &expected);
    }
}

fn a_target_that_always_dies_is_given_up() {
    let place = target("panic", "write", "");
    place.write("people.csv", rows("id,userName", 1..=200, |number| format!("{number},user{number}")));
    let expected = json!({
        "status": "failed",
        "error": { "system": "backend", "code": "plugin.given-up" },
        "systems": { "directory": { "user": { "created": 200, "failed": 0 } } },
    });
    assert_report(&place.run(), 1, &expected);
}

/// With the guest `mapper` in the place of the mapping language.
fn mapped_by_guest(text: &str) -> Place {
    let place = Place::with_manifest(
        r#"[systems.hr]
role = "source"
connector = "file"
transformation = "words"
properties = { "file.user.path" = "people.csv" }

[systems.directory]
role = "target"
connector = "file"
transformation = "no-words"
sources = ["hr"]
properties = { "file.target.path" = "out/" }
"#,
    );
    place.plugin("mapping", &MAPPER.bytes());
    place.write("words", text);
    place.write("no-words", "none");
    place.write("people.csv", PEOPLE);
    place
}

fn a_transformation_that_panics_on_one_document() {
    let place = mapped_by_guest("none");
    place.write("people.csv", rows("id,userName", 1..=99, |number| format!("{number},user{number}")) + "100,panic!\n");
    let failure = json!({ "entity": "100", "system": "hr", "stage": "read mapping", "code": "plugin.trap", "message": "~plugin mapping (system hr), apply:" });
    let expected = json!({
        "systems": { "hr": { "user": { "read": 100, "failed": 1 } }, "directory": { "user": { "created": 99, "failed": 0 } } },
        "failures": [failure],
    });
    assert_report(&place.run(), 4, &expected);
}

fn a_transformation_that_miscounts() {
    let place = mapped_by_guest("few");
    let failures: Vec<Value> = ["1", "2", "3", "4", "5"].map(|entity| json!({ "entity": entity, "code": "plugin.contract" })).into();
    let expected = json!({ "systems": { "hr": { "user": { "read": 5, "failed": 5 } } }, "failures": failures });
    assert_report(&place.run(), 4, &expected);
}

/// The guest `link` between two files, in front of one target and behind the source.
fn chained(read: &str, write: &str) -> Place {
    let place = Place::with_manifest(&format!(
        r#"[systems.hr]
role = "source"
connector = "file"
transformation = ["read.json", {{ plugin = "link", {read} }}, "pass.json"]
properties = {{ "file.user.path" = "people.csv" }}

[systems.directory]
role = "target"
connector = "file"
transformation = ["pass.json", {{ plugin = "link", {write} }}, "pass.json"]
sources = ["hr"]
properties = {{ "file.target.path" = "out/" }}
"#
    ))
    .guest(LINK);
    let id = r#"{ "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" }"#;
    let pass = r#"{ "sourcePath": "$", "targetPath": "$" }"#;
    place.write("read.json", format!(r#"{{ "user": {{ "mappings": [{id}, {pass}] }} }}"#));
    place.write("pass.json", format!(r#"{{ "user": {{ "mappings": [{pass}] }} }}"#));
    place.write("words.txt", "a text of its own");
    place.write("people.csv", PEOPLE);
    place
}

fn an_element_is_given_what_those_before_it_put_out() {
    let place = chained(r#"file = "words.txt""#, "");
    assert_report(&place.run(), 0, &json!({ "systems": { "directory": { "user": { "created": 5 } } } }));
    let document = || serde_json::from_str::<Value>(&place.read("out/user/ada.json")).expect("JSON");
    let read = |text: &str| json!({ "entityIdSourceSystem": "1", "text": text });
    assert_eq!(document(), json!({ "id": "1", "userName": "ada", "read": read("a text of its own"), "written": { "text": "" } }));
    let explained = place.command_with_input(
        &["map", "--manifest", "provisor.toml", "--system", "hr", "--entity-type", "user"],
        br#"{"id":"1","userName":"ada"}"#,
    );
    let expected = json!({
        "document": { "userName": "ada", "read": read("a text of its own") },
        "variables": { "entityIdSourceSystem": "1" },
    });
    Matches::value("", &expected, &explained.value()).unwrap_or_else(|why| panic!("{why}\n{explained}"));
    let again = json!({ "systems": { "directory": { "user": { "updated": 0, "unchanged": 5 } } } });
    assert_report(&place.run(), 0, &again);
    place.write("words.txt", "another text");
    place.write("people.csv", PEOPLE.replace("5,flo\n", ""));
    assert_report(&place.run(), 0, &json!({ "systems": { "directory": { "user": { "created": 0, "updated": 4, "deleted": 1 } } } }));
    let written = json!({ "entityIdTargetSystem": "ada", "text": "" });
    assert_eq!(document(), json!({ "id": "1", "userName": "ada", "read": read("another text"), "written": written }));
    assert!(!place.path("out/user/flo.json").exists(), "an element that has nothing for a deletion leaves it to the target");
    // The plugin is pinned as connectors are.
    place.plugin("link", &[LINK.bytes(), vec![0, 1, 0]].concat());
    place.run().assert_code(2).assert_error(&["error[plugin.changed]", "\"link\""]);
}

fn an_element_that_panics_on_one_document() {
    for (read, write, system, stage) in [
        (r#"properties = { "link.behaviour" = "panic" }"#, "", "hr", "read mapping"),
        ("", r#"properties = { "link.behaviour" = "panic" }"#, "directory", "write mapping"),
    ] {
        let place = chained(read, write);
        place.write("people.csv", rows("id,userName", 1..=39, |number| format!("{number},user{number}")) + "40,panic!\n");
        let message = format!("~plugin link (2 of 3): plugin link (system {system}), apply: the plugin trapped");
        let failure = json!({ "entity": "40", "system": system, "stage": stage, "code": "plugin.trap", "message": message });
        let expected = json!({ "systems": { "directory": { "user": { "created": 39 } } }, "failures": [failure] });
        assert_report(&place.run(), 4, &expected);
    }
}

fn an_element_that_miscounts() {
    for behaviour in ["few", "many"] {
        let place = chained(&format!(r#"properties = {{ "link.behaviour" = "{behaviour}" }}"#), "");
        let failures: Vec<Value> = ["1", "2", "3", "4", "5"]
            .map(|entity| json!({ "entity": entity, "code": "plugin.contract", "message": "~plugin link (2 of 3): plugin link (system hr), apply:" }))
            .into();
        assert_report(&place.run(), 4, &json!({ "systems": { "hr": { "user": { "read": 5, "failed": 5 } } }, "failures": failures }));
    }
}

fn an_element_that_puts_out_garbage() {
    let place = chained(r#"properties = { "link.behaviour" = "garbage" }"#, "");
    let failures: Vec<Value> = ["1", "2", "3", "4", "5"]
        .map(|entity| json!({ "entity": entity, "code": "plugin.contract", "message": "~plugin link (2 of 3): the answer of plugin link breaks" }))
        .into();
    assert_report(&place.run(), 4, &json!({ "systems": { "hr": { "user": { "read": 5, "failed": 5 } } }, "failures": failures }));
}

fn an_element_that_does_not_open() {
    let place = chained(r#"properties = { "link.behaviour" = "open" }"#, "");
    let error = json!({ "system": "hr", "code": "plugin.trap", "message": "~plugin link (system hr), open:" });
    assert_report(&place.run(), 1, &json!({ "status": "failed", "error": error }));
    assert!(!place.path("out").exists(), "nothing was written");
}

fn an_element_that_makes_a_document_of_a_deletion() {
    let place = chained("", r#"properties = { "link.behaviour" = "delete" }"#);
    assert_report(&place.run(), 0, &json!({ "systems": { "directory": { "user": { "created": 5 } } } }));
    place.write("people.csv", PEOPLE.replace("5,flo\n", ""));
    // It has no userName, which is what the target asks for.
    let failure = json!({ "entity": "5", "system": "directory", "stage": "delete", "message": "~userName" });
    assert_report(
        &place.run(),
        4,
        &json!({ "systems": { "directory": { "user": { "deleted": 0, "failed": 1 } } }, "failures": [failure] }),
    );
    assert!(place.path("out/user/flo.json").exists());
}

fn another_source_does_not_notice() {
    let place = Place::with_manifest(
        r#"[systems.broken]
role = "source"
connector = "unruly"
properties = { "unruly.behaviour" = "panic" }

[systems.hr]
role = "source"
connector = "file"
properties = { "file.user.path" = "people.csv" }

[systems.from-broken]
role = "target"
connector = "file"
sources = ["broken"]
properties = { "file.target.path" = "broken/" }

[systems.directory]
role = "target"
connector = "file"
sources = ["hr"]
properties = { "file.target.path" = "out/" }
"#,
    )
    .guest(UNRULY);
    place.write("people.csv", PEOPLE);
    let ended = place.run();
    ended.assert_code(1);
    let expected = json!([
        { "source": "broken", "status": "failed", "error": { "code": "plugin.trap" } },
        { "source": "hr", "status": "success", "error": null, "systems": { "directory": { "user": { "created": 5 } } } },
    ]);
    Matches::stream(&expected, &ended.values()).unwrap_or_else(|why| panic!("{why}\n{ended}"));
}

fn a_flood_of_messages_is_cut() {
    let place = source("flood", "read-page").with_environment("PROVISOR_LOG", "info");
    let ended = place.run();
    ended.assert_code(0).assert_error(&[
        "line 0 on standard output",
        "line 0 on standard error",
        "line 0 in the log",
        "more messages of this call were dropped",
    ]);
    let lines = ended.stderr.lines().count();
    assert!(lines < 300, "{lines} lines in the log");
    assert!(ended.stderr.len() < 256 << 10, "{} bytes in the log", ended.stderr.len());
    assert!(ended.stderr.contains("unruly") && ended.stderr.contains("hr"), "the plugin and the system are named\n{ended}");
    assert!(!ended.stderr.contains("\u{1b}[2J") && !ended.stderr.contains("\u{1b}]0;"), "no plugin paints the terminal");
}
