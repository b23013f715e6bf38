//! Changes, each inside a transaction: what is checked here still holds when it is written.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value, json};

use super::{members, read, sql, store::Fault};
use crate::scim::{
    Precondition, Projection, Resource, ResourceType, ScimError,
    conform::conform,
    evaluate::fold,
    patch::{self, Operation},
    schema::{Mutability, Resolved},
};

/// A group with more members than this is not answered to a PATCH that does not ask for it.
const MEMBERS_ANSWERED: u64 = 100;

/// A resource taken apart: what goes into the document, and what a group's members shall be.
struct Parts {
    document: Map<String, Value>,
    /// Absent where the client did not mention them.
    members: Option<Value>,
}

fn parts(mut resource: Value, of: &ResourceType) -> Result<Parts, ScimError> {
    let members = if of.name == "Group" { take(&mut resource, "members") } else { None };
    let mut document = conform(resource, of)?;
    // The directory lets nobody in, so it keeps no passwords: nor anything else that can be written and never read.
    let write_only: Vec<&str> = of
        .schema
        .attributes
        .iter()
        .filter(|attribute| attribute.mutability == Mutability::WriteOnly)
        .map(|attribute| &*attribute.name)
        .collect();
    document.retain(|name, _| !write_only.contains(&name.as_str()));
    Ok(Parts { document, members })
}

fn take(resource: &mut Value, name: &str) -> Option<Value> {
    let object = resource.as_object_mut()?;
    let key = object.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    object.remove(&key)
}

pub(super) fn create(connection: &Connection, of: &ResourceType, resource: Value) -> Result<Resource, Fault> {
    let parts = parts(resource, of)?;
    let id = new_id();
    let now = next_moment(connection)?;
    let (external_id, display_name) = looked_up(&parts.document);
    connection
        .prepare_cached(
            "INSERT INTO resource (id, type, document, external_id, display_name, created, modified, version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1)",
        )?
        .execute(params![id, of.name, json!(parts.document).to_string(), external_id, display_name, now])?;
    let seq = connection.last_insert_rowid();
    keep_unique(connection, of, seq, &parts.document)?;
    if let Some(list) = &parts.members {
        members::set(connection, seq, list)?;
    }
    read::get(connection, of, &id, &Projection::Default)
}

pub(super) fn replace(
    connection: &Connection,
    of: &ResourceType,
    id: &str,
    resource: Value,
    precondition: &Precondition,
) -> Result<Resource, Fault> {
    let stored = read::find(connection, of, id)?;
    precondition.check(&stored.tag())?;
    let parts = parts(resource, of)?;
    // A PUT says what there is, so a group that does not mention members has none (RFC 7644 section 3.5.1).
    let members = if of.name == "Group" { members::set(connection, stored.seq, &parts.members.unwrap_or(Value::Null))? } else { 0 };
    if members > 0 || parts.document != stored.document {
        write(connection, of, stored.seq, &parts.document)?;
    }
    read::get(connection, of, id, &Projection::Default)
}

pub(super) fn patch(
    connection: &Connection,
    of: &ResourceType,
    id: &str,
    operations: &[Operation],
    precondition: &Precondition,
    projection: &Projection,
) -> Result<Option<Resource>, Fault> {
    let stored = read::find(connection, of, id)?;
    precondition.check(&stored.tag())?;
    let (mut document, mut rows) = (stored.document.clone(), 0);
    for operation in operations {
        let mut operation = operation.clone();
        if of.name == "Group" {
            if is_about_members(&operation, of) {
                rows += members::patch(connection, stored.seq, &operation)?;
                continue;
            }
            // `{"members": [...], "displayName": "..."}` without a path.
            if operation.path.is_none()
                && let Some(list) = operation.value.as_mut().and_then(|value| take(value, "members"))
            {
                rows += members::patch(connection, stored.seq, &Operation { op: operation.op, path: None, value: Some(list) })?;
            }
        }
        patch::apply(&mut document, &[operation], of)?;
    }
    // The result has to be a resource as any other.
    let Parts { document, .. } = parts(Value::Object(document), of)?;
    if rows > 0 || document != stored.document {
        write(connection, of, stored.seq, &document)?;
    }
    if of.name == "Group" && *projection == Projection::Default && members::count(connection, stored.seq)? > MEMBERS_ANSWERED {
        return Ok(None);
    }
    read::get(connection, of, id, projection).map(Some)
}

