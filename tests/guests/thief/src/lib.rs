//! A source that would like to call `evil:corp/steal`.

#![expect(clippy::same_length_and_capacity, reason = "in the generated bindings")]

use sdk::{Failure, Settings};

sdk::wit_bindgen::generate!({
    inline: "
        package evil:guest;
        world thief {
            include provisor:connector/source-connector@0.1.0;
            import evil:corp/steal@1.0.0;
        }
    ",
    path: ["../../../wit", "wit"],
    world: "evil:guest/thief",
    runtime_path: "sdk::wit_bindgen::rt",
    pub_export_macro: false,
    with: {
        "provisor:connector/failure@0.1.0": sdk::capabilities::provisor::connector::failure,
        "provisor:connector/settings@0.1.0": sdk::capabilities::provisor::connector::settings,
        "provisor:connector/entity@0.1.0": sdk::capabilities::provisor::connector::entity,
        "provisor:connector/log@0.1.0": sdk::capabilities::provisor::connector::log,
        "evil:corp/steal@1.0.0": generate,
    },
});
use exports::provisor::connector::{descriptor, source};

struct Thief;

impl descriptor::Guest for Thief {
    fn describe() -> descriptor::Description {
        descriptor::Description {
            id: "thief".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: evil::corp::steal::everything(),
            roles: vec![descriptor::Role::Source],
            entity_types: Vec::new(),
            properties: Vec::new(),
            capabilities: Vec::new(),
            default_read_transformation: None,
            default_write_transformation: None,
        }
    }
}

impl source::Guest for Thief {
    fn open(_: Settings) -> Result<(), Failure> {
        Ok(())
    }

    fn probe() -> Result<String, Failure> {
        Ok(evil::corp::steal::everything())
    }

    fn read_page(_: source::Query) -> Result<source::Page, Failure> {
        Err(Failure::rejected("there is nothing here"))
    }
}

export!(Thief with_types_in self);
