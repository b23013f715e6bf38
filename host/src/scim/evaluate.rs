//! Whether a filter holds for a resource, decided on its JSON. Backends that filter themselves answer the same (the directory's tests compare the two).
//!
//! Of a multi-valued attribute one value that fits is enough. `ne` is the opposite of `eq`: it holds if no value is equal, so also where there is none. Text is compared
//! by the schema's `caseExact`; what no schema names is compared without case.

use std::cmp::Ordering;

use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    error::{ScimError, ScimType},
    filter::{Filter, Operator},
    path::AttributePath,
    schema::{Attribute, Kind, ResourceType},
};

/// A moment as SCIM writes it, in milliseconds since 1970. Nothing if it is none.
pub fn instant(text: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

/// Text as it is compared where case does not matter.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Refuse a filter that asks for what cannot be asked of this resource type, before anything is searched.
pub fn check(filter: &Filter, of: &ResourceType) -> Result<(), ScimError> {
    check_in(filter, of, None)
}

fn check_in(filter: &Filter, of: &ResourceType, inside: Option<&Attribute>) -> Result<(), ScimError> {
    let wrong = |detail: String| ScimError::bad(ScimType::InvalidFilter, detail);
    let find = |path: &AttributePath| -> Result<Option<(&Attribute, &Attribute)>, ScimError> {
        let found = match inside {
            Some(complex) => complex.sub(&path.name).filter(|_| path.sub.is_none() && path.schema.is_none()).map(|sub| (sub, sub)),
            None => of.resolve(path).map(|resolved| (resolved.attribute, resolved.leaf())),
        };
        if found.is_none() && !of.open {
            return Err(wrong(format!("{} has no attribute {path}", of.name)));
        }
        Ok(found)
    };
    match filter {
        Filter::And(terms) | Filter::Or(terms) => terms.iter().try_for_each(|term| check_in(term, of, inside)),
        Filter::Not(term) => check_in(term, of, inside),
        Filter::Present(path) => find(path).map(|_| ()),
        Filter::Within { path, filter } => match find(path)? {
            _ if inside.is_some() => Err(wrong(format!("{path}[...] cannot be in brackets itself"))),
            Some((attribute, _)) if attribute.kind != Kind::Complex => {
                Err(wrong(format!("{path} has no attributes to ask for in brackets")))
            }
            Some((attribute, _)) => check_in(filter, of, Some(attribute)),
            // Nothing is known of it, so nothing is known of what is in it.
            None => check_unknown(filter),
        },
        Filter::Compare { path, operator, value } => {
            let Some((_, leaf)) = find(path)? else { return Ok(()) };
            let fits = match (leaf.kind, value) {
                (_, Value::Null) => matches!(operator, Operator::Eq | Operator::Ne),
                (Kind::Boolean, Value::Bool(_)) => matches!(operator, Operator::Eq | Operator::Ne),
                (Kind::Decimal | Kind::Integer, Value::Number(_)) => operator.orders() || matches!(operator, Operator::Eq | Operator::Ne),
                (Kind::DateTime, Value::String(text)) => {
                    instant(text).is_some() && (operator.orders() || matches!(operator, Operator::Eq | Operator::Ne))
                }
                (Kind::String | Kind::Reference, Value::String(_)) => true,
                (Kind::Binary, Value::String(_)) => matches!(operator, Operator::Eq | Operator::Ne),
                _ => false,
            };
            if fits { Ok(()) } else { Err(wrong(format!("{path} cannot be compared with {} {value}", operator.as_str()))) }
        }
    }
}

fn check_unknown(filter: &Filter) -> Result<(), ScimError> {
    match filter {
        Filter::And(terms) | Filter::Or(terms) => terms.iter().try_for_each(check_unknown),
        Filter::Not(term) => check_unknown(term),
        Filter::Within { path, .. } => Err(ScimError::bad(ScimType::InvalidFilter, format!("{path}[...] cannot be in brackets itself"))),
        Filter::Present(_) | Filter::Compare { .. } => Ok(()),
    }
}

/// Whether the filter, which was checked, holds.
pub fn holds(filter: &Filter, resource: &Map<String, Value>, of: &ResourceType) -> bool {
    match filter {
        Filter::And(terms) => terms.iter().all(|term| holds(term, resource, of)),
        Filter::Or(terms) => terms.iter().any(|term| holds(term, resource, of)),
        Filter::Not(term) => !holds(term, resource, of),
        Filter::Present(path) => values(path, resource, of).iter().any(|value| present(value)),
        Filter::Within { path, filter } => {
            let attribute = of.resolve(path).map(|resolved| resolved.attribute);
            values(&AttributePath { sub: None, ..path.clone() }, resource, of)
                .iter()
                .any(|value| value.as_object().is_some_and(|value| holds_within(filter, value, attribute)))
        }
        Filter::Compare { path, operator, value } => {
            let leaf = of.resolve(path).map(|resolved| resolved.leaf());
            compare(&values(path, resource, of), *operator, value, leaf)
        }
    }
}

/// Whether a filter between brackets holds for one value of a complex attribute.
pub fn holds_within(filter: &Filter, value: &Map<String, Value>, of: Option<&Attribute>) -> bool {
    let get = |path: &AttributePath| key(value, &path.name).and_then(|name| value.get(name)).into_iter().collect::<Vec<_>>();
    match filter {
        Filter::And(terms) => terms.iter().all(|term| holds_within(term, value, of)),
        Filter::Or(terms) => terms.iter().any(|term| holds_within(term, value, of)),
        Filter::Not(term) => !holds_within(term, value, of),
        Filter::Present(path) => get(path).iter().any(|value| present(value)),
        Filter::Compare { path, operator, value } => {
            compare(&get(path), *operator, value, of.and_then(|attribute| attribute.sub(&path.name)))
        }
        Filter::Within { .. } => false,
    }
}

/// The name under which an object has an attribute; case does not matter.
pub fn key<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    if let Some((exact, _)) = object.get_key_value(name) {
        return Some(exact);
    }
    object.keys().find(|key| key.eq_ignore_ascii_case(name)).map(String::as_str)
}

