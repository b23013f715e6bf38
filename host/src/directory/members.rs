//! Who is in which group: `members` of groups and, the other way round, `groups` of users. Both stand in one table, so that a group of a hundred thousand members is
//! changed by one row.

use rusqlite::{Connection, params, params_from_iter};
use serde_json::{Value, json};

use super::{
    sql::{Query, joined},
    store::Fault,
};
use crate::scim::{
    Filter, ResourceType, ScimError, ScimType,
    evaluate::fold,
    filter::Operator,
    patch::{Op, Operation},
    schema::Resolved,
};

/// Whether the attribute is one of the two.
pub(super) fn is_link(resolved: &Resolved<'_>, of: &ResourceType) -> bool {
    resolved.extension.is_none()
        && matches!((of.name.as_str(), resolved.attribute.name.as_str()), ("Group", "members") | ("User", "groups"))
}

/// The condition that resource `r` has such a link for which the filter holds.
pub(super) fn exists(filter: Option<&Filter>, resolved: &Resolved<'_>, into: &mut Query) {
    let (own, other) = if resolved.attribute.name == "members" { ("group_seq", "member_seq") } else { ("member_seq", "group_seq") };
    into.push("EXISTS (SELECT 1 FROM member AS l JOIN resource AS o ON o.seq = l.");
    into.push(other);
    into.push(" WHERE l.");
    into.push(own);
    into.push(" = r.seq AND ");
    match filter {
        Some(filter) => holds(filter, resolved.attribute.name == "members", into),
        None => into.push(if resolved.sub.is_some_and(|sub| sub.name == "$ref") { "FALSE" } else { "TRUE" }),
    }
    into.push(")");
}

/// The filter for one link whose other end is `o`.
fn holds(filter: &Filter, members: bool, into: &mut Query) {
    match filter {
        Filter::And(terms) => joined(terms, " AND ", into, |term, into| holds(term, members, into)),
        Filter::Or(terms) => joined(terms, " OR ", into, |term, into| holds(term, members, into)),
        Filter::Not(term) => {
            into.push("NOT (");
            holds(term, members, into);
            into.push(")");
        }
        Filter::Present(path) => match column(&path.name, members) {
            Some((column, _)) => into.push(&format!("(COALESCE({column}, '') <> '')")),
            None => into.push("FALSE"),
        },
        Filter::Within { .. } => into.push("FALSE"),
        Filter::Compare { path, operator: Operator::Ne, value } => {
            let equal = Filter::Compare { path: path.clone(), operator: Operator::Eq, value: value.clone() };
            holds(&Filter::Not(Box::new(equal)), members, into);
        }
        Filter::Compare { path, operator, value } => {
            let (Some((column, exact)), Value::String(text)) = (column(&path.name, members), value) else {
                into.push("FALSE");
                return;
            };
            let (text, column) = if exact { (text.clone(), column.to_owned()) } else { (fold(text), format!("scim_fold({column})")) };
            let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
            let sign = match operator {
                Operator::Eq | Operator::Ne => "=",
                Operator::Gt => ">",
                Operator::Ge => ">=",
                Operator::Lt => "<",
                Operator::Le => "<=",
                Operator::Co => {
                    into.push(&format!("(instr({column}, "));
                    into.bind(text);
                    into.push(") > 0) IS TRUE");
                    return;
                }
                Operator::Sw | Operator::Ew => {
                    let from = if *operator == Operator::Sw { "1".to_owned() } else { format!("max(1, length({column}) - {length} + 1)") };
                    into.push(&format!("(substr({column}, {from}, {length}) = "));
                    into.bind(text);
                    into.push(") IS TRUE");
                    return;
                }
            };
            into.push(&format!("({column} {sign} "));
            into.bind(text);
            into.push(") IS TRUE");
        }
    }
}

/// The expression for an attribute of a link, and whether case counts.
fn column(name: &str, members: bool) -> Option<(&'static str, bool)> {
    match (name.to_ascii_lowercase().as_str(), members) {
        ("value", _) => Some(("o.id", true)),
        ("type", true) => Some(("o.type", false)),
        ("type", false) => Some(("'direct'", false)),
        ("display", _) => Some(("json_extract(o.document, '$.displayName')", false)),
        _ => None,
    }
}

