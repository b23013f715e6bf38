//! What goes into the bodies of requests: whole documents (RFC 7643 section 3), and operations (RFC 7644 section 3.5.2).

use crate::{
    profile::{Profile, Quirk},
    resource::{Attributes, Resource, quoted},
};
use sdk::Failure;
use serde_json::{Value, json, value::RawValue};
use std::collections::HashSet;

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The one core schema of SCIM 1.1.
const CORE_1_1: &str = "urn:scim:schemas:core:1.0";

/// The body of a POST or PUT: the document as it is, with `schemas` (RFC 7643 section 3.1 requires it) and the id where the mapping gave none.
pub fn completed(profile: &Profile, resource: Resource, id: Option<&str>, document: String) -> Result<String, Failure> {
    let attributes = Attributes::of(&document)?;
    let (schemas, own_id) = (attributes.has("schemas"), attributes.has("id"));
    let core = if profile.has(Quirk::Scim11) { CORE_1_1 } else { resource.schema() };
    let mut front = Vec::new();
    if !schemas {
        let extensions = attributes.0.iter().map(|(name, _)| name.as_ref()).filter(|name| name.starts_with("urn:") && *name != core);
        let all: Vec<String> = std::iter::once(core).chain(extensions).map(quoted).collect();
        front.push(("schemas", format!("[{}]", all.join(","))));
    }
    if let Some(id) = id.filter(|_| !own_id) {
        front.push(("id", quoted(id)));
    }
    if front.is_empty() {
        return Ok(profile.document(document));
    }
    Ok(profile.document(attributes.write(&front, |name| (name != "schemas" || schemas) && (name != "id" || own_id))))
}

