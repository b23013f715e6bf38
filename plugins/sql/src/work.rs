//! Carrying out what was planned: everything at once in one transaction, and one by one where that is refused.

use crate::{
    session::{Answer, Call, Error, Session},
    wire::Stream,
};
use sdk::{Failure, Kind};

/// What a change's answer means.
#[derive(Clone, Debug)]
pub enum Then {
    /// The first column of the last statement's first row is the id; no row, or NULL: there is one already.
    Created,
    /// The id is known beforehand.
    CreatedAs(String),
    /// The statement with this number changed the entity with this id, if it changed a row; the first column it gives back, if any, is the id from now on.
    Changed { at: usize, id: String },
    /// Nothing can be wrong.
    Kept(String),
}

/// The statements of one change. They happen all or not at all.
#[derive(Clone, Debug)]
pub struct Work {
    /// The number of the change.
    pub index: usize,
    /// What is being done, for messages.
    pub what: String,
    pub calls: Vec<Call>,
    /// The columns or attributes of the parameters, where there is one statement.
    pub labels: Vec<String>,
    pub then: Then,
    /// Memberships that are written once the id is known.
    pub members: Option<Vec<String>>,
}

impl Work {
    /// The id, or what went wrong.
    fn outcome(&self, answers: &[Answer]) -> Result<String, Failure> {
        let first = |answer: Option<&Answer>| -> Result<Option<String>, Failure> {
            Ok(answer.and_then(|answer| answer.rows.first()).map(|row| row.text(0)).transpose()?.flatten().map(str::to_owned))
        };
        match &self.then {
            Then::Kept(id) | Then::CreatedAs(id) => Ok(id.clone()),
            Then::Created => match (first(answers.last())?, answers.last()) {
                (Some(id), _) => Ok(id),
                (None, Some(last)) if last.rows.is_empty() && last.affected > 0 => {
                    Err(Failure::rejected(format!("{}: the statement gives no id back; end it with RETURNING", self.what)))
                }
                _ => Err(Failure::new(
                    Kind::AlreadyExists,
                    format!("{}: nothing was inserted; there is a row with the same unique values", self.what),
                )),
            },
            Then::Changed { at, id } => match answers.get(*at) {
                Some(answer) if answer.affected > 0 => Ok(first(Some(answer))?.unwrap_or_else(|| id.clone())),
                _ => Err(Failure::new(Kind::NotFound, format!("{}: there is no such row", self.what))),
            },
        }
    }

    fn failure(&self, error: &Error) -> Failure {
        let mut failure = error.failure(&self.what);
        if let Error::Server(error) = error {
            // Only a create can meet another entity; elsewhere it is a conflict.
            if matches!(failure.kind, Kind::AlreadyExists) && !matches!(self.then, Then::Created | Then::CreatedAs(_)) {
                failure.kind = Kind::Conflict;
            }
            if let Some(label) = error.parameter().and_then(|number| self.labels.get(number)).filter(|_| self.calls.len() == 1) {
                failure.message = format!("{} ({label})", failure.message);
            }
        }
        failure
    }
}

/// Carry out the works; an outcome for each: the id, or a failure.
pub fn carry_out<S: Stream>(session: &mut Session<S>, works: &[Work]) -> Vec<Result<String, Failure>> {
    if works.is_empty() {
        return vec![];
    }
    // One transaction costs one wait for the disk instead of one each.
    let together: Vec<Call> = works.iter().flat_map(|work| work.calls.iter().cloned()).collect();
    match session.run(&[together]).pop() {
        Some(Ok(answers)) => {
            let mut rest = &answers[..];
            works
                .iter()
                .map(|work| {
                    let (own, others) = rest.split_at(work.calls.len().min(rest.len()));
                    rest = others;
                    work.outcome(own)
                })
                .collect()
        }
        Some(Err(Error::Server(error))) if works.len() > 1 || error.passes() => one_by_one(session, works),
        Some(Err(error)) => works.iter().map(|work| Err(work.failure(&error))).collect(),
        None => works.iter().map(|_| Err(Failure::unavailable("no answer"))).collect(),
    }
}

/// Each in a transaction of its own, still all sent at once. Nothing of the first attempt is left: its transaction was undone.
fn one_by_one<S: Stream>(session: &mut Session<S>, works: &[Work]) -> Vec<Result<String, Failure>> {
    let groups: Vec<Vec<Call>> = works.iter().map(|work| work.calls.clone()).collect();
    let answers = session.run(&groups);
    let outcome = |(work, answer): (&Work, Result<Vec<Answer>, Error>)| match answer {
        Ok(answers) => work.outcome(&answers),
        Err(error) => Err(work.failure(&error)),
    };
    works.iter().zip(answers).map(outcome).collect()
}
