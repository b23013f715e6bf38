//! Regular expressions as parameters, and replacing the way Java does it.

use std::borrow::Cow;

use fancy_regex::Captures;

use super::{Failure, SIZE};
use crate::condition::pattern::{Budget, Limit, Pattern, Search};
use crate::variables::Template;

/// A regular expression that is searched for: known when the transformation is loaded, or made of variables.
#[derive(Debug)]
pub(crate) enum Expression<E> {
    Fixed(Box<E>),
    Template(Template),
}

/// What an expression is compiled to.
pub(crate) trait Compile: Sized {
    fn compile(body: &str) -> Result<Self, String>;
}

impl Compile for Search {
    fn compile(body: &str) -> Result<Self, String> {
        Search::compile(body)
    }
}

/// It has to match the whole text.
impl Compile for Pattern {
    fn compile(body: &str) -> Result<Self, String> {
        Pattern::compile(body, "")
    }
}

/// An expression at work: of the transformation, or made for one entity.
pub(super) enum Made<'e, E> {
    Fixed(&'e E),
    New(E),
}

impl<E> std::ops::Deref for Made<'_, E> {
    type Target = E;

    fn deref(&self) -> &E {
        match self {
            Self::Fixed(expression) => expression,
            Self::New(expression) => expression,
        }
    }
}

impl From<Limit> for Failure {
    fn from(_: Limit) -> Self {
        Self::Limit
    }
}

/// Which of the matches are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    First,
    Last,
    All,
}

/// Replace matches; `$1` in the replacement is a group, a backslash takes the next character as it is. (`${name}` has
/// become a variable's text before.)
pub(super) fn replace(
    search: &Search,
    text: &str,
    replacement: &str,
    which: Which,
    budget: &Budget,
    out: &mut String,
) -> Result<(), Failure> {
    let mut from = 0;
    let mut put = |found: &Captures<'_>, out: &mut String| -> Result<(), Failure> {
        let Some(whole) = found.get(0) else { return Ok(()) };
        out.push_str(&text[from..whole.start()]);
        expand(found, replacement, out)?;
        from = whole.end();
        if out.len() > SIZE { Err(Failure::Limit) } else { Ok(()) }
    };
    match which {
        Which::First => {
            if let Some(found) = search.first(text, budget)? {
                put(&found, out)?;
            }
        }
        Which::Last => {
            let mut last = None;
            search.each(text, budget, |found| {
                last = Some(found);
                Ok(())
            })?;
            if let Some(found) = last {
                put(&found, out)?;
            }
        }
        Which::All => {
            let mut failure = None;
            let end = search.each(text, budget, |found| {
                put(&found, out).map_err(|what| {
                    failure = Some(what);
                    Limit
                })
            });
            match failure {
                Some(failure) => return Err(failure),
                None => end?,
            }
        }
    }
    out.push_str(&text[from..]);
    Ok(())
}

fn expand(found: &Captures<'_>, replacement: &str, out: &mut String) -> Result<(), Failure> {
    let mut chars = replacement.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.push(chars.next().ok_or("has a backslash at the end of its replacement")?),
            '$' => {
                let group = chars.next().and_then(|digit| digit.to_digit(10));
                let mut group = group.ok_or("has no number of a group behind $ in its replacement")? as usize;
                if group >= found.len() {
                    return Err(format!("has no group {group} in its regular expression").into());
                }
                // Java takes further digits as long as there is such a group.
                while let Some(digit) = chars.peek().and_then(|digit| digit.to_digit(10))
                    && group * 10 + (digit as usize) < found.len()
                {
                    group = group * 10 + digit as usize;
                    chars.next();
                }
                out.push_str(found.get(group).map_or("", |group| group.as_str()));
            }
            other => out.push(other),
        }
    }
    Ok(())
}

/// A group of the first match; nothing if there is no match or the group took no part in it.
pub(super) fn group<'t>(search: &Search, text: &'t str, group: usize, budget: &Budget) -> Result<Option<Cow<'t, str>>, Failure> {
    let found = search.first(text, budget)?;
    Ok(found.and_then(|found| found.get(group)).map(|group| Cow::Borrowed(group.as_str())))
}
