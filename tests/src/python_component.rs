//! A connector in Python: its runtime imports files and sockets whether it uses them or not, so it is admitted, and it gets neither.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::counterparts::{self, Component};
use crate::place::{MANIFEST, Place};
use crate::trials;

trials![ten_people_arrive_and_no_door_opens, a_failure_raised_in_python_is_a_failure_of_the_contract];

fn place(elsewhere: &str) -> Place {
    let manifest = format!(
        r#"[systems.people]
role = "source"
connector = "python"
page-size = 4
properties = {{ "python.elsewhere" = "{elsewhere}" }}

[systems.directory]
role = "target"
connector = "file"
sources = ["people"]
properties = {{ "file.target.path" = "out/" }}
"#
    );
    let place = Place::with_manifest(&manifest).with_environment("PYTHON_CANARY", "a value of the environment");
    place.plugin("python", &std::fs::read(component()).expect("the component was built"));
    place
}

fn ten_people_arrive_and_no_door_opens() {
    let bytes = std::fs::read(component()).expect("the component was built");
    for import in ["wasi:filesystem/types@0.2", "wasi:sockets/tcp@0.2", "wasi:cli/environment@0.2"] {
        assert!(bytes.windows(import.len()).any(|window| window == import.as_bytes()), "the component imports {import}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener that does not wait");
    let place = place(&listener.local_addr().expect("an address").to_string());
    place.command(&["plugins", "list"]).assert_code(0).assert_output(&["python"]);
    let ended = place.command(&["--log", "info", "run", "--json", MANIFEST]);
    ended.assert_code(0).assert_error(&["a page from the start", "a page from 4", "a page from 8"]);
    let counts = &ended.value()["systems"]["directory"]["user"];
    assert_eq!((&counts["created"], &counts["failed"]), (&json!(10), &json!(0)), "{ended}");

    let document = |number: u32| serde_json::from_str::<Value>(&place.read(&format!("out/user/P{number:02}.json"))).expect("JSON");
    for number in 0..10 {
        assert_eq!(document(number)["name"], json!({ "familyName": "Čapek" }));
    }
    let first = document(0);
    let attempts = first["attempts"].as_object().expect("attempts");
    assert_eq!(attempts.len(), 7, "all attempts were made: {attempts:#?}");
    for (attempt, outcome) in attempts {
        assert!(outcome.as_str().is_some_and(|outcome| outcome.starts_with("refused: ")), "{attempt}: {outcome}");
    }
    assert!(listener.accept().is_err(), "nobody was called");
    assert!(!place.listing().iter().any(|name| name.contains("left-behind")), "nothing was written");
    let again = place.run().value();
    assert_eq!(again["systems"]["directory"]["user"]["unchanged"], 10, "{again}");
}

fn a_failure_raised_in_python_is_a_failure_of_the_contract() {
    let place = place("nowhere");
    let ended = place.command(&["check", MANIFEST]);
    ended.assert_code(1).assert_output(&["error[backend.invalid-settings]: python.elsewhere is host:port"]);
}

fn component() -> &'static Path {
    static COMPONENT: OnceLock<PathBuf> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let component = Component { name: "python", file: "connector.py", source: include_str!("../python/connector.py") };
        component.made(&counterparts::program("componentize-py"), |program, wit| {
            let mut command = Command::new(program);
            command.args(["-d", wit, "-w", "source-connector", "componentize", "connector", "-o", "connector.wasm"]);
            command
        })
    })
}
