//! Groups of which the server sends only the first members: the others are found through the users, who know their groups.
//!
//! A server that cuts `members` off says so nowhere; the sign is that there are as many as it sends at most (`scim.group.members.page.size`). The users in the group are then listed with the
//! filter `groups.value eq "..."`, page by page like any other list. A group whose members cannot be had in full is reported as unreadable: written with the members that came, it
//! would lose the others.

use crate::{
    connection::Connection,
    cursor::Cursor,
    exchange,
    filter::Wanted,
    http::Http,
    list::List,
    resource::{self, Attributes, Resource, quoted},
};
use sdk::{AttributeValue, Failure, Kind};
use serde_json::value::RawValue;
use std::collections::HashSet;

/// The members of this group (JSON text), each with its id; nothing where it has none, or some without.
fn members<'a>(attributes: &Attributes<'a>) -> Option<Vec<(String, &'a RawValue)>> {
    #[derive(serde::Deserialize)]
    struct Member {
        value: String,
    }
    let members: Vec<&RawValue> = serde_json::from_str(attributes.get("members")?).ok()?;
    members.into_iter().map(|member| Some((serde_json::from_str::<Member>(member.get()).ok()?.value, member))).collect()
}

/// The group with all of its members, if it has so many that some may be missing; nothing where it is whole as it is.
pub fn complete(connection: &Connection, http: &mut impl Http, group: &str) -> Result<Option<String>, Failure> {
    let Some(size) = connection.members_page else { return Ok(None) };
    let Ok(attributes) = Attributes::of(group) else { return Ok(None) };
    let Some(members) = members(&attributes).filter(|members| members.len() as u64 >= size) else { return Ok(None) };
    let id = resource::id(group).map_err(|why| Failure::rejected(format!("a group cannot be used: {why}")))?;
    let mut known: HashSet<String> = members.iter().map(|(id, _)| id.clone()).collect();
    let mut all: Vec<String> = members.iter().map(|(_, member)| member.get().to_owned()).collect();
    for user in users(connection, http, &id, size)? {
        if known.insert(user.clone()) {
            all.push(format!(r#"{{"value":{},"type":"User"}}"#, quoted(&user)));
        }
    }
    let members = format!("[{}]", all.join(","));
    Ok(Some(attributes.write(&[("members", members)], |name| name != "members")))
}

/// The ids of the users in a group.
fn users(connection: &Connection, http: &mut impl Http, group: &str, size: u64) -> Result<Vec<String>, Failure> {
    let wanted = Wanted::of(&[AttributeValue { attribute: "groups.value".to_owned(), value: quoted(group) }])?;
    let (filter, count) = (wanted.filter(), size.max(2).to_string());
    let (mut cursor, mut found) = (Cursor::by_index(), Vec::new());
    loop {
        let (place, at) = cursor.parameter();
        let url = connection.base.list(Resource::User, &[(place, at.as_str()), ("count", &count), ("filter", &filter)]);
        let answer = exchange::get(http, url, &connection.headers(None))?;
        let taken = cursor.take(List::read(&answer.body)?, size.max(2))?;
        if let Some(doubt) = taken.doubt {
            return Err(doubt);
        }
        for user in taken.resources {
            // A server that ignores the filter would make everybody a member.
            if !wanted.holds(user.get()) {
                let message = format!("the members of group {group} cannot be read: a user found by {filter} does not tell that group");
                return Err(Failure::new(Kind::Unsupported, message));
            }
            if is_indirect(user.get(), group) {
                continue;
            }
            found.push(resource::id(user.get()).map_err(|why| Failure::rejected(format!("a user cannot be used: {why}")))?);
        }
        match taken.next {
            Some(next) => cursor = next,
            None => return Ok(found),
        }
    }
}

/// Whether the user is in the group only through another one (RFC 7643 section 4.1.2).
fn is_indirect(user: &str, group: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct User {
        groups: Vec<Membership>,
    }
    #[derive(serde::Deserialize)]
    struct Membership {
        value: String,
        #[serde(rename = "type")]
        kind: Option<String>,
    }
    let indirect = |membership: &Membership| membership.kind.as_ref().is_some_and(|kind| kind.eq_ignore_ascii_case("indirect"));
    serde_json::from_str::<User>(user).is_ok_and(|user| {
        let mut here = user.groups.iter().filter(|membership| membership.value == group).peekable();
        here.peek().is_some() && here.all(indirect)
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        http::{Answer, Request},
        read::{Page, Scope, page},
        resource::Resource,
        scripted::{Scripted, connection, json, parameter},
    };
    use sdk::{Failure, Kind};

    const PAGING: [(&str, &str); 2] = [("scim.group.members.paging.enabled", "true"), ("scim.group.members.page.size", "3")];

    fn groups() -> Result<Answer, Failure> {
        let small = r#"{"id":"s","members":[{"value":"u1"},{"value":"u2"}]}"#;
        let big = r#"{"id":"b","members":[{"value":"g1","type":"Group"},{"value":"u1","display":"U"},{"value":"u2"}],"displayName":"big"}"#;
        json(200, format!(r#"{{"totalResults":2,"Resources":[{small},{big}]}}"#))
    }

    /// Read the groups of a server whose users answer like this.
    fn read(properties: &[(&str, &str)], users: impl Fn(&Request) -> Result<Answer, Failure>) -> (Page, Vec<String>) {
        let mut http = Scripted::new(|request: &Request| if request.url.contains("/Groups") { groups() } else { users(request) });
        let page = page(&connection(properties), &mut http, Resource::Group, &Scope::All, None, 10).unwrap();
        (page, http.lines())
    }

    fn users(numbers: std::ops::RangeInclusive<usize>, of: &'static str) -> impl Fn(&Request) -> Result<Answer, Failure> {
        move |request| {
            let start = parameter(&request.url, "startIndex").unwrap();
            let total = numbers.clone().count();
            let page: Vec<String> =
                numbers.clone().skip(start - 1).take(3).map(|n| format!(r#"{{"id":"u{n}","groups":[{{"value":"{of}"}}]}}"#)).collect();
            json(200, format!(r#"{{"totalResults":{total},"Resources":[{}]}}"#, page.join(",")))
        }
    }

    #[test]
    fn members_that_may_be_cut_off_are_found_through_the_users() {
        let (page, lines) = read(&PAGING, users(1..=6, "b"));
        assert_eq!(page.entities[0].document, r#"{"id":"s","members":[{"value":"u1"},{"value":"u2"}]}"#);
        let document: serde_json::Value = serde_json::from_str(&page.entities[1].document).unwrap();
        let ids: Vec<_> = document["members"].as_array().unwrap().iter().map(|member| member["value"].as_str().unwrap()).collect();
        assert_eq!((ids, document["members"][1]["display"].as_str()), (vec!["g1", "u1", "u2", "u3", "u4", "u5", "u6"], Some("U")));
        assert_eq!(lines[1], "GET /Users?startIndex=1&count=3&filter=groups.value%20eq%20%22b%22");
        assert!(page.unreadable.is_empty());
        let (page, lines) = read(&[], users(1..=6, "b"));
        assert_eq!((page.entities.len(), lines.len()), (2, 1), "off unless asked for");
    }

    #[test]
    fn who_is_in_a_group_through_another_is_no_member() {
        let direct = r#"{"groups":[{"value":"g","type":"direct"}]}"#;
        let indirect = r#"{"groups":[{"value":"h"},{"value":"g","type":"Indirect"}]}"#;
        assert_eq!(
            [direct, indirect, r#"{"groups":[{"value":"g"}]}"#, "{}"].map(|user| super::is_indirect(user, "g")),
            [false, true, false, false]
        );
    }

    #[test]
    fn a_group_whose_members_cannot_be_had_is_unreadable() {
        for refused in [
            read(&PAGING, users(1..=6, "another")).0,
            read(&PAGING, |_| json(400, r#"{"scimType":"invalidFilter"}"#)).0,
            read(&PAGING, |_| json(200, r#"{"totalResults":9,"Resources":[]}"#)).0,
        ] {
            assert_eq!(refused.entities.iter().map(|group| group.id.as_str()).collect::<Vec<_>>(), ["s"]);
            assert_eq!(refused.unreadable.len(), 1);
            assert_eq!(refused.unreadable[0].0.as_deref(), Some("b"));
        }
        // What passes is not the group's fault: the page is asked for again.
        let mut http = Scripted::new(|request: &Request| if request.url.contains("/Groups") { groups() } else { json(503, "") });
        let failure = page(&connection(&PAGING), &mut http, Resource::Group, &Scope::All, None, 10).unwrap_err();
        assert!(matches!(failure.kind, Kind::Unavailable));
    }
}
