//! Plugins are pinned by the first run; a changed one is named and refused until somebody accepts it.

use std::fs;

use crate::guests::{LIAR, NULL};
use crate::place::{MANIFEST, Place};
use crate::trials;

trials![the_first_run_pins, a_changed_plugin_is_refused_until_accepted, a_changed_plugin_nobody_uses_does_not_matter, a_damaged_lock];

const LOCK: &str = "provisor.lock";

fn place() -> Place {
    let place = Place::with_manifest(
        r#"[systems.hr]
role = "source"
connector = "file"
properties = { "file.user.path" = "people.csv" }

[systems.void]
role = "target"
connector = "null"
sources = ["hr"]
"#,
    );
    place.write("people.csv", "id,userName\n1,ada\n2,bob\n");
    place.guest(NULL)
}

/// The same component with another digest: a custom section more, which says nothing.
fn changed(mut component: Vec<u8>) -> Vec<u8> {
    component.extend_from_slice(b"\0\x05\x04more");
    component
}

fn the_first_run_pins() {
    let place = place();
    place.run().assert_code(0);
    let lock = place.read(LOCK);
    for id in ["file", "mapping", "null"] {
        assert!(lock.contains(id), "{id} is pinned:\n{lock}");
    }
    assert!(!lock.contains("scim"), "scim is not used:\n{lock}");
    place.run().assert_code(0);
    assert_eq!(place.read(LOCK), lock, "a second run pins nothing new");
}

fn a_changed_plugin_is_refused_until_accepted() {
    let place = place();
    place.run().assert_code(0);
    let state = fs::read(place.path("provisor.db")).expect("a state");
    place.plugin("null", &changed(NULL.bytes()));
    for arguments in [&["run", "--json", MANIFEST][..], &["check", MANIFEST]] {
        let ended = place.command(arguments);
        ended.assert_code(2).assert_error(&["error[plugin.changed]", "\"null\"", "null.wasm", "provisor plugins accept", MANIFEST]);
        assert!(!ended.stderr.contains("\"file\""), "only the changed one is named\n{ended}");
    }
    assert_eq!(fs::read(place.path("provisor.db")).expect("a state"), state, "nothing ran");
    place.command(&["plugins", "accept", MANIFEST]).assert_code(0).assert_output(&["null "]);
    let ended = place.run();
    ended.assert_code(0);
    assert_eq!(ended.value()["systems"]["void"]["user"]["unchanged"], 2, "a new connector does not mean new entities\n{ended}");
}

fn a_changed_plugin_nobody_uses_does_not_matter() {
    let place = place();
    place.plugin("liar", &LIAR.labelled("version=1.0.0"));
    place.run().assert_code(0);
    place.plugin("liar", &LIAR.labelled("version=2.0.0"));
    place.run().assert_code(0);
}

fn a_damaged_lock() {
    let place = place();
    place.write(LOCK, "this is not a lock");
    place.run().assert_code(3).assert_error(&["error[lock.corrupt]", LOCK, "restore it, or remove it"]);
    assert!(!place.path("provisor.db").exists(), "nothing ran");
}
