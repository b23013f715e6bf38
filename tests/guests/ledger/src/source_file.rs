//! Reading pages of `source.json`.

use std::cell::Cell;

use sdk::{Entity, Failure, Kind};
use serde_json::Value;

use crate::{act, exports::provisor::connector::source, path};

thread_local! {
    /// How often the fault at hand was met by this instance.
    static MET: Cell<u64> = const { Cell::new(0) };
}

pub(crate) fn page(query: &source::Query) -> Result<source::Page, Failure> {
    let file = file()?;
    let since = match &query.scope {
        source::Scope::All => None,
        source::Scope::ChangedSince(token) => Some(token.parse::<u64>().ok().filter(|token| *token >= number(&file, "forgotten"))),
        _ => return Err(Failure::new(Kind::Unsupported, "all or what changed")),
    };
    if since == Some(None) {
        return Err(Failure::new(Kind::Conflict, "the token is too old"));
    }
    let since = since.flatten();
    let from: usize = query.cursor.as_deref().map_or(0, |cursor| cursor.parse().unwrap_or(0));
    fail(&file, &query.entity_type, from / query.limit as usize)?;
    let changed = |entity: &&Value| since.is_none_or(|since| number(entity, "version") > since);
    let moved = file.get("moved").filter(|moved| from as u64 >= number(moved, "from"));
    let list = moved.and_then(|moved| moved.get(&query.entity_type)).unwrap_or(&file[&query.entity_type]);
    let all: Vec<&Value> = list.as_array().into_iter().flatten().filter(changed).collect();
    let mut page =
        source::Page { entities: Vec::new(), unreadable: Vec::new(), deleted: Vec::new(), next: None, delta_token: None, total: None };
    for entity in all.iter().skip(from).take(query.limit as usize) {
        let id = text(entity, "id");
        if entity.get("unreadable").is_some() {
            page.unreadable.push(source::Unreadable { id: Some(id), failure: Failure::rejected("on purpose") });
        } else {
            page.entities.push(Entity { id, document: entity.to_string() });
        }
    }
    page.total = since.is_none().then(|| all.len() as u64 + number(&file, "short"));
    let end = from + query.limit as usize;
    if end < all.len() {
        page.next = Some(end.to_string());
        return Ok(page);
    }
    page.delta_token = Some(number(&file, "version").to_string());
    if let Some(since) = since {
        let deleted = file["deleted"].as_array().into_iter().flatten();
        page.deleted = deleted
            .filter(|of| of[0] == query.entity_type.as_str() && of[2].as_u64() > Some(since))
            .filter_map(|of| of[1].as_str().map(str::to_owned))
            .collect();
    }
    Ok(page)
}

fn fail(file: &Value, entity_type: &str, page: usize) -> Result<(), Failure> {
    let here = |fault: &&Value| fault["type"] == entity_type && fault["page"] == page;
    let Some(fault) = file["faults"].as_array().into_iter().flatten().find(here) else { return Ok(()) };
    if MET.replace(MET.get() + 1) < number(fault, "times") {
        return Err(act(&text(fault, "what")));
    }
    MET.set(0);
    Ok(())
}

fn file() -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path("source.json")).map_err(|error| Failure::new(Kind::NotFound, error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| Failure::rejected(error.to_string()))
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
