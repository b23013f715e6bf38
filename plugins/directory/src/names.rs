//! From the DNs in `member` and `memberOf` to what users and groups are called (connectors.md section 2.4).
//!
//! A DN below the path of the groups is a group, one below that of the users a user; of two paths that both fit the longer one counts, and where both are the same, the
//! object class does. Whatever lies elsewhere is none of this system's and is left out. Where the DN does not hold what is wanted, the entry is looked at.

use crate::{
    binary,
    client::{Client, entry, found},
    dn::Dn,
    message::Entry,
    session::Host,
    settings::{Directory, Identifier, Sort},
};
use sdk::Failure;
use std::collections::HashMap;

/// DNs that are remembered; then they are forgotten, and asked for again where they are needed.
const MOST_KNOWN: usize = 200_000;

/// What a DN stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub sort: Sort,
    /// Its id, or the attribute it is to be called by.
    pub value: String,
}

/// What DNs stand for, as far as somebody asked.
#[derive(Debug, Default)]
pub struct Names(HashMap<String, Option<Named>>);

enum Judged {
    Known(Option<Named>),
    /// The entry has to be looked at; its sort, if the DN says that much.
    Look(Option<Sort>),
}

impl Names {
    /// Find out what these DNs stand for.
    pub fn learn<'a>(&mut self, client: &mut Client<impl Host>, dns: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
        if self.0.len() > MOST_KNOWN {
            self.0.clear();
        }
        let mut unknown: Vec<(String, Option<Sort>)> = Vec::new();
        for dn in dns {
            if self.0.contains_key(dn) {
                continue;
            }
            let named = match judge(&client.directory, dn) {
                Judged::Known(named) => named,
                Judged::Look(sort) => {
                    unknown.push((dn.to_owned(), sort));
                    None
                }
            };
            self.0.insert(dn.to_owned(), named);
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let requests = unknown.iter().map(|(dn, sort)| entry(dn, &wanted(&client.directory, *sort))).collect();
        let replies = client.all(requests);
        for ((dn, sort), reply) in unknown.into_iter().zip(replies) {
            match found(reply) {
                Ok(entry) => {
                    let named = entry.and_then(|entry| look(&client.directory, &entry, sort));
                    self.0.insert(dn, named);
                }
                Err(failure) => {
                    // Nothing that was not answered may pass for an answer.
                    self.0.clear();
                    return Err(failure);
                }
            }
        }
        Ok(())
    }

    /// Take note of an entry that passes by and whose name does not say what it is called: it need not be looked at when a group has it as a member.
    pub fn meet(&mut self, directory: &Directory, sort: Sort, entry: &Entry) {
        let shown = &directory.entity_type(sort).shown;
        let needed = directory.user.base != directory.group.base && matches!(judge(directory, &entry.dn), Judged::Look(_));
        if needed && self.0.len() < MOST_KNOWN {
            let named = named_by(directory, shown, entry).map(|value| Named { sort, value });
            self.0.insert(entry.dn.clone(), named);
        }
    }

    /// What a DN stands for that was [learned](Self::learn) before; nothing for what does not belong here.
    pub fn get(&self, dn: &str) -> Option<&Named> {
        self.0.get(dn)?.as_ref()
    }
}

fn judge(directory: &Directory, text: &str) -> Judged {
    let Some(dn) = Dn::parse(text) else { return Judged::Known(None) };
    if directory.placeholder.as_ref().is_some_and(|placeholder| placeholder.normal() == dn.normal()) {
        return Judged::Known(None);
    }
    let within = |sort| dn.is_within(&directory.entity_type(sort).base);
    let sort = match (within(Sort::User), within(Sort::Group)) {
        (false, false) => return Judged::Known(None),
        (true, false) => Sort::User,
        (false, true) => Sort::Group,
        (true, true) => match directory.user.base.depth().cmp(&directory.group.base.depth()) {
            std::cmp::Ordering::Less => Sort::Group,
            std::cmp::Ordering::Greater => Sort::User,
            std::cmp::Ordering::Equal => return Judged::Look(None),
        },
    };
    let value = match &directory.entity_type(sort).shown {
        Identifier::Dn => Some(text.to_owned()),
        Identifier::Attribute(name) => dn.rdn().and_then(|rdn| rdn.value(name)).map(|value| binary::to_text(directory, name, value)),
    };
    match value {
        Some(value) => Judged::Known(Some(Named { sort, value })),
        None => Judged::Look(Some(sort)),
    }
}

fn wanted(directory: &Directory, sort: Option<Sort>) -> Vec<String> {
    let mut attributes = Vec::new();
    for sort in sort.map_or_else(|| vec![Sort::User, Sort::Group], |sort| vec![sort]) {
        if let Identifier::Attribute(name) = &directory.entity_type(sort).shown {
            attributes.push(name.clone());
        }
    }
    if sort.is_none() {
        attributes.push("objectClass".to_owned());
    }
    attributes
}

/// What an entry is and is called; nothing where it has no such attribute.
fn look(directory: &Directory, entry: &Entry, sort: Option<Sort>) -> Option<Named> {
    let is = |sort| {
        let class = directory.entity_type(sort).classes.last();
        class.is_none_or(|class| entry.texts("objectClass").any(|found| found.eq_ignore_ascii_case(class)))
    };
    let sort = match sort {
        Some(sort) => sort,
        None if is(Sort::Group) => Sort::Group,
        None if is(Sort::User) => Sort::User,
        None => return None,
    };
    let value = named_by(directory, &directory.entity_type(sort).shown, entry)?;
    Some(Named { sort, value })
}

/// What an identifier is in an entry.
pub fn named_by(directory: &Directory, identifier: &Identifier, entry: &Entry) -> Option<String> {
    match identifier {
        Identifier::Dn => Some(entry.dn.clone()),
        Identifier::Attribute(name) => entry.attribute(name)?.values.first().map(|value| binary::to_text(directory, name, value)),
    }
}
