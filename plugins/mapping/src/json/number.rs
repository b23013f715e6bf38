//! Numbers as decimal text: compared exactly, never rounded.

use std::cmp::Ordering;

/// A number's text taken apart: `0.digits * 10^exponent`, without leading or trailing zeros.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

/// Take a decimal text apart; nothing for what is no number. Wider than JSON: leading zeros, a missing integer or fraction part and a plus are taken too, as
/// `java.math.BigDecimal` does.
fn decimal(text: &str) -> Option<Decimal> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => {
            let exponent: i64 = unsigned[at + 1..].parse().ok()?;
            (&unsigned[..at], exponent)
        }
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let mut exponent = exponent.checked_add(i64::try_from(whole.len()).ok()?)?;
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.drain(..zeros);
    exponent = exponent.checked_sub(i64::try_from(zeros).ok()?)?;
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    if digits.is_empty() {
        return Some(Decimal { negative: false, digits, exponent: 0 });
    }
    Some(Decimal { negative, digits, exponent })
}

/// Compare two numbers by value; nothing if one of them is no number.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (small(a), small(b)) {
        return Some(a.cmp(&b));
    }
    let (a, b) = (decimal(a)?, decimal(b)?);
    Some(match (a.negative, b.negative) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (negative, _) => {
            let size = match (a.digits.is_empty(), b.digits.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                _ => a.exponent.cmp(&b.exponent).then_with(|| a.digits.cmp(&b.digits)),
            };
            if negative { size.reverse() } else { size }
        }
    })
}

/// Integers of up to 15 digits, the common case.
fn small(text: &str) -> Option<i64> {
    if text.len() > 16 || text.starts_with('+') { None } else { text.parse().ok() }
}

/// Whether the text says an integer (no fraction, no exponent): such numbers and the others are never the same element of a list.
pub fn is_integer(text: &str) -> bool {
    !text.contains(['.', 'e', 'E'])
}

/// A number literal as `java.math.BigDecimal` would print it, which is what a text is compared with: `05` is `5`, `5e1` is `5E+1`.
pub fn canonical(text: &str) -> Option<String> {
    compare(text, text)?;
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let joined = format!("{whole}{fraction}");
    let digits = match joined.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let adjusted = i64::try_from(digits.len()).ok()?.checked_sub(1)?.checked_sub(scale)?;
    if scale == 0 {
        return Some(format!("{sign}{digits}"));
    }
    if scale > 0 && adjusted >= -6 {
        let padded = format!("{digits:0>width$}", width = usize::try_from(scale).ok()? + 1);
        let point = padded.len() - usize::try_from(scale).ok()?;
        return Some(format!("{sign}{}.{}", &padded[..point], &padded[point..]));
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    Some(format!("{sign}{first}{point}{rest}E{adjusted:+}"))
}

/// A computed number as Java writes a `double`: always with a fraction, with an exponent from 10^7 on and below 10^-3.
pub fn double(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{number:?}");
    }
    let text = format!("{number:E}");
    match text.split_once('E') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0E{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value() {
        for (a, b, expected) in [
            ("5", "5.0", Ordering::Equal),
            ("0", "-0.0", Ordering::Equal),
            ("1e3", "1000", Ordering::Equal),
            ("05", "5", Ordering::Equal),
            ("-3", "2", Ordering::Less),
            ("-3", "-20", Ordering::Greater),
            ("0.1", "0.01", Ordering::Greater),
            ("123456789012345678901234567890", "123456789012345678901234567891", Ordering::Less),
            ("12345678901", "12345678900", Ordering::Greater),
            ("1e400", "1e399", Ordering::Greater),
        ] {
            assert_eq!(compare(a, b), Some(expected), "{a} {b}");
        }
        for text in ["", "x", "1x", ".", "1e", "--1", "1 "] {
            assert_eq!(compare(text, "1"), None, "{text}");
        }
    }

    #[test]
    fn literals_are_brought_into_one_form() {
        for (text, expected) in [
            ("5", "5"),
            ("05", "5"),
            ("5e0", "5"),
            ("5e1", "5E+1"),
            ("5.0", "5.0"),
            ("-0.50", "-0.50"),
            ("00", "0"),
            ("1.25e-3", "0.00125"),
            ("12e-9", "1.2E-8"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(canonical("1-2"), None);
    }

    #[test]
    fn computed_numbers_read_as_in_java() {
        for (number, text) in
            [(4.0, "4.0"), (0.75, "0.75"), (1e7, "1.0E7"), (12_345_678.5, "1.23456785E7"), (1e-4, "1.0E-4"), (-0.5, "-0.5")]
        {
            assert_eq!(double(number), text);
        }
    }
}
