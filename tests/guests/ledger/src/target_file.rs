//! Changing `target.json`.

use sdk::{AttributeValue, Entity, Failure, Kind};
use serde_json::{Map, Value, json};

use crate::{
    act,
    exports::provisor::connector::{source, target},
    path,
};

/// Fail in this call, if a fault says so.
pub(crate) fn meet(call: &str, number: u64) -> Result<(), Failure> {
    fault(&file(), call, number).map_or(Ok(()), |what| Err(act(&what)))
}

pub(crate) fn find(entity_type: &str, attributes: &[AttributeValue]) -> Result<Vec<Entity>, Failure> {
    let mut file = file();
    // A simulation looks too, and may not write.
    if file["faults"].as_array().is_some_and(|faults| faults.iter().any(|fault| fault["call"] == "find")) {
        let number = count(&mut file, "finds");
        save(&file);
        meet("find", number)?;
    }
    let wanted = |document: &Value| {
        attributes.iter().all(|of| serde_json::from_str::<Value>(&of.value).is_ok_and(|value| document[&of.attribute] == value))
    };
    let entities = file[entity_type].as_object().into_iter().flatten();
    Ok(entities
        .filter(|(_, document)| wanted(document))
        .map(|(id, document)| Entity { id: id.clone(), document: document.to_string() })
        .collect())
}

/// A page with the entity of this id, or with nothing.
pub(crate) fn by_id(entity_type: &str, id: &str) -> source::Page {
    let found = file()[entity_type].get(id).map(|document| Entity { id: id.to_owned(), document: document.to_string() });
    let entities = found.into_iter().collect();
    source::Page { entities, unreadable: Vec::new(), deleted: Vec::new(), next: None, delta_token: None, total: None }
}

pub(crate) fn write(changes: Vec<target::Change>) -> Vec<target::Outcome> {
    let mut file = file();
    let outcomes = changes.into_iter().map(|change| one(&mut file, &change)).collect();
    save(&file);
    outcomes
}

fn one(file: &mut Value, change: &target::Change) -> target::Outcome {
    let number = count(file, "changes");
    let what = fault(file, "change", number).unwrap_or_default();
    let (acts, what) = match what.strip_prefix("lost-") {
        Some(what) => (true, what.to_owned()),
        None => (what.is_empty(), what),
    };
    let outcome = if acts { carry_out(file, change) } else { Err(Failure::rejected("on purpose")) };
    let (operation, id, document) = named(change);
    let id = outcome.as_ref().ok().cloned().unwrap_or(id);
    let call = json!({
        "operation": operation, "type": change.entity_type, "id": id, "document": document, "acted": acts && outcome.is_ok(), "fault": what,
    });
    if let Some(calls) = file["calls"].as_array_mut() {
        calls.push(call);
    }
    if what.is_empty() {
        return match outcome {
            Ok(id) => target::Outcome::Written(target::Written { id, document: None }),
            Err(failure) => target::Outcome::Failed(failure),
        };
    }
    if ["trap", "hang"].contains(&what.as_str()) {
        // What was done until here is done.
        save(file);
    }
    target::Outcome::Failed(act(&what))
}

fn named(change: &target::Change) -> (&'static str, String, Value) {
    let parsed = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    match &change.action {
        target::Action::Create(document) => ("create", String::new(), parsed(document)),
        target::Action::Update(update) => ("update", update.id.clone(), parsed(&update.document)),
        target::Action::Patch(patch) => ("patch", patch.id.clone(), parsed(&patch.operations)),
        target::Action::Members(members) => ("members", members.id.clone(), json!({ "added": members.added, "removed": members.removed })),
        target::Action::Delete(id) => ("delete", id.clone(), Value::Null),
    }
}

fn carry_out(file: &mut Value, change: &target::Change) -> Result<String, Failure> {
    let unique = if change.entity_type == "user" { "userName" } else { "displayName" };
    let name = |document: &Value| document[unique].as_str().unwrap_or_default().to_owned();
    let given = file["given"].as_object().cloned().unwrap_or_default();
    let entities = file[&change.entity_type].as_object_mut().ok_or_else(|| Failure::rejected("no such type"))?;
    let gone = || Failure::new(Kind::NotFound, "it is not there");
    let (operation, id, document) = named(change);
    let taken = |entities: &Map<String, Value>| entities.iter().any(|(other, found)| *other != id && found[unique] == document[unique]);
    match operation {
        "create" => {
            if taken(entities) {
                return Err(Failure::new(Kind::AlreadyExists, "there is one of that name"));
            }
            // Never given twice, and the same in whichever order the creates come.
            let name = name(&document);
            let times = given.get(&name).and_then(Value::as_u64).unwrap_or(0);
            let id = format!("{name}#{times}");
            entities.insert(id.clone(), document);
            file["given"][name] = (times + 1).into();
            return Ok(id);
        }
        "update" => {
            let Some(before) = entities.get(&id).cloned() else { return Err(gone()) };
            if taken(entities) {
                return Err(Failure::new(Kind::AlreadyExists, "there is one of that name"));
            }
            let mut after = document;
            // What the document does not mention is the backend's own business.
            if let (Some(active), None) = (before.get("active"), after.get("active")) {
                after["active"] = active.clone();
            }
            entities.insert(id.clone(), after);
        }
        "patch" => {
            let entity = entities.get_mut(&id).ok_or_else(gone)?;
            for operation in document.as_array().into_iter().flatten() {
                entity[operation["path"].as_str().unwrap_or_default()] = operation["value"].clone();
            }
        }
        "members" => {
            let entity = entities.get_mut(&id).ok_or_else(gone)?;
            let mut members: Vec<Value> = entity["members"].as_array().cloned().unwrap_or_default();
            let listed = |list: &str, member: &Value| document[list].as_array().is_some_and(|list| list.contains(&member["value"]));
            members.retain(|member| !listed("removed", member) && !listed("added", member));
            members.extend(document["added"].as_array().into_iter().flatten().map(|id| json!({ "value": id })));
            entity["members"] = members.into();
        }
        _ => _ = entities.remove(&id).ok_or_else(gone)?,
    }
    Ok(id)
}

fn fault(file: &Value, call: &str, number: u64) -> Option<String> {
    let here = |fault: &&Value| fault["call"] == call && fault["from"].as_u64() <= Some(number) && Some(number) < fault["to"].as_u64();
    let fault = file["faults"].as_array().into_iter().flatten().find(here)?;
    fault["what"].as_str().map(str::to_owned)
}

/// Count one more, and answer how many there were before.
fn count(file: &mut Value, key: &str) -> u64 {
    let number = file[key].as_u64().unwrap_or(0);
    file[key] = (number + 1).into();
    number
}

/// Nothing there yet: an empty one.
fn file() -> Value {
    let empty = || json!({ "given": {}, "user": {}, "group": {}, "changes": 0, "finds": 0, "faults": [], "calls": [] });
    std::fs::read_to_string(path("target.json")).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_else(empty)
}

fn save(file: &Value) {
    // Whoever is killed while writing has not written.
    let written = std::fs::write(path("target.new"), file.to_string());
    if let Err(error) = written.and_then(|()| std::fs::rename(path("target.new"), path("target.json"))) {
        panic!("the target cannot be written: {error}");
    }
}
