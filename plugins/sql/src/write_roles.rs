//! Users and groups as roles of the database.

use crate::{
    connection::Door,
    entity::EntityType,
    membership,
    role::{self, Role},
    session::{Call, Session, Statement},
    wire::Stream,
    work::{Then, Work},
    write::{Action, Target, parsed},
};
use sdk::{Entity, Failure, Kind};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the server says about a role.
struct Known {
    /// More than an ordinary role: a superuser, one of the server's own, or the one this connector logs in as. Such a role is not ours.
    protected: bool,
    login: bool,
    until: bool,
}

const PROTECTED: &str = r"rolsuper OR rolreplication OR rolbypassrls OR rolname LIKE 'pg\_%' OR rolname IN (current_user, session_user)";

impl<D: Door> Target<D> {
    /// The statements of a change of a role. The id of a role is its name.
    pub(crate) fn plan_role(&mut self, index: usize, what: String, entity_type: EntityType, action: Action) -> Result<Work, Failure> {
        let session = self.link.session()?;
        let of = |document: &Value, id: Option<&str>| match entity_type {
            EntityType::User => Role::of_user(document, id),
            EntityType::Group => Role::of_group(document, id),
        };
        let (statements, then) = match action {
            Action::Create { document } => {
                let document = parsed(&document)?;
                let role = of(&document, None)?;
                let mut statements = vec![role.create()?];
                statements.extend(role.grants()?);
                let members = members(entity_type, &document)?;
                if !members.is_empty() {
                    statements.push(role::membership(&role.name, &members, true)?);
                }
                (statements, Then::CreatedAs(role.name))
            }
            Action::Update { id, document } => {
                let document = parsed(&document)?;
                let role = of(&document, Some(&id))?;
                let known = ours(session, &what, &id, role.until.as_deref())?;
                let mut statements = Vec::new();
                if role.name != id {
                    statements.push(format!("ALTER ROLE {} RENAME TO {}", role::checked(&id)?, role::checked(&role.name)?));
                }
                let login = role.login.filter(|login| *login != known.login);
                statements.extend(role.alter(login, role.until.as_deref().filter(|_| !known.until))?);
                statements.extend(role.grants()?);
                if entity_type == EntityType::Group {
                    let wanted = members(entity_type, &document)?;
                    let now = members_now(session, &what, &id)?;
                    let added: Vec<String> = wanted.iter().filter(|member| !now.contains(*member)).cloned().collect();
                    let removed: Vec<String> = now.into_iter().filter(|member| !wanted.contains(member)).collect();
                    statements.extend(changes(&role.name, &added, &removed)?);
                }
                (statements, Then::Kept(role.name))
            }
            Action::Members { id, added, removed } => {
                ours(session, &what, &id, None)?;
                (changes(&id, &added, &removed)?, Then::Kept(id))
            }
            Action::Delete { id } => {
                ours(session, &what, &id, None)?;
                (vec![format!("DROP ROLE {}", role::checked(&id)?)], Then::Kept(id))
            }
        };
        let calls = statements.into_iter().map(|text| Call { statement: Statement::once(text), parameters: vec![] }).collect();
        Ok(Work { index, what, calls, labels: vec![], then, members: None })
    }

    /// The role of this name, unless it is a protected one.
    pub(crate) fn find_role(&mut self, what: &str, name: &str, attribute: &str) -> Result<Vec<Entity>, Failure> {
        let session = self.link.session()?;
        match known(session, what, name, None)? {
            Some(known) if !known.protected => {
                let mut document = json!({});
                document[attribute] = Value::from(name);
                Ok(vec![Entity { id: name.to_owned(), document: document.to_string() }])
            }
            _ => Ok(vec![]),
        }
    }
}

fn members(entity_type: EntityType, document: &Value) -> Result<Vec<String>, Failure> {
    if entity_type == EntityType::User { Ok(vec![]) } else { membership::ids(document).map_err(Failure::rejected) }
}

fn changes(role: &str, added: &[String], removed: &[String]) -> Result<Vec<String>, Failure> {
    let mut statements = Vec::new();
    for (members, grant) in [(added, true), (removed, false)] {
        if !members.is_empty() {
            statements.push(role::membership(role, members, grant)?);
        }
    }
    Ok(statements)
}

fn known<S: Stream>(session: &mut Session<S>, what: &str, name: &str, until: Option<&str>) -> Result<Option<Known>, Failure> {
    let text = format!(
        "SELECT {PROTECTED}, rolcanlogin, rolvaliduntil IS NOT DISTINCT FROM $2::text::timestamptz FROM pg_catalog.pg_roles WHERE rolname = $1::text"
    );
    let parameters = vec![Some(name.to_owned()), until.map(str::to_owned)];
    let answer = session.prepare(&text, &[]).and_then(|statement| session.one(Call { statement, parameters }));
    let answer = answer.map_err(|error| error.failure(what))?;
    let is = |row: &crate::session::Row, column: usize| row.bytes(column) == Some(b"t");
    Ok(answer.rows.first().map(|row| Known { protected: is(row, 0), login: is(row, 1), until: is(row, 2) }))
}

/// The role, if it is there and may be changed.
fn ours<S: Stream>(session: &mut Session<S>, what: &str, name: &str, until: Option<&str>) -> Result<Known, Failure> {
    match known(session, what, name, until)? {
        Some(known) if known.protected => {
            let message = format!(
                "{what}: {name} is a role of the server's own, a superuser, or the one this connector logs in as; it is left alone"
            );
            Err(Failure::new(Kind::Forbidden, message))
        }
        Some(known) => Ok(known),
        None => Err(Failure::new(Kind::NotFound, format!("{what}: there is no such role"))),
    }
}

fn members_now<S: Stream>(session: &mut Session<S>, what: &str, role: &str) -> Result<BTreeSet<String>, Failure> {
    let text = "SELECT m.rolname::text FROM pg_catalog.pg_auth_members AS a JOIN pg_catalog.pg_roles AS r ON r.oid = a.roleid \
        JOIN pg_catalog.pg_roles AS m ON m.oid = a.member WHERE r.rolname = $1::text";
    let answer = session.prepare(text, &[]).and_then(|statement| session.one(Call { statement, parameters: vec![Some(role.to_owned())] }));
    let answer = answer.map_err(|error| error.failure(what))?;
    let mut members = BTreeSet::new();
    for row in &answer.rows {
        members.extend(row.text(0)?.map(str::to_owned));
    }
    Ok(members)
}
