//! Whether a condition holds.

use super::operand::Term;
use super::{Filter, Operand, Operator};
use crate::json::text::same;
use crate::json::{Kind, Value};
use crate::path::{Path, PathError, Scope};

impl Filter {
    /// Whether the filter takes this element. An operand that makes no sense makes the whole filter false, whatever stands beside it; only a limit is passed on.
    pub fn accepts<'d>(&'d self, item: Value<'d>, scope: &Scope<'d>) -> Result<bool, PathError> {
        match self.holds(&Scope { item, ..*scope }) {
            Err(PathError::Limit) => Err(PathError::Limit),
            other => Ok(other.unwrap_or(false)),
        }
    }

    pub(super) fn holds<'d>(&'d self, scope: &Scope<'d>) -> Result<bool, PathError> {
        scope.spend()?;
        match self {
            Self::Or(operands) => {
                for operand in operands {
                    if operand.holds(scope)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::And(operands) => {
                for operand in operands {
                    if !operand.holds(scope)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Not(inner) => Ok(!inner.holds(scope)?),
            Self::Exists(path, expected) => Ok(path.exists(scope)? == *expected),
            Self::Predicate(predicate) => predicate.holds(scope),
            Self::Compare(Operand::Path(path), operator @ (Operator::Equal | Operator::NotEqual), right)
                if let Some(equal) = plain_equal(path, right, scope) =>
            {
                Ok(equal == matches!(operator, Operator::Equal))
            }
            Self::Compare(left, operator, right) => compare(&Term::of(left, scope)?, *operator, &Term::of(right, scope)?, scope),
        }
    }
}

/// [`Term::equals`] for what stands in most conditions: a path of names and indexes, and a text or boolean. Nothing where more has to be looked at.
fn plain_equal<'d>(path: &'d Path, right: &'d Operand, scope: &Scope<'d>) -> Option<bool> {
    if !path.is_simple() {
        return None;
    }
    let kind_and_value = |wanted: fn(Kind) -> bool| {
        let value = path.follow(if path.from_root { scope.root } else { scope.item });
        value.map(|value| (wanted(value.kind()), value))
    };
    match right {
        Operand::Text(text) => match kind_and_value(|kind| kind == Kind::String) {
            Some((true, value)) => value.plain().map(|plain| same(plain.as_bytes(), text.as_bytes())),
            // A number is compared as a number.
            Some((false, value)) if value.kind() == Kind::Number => None,
            _ => Some(false),
        },
        Operand::Bool(wanted) => match kind_and_value(|kind| matches!(kind, Kind::True | Kind::False)) {
            Some((true, value)) => Some((value.kind() == Kind::True) == *wanted),
            _ => Some(false),
        },
        _ => None,
    }
}

fn compare<'d>(left: &Term<'d>, operator: Operator, right: &Term<'d>, scope: &Scope<'d>) -> Result<bool, PathError> {
    let ordered = |wanted: fn(std::cmp::Ordering) -> bool| Ok(left.order(right).is_some_and(wanted));
    match operator {
        Operator::Equal => left.equals(right, scope),
        Operator::NotEqual => Ok(!left.equals(right, scope)?),
        Operator::SameKindEqual => Ok(left.same_kind(right) && left.equals(right, scope)?),
        Operator::SameKindNotEqual => Ok(!(left.same_kind(right) && left.equals(right, scope)?)),
        Operator::Less => ordered(std::cmp::Ordering::is_lt),
        Operator::LessOrEqual => ordered(std::cmp::Ordering::is_le),
        Operator::Greater => ordered(std::cmp::Ordering::is_gt),
        Operator::GreaterOrEqual => ordered(std::cmp::Ordering::is_ge),
        Operator::Matches => matches(left, right, scope),
        Operator::In => within(left, right, scope),
        Operator::NotIn => Ok(!within(left, right, scope)?),
        Operator::Contains => match (left, right) {
            (Term::Text(text), Term::Text(part)) => Ok(text.contains(&**part)),
            _ => match left.elements() {
                Some(elements) => any_equal(right, &elements, scope),
                None => Ok(false),
            },
        },
        Operator::Size => {
            let Term::Number(size) = right else { return Ok(false) };
            Ok(match left {
                Term::Text(text) => text.encode_utf16().count().to_string() == **size,
                _ if left.is_list() => left.count().is_some_and(|count| count.to_string() == **size),
                _ => false,
            })
        }
        // Decided in section 10.4 of the provisioning rules: missing, null, "" and [] are empty, everything else is not.
        Operator::Empty => {
            let Term::Bool(expected) = right else { return Err(PathError::Invalid) };
            let empty = match left {
                Term::Undefined | Term::Null => true,
                Term::Text(text) => text.is_empty(),
                _ => left.count() == Some(0),
            };
            Ok(empty == *expected)
        }
        Operator::All | Operator::SubsetOf | Operator::AnyOf | Operator::NoneOf => {
            let Some((left, right)) = lists(left, right)? else { return Ok(false) };
            let (of, among) = if operator == Operator::All { (right, left) } else { (left, right) };
            for element in &of {
                let found = any_equal(element, &among, scope)?;
                match operator {
                    Operator::AnyOf if found => return Ok(true),
                    Operator::NoneOf if found => return Ok(false),
                    Operator::All | Operator::SubsetOf if !found => return Ok(false),
                    _ => {}
                }
            }
            Ok(operator != Operator::AnyOf)
        }
    }
}

fn any_equal<'d>(wanted: &Term<'d>, elements: &[Term<'d>], scope: &Scope<'d>) -> Result<bool, PathError> {
    for element in elements {
        scope.spend()?;
        if wanted.equals(element, scope)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `IN`. The right side must be a list; an object holds nothing, and anything else makes no sense.
fn within<'d>(left: &Term<'d>, right: &Term<'d>, scope: &Scope<'d>) -> Result<bool, PathError> {
    match right.elements() {
        Some(elements) => any_equal(left, &elements, scope),
        None if right.count().is_some() => Ok(false),
        None => Err(PathError::Invalid),
    }
}

type Lists<'d> = Option<(Vec<Term<'d>>, Vec<Term<'d>>)>;

/// Both sides as lists; nothing where one of them is an object.
fn lists<'d>(left: &Term<'d>, right: &Term<'d>) -> Result<Lists<'d>, PathError> {
    match (left.elements(), right.elements()) {
        (Some(left), Some(right)) => Ok(Some((left, right))),
        _ if left.count().is_some() && right.count().is_some() => Ok(None),
        _ => Err(PathError::Invalid),
    }
}

/// `=~` matches the whole text; of a list one element is enough. Exactly one side must be a regular expression.
fn matches<'d>(left: &Term<'d>, right: &Term<'d>, scope: &Scope<'d>) -> Result<bool, PathError> {
    let (pattern, value) = match (left, right) {
        (Term::Pattern(_), Term::Pattern(_)) => return Ok(false),
        (Term::Pattern(pattern), value) | (value, Term::Pattern(pattern)) => (pattern, value),
        _ => return Ok(false),
    };
    let Some(elements) = value.elements() else { return pattern.matches(value.matched_text(), scope.budget).map_err(|_| PathError::Limit) };
    for element in elements {
        scope.spend()?;
        if pattern.matches(element.matched_text(), scope.budget).map_err(|_| PathError::Limit)? {
            return Ok(true);
        }
    }
    Ok(false)
}
