//! Reading page by page, in the order of the key, all of it in one snapshot.
//!
//! A page is `WHERE key > last ORDER BY key LIMIT n + 1`: who is there all the time is met exactly once, whoever else comes and goes. All pages of one read are in one transaction (REPEATABLE READ,
//! READ ONLY), so they show the database at one moment. Where that transaction is lost, the read goes on in another one and says so in the page: the host then deletes nothing.

use crate::{
    connection::{Door, Link},
    cursor::Cursor,
    document::Shape,
    entity::EntityType,
    memberships::{self, Members},
    session::{Answer, Call, Row},
    since::Stamp,
    single,
    source::{Queried, Queries},
};
use sdk::{AttributeValue, Entity, Failure, Kind};

/// The part of the entities that is asked for.
#[derive(Debug)]
pub enum Scope {
    All,
    ChangedSince(String),
    ById(String),
    ByAttributes(Vec<AttributeValue>),
}

/// A page of entities.
#[derive(Debug, Default)]
pub struct Page {
    pub entities: Vec<Entity>,
    pub unreadable: Vec<(Option<String>, Failure)>,
    pub deleted: Vec<String>,
    pub next: Option<String>,
    pub delta_token: Option<String>,
    pub total: Option<u64>,
    /// For the log.
    pub warnings: Vec<String>,
}

/// The most tombstones a delta read takes; with more, everything is read.
const MAX_TOMBSTONES: usize = 100_000;

/// A source that was opened.
pub struct Source<D: Door> {
    queries: Queries,
    /// For lists, which keep a transaction open from the first page to the last.
    lists: Link<D>,
    /// For single entities, which may be asked for in between.
    pub(crate) singles: Link<D>,
    /// The transaction that is open on `lists`.
    snapshot: Option<String>,
}

/// What a list needs besides its query.
struct Listed<'q> {
    queried: &'q Queried,
    shape: Shape,
    stamp: Option<Stamp>,
    /// The token and the overlap of a delta read.
    since: Option<[Option<String>; 2]>,
}

impl<D: Door + Clone> Source<D> {
    pub fn new(door: D, connection: crate::connection::Connection, queries: Queries) -> Self {
        let (lists, singles) = (Link::new(door.clone(), connection.clone()), Link::new(door, connection));
        Self { queries, lists, singles, snapshot: None }
    }

    /// One line about the server; every query is prepared, so that what is wrong with it is seen.
    pub fn probe(&mut self) -> Result<String, Failure> {
        let version = crate::probe::version(self.singles.session()?)?;
        let mut parts = vec![version];
        for entity_type in EntityType::ALL {
            let Some(queried) = self.queries.of(entity_type) else { continue };
            shape(&mut self.singles, queried)?;
            if let Some(members) = &queried.members {
                memberships::prepare(self.singles.session()?, members)?;
            }
            parts.push(format!("{}s can be queried", entity_type.name()));
        }
        Ok(parts.join(", "))
    }

    pub fn page(&mut self, entity_type: EntityType, scope: &Scope, cursor: Option<&str>, limit: u32) -> Result<Page, Failure> {
        // What is not configured is not there; the host takes an empty source for no proof of anything.
        let Some(queried) = self.queries.of(entity_type).cloned() else { return Ok(Page::default()) };
        let limit = limit.max(1) as usize;
        match scope {
            Scope::ById(id) => self.by_values(&queried, &[(queried.key.clone(), serde_json::Value::from(id.as_str()))], 1),
            Scope::ByAttributes(attributes) => {
                let values: Result<Vec<_>, Failure> = attributes.iter().map(single::wanted).collect();
                self.by_values(&queried, &values?, limit)
            }
            Scope::All => self.list(&queried, None, cursor, limit),
            Scope::ChangedSince(token) => self.list(&queried, Some(token), cursor, limit),
        }
    }

    /// A page of a list; whatever goes wrong ends the transaction.
    fn list(&mut self, queried: &Queried, since: Option<&str>, cursor: Option<&str>, limit: usize) -> Result<Page, Failure> {
        let page = self.list_page(queried, since, cursor, limit);
        if !page.as_ref().is_ok_and(|page| page.next.is_some()) {
            self.end();
        }
        page
    }

