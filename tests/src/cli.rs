//! The command line: what people and scripts see of it.

use serde_json::{Value, json};

use crate::guests::{MAPPER, SNOOP};
use crate::matching::Matches;
use crate::place::{Ended, MANIFEST, Place};
use crate::trials;

trials![
    help_and_version_are_no_errors,
    wrong_arguments,
    map_answers_a_line_for_a_line,
    map_with_properties_variables_and_an_operation,
    map_explains,
    map_says_what_is_wrong_with_the_text,
    map_survives_a_panic,
    map_without_input_or_with_a_lot,
    plugins_list_and_inspect,
    plugins_of_no_folder,
    check_says_what_would_happen,
    check_reports_a_connection_that_fails,
    a_schema_for_editors,
    run_one_system_of_several,
    a_target_another_run_writes_to_is_left_alone,
];

const READ: &str = r#"{
  "user": {
    "condition": "$.status != 'left'",
    "mappings": [
      { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" },
      { "sourcePath": "$.mail", "targetPath": "$.emails[0].value" },
      { "constant": "%company%", "targetPath": "$.company", "optional": true }
    ]
  }
}"#;

fn map(place: &Place, arguments: &[&str], input: &str) -> Ended {
    let all: Vec<&str> = ["map", "read.json", "--entity-type", "user"].iter().chain(arguments).copied().collect();
    place.command_with_input(&all, input.as_bytes())
}

#[track_caller]
fn assert_stream(ended: &Ended, expected: &Value) {
    Matches::stream(expected, &ended.values()).unwrap_or_else(|why| panic!("{why}\n{ended}"));
}

fn help_and_version_are_no_errors() {
    let place = Place::new();
    place.command(&["--version"]).assert_code(0).assert_output(&["provisor "]);
    let verbs = ["run", "resync", "simulate", "validate", "check", "map", "runs", "explain", "reset", "serve", "token", "plugins"];
    place.command(&["--help"]).assert_code(0).assert_output(&verbs);
    for verb in verbs {
        place.command(&[verb, "--help"]).assert_code(0).assert_output(&["Usage: provisor"]);
    }
}

fn wrong_arguments() {
    let place = Place::new();
    place.command(&["fly"]).assert_code(2).assert_error(&["fly"]);
    place.command(&["run"]).assert_code(2).assert_error(&["MANIFEST"]);
    place.command(&["run", "nowhere.toml"]).assert_code(2).assert_error(&["nowhere.toml:1:1: error[manifest.not-found]"]);
    place
        .command(&["map", "nowhere.json", "--entity-type", "user"])
        .assert_code(2)
        .assert_error(&["error[map.transformation]", "nowhere.json"]);
    place.command(&["--log", "loud=nonsense=", "plugins", "list"]).assert_code(2).assert_error(&["error[cli.log]"]);
}

fn map_answers_a_line_for_a_line() {
    let place = Place::new();
    place.write("read.json", READ);
    let input = [
        r#"{"id":"1","status":"here","mail":"ada@example.com"}"#,
        r#"{"id":"2","status":"left"}"#,
        "",
        r#"{"id":"3","status":"here"}"#,
        "this is no document",
        "[1, 2]",
        r#"{"id":"4","mail":"a@example.com""#,
        r#"{"id":"5","status":"here","mail":"Zoë <zoë@example.com> 💌"}"#,
    ];
    let ended = map(&place, &[], &(input.join("\n") + "\n"));
    ended.assert_code(4);
    assert_stream(
        &ended,
        &json!([
            { "outcome": "mapped", "document": { "emails": [{ "value": "ada@example.com" }] }, "variables": { "entityIdSourceSystem": "1" } },
            { "outcome": "skipped", "reason": "~$.status != 'left'" },
            { "outcome": "failed", "code": "~mapping.", "message": "~$.mail", "at": "/user/mappings/1" },
            { "outcome": "failed", "code": "map.not-a-document", "message": "~not JSON" },
            { "outcome": "failed", "code": "map.not-a-document", "message": "~not an object" },
            { "outcome": "failed", "code": "map.not-a-document", "message": "~not JSON" },
            { "outcome": "mapped", "document": { "emails": [{ "value": "Zoë <zoë@example.com> 💌" }] }, "variables": { "entityIdSourceSystem": "5" } },
        ]),
    );
    let one_bad = place.command_with_input(&["map", "read.json", "--entity-type", "user"], b"{\"id\":\"\xff\"}\n");
    one_bad.assert_code(4);
    assert_stream(&one_bad, &json!({ "outcome": "failed", "code": "map.not-a-document", "message": "~not UTF-8" }));
}

