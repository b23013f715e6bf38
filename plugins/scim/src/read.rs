//! The source's queries: everything, what changed, one id, attributes equal to values.

use crate::{
    config::Config,
    connection::{Connection, Paging},
    cursor::Cursor,
    exchange,
    filter::{self, Wanted},
    http::Http,
    list::List,
    members,
    profile::Quirk,
    resource::{self, Resource},
    since::{self, Newest},
};
use sdk::{AttributeValue, Entity, Failure, Kind};

/// The part of the entities that is asked for.
#[derive(Debug)]
pub enum Scope {
    All,
    /// What changed since a token of an earlier read.
    ChangedSince(String),
    ById(String),
    ByAttributes(Vec<AttributeValue>),
}

/// A page of entities, their documents as the server wrote them.
#[derive(Debug, Default)]
pub struct Page {
    pub entities: Vec<Entity>,
    /// The id if it is known, and why; also a doubt about the list as a whole, without an id.
    pub unreadable: Vec<(Option<String>, Failure)>,
    pub next: Option<String>,
    pub total: Option<u64>,
    /// On the last page, if all resources have times: where the next read of changes begins.
    pub delta_token: Option<String>,
}

impl Page {
    /// Take a resource, a group with all of its members where they are asked for. What fails for a reason that passes is the failure of the page.
    fn take(&mut self, connection: &Connection, http: &mut impl Http, resource: Resource, document: &str) -> Result<(), Failure> {
        if resource == Resource::User {
            self.push(connection, document);
            return Ok(());
        }
        match members::complete(connection, http, document) {
            Ok(whole) => self.push(connection, whole.as_deref().unwrap_or(document)),
            Err(failure) if matches!(failure.kind, Kind::Unavailable | Kind::TimedOut | Kind::RateLimited(_)) => return Err(failure),
            Err(failure) => self.unreadable.push((resource::id(document).ok(), failure)),
        }
        Ok(())
    }

    fn push(&mut self, connection: &Connection, document: &str) {
        match resource::id(document) {
            Ok(id) => self.entities.push(Entity { id, document: connection.profile.read(document).into_owned() }),
            Err(why) => self.unreadable.push((None, Failure::rejected(format!("a resource of the list cannot be used: {why}")))),
        }
    }
}

/// Read one page of at most `limit` entities.
pub fn page(
    connection: &Connection,
    http: &mut impl Http,
    resource: Resource,
    scope: &Scope,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page, Failure> {
    match scope {
        Scope::ById(id) => one(connection, http, resource, id),
        Scope::All => list(connection, http, resource, &Asked::Everything, cursor, limit),
        Scope::ChangedSince(token) => list(connection, http, resource, &Asked::Since(since::parse(token)?), cursor, limit),
        Scope::ByAttributes(attributes) => list(connection, http, resource, &Asked::With(&Wanted::of(attributes)?), cursor, limit),
    }
}

/// `GET /Users/{id}`; an id that is not there is an empty page. The configured filter does not apply.
fn one(connection: &Connection, http: &mut impl Http, resource: Resource, id: &str) -> Result<Page, Failure> {
    let mut page = Page::default();
    match exchange::get(http, connection.base.entity(resource, id)?, &connection.headers(None)) {
        Ok(answer) => page.take(connection, http, resource, text(&answer.body)?)?,
        Err(Failure { kind: Kind::NotFound, .. }) => {}
        Err(failure) => return Err(failure),
    }
    Ok(page)
}

/// The part of a list that is asked for.
enum Asked<'a> {
    Everything,
    Since(time::OffsetDateTime),
    With(&'a Wanted),
}

/// `GET /Users?startIndex=&count=&filter=`, or with `cursor` instead of `startIndex`.
fn list(
    connection: &Connection,
    http: &mut impl Http,
    resource: Resource,
    asked: &Asked<'_>,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page, Failure> {
    let mut cursor = match (cursor, connection.paging) {
        (Some(cursor), _) => Cursor::parse(cursor)?,
        (None, Paging::Cursor) => Cursor::by_cursor(),
        (None, Paging::Auto) if Config::of(connection, http).cursors() => Cursor::by_cursor(),
        (None, _) => Cursor::by_index(),
    };
    let count = u64::from(limit).min(connection.page_size);
    if count == 0 {
        return Err(Failure::rejected("a page of no entities was asked for"));
    }
    let search = match asked {
        Asked::Everything => None,
        // Groups then come as they all are; what did not change costs the host a comparison.
        Asked::Since(_) if resource == Resource::Group && connection.profile.has(Quirk::UserDeltas) => None,
        Asked::Since(since) => since::filter(*since),
        Asked::With(wanted) => Some(wanted.filter()),
    };
    let filter = filter::and(connection.filter(resource), search);
    let ((place, at), count_text) = (cursor.parameter(), count.to_string());
    let mut parameters = vec![(place, at.as_str()), ("count", count_text.as_str())];
    parameters.extend(filter.as_deref().map(|filter| ("filter", filter)));
    if resource == Resource::Group {
        parameters.extend(connection.member_attributes.as_deref().map(|attributes| ("membersAdditionalAttributes", attributes)));
    }

    let answer = exchange::get(http, connection.base.list(resource, &parameters), &connection.headers(None))?;
    let mut newest = *cursor.newest.get_or_insert_with(|| {
        let since = if let Asked::Since(since) = asked { Some(*since) } else { None };
        Newest::begin(answer.header("date"), since)
    });
    let mut taken = cursor.take(List::read(&answer.body)?, count)?;
    taken.resources.iter().for_each(|resource| newest.meet(resource.get()));
    if let Some(next) = &mut taken.next {
        next.newest = Some(newest);
    }
    // What a list in doubt may have missed would be missed for ever by a read that begins after it.
    let delta_token = if taken.next.is_none() && !taken.doubted && !matches!(asked, Asked::With(_)) { newest.token() } else { None };
    let mut page = Page { total: taken.total, next: taken.next.map(|next| next.text()), delta_token, ..Page::default() };
    for found in taken.resources {
        if !matches!(asked, Asked::With(wanted) if !wanted.holds(found.get())) {
            page.take(connection, http, resource, found.get())?;
        }
    }
    page.unreadable.extend(taken.doubt.map(|doubt| (None, doubt)));
    Ok(page)
}

fn text(body: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(body).map_err(|_| Failure::rejected("the server's answer is not UTF-8"))
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
