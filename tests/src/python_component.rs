//! A connector in Python: its runtime imports files and sockets whether it uses them or not, so it is admitted, and it gets neither.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::counterparts;
use crate::place::{MANIFEST, Place};
use crate::trials;

trials![ten_people_arrive_and_no_door_opens, a_failure_raised_in_python_is_a_failure_of_the_contract];

const CONNECTOR: &str = include_str!("../python/connector.py");
const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");

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

/// The component, made once for each state of its source and of the contract: making it takes seconds and gives other bytes every time, which would have to be
/// compiled anew.
fn component() -> &'static Path {
    static COMPONENT: OnceLock<PathBuf> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let program = counterparts::program("componentize-py");
        let mut hasher = DefaultHasher::new();
        (CONNECTOR, &program).hash(&mut hasher);
        let mut interfaces: Vec<PathBuf> =
            std::fs::read_dir(WIT).expect("the contract").map(|entry| entry.expect("an entry").path()).collect();
        interfaces.sort();
        for interface in interfaces {
            std::fs::read(interface).expect("an interface").hash(&mut hasher);
        }
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("python-{:016x}.wasm", hasher.finish()));
        if !made.is_file() {
            make(&program, &made);
        }
        made
    })
}

fn make(program: &Path, made: &Path) {
    // A folder of its own: Python leaves compiled files beside its sources.
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    std::fs::write(folder.path().join("connector.py"), CONNECTOR).expect("the source was written");
    let output = Command::new(program)
        .args(["-d", WIT, "-w", "source-connector", "componentize", "connector", "-o", "connector.wasm"])
        .current_dir(folder.path())
        .output()
        .expect("componentize-py starts");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "componentize-py ended with {}\n{}{}", output.status, said[0], said[1]);
    std::fs::rename(folder.path().join("connector.wasm"), made).expect("the component was moved");
}
