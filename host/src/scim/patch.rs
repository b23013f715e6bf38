//! The operations of a PATCH (RFC 7644 section 3.5.2), from a body, and what they make of a resource.
//!
//! Tolerated beyond the RFC, because clients in wide use send it: `op` in any case, `remove` with the values to be removed, keys such as `name.familyName` in a value
//! without a path, `add` to a value that the path's filter does not find (it is made from what the filter says).

mod apply;

use std::str::FromStr;

use serde_json::Value;

use super::{
    error::{ScimError, ScimType},
    filter::Filter,
    path::AttributePath,
};

pub use apply::apply;

/// The schema of a PATCH's body.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The most operations of one PATCH.
pub const MOST_OPERATIONS: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Remove,
    Replace,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub op: Op,
    pub path: Option<PatchPath>,
    /// Absent where the body has none.
    pub value: Option<Value>,
}

/// `members`, `name.familyName`, `emails[type eq "work"].value`.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchPath {
    /// The text as it was written; it may also be the URN of a schema.
    pub text: String,
    /// Without its sub-attribute where there is a filter.
    pub attribute: AttributePath,
    pub filter: Option<Filter>,
    /// Of the values, with or without a filter.
    pub sub: Option<String>,
}

impl FromStr for PatchPath {
    type Err = ScimError;

    fn from_str(text: &str) -> Result<Self, ScimError> {
        let wrong = |why: String| ScimError::bad(ScimType::InvalidPath, format!("the path {text:?}: {why}"));
        let trimmed = text.trim();
        let (name, rest) = trimmed.split_at(trimmed.find('[').unwrap_or(trimmed.len()));
        let mut attribute: AttributePath = match name.parse() {
            Ok(attribute) => attribute,
            // A schema's URN whose last part has dots (`urn:example:2.0`) is no attribute, and can still be meant as the extension.
            Err(_) if rest.is_empty() && name.to_ascii_lowercase().starts_with("urn:") => {
                AttributePath { schema: None, name: name.to_owned(), sub: None }
            }
            Err(why) => return Err(wrong(why)),
        };
        if rest.is_empty() {
            let sub = attribute.sub.take();
            return Ok(Self { text: trimmed.to_owned(), attribute, filter: None, sub });
        }
        if attribute.sub.is_some() {
            return Err(wrong("only the values of an attribute can be chosen between brackets".into()));
        }
        let (filter, behind) = Filter::parse_bracketed(rest).map_err(|error| wrong(error.to_string()))?;
        let sub = match behind.strip_prefix('.') {
            None if behind.is_empty() => None,
            Some(sub) => {
                let parsed: AttributePath = sub.parse().map_err(wrong)?;
                if parsed.sub.is_some() || parsed.schema.is_some() {
                    return Err(wrong("it goes too deep".into()));
                }
                Some(parsed.name)
            }
            None => return Err(wrong("after ] comes . and a sub-attribute, or nothing".into())),
        };
        Ok(Self { text: trimmed.to_owned(), attribute, filter: Some(filter), sub })
    }
}

/// The operations of a PATCH's body.
pub fn operations(body: &Value) -> Result<Vec<Operation>, ScimError> {
    let syntax = |detail: String| ScimError::bad(ScimType::InvalidSyntax, detail);
    let field = |object: &Value, name: &str| {
        object.as_object().and_then(|object| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone()))
    };
    if let Some(schemas) = field(body, "schemas")
        && !schemas.as_array().is_some_and(|list| list.iter().any(|id| id.as_str().is_some_and(|id| id.eq_ignore_ascii_case(PATCH_OP))))
    {
        return Err(syntax(format!("schemas does not name {PATCH_OP}")));
    }
    let Some(Value::Array(list)) = field(body, "Operations") else { return Err(syntax("Operations is missing or no list".into())) };
    if list.is_empty() || list.len() > MOST_OPERATIONS {
        return Err(syntax(format!("there are {} operations; one to {MOST_OPERATIONS} are taken", list.len())));
    }
    list.iter()
        .map(|operation| {
            let op = match field(operation, "op").as_ref().and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
                Some("add") => Op::Add,
                Some("remove") => Op::Remove,
                Some("replace") => Op::Replace,
                _ => return Err(syntax("an operation's op is add, remove or replace".into())),
            };
            let path = match field(operation, "path") {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(text.parse()?),
                Some(_) => return Err(ScimError::bad(ScimType::InvalidPath, "a path is a string")),
            };
            let value = field(operation, "value");
            match (op, &path, &value) {
                (Op::Remove, None, _) => Err(ScimError::bad(ScimType::NoTarget, "remove needs a path")),
                (Op::Add | Op::Replace, _, None) => Err(ScimError::bad(ScimType::InvalidValue, "add and replace need a value")),
                (Op::Add | Op::Replace, None, Some(value)) if !value.is_object() => {
                    Err(ScimError::bad(ScimType::InvalidValue, "without a path the value is an object"))
                }
                _ => Ok(Operation { op, path, value }),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths() {
        let path: PatchPath = r#"emails[type eq "wo]rk"].value"#.parse().unwrap();
        assert_eq!((path.attribute.name.as_str(), path.sub.as_deref(), path.filter.is_some()), ("emails", Some("value"), true));
        let path: PatchPath = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value".parse().unwrap();
        assert_eq!((path.attribute.name.as_str(), path.sub.as_deref()), ("manager", Some("value")));
        for wrong in
            ["", "a b", "emails[", "emails[type eq \"x\"]x", "emails[type eq \"x\"].a.b", "emails.type[value pr]", "emails[]", "[a pr]"]
        {
            assert_eq!(wrong.parse::<PatchPath>().unwrap_err().scim_type, Some(ScimType::InvalidPath), "{wrong}");
        }
    }

    #[test]
    fn bodies() {
        let read = |body: Value| operations(&body);
        let fine = read(json!({ "schemas": [PATCH_OP], "Operations": [{ "op": "Add", "path": "title", "value": "x" }] })).unwrap();
        assert_eq!(fine[0].op, Op::Add);
        for (body, scim_type) in [
            (json!([]), ScimType::InvalidSyntax),
            (json!({ "Operations": [] }), ScimType::InvalidSyntax),
            (json!({ "schemas": ["urn:x:y"], "Operations": [{ "op": "remove", "path": "title" }] }), ScimType::InvalidSyntax),
            (json!({ "Operations": [{ "op": "move", "path": "title" }] }), ScimType::InvalidSyntax),
            (json!({ "Operations": [{ "op": "remove" }] }), ScimType::NoTarget),
            (json!({ "Operations": [{ "op": "add", "path": "title" }] }), ScimType::InvalidValue),
            (json!({ "Operations": [{ "op": "add", "value": 1 }] }), ScimType::InvalidValue),
            (json!({ "Operations": [{ "op": "add", "path": 1, "value": 1 }] }), ScimType::InvalidPath),
            (json!({ "Operations": vec![json!({ "op": "remove", "path": "title" }); 1001] }), ScimType::InvalidSyntax),
        ] {
            assert_eq!(read(body.clone()).unwrap_err().scim_type, Some(scim_type), "{body}");
        }
    }
}
