//! From an entry to a document: every attribute a list, `distinguishedName` always there, members and groups by what they are called (connectors.md section 2.3).

use crate::{
    binary,
    message::{Attribute, Entry},
    names::{Names, named_by},
    settings::{Directory, Sort},
};
use sdk::{Failure, Kind};
use serde_json::Value;
use std::collections::HashSet;

/// An id and the document's text.
pub fn entity(directory: &Directory, sort: Sort, entry: &Entry, names: &Names) -> Result<sdk::Entity, Failure> {
    let entity_type = directory.entity_type(sort);
    let id = named_by(directory, &entity_type.id, entry)
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Failure::new(Kind::Rejected, format!("the entry has no ldap.attribute.{}.id", sort.name())))?;
    let mut document = String::with_capacity(64 * entry.attributes.len());
    document.push('{');
    let mut has_dn = false;
    for attribute in &entry.attributes {
        let name = directory.spelled(&attribute.name);
        has_dn |= name == directory.dn;
        key(&mut document, name);
        if sort == Sort::Group && attribute.name.eq_ignore_ascii_case(&directory.member) {
            list(&mut document, members(directory, attribute, names));
        } else if sort == Sort::User && attribute.name.eq_ignore_ascii_case(&directory.member_of) {
            list(&mut document, groups(attribute, names));
        } else {
            list(&mut document, attribute.values.iter().map(|value| quoted(&binary::to_text(directory, &attribute.name, value))));
        }
    }
    if !has_dn {
        key(&mut document, &directory.dn);
        list(&mut document, std::iter::once(quoted(&entry.dn)));
    }
    document.push('}');
    Ok(sdk::Entity { id, document })
}

/// An entry as it is, for comparing it with a document that is written.
pub fn raw(directory: &Directory, sort: Sort, entry: &Entry) -> Result<sdk::Entity, Failure> {
    let id = named_by(directory, &directory.entity_type(sort).id, entry).ok_or_else(|| Failure::rejected("the entry has no id"))?;
    let mut document = String::from("{");
    for attribute in &entry.attributes {
        key(&mut document, directory.spelled(&attribute.name));
        list(&mut document, attribute.values.iter().map(|value| quoted(&binary::to_text(directory, &attribute.name, value))));
    }
    document.push('}');
    Ok(sdk::Entity { id, document })
}

fn key(document: &mut String, name: &str) {
    if document.len() > 1 {
        document.push(',');
    }
    document.push_str(&quoted(name));
    document.push(':');
}

fn list(document: &mut String, values: impl IntoIterator<Item = String>) {
    document.push('[');
    for (i, value) in values.into_iter().enumerate() {
        if i > 0 {
            document.push(',');
        }
        document.push_str(&value);
    }
    document.push(']');
}

fn members<'a>(directory: &'a Directory, attribute: &'a Attribute, names: &'a Names) -> impl Iterator<Item = String> + 'a {
    let mut seen = HashSet::new();
    let texts = attribute.values.iter().filter_map(|value| std::str::from_utf8(value).ok());
    texts.filter_map(move |text| {
        let (value, sort) = match names.get(text) {
            Some(known) => (known.value.as_str(), known.sort),
            // `memberUid` (RFC 2307) holds no DNs but names of users.
            None if !text.contains('=') => (text, Sort::User),
            None => return None,
        };
        seen.insert((value.to_owned(), sort)).then(|| match (directory.typed_members, sort) {
            (false, _) => quoted(value),
            (true, Sort::User) => format!(r#"{{"value":{},"type":"User"}}"#, quoted(value)),
            (true, Sort::Group) => format!(r#"{{"value":{},"type":"Group"}}"#, quoted(value)),
        })
    })
}

fn groups<'a>(attribute: &'a Attribute, names: &'a Names) -> impl Iterator<Item = String> + 'a {
    let texts = attribute.values.iter().filter_map(|value| std::str::from_utf8(value).ok());
    texts.filter_map(|text| names.get(text)).filter(|named| named.sort == Sort::Group).map(|named| quoted(&named.value))
}

pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
