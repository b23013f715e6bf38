//! Making failures without ceremony.

use crate::{Failure, Kind};

impl Failure {
    /// A failure of this kind; the message names the place and what the backend said.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A property is missing or makes no sense.
    pub fn invalid_settings(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidSettings, message)
    }

    /// The data is wrong; trying again is useless.
    pub fn rejected(message: impl Into<String>) -> Self {
        Self::new(Kind::Rejected, message)
    }

    /// The backend cannot be reached or answers that it is not well.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, message)
    }
}
