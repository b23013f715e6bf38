//! A source and a target that live in files of a folder, and fail exactly where the files say. For the model test, which writes the files before a run and reads them
//! after it, and for cases.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `source.json` | `version`, `forgotten` (tokens below it are not valid), `short` (entities counted and not given), `user` and `group`: lists of entities with `id`, `version` and, where one cannot be read, `unreadable`; `deleted`: `[type, id, version]` each; `moved`: `from` and lists that stand in the place of the others from that number on; `faults` |
//! | `target.json` | `user` and `group`: id -> document; `given`: name -> how often an id was made of it; `changes` and `finds`, how many there were; `faults`; `calls`, what was asked and what came of it |
//!
//! A fault of the source is `{ "type", "page", "what", "times" }`, one of the target `{ "call", "from", "to", "what" }` with `call` one of `open`, `probe`, `change`,
//! `find`, and numbers from 0. `what` is a failure's kind, `trap` or `hang`; for a change also with `lost-` in front: it is carried out first.

mod source_file;
mod target_file;

use std::cell::RefCell;

use sdk::{AttributeValue, Entity, Failure, Kind, Settings};

sdk::world!("connector", "../../../wit");
use exports::provisor::connector::{descriptor, source, target};

struct Ledger;

thread_local! {
    static FOLDER: RefCell<String> = const { RefCell::new(String::new()) };
}

impl descriptor::Guest for Ledger {
    fn describe() -> descriptor::Description {
        let entity_type = |name: &str, unique: &str, more: descriptor::Abilities| descriptor::EntityType {
            name: name.to_owned(),
            unique_attributes: vec![unique.to_owned()],
            abilities: descriptor::Abilities::READ_ALL
                | descriptor::Abilities::READ_CHANGES
                | descriptor::Abilities::READ_BY_ID
                | descriptor::Abilities::CREATE
                | descriptor::Abilities::UPDATE
                | descriptor::Abilities::DELETE
                | descriptor::Abilities::FIND
                | more,
        };
        let mappings = r#"{ "mappings": [{ "sourcePath": "$", "targetPath": "$" }, { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" }] }"#;
        descriptor::Description {
            id: "ledger".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Reads and writes files, and fails where they say.".to_owned(),
            roles: vec![descriptor::Role::Source, descriptor::Role::Target],
            entity_types: vec![
                entity_type("user", "userName", descriptor::Abilities::PATCH),
                entity_type("group", "displayName", descriptor::Abilities::MEMBERS),
            ],
            properties: vec![descriptor::Property {
                name: "ledger.path".to_owned(),
                kind: descriptor::PropertyKind::Path,
                default: None,
                required: true,
                credential: false,
                help: "The folder.".to_owned(),
                roles: Vec::new(),
            }],
            capabilities: vec![descriptor::Capability::Files(descriptor::Folder {
                property: "ledger.path".to_owned(),
                write: true,
                roles: Vec::new(),
            })],
            default_read_transformation: Some(format!(r#"{{ "user": {mappings}, "group": {mappings} }}"#)),
            default_write_transformation: Some(r#"{ "user": { "mappings": [{ "sourcePath": "$", "targetPath": "$" }] } }"#.to_owned()),
        }
    }
}

impl source::Guest for Ledger {
    fn open(settings: Settings) -> Result<(), Failure> {
        remember(&settings)
    }

    fn probe() -> Result<String, Failure> {
        Ok("a folder".to_owned())
    }

    fn read_page(query: source::Query) -> Result<source::Page, Failure> {
        match &query.scope {
            // Who looks for one entity means the target.
            source::Scope::ById(id) => Ok(target_file::by_id(&query.entity_type, id)),
            _ => source_file::page(&query),
        }
    }
}

impl target::Guest for Ledger {
    fn open(settings: Settings) -> Result<(), Failure> {
        remember(&settings)?;
        target_file::meet("open", 0)
    }

    fn probe() -> Result<String, Failure> {
        target_file::meet("probe", 0).map(|()| "a folder".to_owned())
    }

    fn write(changes: Vec<target::Change>) -> Vec<target::Outcome> {
        target_file::write(changes)
    }

    fn find(entity_type: String, attributes: Vec<AttributeValue>) -> Result<Vec<Entity>, Failure> {
        target_file::find(&entity_type, &attributes)
    }
}

fn remember(settings: &Settings) -> Result<(), Failure> {
    FOLDER.set(settings.required("ledger.path")?.to_owned());
    Ok(())
}

/// A file of the folder.
fn path(name: &str) -> String {
    FOLDER.with_borrow(|folder| format!("{}/{name}", folder.trim_end_matches('/')))
}

/// Do what a fault says.
fn act(what: &str) -> Failure {
    let kind = match what {
        "trap" => core::arch::wasm32::unreachable(),
        "hang" => {
            // Whoever waits for it looks for this file.
            let _ = std::fs::write(path("hangs"), "");
            loop {
                std::thread::sleep(std::time::Duration::from_hours(1));
            }
        }
        "unavailable" => Kind::Unavailable,
        "timed-out" => Kind::TimedOut,
        "rate-limited" => Kind::RateLimited(None),
        "conflict" => Kind::Conflict,
        "forbidden" => Kind::Forbidden,
        _ => Kind::Rejected,
    };
    Failure::new(kind, "on purpose")
}

export!(Ledger with_types_in self);
