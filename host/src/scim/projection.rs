//! `attributes` and `excludedAttributes` (RFC 7644 section 3.9): what of a resource is answered.

use serde_json::{Map, Value};

use super::{
    error::{ScimError, ScimType},
    evaluate::key,
    path::AttributePath,
    schema::{Attribute, COMMON, ResourceType, Returned},
};

/// What a client wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Projection {
    #[default]
    Default,
    /// These and what is always returned.
    Only(Vec<Wanted>),
    /// Without these.
    Without(Vec<Wanted>),
}

/// An attribute, or all of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Attribute(AttributePath),
    Schema(String),
}

impl Projection {
    /// From the two lists. Names that are blank are none, and a list without names is no list (spec section 5.6).
    pub fn parse<'a>(
        attributes: impl IntoIterator<Item = &'a str>,
        excluded: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ScimError> {
        let (only, without) = (wanted(attributes)?, wanted(excluded)?);
        match (only.is_empty(), without.is_empty()) {
            (true, true) => Ok(Self::Default),
            (false, true) => Ok(Self::Only(only)),
            (true, false) => Ok(Self::Without(without)),
            (false, false) => {
                Err(ScimError::bad(ScimType::InvalidValue, "attributes and excludedAttributes cannot be used together: leave one out"))
            }
        }
    }

    /// Whether the attribute of the core schema may be left out; so that what costs much is not looked up.
    pub fn leaves_out(&self, name: &str) -> bool {
        let names = |wanted: &Wanted| match wanted {
            Wanted::Attribute(path) => path.name.eq_ignore_ascii_case(name),
            Wanted::Schema(_) => true,
        };
        match self {
            Self::Default => false,
            Self::Only(list) => !list.iter().any(names),
            // Only the attribute as a whole; a part of it still wants the rest.
            Self::Without(list) => list
                .iter()
                .any(|wanted| matches!(wanted, Wanted::Attribute(path) if path.sub.is_none() && path.name.eq_ignore_ascii_case(name))),
        }
    }

    /// The resource with what is wanted of it.
    pub fn apply(&self, mut resource: Map<String, Value>, of: &ResourceType) -> Map<String, Value> {
        // What is never returned and what only on request.
        hide(
            &mut resource,
            &|path, attribute| match attribute.returned {
                Returned::Never => true,
                Returned::Request => !matches!(self, Self::Only(list) if asks(list, path, of)),
                Returned::Always | Returned::Default => false,
            },
            of,
        );
        match self {
            Self::Default => resource,
            Self::Only(list) => only(&resource, list, of),
            Self::Without(list) => {
                for wanted in list {
                    remove(&mut resource, wanted, of);
                }
                resource
            }
        }
    }
}

fn wanted<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<Wanted>, ScimError> {
    let names = names.into_iter().flat_map(|list| list.split(',')).map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            // A URN whose last part is no attribute is a schema's; which of the two is meant is told by the resource type.
            if name.to_ascii_lowercase().starts_with("urn:") && name.parse::<AttributePath>().is_err() {
                return Ok(Wanted::Schema(name.to_owned()));
            }
            let path: AttributePath = name.parse().map_err(|error: String| ScimError::bad(ScimType::InvalidPath, error))?;
            Ok(Wanted::Attribute(path))
        })
        .collect()
}

/// The schema a name means as a whole: `urn:…:User` reads as an attribute `User`, too.
fn schema_of<'t>(wanted: &Wanted, of: &'t ResourceType) -> Option<&'t str> {
    let text = match wanted {
        Wanted::Schema(id) => id.clone(),
        Wanted::Attribute(path) if path.schema.is_some() => path.to_string(),
        Wanted::Attribute(_) => return None,
    };
    of.schemas().map(|schema| schema.id.as_str()).find(|id| id.eq_ignore_ascii_case(&text))
}

fn asks(list: &[Wanted], path: &AttributePath, of: &ResourceType) -> bool {
    list.iter().any(|wanted| {
        if let Some(schema) = schema_of(wanted, of) {
            return schema == path.schema.as_deref().unwrap_or(&of.schema.id);
        }
        let Wanted::Attribute(wanted) = wanted else { return false };
        let same_schema =
            wanted.schema.as_ref().is_none_or(|schema| schema.eq_ignore_ascii_case(path.schema.as_deref().unwrap_or(&of.schema.id)));
        let same_sub = match (&wanted.sub, &path.sub) {
            (Some(wanted), Some(sub)) => wanted.eq_ignore_ascii_case(sub),
            _ => true,
        };
        same_schema && wanted.name.eq_ignore_ascii_case(&path.name) && same_sub
    })
}