    /// Give the transaction back. Nothing was written in it, so it does not matter how it ends.
    fn end(&mut self) {
        self.snapshot = None;
        if self.lists.is_open() {
            let ended = self.lists.session().is_ok_and(|session| !session.in_transaction() || session.simple("ROLLBACK").is_ok());
            if !ended {
                self.lists.close();
            }
        }
    }

    fn begin(&mut self) -> Result<String, Failure> {
        self.end();
        let what = "beginning to read";
        let session = self.lists.session()?;
        session.tidy().map_err(|error| error.failure(what))?;
        session.simple("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").map_err(|error| error.failure(what))?;
        let text = "SELECT pg_backend_pid()::text || ' ' || extract(epoch FROM clock_timestamp())::text";
        let answer = session.prepare(text, &[]).and_then(|statement| session.one(Call { statement, parameters: vec![] }));
        let answer = answer.map_err(|error| error.failure(what))?;
        let id = answer.rows.first().map(|row| row.text(0)).transpose()?.flatten().unwrap_or_default().to_owned();
        self.snapshot = Some(id.clone());
        Ok(id)
    }

    fn list_page(&mut self, queried: &Queried, since: Option<&str>, cursor: Option<&str>, limit: usize) -> Result<Page, Failure> {
        let mut page = Page::default();
        let cursor = cursor.map(Cursor::parse).transpose()?;
        let goes_on = cursor.as_ref().is_some_and(|cursor| self.lists.is_open() && self.snapshot.as_ref() == Some(&cursor.snapshot));
        let snapshot = match &cursor {
            Some(cursor) if goes_on => cursor.snapshot.clone(),
            _ => self.begin()?,
        };
        let shape = shape(&mut self.lists, queried)?;
        let stamp = shape.stamp;
        if since.is_some() && stamp.is_none() {
            return Err(Failure::new(Kind::Conflict, "there is no change column to read changes by"));
        }
        if let (Some(since), Some(stamp)) = (since, stamp) {
            stamp.takes(since)?;
        }
        let since = since.map(|token| [Some(token.to_owned()), Some(self.queries.overlap.to_string())]);
        let listed = Listed { queried, shape: shape.shape, stamp, since };
        let place = match cursor {
            None => {
                let begun = self.first(&listed, &mut page)?;
                Cursor { snapshot, ..begun }
            }
            Some(cursor) if goes_on => cursor,
            Some(cursor) => {
                page.unreadable.push((None, Failure::new(Kind::Conflict, format!(
                    "{}: the connection was lost in the middle of the read; it went on where it was, in a newer state of the database, so nothing is proved gone",
                    queried.what()
                ))));
                Cursor { snapshot, token: None, ..cursor }
            }
        };
        let last = place.key.as_deref();
        let mut rows = self.rows(&listed, last, limit)?;
        let more = rows.len() > limit;
        check_keys(&listed, last, &rows)?;
        rows.truncate(limit);
        page.total = place.total;
        if more {
            let key = rows.last().map(|row| row.text(listed.shape.key)).transpose()?.flatten().map(str::to_owned);
            page.next = Some(Cursor { key, ..place }.text());
        } else {
            page.delta_token = place.token;
        }
        self.fill(&listed, &rows, &mut page)?;
        Ok(page)
    }

