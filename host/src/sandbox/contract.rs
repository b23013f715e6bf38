//! The data of the contract, for the rooms that must not know how it crosses the boundary.

pub use super::bindings::imports::provisor::connector::{
    entity::{AttributeValue, Entity},
    failure::{Failure, Kind},
    relations::Lookup,
    settings::Setting,
};
pub use super::bindings::source::exports::provisor::connector::source::{Page, Query, Scope, Unreadable};
pub use super::bindings::target::exports::provisor::connector::target::{
    Action, Change, Members, Outcome as Written, Patch, Update, Written as WrittenEntity,
};
pub use super::bindings::transform::exports::provisor::connector::transform::{
    Diagnostic, Explained, Fault as MappingFault, Input, LeftOut, Mapped, Operation, Outcome as Transformed, Severity, Skip, Step, Variable,
};

/// The stable name of a failure's kind, as it stands in reports (`backend.rejected`).
pub fn failure_code(kind: &Kind) -> &'static str {
    match kind {
        Kind::Unauthenticated => "backend.unauthenticated",
        Kind::Forbidden => "backend.forbidden",
        Kind::NotFound => "backend.not-found",
        Kind::AlreadyExists => "backend.already-exists",
        Kind::Conflict => "backend.conflict",
        Kind::Rejected => "backend.rejected",
        Kind::RateLimited(_) => "backend.rate-limited",
        Kind::Unavailable => "backend.unavailable",
        Kind::TimedOut => "backend.timed-out",
        Kind::Unsupported => "backend.unsupported",
        Kind::InvalidSettings => "backend.invalid-settings",
    }
}
