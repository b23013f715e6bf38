//! The memberships of one group, as rows of a table of their own.

use crate::{
    array,
    identifier::quoted,
    session::{Call, Error, Session},
    table::Table,
    wire::Stream,
};
use postgres_protocol::Oid;
use serde_json::Value;

/// A table of memberships that exists. Names are SQL names.
#[derive(Clone, Debug)]
pub struct MembershipTable {
    pub table: String,
    pub group: String,
    pub member: String,
    group_oid: Oid,
    member_oid: Oid,
    members_oid: Oid,
}

impl MembershipTable {
    /// The columns have to be there.
    pub fn of(table: &Table, group: &str, member: &str) -> Result<Self, sdk::Failure> {
        let column = |name: &str| {
            let found = table.columns.iter().find(|column| quoted(&column.name).is_ok_and(|quoted| quoted == name));
            found.ok_or_else(|| {
                sdk::Failure::invalid_settings(format!("the table {} (sql.group.members.table) has no column {name}", table.name))
            })
        };
        let (of_group, of_member) = (column(group)?, column(member)?);
        Ok(Self {
            table: table.name.clone(),
            group: group.to_owned(),
            member: member.to_owned(),
            group_oid: of_group.oid,
            member_oid: of_member.oid,
            members_oid: of_member.array,
        })
    }

    /// The type of a list of members.
    pub fn members_oid(&self) -> Oid {
        self.members_oid
    }

    fn call<S: Stream>(session: &mut Session<S>, text: &str, types: &[Oid], parameters: [&str; 2]) -> Result<Call, Error> {
        let statement = session.prepare(text, types)?;
        Ok(Call { statement, parameters: parameters.iter().map(|text| Some((*text).to_owned())).collect() })
    }

    /// Add those who are not there. No unique constraint is relied upon.
    pub fn add<S: Stream>(&self, session: &mut Session<S>, id: &str, members: &[String]) -> Result<Call, Error> {
        let Self { table, group, member, .. } = self;
        let text = format!(
            "INSERT INTO {table} ({group}, {member}) SELECT $1, m.id FROM unnest($2) AS m (id) \
             WHERE NOT EXISTS (SELECT FROM {table} AS t WHERE t.{group} = $1 AND t.{member} = m.id)"
        );
        let list = array::of_texts(members.iter().map(String::as_str));
        Self::call(session, &text, &[self.group_oid, self.members_oid], [id, &list])
    }

    /// Remove these.
    pub fn remove<S: Stream>(&self, session: &mut Session<S>, id: &str, members: &[String]) -> Result<Call, Error> {
        let text = format!("DELETE FROM {} WHERE {} = $1 AND {} = ANY ($2)", self.table, self.group, self.member);
        let list = array::of_texts(members.iter().map(String::as_str));
        Self::call(session, &text, &[self.group_oid, self.members_oid], [id, &list])
    }

    /// These and no others.
    pub fn replace<S: Stream>(&self, session: &mut Session<S>, id: &str, members: &[String]) -> Result<Vec<Call>, Error> {
        let text = format!("DELETE FROM {} WHERE {} = $1 AND NOT {} = ANY ($2)", self.table, self.group, self.member);
        let list = array::of_texts(members.iter().map(String::as_str));
        let others = Self::call(session, &text, &[self.group_oid, self.members_oid], [id, &list])?;
        Ok(if members.is_empty() { vec![others] } else { vec![others, self.add(session, id, members)?] })
    }

    /// The ids of the members of a group.
    pub fn members<S: Stream>(&self, session: &mut Session<S>, id: &str) -> Result<Call, Error> {
        let Self { table, group, member, .. } = self;
        let statement =
            session.prepare(&format!("SELECT {member} FROM {table} WHERE {group} = $1 ORDER BY {member}"), &[self.group_oid])?;
        Ok(Call { statement, parameters: vec![Some(id.to_owned())] })
    }

    /// All memberships of a group.
    pub fn of_group<S: Stream>(&self, session: &mut Session<S>, id: &str) -> Result<Call, Error> {
        let statement = session.prepare(&format!("DELETE FROM {} WHERE {} = $1", self.table, self.group), &[self.group_oid])?;
        Ok(Call { statement, parameters: vec![Some(id.to_owned())] })
    }

    /// All memberships somebody has.
    pub fn of_member<S: Stream>(&self, session: &mut Session<S>, id: &str) -> Result<Call, Error> {
        let statement = session.prepare(&format!("DELETE FROM {} WHERE {} = $1", self.table, self.member), &[self.member_oid])?;
        Ok(Call { statement, parameters: vec![Some(id.to_owned())] })
    }
}

/// The ids of a document's `members`, each once: objects with a `value`, or the ids themselves. A document without members is one of an empty group.
pub fn ids(document: &Value) -> Result<Vec<String>, String> {
    let list = match document.get("members") {
        None | Some(Value::Null) => return Ok(vec![]),
        Some(Value::Array(list)) => list,
        Some(_) => return Err("members is not a list".into()),
    };
    let mut ids: Vec<String> = Vec::with_capacity(list.len());
    for member in list {
        ids.push(match member.get("value").unwrap_or(member) {
            Value::String(id) => id.clone(),
            Value::Number(id) => id.to_string(),
            _ => return Err("a member has no value".into()),
        });
    }
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    Ok(ids)
}
