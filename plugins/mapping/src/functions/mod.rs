//! The functions of a mapping (section 4.9 of the provisioning rules).

mod apply;
mod bytes;
mod codes;
mod compile;
mod convert;
mod date;
mod password;
#[cfg(test)]
mod properties;
mod regex;
mod spec;
#[cfg(test)]
mod tests;
mod text;

use crate::condition::Pattern;
use crate::condition::pattern::Search;
use crate::document::Condition;
use crate::json::Slot;
use crate::output::Key;
use crate::path::Path;
use crate::variables::Template;

use bytes::Algorithm;
use codes::{CountryFormat, LocaleFormat, RegionFormat, TimezoneFormat};
use date::Shift;
use password::Password;
use regex::{Expression, Which};

pub(crate) use date::{DEFAULT as DEFAULT_DATE_FORMAT, DateFormat};
pub(crate) use password::Random;
pub(crate) use spec::{ALL, COMMON};

/// Bytes a text that a function makes may have; a chain of functions could double it again and again.
const SIZE: usize = 16 << 20;

/// Why a function made nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It would take too many steps or too much memory.
    Limit,
    /// What follows "the function name" in a message.
    What(String),
}

impl From<String> for Failure {
    fn from(what: String) -> Self {
        Self::What(what)
    }
}

impl From<&str> for Failure {
    fn from(what: &str) -> Self {
        Self::What(what.to_owned())
    }
}

/// One function of a mapping's chain, compiled.
#[derive(Debug)]
pub(crate) struct Function {
    /// JSON pointer to the function in the transformation's text.
    pub pointer: Box<str>,
    pub name: &'static str,
    /// Evaluated with `@` as the value, or as each of its elements.
    pub condition: Option<Condition>,
    /// Work on every element of a list. Only `elementAt` needs to be told: the others do so anyway.
    pub on_elements: bool,
    pub on_attribute: Option<Key>,
    pub assign_to: Option<Key>,
    pub kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    ConcatString {
        prefix: Option<Text>,
        suffix: Option<Text>,
    },
    CompositeId {
        sub_id: Text,
        separator: Text,
    },
    CopyMapEntry {
        from: Key,
        to: Key,
    },
    RenameMapEntry {
        from: Key,
        to: Key,
    },
    ElementAt(i64),
    PutIfAbsent {
        key: Key,
        value: Slot,
    },
    PutIfPresent {
        key: Key,
        value: Slot,
    },
    ReplaceString {
        target: Text,
        replacement: Text,
    },
    ReplaceMatches {
        regex: Expression<Search>,
        replacement: Text,
        which: Which,
    },
    MatchRegex(Expression<Pattern>),
    MatchedGroup {
        regex: Expression<Search>,
        group: usize,
    },
    /// Looks up ids; the number is that of the transformation's list of lookups.
    ResolveEntityIds {
        lookup: u32,
        key: Key,
    },
    Split(Text),
    Substring {
        begin: usize,
        end: Option<usize>,
    },
    /// The flag: Turkish or Azeri, where i and I are not a pair.
    UpperCase {
        dotted_i: bool,
    },
    LowerCase {
        dotted_i: bool,
    },
    ToText,
    /// The first of the attributes that is there is converted.
    CountryCode {
        format: CountryFormat,
        input: Vec<Key>,
        output: Key,
    },
    CountryRegion {
        format: RegionFormat,
        region: Key,
        country: Option<Key>,
        output: Key,
    },
    LocaleCode(LocaleFormat),
    TimezoneCode(TimezoneFormat),
    Encode {
        algorithm: Algorithm,
        padding: bool,
    },
    Decode(Algorithm),
    ManipulateDate {
        source: Format,
        target: Format,
        shift: Shift,
    },
    RandomPassword(Password),
}

impl Function {
    /// Whether it makes something of a source that is missing and mandatory.
    pub fn answers_nothing(&self) -> bool {
        matches!(self.kind, Kind::TimezoneCode(_))
    }
}

/// The format of a date, known when the transformation is loaded or made of variables.
#[derive(Debug)]
pub(crate) enum Format {
    Fixed(DateFormat),
    Template(Template),
}

/// A parameter that is a text.
#[derive(Debug)]
pub(crate) enum Text {
    Fixed(Box<str>),
    Template(Template),
    /// Read from the entity's document; what is missing is an empty text.
    Path(Path),
}
