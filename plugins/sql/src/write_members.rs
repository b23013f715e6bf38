//! Changes of members, by a table of memberships or by statements.

use crate::{
    connection::Door,
    entity::EntityType,
    session::{Call, Error},
    target::{Memberships, Written},
    work::{self, Then, Work},
    write::{Target, call},
};
use sdk::{Failure, Kind};
use serde_json::Value;
use std::collections::BTreeSet;

impl<D: Door> Target<D> {
    pub(crate) fn change_members(
        &mut self,
        index: usize,
        what: String,
        written: &Written,
        id: String,
        added: &[String],
        removed: &[String],
    ) -> Result<Work, Failure> {
        let table = self.memberships(written)?;
        let session = self.link.session()?;
        let mut calls = || -> Result<Vec<Call>, Failure> {
            let refused = |error: Error| error.failure(&what);
            let mut calls = Vec::new();
            match (&table, &written.memberships) {
                (Some(table), _) => {
                    if !added.is_empty() {
                        calls.push(table.add(session, &id, added).map_err(refused)?);
                    }
                    if !removed.is_empty() {
                        calls.push(table.remove(session, &id, removed).map_err(refused)?);
                    }
                }
                (None, Some(Memberships::Statements { add, remove, .. })) => {
                    for (named, members) in [(add, added), (remove, removed)] {
                        for member in members {
                            calls.push(call(session, named, &what, Some(&id), Some(member), &Value::Null)?);
                        }
                    }
                }
                _ => {
                    let message = format!("{what}: set sql.group.members.table, or the statements for members");
                    return Err(Failure::new(Kind::Unsupported, message));
                }
            }
            Ok(calls)
        };
        let calls = calls()?;
        Ok(Work { index, what, calls, labels: vec![], then: Then::Kept(id), members: None })
    }

    /// The members of an entity that is there by now: these and no others.
    pub(crate) fn set_members(&mut self, entity_type: EntityType, id: &str, members: &[String]) -> Result<(), Failure> {
        let written = self.targets.of(entity_type).clone();
        let what = "writing the members of a group";
        if let Some(table) = self.memberships(&written)? {
            let session = self.link.session()?;
            let calls = table.replace(session, id, members).map_err(|error| error.failure(what))?;
            let work = Work { index: 0, what: what.to_owned(), calls, labels: vec![], then: Then::Kept(id.to_owned()), members: None };
            return work::carry_out(session, &[work]).pop().unwrap_or_else(|| Err(Failure::unavailable("no answer"))).map(|_| ());
        }
        let Some(Memberships::Statements { list, .. }) = &written.memberships else { return Ok(()) };
        let session = self.link.session()?;
        let listed = call(session, list, what, Some(id), None, &Value::Null)?;
        let answer = session.one(listed).map_err(|error| error.failure(what))?;
        let mut now = BTreeSet::new();
        for row in &answer.rows {
            now.extend(row.text(0)?.map(str::to_owned));
        }
        let added: Vec<String> = members.iter().filter(|member| !now.contains(*member)).cloned().collect();
        let wanted: BTreeSet<&String> = members.iter().collect();
        let removed: Vec<String> = now.into_iter().filter(|member| !wanted.contains(member)).collect();
        if added.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let work = self.change_members(0, what.to_owned(), &written, id.to_owned(), &added, &removed)?;
        let session = self.link.session()?;
        work::carry_out(session, &[work]).pop().unwrap_or_else(|| Err(Failure::unavailable("no answer"))).map(|_| ())
    }
}
