//! Dialects: what a service does differently from RFC 7644, named by the administrator in `scim.profile`. Nothing of it is guessed.

use crate::resource::quoted;
use sdk::Failure;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// One deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// Booleans are the texts `"True"` and `"False"`.
    BooleanStrings,
    /// `Add`, `Remove`, `Replace`.
    CapitalOperations,
    /// A PATCH has an operation for each attribute, each with its path.
    PathOperations,
    /// As before, and an attribute of an attribute has an operation of its own: `name.givenName`.
    DottedPaths,
    /// Members are removed by a list of values, not by a path with a filter.
    MemberValues,
    /// Users are made inactive instead of deleted.
    SoftDelete,
    /// A duplicate is told by words only, with a status that means something else.
    UnmarkedDuplicates,
    /// SCIM 1.1: schemas, and PATCH as a partial document.
    Scim11,
    /// `If-Match: *` with every change of something that is there.
    IfMatch,
    /// Members are added and removed one by one, below the group.
    MemberEndpoints,
    /// Changed groups cannot be asked for; all of them are read.
    UserDeltas,
}

/// The names an administrator may write, what they stand for and the README's words for it.
pub const NAMES: &[(&str, &[Quirk], &str)] = &[
    ("boolean-strings", &[Quirk::BooleanStrings], "Booleans are written as \"True\" and \"False\"; active and primary are read from text."),
    ("capital-operations", &[Quirk::CapitalOperations], "PATCH says Add, Remove and Replace."),
    ("path-operations", &[Quirk::PathOperations], "PATCH has an operation with a path for each attribute instead of one for all."),
    (
        "dotted-paths",
        &[Quirk::PathOperations, Quirk::DottedPaths],
        "As path-operations, and one for each part of an attribute: name.givenName.",
    ),
    ("member-values", &[Quirk::MemberValues], "Members are removed by a list of values instead of members[value eq \"...\"]."),
    ("soft-delete", &[Quirk::SoftDelete], "A user is not deleted but gets active = false, with PATCH."),
    (
        "unmarked-duplicates",
        &[Quirk::UnmarkedDuplicates],
        "A create answered 400, 422 or 500 in words such as \"already exists\" has met a duplicate.",
    ),
    ("scim-1.1", &[Quirk::Scim11], "The schema of SCIM 1.1, and PATCH as a partial document."),
    (
        "uaa",
        &[Quirk::Scim11, Quirk::IfMatch, Quirk::MemberEndpoints],
        "Cloud Foundry UAA and XSUAA: SCIM 1.1, If-Match, members one by one below the group, origins.",
    ),
    ("directory", &[Quirk::UserDeltas], "The identity directory: reads of changes give changed users and all groups."),
    (
        "entra",
        &[Quirk::BooleanStrings, Quirk::CapitalOperations, Quirk::PathOperations, Quirk::DottedPaths, Quirk::MemberValues],
        "Services made for Microsoft Entra ID as their only client.",
    ),
];

/// The deviations of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile(Vec<Quirk>);

