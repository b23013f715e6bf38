//! The two resource types, and what is read of a resource without building it.

use sdk::Failure;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// What a SCIM server is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    User,
    Group,
}

impl Resource {
    /// The resource of an entity type; `unsupported` for any other name.
    pub fn of(entity_type: &str) -> Result<Self, Failure> {
        match entity_type {
            "user" => Ok(Self::User),
            "group" => Ok(Self::Group),
            other => Err(Failure::new(sdk::Kind::Unsupported, format!("entity type {other:?} is not one of user, group"))),
        }
    }

    /// The endpoint below the base URL (RFC 7644 section 3.2).
    pub const fn path(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// The core schema (RFC 7643 sections 4.1 and 4.2).
    pub const fn schema(self) -> &'static str {
        match self {
            Self::User => "urn:ietf:params:scim:schemas:core:2.0:User",
            Self::Group => "urn:ietf:params:scim:schemas:core:2.0:Group",
        }
    }
}

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

/// The `id` of a resource. Servers that answer a number mean its digits. `Err` says in words why there is none.
pub fn id(resource: &str) -> Result<String, &'static str> {
    let identity: Identity = serde_json::from_str(resource).map_err(|_| "it is not a JSON object with one id")?;
    let raw = identity.id.ok_or("it has no id")?.get();
    let id = if raw.starts_with('"') { serde_json::from_str::<String>(raw).map_err(|_| "its id cannot be read")? } else { raw.to_owned() };
    match id.as_bytes().first() {
        Some(b'{' | b'[' | b't' | b'f') if !raw.starts_with('"') => Err("its id is not a string"),
        Some(_) => Ok(id),
        None => Err("its id is empty"),
    }
}

/// The attributes of a document in their order, values as text.
pub struct Attributes<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Attributes<'a> {
    /// Take a JSON object apart; `rejected` for anything else.
    pub fn of(document: &'a str) -> Result<Self, Failure> {
        serde_json::from_str(document).map_err(|error| Failure::rejected(format!("the document to write is not a JSON object: {error}")))
    }

    /// Whether this attribute is there and not null.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, value)| other == name && value.get() != "null")
    }

    /// The JSON text of this attribute's value.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.get())
    }

    /// The object as text, the attributes of `front` (values as JSON text) before those that `keep` lets through.
    pub fn write(&self, front: &[(&str, String)], keep: impl Fn(&str) -> bool) -> String {
        let mut out = String::from("{");
        let kept = self.0.iter().filter(|(name, _)| keep(name)).map(|(name, value)| (name.as_ref(), value.get()));
        for (number, (name, value)) in front.iter().map(|(name, value)| (*name, value.as_str())).chain(kept).enumerate() {
            if number > 0 {
                out.push(',');
            }
            out.push_str(&quoted(name));
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        out
    }
}

/// A JSON string.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'de> Deserialize<'de> for Attributes<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Attributes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut attributes = Vec::new();
                while let Some(Name(name)) = map.next_key()? {
                    attributes.push((name, map.next_value()?));
                }
                Ok(Attributes(attributes))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A name borrowed from the text unless it is escaped there; a bare `Cow` would always copy.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        assert_eq!(id(r#"{"a":{"id":"no"},"id":"é\"x"}"#).unwrap(), "é\"x");
        assert_eq!(id(r#"{"id":42}"#).unwrap(), "42");
        assert_eq!(id(r#"{"id":"true"}"#).unwrap(), "true");
        for bad in ["{}", r#"{"id":null}"#, r#"{"id":""}"#, r#"{"id":true}"#, r#"{"id":{}}"#, r#"{"id":["a"]}"#, "null", "7", "[]"] {
            assert!(id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn attributes_keep_their_order_and_their_text() {
        let text = r#"{"b" : 1.50, "a\n": {"x":[ ]}, "id":null}"#;
        let attributes = Attributes::of(text).unwrap();
        assert!(attributes.has("b") && !attributes.has("id") && !attributes.has("c"));
        assert_eq!(attributes.write(&[("id", quoted("7"))], |name| name != "id"), r#"{"id":"7","b":1.50,"a\n":{"x":[ ]}}"#);
        assert_eq!(Attributes::of("{}").unwrap().write(&[], |_| true), "{}");
        assert!(Attributes::of("[]").is_err() && Attributes::of("{").is_err());
    }
}
