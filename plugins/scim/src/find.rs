//! The target's search for an entity that exists already. Nobody's account may be taken over by mistake, and nobody may be missed and created twice.

use crate::{
    connection::Connection,
    cursor::Cursor,
    exchange,
    filter::Wanted,
    http::Http,
    list::List,
    resource::{self, Resource},
};
use sdk::{AttributeValue, Entity, Failure, Kind};

/// The most hits that are asked for and returned.
const MAX_FOUND: usize = 10;
/// Resources asked for at once where a list is searched from end to end.
const PAGE: u64 = 100;

/// At most ten, only those that really have the values. A server that refuses the filter, or answers with others, is searched from end to end.
pub fn find(
    connection: &Connection,
    http: &mut impl Http,
    resource: Resource,
    attributes: &[AttributeValue],
) -> Result<Vec<Entity>, Failure> {
    let wanted = Wanted::of(attributes)?;
    let (count, filter) = (MAX_FOUND.to_string(), wanted.filter());
    let url = connection.base.list(resource, &[("startIndex", "1"), ("count", &count), ("filter", &filter)]);
    match exchange::get(http, url, &connection.headers(None)) {
        Ok(answer) => {
            let list = List::read(&answer.body)?;
            let others = !list.resources.is_empty();
            let found = matching(connection, list, &wanted)?;
            if found.is_empty() && others { everywhere(connection, http, resource, &wanted) } else { Ok(found) }
        }
        Err(failure) if matches!(failure.kind, Kind::Rejected | Kind::Unsupported) => {
            // The list may be refused as well; then it is the search that tells more.
            everywhere(connection, http, resource, &wanted).map_err(|_| failure)
        }
        Err(failure) => Err(failure),
    }
}

/// Those of the list that have the values. A hit without an id is a failure: it is there, but cannot be told.
fn matching(connection: &Connection, list: List<'_>, wanted: &Wanted) -> Result<Vec<Entity>, Failure> {
    let hits =
        list.resources.into_iter().map(|found| connection.profile.read(found.get())).filter(|found| wanted.holds(found)).take(MAX_FOUND);
    hits.map(|found| match resource::id(&found) {
        Ok(id) => Ok(Entity { id, document: found.into_owned() }),
        Err(why) => Err(Failure::rejected(format!("a resource that was found cannot be used: {why}"))),
    })
    .collect()
}

/// Search the whole list. A list in doubt does not tell that nobody is there.
fn everywhere(connection: &Connection, http: &mut impl Http, resource: Resource, wanted: &Wanted) -> Result<Vec<Entity>, Failure> {
    let (mut cursor, mut found, mut doubt) = (Cursor::by_index(), Vec::new(), None);
    loop {
        let ((place, at), count) = (cursor.parameter(), PAGE.to_string());
        let url = connection.base.list(resource, &[(place, at.as_str()), ("count", &count)]);
        let answer = exchange::get(http, url, &connection.headers(None))?;
        let taken = cursor.take(List::read(&answer.body)?, PAGE)?;
        doubt = doubt.or(taken.doubt);
        for entity in matching(connection, List { total: None, resources: taken.resources, next_cursor: None }, wanted)? {
            if found.iter().all(|known: &Entity| known.id != entity.id) {
                found.push(entity);
            }
        }
        match (taken.next, &doubt) {
            (Some(next), _) if found.len() < MAX_FOUND => cursor = next,
            (None, Some(doubt)) if found.is_empty() => return Err(doubt.clone()),
            _ => {
                found.truncate(MAX_FOUND);
                return Ok(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        http::{Answer, Request},
        scripted::{Scripted, connection, json, parameter},
    };

    fn by(attribute: &str, value: &str) -> Vec<AttributeValue> {
        vec![AttributeValue { attribute: attribute.into(), value: value.into() }]
    }

    fn page(request: &Request, total: usize) -> Result<Answer, Failure> {
        let start = parameter(&request.url, "startIndex").unwrap();
        let users: Vec<String> = (start..=total)
            .take(parameter(&request.url, "count").unwrap())
            .map(|n| format!(r#"{{"id":"{n}","userName":"user{n}"}}"#))
            .collect();
        json(200, format!(r#"{{"totalResults":{total},"Resources":[{}]}}"#, users.join(",")))
    }

    fn ids(found: Result<Vec<Entity>, Failure>) -> Vec<String> {
        found.unwrap().into_iter().map(|entity| entity.id).collect()
    }

    #[test]
    fn the_sources_filter_is_no_business_of_a_search() {
        let mut http = Scripted::new(|_: &Request| json(200, r#"{"totalResults":1,"Resources":[{"id":"1","userName":"USER1"}]}"#));
        let connection = connection(&[("scim.group.filter", "x pr")]);
        assert_eq!(ids(find(&connection, &mut http, Resource::Group, &by("userName", r#""user1""#))), ["1"]);
        assert!(find(&connection, &mut http, Resource::User, &[]).is_err());
        assert_eq!(http.lines(), ["GET /Groups?startIndex=1&count=10&filter=userName%20eq%20%22user1%22"]);
    }

    #[test]
    fn a_server_that_knows_no_filter_is_searched_from_end_to_end() {
        let ignores = |request: &Request| page(request, 250);
        let refuses = |request: &Request| {
            if request.url.contains("filter") { json(400, r#"{"scimType":"invalidFilter"}"#) } else { page(request, 250) }
        };
        for (name, expected) in [(r#""User222""#, vec!["222"]), (r#""nobody""#, vec![])] {
            assert_eq!(ids(find(&connection(&[]), &mut Scripted::new(ignores), Resource::User, &by("userName", name))), expected);
            assert_eq!(ids(find(&connection(&[]), &mut Scripted::new(refuses), Resource::User, &by("userName", name))), expected);
        }
    }

    #[test]
    fn a_list_in_doubt_does_not_tell_that_nobody_is_there() {
        let short = |request: &Request| {
            if parameter(&request.url, "startIndex") == Some(1) { page(request, 250) } else { json(200, r#"{"totalResults":250}"#) }
        };
        assert!(find(&connection(&[]), &mut Scripted::new(short), Resource::User, &by("userName", r#""nobody""#)).is_err());
        assert_eq!(ids(find(&connection(&[]), &mut Scripted::new(short), Resource::User, &by("userName", r#""user7""#))), ["7"]);
        let refused = |_: &Request| json(400, r#"{"scimType":"invalidFilter"}"#);
        let failure = find(&connection(&[]), &mut Scripted::new(refused), Resource::User, &by("userName", r#""x""#)).unwrap_err();
        assert!(failure.message.contains("invalidFilter"), "{}", failure.message);
    }
}
