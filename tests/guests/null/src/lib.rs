//! The target `null`: takes everything and keeps nothing. What remains of a run into it is what the host itself costs.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

use sdk::{AttributeValue, Entity, Failure, Settings};

sdk::world!("target-connector", "../../../wit");
use exports::provisor::connector::{descriptor, target};

struct Null;

thread_local! {
    /// Tells this instance's ids from those of others.
    static INSTANCE: Cell<u64> = const { Cell::new(0) };
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

impl descriptor::Guest for Null {
    fn describe() -> descriptor::Description {
        let entity_type = |name: &str| descriptor::EntityType {
            name: name.to_owned(),
            unique_attributes: Vec::new(),
            abilities: descriptor::Abilities::CREATE | descriptor::Abilities::UPDATE | descriptor::Abilities::DELETE,
        };
        let as_it_is = r#"{ "user": { "mappings": [{ "sourcePath": "$", "targetPath": "$" }] }, "group": { "mappings": [{ "sourcePath": "$", "targetPath": "$" }] } }"#;
        descriptor::Description {
            id: "null".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Takes everything and keeps nothing.".to_owned(),
            roles: vec![descriptor::Role::Target],
            entity_types: vec![entity_type("user"), entity_type("group")],
            properties: Vec::new(),
            capabilities: Vec::new(),
            default_read_transformation: None,
            default_write_transformation: Some(as_it_is.to_owned()),
        }
    }
}

impl target::Guest for Null {
    fn open(_: Settings) -> Result<(), Failure> {
        INSTANCE.set(RandomState::new().build_hasher().finish());
        Ok(())
    }

    fn probe() -> Result<String, Failure> {
        Ok("nothing".to_owned())
    }

    fn write(changes: Vec<target::Change>) -> Vec<target::Outcome> {
        let instance = format!("{:016x}-", INSTANCE.get());
        let mut count = COUNT.get();
        let outcome = |change: target::Change| {
            let id = match change.action {
                target::Action::Create(_) => {
                    count += 1;
                    format!("{instance}{count}")
                }
                target::Action::Update(update) => update.id,
                target::Action::Patch(patch) => patch.id,
                target::Action::Members(members) => members.id,
                target::Action::Delete(id) => id,
            };
            target::Outcome::Written(target::Written { id, document: None })
        };
        let outcomes = changes.into_iter().map(outcome).collect();
        COUNT.set(count);
        outcomes
    }

    fn find(_: String, _: Vec<AttributeValue>) -> Result<Vec<Entity>, Failure> {
        Ok(Vec::new())
    }
}

export!(Null with_types_in self);
