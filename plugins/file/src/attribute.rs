//! Attribute paths (`userName`, `emails[0].value`, `['urn:…:User'].department`) and what they find in a JSON text.
//!
//! The text is walked once, without building a tree, and checked on the way: what passes is one well-formed JSON object.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Key(String),
    Index(usize),
}

/// Dot notation without `$.`, as the reference's CSV headers and unique attributes are written (provisioning.md sections 2.1 and 2.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributePath {
    text: String,
    segments: Vec<Segment>,
}

/// A longer path is a mistake, and would make a document nobody can parse.
const MOST_SEGMENTS: usize = 32;

impl AttributePath {
    /// Nothing where the text is not of this form: `key ("." key | "[" number "]" | "['" key "']")*`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix("['") {
                let end = quoted.find("']")?;
                segments.push(Segment::Key(quoted[..end].to_owned()));
                rest = &quoted[end + 2..];
            } else if let Some(index) = rest.strip_prefix('[') {
                let end = index.find(']')?;
                if segments.is_empty() || !index[..end].bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                segments.push(Segment::Index(index[..end].parse().ok()?));
                rest = &index[end + 1..];
            } else {
                let key = match (segments.is_empty(), rest.strip_prefix('.')) {
                    (true, None) => rest,
                    (false, Some(key)) => key,
                    _ => return None,
                };
                let end = key.find(['.', '[']).unwrap_or(key.len());
                // `a.['b']` is as good as `a['b']`.
                if end > 0 {
                    segments.push(Segment::Key(key[..end].to_owned()));
                } else if !key.starts_with("['") {
                    return None;
                }
                rest = &key[end..];
            }
            if segments.len() > MOST_SEGMENTS {
                return None;
            }
        }
        let empty_key = segments.iter().any(|segment| matches!(segment, Segment::Key(key) if key.is_empty()));
        (!segments.is_empty() && !empty_key).then(|| Self { text: text.to_owned(), segments })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The value in a parsed document.
    pub fn value<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.segments.iter().try_fold(document, |value, segment| match segment {
            Segment::Key(key) => value.as_object()?.get(key),
            Segment::Index(index) => value.as_array()?.get(*index),
        })
    }

    /// The scalar the path finds in the text of one JSON object, as text: a string's content, a number or boolean as written in JSON. Nothing where
    /// the path finds nothing, null, an object or an array. An error where the text is not exactly one JSON object.
    pub fn scalar(&self, document: &str) -> Result<Option<String>, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(document);
        let found = ObjectAt(&self.segments).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(found)
    }
}

/// The document itself: an object, nothing else.
struct ObjectAt<'a>(&'a [Segment]);

impl<'de> DeserializeSeed<'de> for ObjectAt<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(Walk { path: Some(self.0), object_only: true })
    }
}

/// Any value on the way or beside it. Off the path (`None`) everything is still decoded, so that a lone surrogate in an escape is found here and not by
/// whoever reads the document next.
struct Walk<'a> {
    path: Option<&'a [Segment]>,
    object_only: bool,
}

impl<'a> Walk<'a> {
    fn at(path: Option<&'a [Segment]>) -> Self {
        Self { path, object_only: false }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape a visitor's methods return")]
    fn scalar<E>(&self, text: impl FnOnce() -> String) -> Result<Option<String>, E> {
        Ok(self.path.is_some_and(<[Segment]>::is_empty).then(text))
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.object_only { "a JSON object" } else { "a JSON value" })
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        self.scalar(|| value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        self.scalar(|| value.to_string())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        self.scalar(|| value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        self.scalar(|| value.to_string())
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        self.scalar(|| value.to_owned())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let (wanted, rest) = match self.path.and_then(<[Segment]>::split_first) {
            Some((Segment::Index(index), rest)) => (Some(*index), rest),
            _ => (None, &[] as &[Segment]),
        };
        let mut found = None;
        let mut index = 0;
        while let Some(value) = items.next_element_seed(Walk::at((wanted == Some(index)).then_some(rest)))? {
            found = found.or(value);
            index += 1;
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let (wanted, rest) = match self.path.and_then(<[Segment]>::split_first) {
            Some((Segment::Key(key), rest)) => (Some(key.as_str()), rest),
            _ => (None, &[] as &[Segment]),
        };
        let mut found = None;
        while let Some(matches) = entries.next_key_seed(KeyIs(wanted))? {
            let value = entries.next_value_seed(Walk::at(matches.then_some(rest)))?;
            // Of a key that stands twice the last one counts, as it does for nearly every reader of JSON.
            if matches {
                found = value;
            }
        }
        Ok(found)
    }
}

struct KeyIs<'a>(Option<&'a str>);

impl<'de> DeserializeSeed<'de> for KeyIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyIs<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(self.0 == Some(key))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scalar(path: &str, document: &str) -> Option<String> {
        AttributePath::parse(path).expect("a path").scalar(document).expect("a document")
    }

    #[test]
    fn paths_find_scalars() {
        let document = r#"{"id":"a\u00e9","n":7,"t":true,"z":null,"name":{"familyName":"Ø"},"emails":[{"value":"x"},{"value":"y"}],"urn:a.b":{"c":1.5}}"#;
        for (path, found) in [
            ("id", Some("aé")),
            ("n", Some("7")),
            ("t", Some("true")),
            ("z", None),
            ("name", None),
            ("name.familyName", Some("Ø")),
            ("emails[1].value", Some("y")),
            ("emails[2].value", None),
            ("emails.value", None),
            ("['urn:a.b'].c", Some("1.5")),
            ("missing", None),
        ] {
            assert_eq!(scalar(path, document).as_deref(), found, "{path}");
        }
        assert_eq!(scalar("id", r#"{"id":"1","id":"2"}"#).as_deref(), Some("2"));
    }

    #[test]
    fn only_whole_objects_pass() {
        let path = AttributePath::parse("id").unwrap();
        for text in ["", "[]", "7", "{", r#"{"id":1} x"#, r#"{"a":"\ud800"}"#, r#"{"a":tru}"#, "{\"a\":\"\n\"}"] {
            assert!(path.scalar(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_path() {
        for text in ["", ".", "a.", ".a", "a..b", "[0]", "a[", "a[x]", "a[0", "a[]", "a[0]b", "['']", "a['b", "a[99999999999999999999999]"]
        {
            assert_eq!(AttributePath::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "[a.\\[\\]'0-9é]{0,24}", document in "[\\[\\]{}\":,a0\\\\ ]{0,24}") {
            if let Some(path) = AttributePath::parse(&text) {
                let _ = path.scalar(&document);
            }
        }
    }
}
