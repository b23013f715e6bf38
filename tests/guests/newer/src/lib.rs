//! A source of a contract this host does not speak.

#![expect(clippy::same_length_and_capacity, reason = "in the generated bindings")]

sdk::wit_bindgen::generate!({
    path: "wit",
    world: "provisor:connector/source-connector",
    runtime_path: "sdk::wit_bindgen::rt",
    pub_export_macro: false,
});
use exports::provisor::connector::{descriptor, source};

struct Newer;

impl descriptor::Guest for Newer {
    fn describe() -> String {
        "newer".to_owned()
    }
}

impl source::Guest for Newer {
    fn read_page(_: Option<String>) -> Vec<String> {
        Vec::new()
    }
}

export!(Newer with_types_in self);
