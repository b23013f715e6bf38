//! A resource as a client sends it, against the schemas: names in their own spelling, values of their type, what clients may not set left out (RFC 7644 section 3.3).

use serde_json::{Map, Value, json};

use super::{
    error::{ScimError, ScimType},
    evaluate::instant,
    schema::{Attribute, COMMON, Kind, Mutability, ResourceType},
};

/// The most values of one attribute. Members of groups are counted by whoever keeps them.
pub const MOST_VALUES: usize = 1000;

/// The resource with everything in its place. `id`, `meta` and all that is read-only is gone; `schemas` names the core schema and the extensions the resource uses.
pub fn conform(resource: Value, of: &ResourceType) -> Result<Map<String, Value>, ScimError> {
    let Value::Object(given) = resource else {
        return Err(ScimError::bad(ScimType::InvalidSyntax, "the body is not a JSON object"));
    };
    named_schemas(&given, of)?;
    let mut kept = Map::new();
    let mut used = vec![of.schema.id.clone()];
    for (name, value) in given {
        if let Some(extension) = of.extension(&name) {
            let Value::Object(attributes) = value else {
                if value.is_null() {
                    continue;
                }
                return Err(wrong(format!("{name} is not an object")));
            };
            let mut inner = Map::new();
            // Some clients name the schema within its own object once more.
            for (name, value) in attributes.into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("schemas")) {
                let attribute = extension.attribute(&name).ok_or_else(|| unknown(&name, &extension.id))?;
                keep(&mut inner, attribute, value, &extension.id)?;
            }
            if !inner.is_empty() {
                used.push(extension.id.clone());
                kept.insert(extension.id.clone(), Value::Object(inner));
            }
            continue;
        }
        let attribute = COMMON.attribute(&name).or_else(|| of.schema.attribute(&name)).ok_or_else(|| unknown(&name, &of.schema.id))?;
        if attribute.name != "schemas" {
            keep(&mut kept, attribute, value, &of.schema.id)?;
        }
    }
    for extension in &of.extensions {
        if let Some(Value::Object(inner)) = kept.get(&extension.id) {
            required(inner, &extension.attributes)?;
        }
    }
    required(&kept, &of.schema.attributes)?;
    kept.insert("schemas".into(), json!(used));
    Ok(kept)
}

fn wrong(detail: impl Into<String>) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, detail)
}

fn unknown(name: &str, schema: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidSyntax, format!("the schema {schema} has no attribute {name:?}"))
}

/// `schemas`, where it is given, is a list of schemas of this resource type.
fn named_schemas(given: &Map<String, Value>, of: &ResourceType) -> Result<(), ScimError> {
    let Some(schemas) = given.iter().find(|(name, _)| name.eq_ignore_ascii_case("schemas")).map(|(_, value)| value) else { return Ok(()) };
    let syntax = |detail: String| ScimError::bad(ScimType::InvalidSyntax, detail);
    for schema in schemas.as_array().ok_or_else(|| syntax("schemas is not a list".into()))? {
        let known = schema.as_str().is_some_and(|id| of.schemas().any(|schema| schema.id.eq_ignore_ascii_case(id)));
        if !known {
            return Err(syntax(format!("{schema} is no schema of {}", of.name)));
        }
    }
    Ok(())
}

fn required(object: &Map<String, Value>, attributes: &[Attribute]) -> Result<(), ScimError> {
    let missing = attributes
        .iter()
        .find(|attribute| attribute.required && attribute.mutability != Mutability::ReadOnly && !object.contains_key(&attribute.name));
    missing.map_or(Ok(()), |attribute| Err(wrong(format!("{} is required", attribute.name))))
}

/// Put the value under the attribute's own name, unless a client has no say in it or there is none.
fn keep(into: &mut Map<String, Value>, attribute: &Attribute, value: Value, schema: &str) -> Result<(), ScimError> {
    if attribute.mutability == Mutability::ReadOnly {
        return Ok(());
    }
    if into.contains_key(&attribute.name) {
        return Err(wrong(format!("{} stands twice in different spelling", attribute.name)));
    }
    let value = if attribute.multi_valued {
        match value {
            Value::Null => None,
            Value::Array(list) if list.len() > MOST_VALUES => {
                return Err(wrong(format!("{} has more than {MOST_VALUES} values", attribute.name)));
            }
            Value::Array(list) => {
                let list: Vec<Value> =
                    list.into_iter().filter_map(|value| single(attribute, value, schema).transpose()).collect::<Result<_, ScimError>>()?;
                one_primary(attribute, &list)?;
                (!list.is_empty()).then_some(Value::Array(list))
            }
            _ => return Err(wrong(format!("{} has several values and is not a list", attribute.name))),
        }
    } else {
        single(attribute, value, schema)?
    };
    if let Some(value) = value {
        into.insert(attribute.name.clone(), value);
    }
    Ok(())
}