/// The members of a group as its attribute has them.
pub(super) fn of_group(connection: &Connection, group: i64) -> Result<Vec<Value>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT o.id, o.type, json_extract(o.document, '$.displayName') FROM member AS l JOIN resource AS o ON o.seq = l.member_seq
         WHERE l.group_seq = ?1 ORDER BY l.member_seq",
    )?;
    let rows = statement.query_map([group], |row| {
        let (id, kind, display): (String, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(link(&id, &kind, display))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The groups somebody is in.
pub(super) fn of_member(connection: &Connection, member: i64) -> Result<Vec<Value>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT o.id, json_extract(o.document, '$.displayName') FROM member AS l JOIN resource AS o ON o.seq = l.group_seq
         WHERE l.member_seq = ?1 ORDER BY l.group_seq",
    )?;
    let rows = statement.query_map([member], |row| Ok(link(&row.get::<_, String>(0)?, "direct", row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn link(id: &str, kind: &str, display: Option<String>) -> Value {
    let mut link = json!({ "value": id, "type": kind });
    if let Some(display) = display {
        link["display"] = display.into();
    }
    link
}

pub(super) fn count(connection: &Connection, group: i64) -> Result<u64, Fault> {
    let count: i64 = connection.prepare_cached("SELECT count(*) FROM member WHERE group_seq = ?1")?.query_row([group], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// The resources a client's list of members means.
fn seqs(connection: &Connection, members: &Value) -> Result<Vec<i64>, Fault> {
    let invalid = |detail: String| Fault::Scim(ScimError::bad(ScimType::InvalidValue, detail));
    let list: Vec<&Value> = match members {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    let mut find = connection.prepare_cached("SELECT seq FROM resource WHERE id = ?1")?;
    let mut seqs = Vec::with_capacity(list.len());
    for member in list {
        let value = member.as_object().and_then(|object| object.iter().find(|(name, _)| name.eq_ignore_ascii_case("value")));
        let id = value.and_then(|(_, value)| value.as_str()).ok_or_else(|| invalid("a member is an object with the id in value".into()))?;
        let mut rows = find.query([id])?;
        let row = rows.next()?.ok_or_else(|| invalid(format!("there is no resource with the id {id:?} to be a member")))?;
        seqs.push(row.get(0)?);
    }
    seqs.sort_unstable();
    seqs.dedup();
    Ok(seqs)
}

fn add(connection: &Connection, group: i64, seqs: &[i64]) -> Result<usize, Fault> {
    let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO member (group_seq, member_seq) VALUES (?1, ?2)")?;
    seqs.iter().try_fold(0, |changed, seq| Ok(changed + insert.execute(params![group, seq])?))
}

fn remove(connection: &Connection, group: i64, seqs: &[i64]) -> Result<usize, Fault> {
    let mut delete = connection.prepare_cached("DELETE FROM member WHERE group_seq = ?1 AND member_seq = ?2")?;
    seqs.iter().try_fold(0, |changed, seq| Ok(changed + delete.execute(params![group, seq])?))
}

/// These and no others are in the group. Answers how many rows that changed: those that differ.
pub(super) fn set(connection: &Connection, group: i64, members: &Value) -> Result<usize, Fault> {
    let wanted = seqs(connection, members)?;
    let known: Vec<i64> = connection
        .prepare_cached("SELECT member_seq FROM member WHERE group_seq = ?1 ORDER BY member_seq")?
        .query_map([group], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let gone: Vec<i64> = known.iter().filter(|seq| wanted.binary_search(seq).is_err()).copied().collect();
    let new: Vec<i64> = wanted.iter().filter(|seq| known.binary_search(seq).is_err()).copied().collect();
    Ok(remove(connection, group, &gone)? + add(connection, group, &new)?)
}

/// An operation on `members`, by rows and never by the whole list.
pub(super) fn patch(connection: &Connection, group: i64, operation: &Operation) -> Result<usize, Fault> {
    let (filter, sub) = operation.path.as_ref().map_or((None, None), |path| (path.filter.as_ref(), path.sub.as_ref()));
    let value = operation.value.as_ref().unwrap_or(&Value::Null);
    if sub.is_some() || (filter.is_some() && operation.op != Op::Remove) {
        return Err(ScimError::bad(ScimType::Mutability, "a member is added or removed, not changed").into());
    }
    match (operation.op, filter) {
        (Op::Add, _) => add(connection, group, &seqs(connection, value)?),
        (Op::Replace, _) => set(connection, group, value),
        (Op::Remove, None) if value.is_null() => set(connection, group, &Value::Null),
        (Op::Remove, None) => {
            // Who is not there cannot be a member; that is no error.
            let known: Vec<Value> = match value {
                Value::Array(list) => list.clone(),
                one => vec![one.clone()],
            };
            let known: Vec<i64> = known.iter().filter_map(|one| seqs(connection, one).ok()).flatten().collect();
            remove(connection, group, &known)
        }
        (Op::Remove, Some(filter)) => {
            let mut query = Query::new(
                "DELETE FROM member WHERE (group_seq, member_seq) IN (SELECT l.group_seq, l.member_seq FROM member AS l JOIN resource AS o ON o.seq = l.member_seq WHERE l.group_seq = ",
            );
            query.bind(group);
            query.push(" AND ");
            holds(filter, true, &mut query);
            query.push(")");
            Ok(connection.prepare_cached(&query.text)?.execute(params_from_iter(query.parameters))?)
        }
    }
}
