//! Following a path through a document.

use std::cell::Cell;

use super::{Path, Step, Token};
use crate::json::text::{push, push_quoted};
use crate::json::{Doc, Kind, Value};

/// Why a path gave no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// Something on the definite part of the path is missing.
    NotFound,
    /// The path makes no sense here: a filter on a scalar, a sum of nothing, an operator on the wrong kind. Inside of a filter this makes the whole filter false.
    Invalid,
    /// It takes too many steps, or a regular expression does. Never swallowed: a condition that could not be decided is not false.
    Limit,
}

/// A value that stands nowhere in the document.
#[derive(Clone, Debug)]
pub enum Made<'d> {
    Null,
    /// JSON text of a number.
    Number(String),
    Text(String),
    /// Those members of the object that exist, in the order asked.
    Projection(Value<'d>, &'d [Box<str>]),
    /// The object's keys as a list.
    Keys(Value<'d>),
}

#[derive(Clone, Debug)]
pub enum Hit<'d> {
    Value(Value<'d>),
    Made(Made<'d>),
}

impl Hit<'_> {
    /// Append the value as JSON text.
    pub fn write(&self, out: &mut String) {
        let members = |out: &mut String, value: &Value<'_>, names: &[Box<str>]| {
            out.push('{');
            let mut first = true;
            for name in distinct(names) {
                if let Some(member) = value.member(name) {
                    if !first {
                        out.push(',');
                    }
                    first = false;
                    push_quoted(out, name);
                    out.push(':');
                    push(out, member.raw());
                }
            }
            out.push('}');
        };
        match self {
            Self::Value(value) => push(out, value.raw()),
            Self::Made(Made::Null) => out.push_str("null"),
            Self::Made(Made::Number(number)) => out.push_str(number),
            Self::Made(Made::Text(text)) => push_quoted(out, text),
            Self::Made(Made::Projection(value, names)) => members(out, value, names),
            Self::Made(Made::Keys(value)) => {
                out.push('[');
                for (position, (key, _)) in value.members().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    push(out, key.raw());
                }
                out.push(']');
            }
        }
    }
}

/// The names, each once.
fn distinct(names: &[Box<str>]) -> impl Iterator<Item = &str> {
    names.iter().enumerate().filter(|(at, name)| !names[..*at].contains(name)).map(|(_, name)| &**name)
}

#[derive(Debug)]
pub enum Found<'d> {
    One(Hit<'d>),
    Many(Vec<Hit<'d>>),
}

/// What a path or condition is evaluated against.
#[derive(Clone, Copy)]
pub struct Scope<'d> {
    /// `$`
    pub root: Value<'d>,
    /// `@`
    pub item: Value<'d>,
    /// Literals of the compiled conditions.
    pub constants: &'d Doc<'d>,
    /// The texts of the variables, by their number; only those the condition uses need to be there.
    pub variables: &'d [String],
    /// Steps left; see [`PathError::Limit`].
    pub budget: &'d Cell<u32>,
}

/// Steps one path or condition may take on one entity. A filter over a group of 100 000 members needs about a million.
pub const BUDGET: u32 = 5_000_000;

impl Scope<'_> {
    #[inline]
    pub(crate) fn spend(&self) -> Result<(), PathError> {
        let left = self.budget.get().checked_sub(1).ok_or(PathError::Limit)?;
        self.budget.set(left);
        Ok(())
    }
}

type Sink<'s, 'd> = &'s mut dyn FnMut(Hit<'d>);

impl Path {
    /// Read the path: one value if it is definite, else a list, possibly empty.
    pub fn read<'d>(&'d self, scope: &Scope<'d>) -> Result<Found<'d>, PathError> {
        if self.definite {
            return self.read_one(scope).map(Found::One);
        }
        let mut hits = Vec::new();
        self.each(scope, &mut |hit| hits.push(hit))?;
        Ok(Found::Many(hits))
    }