fn get<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    key(object, name).and_then(|name| object.get(name))
}

/// The single values a path leads to, lists taken apart.
fn values<'v>(path: &AttributePath, resource: &'v Map<String, Value>, of: &ResourceType) -> Vec<&'v Value> {
    let resolved = of.resolve(path);
    let container = match (&resolved, &path.schema) {
        (Some(resolved), _) => resolved.extension,
        (None, Some(id)) if !of.schema.id.eq_ignore_ascii_case(id) => Some(id.as_str()),
        (None, _) => None,
    };
    let object = match container {
        Some(extension) => get(resource, extension).and_then(Value::as_object),
        None => Some(resource),
    };
    let Some(value) = object.and_then(|object| get(object, &path.name)) else { return Vec::new() };
    let flat: Vec<&Value> = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
    match &path.sub {
        Some(sub) => flat.into_iter().filter_map(|value| get(value.as_object()?, sub)).collect(),
        None => flat,
    }
}

fn present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(list) => list.iter().any(present),
        Value::Object(object) => object.values().any(present),
        // An empty text is a value of some backends; RFC 7644 calls it one, too ("non-empty or non-null").
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

fn compare(values: &[&Value], operator: Operator, literal: &Value, leaf: Option<&Attribute>) -> bool {
    if literal.is_null() {
        let any = values.iter().any(|value| present(value));
        return if operator == Operator::Ne { any } else { operator == Operator::Eq && !any };
    }
    // A complex value without a named part is compared by its `value`.
    let plain: Vec<&Value> =
        values.iter().filter_map(|value| value.as_object().map_or(Some(*value), |object| get(object, "value"))).collect();
    if operator == Operator::Ne {
        return !plain.iter().any(|value| one(value, Operator::Eq, literal, leaf));
    }
    plain.iter().any(|value| one(value, operator, literal, leaf))
}