    /// What is found out once, before the first page: how many there are, whether the keys are ones, where the next delta read begins, and what was deleted.
    fn first(&mut self, listed: &Listed<'_>, page: &mut Page) -> Result<Cursor, Failure> {
        let Listed { queried, shape, stamp, since } = listed;
        let change = queried.change.as_deref().map(|name| queried.column(name));
        let change_name = queried.change.as_deref().unwrap_or_default();
        let (counted, token) = match (&change, stamp) {
            (Some(column), Some(stamp)) => (format!("count({column})"), stamp.token(column)),
            _ => ("count(*)".to_owned(), "NULL".to_owned()),
        };
        let changed = match (&change, stamp, since) {
            (Some(column), Some(stamp), Some(_)) => format!(" WHERE {}", stamp.condition(column)),
            _ => String::new(),
        };
        let alive = alive(queried, shape).map_or_else(|| "count(*)".to_owned(), |alive| format!("count(*) FILTER (WHERE {alive})"));
        let key = queried.column(&queried.key);
        let text = format!("SELECT count(*), count({key}), {counted}, {alive}, {token} FROM {}{changed}", queried.table());
        let answer = self.ask(queried, &text, since.as_ref().map_or(&[], |since| &since[..]))?;
        let row = answer.rows.first().ok_or_else(|| Failure::unavailable("a count was not answered"))?;
        let number = |column: usize| -> Result<u64, Failure> { Ok(row.text(column)?.and_then(|text| text.parse().ok()).unwrap_or(0)) };
        let (all, keys, stamped, alive) = (number(0)?, number(1)?, number(2)?, number(3)?);
        if keys < all {
            return Err(Failure::rejected(format!("{}: {} rows have no {}", queried.what(), all - keys, queried.key)));
        }
        let mut token = row.text(4)?.map(str::to_owned).or_else(|| since.as_ref().and_then(|since| since[0].clone()));
        if let (Some(_), None) = (&change, since)
            && stamped < all
        {
            page.warnings.push(format!(
                "{}: {} rows have no {change_name}, so changes cannot be read next time",
                queried.what(),
                all - stamped
            ));
            token = None;
        }
        if let (Some(column), Some(_)) = (&change, since) {
            let unstamped = self.ask(queried, &format!("SELECT EXISTS (SELECT FROM {} WHERE {column} IS NULL)", queried.table()), &[])?;
            if unstamped.rows.first().is_some_and(|row| row.bytes(0) == Some(b"t")) {
                return Err(Failure::new(Kind::Conflict, format!("{}: there are rows without {change_name}", queried.what())));
            }
        }
        if let (Some(tombstones), Some(stamp), Some(since), Some(change)) = (&queried.tombstones, stamp, since, &queried.change) {
            page.deleted = self.tombstones(queried, tombstones, *stamp, change, since)?;
        }
        let total = since.is_none().then_some(alive);
        Ok(Cursor { snapshot: String::new(), key: None, token, total })
    }

    /// The keys of entities that were deleted; one that is there again is not.
    fn tombstones(
        &mut self,
        queried: &Queried,
        tombstones: &str,
        stamp: Stamp,
        change: &str,
        since: &[Option<String>],
    ) -> Result<Vec<String>, Failure> {
        let key = crate::identifier::quoted(&queried.key)?;
        let condition = stamp.condition(&format!("d.{}", crate::identifier::quoted(change)?));
        let text = format!(
            "SELECT DISTINCT d.{key} FROM ({tombstones}\n) AS d WHERE {condition} AND NOT EXISTS (SELECT FROM {} WHERE q.{key} = d.{key}) LIMIT {}",
            queried.table(),
            MAX_TOMBSTONES + 1
        );
        let answer = self.ask(queried, &text, since)?;
        if answer.rows.len() > MAX_TOMBSTONES {
            return Err(Failure::new(Kind::Conflict, format!("{}: more than {MAX_TOMBSTONES} were deleted", queried.what())));
        }
        let ids: Result<Vec<_>, Failure> = answer.rows.iter().map(|row| Ok(row.text(0)?.map(str::to_owned))).collect();
        Ok(ids?.into_iter().flatten().collect())
    }

    /// The rows behind `last`, one more than the page takes.
    fn rows(&mut self, listed: &Listed<'_>, last: Option<&str>, limit: usize) -> Result<Vec<Row>, Failure> {
        let Listed { queried, shape, stamp, since } = listed;
        let mut conditions = Vec::new();
        let mut parameters: Vec<Option<String>> = Vec::new();
        match (since, stamp, &queried.change) {
            (Some(since), Some(stamp), Some(change)) => {
                conditions.push(stamp.condition(&queried.column(change)));
                parameters.extend(since.iter().cloned());
            }
            _ => conditions.extend(alive(queried, shape)),
        }
        let key = queried.column(&queried.key);
        if let Some(last) = last {
            parameters.push(Some(last.to_owned()));
            conditions.push(format!("{key} > ${}", parameters.len()));
        }
        let conditions = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        let text = format!("SELECT q.* FROM {}{conditions} ORDER BY {key} LIMIT {}", queried.table(), limit + 1);
        let answer = self.ask(queried, &text, &parameters)?;
        if answer.rows.len() > limit + 1 {
            return Err(Failure::unavailable(format!("{}: the server sent more rows than were asked for", queried.what())));
        }
        Ok(answer.rows)
    }

