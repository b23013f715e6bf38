//! A document as it came: looked into where it has to be, and handed on byte for byte but for the one attribute that is written.

use std::collections::BTreeMap;

use serde_json::{Value, value::RawValue};

/// Why an entity gets no user name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Stable, dotted.
    pub code: &'static str,
    pub message: String,
}

type Members<'d> = BTreeMap<String, &'d RawValue>;

pub struct Document<'d> {
    text: &'d str,
    members: Members<'d>,
    /// (name, JSON text).
    variables: &'d [(&'d str, &'d str)],
}

impl<'d> Document<'d> {
    pub fn parse(text: &'d str, variables: &'d [(&'d str, &'d str)]) -> Result<Self, Failure> {
        let members = serde_json::from_str(text).map_err(|error| Failure {
            code: "unique-user-name.not-an-object",
            message: format!("the document is no JSON object: {error}"),
        })?;
        Ok(Self { text, members, variables })
    }

    /// The text at a dotted path, digits where a number stands there; where the document has nothing there, the variable of this name.
    pub fn text(&self, path: &str) -> Option<String> {
        self.at(path).map_or_else(|| self.variable(path), text)
    }

    /// The text of a variable.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.variables.iter().find(|(known, _)| *known == name).and_then(|(_, value)| text(value))
    }

    fn at(&self, path: &str) -> Option<&'d str> {
        let mut steps = path.split('.');
        let mut value = self.members.get(steps.next()?)?.get();
        for step in steps {
            value = serde_json::from_str::<Members<'d>>(value).ok()?.get(step)?.get();
        }
        Some(value)
    }

    /// The same document with this text as this attribute, in its old place if it had one.
    pub fn with(&self, attribute: &str, text: &str) -> String {
        let value = Value::from(text).to_string();
        if let Some(old) = self.members.get(attribute) {
            // A raw value is a part of the text it was read from.
            let begin = old.get().as_ptr() as usize - self.text.as_ptr() as usize;
            return [&self.text[..begin], &value, &self.text[begin + old.get().len()..]].concat();
        }
        let open = self.text.trim_end().strip_suffix('}').unwrap_or_default();
        let comma = if self.members.is_empty() { "" } else { "," };
        format!("{open}{comma}{}:{value}}}", Value::from(attribute))
    }
}

/// A JSON string's text, the digits of a number.
fn text(value: &str) -> Option<String> {
    match serde_json::from_str(value).ok()? {
        Value::String(text) => Some(text),
        Value::Number(_) => Some(value.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_else_of_the_document_changes() {
        let cases = [
            ("{}", r#"{"userName":"a\"b"}"#),
            (r#"{"n":1.00, "z":"{}"} "#, r#"{"n":1.00, "z":"{}","userName":"a\"b"}"#),
            (r#"{"userName": "" ,"n":12345678901234567890123}"#, r#"{"userName": "a\"b" ,"n":12345678901234567890123}"#),
            (r#"{"a":{"userName":"x"},"userName":null}"#, r#"{"a":{"userName":"x"},"userName":"a\"b"}"#),
            (r#"{"a":{"b":{}}}"#, r#"{"a":{"b":{}},"userName":"a\"b"}"#),
        ];
        for (before, after) in cases {
            assert_eq!(Document::parse(before, &[]).unwrap().with("userName", "a\"b"), after);
        }
    }

    #[test]
    fn what_is_no_object_is_told() {
        for text in ["", "[]", "1", "{\"a\":}", "{} {}"] {
            assert!(Document::parse(text, &[]).is_err_and(|failure| failure.code == "unique-user-name.not-an-object"), "{text}");
        }
    }
}