/// One value; nothing for null and for an object without anything in it.
fn single(attribute: &Attribute, value: Value, schema: &str) -> Result<Option<Value>, ScimError> {
    let name = &attribute.name;
    Ok(Some(match (attribute.kind, value) {
        (_, Value::Null) => return Ok(None),
        (Kind::Boolean, Value::Bool(value)) => Value::Bool(value),
        // Some clients send booleans as text.
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => Value::Bool(true),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => Value::Bool(false),
        (Kind::DateTime, Value::String(text)) if instant(&text).is_some() => Value::String(text),
        (Kind::Integer, value) if value.is_i64() => value,
        (Kind::Decimal, value @ Value::Number(_)) | (Kind::String | Kind::Reference | Kind::Binary, value @ Value::String(_)) => value,
        (Kind::Complex, Value::Object(given)) => {
            let mut object = Map::new();
            for (name, value) in given {
                let sub = attribute
                    .sub(&name)
                    .ok_or_else(|| ScimError::bad(ScimType::InvalidSyntax, format!("{} of {schema} has no {name:?}", attribute.name)))?;
                keep(&mut object, sub, value, schema)?;
            }
            if object.is_empty() {
                return Ok(None);
            }
            required(&object, &attribute.sub_attributes)?;
            Value::Object(object)
        }
        (kind, _) => return Err(wrong(format!("{name} is not {}", article(kind)))),
    }))
}

fn one_primary(attribute: &Attribute, list: &[Value]) -> Result<(), ScimError> {
    let count = list.iter().filter(|value| value.get("primary") == Some(&Value::Bool(true))).count();
    if count > 1 { Err(wrong(format!("{} has more than one primary value", attribute.name))) } else { Ok(()) }
}

fn article(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "a string",
        Kind::Boolean => "true or false",
        Kind::Decimal => "a number",
        Kind::Integer => "an integer",
        Kind::DateTime => "a date and time such as 2026-05-01T12:00:00Z",
        Kind::Binary => "base64 in a string",
        Kind::Reference => "a URI in a string",
        Kind::Complex => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_right_and_foreign_matters_left_out() {
        let user = ResourceType::user(&[]);
        let kept = conform(
            json!({
                "USERNAME": "ada", "id": "mine", "meta": { "created": "now" }, "groups": [{ "value": "g" }], "nickName": null, "emails": [],
                "active": "True", "name": {},
                "urn:IETF:params:scim:schemas:extension:enterprise:2.0:User": { "EMPLOYEENUMBER": "7" },
            }),
            &user,
        )
        .unwrap();
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        assert_eq!(
            Value::Object(kept),
            json!({ "schemas": [user.schema.id, enterprise], "userName": "ada", "active": true, enterprise: { "employeeNumber": "7" } })
        );
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let user = ResourceType::user(&[]);
        for (body, word) in [
            (json!([]), "object"),
            (json!({}), "userName is required"),
            (json!({ "userName": 7 }), "userName is not a string"),
            (json!({ "userName": "a", "shoe": 1 }), "no attribute \"shoe\""),
            (json!({ "userName": "a", "USERname": "b" }), "twice"),
            (json!({ "userName": "a", "name": "b" }), "name is not an object"),
            (json!({ "userName": "a", "emails": { "value": "b" } }), "not a list"),
            (json!({ "userName": "a", "name": { "shoe": "b" } }), "\"shoe\""),
            (json!({ "userName": "a", "schemas": ["urn:x:y"] }), "no schema"),
            (json!({ "userName": "a", "emails": [{ "value": "b", "primary": true }, { "value": "c", "primary": true }] }), "primary"),
        ] {
            let error = conform(body, &user).unwrap_err();
            assert!(error.status == 400 && error.detail.contains(word), "{error}");
        }
    }
}
