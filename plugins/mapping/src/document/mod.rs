//! A transformation: its text checked, its compiled form.

mod check;
mod comments;
mod compile;
mod diagnostic;
mod doubts;
mod mapping;
mod overwritten;
mod substitute;
#[cfg(test)]
mod tests;

use crate::condition::Filter;
use crate::functions::{DateFormat, Function};
use crate::json::Slot;
use crate::output::{Key, Target};
use crate::path::{Constants, Path};
use crate::relations::Kind;
use crate::variables::{Names, Template};

pub(crate) use check::Check;
pub(crate) use compile::{ENTITY_KEYS, OPERATIONS};
pub use diagnostic::{Diagnostic, Severity};
pub(crate) use mapping::{KEYS as MAPPING_KEYS, SCOPES, TYPES};
pub use substitute::substitute;

/// A transformation, ready to be applied.
#[derive(Debug)]
pub struct Transformation {
    pub(crate) entities: Vec<Entity>,
    pub(crate) constants: Constants,
    pub(crate) names: Names,
    /// What the `resolveEntityIds` of the transformation ask for, each once.
    pub(crate) lookups: Vec<Kind>,
    /// For conditions that are compiled when they are evaluated.
    pub(crate) properties: Vec<(String, String)>,
    /// That of `currentDate`, where a property sets it (`ips.date.variable.format`).
    pub(crate) date_format: Option<DateFormat>,
}

#[derive(Debug)]
pub(crate) struct Entity {
    pub name: Box<str>,
    pub pointer: Box<str>,
    pub ignore: bool,
    pub condition: Option<Condition>,
    /// JSON pointer to the condition, whether there is one or not.
    pub condition_pointer: Box<str>,
    /// Operations the target must not be asked for: create, update, delete.
    pub skip: [bool; 3],
    pub mappings: Vec<Mapping>,
    /// Mappings that do nothing, for whoever asks why.
    pub idle: Vec<Idle>,
}

#[derive(Debug)]
pub(crate) struct Idle {
    /// The place among the mappings that do something.
    pub before: usize,
    pub pointer: Box<str>,
    pub why: &'static str,
}

/// Which operation a mapping is for; without scope it is for read, create and update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Create,
    Delete,
    Patch,
}

#[derive(Debug)]
pub(crate) struct Mapping {
    /// JSON pointer to the mapping in the transformation's text.
    pub pointer: Box<str>,
    pub scope: Option<Scope>,
    pub condition: Option<Condition>,
    pub action: Action,
}

#[derive(Debug)]
pub(crate) enum Action {
    Set(Box<Set>),
    Remove(Target, Box<str>),
    Rename(Target, Box<str>, Key),
}

#[derive(Debug)]
pub(crate) struct Set {
    pub source: Source,
    pub functions: Vec<Function>,
    pub optional: bool,
    pub default: Option<Slot>,
    /// A list with one element stays a list.
    pub preserve: bool,
    pub target: Option<(Target, Box<str>)>,
    pub variable: Option<u32>,
}

#[derive(Debug)]
pub(crate) enum Source {
    Path(Path),
    /// `built_in`: set by the host, so its absence is no mistake of the data.
    Variable {
        number: u32,
        built_in: bool,
        path: Option<Path>,
    },
    Constant(Slot),
    /// No source: the first function makes the value.
    Generated,
    /// A table: where all paths have the texts of a row, the row's value.
    Table {
        paths: Vec<Path>,
        rows: Vec<(Vec<Box<str>>, Slot)>,
    },
}

/// A condition of an entity, mapping or function.
#[derive(Debug)]
pub(crate) struct Condition {
    /// As it stands in the transformation, properties filled in.
    pub text: Box<str>,
    pub form: Form,
    /// The variables it names.
    pub variables: Vec<u32>,
}

#[derive(Debug)]
pub(crate) enum Form {
    Fixed(Filter),
    /// A variable stands outside of a text: compiled when it is evaluated.
    Dynamic(Template),
}
