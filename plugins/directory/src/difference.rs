//! What has to be changed in an entry so that it has what a document says, and nothing else.

use crate::{
    description::Profile,
    dn::{Dn, Rdn},
    message::{Attribute, Change, Entry},
    settings::Directory,
};
use std::collections::{HashMap, HashSet};

/// Beyond this single values are added and taken away instead of all being sent again.
const REPLACED_AT_MOST: usize = 10;
/// Values in one change: many servers take no request of more than a few megabytes.
pub const VALUES_AT_ONCE: usize = 5000;
/// The account is disabled (MS-ADTS section 2.2.16).
const DISABLED: u32 = 2;

/// The changes of plain attributes. `rdn` is what the entry is named by: those values can only be changed by giving it another name.
pub fn of_attributes(directory: &Directory, entry: &Entry, wanted: &[(String, Vec<Vec<u8>>)], rdn: &Rdn) -> Vec<(Change, Attribute)> {
    let mut changes = Vec::new();
    for (name, wanted) in wanted {
        let current = entry.attribute(name).map_or(&[][..], |attribute| &attribute.values);
        let mut wanted = wanted.clone();
        if directory.profile == Profile::ActiveDirectory && name.eq_ignore_ascii_case("userAccountControl") {
            account_control(current, &mut wanted);
        }
        let added: Vec<Vec<u8>> = wanted.iter().filter(|value| !current.contains(value)).cloned().collect();
        let mut removed: Vec<Vec<u8>> = current.iter().filter(|value| !wanted.contains(value)).cloned().collect();
        if added.is_empty() && removed.is_empty() {
            continue;
        }
        let mut change = |change, values: Vec<Vec<u8>>| changes.push((change, Attribute { name: name.clone(), values }));
        if name.eq_ignore_ascii_case("objectClass") {
            // An entry may be more than the transformation knows of.
            let known: HashSet<Vec<u8>> = current.iter().map(|value| value.to_ascii_lowercase()).collect();
            let added: Vec<Vec<u8>> = added.into_iter().filter(|value| !known.contains(&value.to_ascii_lowercase())).collect();
            if !added.is_empty() {
                change(Change::Add, added);
            }
        } else if let Some(named) = rdn.value(name) {
            let same = |value: &[u8]| Rdn::new(name, value).to_string().to_lowercase() == Rdn::new(name, named).to_string().to_lowercase();
            removed.retain(|value| !same(value));
            let added: Vec<Vec<u8>> = added.into_iter().filter(|value| !same(value)).collect();
            if !removed.is_empty() {
                change(Change::Delete, removed);
            }
            if !added.is_empty() {
                change(Change::Add, added);
            }
        } else if current.len().max(wanted.len()) <= REPLACED_AT_MOST || directory.is_binary(name) || wanted.is_empty() {
            // Without values this takes the attribute away, and is no error where there is none.
            change(Change::Replace, wanted);
        } else {
            removed.chunks(VALUES_AT_ONCE).for_each(|values| change(Change::Delete, values.to_vec()));
            added.chunks(VALUES_AT_ONCE).for_each(|values| change(Change::Add, values.to_vec()));
        }
    }
    changes
}

/// 512 and 514 say no more than enabled and disabled: an account keeps its other flags, such as that its password never expires.
fn account_control(current: &[Vec<u8>], wanted: &mut [Vec<u8>]) {
    let number = |value: Option<&Vec<u8>>| value.and_then(|value| std::str::from_utf8(value).ok()?.parse::<u32>().ok());
    if let (Some(now), Some(asked @ (512 | 514)), Some(value)) = (number(current.first()), number(wanted.first()), wanted.first_mut()) {
        *value = (now & !DISABLED | asked & DISABLED).to_string().into_bytes();
    }
}

/// The changes of the members, as DNs: whoever is missing is added, whoever is too many is taken away, and nobody else is mentioned.
pub fn of_members(directory: &Directory, entry: &Entry, wanted: &[Dn]) -> Vec<(Change, Attribute)> {
    let normal = |text: &str| Dn::parse(text).map_or_else(|| text.to_lowercase(), |dn| dn.normal());
    let current: HashMap<String, &str> = entry.texts(&directory.member).map(|text| (normal(text), text)).collect();
    let mut wanted: Vec<&Dn> = wanted.iter().collect();
    if wanted.is_empty() {
        wanted.extend(&directory.placeholder);
    }
    let mut names = HashSet::new();
    let added: Vec<Vec<u8>> = wanted
        .iter()
        .filter(|dn| {
            let name = dn.normal();
            let missing = !current.contains_key(&name);
            names.insert(name) && missing
        })
        .map(|dn| dn.to_string().into_bytes())
        .collect();
    let mut removed: Vec<Vec<u8>> =
        current.iter().filter(|(name, _)| !names.contains(*name)).map(|(_, text)| text.as_bytes().to_vec()).collect();
    // The order of a hash is not that of anything.
    removed.sort();
    let mut changes = Vec::new();
    let change = |change, values: &[Vec<u8>]| (change, Attribute { name: directory.member.clone(), values: values.to_vec() });
    // Additions first: a group may not be empty in between.
    changes.extend(added.chunks(VALUES_AT_ONCE).map(|values| change(Change::Add, values)));
    changes.extend(removed.chunks(VALUES_AT_ONCE).map(|values| change(Change::Delete, values)));
    changes
}

#[cfg(test)]
#[path = "difference_tests.rs"]
mod tests;
