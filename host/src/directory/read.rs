//! Queries: one resource, a page of them.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::{members, sql, sql::Query, store::Fault};
use crate::scim::{List, Listed, Page, Projection, Resource, ResourceType, ScimError, ScimType};

/// The most members a page of groups holds; once it has as many, the page ends. A single group is always answered whole.
const MEMBERS_OF_A_PAGE: usize = 100_000;

const COLUMNS: &str = "r.seq, r.id, r.document, r.created, r.modified, r.version";

/// A row, on its way to becoming a resource.
pub(super) struct Stored {
    pub seq: i64,
    pub id: String,
    pub document: Map<String, Value>,
    pub created: i64,
    pub modified: i64,
    pub version: i64,
}

impl Stored {
    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let document: String = row.get(2)?;
        // What was written here is read here; a file that somebody edited has an empty document rather than no answer.
        let document = serde_json::from_str(&document).unwrap_or_default();
        Ok(Self { seq: row.get(0)?, id: row.get(1)?, document, created: row.get(3)?, modified: row.get(4)?, version: row.get(5)? })
    }

    pub(super) fn tag(&self) -> String {
        tag(self.version)
    }

    /// The resource as clients see it.
    pub(super) fn resource(self, connection: &Connection, of: &ResourceType, projection: &Projection) -> Result<Resource, Fault> {
        let mut resource = self.document;
        let link = if of.name == "Group" { "members" } else { "groups" };
        if !projection.leaves_out(link) {
            let links =
                if of.name == "Group" { members::of_group(connection, self.seq)? } else { members::of_member(connection, self.seq)? };
            if !links.is_empty() {
                resource.insert(link.into(), Value::Array(links));
            }
        }
        resource.insert("id".into(), self.id.into());
        resource.insert(
            "meta".into(),
            json!({
                "resourceType": of.name, "created": moment(self.created), "lastModified": moment(self.modified), "version": tag(self.version),
            }),
        );
        Ok(resource)
    }
}

fn tag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// Milliseconds since 1970 as SCIM writes them, always with three digits of a second: some clients compare them as text.
fn moment(milliseconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z", time.hour(), time.minute(), time.second(), time.millisecond())
}

pub(super) fn find(connection: &Connection, of: &ResourceType, id: &str) -> Result<Stored, Fault> {
    let text = format!("SELECT {COLUMNS} FROM resource AS r WHERE r.id = ?1 AND r.type = ?2");
    let found = connection.prepare_cached(&text)?.query_row(params![id, of.name], Stored::of_row).optional()?;
    found.ok_or_else(|| ScimError::not_found(&of.name, id).into())
}

pub(super) fn get(connection: &Connection, of: &ResourceType, id: &str, projection: &Projection) -> Result<Resource, Fault> {
    find(connection, of, id)?.resource(connection, of, projection)
}

/// Where the next page of a list begins.
#[derive(Clone, Copy)]
enum Cursor {
    /// Behind this resource: what comes and goes meanwhile disturbs nothing.
    After(i64),
    /// Of a sorted list.
    Offset(u64),
}

/// Stands for the filter and the order: a cursor is of one list only.
fn fingerprint(list: &List) -> String {
    let mut hasher = Sha256::new();
    hasher.update(&list.of.name);
    hasher.update([0]);
    hasher.update(list.filter.as_ref().map(ToString::to_string).unwrap_or_default());
    hasher.update([0]);
    if let Some(sort) = &list.sort {
        hasher.update(format!("{} {}", sort.by, sort.descending));
    }
    BASE64_URL_SAFE_NO_PAD.encode(&hasher.finalize()[..9])
}

impl Cursor {
    fn text(self, list: &List) -> String {
        let (kind, number) = match self {
            Self::After(seq) => ("a", seq.to_string()),
            Self::Offset(offset) => ("o", offset.to_string()),
        };
        BASE64_URL_SAFE_NO_PAD.encode(format!("{kind}{}.{number}", fingerprint(list)))
    }

    fn parse(text: &str, list: &List) -> Result<Self, ScimError> {
        let wrong = || ScimError::bad(ScimType::InvalidCursor, "this cursor is none of this list; begin again with an empty one");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        let text = String::from_utf8(bytes).map_err(|_| wrong())?;
        let (head, number) = text.split_once('.').ok_or_else(wrong)?;
        match head.split_at_checked(1) {
            Some(("a", of)) if of == fingerprint(list) && list.sort.is_none() => Ok(Self::After(number.parse().map_err(|_| wrong())?)),
            Some(("o", of)) if of == fingerprint(list) && list.sort.is_some() => Ok(Self::Offset(number.parse().map_err(|_| wrong())?)),
            _ => Err(wrong()),
        }
    }
}

pub(super) fn list(connection: &Connection, list: &List) -> Result<Listed, Fault> {
    let of = &*list.of;
    let condition = |query: &mut Query| {
        query.push(" FROM resource AS r WHERE r.type = ");
        query.bind(of.name.clone());
        if let Some(filter) = &list.filter {
            query.push(" AND ");
            sql::condition(filter, of, query);
        }
    };
    let mut counting = Query::new("SELECT count(*)");
    condition(&mut counting);
    let total: i64 = connection.prepare_cached(&counting.text)?.query_row(params_from_iter(counting.parameters), |row| row.get(0))?;
    let total = u64::try_from(total).unwrap_or_default();
    let count = list.page.count();
    let cursor = match &list.page {
        Page::Cursor { cursor: Some(text), .. } => Some(Cursor::parse(text, list)?),
        _ => None,
    };
    if count == 0 {
        return Ok(Listed { total, ..Listed::default() });
    }
    let offset = match (&list.page, cursor) {
        (Page::Index { start, .. }, _) => start - 1,
        (_, Some(Cursor::Offset(offset))) => offset,
        _ => 0,
    };
    let mut query = Query::new(&format!("SELECT {COLUMNS}"));
    condition(&mut query);
    if let Some(Cursor::After(seq)) = cursor {
        query.push(" AND r.seq > ");
        query.bind(seq);
    }
    sql::order(list.sort.as_ref(), of, &mut query);
    query.push(" LIMIT ");
    // One more tells whether there is another page.
    query.bind(i64::try_from(count.saturating_add(1)).unwrap_or(i64::MAX));
    query.push(" OFFSET ");
    query.bind(i64::try_from(offset).unwrap_or(i64::MAX));
    let mut statement = connection.prepare_cached(&query.text)?;
    let mut rows = statement.query(params_from_iter(query.parameters))?;
    let (mut resources, mut count_of_members, mut behind, mut another) = (Vec::new(), 0, 0, false);
    while let Some(row) = rows.next()? {
        if resources.len() as u64 >= count || count_of_members >= MEMBERS_OF_A_PAGE {
            another = true;
            break;
        }
        let stored = Stored::of_row(row)?;
        behind = stored.seq;
        let resource = stored.resource(connection, of, &list.projection)?;
        count_of_members += resource.get("members").and_then(Value::as_array).map_or(0, Vec::len);
        resources.push(resource);
    }
    let next = match &list.page {
        Page::Cursor { .. } if another && list.sort.is_some() => Some(Cursor::Offset(offset + resources.len() as u64).text(list)),
        Page::Cursor { .. } if another => Some(Cursor::After(behind).text(list)),
        _ => None,
    };
    Ok(Listed { resources, total, items: None, next })
}
