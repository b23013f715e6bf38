//! Regular expressions as parameters, and replacing the way Java does it.

use std::borrow::Cow;

use fancy_regex::{Captures, Regex};

use crate::condition::pattern::search;
use crate::variables::Template;

/// A regular expression, known when the transformation is loaded or made of variables.
#[derive(Debug)]
pub(crate) enum Expression {
    Fixed(Box<Regex>),
    /// `whole`: it has to match the whole text.
    Template {
        template: Template,
        whole: bool,
    },
}

impl Expression {
    pub fn fixed(body: &str, whole: bool) -> Result<Self, String> {
        Ok(Self::Fixed(Box::new(compile(body, whole)?)))
    }
}

pub(super) fn compile(body: &str, whole: bool) -> Result<Regex, String> {
    if whole {
        // Checked alone first, so that an unbalanced parenthesis cannot hide in the group around it.
        search(body)?;
        search(&format!(r"\A(?:{body})\z"))
    } else {
        search(body)
    }
}

pub(super) const TOO_MANY_STEPS: &str = "has a regular expression that takes too many steps on this text";

/// Which of the matches are replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    First,
    Last,
    All,
}

/// Replace matches; `$1` in the replacement is a group, a backslash takes the next character as it is. (`${name}` has
/// become a variable's text before.)
pub(super) fn replace(regex: &Regex, text: &str, replacement: &str, which: Which, out: &mut String) -> Result<(), String> {
    let mut matches: Vec<Captures<'_>> = Vec::new();
    for found in regex.captures_iter(text) {
        let found = found.map_err(|_| TOO_MANY_STEPS.to_owned())?;
        match which {
            Which::Last => matches.clear(),
            Which::First if !matches.is_empty() => break,
            _ => {}
        }
        matches.push(found);
    }
    let mut from = 0;
    for found in &matches {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(&text[from..whole.start()]);
        expand(found, replacement, out)?;
        from = whole.end();
    }
    out.push_str(&text[from..]);
    Ok(())
}

fn expand(found: &Captures<'_>, replacement: &str, out: &mut String) -> Result<(), String> {
    let mut chars = replacement.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => out.extend(chars.next()),
            '$' => {
                let group = chars.next().and_then(|digit| digit.to_digit(10));
                let mut group = group.ok_or("behind $ in a replacement stands the number of a group")? as usize;
                if group >= found.len() {
                    return Err(format!("the regular expression has no group {group}"));
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
pub(super) fn group<'t>(regex: &Regex, text: &'t str, group: usize) -> Result<Option<Cow<'t, str>>, String> {
    let found = regex.captures(text).map_err(|_| TOO_MANY_STEPS.to_owned())?;
    Ok(found.and_then(|found| found.get(group)).map(|group| Cow::Borrowed(group.as_str())))
}
