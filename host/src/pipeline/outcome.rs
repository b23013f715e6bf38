//! What became of one change, after everything that could be tried was tried.

use crate::sandbox::{
    Fault,
    contract::{Failure, failure_code},
};

/// The end of one change.
#[derive(Debug)]
pub enum Settled {
    Written {
        target_id: String,
        /// The target had the entity before the host knew it.
        existed_before: bool,
        /// It was not there before.
        created: bool,
    },
    /// It is written, and something that belongs to it is not: it is remembered and written again by the next run.
    Unfinished { target_id: String, existed_before: bool, code: String, message: String },
    Failed {
        code: String,
        message: String,
        /// Whether the backend acted is unknown.
        in_doubt: bool,
    },
}

impl Settled {
    pub(super) fn created(target_id: String) -> Self {
        Self::Written { target_id, existed_before: false, created: true }
    }

    pub(super) fn failed(code: &str, message: &str) -> Self {
        Self::Failed { code: code.to_owned(), message: message.to_owned(), in_doubt: false }
    }

    /// The target entity belongs to another source entity; two of them must not share it (spec section 10, 13).
    pub(super) fn already_related(target_id: &str, other: &str, source_id: &str) -> Self {
        let message = format!("the target's entity {target_id} already belongs to source entity {other}; {source_id} may not take it over");
        Self::failed("conflict.already-related", &message)
    }

    /// What a failure says.
    pub(super) fn message(&self) -> Option<&str> {
        if let Self::Failed { message, .. } = self { Some(message) } else { None }
    }

    pub(super) fn fault(fault: &Fault, in_doubt: bool) -> Self {
        Self::Failed { code: fault.code().to_owned(), message: fault.to_string(), in_doubt }
    }
}

/// The stable code of a connector's failure.
pub(super) fn code_of(failure: &Failure) -> String {
    failure_code(&failure.kind).to_owned()
}
