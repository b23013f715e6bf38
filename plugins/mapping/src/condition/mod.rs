//! Conditions: what stands in a filter's parentheses and in the `condition` of entities, mappings and functions.

mod eval;
mod literal;
mod looked_at;
mod operand;
mod parse;
pub mod pattern;
mod predicate;

use crate::path::{Compiler, ParseError, Path};

pub(crate) use parse::compile;
pub use pattern::Pattern;
pub(crate) use predicate::NAMES as PREDICATES;
use predicate::Predicate;

/// What joins conditions, weakest first.
pub(crate) const OR: &str = "||";
pub(crate) const AND: &str = "&&";
pub(crate) const NOT: u8 = b'!';

/// A compiled condition.
#[derive(Debug)]
pub enum Filter {
    Or(Vec<Filter>),
    And(Vec<Filter>),
    Not(Box<Filter>),
    Compare(Operand, Operator, Operand),
    /// A bare path; the flag is false for `!path`.
    Exists(Path, bool),
    Predicate(Predicate),
}

/// One side of a comparison.
#[derive(Debug)]
pub enum Operand {
    Path(Path),
    Null,
    Bool(bool),
    /// As it was written.
    Number(Box<str>),
    Text(Box<str>),
    /// A string literal with `${variable}` in it.
    Template(crate::variables::Template),
    /// An array or object: its address among the constants.
    Json(crate::json::Slot),
    Pattern(Box<Pattern>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    SameKindEqual,
    SameKindNotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    In,
    NotIn,
    Contains,
    All,
    Size,
    Empty,
    SubsetOf,
    AnyOf,
    NoneOf,
}

impl Operator {
    pub(crate) const WORDS: [(&'static str, Operator); 9] = [
        ("IN", Self::In),
        ("NIN", Self::NotIn),
        ("CONTAINS", Self::Contains),
        ("ALL", Self::All),
        ("SIZE", Self::Size),
        ("EMPTY", Self::Empty),
        ("SUBSETOF", Self::SubsetOf),
        ("ANYOF", Self::AnyOf),
        ("NONEOF", Self::NoneOf),
    ];
    pub(crate) const SIGNS: [(&'static str, Operator); 9] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("===", Self::SameKindEqual),
        ("!==", Self::SameKindNotEqual),
        ("<", Self::Less),
        ("<=", Self::LessOrEqual),
        (">", Self::Greater),
        (">=", Self::GreaterOrEqual),
        ("=~", Self::Matches),
    ];
}