fn is_about_members(operation: &Operation, of: &ResourceType) -> bool {
    operation.path.as_ref().and_then(|path| of.resolve(&path.attribute)).is_some_and(|resolved| members::is_link(&resolved, of))
}

pub(super) fn delete(connection: &Connection, of: &ResourceType, id: &str, precondition: &Precondition) -> Result<(), Fault> {
    let stored = read::find(connection, of, id)?;
    precondition.check(&stored.tag())?;
    // Groups it was in are changed by that, too, and whoever reads changes has to see them.
    let groups: Vec<i64> = connection
        .prepare_cached("SELECT group_seq FROM member WHERE member_seq = ?1")?
        .query_map([stored.seq], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for group in groups.into_iter().filter(|group| *group != stored.seq) {
        let now = next_moment(connection)?;
        connection
            .prepare_cached("UPDATE resource SET modified = ?2, version = version + 1 WHERE seq = ?1")?
            .execute(params![group, now])?;
    }
    connection.prepare_cached("DELETE FROM resource WHERE seq = ?1")?.execute([stored.seq])?;
    Ok(())
}

fn write(connection: &Connection, of: &ResourceType, seq: i64, document: &Map<String, Value>) -> Result<(), Fault> {
    let now = next_moment(connection)?;
    let (external_id, display_name) = looked_up(document);
    connection
        .prepare_cached(
            "UPDATE resource SET document = ?2, external_id = ?3, display_name = ?4, modified = ?5, version = version + 1 WHERE seq = ?1",
        )?
        .execute(params![seq, json!(document).to_string(), external_id, display_name, now])?;
    connection.prepare_cached("DELETE FROM unique_value WHERE resource = ?1")?.execute([seq])?;
    keep_unique(connection, of, seq, document)
}

/// What stands in columns of its own to be found quickly.
fn looked_up(document: &Map<String, Value>) -> (Option<String>, Option<String>) {
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    (text("externalId").map(str::to_owned), text("displayName").map(fold))
}

/// Enter the values that only one resource may have. Another one's is 409.
fn keep_unique(connection: &Connection, of: &ResourceType, seq: i64, document: &Map<String, Value>) -> Result<(), Fault> {
    let own = of.schema.attributes.iter().map(|attribute| Resolved { extension: None, attribute, sub: None });
    let others = of
        .extensions
        .iter()
        .flat_map(|schema| schema.attributes.iter().map(|attribute| Resolved { extension: Some(&schema.id), attribute, sub: None }));
    for Resolved { extension, attribute, .. } in own.chain(others).filter(|resolved| sql::is_unique(resolved.attribute)) {
        let object = match extension {
            None => Some(document),
            Some(id) => document.get(id).and_then(Value::as_object),
        };
        let Some(value) = object.and_then(|object| object.get(&attribute.name)).and_then(Value::as_str) else { continue };
        let value = if attribute.case_exact { value.to_owned() } else { fold(value) };
        let name = sql::unique_name(extension, &attribute.name);
        let taken: Option<i64> = connection
            .prepare_cached("SELECT resource FROM unique_value WHERE type = ?1 AND attribute = ?2 AND value = ?3")?
            .query_row(params![of.name, name, value], |row| row.get(0))
            .optional()?;
        if taken.is_some() {
            return Err(ScimError::taken(&attribute.name).into());
        }
        connection
            .prepare_cached("INSERT INTO unique_value (type, attribute, value, resource) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![of.name, name, value, seq])?;
    }
    Ok(())
}

/// Now, and always later than the last change: whoever has seen everything up to one moment finds what is newer behind it.
fn next_moment(connection: &Connection) -> Result<i64, Fault> {
    let last: Option<i64> = connection.prepare_cached("SELECT max(modified) FROM resource")?.query_row([], |row| row.get(0))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    Ok(now.max(last.unwrap_or_default().saturating_add(1)))
}

/// A UUID of version 4 (RFC 9562). It has to be new and need not be secret.
fn new_id() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
