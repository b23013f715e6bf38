//! What a reader of any format hands over, one at a time.

use super::input::Position;

/// An entity's id and its document, one JSON object as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    pub id: String,
    pub document: String,
}

/// Something was there and could not be turned into an entity; the rest of the file is fine unless the message says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub id: Option<String>,
    /// The line it begins on, from 1.
    pub line: u64,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    Entity(Entity),
    Unreadable(Unreadable),
    /// Something whole that is no entity of the type that is read, e.g. a group among the users of an LDIF file.
    Other,
}

impl Record {
    pub(super) fn unreadable(line: u64, message: impl Into<String>) -> Self {
        Self::Unreadable(Unreadable { id: None, line, message: message.into() })
    }

    /// Longer than the operator allows.
    pub(super) fn too_long(line: u64, what: &str, limit: usize) -> Self {
        Self::unreadable(line, format!("the {what} is longer than file.record.limit ({limit} bytes) and was skipped"))
    }
}

/// The file as a whole cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is not what it is said to be; the text continues "the file …".
    #[error("{0}")]
    Unusable(String),
    /// It is in order, but a property does not fit it.
    #[error("{0}")]
    Settings(String),
}

/// A format's reader.
pub(super) trait Reader {
    /// The next record; nothing at the end of the file.
    fn next(&mut self) -> Result<Option<Record>, ReadError>;

    /// Where another reader of the same file continues after what `next` answered so far; nothing where there is no more to come.
    fn position(&self) -> Option<Position>;
}