    /// Read a definite path.
    pub fn read_one<'d>(&'d self, scope: &Scope<'d>) -> Result<Hit<'d>, PathError> {
        let start = if self.from_root { scope.root } else { scope.item };
        if self.simple {
            return self.follow(start).map(Hit::Value).ok_or(PathError::NotFound);
        }
        if let Some(at) = self.aggregate()
            && let Token::Function(function) = &self.steps[at].token
        {
            let mut hits = Vec::new();
            walk(&self.steps[..at], start, scope, false, &mut |hit| hits.push(hit))?;
            return function.aggregate(&hits, scope);
        }
        let mut last = None;
        walk(&self.steps, start, scope, false, &mut |hit| last = Some(hit))?;
        last.ok_or(PathError::NotFound)
    }

    /// Hand over all hits of an indefinite path, in order.
    pub fn each<'d>(&'d self, scope: &Scope<'d>, sink: Sink<'_, 'd>) -> Result<(), PathError> {
        walk(&self.steps, if self.from_root { scope.root } else { scope.item }, scope, false, sink)
    }

    /// Follow keys and single indexes, the common case.
    #[inline]
    pub(crate) fn follow<'d>(&self, start: Value<'d>) -> Option<Value<'d>> {
        let mut value = start;
        for step in &self.steps {
            value = match &step.token {
                Token::Key(name) => value.member_named(name)?,
                Token::Index(index) => value.element(*index)?,
                _ => return None,
            };
        }
        Some(value)
    }

    pub(crate) fn is_simple(&self) -> bool {
        self.simple
    }

    /// The exists test of a filter. It starts at the element in hand even where the path says `$`, and every named property must be there; an indefinite path
    /// exists as soon as its definite head does.
    pub(crate) fn exists<'d>(&'d self, scope: &Scope<'d>) -> Result<bool, PathError> {
        let mut any = false;
        match walk(&self.steps, scope.item, scope, true, &mut |_| any = true) {
            Ok(()) => Ok(any || !self.definite),
            Err(PathError::NotFound) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

/// `require`: a missing property is an error also behind an indefinite token.
fn walk<'d>(steps: &'d [Step], value: Value<'d>, scope: &Scope<'d>, require: bool, sink: Sink<'_, 'd>) -> Result<(), PathError> {
    scope.spend()?;
    let Some((step, rest)) = steps.split_first() else {
        sink(Hit::Value(value));
        return Ok(());
    };
    let kind = value.kind();
    match &step.token {
        Token::Key(name) => {
            if kind != Kind::Object {
                return missing(step.upstream_definite);
            }
            match value.member_named(name) {
                Some(member) => walk(rest, member, scope, require, sink),
                None => missing(require || step.upstream_definite && !rest.is_empty()),
            }
        }
        Token::Keys(names) => {
            if kind != Kind::Object {
                return missing(step.upstream_definite);
            }
            if require && names.iter().any(|name| value.member(name).is_none()) {
                return Err(PathError::NotFound);
            }
            if rest.is_empty() {
                sink(Hit::Made(Made::Projection(value, names)));
                return Ok(());
            }
            for name in names {
                if let Some(member) = value.member(name) {
                    walk(rest, member, scope, require, sink)?;
                }
            }
            Ok(())
        }
        Token::Index(index) => {
            if kind != Kind::Array {
                return missing(step.upstream_definite);
            }
            value.element(*index).map_or(Ok(()), |element| walk(rest, element, scope, require, sink))
        }
        Token::Indexes(indexes) => {
            if kind != Kind::Array {
                return missing(step.upstream_definite);
            }
            for element in indexes.iter().filter_map(|index| value.element(*index)) {
                walk(rest, element, scope, require, sink)?;
            }
            Ok(())
        }
        Token::Slice(from, to) => {
            if kind != Kind::Array {
                return missing(step.upstream_definite);
            }
            slice(value, *from, *to, &mut |element| walk(rest, element, scope, require, sink))
        }
        Token::Wildcard => wildcard(value, &mut |child| walk(rest, child, scope, require, sink)),
        Token::Scan => scan(rest, value, scope, require, sink),
        Token::Filter(filter) => match kind {
            Kind::Object => {
                if filter.accepts(value, scope)? {
                    walk(rest, value, scope, require, sink)?;
                }
                Ok(())
            }
            Kind::Array => {
                for element in value.elements() {
                    if filter.accepts(element, scope)? {
                        walk(rest, element, scope, require, sink)?;
                    }
                }
                Ok(())
            }
            _ if step.upstream_definite => Err(PathError::Invalid),
            _ => Ok(()),
        },
        Token::Function(function) => {
            match function.apply(value, scope)? {
                Hit::Value(value) => walk(rest, value, scope, require, sink)?,
                // Nothing leads on from a computed value.
                made @ Hit::Made(_) if rest.is_empty() => sink(made),
                Hit::Made(_) => {}
            }
            Ok(())
        }
    }
}

