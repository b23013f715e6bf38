//! Reading a date by a pattern.

use super::pattern::{Field, Number, Part, Sign, Style};
use super::resolve::Fields;
use super::{Moment, names, zone};

/// Read a whole text. The error says why it is no such date.
pub(super) fn parse(parts: &[Part], text: &str) -> Result<Moment, String> {
    let mut fields = Fields::default();
    match sequence(parts, text, 0, &mut fields) {
        Some(end) if end == text.len() => fields.resolve(),
        _ => Err("does not fit its format".to_owned()),
    }
}

/// Where the reading ends; nothing if the text does not fit.
fn sequence(parts: &[Part], text: &str, from: usize, fields: &mut Fields) -> Option<usize> {
    parts.iter().try_fold(from, |at, part| one(part, text, at, fields))
}

fn one(part: &Part, text: &str, at: usize, fields: &mut Fields) -> Option<usize> {
    let rest = text.get(at..)?;
    match part {
        Part::Literal(literal) => rest.starts_with(&**literal).then(|| at + literal.len()),
        Part::Number(wanted) => {
            let (value, length) = number(wanted, rest)?;
            fields.set(wanted.field, value)?;
            Some(at + length)
        }
        Part::Fraction(width) => {
            let digits = rest.get(..*width).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
            let value = digits.parse::<i64>().ok()? * 10i64.pow(u32::try_from(9 - width).ok()?);
            fields.set(Field::Nano, value)?;
            Some(at + width)
        }
        Part::Text(field, style) => {
            let found = names::value(*field, *style, rest).or_else(|| {
                // Letters that stand for several months are read as numbers, as are quarters in one letter.
                let plain = Number { field: *field, least: 1, most: 19, sign: Sign::Normal, reserved: 0, reduced: false };
                if *style == Style::Narrow { number(&plain, rest) } else { None }
            });
            let (value, length) = found?;
            fields.set(*field, value)?;
            Some(at + length)
        }
        Part::Offset(signs, zero) => {
            if let Some(zero) = zero
                && rest.starts_with(zero)
            {
                fields.set_offset(0)?;
                return Some(at + zero.len());
            }
            let (length, seconds) = zone::offset(rest, *signs)?;
            fields.set_offset(seconds)?;
            Some(at + length)
        }
        Part::Gmt(full) => {
            let signed = rest.strip_prefix("GMT")?;
            if !signed.starts_with(['+', '-']) {
                fields.set_offset(0)?;
                return Some(at + 3);
            }
            if *full {
                let (length, seconds) = zone::offset(signed, zone::Signs::ColonSeconds)?;
                fields.set_offset(seconds)?;
                return Some(at + 3 + length);
            }
            let digits = signed[1..].bytes().take(2).take_while(u8::is_ascii_digit).count();
            let hours: i32 = signed.get(1..=digits)?.parse().ok()?;
            let minutes = signed.get(1 + digits..4 + digits).and_then(|text| text.strip_prefix(':'));
            let minutes = minutes.and_then(|text| text.parse::<i32>().ok()).filter(|minutes| (0..60).contains(minutes));
            let seconds = (hours * 60 + minutes.unwrap_or(0)) * 60;
            fields.set_offset(if signed.starts_with('-') { -seconds } else { seconds })?;
            Some(at + 4 + digits + if minutes.is_some() { 3 } else { 0 })
        }
        Part::Zone => {
            let (length, seconds) = zone::read(rest)?;
            fields.zone = Some(rest[..length].to_owned());
            if let Some(seconds) = seconds {
                fields.set_offset(seconds)?;
            }
            Some(at + length)
        }
        Part::Optional(parts) => {
            let mut tried = fields.clone();
            Some(match sequence(parts, text, at, &mut tried) {
                Some(end) => {
                    *fields = tried;
                    end
                }
                None => at,
            })
        }
        Part::Padded(width, inner) => {
            let end = rest.char_indices().nth(*width).map_or(rest.len(), |(end, _)| end);
            if rest[..end].chars().count() < *width {
                return None;
            }
            let spaces = rest[..end].len() - rest[..end].trim_start_matches(' ').len();
            (one(inner, &text[..at + end], at + spaces, fields)? == at + end).then_some(at + end)
        }
    }
}

/// A number at the beginning of a text, and its length.
fn number(wanted: &Number, text: &str) -> Option<(i64, usize)> {
    let (negative, plus) = (text.starts_with('-'), text.starts_with('+'));
    if negative && wanted.sign == Sign::Never || plus && wanted.sign != Sign::ExceedsPad {
        return None;
    }
    let start = usize::from(negative || plus);
    let digits = text.as_bytes()[start..].iter().take(wanted.most + wanted.reserved).take_while(|byte| byte.is_ascii_digit()).count();
    // The digits of the numbers right behind it are theirs.
    let length = if wanted.reserved > 0 { wanted.least.max(digits.saturating_sub(wanted.reserved)) } else { digits };
    if length > digits || digits < wanted.least {
        return None;
    }
    let value: i64 = text[start..start + length].parse().ok()?;
    if negative && value == 0 {
        return None;
    }
    if wanted.sign == Sign::ExceedsPad && !negative && plus != (length > wanted.least) {
        return None;
    }
    let value = if wanted.reduced { 2000 + value } else { value };
    Some((if negative { -value } else { value }, start + length))
}
