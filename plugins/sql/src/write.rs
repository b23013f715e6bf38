//! The target's changes: each becomes statements, and the statements of a call go out together.

use crate::{
    connection::{Door, Link},
    entity::EntityType,
    identifier::quoted,
    membership::{self, MembershipTable},
    named::{Named, Parameter},
    session::{Call, Error, Session},
    table::{Assigned, Table},
    target::{Memberships, Targets, Written},
    update::{Update, differences},
    value::parameter,
    wire::Stream,
    work::{self, Then, Work},
};
use sdk::{Failure, Kind};
use serde_json::Value;
use std::{collections::HashMap, rc::Rc};

/// What is to happen to one entity. Documents are JSON text.
#[derive(Clone, Debug)]
pub enum Action {
    Create { document: String },
    Update { id: String, document: String },
    Members { id: String, added: Vec<String>, removed: Vec<String> },
    Delete { id: String },
}

/// The id, or a failure.
pub type Outcome = Result<String, Failure>;

/// A target that was opened.
pub struct Target<D: Door> {
    pub(crate) link: Link<D>,
    pub(crate) targets: Targets,
    pub(crate) tables: HashMap<String, Rc<Table>>,
}

/// A change, as far as it is planned.
enum Plan {
    Work(Work),
    /// An update of which the columns that differ are still to be found out.
    Update(Update),
}

impl<D: Door> Target<D> {
    pub fn new(door: D, connection: crate::connection::Connection, targets: Targets) -> Self {
        Self { link: Link::new(door, connection), targets, tables: HashMap::new() }
    }

    /// One line about the server; tables are looked up and statements prepared, so that what is wrong with them is seen.
    pub fn probe(&mut self) -> Result<String, Failure> {
        let mut parts = vec![crate::probe::version(self.link.session()?)?];
        for entity_type in EntityType::ALL {
            let written = self.targets.of(entity_type).clone();
            if !written.is_configured() {
                continue;
            }
            if let Some(table) = self.table(&written)? {
                table.expect(&written.key)?;
                for (column, _) in &written.columns {
                    table.expect(column)?;
                }
            }
            for named in [&written.create, &written.update, &written.delete, &written.find].into_iter().flatten() {
                prepared(self.link.session()?, named)
                    .map_err(|error| error.failure(&format!("preparing the statements for {}s", entity_type.name())))?;
            }
            match &written.memberships {
                Some(Memberships::Statements { list, add, remove }) => {
                    for named in [list, add, remove] {
                        prepared(self.link.session()?, named).map_err(|error| error.failure("preparing the statements for members"))?;
                    }
                }
                Some(Memberships::Table { .. }) => _ = self.memberships(&written)?,
                None => {}
            }
            parts.push(format!("{}s can be written", entity_type.name()));
        }
        Ok(parts.join(", "))
    }

