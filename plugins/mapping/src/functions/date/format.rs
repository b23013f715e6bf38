//! Writing a date by a pattern.

use std::fmt::Write as _;

use super::pattern::{Field, Part, Sign};
use super::resolve::{week_of, week_of_month};
use super::zone::{self, Signs};
use super::{Moment, SECOND, names};

/// Why something is not written.
enum Why {
    /// The date lacks it: an optional section is left out.
    Absent(&'static str),
    Impossible(String),
}

pub(super) fn format(parts: &[Part], moment: &Moment, out: &mut String) -> Result<(), String> {
    sequence(parts, moment, out).map_err(|why| match why {
        Why::Absent(what) => format!("has no {what}, which the format to write wants"),
        Why::Impossible(what) => what,
    })
}

fn sequence(parts: &[Part], moment: &Moment, out: &mut String) -> Result<(), Why> {
    parts.iter().try_for_each(|part| one(part, moment, out))
}

fn one(part: &Part, moment: &Moment, out: &mut String) -> Result<(), Why> {
    match part {
        Part::Literal(literal) => out.push_str(literal),
        Part::Number(number) => {
            let value = value(number.field, moment)?;
            let value = if number.reduced { value.abs() % 100 } else { value };
            let digits = value.unsigned_abs().to_string();
            if digits.len() > number.most || value < 0 && number.sign == Sign::Never {
                return Err(Why::Impossible("has a number that the format to write has no room for".to_owned()));
            }
            if value < 0 {
                out.push('-');
            } else if number.sign == Sign::ExceedsPad && digits.len() > number.least {
                out.push('+');
            }
            out.extend(std::iter::repeat_n('0', number.least.saturating_sub(digits.len())));
            out.push_str(&digits);
        }
        Part::Fraction(width) => out.push_str(&format!("{:09}", value(Field::Nano, moment)?)[..*width]),
        Part::Text(field, style) => {
            let value = value(*field, moment)?;
            match names::name(*field, *style, value) {
                Some(name) => out.push_str(name),
                None => out.push_str(&value.to_string()),
            }
        }
        Part::Offset(signs, zero) => match (offset(moment)?, zero) {
            (0, Some(zero)) => out.push_str(zero),
            (seconds, _) => zone::write(seconds, *signs, out),
        },
        Part::Gmt(full) => {
            let seconds = offset(moment)?;
            out.push_str("GMT");
            match (seconds, full) {
                (0, _) => {}
                (seconds, true) => zone::write(seconds, Signs::ColonSeconds, out),
                (seconds, false) => {
                    let _ = write!(out, "{}{}", if seconds < 0 { '-' } else { '+' }, seconds.abs() / 3600);
                    if seconds % 3600 != 0 {
                        let _ = write!(out, ":{:02}", seconds.abs() / 60 % 60);
                    }
                }
            }
        }
        Part::Zone => match (&moment.zone, moment.offset.unwrap_or(0)) {
            (Some(name), _) => out.push_str(name),
            (None, 0) => out.push('Z'),
            (None, seconds) => zone::write(seconds, Signs::ColonSeconds, out),
        },
        Part::Optional(parts) => {
            let start = out.len();
            match sequence(parts, moment, out) {
                Err(Why::Absent(_)) => out.truncate(start),
                other => return other,
            }
        }
        Part::Padded(width, inner) => {
            let mut text = String::new();
            one(inner, moment, &mut text)?;
            let length = text.chars().count();
            if length > *width {
                return Err(Why::Impossible(format!("has a part that is wider than {width} characters")));
            }
            out.extend(std::iter::repeat_n(' ', width - length));
            out.push_str(&text);
        }
    }
    Ok(())
}

/// The offset in seconds. A date that was read without any is one of UTC; what a zone's name stands for is not always known.
fn offset(moment: &Moment) -> Result<i32, Why> {
    match (moment.offset, &moment.zone) {
        (Some(seconds), _) => Ok(seconds),
        (None, None) => Ok(0),
        (None, Some(_)) => Err(Why::Absent("offset (its zone is known by name only)")),
    }
}

fn value(field: Field, moment: &Moment) -> Result<i64, Why> {
    let date = || moment.date.ok_or(Why::Absent("day"));
    let time = || moment.time.or(moment.date.map(|_| 0)).ok_or(Why::Absent("time"));
    let hour = || time().map(|time| time / SECOND / 3600);
    Ok(match field {
        Field::Era => i64::from(date()?.year() > 0),
        Field::Year => i64::from(date()?.year()),
        Field::YearOfEra => match i64::from(date()?.year()) {
            year if year > 0 => year,
            year => 1 - year,
        },
        Field::WeekBasedYear => week_of(date()?).ok_or(Why::Absent("week"))?.0,
        Field::WeekOfYear => week_of(date()?).ok_or(Why::Absent("week"))?.1,
        Field::WeekOfMonth => week_of_month(date()?),
        Field::Quarter => (i64::from(u8::from(date()?.month())) + 2) / 3,
        Field::Month => i64::from(u8::from(date()?.month())),
        Field::DayOfYear => i64::from(date()?.ordinal()),
        Field::DayOfMonth => i64::from(date()?.day()),
        Field::WeekdayOfMonth => (i64::from(date()?.day()) + 6) / 7,
        Field::JulianDay => i64::from(date()?.to_julian_day()) - 2_400_001,
        Field::DayOfWeek => i64::from(date()?.weekday().number_from_monday()),
        Field::LocalDayOfWeek => i64::from(date()?.weekday().number_from_sunday()),
        Field::HalfOfDay => hour()? / 12,
        Field::ClockHourOfHalf => (hour()? + 11) % 12 + 1,
        Field::HourOfHalf => hour()? % 12,
        Field::ClockHour => (hour()? + 23) % 24 + 1,
        Field::Hour => hour()?,
        Field::Minute => time()? / SECOND / 60 % 60,
        Field::Second => time()? / SECOND % 60,
        Field::Nano => time()? % SECOND,
        Field::MilliOfDay => time()? / 1_000_000,
        Field::NanoOfDay => time()?,
    })
}
