//! The English texts of months, days and the like.

use super::pattern::{Field, Style};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const QUARTERS: [&str; 4] = ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"];
const SHORT_QUARTERS: [&str; 4] = ["Q1", "Q2", "Q3", "Q4"];
const ERAS: [&str; 2] = ["Before Christ", "Anno Domini"];
const SHORT_ERAS: [&str; 2] = ["BC", "AD"];
const HALVES: [&str; 2] = ["AM", "PM"];

/// The texts of a field and the value of the first one; nothing for fields that are numbers only, and for quarters in one letter.
fn texts(field: Field, style: Style) -> Option<(&'static [&'static str], i64)> {
    Some(match (field, style) {
        (Field::Month, _) => (&MONTHS, 1),
        (Field::DayOfWeek, _) => (&DAYS, 1),
        (Field::Quarter, Style::Full) => (&QUARTERS, 1),
        (Field::Quarter, Style::Short) => (&SHORT_QUARTERS, 1),
        (Field::Era, Style::Full) => (&ERAS, 0),
        (Field::Era, _) => (&SHORT_ERAS, 0),
        (Field::HalfOfDay, _) => (&HALVES, 0),
        _ => return None,
    })
}

/// A text in a style; short ones have three letters and narrow ones one.
fn cut(field: Field, style: Style, text: &'static str) -> &'static str {
    let letters = match (field, style) {
        (Field::Month | Field::DayOfWeek, Style::Short) => 3,
        (Field::Month | Field::DayOfWeek | Field::Era, Style::Narrow) => 1,
        _ => return text,
    };
    text.get(..letters).unwrap_or(text)
}

/// The text of a value.
pub(super) fn name(field: Field, style: Style, value: i64) -> Option<&'static str> {
    let (texts, first) = texts(field, style)?;
    let text = usize::try_from(value - first).ok().and_then(|at| texts.get(at))?;
    Some(cut(field, style, text))
}

/// The value whose text the text begins with, and that text's length. Letters that stand for several values are none.
pub(super) fn value(field: Field, style: Style, text: &str) -> Option<(i64, usize)> {
    if style == Style::Narrow && matches!(field, Field::Month | Field::DayOfWeek) {
        return None;
    }
    let (texts, first) = texts(field, style)?;
    let names = texts.iter().zip(first..).map(|(name, value)| (cut(field, style, name), value));
    names.filter(|(name, _)| text.starts_with(name)).max_by_key(|(name, _)| name.len()).map(|(name, value)| (value, name.len()))
}
