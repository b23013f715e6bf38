//! Names of attributes (RFC 7644 section 3.10): `userName`, `name.familyName`, `urn:…:User:emails.value`.

use std::{fmt, str::FromStr};

/// An attribute's name in a filter, a patch or a list of attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributePath {
    /// The schema's URN.
    pub schema: Option<String>,
    pub name: String,
    pub sub: Option<String>,
}

/// Whether a name may contain this character. `.` and `:` divide.
pub(super) fn in_a_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_$.:".contains(c)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$') && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_$".contains(c))
}

impl FromStr for AttributePath {
    /// What is wrong with it.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A URN has dots of its own (2.0), so it is cut off first.
        let (schema, rest) = match text.rsplit_once(':') {
            Some((schema, rest)) => (Some(schema), rest),
            None => (None, text),
        };
        if let Some(schema) = schema
            && (!schema.to_ascii_lowercase().starts_with("urn:") || !schema.chars().all(in_a_path))
        {
            return Err(format!("{text:?} does not begin with the URN of a schema"));
        }
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        if !is_name(name) || sub.is_some_and(|sub| !is_name(sub)) {
            return Err(format!("{text:?} is not the name of an attribute"));
        }
        Ok(Self { schema: schema.map(str::to_owned), name: name.to_owned(), sub: sub.map(str::to_owned) })
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}:")?;
        }
        f.write_str(&self.name)?;
        self.sub.as_ref().map_or(Ok(()), |sub| write!(f, ".{sub}"))
    }
}
