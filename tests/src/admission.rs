//! What may be a plugin: every wrong file is refused by code and message before anything of it takes part, and hides nobody else.

use serde_json::Value;

use crate::guests::{LIAR, NEWER, THIEF};
use crate::matching::Matches;
use crate::place::{Ended, Place};
use crate::trials;

trials![
    files_that_are_no_components,
    components_of_another_contract,
    components_that_import_too_much,
    descriptions_that_are_wrong,
    descriptions_that_do_not_come,
    a_component_that_asks_for_what_it_imports_is_admitted,
    two_files_of_one_plugin,
    a_wrong_file_does_not_matter_to_who_does_not_name_it,
    a_run_with_a_wrong_file_for_a_connector_writes_nothing,
];

/// A core module with nothing in it.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// The folder has these files, and each is refused with the code and these words; the plugins beside them are fine.
#[track_caller]
fn assert_refused(place: &Place, expected: &[(&str, &str, &str)]) {
    let ended = place.command(&["plugins", "list", "--json"]);
    ended.assert_code(2);
    let value = ended.value();
    let refused: Vec<Value> = expected
        .iter()
        .map(|(file, code, words)| serde_json::json!({ "file": format!("~plugins/{file}.wasm"), "code": code, "message": format!("~{words}") }))
        .collect();
    let usable: Vec<Value> = ["active-directory", "file", "ldap", "mapping", "scim", "sql", "unique-user-name"]
        .iter()
        .map(|id| serde_json::json!({ "id": id }))
        .collect();
    Matches::value("", &serde_json::json!({ "plugins": usable, "refused": refused }), &value)
        .unwrap_or_else(|why| panic!("{why}\n{ended}"));
}

fn files_that_are_no_components() {
    let place = Place::new();
    place.plugin("module", CORE_MODULE);
    place.plugin("nothing", b"");
    place.plugin("text", b"id,userName\n1,ada\n");
    let whole = LIAR.bytes();
    place.plugin("half", &whole[..whole.len() / 2]);
    place.plugin("cut", &whole[..whole.len() - 1]);
    place.plugin("head", &whole[..8]);
    std::fs::create_dir(place.path("plugins/folder.wasm")).expect("a folder");
    assert_refused(
        &place,
        &[
            ("cut", "plugin.not-wasm", "damaged"),
            ("folder", "plugin.unreadable", "not a file"),
            ("half", "plugin.not-wasm", "damaged"),
            ("head", "plugin.not-a-plugin", "it exports nothing"),
            ("module", "plugin.core-module", "build it for wasm32-wasip2"),
            ("nothing", "plugin.not-wasm", "the file is empty"),
            ("text", "plugin.not-wasm", "does not begin like WebAssembly"),
        ],
    );
}

fn components_of_another_contract() {
    let place = Place::new().guest(NEWER);
    assert_refused(
        &place,
        &[("newer", "plugin.contract-version", "provisor:connector/descriptor@0.2.0 is of another version of the contract")],
    );
}

fn components_that_import_too_much() {
    let place = Place::new().guest(THIEF);
    place.plugin("no-dial", &LIAR.labelled("no-dial"));
    place.plugin("no-secret", &LIAR.labelled("no-secret"));
    assert_refused(
        &place,
        &[
            ("no-dial", "plugin.capability-not-asked", "imports provisor:connector/dial without asking"),
            ("no-secret", "plugin.capability-not-asked", "imports provisor:connector/secret without asking"),
            ("thief", "plugin.import-refused", "it imports evil:corp/steal@1.0.0, which is neither WASI 0.2 nor part of the contract"),
        ],
    );
}

fn descriptions_that_are_wrong() {
    let place = Place::new();
    for label in ["name", "pointless", "roles", "twice"] {
        place.plugin(label, &LIAR.labelled(label));
    }
    assert_refused(
        &place,
        &[
            ("name", "plugin.description", "the id \"../Liar\""),
            ("pointless", "plugin.description", "the property liar.folder, which is not described"),
            ("roles", "plugin.description", "it describes the roles transformation and exports source"),
            ("twice", "plugin.description", "the property liar.endpoint twice"),
        ],
    );
}

fn descriptions_that_do_not_come() {
    let place = Place::new();
    for label in ["panic", "loop", "allocate", "exit"] {
        place.plugin(label, &LIAR.labelled(label));
    }
    assert_refused(
        &place,
        &[
            ("allocate", "plugin.describe", "more than its 256 MiB of memory"),
            ("exit", "plugin.describe", "exit code 1"),
            ("loop", "plugin.describe", "took longer than 10 s"),
            ("panic", "plugin.describe", "the plugin trapped"),
        ],
    );
    // Nobody knows their ids: the log names the files.
    let ended = place.command(&["plugins", "list"]);
    ended.assert_error(&["allocate.wasm", "exit.wasm", "loop.wasm", "panic.wasm"]);
}

fn a_component_that_asks_for_what_it_imports_is_admitted() {
    let place = Place::new();
    place.plugin("liar", &LIAR.labelled("honest"));
    let ended = place.command(&["plugins", "inspect", "liar", "--json"]);
    ended.assert_code(0);
    let expected = serde_json::json!({
        "id": "liar",
        "roles": ["source"],
        "capabilities": ["~endpoint of property liar.endpoint", "the secret liar.password"],
    });
    Matches::value("", &expected, &ended.value()).unwrap_or_else(|why| panic!("{why}\n{ended}"));
}

fn two_files_of_one_plugin() {
    let place = Place::new();
    place.plugin("one", &LIAR.bytes());
    place.plugin("two", &LIAR.bytes());
    let ended = place.command(&["plugins", "list"]);
    ended.assert_code(2).assert_error(&["error[registry.twice]", "plugins/one.wasm", "plugins/two.wasm", "\"liar\""]);
}

fn a_wrong_file_does_not_matter_to_who_does_not_name_it() {
    let place = Place::with_manifest(&manifest("file")).guest(THIEF);
    place.plugin("nothing", b"");
    place.write("people.csv", "id,userName\n1,ada\n");
    place.run().assert_code(0);
    assert!(place.path("out/user/ada.json").is_file(), "the user arrived");
}

fn a_run_with_a_wrong_file_for_a_connector_writes_nothing() {
    for (bytes, code) in [
        (CORE_MODULE.to_vec(), "plugin.core-module"),
        (Vec::new(), "plugin.not-wasm"),
        (b"id,userName\n".to_vec(), "plugin.not-wasm"),
        (NEWER.bytes(), "plugin.contract-version"),
        (THIEF.bytes(), "plugin.import-refused"),
    ] {
        let place = Place::with_manifest(&manifest("backend"));
        place.plugin("backend", &bytes);
        place.write("people.csv", "id,userName\n1,ada\n");
        let before = place.listing();
        let ended: Ended = place.run();
        ended.assert_code(2).assert_error(&["provisor.toml:2:", "error[manifest.unknown-connector]", "backend.wasm", code]);
        assert_eq!(ended.stdout, "", "there is no report of a run that was none");
        assert_eq!(place.listing(), before, "nothing is written, not even a state or a lock");
    }
}

fn manifest(connector: &str) -> String {
    format!(
        r#"[systems.hr]
connector = "{connector}"
role = "source"
properties = {{ "file.user.path" = "people.csv" }}

[systems.directory]
connector = "file"
role = "target"
sources = ["hr"]
properties = {{ "file.target.path" = "out/" }}
"#
    )
}
