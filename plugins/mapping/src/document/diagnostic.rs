//! What is wrong with a transformation's text.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The transformation cannot be used.
    Error,
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Stable, dotted.
    pub code: &'static str,
    /// JSON pointer (RFC 6901) into the text.
    pub pointer: String,
    /// Both from 1, the column in characters; 0 where there is no place.
    pub line: u32,
    pub column: u32,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Line and column of a byte in a text.
pub(super) fn place(text: &str, at: usize) -> (u32, u32) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before[before.rfind('\n').map_or(0, |newline| newline + 1)..].chars().count() + 1;
    (u32::try_from(line).unwrap_or(0), u32::try_from(column).unwrap_or(0))
}

/// One step of a JSON pointer.
pub(super) fn escape_pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
