//! A connector in JavaScript: an engine of twelve megabytes comes with it, is admitted like any other component and has nothing that was not granted.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::counterparts::{self, Component};
use crate::place::{MANIFEST, Place};
use crate::trials;

trials![six_people_arrive_a_page_at_a_time, a_failure_thrown_in_javascript_is_a_failure_of_the_contract];

fn place(domain: &str) -> Place {
    static COMPILED: OnceLock<()> = OnceLock::new();
    let manifest = format!(
        r#"[systems.people]
role = "source"
connector = "javascript"
page-size = 4
properties = {{ "javascript.domain" = "{domain}" }}

[systems.directory]
role = "target"
connector = "file"
sources = ["people"]
properties = {{ "file.target.path" = "out/" }}
"#
    );
    let place = Place::with_manifest(&manifest);
    place.plugin("javascript", &std::fs::read(component()).expect("the component was built"));
    // Once, so that the tests do not compile the engine at the same time.
    COMPILED.get_or_init(|| _ = place.command(&["plugins", "list"]));
    place
}

fn six_people_arrive_a_page_at_a_time() {
    let place = place("example.com");
    place.command(&["plugins", "list"]).assert_code(0).assert_output(&["javascript", "written in JavaScript"]);
    let ended = place.command(&["--log", "info", "run", "--json", MANIFEST]);
    ended.assert_code(0).assert_error(&["a page from the start", "a page from 4"]);
    let counts = &ended.value()["systems"]["directory"]["user"];
    assert_eq!((&counts["created"], &counts["failed"]), (&json!(6), &json!(0)), "{ended}");
    for number in 0..6 {
        let document: Value = serde_json::from_str(&place.read(&format!("out/user/J{number}.json"))).expect("JSON");
        assert_eq!(document["emails"], json!([{ "value": format!("J{number}@example.com") }]));
        assert_eq!(document["name"], json!({ "familyName": "Čapek" }));
    }
    let again = place.run().value();
    assert_eq!(again["systems"]["directory"]["user"]["unchanged"], 6, "{again}");
}

fn a_failure_thrown_in_javascript_is_a_failure_of_the_contract() {
    let place = place("localhost");
    let ended = place.command(&["check", MANIFEST]);
    ended.assert_code(1).assert_output(&["error[backend.invalid-settings]: javascript.domain has no dot"]);
}

fn component() -> &'static Path {
    static COMPONENT: OnceLock<PathBuf> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let component = Component { name: "javascript", file: "connector.js", source: include_str!("../javascript/connector.js") };
        component.made(&counterparts::program("componentize-js"), |program, wit| {
            let mut command = Command::new(program);
            // The contract has no wasi:http in it, so the engine must not ask for it.
            command.args(["connector.js", "--wit", wit, "-n", "source-connector", "-d", "http", "fetch-event", "-o", "connector.wasm"]);
            command
        })
    })
}
