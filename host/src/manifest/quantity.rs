//! Amounts of memory and of time, as people write them: `256 MiB`, `5 min`.
//!
//! | what | units | example |
//! | --- | --- | --- |
//! | memory | `KiB`, `MiB`, `GiB` | `256 MiB` |
//! | time | `ms`, `s`, `min`, `h`, `day`, `days` | `90 s` |
//!
//! A bare number is refused: nobody remembers its unit.

use std::time::Duration;

const MEMORY: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
const TIME: [(&str, u64); 6] = [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("days", 86_400_000), ("day", 86_400_000)];

/// `256 MiB` in bytes.
pub(super) fn memory(text: &str) -> Option<u64> {
    amount(text, &MEMORY)
}

/// `5 min`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    amount(text, &TIME).map(Duration::from_millis)
}

/// A regular expression for what [`memory`] reads.
pub(super) fn memory_pattern() -> String {
    pattern(&MEMORY)
}

/// A regular expression for what [`duration`] reads.
pub(super) fn duration_pattern() -> String {
    pattern(&TIME)
}

fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn pattern(units: &[(&str, u64)]) -> String {
    let names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
    format!("^[0-9]+ ?({})$", names.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_with_a_unit() {
        assert_eq!(memory("256 MiB"), Some(256 << 20));
        assert_eq!(memory("1GiB"), Some(1 << 30));
        assert_eq!(duration("5 min"), Some(Duration::from_mins(5)));
        assert_eq!(duration("1500ms"), Some(Duration::from_millis(1500)));
        assert_eq!(duration("1 day"), Some(Duration::from_hours(24)));
        assert_eq!(duration("30 days"), Some(Duration::from_hours(720)));
        for wrong in
            ["", "5", "MiB", "5 MB", "5  MiB", "-1 MiB", "1.5 GiB", " 5 MiB", "99999999999999999999 KiB", "18446744073709551615 GiB"]
        {
            assert_eq!(memory(wrong), None, "{wrong:?}");
        }
        for wrong in ["5", "5 m", "5 minutes", "five s"] {
            assert_eq!(duration(wrong), None, "{wrong:?}");
        }
    }
}