    /// Carry out the changes and answer one outcome for each, in order. A change whose entity type is unknown carries the failure that says so.
    pub fn write(&mut self, changes: Vec<(Result<EntityType, Failure>, Action)>) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = changes.iter().map(|_| None).collect();
        let (mut works, mut updates) = (Vec::new(), Vec::new());
        let what = "beginning to write";
        let mut away = self.link.session().and_then(|session| session.tidy().map_err(|error| error.failure(what))).err();
        let mut types = Vec::with_capacity(changes.len());
        for (index, (entity_type, action)) in changes.into_iter().enumerate() {
            types.push(entity_type.clone().ok());
            let planned = match &away {
                Some(failure) => Err(failure.clone()),
                None => entity_type.and_then(|entity_type| self.plan(index, entity_type, action)),
            };
            match planned {
                Ok(Plan::Work(work)) => works.push(work),
                Ok(Plan::Update(update)) => updates.push(update),
                Err(failure) => {
                    // Nothing more is tried once the session is gone.
                    if away.is_none() && !self.link.is_open() {
                        away = Some(failure.clone());
                    }
                    outcomes[index] = Some(Err(failure));
                }
            }
        }
        if away.is_none()
            && let Ok(session) = self.link.session()
        {
            for (index, planned) in differences(session, updates) {
                match planned {
                    Ok(work) => works.push(work),
                    Err(failure) => outcomes[index] = Some(Err(failure)),
                }
            }
            let done = if session.is_lost() { vec![] } else { work::carry_out(session, &works) };
            for (work, outcome) in works.iter().zip(done) {
                outcomes[work.index] = Some(outcome);
            }
        }
        for work in &works {
            if let (Some(members), Some(Ok(id)), Some(entity_type)) =
                (&work.members, outcomes[work.index].clone(), types.get(work.index).copied().flatten())
                && let Err(failure) = self.set_members(entity_type, &id, members)
            {
                outcomes[work.index] = Some(Err(failure));
            }
        }
        let gone = away.unwrap_or_else(|| Failure::unavailable("the connection to the database was lost before this was tried"));
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Err(gone.clone()))).collect()
    }

    /// The table of an entity type, if it has one.
    pub(crate) fn table(&mut self, written: &Written) -> Result<Option<Rc<Table>>, Failure> {
        let Some(name) = &written.table else { return Ok(None) };
        self.looked_up(name, &format!("sql.{}.table", written.entity_type.name())).map(Some)
    }

    fn looked_up(&mut self, name: &str, property: &str) -> Result<Rc<Table>, Failure> {
        if let Some(table) = self.tables.get(name) {
            return Ok(table.clone());
        }
        let table = Rc::new(Table::look_up(self.link.session()?, name, property)?);
        self.tables.insert(name.to_owned(), table.clone());
        Ok(table)
    }

    pub(crate) fn memberships(&mut self, written: &Written) -> Result<Option<MembershipTable>, Failure> {
        match &written.memberships {
            Some(Memberships::Table { table, group, member }) => {
                let table = self.looked_up(table, "sql.group.members.table")?;
                MembershipTable::of(&table, group, member).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn plan(&mut self, index: usize, entity_type: EntityType, action: Action) -> Result<Plan, Failure> {
        let written = self.targets.of(entity_type).clone();
        let verb = match action {
            Action::Create { .. } => "creating",
            Action::Update { .. } => "updating",
            Action::Members { .. } => "changing the members of",
            Action::Delete { .. } => "deleting",
        };
        let what = format!("{verb} a {}", entity_type.name());
        if written.roles {
            return self.plan_role(index, what, entity_type, action).map(Plan::Work);
        }
        let unsupported = |property: &str| {
            Failure::new(Kind::Unsupported, format!("{what}: set sql.{}.table or {property} to say how", entity_type.name()))
        };
        match action {
            Action::Create { document } => {
                let document = parsed(&document)?;
                let members = members_of(&written, &document)?;
                if let Some(named) = &written.create {
                    let mut work = self.named(index, what, named, None, &document, Then::Created)?;
                    work.members = members;
                    return Ok(Plan::Work(work));
                }
                let table = self.table(&written)?.ok_or_else(|| unsupported(&format!("sql.{}.create", entity_type.name())))?;
                self.insert(index, what, &written, &table, &document, members).map(Plan::Work)
            }
            Action::Update { id, document } => {
                let document = parsed(&document)?;
                let members = members_of(&written, &document)?;
                if let Some(named) = &written.update {
                    let mut work = self.named(index, what, named, Some(&id), &document, Then::Changed { at: 0, id: id.clone() })?;
                    work.members = members;
                    return Ok(Plan::Work(work));
                }
                let table = self.table(&written)?.ok_or_else(|| unsupported(&format!("sql.{}.update", entity_type.name())))?;
                let assigned = table.assigned(&written, &document)?;
                table.expect(&written.key)?;
                let (calls, members_after) = match (members, self.memberships(&written)?) {
                    (Some(members), Some(memberships)) => {
                        let replace = memberships.replace(self.link.session()?, &id, &members);
                        (replace.map_err(|error| error.failure(&what))?, None)
                    }
                    (members, _) => (vec![], members),
                };
                // A document without a value for the key keeps it.
                let assigned =
                    assigned.into_iter().filter(|assigned| assigned.column.name != written.key || assigned.text.is_some()).collect();
                let key = written.key_column();
                Ok(Plan::Update(Update { index, what, id, table, key, assigned, members: calls, members_after }))
            }
            Action::Members { id, added, removed } => self.change_members(index, what, &written, id, &added, &removed).map(Plan::Work),
            Action::Delete { id } => {
                if let Some(named) = &written.delete {
                    return self
                        .named(index, what, named, Some(&id), &Value::Null, Then::Changed { at: 0, id: id.clone() })
                        .map(Plan::Work);
                }
                let table = self.table(&written)?.ok_or_else(|| unsupported(&format!("sql.{}.delete", entity_type.name())))?;
                let group = self.targets.of(EntityType::Group).clone();
                let memberships = self.memberships(&group)?;
                let session = self.link.session()?;
                let mut calls = Vec::new();
                if let Some(memberships) = memberships {
                    let own = match entity_type {
                        EntityType::Group => memberships.of_group(session, &id),
                        EntityType::User => memberships.of_member(session, &id),
                    };
                    calls.push(own.map_err(|error| error.failure(&what))?);
                }
                let text = format!("DELETE FROM {} WHERE {} = $1", table.name, written.key_column());
                let statement = session.prepare(&text, &[]).map_err(|error| error.failure(&what))?;
                calls.push(Call { statement, parameters: vec![Some(id.clone())] });
                let then = Then::Changed { at: calls.len() - 1, id };
                Ok(Plan::Work(Work { index, what, calls, labels: vec![], then, members: None }))
            }
        }
    }

    /// INSERT, in one statement with the memberships: their rows need the id it makes.
    fn insert(
        &mut self,
        index: usize,
        what: String,
        written: &Written,
        table: &Table,
        document: &Value,
        members: Option<Vec<String>>,
    ) -> Result<Work, Failure> {
        let assigned: Vec<Assigned> = table.assigned(written, document)?.into_iter().filter(|assigned| assigned.text.is_some()).collect();
        table.expect(&written.key)?;
        let key = written.key_column();
        let (names, mut labels): (Vec<String>, Vec<String>) =
            assigned.iter().map(|assigned| (assigned.name(), assigned.column.name.clone())).unzip();
        let numbers: Vec<String> = (1..=names.len()).map(|number| format!("${number}")).collect();
        let values =
            if names.is_empty() { "DEFAULT VALUES".to_owned() } else { format!("({}) VALUES ({})", names.join(", "), numbers.join(", ")) };
        let conflict = match &written.upsert {
            None => "DO NOTHING".to_owned(),
            Some(unique) => {
                let mut columns = Vec::with_capacity(unique.len());
                for path in unique {
                    columns.push(quoted(&table.expect(&written.column_of(&path.to_string())?)?.name)?);
                }
                // At least one column is set, so that the row is given back.
                let set: Vec<String> = if names.is_empty() { columns.clone() } else { names.clone() };
                let set: Vec<String> = set.iter().map(|name| format!("{name} = EXCLUDED.{name}")).collect();
                format!("({}) DO UPDATE SET {}", columns.join(", "), set.join(", "))
            }
        };
        let insert = format!("INSERT INTO {} {values} ON CONFLICT {conflict} RETURNING {key}", table.name);
        let mut parameters: Vec<Option<String>> = assigned.into_iter().map(|assigned| assigned.text).collect();
        let memberships = self.memberships(written)?;
        let session = self.link.session()?;
        let (statement, members) = match (members, memberships) {
            (Some(members), Some(memberships)) if written.upsert.is_none() && !members.is_empty() => {
                let text = format!(
                    "WITH e AS ({insert}), m AS (INSERT INTO {} ({}, {}) SELECT e.{key}, u.id FROM e CROSS JOIN unnest(${}) AS u (id)) SELECT e.{key} FROM e",
                    memberships.table,
                    memberships.group,
                    memberships.member,
                    parameters.len() + 1
                );
                let mut types = vec![0; parameters.len()];
                types.push(memberships.members_oid());
                parameters.push(Some(crate::array::of_texts(members.iter().map(String::as_str))));
                labels.push("members".to_owned());
                (session.prepare(&text, &types), None)
            }
            (members, _) => (session.prepare(&insert, &[]), members.filter(|members| written.upsert.is_some() || !members.is_empty())),
        };
        let statement = statement.map_err(|error| error.failure(&what))?;
        Ok(Work { index, what, calls: vec![Call { statement, parameters }], labels, then: Then::Created, members })
    }

    fn named(
        &mut self,
        index: usize,
        what: String,
        named: &Named,
        id: Option<&str>,
        document: &Value,
        then: Then,
    ) -> Result<Work, Failure> {
        let call = call(self.link.session()?, named, &what, id, None, document)?;
        let labels = named.parameters.iter().map(ToString::to_string).collect();
        Ok(Work { index, what, calls: vec![call], labels, then, members: None })
    }
}

pub(crate) fn parsed(document: &str) -> Result<Value, Failure> {
    serde_json::from_str(document).map_err(|error| Failure::rejected(format!("the document is not JSON: {error}")))
}

/// The members that are to be written apart from the row.
fn members_of(written: &Written, document: &Value) -> Result<Option<Vec<String>>, Failure> {
    if written.memberships.is_none() {
        return Ok(None);
    }
    membership::ids(document).map(Some).map_err(Failure::rejected)
}

fn prepared<S: Stream>(session: &mut Session<S>, named: &Named) -> Result<Rc<crate::session::Statement>, Error> {
    session.prepare(&named.text, &[])
}

/// A named statement with its values.
pub(crate) fn call<S: Stream>(
    session: &mut Session<S>,
    named: &Named,
    what: &str,
    id: Option<&str>,
    member: Option<&str>,
    document: &Value,
) -> Result<Call, Failure> {
    let statement = prepared(session, named).map_err(|error| error.failure(what))?;
    let mut parameters = Vec::with_capacity(named.parameters.len());
    for (name, oid) in named.parameters.iter().zip(&statement.parameters) {
        let kind = session.type_of(*oid).map_err(|error| error.failure(what))?;
        let value = match name {
            Parameter::Id => id.map(Value::from),
            Parameter::Member => member.map(Value::from),
            Parameter::Path(path) => path.get(document).cloned(),
        };
        let text = match (name, value) {
            // An id is the text the database gave, whatever the type.
            (Parameter::Id | Parameter::Member, Some(Value::String(text))) => Some(text),
            (_, value) => {
                parameter(&kind, &value.unwrap_or(Value::Null)).map_err(|why| Failure::rejected(format!("{what}: {name}: {why}")))?
            }
        };
        parameters.push(text);
    }
    Ok(Call { statement, parameters })
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
