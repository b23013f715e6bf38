//! What is wrong with a manifest: where, what, and what would be right.

use std::fmt;
use std::ops::Range;

/// A place in the manifest's text. Both numbers count from 1; columns count characters. `Place::START` stands for the file as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Place {
    pub const START: Self = Self { line: 1, column: 1 };
}

/// Whether a problem keeps the manifest from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One finding. Its `Display` is one line, in the form editors and CI systems make a link of:
/// `provisor.toml:12:1: error[manifest.unknown-key]: unknown key "rol" in [systems.hr]; did you mean "role"?`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// Stable and dotted: `manifest.unknown-key`.
    pub code: &'static str,
    /// The manifest as the operator named it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right, where the message does not say it already.
    pub help: Option<String>,
}

impl Problem {
    /// Whether this problem keeps the manifest from being used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}[{}]: {}", self.file, self.line, self.column, self.severity, self.code, self.message)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

/// The problems found so far, of one manifest.
#[derive(Clone, Debug)]
pub(super) struct Problems {
    file: String,
    found: Vec<Problem>,
    /// Lines that a TOML error spoils. What else is said about them, and what is said to be missing anywhere, would only be the same mistake again.
    broken: Vec<Range<usize>>,
}

impl Problems {
    pub(super) fn new(file: String) -> Self {
        Self { file, found: Vec::new(), broken: Vec::new() }
    }

    pub(super) fn error(&mut self, code: &'static str, at: Place, message: impl Into<String>, help: impl Into<String>) {
        if !self.is_follow_up(code, at) {
            self.add(Severity::Error, code, at, message.into(), help.into());
        }
    }

    pub(super) fn warning(&mut self, code: &'static str, at: Place, message: impl Into<String>, help: impl Into<String>) {
        if !self.is_follow_up(code, at) {
            self.add(Severity::Warning, code, at, message.into(), help.into());
        }
    }

    /// A TOML error, and the lines it spoils.
    pub(super) fn syntax(&mut self, at: Place, broken: Range<usize>, message: impl Into<String>) {
        self.add(Severity::Error, "manifest.syntax", at, message.into(), String::new());
        self.broken.push(broken);
    }

    /// None yet, of the same manifest.
    pub(super) fn begin(&self) -> Self {
        Self { file: self.file.clone(), found: Vec::new(), broken: self.broken.clone() }
    }

    /// What was found by looking at one thing from two sides. What only one of them has no use for (`one_sided`) is none.
    pub(super) fn take_both(&mut self, one: &Self, other: &Self, one_sided: &[&str]) {
        let same = |problem: &Problem, of: &Problem| (problem.code, problem.line, problem.column) == (of.code, of.line, of.column);
        let stays =
            |problem: &Problem, opposite: &[Problem]| !one_sided.contains(&problem.code) || opposite.iter().any(|of| same(problem, of));
        let from_other = other.found.iter().filter(|problem| stays(problem, &one.found) && !one.found.iter().any(|of| same(problem, of)));
        let all: Vec<Problem> = one.found.iter().filter(|problem| stays(problem, &other.found)).chain(from_other).cloned().collect();
        self.found.extend(all);
    }

    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// Everything, by place; errors before warnings at the same place; nothing twice.
    pub(super) fn sorted(&self) -> Vec<Problem> {
        let mut found = self.found.clone();
        found.sort_by(|a, b| (a.line, a.column, a.severity, a.code, &a.message).cmp(&(b.line, b.column, b.severity, b.code, &b.message)));
        found.dedup();
        found
    }

    fn is_follow_up(&self, code: &str, at: Place) -> bool {
        !self.broken.is_empty() && (self.broken.iter().any(|lines| lines.contains(&at.line)) || code.starts_with("manifest.missing-"))
    }

    fn add(&mut self, severity: Severity, code: &'static str, at: Place, message: String, help: String) {
        let help = Some(help).filter(|help| !help.is_empty());
        self.found.push(Problem { severity, code, file: self.file.clone(), line: at.line, column: at.column, message, help });
    }
}
