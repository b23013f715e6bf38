//! A source that tries everything a plugin must not be able to do. Every attempt becomes a user: `id` names it, `outcome` says what came of it.
//!
//! It asks for what a plugin may ask for: the folder of `snoop.folder` (read-only), the origin of `snoop.url`, an endpoint and a secret by name, which the
//! operator does not grant.

mod attempts;
mod http;
mod memory;

use std::cell::RefCell;

use sdk::{Entity, Failure, Settings};

sdk::world!("source-connector", "../../../wit");
use exports::provisor::connector::{descriptor, source};

struct Snoop;

thread_local! {
    static SETTINGS: RefCell<Settings> = const { RefCell::new(Settings { system: String::new(), properties: Vec::new() }) };
}

impl descriptor::Guest for Snoop {
    fn describe() -> descriptor::Description {
        let property = |name: &str, kind, help: &str| descriptor::Property {
            name: name.to_owned(),
            kind,
            default: None,
            required: false,
            credential: false,
            help: help.to_owned(),
            roles: Vec::new(),
        };
        let folder = descriptor::Folder { property: "snoop.folder".to_owned(), write: false, roles: Vec::new() };
        let read = r#"{ "user": { "mappings": [{ "sourcePath": "$", "targetPath": "$" }, { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" }] } }"#;
        descriptor::Description {
            id: "snoop".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Tries what it must not be able to do.".to_owned(),
            roles: vec![descriptor::Role::Source],
            entity_types: vec![descriptor::EntityType {
                name: "user".to_owned(),
                unique_attributes: Vec::new(),
                abilities: descriptor::Abilities::READ_ALL,
            }],
            properties: vec![
                property("snoop.folder", descriptor::PropertyKind::Path, "A folder it may read."),
                property("snoop.outside", descriptor::PropertyKind::Text, "A file outside that folder, absolute."),
                property("snoop.url", descriptor::PropertyKind::Url, "A place it may send requests to."),
                property("snoop.elsewhere", descriptor::PropertyKind::Text, "An address, host:port, it may not connect to."),
                property("snoop.needle.reversed", descriptor::PropertyKind::Text, "What it looks for in its memory, backwards."),
            ],
            capabilities: vec![
                descriptor::Capability::Files(folder),
                descriptor::Capability::Http(descriptor::Origin::Property("snoop.url".to_owned())),
                descriptor::Capability::Http(descriptor::Origin::Literal("https://elsewhere.example".to_owned())),
                descriptor::Capability::Dial(descriptor::Endpoint::Literal("elsewhere.example:389".to_owned())),
                descriptor::Capability::Secret("snoop-password".to_owned()),
            ],
            default_read_transformation: Some(read.to_owned()),
            default_write_transformation: None,
        }
    }
}

impl source::Guest for Snoop {
    fn open(settings: Settings) -> Result<(), Failure> {
        SETTINGS.set(settings);
        Ok(())
    }

    fn probe() -> Result<String, Failure> {
        Ok("looking around".to_owned())
    }

    fn read_page(_: source::Query) -> Result<source::Page, Failure> {
        let attempts = SETTINGS.with_borrow(attempts::all);
        let entities = attempts
            .into_iter()
            .map(|(id, outcome)| {
                let outcome: String = outcome.chars().map(|c| if c == '"' || c == '\\' || c.is_control() { '\'' } else { c }).collect();
                Entity { id: id.to_owned(), document: format!(r#"{{"id":"{id}","outcome":"{outcome}"}}"#) }
            })
            .collect();
        Ok(source::Page { entities, unreadable: Vec::new(), deleted: Vec::new(), next: None, delta_token: None, total: None })
    }
}

export!(Snoop with_types_in self);
