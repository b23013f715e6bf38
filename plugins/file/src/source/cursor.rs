//! The cursor: which file it was and where to go on, as text.

use std::fs::Metadata;
use std::time::UNIX_EPOCH;

use super::input::Position;

/// What tells that a file is still the same: its length and when it was last written. Reading its content again would cost as much as the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    length: u64,
    /// Nanoseconds since 1970, 0 where the file system has no times.
    modified: u128,
}

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self { length: metadata.len(), modified: modified.map_or(0, |since| since.as_nanos()) }
    }

    /// Bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

/// `<length>.<modified>.<offset>.<line>`, decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) identity: Identity,
    pub(super) position: Position,
}

impl Cursor {
    pub(super) fn text(&self) -> String {
        format!("{}.{}.{}.{}", self.identity.length, self.identity.modified, self.position.offset, self.position.line)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let identity = Identity { length: parts.next()?.parse().ok()?, modified: parts.next()?.parse().ok()? };
        let position = Position { offset: parts.next()?.parse().ok()?, line: parts.next()?.parse().ok()? };
        parts.next().is_none().then_some(Self { identity, position })
    }
}