impl Profile {
    /// A list of names, separated by commas; `invalid-settings` for a name nobody knows.
    pub fn parse(names: &str) -> Result<Self, Failure> {
        let mut quirks = Vec::new();
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let Some((_, of_name, _)) = NAMES.iter().find(|(known, _, _)| *known == name) else {
                let known: Vec<&str> = NAMES.iter().map(|(known, _, _)| *known).collect();
                return Err(Failure::invalid_settings(format!("property scim.profile: {name:?} is none of {}", known.join(", "))));
            };
            quirks.extend_from_slice(of_name);
        }
        Ok(Self(quirks))
    }

    pub fn has(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }

    /// A document or a `PatchOp` as this service wants its values.
    pub fn document(&self, text: String) -> String {
        if !self.has(Quirk::BooleanStrings) {
            return text;
        }
        let Ok(mut value) = serde_json::from_str::<Value>(&text) else { return text };
        booleans_to_text(&mut value);
        value.to_string()
    }

    /// A resource as RFC 7643 has it.
    pub fn read<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.has(Quirk::BooleanStrings) {
            return text.into();
        }
        let Ok(mut value) = serde_json::from_str::<Value>(text) else { return text.into() };
        text_to_booleans(&mut value);
        value.to_string().into()
    }

    /// The operations of a PATCH (a JSON array as text) as this service wants them.
    pub fn operations<'a>(&self, operations: &'a str) -> Cow<'a, str> {
        let plain = [Quirk::CapitalOperations, Quirk::PathOperations, Quirk::MemberValues].iter().all(|quirk| !self.has(*quirk));
        let Ok(mut list) = serde_json::from_str::<Vec<Map<String, Value>>>(operations) else { return operations.into() };
        if plain {
            return operations.into();
        }
        if self.has(Quirk::PathOperations) {
            list = list.into_iter().flat_map(|operation| self.with_paths(operation)).collect();
        }
        if self.has(Quirk::MemberValues) {
            list = by_values(list);
        }
        if self.has(Quirk::CapitalOperations) {
            for operation in &mut list {
                if let Some(Value::String(op)) = operation.get_mut("op")
                    && let Some(first) = op.get_mut(..1)
                {
                    first.make_ascii_uppercase();
                }
            }
        }
        json!(list).to_string().into()
    }

    /// One operation for each attribute of an operation without a path.
    fn with_paths(&self, operation: Map<String, Value>) -> Vec<Map<String, Value>> {
        let op = operation.get("op").cloned().unwrap_or_default();
        match (operation.get("path"), operation.get("value")) {
            (None, Some(Value::Object(attributes))) => {
                let extension = |name: &str| name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
                attributes.iter().flat_map(|(name, value)| self.at(&op, name, value, extension(name))).collect()
            }
            (Some(Value::String(path)), Some(value)) => self.at(&op, path, value, false),
            _ => vec![operation],
        }
    }

    fn at(&self, op: &Value, path: &str, value: &Value, extension: bool) -> Vec<Map<String, Value>> {
        match value {
            // The attributes of an extension have paths, the extension itself has none (RFC 7644 section 3.5.2).
            Value::Object(parts) if extension && !parts.is_empty() => {
                parts.iter().flat_map(|(name, value)| self.at(op, &format!("{path}:{name}"), value, false)).collect()
            }
            Value::Object(parts) if self.has(Quirk::DottedPaths) && !parts.is_empty() => {
                parts.iter().flat_map(|(name, value)| self.at(op, &format!("{path}.{name}"), value, false)).collect()
            }
            value => vec![Map::from_iter([("op".into(), op.clone()), ("path".into(), path.into()), ("value".into(), value.clone())])],
        }
    }
}

/// `remove members[value eq "x"]` as `remove members` with the values, all in one operation.
fn by_values(operations: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    let (mut others, mut values) = (Vec::new(), Vec::new());
    for operation in operations {
        let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
        let id = path.strip_prefix("members[value eq ").and_then(|rest| rest.strip_suffix(']'));
        match id.and_then(|id| serde_json::from_str::<String>(id).ok()).filter(|_| operation["op"] == "remove") {
            Some(id) => values.push(json!({ "value": id })),
            None => others.push(operation),
        }
    }
    if !values.is_empty() {
        others.push(Map::from_iter([("op".into(), "remove".into()), ("path".into(), "members".into()), ("value".into(), values.into())]));
    }
    others
}

fn booleans_to_text(value: &mut Value) {
    match value {
        Value::Bool(flag) => *value = if *flag { "True" } else { "False" }.into(),
        Value::Array(items) => items.iter_mut().for_each(booleans_to_text),
        Value::Object(object) => object.values_mut().for_each(booleans_to_text),
        _ => {}
    }
}

/// Only attributes that RFC 7643 has as booleans: elsewhere "true" may be a text.
fn text_to_booleans(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(text_to_booleans),
        Value::Object(object) => {
            for (name, value) in object {
                match value {
                    Value::String(text) if ["active", "primary"].contains(&name.as_str()) => {
                        if let Ok(flag) = text.to_ascii_lowercase().parse::<bool>() {
                            *value = flag.into();
                        }
                    }
                    other => text_to_booleans(other),
                }
            }
        }
        _ => {}
    }
}

