//! The functions a path may end with: `length()`, `sum()`, `first()` and the others.

use super::eval::{Hit, Made, PathError, Scope};
use super::{Found, Path};
use crate::json::{Kind, Slot, Value, number};

/// A function of a path.
#[derive(Debug)]
pub enum Function {
    /// `length()` and `size()`.
    Length,
    Min(Vec<Argument>),
    Max(Vec<Argument>),
    Avg(Vec<Argument>),
    Sum(Vec<Argument>),
    Stddev(Vec<Argument>),
    Concat(Vec<Argument>),
    Keys,
    First,
    Last,
    Index(Vec<Argument>),
    /// Fails when it is read.
    Unknown(Box<str>),
}

/// What stands in a function's parentheses.
#[derive(Debug)]
pub enum Argument {
    Path(Path),
    Json(Slot),
}

impl Function {
    pub const NAMES: [&str; 12] = ["length", "size", "min", "max", "avg", "sum", "stddev", "concat", "keys", "first", "last", "index"];

    pub(crate) fn named(name: &str, arguments: Vec<Argument>) -> Self {
        match name {
            "length" | "size" => Self::Length,
            "min" => Self::Min(arguments),
            "max" => Self::Max(arguments),
            "avg" => Self::Avg(arguments),
            "sum" => Self::Sum(arguments),
            "stddev" => Self::Stddev(arguments),
            "concat" => Self::Concat(arguments),
            "keys" => Self::Keys,
            "first" => Self::First,
            "last" => Self::Last,
            "index" => Self::Index(arguments),
            other => Self::Unknown(other.into()),
        }
    }

    /// Apply to one value.
    pub(crate) fn apply<'d>(&'d self, value: Value<'d>, scope: &Scope<'d>) -> Result<Hit<'d>, PathError> {
        match self {
            Self::Length => Ok(match value.kind() {
                Kind::Array | Kind::Object => Hit::Made(Made::Number(value.count().to_string())),
                _ => Hit::Made(Made::Null),
            }),
            Self::Keys => Ok(match value.kind() {
                Kind::Object => Hit::Made(Made::Keys(value)),
                _ => Hit::Made(Made::Null),
            }),
            Self::First => at(value, 0),
            Self::Last => at(value, -1),
            Self::Index(arguments) => {
                let index = texts(arguments, scope)?.first().and_then(|text| text.parse::<i32>().ok()).ok_or(PathError::Invalid)?;
                at(value, index)
            }
            _ => {
                let elements: Vec<Hit<'d>> = value.elements().map(Hit::Value).collect();
                self.aggregate(&elements, scope)
            }
        }
    }

    /// Apply to many hits as if they were one list.
    pub(crate) fn aggregate<'d>(&'d self, hits: &[Hit<'d>], scope: &Scope<'d>) -> Result<Hit<'d>, PathError> {
        let (arguments, fold): (&[Argument], Fold) = match self {
            Self::Length => return Ok(Hit::Made(Made::Number(hits.len().to_string()))),
            Self::Concat(arguments) => {
                let mut joined = String::new();
                for hit in hits {
                    if let Hit::Value(value) = hit
                        && value.kind() == Kind::String
                    {
                        joined.push_str(&value.string());
                    }
                }
                joined.extend(texts(arguments, scope)?);
                return Ok(Hit::Made(Made::Text(joined)));
            }
            Self::Min(arguments) => (arguments, |all| all.iter().copied().fold(f64::INFINITY, f64::min)),
            Self::Max(arguments) => (arguments, |all| all.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
            Self::Avg(arguments) => (arguments, |all| all.iter().sum::<f64>() / count(all)),
            Self::Sum(arguments) => (arguments, |all| all.iter().sum()),
            Self::Stddev(arguments) => (arguments, |all| {
                let sum: f64 = all.iter().sum();
                let squares: f64 = all.iter().map(|x| x * x).sum();
                (squares / count(all) - sum * sum / count(all) / count(all)).sqrt()
            }),
            Self::First => return hits.first().cloned().ok_or(PathError::Invalid),
            Self::Last => return hits.last().cloned().ok_or(PathError::Invalid),
            Self::Keys | Self::Index(_) | Self::Unknown(_) => return Err(PathError::Invalid),
        };
        let mut numbers: Vec<f64> = Vec::new();
        for hit in hits {
            if let Hit::Value(value) = hit
                && value.kind() == Kind::Number
            {
                numbers.extend(value.raw().parse::<f64>());
            }
        }
        numbers.extend(texts(arguments, scope)?.iter().filter_map(|text| text.parse::<f64>().ok()));
        let result = fold(&numbers);
        if numbers.is_empty() || !result.is_finite() {
            return Err(PathError::Invalid);
        }
        Ok(Hit::Made(Made::Number(number::double(result))))
    }
}

/// From the numbers of a list to one.
type Fold = fn(&[f64]) -> f64;

#[expect(clippy::cast_precision_loss, reason = "a list has far fewer than 2^52 elements")]
fn count(all: &[f64]) -> f64 {
    all.len() as f64
}

/// An element by its index; only lists have any.
fn at(value: Value<'_>, index: i32) -> Result<Hit<'_>, PathError> {
    value.element(index).map(Hit::Value).ok_or(PathError::Invalid)
}

/// The arguments as texts; lists count element by element.
fn texts<'d>(arguments: &'d [Argument], scope: &Scope<'d>) -> Result<Vec<String>, PathError> {
    fn text(value: Value<'_>) -> String {
        if value.kind() == Kind::String { value.string().into_owned() } else { value.raw().to_owned() }
    }
    let mut all = Vec::new();
    let mut take = |hit: Hit<'d>| match hit {
        Hit::Value(value) if value.kind() == Kind::Array => all.extend(value.elements().map(text)),
        Hit::Value(value) => all.push(text(value)),
        Hit::Made(Made::Number(number)) => all.push(number),
        Hit::Made(_) => {}
    };
    for argument in arguments {
        match argument {
            Argument::Json(slot) => take(Hit::Value(Value { doc: scope.constants, at: slot.at })),
            Argument::Path(path) => match path.read(scope)? {
                Found::One(hit) => take(hit),
                Found::Many(hits) => hits.into_iter().for_each(&mut take),
            },
        }
    }
    Ok(all)
}