    /// Rows into entities, groups with their members, tombstones apart.
    fn fill(&mut self, listed: &Listed<'_>, rows: &[Row], page: &mut Page) -> Result<(), Failure> {
        let (mut alive, mut keys) = (Vec::new(), Vec::new());
        for row in rows {
            let key = row.text(listed.shape.key)?.unwrap_or_default();
            if listed.shape.is_deleted(row) {
                page.deleted.push(key.to_owned());
            } else {
                alive.push(row);
                keys.push(key);
            }
        }
        let members = match &listed.queried.members {
            Some(members) if !keys.is_empty() => Some(memberships::read(self.lists.session()?, members, &keys)?),
            _ => None,
        };
        entities(&listed.shape, &alive, &keys, members.as_ref(), page);
        Ok(())
    }

    fn ask(&mut self, queried: &Queried, text: &str, parameters: &[Option<String>]) -> Result<Answer, Failure> {
        let session = self.lists.session()?;
        let answer = session.prepare(text, &[]).and_then(|statement| session.one(Call { statement, parameters: parameters.to_vec() }));
        answer.map_err(|error| error.failure(&queried.what()))
    }
}

/// The condition under which a row is not deleted, where there is a column for it.
pub(crate) fn alive(queried: &Queried, shape: &Shape) -> Option<String> {
    let column = queried.column(queried.deleted.as_deref()?);
    Some(if shape.deleted_is_boolean() { format!("{column} IS NOT TRUE") } else { format!("{column} IS NULL") })
}

/// Every key is there, and another one than the one before it. The order itself is the server's: only it knows its collations.
fn check_keys(listed: &Listed<'_>, last: Option<&str>, rows: &[Row]) -> Result<(), Failure> {
    let mut before = last;
    for row in rows {
        let Some(key) = row.text(listed.shape.key)? else {
            return Err(Failure::rejected(format!("{}: a row has no {}", listed.queried.what(), listed.queried.key)));
        };
        if before == Some(key) {
            return Err(Failure::rejected(format!(
                "{}: two rows have the {} {key:?}; it must be unique, or pages would lose one of them",
                listed.queried.what(),
                listed.queried.key
            )));
        }
        before = Some(key);
    }
    Ok(())
}

pub(crate) struct Shaped {
    pub shape: Shape,
    stamp: Option<Stamp>,
}

pub(crate) fn shape<D: Door>(link: &mut Link<D>, queried: &Queried) -> Result<Shaped, Failure> {
    let session = link.session()?;
    let text = format!("SELECT q.* FROM {}", queried.table());
    let statement = session.prepare(&text, &[]).map_err(|error| error.failure(&queried.what()))?;
    if !statement.parameters.is_empty() {
        return Err(Failure::invalid_settings(format!("{}: the query has parameters, which nobody sets", queried.what())));
    }
    let shape = Shape::of(session, &statement.columns, queried)?;
    let column = statement.columns.iter().find(|column| Some(&column.name) == queried.change.as_ref());
    let stamp = column.map(|column| Stamp::of(column.oid, queried)).transpose()?;
    Ok(Shaped { shape, stamp })
}

pub(crate) fn entities(shape: &Shape, rows: &[&Row], keys: &[&str], members: Option<&Members>, page: &mut Page) {
    for (row, key) in rows.iter().zip(keys) {
        let document = shape.open_document(row).and_then(|mut document| {
            if let Some(members) = members {
                let of_group: Result<Vec<&String>, &String> = members.get(*key).into_iter().flatten().map(Result::as_ref).collect();
                let of_group = of_group.map_err(Clone::clone)?;
                document.push_str(",\"members\":[");
                document.push_str(&of_group.iter().map(|member| member.as_str()).collect::<Vec<_>>().join(","));
                document.push(']');
            }
            document.push('}');
            Ok(document)
        });
        match document {
            Ok(document) => page.entities.push(Entity { id: (*key).to_owned(), document }),
            Err(why) => page.unreadable.push((Some((*key).to_owned()), Failure::rejected(why))),
        }
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