/// Take away every attribute for which `hidden` says so.
fn hide(resource: &mut Map<String, Value>, hidden: &impl Fn(&AttributePath, &Attribute) -> bool, of: &ResourceType) {
    let path = |schema: Option<&str>, name: &str, sub: Option<&str>| AttributePath {
        schema: schema.map(str::to_owned),
        name: name.to_owned(),
        sub: sub.map(str::to_owned),
    };
    let in_object = |object: &mut Map<String, Value>, attributes: &[Attribute], schema: Option<&str>| {
        for attribute in attributes {
            if hidden(&path(schema, &attribute.name, None), attribute) {
                object.remove(&attribute.name);
                continue;
            }
            for sub in attribute.sub_attributes.iter().filter(|sub| hidden(&path(schema, &attribute.name, Some(&sub.name)), sub)) {
                if let Some(value) = object.get_mut(&attribute.name) {
                    each_object(value, |value| {
                        value.remove(&sub.name);
                    });
                }
            }
        }
    };
    in_object(resource, &of.schema.attributes, None);
    for extension in &of.extensions {
        if let Some(Value::Object(inner)) = resource.get_mut(&extension.id) {
            in_object(inner, &extension.attributes, Some(&extension.id));
        }
    }
}

fn each_object(value: &mut Value, mut change: impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => change(object),
        Value::Array(list) => list.iter_mut().filter_map(Value::as_object_mut).for_each(change),
        _ => {}
    }
}

/// Where an attribute is: in the resource or in an extension's object. A bare name that several schemas have means all of them.
fn places<'a>(resource: &'a Map<String, Value>, path: &AttributePath, of: &'a ResourceType) -> Vec<(Option<&'a str>, &'a str)> {
    let mut places = Vec::new();
    if path.schema.as_ref().is_none_or(|schema| schema.eq_ignore_ascii_case(&of.schema.id))
        && let Some(name) = key(resource, &path.name)
    {
        places.push((None, name));
    }
    for (extension, value) in resource.iter().filter(|(name, _)| name.contains(':')) {
        if path.schema.as_ref().is_none_or(|schema| schema.eq_ignore_ascii_case(extension))
            && let Some(name) = value.as_object().and_then(|object| key(object, &path.name))
        {
            places.push((Some(extension.as_str()), name));
        }
    }
    places
}

fn only(resource: &Map<String, Value>, list: &[Wanted], of: &ResourceType) -> Map<String, Value> {
    let mut kept = Map::new();
    for attribute in COMMON.attributes.iter().chain(&of.schema.attributes).filter(|attribute| attribute.returned == Returned::Always) {
        if let Some(value) = resource.get(&attribute.name) {
            kept.insert(attribute.name.clone(), value.clone());
        }
    }
    for wanted in list {
        if let Some(schema) = schema_of(wanted, of) {
            if schema == of.schema.id {
                let own = resource.iter().filter(|(name, _)| !name.contains(':'));
                kept.extend(own.map(|(name, value)| (name.clone(), value.clone())));
            } else if let Some(value) = resource.get(schema) {
                kept.insert(schema.to_owned(), value.clone());
            }
            continue;
        }
        let Wanted::Attribute(path) = wanted else { continue };
        for (extension, name) in places(resource, path, of) {
            let value = match extension {
                None => &resource[name],
                Some(extension) => &resource[extension][name],
            };
            let Some(value) = part(value, path.sub.as_deref()) else { continue };
            let into = match extension {
                None => &mut kept,
                Some(extension) => {
                    let inner = kept.entry(extension).or_insert_with(|| Value::Object(Map::new()));
                    let Value::Object(inner) = inner else { continue };
                    inner
                }
            };
            merge(into, name, value);
        }
    }
    kept
}

/// The value, or only its sub-attribute.
fn part(value: &Value, sub: Option<&str>) -> Option<Value> {
    let Some(sub) = sub else { return Some(value.clone()) };
    let one = |object: &Map<String, Value>| {
        let name = key(object, sub)?;
        Some(Value::Object(std::iter::once((name.to_owned(), object[name].clone())).collect()))
    };
    match value {
        Value::Object(object) => one(object),
        Value::Array(list) => Some(Value::Array(
            list.iter().map(|value| value.as_object().and_then(one).unwrap_or_else(|| Value::Object(Map::new()))).collect(),
        )),
        _ => None,
    }
}

