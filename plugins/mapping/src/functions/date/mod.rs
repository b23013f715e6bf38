//! Dates: read by one pattern, shifted, written by another. Patterns, reading and writing follow `java.time.format.DateTimeFormatter` with English texts and its
//! default (smart) resolving.

mod format;
mod names;
mod parse;
mod pattern;
mod resolve;
#[cfg(test)]
mod tests;
mod zone;

use std::fmt::Write as _;

use pattern::Part;
use time::{Date, Duration, Month};

/// The format of `currentDate` where `ips.date.variable.format` does not say otherwise.
pub(crate) const DEFAULT: &str = "yyyy-MM-dd HH:mm:ss.SSS";

/// How a date is written.
#[derive(Debug)]
pub(crate) enum DateFormat {
    Pattern(Vec<Part>),
    /// `Date(milliseconds)`: milliseconds since 1970, as the protocol `OData` writes them: `/Date(1519809649123-0240)/`, the offset in minutes.
    Epoch,
}

/// A date, a time or both; the offset and zone are carried along and do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    date: Option<Date>,
    /// Nanoseconds since midnight.
    time: Option<i64>,
    /// Seconds east of UTC.
    offset: Option<i32>,
    /// The name of the zone, as it was read.
    zone: Option<String>,
}

/// How far a date is moved.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shift {
    pub years: i64,
    pub months: i64,
    pub days: i64,
    pub hours: i64,
    pub minutes: i64,
    pub seconds: i64,
}

const DAY: i64 = 86_400_000_000_000;
const SECOND: i64 = 1_000_000_000;

impl DateFormat {
    /// Compile a pattern. The error says what is wrong.
    pub fn compile(text: &str) -> Result<Self, String> {
        if text.trim() == "Date(milliseconds)" { Ok(Self::Epoch) } else { pattern::compile(text).map(Self::Pattern) }
    }

    /// Read a whole text.
    pub fn parse(&self, text: &str) -> Result<Moment, String> {
        match self {
            Self::Pattern(parts) => parse::parse(parts, text),
            Self::Epoch => epoch(text).ok_or_else(|| "is no Date(milliseconds)".to_owned()),
        }
    }

    /// Write a date; an error where it lacks what the pattern wants.
    pub fn format(&self, moment: &Moment, out: &mut String) -> Result<(), String> {
        match self {
            Self::Pattern(parts) => format::format(parts, moment, out),
            Self::Epoch => {
                let date = moment.date.ok_or("has no day, so there are no milliseconds since 1970")?;
                let days = i64::from(date.to_julian_day() - EPOCH);
                let millis = days * 86_400_000 + moment.time.unwrap_or(0) / 1_000_000;
                out.push_str("/Date(");
                out.push_str(&millis.to_string());
                if let Some(minutes) = moment.offset.map(|seconds| seconds / 60).filter(|minutes| *minutes != 0) {
                    out.push(if minutes < 0 { '-' } else { '+' });
                    let _ = write!(out, "{:04}", minutes.abs());
                }
                out.push_str(")/");
                Ok(())
            }
        }
    }
}

/// The Julian day of 1 January 1970.
const EPOCH: i32 = 2_440_588;

/// `Date(1519809649123-0240)`, with or without slashes around it, or the number alone. The offset is carried along, the milliseconds are taken as they are.
fn epoch(text: &str) -> Option<Moment> {
    let text = text.trim().trim_matches('/');
    let inner = text.strip_prefix("Date(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
    let sign = inner.char_indices().skip(1).find(|(_, char)| matches!(char, '+' | '-' | '\u{2013}'));
    let (number, offset) = match sign {
        Some((at, sign)) => {
            let minutes = &inner[at + sign.len_utf8()..];
            if minutes.is_empty() || minutes.len() > 4 || !minutes.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let seconds = minutes.parse::<i32>().ok().filter(|minutes| *minutes <= 18 * 60)? * 60;
            (&inner[..at], Some(if sign == '+' { seconds } else { -seconds }))
        }
        None => (inner, None),
    };
    let millis: i64 = number.parse().ok()?;
    let date = i32::try_from(millis.div_euclid(86_400_000)).ok().and_then(|days| days.checked_add(EPOCH))?;
    Some(Moment { date: Date::from_julian_day(date).ok(), time: Some(millis.rem_euclid(86_400_000) * 1_000_000), offset, zone: None })
        .filter(|moment| moment.date.is_some())
}

impl Moment {
    /// Years first, seconds last, each as Java's `plus...` does it: a day that the month does not have becomes its last one. The error says what does not work.
    pub fn shift(&mut self, by: Shift) -> Result<(), String> {
        const RANGE: &str = "leaves the years -9999 to 9999";
        let months = by.years.checked_mul(12).ok_or(RANGE)?;
        for months in [months, by.months] {
            if months != 0 {
                let date = self.date.ok_or("has no day that could be moved")?;
                self.date = Some(plus_months(date, months).ok_or(RANGE)?);
            }
        }
        let mut days = by.days;
        if (by.hours, by.minutes, by.seconds) != (0, 0, 0) {
            let seconds =
                by.hours.checked_mul(3600).zip(by.minutes.checked_mul(60)).and_then(|(hours, minutes)| hours.checked_add(minutes));
            let nanos = seconds.and_then(|seconds| seconds.checked_add(by.seconds)).ok_or(RANGE)?;
            let total = i128::from(nanos) * i128::from(SECOND) + i128::from(self.time.unwrap_or(0));
            let over = i64::try_from(total.div_euclid(i128::from(DAY))).map_err(|_| RANGE)?;
            self.time = i64::try_from(total.rem_euclid(i128::from(DAY))).ok();
            // A time without a day goes around the clock.
            if self.date.is_some() {
                days = days.checked_add(over).ok_or(RANGE)?;
            }
        }
        if days != 0 {
            let date = self.date.ok_or("has no day that could be moved")?;
            // A duration holds fewer days than a number does.
            let days = i32::try_from(days).map_err(|_| RANGE)?;
            self.date = Some(date.checked_add(Duration::days(i64::from(days))).ok_or(RANGE)?);
        }
        Ok(())
    }
}

fn plus_months(date: Date, months: i64) -> Option<Date> {
    let total = (i64::from(date.year()) * 12 + i64::from(u8::from(date.month())) - 1).checked_add(months)?;
    let year = i32::try_from(total.div_euclid(12)).ok()?;
    let month = Month::try_from(u8::try_from(total.rem_euclid(12) + 1).ok()?).ok()?;
    Date::from_calendar_date(year, month, date.day().min(month.length(year))).ok()
}
