//! What would change in an entity of a target: attribute, before, after.

use serde_json::{Map, Value};

use crate::report::AttributeChange;

/// Put in the place of values nobody should read over somebody's shoulder.
const HIDDEN: &str = "(hidden)";

/// Compare what a target has, if anybody knows, with what it would be sent. An attribute that is not sent is the backend's own business (`wit/target.wit`) and does not
/// count, and so do the keys a backend adds to the objects of a list.
pub fn differences(before: Option<&str>, after: &str) -> Vec<AttributeChange> {
    let parse = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let mut changes = Vec::new();
    compare(&mut changes, "", before.map(parse).as_ref(), parse(after));
    changes
}

fn compare(changes: &mut Vec<AttributeChange>, path: &str, before: Option<&Map<String, Value>>, after: Map<String, Value>) {
    for (name, after) in after {
        let was = before.and_then(|before| before.get(&name));
        let path = step(path, &name);
        match (was, after) {
            (Some(Value::Object(was)), Value::Object(after)) => compare(changes, &path, Some(was), after),
            (None, Value::Object(after)) if !after.is_empty() => compare(changes, &path, None, after),
            (Some(was), after) if same(was, &after) => {}
            (was, after) => {
                let secret = is_secret(&name);
                let hide = |value: Value| if secret { Value::from(HIDDEN) } else { value };
                changes.push(AttributeChange { attribute: path, before: was.cloned().map(hide), after: hide(after) });
            }
        }
    }
}

/// A name of letters and digits with a dot, any other in brackets, as the mapping language writes paths.
fn step(path: &str, name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || "_$-".contains(c)) && !name.is_empty();
    match (path.is_empty(), plain) {
        (true, true) => name.to_owned(),
        (false, true) => format!("{path}.{name}"),
        (_, false) => format!("{path}['{name}']"),
    }
}

/// Whether what is there is what would be sent: lists in any order, and their objects with keys of the backend's own.
fn same(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len() && after.iter().all(|one| before.iter().any(|other| same(other, one)))
        }
        (Value::Object(before), Value::Object(after)) => {
            after.iter().all(|(name, value)| before.get(name).is_some_and(|other| same(other, value)))
        }
        (before, after) => before == after,
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token"].iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: Option<&str>, after: &str) -> Vec<String> {
        let value = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
        differences(before, after).into_iter().map(|d| format!("{} {} {}", d.attribute, value(d.before), value(Some(d.after)))).collect()
    }

    #[test]
    fn only_what_is_sent_is_compared() {
        let before = r#"{"id":"7","userName":"ada","name":{"familyName":"L","givenName":"A"},"emails":[{"value":"a@b","display":"a"},{"value":"c@d"}]}"#;
        let after = r#"{"userName":"ada","name":{"familyName":"M"},"emails":[{"value":"c@d"},{"value":"a@b"}],"title":"Dr"}"#;
        assert_eq!(shown(Some(before), after), [r#"name.familyName "L" "M""#, r#"title - "Dr""#]);
        assert_eq!(shown(Some(before), r#"{"emails":[{"value":"a@b"}]}"#).len(), 1, "one address fewer");
    }

    #[test]
    fn what_is_new_is_shown_in_leaves_and_secrets_are_not() {
        let after = r#"{"urn:x:2.0":{"costCenter":7},"password":"geheim","active":true}"#;
        assert_eq!(shown(None, after), [r"active - true", r#"password - "(hidden)""#, r"['urn:x:2.0'].costCenter - 7"]);
    }
}