/// Two parts of one attribute become one value.
fn merge(into: &mut Map<String, Value>, name: &str, value: Value) {
    match (into.get_mut(name), value) {
        (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
        (Some(Value::Array(known)), Value::Array(more)) if known.len() == more.len() => {
            for (known, more) in known.iter_mut().zip(more) {
                if let (Value::Object(known), Value::Object(more)) = (known, more) {
                    known.extend(more);
                }
            }
        }
        (_, value) => {
            into.insert(name.to_owned(), value);
        }
    }
}

fn remove(resource: &mut Map<String, Value>, wanted: &Wanted, of: &ResourceType) {
    if let Some(schema) = schema_of(wanted, of) {
        if schema != of.schema.id {
            resource.remove(schema);
        }
        return;
    }
    let Wanted::Attribute(path) = wanted else { return };
    if of.resolve(path).is_some_and(|resolved| resolved.leaf().returned == Returned::Always) {
        return;
    }
    let places: Vec<(Option<String>, String)> =
        places(resource, path, of).into_iter().map(|(extension, name)| (extension.map(str::to_owned), name.to_owned())).collect();
    for (extension, name) in places {
        let object = match &extension {
            None => Some(&mut *resource),
            Some(extension) => resource.get_mut(extension).and_then(Value::as_object_mut),
        };
        let Some(object) = object else { continue };
        match &path.sub {
            None => {
                object.remove(&name);
            }
            Some(sub) => {
                if let Some(value) = object.get_mut(&name) {
                    each_object(value, |value| {
                        if let Some(sub) = key(value, sub).map(str::to_owned) {
                            value.remove(&sub);
                        }
                    });
                }
            }
        }
        if let Some(extension) = extension
            && resource.get(&extension).and_then(Value::as_object).is_some_and(Map::is_empty)
        {
            resource.remove(&extension);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENTERPRISE: &str = super::super::schema::ENTERPRISE_USER;

    fn shown(attributes: &str, excluded: &str) -> Value {
        let Value::Object(resource) = json!({
            "schemas": ["s"], "id": "1", "userName": "ada", "password": "secret", "active": true, "name": { "familyName": "L", "givenName": "A" },
            "emails": [{ "value": "a", "type": "work" }, { "value": "b" }], ENTERPRISE: { "division": "d", "department": "e" },
        }) else {
            unreachable!()
        };
        let projection = Projection::parse([attributes], [excluded]).unwrap();
        Value::Object(projection.apply(resource, &ResourceType::user(&[])))
    }

    #[test]
    fn what_is_wanted() {
        let always = |more: Value| {
            let mut all = json!({ "schemas": ["s"], "id": "1" });
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        for (attributes, more) in [
            ("userName", json!({ "userName": "ada" })),
            ("USERNAME,shoe", json!({ "userName": "ada" })),
            ("name.familyName, name.givenName", json!({ "name": { "familyName": "L", "givenName": "A" } })),
            ("emails.value", json!({ "emails": [{ "value": "a" }, { "value": "b" }] })),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", json!({ "userName": "ada" })),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division", json!({ ENTERPRISE: { "division": "d" } })),
            (ENTERPRISE, json!({ ENTERPRISE: { "division": "d", "department": "e" } })),
            ("division", json!({ ENTERPRISE: { "division": "d" } })),
            ("password", json!({})),
        ] {
            assert_eq!(shown(attributes, ""), always(more), "{attributes}");
        }
    }

    #[test]
    fn what_is_not_wanted() {
        let all = shown(" , ", "");
        assert!(all.get("password").is_none() && all["userName"] == "ada");
        for (excluded, gone, stays) in [
            ("userName", "/userName", "/active"),
            ("id,schemas,active", "/active", "/id"),
            ("name.givenName", "/name/givenName", "/name/familyName"),
            ("emails.type", "/emails/0/type", "/emails/0/value"),
            ("division", &format!("/{ENTERPRISE}/division"), &format!("/{ENTERPRISE}/department")),
            (ENTERPRISE, &format!("/{ENTERPRISE}"), "/userName"),
        ] {
            let shown = shown("", excluded);
            assert!(shown.pointer(gone).is_none() && shown.pointer(stays).is_some(), "{excluded}: {shown}");
        }
        assert!(Projection::parse(["a"], ["b"]).is_err() && Projection::parse(["a b"], []).is_err());
    }

    #[test]
    fn what_costs_much_is_known_to_be_left_out() {
        let parse = |attributes, excluded| Projection::parse([attributes], [excluded]).unwrap();
        assert!(parse("displayName", "").leaves_out("members") && parse("", "members").leaves_out("members"));
        assert!(!parse("", "").leaves_out("members") && !parse("members.value", "").leaves_out("members"));
        assert!(!parse("", "members.display").leaves_out("members"));
    }
}