fn missing(is_error: bool) -> Result<(), PathError> {
    if is_error { Err(PathError::NotFound) } else { Ok(()) }
}

type Visit<'s, 'd> = &'s mut dyn FnMut(Value<'d>) -> Result<(), PathError>;

fn wildcard<'d>(value: Value<'d>, visit: Visit<'_, 'd>) -> Result<(), PathError> {
    match value.kind() {
        Kind::Object => value.members().try_for_each(|(_, member)| visit(member)),
        Kind::Array => value.elements().try_for_each(visit),
        _ => Ok(()),
    }
}

/// A negative start is counted from the end, also where an end is given; a negative end counts from the end only without a start. That is what Jayway does.
fn slice<'d>(value: Value<'d>, from: Option<i32>, to: Option<i32>, visit: Visit<'_, 'd>) -> Result<(), PathError> {
    let length = i64::try_from(value.count()).unwrap_or(i64::MAX);
    let (from, to) = match (from.map(i64::from), to.map(i64::from)) {
        (Some(from), Some(to)) if from < 0 => {
            for index in from..to.min(length) {
                let index = if index < 0 { length + index } else { index };
                if let Some(element) = i32::try_from(index).ok().filter(|index| *index >= 0).and_then(|index| value.element(index)) {
                    visit(element)?;
                }
            }
            return Ok(());
        }
        (Some(from), Some(to)) => (from, to.min(length)),
        (Some(from), None) => (if from < 0 { (length + from).max(0) } else { from }, length),
        (None, Some(to)) => (0, if to < 0 { length + to } else { to.min(length) }),
        (None, None) => (0, length),
    };
    let skip = usize::try_from(from).unwrap_or(0);
    let take = usize::try_from(to - from).unwrap_or(0);
    value.elements().skip(skip).take(take).try_for_each(visit)
}

/// `..`: first the container itself, then its children in document order.
fn scan<'d>(steps: &'d [Step], value: Value<'d>, scope: &Scope<'d>, require: bool, sink: Sink<'_, 'd>) -> Result<(), PathError> {
    scope.spend()?;
    let Some((step, rest)) = steps.split_first() else { return Err(PathError::Invalid) };
    let kind = value.kind();
    if !matches!(kind, Kind::Object | Kind::Array) {
        return Ok(());
    }
    let fits = match &step.token {
        Token::Key(name) => value.member_named(name).is_some(),
        Token::Keys(names) => kind == Kind::Object && (!rest.is_empty() || names.iter().all(|name| value.member(name).is_some())),
        Token::Index(_) | Token::Indexes(_) | Token::Slice(..) => kind == Kind::Array,
        // Behind `..*` nothing is found any more; that is how it was recorded.
        Token::Wildcard => rest.is_empty(),
        Token::Filter(filter) => filter.accepts(value, scope)?,
        Token::Scan | Token::Function(_) => false,
    };
    if fits {
        // On an array with more path to come every element goes on, whatever the index or filter says. Jayway again.
        if kind == Kind::Object || rest.is_empty() {
            walk(steps, value, scope, require, sink)?;
        } else {
            value.elements().try_for_each(|element| walk(rest, element, scope, require, sink))?;
        }
    }
    wildcard(value, &mut |child| scan(steps, child, scope, require, sink))
}