fn map_with_properties_variables_and_an_operation() {
    let place = Place::new();
    place.write(
        "read.json",
        r#"{
  "user": {
    "mappings": [
      { "constant": "%company%", "targetPath": "$.company" },
      { "sourceVariable": "entityIdTargetSystem", "targetPath": "$.id", "optional": true },
      { "constant": "new", "targetPath": "$.status", "scope": "createEntity" },
      { "sourceVariable": "level", "targetPath": "$.level", "optional": true }
    ]
  }
}"#,
    );
    let document = "{\"a\":1}\n";
    let shared = ["--property", "company=ACME = Söhne"];
    let ended = map(&place, &[&shared[..], &["--operation", "create"]].concat(), document);
    ended.assert_code(0);
    assert_stream(&ended, &json!({ "outcome": "mapped", "document": { "company": "ACME = Söhne", "status": "new" } }));
    let variables = ["--operation", "update", "--variable", "entityIdTargetSystem=T-7", "--variable", "level=3"];
    let ended = map(&place, &[&shared[..], &variables].concat(), document);
    ended.assert_code(0);
    assert_stream(&ended, &json!({ "outcome": "mapped", "document": { "company": "ACME = Söhne", "id": "T-7", "level": 3 } }));
    let ended = map(&place, &[&shared[..], &["--operation", "delete"]].concat(), document);
    ended.assert_code(0);
    assert_stream(&ended, &json!({ "outcome": "skipped" }));
    map(&place, &["--property", "company"], document).assert_code(2).assert_error(&["NAME=VALUE"]);
    map(&place, &["--operation", "rename"], document).assert_code(2).assert_error(&["create", "update", "delete", "patch"]);
}

fn map_explains() {
    let place = Place::new();
    place.write("read.json", READ);
    let document = "{\"id\":\"1\",\"mail\":\"ada@example.com\"}\n";
    map(&place, &["--json"], document).assert_code(2).assert_error(&["--explain"]);
    let ended = map(&place, &["--explain", "--property", "company=ACME"], document);
    ended.assert_code(0).assert_output(&[
        "/user/mappings/1\n  read $.mail ",
        "\nmapped\n{\n  \"emails\": [\n",
        "\nvariable entityIdSourceSystem = \"1\"\n",
    ]);
    let ended = map(&place, &["--explain", "--json", "--property", "company=ACME"], document);
    ended.assert_code(0);
    let steps = &ended.value()["steps"];
    let at = |pointer: &str| {
        steps.as_array().is_some_and(|steps| steps.iter().any(|step| step["at"].as_str().is_some_and(|at| at.starts_with(pointer))))
    };
    assert!(at("/user/condition") && at("/user/mappings/0") && at("/user/mappings/1"), "every step is told\n{ended}");
    assert!(ended.stdout.contains("ada@example.com"), "with the values in hand\n{ended}");
}

fn map_says_what_is_wrong_with_the_text() {
    let place = Place::new();
    place.write(
        "read.json",
        "{\n  \"user\": {\n    \"mappings\": [\n      { \"sourcePath\": \"$.a[\", \"targetPath\": \"$.a\" },\n      { \"constant\": 1, \"targetPath\": \"$.b\", \"functions\": [{ \"type\": \"flyAway\" }] }\n    ]\n  }\n}\n",
    );
    let ended = map(&place, &[], "{}\n");
    ended.assert_code(2).assert_error(&["read.json:4:", "/user/mappings/0", "read.json:5:", "/user/mappings/1", "flyAway"]);
    assert_eq!(ended.stdout, "", "no document is mapped by half a text");
    place.write("read.json", "{ \"user\": ");
    map(&place, &[], "{}\n").assert_code(2).assert_error(&["read.json:1:", "error[mapping."]);
}

