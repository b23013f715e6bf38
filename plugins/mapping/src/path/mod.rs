//! Paths in the Jayway dialect of `JSONPath`, compiled once and read many times. The rules are those of the recorded answers in the path cases, see
//! `tests/path_cases.rs`.

mod eval;
mod function;
mod parse;
mod quoted;

use crate::condition::Filter;
use crate::json::Name;

pub use eval::{BUDGET, Found, Hit, Made, PathError, Scope};
pub use function::{Argument, Function};
pub use parse::{Compiler, Constants, ParseError};
pub(crate) use quoted::{closing, unescape_java, unescaped};

/// A compiled path.
#[derive(Debug)]
pub struct Path {
    /// As it was written, with `$.` in front where that was left out.
    pub text: Box<str>,
    /// Starts at the root (`$`), not at the element in hand (`@`).
    pub from_root: bool,
    /// Leads to at most one value; otherwise reading gives a list.
    pub definite: bool,
    /// Only keys and single indexes: no recursion is needed.
    simple: bool,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub token: Token,
    /// Everything before this token is definite, so a missing value is an error and not just no hit.
    pub upstream_definite: bool,
}

#[derive(Debug)]
pub(crate) enum Token {
    Key(Name),
    /// `['a','b']`: at the end of a path one object of those that are there, before it one value after the other.
    Keys(Box<[Box<str>]>),
    Index(i32),
    Indexes(Box<[i32]>),
    /// `[from:]`, `[:to]`, `[from:to]`.
    Slice(Option<i32>, Option<i32>),
    Wildcard,
    /// `..`
    Scan,
    Filter(Box<Filter>),
    Function(Function),
}

impl Path {
    fn new(text: &str, from_root: bool, tokens: Vec<Token>) -> Self {
        let last = tokens.len().saturating_sub(1);
        let mut definite = true;
        let mut steps = Vec::with_capacity(tokens.len());
        for (at, token) in tokens.into_iter().enumerate() {
            let token_definite = match &token {
                Token::Key(_) | Token::Index(_) | Token::Function(_) => true,
                Token::Keys(_) => at == last,
                _ => false,
            };
            steps.push(Step { token, upstream_definite: definite });
            definite = definite && token_definite;
        }
        let simple = steps.iter().all(|step| matches!(step.token, Token::Key(_) | Token::Index(_)));
        let mut path = Path { text: text.into(), from_root, definite, simple, steps };
        // A function behind a leading `..` takes all hits at once.
        path.definite = path.definite || path.aggregate().is_some();
        path
    }

    /// The place of a function that takes all hits of a path that starts with `..`.
    fn aggregate(&self) -> Option<usize> {
        if !matches!(self.steps.first()?.token, Token::Scan) {
            return None;
        }
        self.steps.iter().position(|step| matches!(step.token, Token::Function(_)))
    }

    /// `$` or `@` alone.
    pub fn is_root(&self) -> bool {
        self.steps.is_empty()
    }
}
