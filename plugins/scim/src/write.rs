//! The target's changes: many in one request where the system is set to that, else each one a conversation of its own, many at once.

use crate::{
    bulk::{self, Fate, Operation},
    change::Change,
    config::Config,
    connection::Connection,
    exchange,
    http::Http,
    resource::Resource,
};
use sdk::Failure;

/// What is to happen to one resource. Documents and operations are JSON text.
#[derive(Clone, Debug)]
pub enum Action {
    Create { document: String },
    Update { id: String, document: String },
    Patch { id: String, operations: String },
    Members { id: String, added: Vec<String>, removed: Vec<String> },
    Delete { id: String },
}

impl Action {
    /// The id of what is changed; absent for a create.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Create { .. } => None,
            Self::Update { id, .. } | Self::Patch { id, .. } | Self::Members { id, .. } | Self::Delete { id } => Some(id),
        }
    }
}

/// What the server has now.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    pub id: String,
    pub document: Option<String>,
}

/// What became of one change.
pub type Outcome = Result<Written, Failure>;

/// Carry out the changes and answer one outcome for each, in order. A change whose entity type is unknown carries the failure that says so.
pub fn write(connection: &Connection, http: &mut impl Http, changes: Vec<(Result<Resource, Failure>, Action)>) -> Vec<Outcome> {
    let changes: Vec<Change> = changes.into_iter().map(|(resource, action)| Change::new(connection, resource, action)).collect();
    let Some((most, payload)) = limits(connection, http, changes.len()) else { return exchange::run(http, changes) };
    let operations: Vec<Operation> = changes.iter().enumerate().filter_map(|(number, change)| change.operation(number)).collect();
    let mut outcomes: Vec<Option<Outcome>> = changes.iter().map(|_| None).collect();
    for (number, fate) in bulk::send(connection, http, operations, most, payload) {
        if let Fate::Done(outcome) = fate {
            outcomes[number] = Some(outcome);
        }
    }
    let rest: Vec<Change> = changes.into_iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_none()).map(|(change, _)| change).collect();
    let mut rest = exchange::run(http, rest).into_iter();
    // As many are left as have no outcome yet.
    outcomes.into_iter().filter_map(|outcome| outcome.or_else(|| rest.next())).collect()
}

/// How many operations, and how many bytes, one request takes; nothing where changes go one by one.
fn limits(connection: &Connection, http: &mut impl Http, changes: usize) -> Option<(usize, Option<usize>)> {
    let most = connection.bulk.filter(|most| *most > 1 && changes > 1 && !connection.bulk_refused.get())?;
    let offered = Config::of(connection, http).bulk();
    match offered {
        Some(offered) if !offered.supported => None,
        Some(offered) => {
            let most = offered.max_operations.filter(|most| *most > 0).unwrap_or(most).min(most);
            Some((most, offered.max_payload_size.filter(|payload| *payload > 0)))
        }
        None => Some((most, None)),
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
