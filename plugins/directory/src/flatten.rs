//! The users of a group and of all groups in it (connectors.md section 2.6), and of the primary group (Active Directory keeps those on the user's side only).

use crate::{
    binary,
    client::{Client, entry, found},
    filter::Filter,
    message::{Attribute, Entry, Scope, Search},
    names::Names,
    range,
    session::Host,
    settings::Sort,
};
use sdk::Failure;
use std::collections::{HashMap, HashSet};

/// What groups have as members, as DNs, as far as it was needed.
pub type Children = HashMap<String, Vec<String>>;

/// The DNs of an attribute.
pub fn dns(entry: &Entry, attribute: &str) -> Vec<String> {
    entry.texts(attribute).map(str::to_owned).collect()
}

/// Every user in a group with these members, once, whichever way they are in it. A circle of groups ends where it began.
pub fn users(
    client: &mut Client<impl Host>,
    names: &mut Names,
    children: &mut Children,
    members: Vec<String>,
) -> Result<Vec<String>, Failure> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut users = Vec::new();
    let mut level = members;
    while !level.is_empty() {
        level.retain(|dn| seen.insert(dn.clone()));
        names.learn(client, level.iter().map(String::as_str))?;
        let (groups, direct): (Vec<String>, Vec<String>) =
            level.into_iter().partition(|dn| names.get(dn).is_some_and(|named| named.sort == Sort::Group));
        users.extend(direct);
        fetch(client, children, &groups)?;
        level = groups.iter().filter_map(|group| children.get(group)).flatten().cloned().collect();
    }
    Ok(users)
}

fn fetch(client: &mut Client<impl Host>, children: &mut Children, groups: &[String]) -> Result<(), Failure> {
    let unknown: Vec<&String> = groups.iter().filter(|group| !children.contains_key(*group)).collect();
    let member = client.directory.member.clone();
    let wanted = client.directory.flatten.map_or_else(|| member.clone(), |size| format!("{member};range=0-{}", size.saturating_sub(1)));
    let replies = client.all(unknown.iter().map(|group| entry(group, std::slice::from_ref(&wanted))).collect());
    let mut entries = Vec::new();
    for (group, reply) in unknown.iter().zip(replies) {
        // A group that is gone has nobody.
        entries.push(found(reply)?.unwrap_or_else(|| Entry { dn: (*group).clone(), ..Entry::default() }));
    }
    if let Some(failure) = range::complete(client, &mut entries).into_iter().flatten().next() {
        return Err(failure);
    }
    for (group, entry) in unknown.into_iter().zip(entries) {
        let members = dns(&entry, &member);
        children.insert(group.clone(), members);
    }
    Ok(())
}

/// The DN of a user's primary group: the domain's SID with the number on the user at its end (MS-ADTS section 3.1.1.4.5.28).
pub fn primary_group(client: &mut Client<impl Host>, user: &Entry) -> Result<Option<String>, Failure> {
    let (Some(number), Some(sid)) = (user.text("primaryGroupID").and_then(|text| text.parse::<u32>().ok()), user.attribute("objectSid"))
    else {
        return Ok(None);
    };
    let Some(sid) = sid.values.first().filter(|sid| sid.len() >= 12) else { return Ok(None) };
    let sid = [&sid[..sid.len() - 4], &number.to_le_bytes()].concat();
    let search = Search {
        base: client.directory.group.base.to_string(),
        scope: Scope::Subtree,
        size_limit: 0,
        filter: Filter::equal("objectSid", sid),
        attributes: vec!["1.1".to_owned()],
    };
    Ok(client.collect(&search, &[], "the search for a primary group")?.pop().map(|group| group.dn))
}

/// The users whose primary group this is.
pub fn primary_members(client: &mut Client<impl Host>, group: &Entry) -> Result<Vec<String>, Failure> {
    let sid = group.attribute("objectSid").and_then(|sid| sid.values.first());
    let Some(number) = sid.and_then(|sid| sid.last_chunk::<4>()).map(|bytes| u32::from_le_bytes(*bytes)) else { return Ok(Vec::new()) };
    let search = Search {
        base: client.directory.user.base.to_string(),
        scope: Scope::Subtree,
        size_limit: 0,
        filter: Filter::all([client.directory.user.class_filter(), Filter::equal("primaryGroupID", number.to_string())]),
        attributes: vec!["1.1".to_owned()],
    };
    Ok(client.collect(&search, &[], "the search for the members of a primary group")?.into_iter().map(|user| user.dn).collect())
}

/// Add DNs to an attribute that does not have them yet.
pub fn add(entry: &mut Entry, attribute: &str, dns: Vec<String>) {
    let at = entry.attributes.iter().position(|known| known.name.eq_ignore_ascii_case(attribute)).unwrap_or_else(|| {
        entry.attributes.push(Attribute { name: attribute.to_owned(), values: Vec::new() });
        entry.attributes.len() - 1
    });
    let known: HashSet<Vec<u8>> = entry.attributes[at].values.iter().cloned().collect();
    entry.attributes[at].values.extend(dns.into_iter().map(String::into_bytes).filter(|dn| !known.contains(dn)));
}

/// The SID of an entry as text, to remember primary groups by.
pub fn primary_key(client: &Client<impl Host>, user: &Entry) -> Option<String> {
    let sid = user.attribute("objectSid")?.values.first()?;
    let domain = binary::to_text(&client.directory, "objectSid", sid);
    Some(format!("{}-{}", domain.rsplit_once('-')?.0, user.text("primaryGroupID")?))
}
