//! The place in a read between two pages.

use sdk::{Failure, Kind};
use serde::{Deserialize, Serialize};

/// Everything a new instance needs to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The transaction the read began in; another one sees another state of the database.
    pub snapshot: String,
    /// The key of the last row that was given.
    pub key: Option<String>,
    /// What the last page is to give as the delta token.
    pub token: Option<String>,
    pub total: Option<u64>,
}

impl Cursor {
    pub fn parse(text: &str) -> Result<Self, Failure> {
        serde_json::from_str(text).map_err(|_| Failure::new(Kind::Conflict, "the cursor is not one of this connector"))
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