/// An update as PATCH: one replace without a path (RFC 7644 section 3.5.2.3), or the partial document of SCIM 1.1. `id`, `meta` and `schemas` are not the
/// client's to replace. `None` where nothing is left.
pub fn replacement(profile: &Profile, document: &str) -> Result<Option<String>, Failure> {
    let attributes = Attributes::of(document)?;
    let own = |name: &str| !matches!(name, "id" | "meta" | "schemas");
    let value = attributes.write(&[], own);
    if value == "{}" {
        return Ok(None);
    }
    if profile.has(Quirk::Scim11) {
        return Ok(Some(profile.document(attributes.write(&[("schemas", format!("[{}]", quoted(CORE_1_1)))], own))));
    }
    Ok(Some(patch(profile, &format!(r#"[{{"op":"replace","value":{value}}}]"#))))
}

/// A `PatchOp` of these operations (a JSON array as text); `None` where there are none.
pub fn operations(profile: &Profile, operations: &str) -> Result<Option<String>, Failure> {
    let list: Vec<&RawValue> = serde_json::from_str(operations)
        .map_err(|error| Failure::rejected(format!("the patch operations are not a JSON array: {error}")))?;
    if profile.has(Quirk::Scim11) && !list.is_empty() {
        return Err(Failure::new(sdk::Kind::Unsupported, "SCIM 1.1 knows no patch operations; map whole documents"));
    }
    Ok((!list.is_empty()).then(|| patch(profile, operations)))
}

/// Whether a document is itself a `PatchOp`: a mapping may write one where the backend wants a PATCH, such as a deactivation in place of a deletion.
pub fn is_patch(document: &str) -> bool {
    // Looking at the text is cheaper than parsing every document.
    document.contains(PATCH_OP)
        && Attributes::of(document).is_ok_and(|attributes| {
            attributes.has("Operations") && attributes.get("schemas").is_some_and(|schemas| schemas.contains(PATCH_OP))
        })
}

/// A PATCH that adds members (JSON objects as text).
pub fn add_members(profile: &Profile, members: &[String]) -> String {
    if profile.has(Quirk::Scim11) {
        return partial(&format!(r#""members":[{}]"#, members.join(",")));
    }
    patch(profile, &format!(r#"[{{"op":"add","path":"members","value":[{}]}}]"#, members.join(",")))
}

/// A PATCH that makes these the only members.
pub fn replace_members(profile: &Profile, members: &[String]) -> String {
    if profile.has(Quirk::Scim11) {
        return partial(&format!(r#""meta":{{"attributes":["members"]}},"members":[{}]"#, members.join(",")));
    }
    patch(profile, &format!(r#"[{{"op":"replace","path":"members","value":[{}]}}]"#, members.join(",")))
}

/// A PATCH that removes these members (ids).
pub fn remove_members(profile: &Profile, ids: &[String]) -> String {
    if profile.has(Quirk::Scim11) {
        let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id, "operation": "delete" })).collect();
        return partial(&format!(r#""members":{}"#, json!(members)));
    }
    let path = |id: &String| quoted(&format!("members[value eq {}]", quoted(id)));
    let operations: Vec<String> = ids.iter().map(|id| format!(r#"{{"op":"remove","path":{}}}"#, path(id))).collect();
    patch(profile, &format!("[{}]", operations.join(",")))
}

/// A PATCH that makes a user inactive.
pub fn deactivation(profile: &Profile) -> String {
    if profile.has(Quirk::Scim11) {
        return profile.document(partial(r#""active":false"#));
    }
    patch(profile, r#"[{"op":"replace","path":"active","value":false}]"#)
}

/// A member that is nothing but an id.
pub fn member(id: &str) -> String {
    format!(r#"{{"value":{}}}"#, quoted(id))
}

/// A member as UAA takes it below a group: with the kind it is taken for unless it says so itself.
pub fn uaa_member(member: &str) -> String {
    match serde_json::from_str(member) {
        Ok(Value::Object(mut object)) => {
            object.entry("type").or_insert_with(|| "USER".into());
            Value::Object(object).to_string()
        }
        Ok(Value::String(id)) => json!({ "value": id, "type": "USER" }).to_string(),
        _ => member.to_owned(),
    }
}

fn patch(profile: &Profile, operations: &str) -> String {
    let operations = profile.operations(operations);
    profile.document(format!(r#"{{"schemas":["{PATCH_OP}"],"Operations":{operations}}}"#))
}

/// The partial document that SCIM 1.1 takes as PATCH.
fn partial(attributes: &str) -> String {
    format!(r#"{{"schemas":["{CORE_1_1}"],{attributes}}}"#)
}

/// A group's document without its members, and these, as text; `None` where there are at most `threshold`.
pub fn without_members(document: &str, threshold: usize) -> Option<(String, Vec<String>)> {
    // A member is at least `{"value":"x"}`, so a shorter document cannot have too many.
    if document.len() / 13 <= threshold {
        return None;
    }
    let attributes = Attributes::of(document).ok()?;
    let members: Vec<&RawValue> = serde_json::from_str(attributes.get("members")?).ok()?;
    (members.len() > threshold).then(|| {
        let members = members.into_iter().map(|member| member.get().to_owned()).collect();
        (attributes.write(&[], |name| name != "members"), members)
    })
}

/// The id of a member, whether it is an object or only the id.
fn id_of(member: &str) -> Option<String> {
    match serde_json::from_str(member).ok()? {
        Value::String(id) => Some(id),
        Value::Object(object) => object.get("value")?.as_str().map(str::to_owned),
        _ => None,
    }
}

/// What leads from the members a group has to those it shall have: members to add, ids to remove. `None` where the answer does not tell the members.
pub fn difference(group: &str, wanted: &[String]) -> Option<(Vec<String>, Vec<String>)> {
    let attributes = Attributes::of(group).ok()?;
    let there: Vec<&RawValue> = serde_json::from_str(attributes.get("members")?).ok()?;
    let there: HashSet<String> = there.into_iter().map(|member| id_of(member.get())).collect::<Option<_>>()?;
    let ids: Vec<Option<String>> = wanted.iter().map(|member| id_of(member)).collect();
    let keep: HashSet<&String> = ids.iter().flatten().collect();
    let mut removed: Vec<String> = there.iter().filter(|id| !keep.contains(id)).cloned().collect();
    removed.sort_unstable();
    let new = wanted.iter().zip(&ids).filter(|(_, id)| !id.as_ref().is_some_and(|id| there.contains(id)));
    Some((new.map(|(member, _)| member.clone()).collect(), removed))
}

/// The version of a resource (RFC 7643 section 3.1): the answer's `ETag`, else `meta.version`.
pub fn version(etag: Option<&str>, resource: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        meta: Option<Meta>,
    }
    #[derive(serde::Deserialize)]
    struct Meta {
        version: Option<Value>,
    }
    if let Some(etag) = etag.map(str::trim).filter(|etag| !etag.is_empty()) {
        return Some(etag.to_owned());
    }
    match serde_json::from_slice::<Versioned>(resource).ok()?.meta?.version? {
        Value::String(version) if !version.is_empty() => Some(version),
        Value::Number(version) => Some(version.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_above_the_threshold_are_taken_out() {
        let document = r#"{"displayName":"g","members":[{"value":"aaa"},{"value":"bbb","type":"User"},{"value":"ccc"}],"x":1}"#;
        let (rest, members) = without_members(document, 2).unwrap();
        assert_eq!(rest, r#"{"displayName":"g","x":1}"#);
        assert_eq!(members, [r#"{"value":"aaa"}"#, r#"{"value":"bbb","type":"User"}"#, r#"{"value":"ccc"}"#]);
        assert_eq!(without_members(document, 3), None);
        assert_eq!(without_members(r#"{"displayName":"a group without members, with a long name"}"#, 1), None);
    }

    #[test]
    fn the_difference_is_by_id() {
        let group = r#"{"members":[{"value":"a","display":"A"},{"value":"b"}]}"#;
        let (added, removed) = difference(group, &[member("b"), member("c")]).unwrap();
        assert_eq!((added, removed), (vec![member("c")], vec!["a".to_owned()]));
        assert_eq!(difference(r#"{"displayName":"x"}"#, &[]), None, "a server that does not tell");
        assert_eq!(difference(r#"{"members":[{"display":"x"}]}"#, &[]), None, "members without ids");
    }

    #[test]
    fn a_patch_among_documents_is_known() {
        assert!(is_patch(&patch(&Profile::default(), "[]")));
        for document in [format!(r#"{{"displayName":"{PATCH_OP}"}}"#), format!(r#"{{"schemas":["{PATCH_OP}"]}}"#), "{}".into()] {
            assert!(!is_patch(&document), "{document}");
        }
    }

    #[test]
    fn versions_of_all_kinds() {
        assert_eq!(version(Some(r#"W/"3""#), b"").unwrap(), r#"W/"3""#);
        assert_eq!(version(None, br#"{"meta":{"version":"W/\"3\""}}"#).unwrap(), r#"W/"3""#);
        assert_eq!(version(Some(""), br#"{"meta":{"version":0}}"#).unwrap(), "0");
        for none in [&b"{}"[..], b"", br#"{"meta":{"version":null}}"#] {
            assert_eq!(version(None, none), None);
        }
    }
}
