//! Paths into a document, in the dotted form of unique attributes: `userName`, `name.givenName`, `emails[0].value`, `['urn:…:User'].department`.

use sdk::Failure;
use serde_json::{Map, Value};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Key(String),
    Index(usize),
}

/// A path of at least one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    segments: Vec<Segment>,
}

/// Nobody has documents this deep, and a list that long.
const MAX_SEGMENTS: usize = 16;
const MAX_INDEX: usize = 1000;

impl Path {
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::invalid_settings(format!("{text:?} is not a path such as userName or emails[0].value"));
        let mut segments = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if let Some(quoted) = rest.strip_prefix("['").or_else(|| rest.strip_prefix(".['")) {
                let (key, after) = quoted.split_once("']").ok_or_else(wrong)?;
                segments.push(Segment::Key(key.to_owned()));
                rest = after;
            } else if let Some(index) = rest.strip_prefix('[') {
                let (index, after) = index.split_once(']').ok_or_else(wrong)?;
                let index = index.parse().ok().filter(|index| *index <= MAX_INDEX && !segments.is_empty()).ok_or_else(wrong)?;
                segments.push(Segment::Index(index));
                rest = after;
            } else {
                let key = if segments.is_empty() { rest } else { rest.strip_prefix('.').ok_or_else(wrong)? };
                let end = key.find(['.', '[']).unwrap_or(key.len());
                if end == 0 {
                    return Err(wrong());
                }
                segments.push(Segment::Key(key[..end].trim_end().to_owned()));
                rest = &key[end..];
            }
        }
        if segments.is_empty() || segments.len() > MAX_SEGMENTS {
            return Err(wrong());
        }
        Ok(Self { text: text.trim().to_owned(), segments })
    }

    /// What is there, if something is.
    pub fn get<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.segments.iter().try_fold(document, |value, segment| match segment {
            Segment::Key(key) => value.get(key),
            Segment::Index(index) => value.get(index),
        })
    }

    /// Put a value there; objects and lists are made on the way. What is in the way stays, and nothing is put.
    pub fn set(&self, document: &mut Value, value: Value) {
        let mut place = document;
        for segment in &self.segments {
            place = match segment {
                Segment::Key(key) => {
                    if place.is_null() {
                        *place = Value::Object(Map::new());
                    }
                    let Value::Object(object) = place else { return };
                    object.entry(key.clone()).or_insert(Value::Null)
                }
                Segment::Index(index) => {
                    if place.is_null() {
                        *place = Value::Array(vec![]);
                    }
                    let Value::Array(list) = place else { return };
                    if list.len() <= *index {
                        list.resize(index + 1, Value::Null);
                    }
                    &mut list[*index]
                }
            };
        }
        *place = value;
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_is_put_is_found() {
        for (text, document) in [
            ("userName", json!({"userName": 1})),
            ("name.givenName", json!({"name": {"givenName": 1}})),
            ("emails[1].value", json!({"emails": [null, {"value": 1}]})),
            ("['urn:a.b:User'].department", json!({"urn:a.b:User": {"department": 1}})),
            ("a['b c']", json!({"a": {"b c": 1}})),
        ] {
            let path = Path::parse(text).unwrap();
            let mut made = Value::Null;
            path.set(&mut made, json!(1));
            assert_eq!(made, document, "{text}");
            assert_eq!(path.get(&document), Some(&json!(1)), "{text}");
        }
        for wrong in ["", ".a", "a.", "a..b", "[0]", "a[x]", "a[99999]", "a[0", "['a"] {
            assert!(Path::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_path_or_not(text in ".*") {
            if let Ok(path) = Path::parse(&text) {
                let mut document = Value::Null;
                path.set(&mut document, json!(true));
                prop_assert_eq!(path.get(&document), Some(&json!(true)));
            }
        }
    }
}