/// The filter for users of these identity providers (`;` between them), as UAA has them.
pub fn origin_filter(origins: &str) -> Option<String> {
    let each: Vec<String> = origins
        .split(';')
        .map(str::trim)
        .filter(|origin| !origin.is_empty())
        .map(|origin| format!("origin eq {}", quoted(origin)))
        .collect();
    match each.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(format!("({})", several.join(" or "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(names: &str) -> Profile {
        Profile::parse(names).unwrap()
    }

    #[test]
    fn names_add_up_and_unknown_ones_are_refused() {
        assert_eq!(profile(""), Profile::default());
        assert!(profile(" capital-operations, soft-delete ").has(Quirk::SoftDelete));
        assert!(profile("entra").has(Quirk::DottedPaths));
        assert!(Profile::parse("okta").unwrap_err().message.contains("none of boolean-strings,"));
    }

    const OPERATIONS: &str = r#"[{"op":"replace","value":{"active":true,"name":{"givenName":"A","familyName":"B"},"emails":[{"value":"a@x","primary":true}],"urn:x:User":{"department":"D","manager":{"value":"7"}}}},{"op":"remove","path":"members[value eq \"a\\\"b\"]"},{"op":"remove","path":"members[value eq \"c\"]"},{"op":"remove","path":"title"}]"#;

    /// `op path value` of each operation.
    fn operations(names: &str) -> Vec<String> {
        let list: Vec<Map<String, Value>> = serde_json::from_str(&profile(names).operations(OPERATIONS)).unwrap();
        let text = |value: Option<&Value>| value.map_or_else(String::new, |value| value.as_str().map_or(value.to_string(), str::to_owned));
        list.iter().map(|o| format!("{} {} {}", text(o.get("op")), text(o.get("path")), text(o.get("value")))).collect()
    }

    #[test]
    fn operations_in_every_dialect() {
        assert_eq!(profile("soft-delete").operations(OPERATIONS), OPERATIONS);
        assert_eq!(
            operations("path-operations"),
            [
                "replace active true",
                r#"replace emails [{"primary":true,"value":"a@x"}]"#,
                r#"replace name {"familyName":"B","givenName":"A"}"#,
                "replace urn:x:User:department D",
                r#"replace urn:x:User:manager {"value":"7"}"#,
                r#"remove members[value eq "a\"b"] "#,
                r#"remove members[value eq "c"] "#,
                "remove title ",
            ]
        );
        assert_eq!(
            operations("entra"),
            [
                "Replace active true",
                r#"Replace emails [{"primary":true,"value":"a@x"}]"#,
                "Replace name.familyName B",
                "Replace name.givenName A",
                "Replace urn:x:User:department D",
                "Replace urn:x:User:manager.value 7",
                "Remove title ",
                r#"Remove members [{"value":"a\"b"},{"value":"c"}]"#,
            ]
        );
    }

    #[test]
    fn booleans_go_out_as_text_and_come_back() {
        let profile = profile("boolean-strings");
        let text = profile.document(r#"{"active":true,"x":{"y":[false]},"title":"true"}"#.into());
        assert_eq!(text, r#"{"active":"True","title":"true","x":{"y":["False"]}}"#);
        let read = profile.read(r#"{"active":"FALSE","emails":[{"primary":"True"}],"title":"true","primary":"maybe"}"#);
        assert_eq!(read, r#"{"active":false,"emails":[{"primary":true}],"primary":"maybe","title":"true"}"#);
        assert_eq!(profile.read("no JSON"), "no JSON");
    }

    #[test]
    fn origins_become_a_filter() {
        assert_eq!(origin_filter(" ;"), None);
        assert_eq!(origin_filter("idp").unwrap(), r#"origin eq "idp""#);
        assert_eq!(origin_filter("a; b\"").unwrap(), r#"(origin eq "a" or origin eq "b\"")"#);
    }

    #[test]
    fn the_readme_explains_every_name() {
        let readme = include_str!("../README.md");
        for (name, _, words) in NAMES {
            let row = format!("- `{name}`: {words}");
            assert!(readme.contains(&row), "the README lacks {row:?}");
        }
    }
}