fn map_survives_a_panic() {
    let place = Place::new();
    place.plugin("mapping", &MAPPER.bytes());
    place.write("read.json", "{}");
    let ended = map(&place, &[], "{\"id\":\"1\"}\n{\"id\":\"panic!\"}\n{\"id\":\"3\"}\n");
    ended.assert_code(4);
    assert_stream(
        &ended,
        &json!([
            { "outcome": "mapped", "document": { "id": "1" } },
            { "outcome": "failed", "code": "plugin.trap", "message": "~apply" },
            { "outcome": "mapped", "document": { "id": "3" } },
        ]),
    );
    place.write("read.json", "refused");
    map(&place, &[], "{}\n").assert_code(2).assert_error(&["read.json:3:14: error[mapper.refused] /user: the text asks to be refused"]);
}

fn map_without_input_or_with_a_lot() {
    let place = Place::new();
    place.write("read.json", r#"{ "user": { "mappings": [{ "sourcePath": "$.n", "targetPath": "$.n" }] } }"#);
    let ended = map(&place, &[], "");
    ended.assert_code(0);
    assert_eq!(ended.stdout, "");
    let input: Vec<String> = (0..3000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let ended = map(&place, &[], &input.join("\n"));
    ended.assert_code(0);
    let numbers: Vec<u64> = ended.values().iter().map(|line| line["document"]["n"].as_u64().expect("a number")).collect();
    assert!(numbers.into_iter().eq(0..3000), "every line, in order");
}

fn plugins_list_and_inspect() {
    let place = Place::new().guest(SNOOP);
    place.command(&["plugins", "list"]).assert_code(0).assert_output(&[
        "file ",
        "mapping ",
        "scim ",
        "snoop ",
        "source, target",
        "transformation",
    ]);
    place.command(&["plugins", "inspect", "snoop"]).assert_code(0).assert_output(&[
        "http to the origin of property snoop.url (setting it is the grant)",
        "http to the origin https://elsewhere.example (to be granted by name)",
        "a byte stream to the endpoint elsewhere.example:389 (to be granted by name)",
        "the folder of property snoop.folder, read-only",
        "the secret snoop-password",
        "property  snoop.folder (path)",
        "default read transformation:",
    ]);
    let ended = place.command(&["plugins", "inspect", "file", "--json"]);
    ended.assert_code(0);
    let file = ended.value();
    let target =
        json!({ "name": "file.target.path", "kind": "path", "default": null, "required": true, "credential": false, "roles": ["target"] });
    let properties = file["properties"].as_array().expect("properties");
    assert!(properties.iter().any(|property| Matches::value("", &target, property).is_ok()), "{ended}");
    place.command(&["plugins", "inspect", "payroll"]).assert_code(2).assert_error(&[
        "error[registry.unknown]",
        "\"payroll\"",
        "active-directory, file, ldap, mapping, scim, snoop, sql",
    ]);
}

fn plugins_of_no_folder() {
    let place = Place::new();
    place.command(&["plugins", "list", "--plugins", "nowhere"]).assert_code(2).assert_error(&["error[registry.folder]", "nowhere"]);
    std::fs::create_dir(place.path("empty")).expect("a folder");
    place.command(&["plugins", "list", "--plugins", "empty"]).assert_code(0);
    place.write("read.json", "{}");
    map(&place, &["--plugins", "empty"], "{}\n").assert_code(2).assert_error(&["error[registry.no-mapping]", "--plugins"]);
}

const CSV_TO_FOLDER: &str = r#"
[systems.hr]
role = "source"
connector = "file"
properties = { "file.user.path" = "people.csv" }

[systems.directory]
role = "target"
connector = "file"
sources = ["hr"]
properties = { "file.target.path" = "out/" }
"#;

fn check_says_what_would_happen() {
    let place = Place::with_manifest(CSV_TO_FOLDER);
    place.write("people.csv", "id,userName\n1,ada\n");
    let ended = place.command(&["check", MANIFEST]);
    ended.assert_code(0).assert_output(&[
        "provisor.toml: ok, 2 systems",
        "plugin     hr: file",
        "(read-only)",
        "(read and write)",
        "mapping    hr: ok",
        "connection hr: ok",
        "connection directory: ok",
    ]);
    assert!(!place.path("out/user").exists() && !place.path("provisor.db").exists(), "nothing was written");
    let ended = place.command(&["check", "--json", MANIFEST]);
    ended.assert_code(0);
    let expected = json!({
        "systems": [{ "name": "hr", "role": "source", "connector": "file" }, { "name": "directory", "role": "target", "connector": "file" }],
        "findings": [
            { "system": "hr", "what": "transformation", "ok": true },
            { "system": "hr", "what": "connection", "ok": true },
            { "system": "directory", "what": "transformation", "ok": true },
            { "system": "directory", "what": "connection", "ok": true },
        ],
        "warnings": [],
    });
    assert_stream(&ended, &expected);
}

fn check_reports_a_connection_that_fails() {
    let place = Place::with_manifest(CSV_TO_FOLDER);
    let ended = place.command(&["check", "--json", MANIFEST]);
    ended.assert_code(1);
    let finding = json!({ "system": "hr", "what": "connection", "ok": false, "code": "~backend.", "message": "~people.csv" });
    let findings = ended.value()["findings"].as_array().expect("findings").clone();
    assert!(findings.iter().any(|found| Matches::value("", &finding, found).is_ok()), "{ended}");
}

fn a_schema_for_editors() {
    let place = Place::new();
    let ended = place.command(&["check", "--schema"]);
    ended.assert_code(0);
    assert!(ended.value()["properties"]["systems"].is_object(), "{ended}");
}

fn run_one_system_of_several() {
    let place = Place::with_manifest(&format!(
        r#"{CSV_TO_FOLDER}
[systems.contractors]
role = "source"
connector = "file"
properties = {{ "file.user.path" = "contractors.csv" }}

[systems.register]
role = "target"
connector = "file"
sources = ["contractors"]
properties = {{ "file.target.path" = "register/" }}
"#
    ));
    place.write("people.csv", "id,userName\n1,ada\n");
    place.write("contractors.csv", "id,userName\n1,carl\n2,cora\n");
    let ended = place.command(&["run", "--json", "--system", "contractors", MANIFEST]);
    ended.assert_code(0);
    assert_stream(&ended, &json!({ "source": "contractors", "systems": { "register": { "user": { "created": 2 } } } }));
    assert!(!place.path("out").exists(), "the other source did not run");
    let ended = place.run();
    ended.assert_code(0);
    assert_stream(&ended, &json!([{ "source": "~", "status": "success" }, { "source": "~", "status": "success" }]));
    place.command(&["run", "--system", "directory", MANIFEST]).assert_code(2).assert_error(&["error[run.not-a-source]"]);
    place.command(&["run", "--system", "payroll", MANIFEST]).assert_code(2).assert_error(&["error[run.unknown-system]", "hr, contractors"]);
    place.command(&["run", MANIFEST]).assert_code(0).assert_output(&["system", "created", "unchanged", "success: run"]);
}

fn a_target_another_run_writes_to_is_left_alone() {
    let cache = tempfile::TempDir::new().expect("a temporary folder");
    let place = Place::with_manifest(CSV_TO_FOLDER).with_cache(cache.path().to_owned());
    place.write("people.csv", "id,userName\n1,ada\n");
    place.run().assert_code(0);
    let locks: Vec<std::fs::File> = std::fs::read_dir(cache.path().join("targets"))
        .expect("the run took a lock")
        .map(|entry| std::fs::File::open(entry.expect("an entry").path()).expect("a lock"))
        .collect();
    for lock in &locks {
        lock.try_lock().expect("the run gave it back");
    }
    place.write("people.csv", "id,userName\n2,bob\n");
    // Whatever state file it has.
    place.write("other.toml", format!("state = \"other.db\"\n{CSV_TO_FOLDER}"));
    for manifest in [MANIFEST, "other.toml"] {
        place.command(&["run", manifest]).assert_code(3).assert_error(&["error[target.busy]", "\"directory\""]);
    }
    place.command(&["simulate", MANIFEST]).assert_code(0);
    drop(locks);
    place.run().assert_code(0);
}
