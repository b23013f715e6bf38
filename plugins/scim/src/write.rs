//! The target's changes: each one a conversation of its own, many at once.

use crate::{change::Change, connection::Connection, exchange, http::Http, resource::Resource};
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
    exchange::run(http, changes.into_iter().map(|(resource, action)| Change::new(connection, resource, action)).collect())
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
