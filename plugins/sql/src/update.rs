//! Updates of rows: only columns that differ from what is in the table now are set.

use crate::{
    session::{Call, Session},
    table::{Assigned, Table},
    wire::Stream,
    work::{Then, Work},
};
use sdk::{Failure, Kind};
use std::rc::Rc;

/// An update of a row.
pub(crate) struct Update {
    pub(crate) index: usize,
    pub(crate) what: String,
    pub(crate) id: String,
    pub(crate) table: Rc<Table>,
    /// The column of the id, as an SQL name.
    pub(crate) key: String,
    pub(crate) assigned: Vec<Assigned>,
    /// Replaces the memberships.
    pub(crate) members: Vec<Call>,
    /// Through statements, afterwards.
    pub(crate) members_after: Option<Vec<String>>,
}

/// Updates of the columns that differ from what is in the tables now. All rows are looked at in one round.
pub(crate) fn differences<S: Stream>(session: &mut Session<S>, updates: Vec<Update>) -> Vec<(usize, Result<Work, Failure>)> {
    let mut planned = Vec::with_capacity(updates.len());
    let (mut looks, mut looked) = (Vec::new(), Vec::new());
    for update in updates {
        let names: Vec<String> = update.assigned.iter().map(Assigned::name).chain([update.key.clone()]).collect();
        let text = format!("SELECT {} FROM {} WHERE {} = $1", names.join(", "), update.table.name, update.key);
        match session.prepare(&text, &[]) {
            Ok(statement) => {
                looks.push(vec![Call { statement, parameters: vec![Some(update.id.clone())] }]);
                looked.push(update);
            }
            Err(error) => planned.push((update.index, Err(error.failure(&update.what)))),
        }
    }
    let answers = session.run(&looks);
    for (update, answer) in looked.into_iter().zip(answers) {
        let index = update.index;
        planned.push((
            index,
            answer.map_err(|error| error.failure(&update.what)).and_then(|mut answers| {
                let answer = answers.pop().unwrap_or_default();
                let row =
                    answer.rows.first().ok_or_else(|| Failure::new(Kind::NotFound, format!("{}: there is no such row", update.what)))?;
                let mut changed = Vec::new();
                for (number, assigned) in update.assigned.iter().enumerate() {
                    if assigned.differs(row.text(number)?) {
                        changed.push(assigned);
                    }
                }
                update.work(session, &changed)
            }),
        ));
    }
    planned
}

impl Update {
    fn work<S: Stream>(&self, session: &mut Session<S>, changed: &[&Assigned]) -> Result<Work, Failure> {
        let (mut calls, key) = (Vec::new(), &self.key);
        let mut then = Then::Kept(self.id.clone());
        if !changed.is_empty() {
            let set: Vec<String> =
                changed.iter().enumerate().map(|(number, assigned)| format!("{} = ${}", assigned.name(), number + 1)).collect();
            let text = format!("UPDATE {} SET {} WHERE {key} = ${} RETURNING {key}", self.table.name, set.join(", "), changed.len() + 1);
            let statement = session.prepare(&text, &[]).map_err(|error| error.failure(&self.what))?;
            let parameters = changed.iter().map(|assigned| assigned.text.clone()).chain([Some(self.id.clone())]).collect();
            calls.push(Call { statement, parameters });
            then = Then::Changed { at: 0, id: self.id.clone() };
        }
        calls.extend(self.members.iter().cloned());
        let labels = changed.iter().map(|assigned| assigned.column.name.clone()).collect();
        Ok(Work { index: self.index, what: self.what.clone(), calls, labels, then, members: self.members_after.clone() })
    }
}
