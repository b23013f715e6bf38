//! The two sides of a comparison: what they are at this moment, and how they compare.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{Operand, Pattern};
use crate::json::text::same;
use crate::json::{Kind, Value, number};
use crate::path::{Found, Hit, Made, Path, PathError, Scope};

/// An operand's value.
#[derive(Clone, Debug)]
pub(crate) enum Term<'d> {
    /// A path that leads nowhere.
    Undefined,
    Null,
    Bool(bool),
    /// JSON text of a number.
    Number(Cow<'d, str>),
    Text(Cow<'d, str>),
    /// An array or object.
    Tree(Value<'d>),
    /// The hits of an indefinite path.
    List(Vec<Hit<'d>>),
    /// Some members of an object, `['a','b']`.
    Projection(Value<'d>, &'d [Box<str>]),
    Keys(Value<'d>),
    Pattern(&'d Pattern),
}

impl<'d> Term<'d> {
    pub(crate) fn of_value(value: Value<'d>) -> Self {
        match value.kind() {
            Kind::Null => Self::Null,
            Kind::True => Self::Bool(true),
            Kind::False => Self::Bool(false),
            Kind::Number => Self::Number(Cow::Borrowed(value.raw())),
            Kind::String => Self::Text(value.string()),
            Kind::Array | Kind::Object => Self::Tree(value),
        }
    }

    fn of_hit(hit: Hit<'d>) -> Self {
        match hit {
            Hit::Value(value) => Self::of_value(value),
            Hit::Made(Made::Null) => Self::Null,
            Hit::Made(Made::Number(number)) => Self::Number(Cow::Owned(number)),
            Hit::Made(Made::Text(text)) => Self::Text(Cow::Owned(text)),
            Hit::Made(Made::Projection(value, names)) => Self::Projection(value, names),
            Hit::Made(Made::Keys(value)) => Self::Keys(value),
        }
    }

    pub(crate) fn of_path(path: &'d Path, scope: &Scope<'d>) -> Result<Self, PathError> {
        if path.is_simple() {
            let start = if path.from_root { scope.root } else { scope.item };
            return Ok(path.follow(start).map_or(Self::Undefined, Self::of_value));
        }
        match path.read(scope) {
            Ok(Found::One(hit)) => Ok(Self::of_hit(hit)),
            Ok(Found::Many(hits)) => Ok(Self::List(hits)),
            Err(PathError::NotFound) => Ok(Self::Undefined),
            Err(other) => Err(other),
        }
    }

    pub(super) fn of(operand: &'d Operand, scope: &Scope<'d>) -> Result<Self, PathError> {
        Ok(match operand {
            Operand::Path(path) => return Self::of_path(path, scope),
            Operand::Null => Self::Null,
            Operand::Bool(bool) => Self::Bool(*bool),
            Operand::Number(text) => Self::Number(Cow::Borrowed(text)),
            Operand::Text(text) => Self::Text(Cow::Borrowed(text)),
            Operand::Template(template) => Self::Text(Cow::Owned(template.render(scope.variables))),
            Operand::Json(slot) => Self::of_value(Value { doc: scope.constants, at: slot.at }),
            Operand::Pattern(pattern) => Self::Pattern(pattern),
        })
    }

    /// Neither an array nor an object.
    fn is_leaf(&self) -> bool {
        !matches!(self, Self::Tree(_) | Self::List(_) | Self::Projection(..) | Self::Keys(_))
    }

    /// The elements, if this is a list.
    pub(super) fn elements(&self) -> Option<Vec<Term<'d>>> {
        match self {
            Self::Tree(value) if value.kind() == Kind::Array => Some(value.elements().map(Self::of_value).collect()),
            Self::List(hits) => Some(hits.iter().cloned().map(Self::of_hit).collect()),
            Self::Keys(value) => Some(value.members().map(|(key, _)| Self::Text(key.string())).collect()),
            _ => None,
        }
    }

    /// The members, if this is an object.
    fn members(&self) -> Option<Vec<(Cow<'d, str>, Term<'d>)>> {
        match self {
            Self::Tree(value) if value.kind() == Kind::Object => {
                Some(value.members().map(|(key, member)| (key.string(), Self::of_value(member))).collect())
            }
            Self::Projection(value, names) => Some(
                names.iter().filter_map(|name| value.member(name).map(|member| (Cow::Borrowed(&**name), Self::of_value(member)))).collect(),
            ),
            _ => None,
        }
    }

    /// How many elements or members; nothing for a leaf.
    pub(super) fn count(&self) -> Option<usize> {
        match self {
            Self::Tree(value) | Self::Keys(value) => Some(value.count()),
            Self::List(hits) => Some(hits.len()),
            Self::Projection(value, names) => Some(names.iter().filter(|name| value.member(name).is_some()).count()),
            _ => None,
        }
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::List(_) | Self::Keys(_)) || matches!(self, Self::Tree(value) if value.kind() == Kind::Array)
    }

    /// `==`. Numbers and texts are converted into what the left side is; a missing value equals nothing, not even another missing one.
    pub(super) fn equals(&self, right: &Term<'d>, scope: &Scope<'d>) -> Result<bool, PathError> {
        Ok(match (self, right) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Text(a), Self::Text(b) | Self::Number(b)) => same(a.as_bytes(), b.as_bytes()),
            (Self::Number(a), Self::Number(b) | Self::Text(b)) => number::compare(a, b) == Some(Ordering::Equal),
            _ if self.is_leaf() || right.is_leaf() => false,
            _ => self.identical(right, scope)?,
        })
    }

    /// Equality inside of arrays and objects: no conversion, and `5` is not `5.0`.
    fn identical(&self, right: &Term<'d>, scope: &Scope<'d>) -> Result<bool, PathError> {
        scope.spend()?;
        match (self, right) {
            (Self::Number(a), Self::Number(b)) => {
                return Ok(number::is_integer(a) == number::is_integer(b) && number::compare(a, b) == Some(Ordering::Equal));
            }
            (Self::Text(_), Self::Number(_)) | (Self::Number(_), Self::Text(_)) => return Ok(false),
            _ if self.is_leaf() || right.is_leaf() => return self.equals(right, scope),
            _ => {}
        }
        if self.count() != right.count() {
            return Ok(false);
        }
        if let (Some(a), Some(b)) = (self.elements(), right.elements()) {
            for (a, b) in a.iter().zip(&b) {
                if !a.identical(b, scope)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        let (Some(a), Some(b)) = (self.members(), right.members()) else { return Ok(false) };
        for (name, a) in &a {
            match b.iter().find(|(other, _)| other == name) {
                Some((_, b)) if a.identical(b, scope)? => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Whether both are values of one kind, for `===`.
    pub(super) fn same_kind(&self, right: &Term<'d>) -> bool {
        match (self, right) {
            (Self::Pattern(_), _) | (_, Self::Pattern(_)) => false,
            _ if !self.is_leaf() && !right.is_leaf() => true,
            _ => std::mem::discriminant(self) == std::mem::discriminant(right),
        }
    }

    /// Number against number or text against text (by UTF-16 units); anything else has no order.
    pub(super) fn order(&self, right: &Term<'d>) -> Option<Ordering> {
        match (self, right) {
            (Self::Number(a), Self::Number(b)) => number::compare(a, b),
            (Self::Text(a), Self::Text(b)) if a.is_ascii() && b.is_ascii() => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.encode_utf16().cmp(b.encode_utf16())),
            _ => None,
        }
    }

    /// The text a regular expression is matched against; what has none is an empty text.
    pub(super) fn matched_text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
            _ => "",
        }
    }
}
