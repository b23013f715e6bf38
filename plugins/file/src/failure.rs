//! What went wrong, in the contract's kinds.

use std::fmt;
use std::io;

/// The kinds of the contract's `failure` this connector uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Forbidden,
    NotFound,
    AlreadyExists,
    Conflict,
    Rejected,
    Unavailable,
    Unsupported,
    InvalidSettings,
}

/// One sentence for the person who reads the report, and what kind of trouble it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    pub message: String,
}

impl Failure {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What the file system answered; `doing` is as in "cannot open people.csv".
    pub fn io(doing: &str, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => Kind::NotFound,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Kind::Forbidden,
            _ => Kind::Unavailable,
        };
        // The number is WASI's own and means nothing to people.
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or_default();
        Self::new(kind, format!("cannot {doing}: {reason}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
