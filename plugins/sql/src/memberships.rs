//! The members of groups, from a query of their own.

use crate::{
    array,
    session::{Call, Row, Session, Statement},
    types::Type,
    value::{write_json, write_text},
    wire::Stream,
};
use sdk::Failure;
use std::{collections::HashMap, rc::Rc};

/// Group key -> the members as JSON objects, or why one cannot be read.
pub type Members = HashMap<String, Vec<Result<String, String>>>;

/// The columns every such query has.
const GROUP: &str = "group_id";
const VALUE: &str = "value";

/// The query for the members of some groups.
pub fn prepare<S: Stream>(session: &mut Session<S>, members: &str) -> Result<Rc<Statement>, Failure> {
    let text = format!("SELECT m.* FROM ({members}\n) AS m WHERE m.\"{GROUP}\" = ANY ($1) ORDER BY m.\"{GROUP}\", m.\"{VALUE}\"");
    session
        .prepare(&text, &[])
        .map_err(|error| error.failure("reading the members of groups (sql.group.members.query, with the columns group_id and value)"))
}

/// The members of these groups. Every column but the group's is an attribute of the member.
pub fn read<S: Stream>(session: &mut Session<S>, members: &str, keys: &[&str]) -> Result<Members, Failure> {
    let statement = prepare(session, members)?;
    let what = "reading the members of groups";
    let place = |name: &str| statement.columns.iter().position(|column| column.name == name).unwrap_or(usize::MAX);
    let (group, value) = (place(GROUP), place(VALUE));
    let mut columns = Vec::new();
    for (number, column) in statement.columns.iter().enumerate().filter(|(number, _)| *number != group) {
        let kind = session.type_of(column.oid).map_err(|error| error.failure(what))?;
        columns.push((number, column.name.clone(), kind));
    }
    let parameters = vec![Some(array::of_texts(keys.iter().copied()))];
    let answer = session.one(Call { statement: statement.clone(), parameters }).map_err(|error| error.failure(what))?;
    let mut found = Members::new();
    for row in &answer.rows {
        let Some(key) = row.text(group)? else { continue };
        let member = if row.bytes(value).is_some() { member(&columns, row) } else { Err("a member has no value".to_owned()) };
        found.entry(key.to_owned()).or_default().push(member);
    }
    Ok(found)
}

/// A member's object. Its `value` is text, as the ids of entities are.
fn member(columns: &[(usize, String, Type)], row: &Row) -> Result<String, String> {
    let mut out = String::from("{");
    for (number, name, kind) in columns {
        if out.len() > 1 {
            out.push(',');
        }
        write_text(name, &mut out);
        out.push(':');
        match row.text(*number).map_err(|failure| failure.message)? {
            Some(text) if name == VALUE => write_text(text, &mut out),
            Some(text) => write_json(kind, text, &mut out)?,
            None => out.push_str("null"),
        }
    }
    out.push('}');
    Ok(out)
}
