//! SCIM patch operations (RFC 7644 section 3.5.2) on a JSON document: `add`, `replace` and `remove` of an attribute. A path with a value filter is refused: a document
//! here has no schema that says what it selects.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::attribute::{AttributePath, Segment};
use crate::failure::{Failure, Kind};

#[derive(Deserialize)]
struct Operation {
    op: String,
    path: Option<String>,
    #[serde(default)]
    value: Value,
}

/// The document with all operations carried out, one after the other.
pub fn patched(document: &str, operations: &str) -> Result<String, Failure> {
    let refused = |problem: String| Failure::new(Kind::Rejected, format!("the patch cannot be carried out: {problem}"));
    let mut document: Value = serde_json::from_str(document).map_err(|error| refused(format!("the document is no JSON: {error}")))?;
    let operations: Vec<Operation> =
        serde_json::from_str(operations).map_err(|error| refused(format!("it is no array of operations: {error}")))?;
    for Operation { op, path, value } in operations {
        let op = match op.to_ascii_lowercase().as_str() {
            "add" => Op::Add(value),
            "replace" => Op::Replace(value),
            "remove" => Op::Remove,
            other => return Err(refused(format!("there is no operation {other:?}"))),
        };
        apply(&mut document, path.as_deref(), op).map_err(refused)?;
    }
    Ok(document.to_string())
}

enum Op {
    Add(Value),
    Replace(Value),
    Remove,
}

fn apply(document: &mut Value, path: Option<&str>, op: Op) -> Result<(), String> {
    let Some(path) = path else {
        // Without a path the value is an object of attributes.
        let (Op::Add(value) | Op::Replace(value)) = op else { return Err("a remove names no path".to_owned()) };
        let (Value::Object(values), Value::Object(document)) = (value, document) else {
            return Err("without a path the value is an object".to_owned());
        };
        document.extend(values);
        return Ok(());
    };
    let segments = segments(path).ok_or_else(|| format!("{path:?} is no path of an attribute"))?;
    let Some((last, parents)) = segments.split_last() else { return Ok(()) };
    let mut place = document;
    for segment in parents {
        if let (Op::Remove, Segment::Key(key), Value::Object(map)) = (&op, segment, &*place)
            && !map.contains_key(key)
        {
            return Ok(());
        }
        place = match (segment, place) {
            (Segment::Key(key), Value::Object(map)) => map.entry(key).or_insert_with(|| Value::Object(Map::new())),
            (Segment::Index(index), Value::Array(items)) => items.get_mut(*index).ok_or_else(|| format!("{path:?} leads nowhere"))?,
            _ => return Err(format!("{path:?} leads through something that has no attributes")),
        };
    }
    match (last, place, op) {
        (Segment::Key(key), Value::Object(map), Op::Remove) => _ = map.remove(key),
        (Segment::Key(key), Value::Object(map), Op::Add(value)) => match (map.get_mut(key), value) {
            (Some(Value::Array(there)), Value::Array(more)) => there.extend(more),
            (Some(Value::Array(there)), value) => there.push(value),
            (_, value) => _ = map.insert(key.clone(), value),
        },
        (Segment::Key(key), Value::Object(map), Op::Replace(value)) => _ = map.insert(key.clone(), value),
        (Segment::Index(index), Value::Array(items), Op::Replace(value)) if *index < items.len() => items[*index] = value,
        (Segment::Index(index), Value::Array(items), Op::Remove) if *index < items.len() => _ = items.remove(*index),
        _ => return Err(format!("{path:?} leads nowhere")),
    }
    Ok(())
}

/// RFC 7644 section 3.10: a schema's name is full of dots, the attribute stands behind its last colon.
fn segments(path: &str) -> Option<Vec<Segment>> {
    if let Some((schema, attribute)) = path.strip_prefix("urn:").and_then(|_| path.rsplit_once(':')) {
        let mut segments = vec![Segment::Key(schema.to_owned())];
        segments.extend(AttributePath::parse(attribute)?.segments().iter().cloned());
        return Some(segments);
    }
    Some(AttributePath::parse(path)?.segments().to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn after(operations: &Value) -> Option<Value> {
        let document = r#"{"userName":"a","active":true,"emails":[{"value":"x"}],"name":{"givenName":"A"},"urn:x:2.0:User":{"room":"7"}}"#;
        patched(document, &operations.to_string()).ok().map(|text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn attributes_are_changed_one_by_one() {
        let whole = after(&json!([])).unwrap();
        for (operation, pointer, value) in [
            (json!({"op":"replace","path":"active","value":false}), "/active", Some(json!(false))),
            (json!({"op":"Replace","path":"name.familyName","value":"B"}), "/name", Some(json!({"givenName":"A","familyName":"B"}))),
            (json!({"op":"replace","path":"new.inner","value":1}), "/new/inner", Some(json!(1))),
            (json!({"op":"add","path":"emails","value":[{"value":"y"}]}), "/emails/1/value", Some(json!("y"))),
            (json!({"op":"replace","path":"emails[0].value","value":"z"}), "/emails/0/value", Some(json!("z"))),
            (json!({"op":"remove","path":"name.givenName"}), "/name", Some(json!({}))),
            (json!({"op":"remove","path":"missing.inner"}), "/missing", None),
            (json!({"op":"replace","path":"urn:x:2.0:User:room","value":"8"}), "/urn:x:2.0:User/room", Some(json!("8"))),
            (json!({"op":"replace","value":{"active":false}}), "/active", Some(json!(false))),
        ] {
            let found = after(&json!([operation])).unwrap_or_else(|| panic!("{operation}"));
            assert_eq!(found.pointer(pointer), value.as_ref(), "{operation}");
            assert_eq!(found["userName"], whole["userName"]);
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for operation in [
            json!({"op":"move","path":"active"}),
            json!({"op":"remove"}),
            json!({"op":"replace","path":"emails[value eq \"x\"].value","value":1}),
            json!({"op":"replace","path":"userName.inner","value":1}),
            json!({"op":"replace","path":"emails[7]","value":1}),
            json!({"op":"replace","value":7}),
            json!(7),
        ] {
            assert_eq!(after(&json!([operation])), None, "{operation}");
        }
    }

    proptest! {
        #[test]
        fn it_never_panics(path in "[a.\\[\\]'0-9:urn]{0,16}", op in "add|replace|remove", value in "[{}\\[\\]\"0a:,]{0,8}") {
            let value: Value = serde_json::from_str(&value).unwrap_or(Value::Null);
            let _ = patched(r#"{"a":[{"a":1}]}"#, &json!([{"op":op,"path":path,"value":value}]).to_string());
        }
    }
}
