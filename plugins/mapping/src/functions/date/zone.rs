//! Offsets and names of zones. There are no rules of zones: what an offset is at a certain day is not known here, only what abbreviations stand for.

use std::fmt::Write as _;

/// Abbreviations that stand for one offset, in minutes.
const KNOWN: [(&str, i32); 22] = [
    ("UTC", 0),
    ("GMT", 0),
    ("UT", 0),
    ("Z", 0),
    ("WET", 0),
    ("WEST", 60),
    ("CET", 60),
    ("MEZ", 60),
    ("CEST", 120),
    ("MESZ", 120),
    ("EET", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("JST", 540),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
];

/// The length of a zone's name at the beginning of a text and its offset in seconds, if it has one by itself.
pub(super) fn read(text: &str) -> Option<(usize, Option<i32>)> {
    if text.starts_with(['+', '-']) {
        return offset(text, Signs::Any).map(|(length, seconds)| (length, Some(seconds)));
    }
    let letters = text.find(|char: char| !char.is_ascii_alphabetic()).unwrap_or(text.len());
    let name = &text[..letters];
    if name.is_empty() {
        return None;
    }
    if matches!(name, "UTC" | "GMT" | "UT")
        && let Some((length, seconds)) = text[letters..].starts_with(['+', '-']).then(|| offset(&text[letters..], Signs::Any)).flatten()
    {
        return Some((letters + length, Some(seconds)));
    }
    if text[letters..].starts_with(['/', '_']) {
        // The name of a region: America/Argentina/Buenos_Aires, Etc/GMT+2.
        let end = text.find(|char: char| !(char.is_ascii_alphanumeric() || "/_+-".contains(char))).unwrap_or(text.len());
        return Some((end, None));
    }
    Some((letters, KNOWN.iter().find(|(known, _)| *known == name).map(|(_, minutes)| minutes * 60)))
}

/// How the digits of an offset are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signs {
    /// `+HHmm`: the minutes may be absent.
    HourAndMaybeMinute,
    /// `+HHMM`
    Plain,
    /// `+HH:MM`
    Colon,
    /// `+HHMMss`: the seconds may be absent.
    PlainSeconds,
    /// `+HH:MM:ss`
    ColonSeconds,
    /// Any of them.
    Any,
}

/// Read an offset; its length and seconds.
pub(super) fn offset(text: &str, signs: Signs) -> Option<(usize, i32)> {
    let negative = match text.as_bytes().first()? {
        b'+' => false,
        b'-' => true,
        _ => return None,
    };
    let two = |at: usize| -> Option<i32> {
        let pair = text.as_bytes().get(at..at + 2)?;
        pair.iter().all(u8::is_ascii_digit).then(|| i32::from(pair[0] - b'0') * 10 + i32::from(pair[1] - b'0'))
    };
    let hours = two(1)?;
    let mut at = 3;
    let colon = match signs {
        Signs::Colon | Signs::ColonSeconds => true,
        Signs::Any => text.as_bytes().get(at) == Some(&b':'),
        _ => false,
    };
    let part = |at: usize| -> Option<(usize, i32)> {
        let skip = usize::from(colon);
        if colon && text.as_bytes().get(at) != Some(&b':') {
            return None;
        }
        two(at + skip).filter(|value| *value < 60).map(|value| (at + skip + 2, value))
    };
    let mut minutes = 0;
    match part(at) {
        Some((next, value)) => (at, minutes) = (next, value),
        None if matches!(signs, Signs::HourAndMaybeMinute | Signs::Any) => {}
        None => return None,
    }
    let mut seconds = 0;
    if at > 3
        && matches!(signs, Signs::PlainSeconds | Signs::ColonSeconds | Signs::Any)
        && let Some((next, value)) = part(at)
    {
        (at, seconds) = (next, value);
    }
    let total = hours * 3600 + minutes * 60 + seconds;
    if total > 18 * 3600 {
        return None;
    }
    Some((at, if negative { -total } else { total }))
}

/// Write an offset.
pub(super) fn write(seconds: i32, signs: Signs, out: &mut String) {
    let total = seconds.abs();
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60);
    out.push(if seconds < 0 { '-' } else { '+' });
    let _ = write!(out, "{hours:02}");
    let colon = if matches!(signs, Signs::Colon | Signs::ColonSeconds | Signs::Any) { ":" } else { "" };
    if signs != Signs::HourAndMaybeMinute || minutes != 0 {
        let _ = write!(out, "{colon}{minutes:02}");
    }
    if rest != 0 && matches!(signs, Signs::PlainSeconds | Signs::ColonSeconds | Signs::Any) {
        let _ = write!(out, "{colon}{rest:02}");
    }
}
