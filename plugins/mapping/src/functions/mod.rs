//! The functions of a mapping (section 4.9 of the provisioning rules).

mod apply;
mod compile;
mod regex;
mod spec;
#[cfg(test)]
mod tests;
mod text;

use crate::document::Condition;
use crate::json::Slot;
use crate::output::Key;
use crate::path::Path;
use crate::variables::Template;

use regex::Expression;

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
    ReplaceFirst {
        regex: Expression,
        replacement: Text,
    },
    ReplaceLast {
        regex: Expression,
        replacement: Text,
    },
    ReplaceAll {
        regex: Expression,
        replacement: Text,
    },
    MatchRegex(Expression),
    MatchedGroup {
        regex: Expression,
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
}

/// A parameter that is a text.
#[derive(Debug)]
pub(crate) enum Text {
    Fixed(Box<str>),
    Template(Template),
    /// Read from the entity's document; what is missing is an empty text.
    Path(Path),
}
