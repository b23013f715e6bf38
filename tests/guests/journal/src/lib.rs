//! A source that reads a journal of changes from a file, a line each, and knows what changed since a line.
//!
//! | line | what happened |
//! | --- | --- |
//! | `{ "type": "user", "id": "1", ... }` | the entity is there, or changed to this |
//! | `{ "type": "user", "deleted": "1" }` | it is deleted, and a read of changes says so |
//! | `{ "type": "user", "vanished": "1" }` | it is gone, and nobody says so |
//! | `{ "type": "user", "broken": "1" }` | it cannot be read |
//! | `{ "forgotten": true }` | tokens from before are not valid any more |
//!
//! A token is the number of lines. A page holds one line, so that pages are many.

use std::cell::RefCell;

use sdk::{Entity, Failure, Kind, Settings};
use serde_json::{Map, Value};

sdk::world!("source-connector", "../../../wit");
use exports::provisor::connector::{descriptor, source};

struct Journal;

thread_local! {
    static PATH: RefCell<String> = const { RefCell::new(String::new()) };
}

impl descriptor::Guest for Journal {
    fn describe() -> descriptor::Description {
        let entity_type = |name: &str| descriptor::EntityType {
            name: name.to_owned(),
            unique_attributes: Vec::new(),
            abilities: descriptor::Abilities::READ_ALL | descriptor::Abilities::READ_CHANGES,
        };
        let mappings = r#"{ "mappings": [{ "sourcePath": "$", "targetPath": "$" }, { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" }] }"#;
        descriptor::Description {
            id: "journal".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Reads a journal of changes.".to_owned(),
            roles: vec![descriptor::Role::Source],
            entity_types: vec![entity_type("user"), entity_type("group")],
            properties: vec![descriptor::Property {
                name: "journal.path".to_owned(),
                kind: descriptor::PropertyKind::Path,
                default: None,
                required: true,
                credential: false,
                help: "The journal.".to_owned(),
                roles: Vec::new(),
            }],
            capabilities: vec![descriptor::Capability::Files(descriptor::Folder {
                property: "journal.path".to_owned(),
                write: false,
                roles: Vec::new(),
            })],
            default_read_transformation: Some(format!(r#"{{ "user": {mappings}, "group": {mappings} }}"#)),
            default_write_transformation: None,
        }
    }
}

impl source::Guest for Journal {
    fn open(settings: Settings) -> Result<(), Failure> {
        PATH.set(settings.required("journal.path")?.to_owned());
        Ok(())
    }

    fn probe() -> Result<String, Failure> {
        Ok(format!("{} lines", lines()?.len()))
    }

    fn read_page(query: source::Query) -> Result<source::Page, Failure> {
        let lines = lines()?;
        let invalid = || Failure::new(Kind::Conflict, "the journal does not reach back to this token");
        let (begin, delta) = match &query.scope {
            source::Scope::All => (0, false),
            source::Scope::ChangedSince(token) => (token.parse::<usize>().map_err(|_| invalid())?, true),
            _ => return Err(Failure::new(Kind::Unsupported, "all or what changed")),
        };
        let forgotten = lines.iter().rposition(|line| line.contains_key("forgotten")).map_or(0, |at| at + 1);
        if delta && begin < forgotten {
            return Err(invalid());
        }
        let at = query.cursor.as_deref().map_or(begin, |cursor| cursor.parse().unwrap_or(begin));
        let next = (at + 1 < lines.len()).then(|| (at + 1).to_string());
        let delta_token = next.is_none().then(|| lines.len().to_string());
        let mut page = source::Page { entities: Vec::new(), unreadable: Vec::new(), deleted: Vec::new(), next, delta_token, total: None };
        let Some(line) = lines.get(at).filter(|line| text(line, "type") == Some(query.entity_type.as_str())) else { return Ok(page) };
        let of =
            |other: &Map<String, Value>| ["id", "deleted", "vanished", "broken"].iter().find_map(|key| text(other, key)).map(str::to_owned);
        // What counts is an entity's last line.
        if lines[at + 1..].iter().any(|later| text(later, "type") == text(line, "type") && of(later) == of(line)) {
            return Ok(page);
        }
        if let Some(id) = text(line, "broken") {
            let failure = Failure::new(Kind::Rejected, "the line is broken");
            page.unreadable.push(source::Unreadable { id: Some(id.to_owned()), failure });
        } else if let Some(id) = text(line, "id") {
            let mut document = line.clone();
            document.remove("type");
            page.entities.push(Entity { id: id.to_owned(), document: Value::Object(document).to_string() });
        } else if let Some(id) = text(line, "deleted").filter(|_| delta) {
            page.deleted.push(id.to_owned());
        }
        Ok(page)
    }
}

fn text<'a>(line: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    line.get(key).and_then(Value::as_str)
}

fn lines() -> Result<Vec<Map<String, Value>>, Failure> {
    let path = PATH.with_borrow(Clone::clone);
    let journal = std::fs::read_to_string(&path).map_err(|error| Failure::new(Kind::NotFound, format!("{path}: {error}")))?;
    let wrong = |error: serde_json::Error| Failure::new(Kind::Rejected, format!("{path}: {error}"));
    journal.lines().map(|line| serde_json::from_str(line).map_err(wrong)).collect()
}

export!(Journal with_types_in self);
