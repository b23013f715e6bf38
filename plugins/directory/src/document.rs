//! A document that is to be written, in the terms of the directory: attributes with values, the entry's name, members.

use crate::{
    binary,
    settings::{Directory, Sort, is_the_servers},
};
use sdk::Failure;
use serde_json::{Map, Value};

/// What an entry shall have.
#[derive(Debug, Default)]
pub struct Wanted {
    /// As the transformation put it together.
    pub dn: Option<String>,
    /// By name; without values: the attribute shall be absent. Without the members and the password.
    pub attributes: Vec<(String, Vec<Vec<u8>>)>,
    /// DNs or ids; absent: none of the document's business.
    pub members: Option<Vec<String>>,
    pub password: Option<String>,
}

impl Wanted {
    /// The values of an attribute.
    pub fn values(&self, name: &str) -> Option<&[Vec<u8>]> {
        self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, values)| values.as_slice())
    }

    /// The first value of an attribute.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.values(name)?.first().map(Vec::as_slice)
    }
}

/// The attribute that sets a password.
pub fn password_attribute(directory: &Directory) -> &'static str {
    match directory.profile {
        crate::description::Profile::Ldap => "userPassword",
        crate::description::Profile::ActiveDirectory => "unicodePwd",
    }
}

/// Read a document. What the server alone decides (`memberOf`, `objectGUID`) may be in it and is passed over.
pub fn read(directory: &Directory, sort: Sort, text: &str) -> Result<Wanted, Failure> {
    let document: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| Failure::rejected(format!("the document is no JSON object: {error}")))?;
    let mut wanted = Wanted::default();
    let password = password_attribute(directory);
    for (name, value) in &document {
        if name == &directory.dn {
            wanted.dn = values(name, value)?.into_iter().next();
        } else if is_the_servers(name) || name.eq_ignore_ascii_case(&directory.member_of) {
        } else if sort == Sort::Group && (name == "members" || name.eq_ignore_ascii_case(&directory.member)) {
            wanted.members.get_or_insert_default().extend(members(name, value)?);
        } else if name.eq_ignore_ascii_case(password) {
            wanted.password = values(name, value)?.into_iter().next().filter(|text| !text.is_empty());
        } else {
            let right = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.;_".contains(&byte));
            if !right {
                return Err(Failure::rejected(format!("{name:?} cannot be the name of an attribute")));
            }
            // An empty text is no value of any syntax that matters here.
            let texts = values(name, value)?.into_iter().filter(|text| !text.is_empty());
            let mut bytes: Vec<Vec<u8>> = Vec::new();
            for text in texts {
                let value = binary::from_text(directory, name, &text)?;
                if !bytes.contains(&value) {
                    bytes.push(value);
                }
            }
            wanted.attributes.push((name.clone(), bytes));
        }
    }
    Ok(wanted)
}

/// A list of values, or one.
fn values(name: &str, value: &Value) -> Result<Vec<String>, Failure> {
    let wrong =
        || Failure::rejected(format!("{name} holds an object or a list in a list; an attribute of a directory has a list of plain values"));
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => values.iter().filter(|value| !value.is_null()).map(|value| scalar(value).ok_or_else(wrong)).collect(),
        value => Ok(vec![scalar(value).ok_or_else(wrong)?]),
    }
}

/// Texts, or objects with `value`.
fn members(name: &str, value: &Value) -> Result<Vec<String>, Failure> {
    let wrong = || Failure::rejected(format!("{name} must be a list of ids or DNs, or of objects with value"));
    let one = |value: &Value| match value {
        Value::Object(object) => object.get("value").and_then(scalar).ok_or_else(wrong),
        value => scalar(value).ok_or_else(wrong),
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => values.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

/// A plain value as a directory writes it (RFC 4517 section 3.3.3 for booleans).
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("TRUE".to_owned()),
        Value::Bool(false) => Some("FALSE".to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `"secret"` in UTF-16, as `unicodePwd` wants it (MS-ADTS section 3.1.1.3.1.5.1).
pub fn unicode_password(text: &str) -> Vec<u8> {
    format!("\"{text}\"").encode_utf16().flat_map(u16::to_le_bytes).collect()
}
