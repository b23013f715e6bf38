//! A connector that misbehaves in the way and in the call its properties name. As a source it makes up users; as a target it takes everything.
//!
//! | `unruly.behaviour` | what the call does |
//! | --- | --- |
//! | `none` | what it should |
//! | `panic`, `trap`, `overflow` | ends in a trap: a panic, an instruction that always traps, a stack without end |
//! | `loop`, `sleep` | never comes back: computing, waiting |
//! | `allocate` | takes memory until there is none |
//! | `exit` | ends the program with an error |
//! | `flood` | prints and logs far too much, then does what it should |
//! | `large-page` | `read-page` answers one entity too many |
//! | `same-cursor` | `read-page` answers the same cursor for ever |
//! | `few-outcomes`, `many-outcomes` | `write` answers one outcome too few, too many |
//! | `rejected` | answers this failure |

mod behaviour;

use std::cell::RefCell;

use sdk::{AttributeValue, Entity, Failure, Settings};

use behaviour::Behaviour;

sdk::world!("connector", "../../../wit");
use exports::provisor::connector::{descriptor, source, target};

struct Unruly;

#[derive(Default)]
struct Opened {
    behaviour: Behaviour,
    users: u64,
}

thread_local! {
    static OPENED: RefCell<Opened> = RefCell::default();
}

impl descriptor::Guest for Unruly {
    fn describe() -> descriptor::Description {
        let all = descriptor::Abilities::READ_ALL
            | descriptor::Abilities::CREATE
            | descriptor::Abilities::UPDATE
            | descriptor::Abilities::DELETE
            | descriptor::Abilities::FIND;
        let user = descriptor::EntityType { name: "user".to_owned(), unique_attributes: vec!["userName".to_owned()], abilities: all };
        let property = |name: &str, kind, default: &str, help: &str| descriptor::Property {
            name: name.to_owned(),
            kind,
            default: Some(default.to_owned()),
            required: false,
            credential: false,
            help: help.to_owned(),
            roles: Vec::new(),
        };
        let choice = |values: &[&str]| descriptor::PropertyKind::Choice(values.iter().map(|value| (*value).to_owned()).collect());
        let read = r#"{ "user": { "mappings": [{ "sourcePath": "$", "targetPath": "$" }, { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" }] } }"#;
        let write = r#"{ "user": { "mappings": [{ "sourcePath": "$", "targetPath": "$" }] } }"#;
        descriptor::Description {
            id: "unruly".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Misbehaves as its properties say.".to_owned(),
            roles: vec![descriptor::Role::Source, descriptor::Role::Target],
            entity_types: vec![user],
            properties: vec![
                property("unruly.behaviour", choice(&Behaviour::NAMES), "none", "What it does."),
                property("unruly.call", choice(&["open", "probe", "read-page", "write", "find"]), "read-page", "In which call."),
                property("unruly.only", descriptor::PropertyKind::Text, "", "Only where a document of the call holds this text."),
                property("unruly.users", descriptor::PropertyKind::Integer, "3", "How many users there are to read."),
            ],
            capabilities: Vec::new(),
            default_read_transformation: Some(read.to_owned()),
            default_write_transformation: Some(write.to_owned()),
        }
    }
}

impl source::Guest for Unruly {
    fn open(settings: Settings) -> Result<(), Failure> {
        open(&settings)
    }

    fn probe() -> Result<String, Failure> {
        probe()
    }

    fn read_page(query: source::Query) -> Result<source::Page, Failure> {
        let (behaviour, users) = OPENED.with_borrow(|opened| (opened.behaviour.clone(), opened.users));
        let first = query.cursor.as_deref().map_or(1, |cursor| cursor.parse().unwrap_or(1));
        let last = users.min(first + u64::from(query.limit) - 1);
        let mut entities: Vec<Entity> = (first..=last).map(user).collect();
        let behaviour = behaviour.in_call("read-page", || entities.iter().any(|user| behaviour.concerns(&user.document)));
        behaviour.act()?;
        if behaviour.is("large-page") {
            let missing = u64::from(query.limit) + 1 - entities.len() as u64;
            entities.extend((1..=missing).map(|more| user(users + more)));
        }
        let next = (last < users).then(|| (last + 1).to_string());
        let next = if behaviour.is("same-cursor") { Some("1".to_owned()) } else { next };
        Ok(source::Page { entities, unreadable: Vec::new(), deleted: Vec::new(), next, delta_token: None, total: Some(users) })
    }
}

impl target::Guest for Unruly {
    fn open(settings: Settings) -> Result<(), Failure> {
        open(&settings)
    }

    fn probe() -> Result<String, Failure> {
        probe()
    }

    fn write(changes: Vec<target::Change>) -> Vec<target::Outcome> {
        let behaviour = OPENED.with_borrow(|opened| opened.behaviour.clone());
        let here = behaviour.in_call("write", || changes.iter().any(|change| behaviour.concerns(content(change))));
        let mut outcomes: Vec<target::Outcome> = changes
            .iter()
            .map(|change| {
                if behaviour.concerns(content(change))
                    && let Err(failure) = here.act()
                {
                    return target::Outcome::Failed(failure);
                }
                target::Outcome::Written(target::Written { id: id_of(change), document: None })
            })
            .collect();
        if here.is("few-outcomes") {
            outcomes.pop();
        }
        if here.is("many-outcomes") {
            outcomes.push(target::Outcome::Written(target::Written { id: "one-more".to_owned(), document: None }));
        }
        outcomes
    }

    fn find(_: String, attributes: Vec<AttributeValue>) -> Result<Vec<Entity>, Failure> {
        let behaviour = OPENED.with_borrow(|opened| opened.behaviour.clone());
        behaviour.in_call("find", || attributes.iter().any(|attribute| behaviour.concerns(&attribute.value))).act()?;
        Ok(Vec::new())
    }
}

fn open(settings: &Settings) -> Result<(), Failure> {
    let behaviour = Behaviour::of(settings)?;
    let users = settings.integer("unruly.users")?.unwrap_or_default();
    behaviour.in_call("open", || true).act()?;
    OPENED.set(Opened { behaviour, users });
    Ok(())
}

fn probe() -> Result<String, Failure> {
    let behaviour = OPENED.with_borrow(|opened| opened.behaviour.clone());
    behaviour.in_call("probe", || true).act()?;
    Ok("unruly as ever".to_owned())
}

fn user(number: u64) -> Entity {
    Entity { id: number.to_string(), document: format!(r#"{{"id":"{number}","userName":"user{number}"}}"#) }
}

fn content(change: &target::Change) -> &str {
    match &change.action {
        target::Action::Create(document) => document,
        target::Action::Update(update) => &update.document,
        target::Action::Patch(patch) => &patch.operations,
        target::Action::Members(members) => &members.id,
        target::Action::Delete(id) => id,
    }
}

fn id_of(change: &target::Change) -> String {
    match &change.action {
        target::Action::Create(document) => {
            let name = document.split_once("\"userName\":\"").and_then(|(_, rest)| rest.split_once('"'));
            name.map_or_else(|| "nameless".to_owned(), |(name, _)| name.to_owned())
        }
        target::Action::Update(update) => update.id.clone(),
        target::Action::Patch(patch) => patch.id.clone(),
        target::Action::Members(members) => members.id.clone(),
        target::Action::Delete(id) => id.clone(),
    }
}

export!(Unruly with_types_in self);
