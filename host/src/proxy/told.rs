//! What becomes of a client when something does not work behind the proxy.
//!
//! | the connector says | the client is told |
//! | --- | --- |
//! | not-found | 404 |
//! | already-exists | 409 uniqueness |
//! | conflict | 409 |
//! | rejected | 400 invalidValue, with what the backend said |
//! | rate-limited | 429 |
//! | unavailable | 503 |
//! | timed-out | 504 |
//! | unsupported | 501 |
//! | unauthenticated, forbidden, invalid-settings, a fault of the plugin | 500; only the log says why, because that is the operator's business |

use crate::{
    sandbox::{
        Fault,
        contract::{Failure, Kind, MappingFault, Skip, failure_code},
    },
    scim::{ScimError, ScimType},
};

pub(super) fn failed(system: &str, failure: &Failure) -> ScimError {
    let message = &failure.message;
    match failure.kind {
        Kind::NotFound => ScimError::new(404, message),
        Kind::AlreadyExists => ScimError { status: 409, scim_type: Some(ScimType::Uniqueness), detail: message.clone() },
        Kind::Conflict => ScimError::new(409, message),
        Kind::Rejected => ScimError::bad(ScimType::InvalidValue, message),
        Kind::RateLimited(_) => ScimError::new(429, "the system behind this service has too much to do; try again later"),
        Kind::Unavailable => {
            tracing::warn!(system, code = failure_code(&failure.kind), "{message}");
            ScimError::new(503, "the system behind this service does not answer")
        }
        Kind::TimedOut => {
            tracing::warn!(system, code = failure_code(&failure.kind), "{message}");
            ScimError::new(504, "the system behind this service did not answer in time; whether it acted is unknown")
        }
        Kind::Unsupported => ScimError::new(501, message),
        Kind::Unauthenticated | Kind::Forbidden | Kind::InvalidSettings => {
            tracing::error!(system, code = failure_code(&failure.kind), "{message}");
            ScimError::internal()
        }
    }
}

/// The sandbox has logged it.
pub(super) fn fault(system: &str, fault: &Fault) -> ScimError {
    tracing::error!(system, code = fault.code(), "{fault}");
    ScimError::internal()
}

/// A resource that the write transformation cannot make anything of.
pub(super) fn not_mapped(fault: &MappingFault) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, format!("the resource cannot be written: {}", fault.message))
}

pub(super) fn skipped(skip: &Skip) -> ScimError {
    match skip {
        Skip::OutOfScope(left_out) => {
            ScimError::bad(ScimType::InvalidValue, format!("the resource does not belong here: {}", left_out.reason))
        }
        Skip::Operation(left_out) => ScimError::new(403, &*left_out.reason),
    }
}