fn one(value: &Value, operator: Operator, literal: &Value, leaf: Option<&Attribute>) -> bool {
    let by_order = |order: Option<Ordering>| match operator {
        Operator::Eq => order == Some(Ordering::Equal),
        Operator::Gt => order == Some(Ordering::Greater),
        Operator::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Operator::Lt => order == Some(Ordering::Less),
        Operator::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        _ => false,
    };
    match (value, literal) {
        (Value::String(value), Value::String(literal)) => {
            let kind = leaf.map_or(Kind::String, |leaf| leaf.kind);
            let moments = || Some((instant(value)?, instant(literal)?));
            if (kind == Kind::DateTime || (leaf.is_none() && operator.orders()))
                && let Some((value, literal)) = moments()
            {
                return by_order(Some(value.cmp(&literal)));
            }
            if leaf.is_some_and(|leaf| leaf.case_exact) {
                text(value, operator, literal, by_order)
            } else {
                text(&fold(value), operator, &fold(literal), by_order)
            }
        }
        (Value::Number(value), Value::Number(literal)) => match (value.as_i64(), literal.as_i64()) {
            (Some(value), Some(literal)) => by_order(Some(value.cmp(&literal))),
            _ => by_order(value.as_f64().zip(literal.as_f64()).and_then(|(value, literal)| value.partial_cmp(&literal))),
        },
        (Value::Bool(value), Value::Bool(literal)) => operator == Operator::Eq && value == literal,
        _ => false,
    }
}

fn text(value: &str, operator: Operator, literal: &str, by_order: impl Fn(Option<Ordering>) -> bool) -> bool {
    match operator {
        Operator::Co => value.contains(literal),
        Operator::Sw => value.starts_with(literal),
        Operator::Ew => value.ends_with(literal),
        _ => by_order(Some(value.cmp(literal))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ada() -> Map<String, Value> {
        let Value::Object(ada) = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "1", "userName": "Ada", "externalId": "A1", "active": true,
            "name": { "familyName": "Lovelace" }, "title": "",
            "emails": [{ "value": "ada@work.example", "type": "work", "primary": true }, { "value": "ada@home.example", "type": "home" }],
            "meta": { "lastModified": "2026-05-01T12:00:00.500Z" },
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "employeeNumber": "7" },
        }) else {
            unreachable!()
        };
        ada
    }

    #[test]
    fn what_holds_and_what_does_not() {
        let user = ResourceType::user(&[]);
        for (text, expected) in [
            (r#"userName eq "ada""#, true),
            (r#"externalId eq "a1""#, false),
            (r#"username sw "AD" and name.familyName co "LACE""#, true),
            (r#"emails eq "ADA@home.example""#, true),
            (r#"emails.type eq "work" and emails.value ew "home.example""#, true),
            (r#"emails[type eq "work" and value ew "home.example"]"#, false),
            (r#"emails[type eq "work" and primary eq true]"#, true),
            (r#"emails.value ne "ada@work.example""#, false),
            (r#"emails.value ne "x""#, true),
            (r#"nickName ne "x""#, true),
            ("nickName pr", false),
            ("title pr", false),
            ("emails pr and not (phoneNumbers pr)", true),
            ("nickName eq null and userName ne null", true),
            ("active eq true", true),
            (r#"meta.lastModified gt "2026-05-01T12:00:00Z""#, true),
            (r#"meta.lastModified gt "2026-05-01T14:00:00.500+02:00""#, false),
            (r#"meta.lastModified ge "2026-05-01T14:00:00.500+02:00""#, true),
            (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "7""#, true),
            (r#"employeeNumber eq "8""#, false),
            (r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#, true),
        ] {
            let filter = Filter::parse(text).unwrap();
            check(&filter, &user).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(holds(&filter, &ada(), &user), expected, "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let user = ResourceType::user(&[]);
        for text in [
            "shoeSize pr",
            "active gt true",
            "active eq \"true\"",
            "meta.lastModified gt \"yesterday\"",
            "meta.lastModified co \"2026\"",
            "userName eq 7",
            "userName[value pr]",
            "emails[shoe pr]",
            "userName gt null",
            "name eq \"x\"",
        ] {
            let error = check(&Filter::parse(text).unwrap(), &user).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidFilter), "{text}");
        }
    }
}
