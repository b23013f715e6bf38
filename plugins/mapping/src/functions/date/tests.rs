use proptest::prelude::*;

use super::*;

/// What becomes of a text; what is wrong with it in brackets.
fn run(source: &str, target: &str, shift: Shift, text: &str) -> String {
    let [source, target] = [source, target].map(|format| DateFormat::compile(format).unwrap_or_else(|what| panic!("{format}: {what}")));
    let mut out = String::new();
    let moved = source.parse(text).and_then(|mut moment| {
        moment.shift(shift)?;
        target.format(&moment, &mut out)
    });
    moved.map_or_else(|what| format!("[{what}]"), |()| out)
}

#[track_caller]
fn check(cases: &[(&str, &str, &str, &str)]) {
    for (source, target, text, expected) in cases {
        let got = run(source, target, Shift::default(), text);
        assert!(
            if *expected == "!" { got.starts_with('[') } else { got == *expected },
            "{source} to {target} on {text}: {got}, not {expected}"
        );
    }
}

#[test]
fn letters_are_read_and_written() {
    let from = "uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSSXXX";
    let at = "2018-02-28T13:05:09.012345678+01:30";
    for (pattern, expected) in [
        ("yyyy", "2018"),
        ("y", "2018"),
        ("yy", "18"),
        ("uuuuu", "02018"),
        ("G GGGG GGGGG", "AD Anno Domini A"),
        ("M MM MMM MMMM MMMMM", "2 02 Feb February F"),
        ("L LLL LLLL", "2 Feb February"),
        ("d dd", "28 28"),
        ("D DDD", "59 059"),
        ("Q QQ QQQ QQQQ", "1 01 Q1 1st quarter"),
        ("E EEEE EEEEE", "Wed Wednesday W"),
        ("e ee eee eeee", "4 04 Wed Wednesday"),
        ("YYYY w W F", "2018 9 5 4"),
        ("h hh a", "1 01 PM"),
        ("K k H", "1 13 13"),
        ("m mm s ss", "5 05 9 09"),
        ("S SSS SSSSSS", "0 012 012345"),
        ("n A N", "12345678 47109012 47109012345678"),
        ("g", "58177"),
        ("X XX XXX XXXX XXXXX", "+0130 +0130 +01:30 +0130 +01:30"),
        ("x xx xxx", "+0130 +0130 +01:30"),
        ("Z ZZZZ ZZZZZ", "+0130 GMT+01:30 +01:30"),
        ("O OOOO", "GMT+1:30 GMT+01:30"),
        ("VV z", "+01:30 +01:30"),
        ("'at' H 'o''clock' ''", "at 13 o'clock '"),
        ("yyyy[-MM]", "2018-02"),
        ("ppppd|pppMMM", "  28|Feb"),
        ("yyyy年MM月", "2018年02月"),
    ] {
        assert_eq!(run(from, pattern, Shift::default(), at), expected, "{pattern}");
    }
}

#[test]
fn texts_are_read_as_java_reads_them() {
    check(&[
        ("yyyy-MM-dd HH:mm:ss.SSS", "MM/dd/yyyy", "2018-02-28 11:00:00.000", "02/28/2018"),
        ("d MMM uuuu", "yyyy-MM-dd", "3 Dec 2011", "2011-12-03"),
        ("HH:mm dd/MM/yyyy", "yyyy-MM-dd'T'HH:mm:ss'Z'", "09:30 03/12/2011", "2011-12-03T09:30:00Z"),
        ("EEEE, d MMMM yyyy", "uuuuMMdd", "Wednesday, 28 February 2018", "20180228"),
        // Numbers that touch.
        ("yyyyMMddHHmmssSSS", "yyyy-MM-dd HH:mm:ss.SSS", "20180228110000123", "2018-02-28 11:00:00.123"),
        ("yyMMdd", "uuuu-MM-dd", "180228", "2018-02-28"),
        ("yyMMdd", "uuuu-MM-dd", "990228", "2099-02-28"),
        ("HHmm", "HH:mm", "0930", "09:30"),
        // Widths.
        ("yyyy-MM-dd", "uuuu", "18-02-28", "!"),
        ("yyyy-MM-dd", "uuuu", "2018-2-28", "!"),
        ("yyyy-M-d", "uuuu-MM-dd", "2018-02-8", "2018-02-08"),
        ("yyyy-M-d", "uuuu", "12018-2-8", "!"),
        ("y-M-d", "uuuu", "18-2-8", "0018"),
        // Smart resolving.
        ("uuuu-MM-dd", "uuuu-MM-dd", "2018-04-31", "2018-04-30"),
        ("uuuu-MM-dd", "uuuu-MM-dd", "2018-02-31", "2018-02-28"),
        ("uuuu-MM-dd", "uuuu-MM-dd", "2020-02-30", "2020-02-29"),
        ("uuuu-MM-dd", "uuuu", "2018-04-32", "!"),
        ("uuuu-MM-dd", "uuuu", "2018-13-01", "!"),
        ("uuuu-MM-dd HH:mm", "uuuu-MM-dd HH:mm", "2018-12-31 24:00", "2019-01-01 00:00"),
        ("uuuu-MM-dd HH:mm", "uuuu", "2018-12-31 24:01", "!"),
        ("uuuu-MM-dd HH:mm", "uuuu", "2018-12-31 23:60", "!"),
        ("uuuu-DDD", "uuuu-MM-dd", "2020-366", "2020-12-31"),
        ("uuuu-DDD", "uuuu", "2019-366", "!"),
        ("YYYY-'W'ww-e", "uuuu-MM-dd", "2018-W09-4", "2018-02-28"),
        ("EEE uuuu-MM-dd", "uuuu", "Thu 2018-02-28", "!"),
        ("G y-MM-dd", "uuuu-MM-dd G", "BC 1-01-01", "0000-01-01 BC"),
        // Halves of days.
        ("uuuu-MM-dd hh:mm a", "HH:mm", "2018-02-28 12:30 AM", "00:30"),
        ("uuuu-MM-dd hh:mm a", "HH:mm", "2018-02-28 12:30 PM", "12:30"),
        ("uuuu-MM-dd hh:mm", "HH:mm", "2018-02-28 12:30", "!"),
        ("uuuu-MM-dd kk", "HH", "2018-02-28 24", "00"),
        ("uuuu-MM-dd hh a", "HH", "2018-02-28 13 AM", "!"),
        // Texts with their letters as they are.
        ("d MMM uuuu", "uuuu", "3 DEC 2011", "!"),
        ("d MMM uuuu", "uuuu", "3 December 2011", "!"),
        // Optional sections.
        ("uuuu-MM-dd[ HH:mm[:ss]]", "uuuu-MM-dd HH:mm:ss", "2018-02-28", "2018-02-28 00:00:00"),
        ("uuuu-MM-dd[ HH:mm[:ss]]", "uuuu-MM-dd HH:mm:ss", "2018-02-28 10:11", "2018-02-28 10:11:00"),
        ("uuuu-MM-dd[ HH:mm[:ss]]", "uuuu-MM-dd HH:mm:ss", "2018-02-28 10:11:12", "2018-02-28 10:11:12"),
        ("HH:mm", "[uuuu-MM-dd ]HH:mm", "10:11", "10:11"),
        ("HH:mm", "uuuu", "10:11", "!"),
        ("uuuu", "uuuu", "2018", "!"),
        ("uuuu-MM-dd", "uuuu", "2018-02-28x", "!"),
        ("uuuu-MM-dd", "uuuu", "", "!"),
        // Offsets and zones are carried along.
        ("uuuu-MM-dd'T'HH:mm:ssX", "uuuu-MM-dd HH:mm XXX", "2018-02-28T10:00:00Z", "2018-02-28 10:00 Z"),
        ("uuuu-MM-dd'T'HH:mm:ssX", "HH:mm XXX", "2018-02-28T10:00:00+02", "10:00 +02:00"),
        ("uuuu-MM-dd z", "uuuu xxx O z", "2018-02-28 CET", "2018 +01:00 GMT+1 CET"),
        ("uuuu-MM-dd VV", "uuuu VV", "2018-02-28 Europe/Berlin", "2018 Europe/Berlin"),
        ("uuuu-MM-dd VV", "uuuu XXX", "2018-02-28 Europe/Berlin", "!"),
        ("uuuu-MM-dd O", "xxx", "2018-02-28 GMT-3", "-03:00"),
        ("uuuu-MM-dd OOOO", "xxx", "2018-02-28 GMT-03:30", "-03:30"),
        ("uuuu-MM-dd XXX", "uuuu", "2018-02-28 +19:00", "!"),
        ("uuuu-MM-dd", "uuuu-MM-dd'T'HH:mm:ssXXX", "2018-02-28", "2018-02-28T00:00:00Z"),
    ]);
}

#[test]
fn milliseconds_since_1970() {
    check(&[
        ("Date(milliseconds)", "yyyy-MM-dd HH:mm:ss.SSS", "Date(1519809649123)", "2018-02-28 09:20:49.123"),
        ("Date(milliseconds)", "yyyy-MM-dd HH:mm:ss.SSS xxx", "Date(1519809649123-0240)", "2018-02-28 09:20:49.123 -04:00"),
        ("Date(milliseconds)", "yyyy-MM-dd", "Date(1519809649123\u{2013}0240)", "2018-02-28"),
        ("Date(milliseconds)", "yyyy-MM-dd", "/Date(1519809649123+0000)/", "2018-02-28"),
        ("Date(milliseconds)", "yyyy-MM-dd", "1519809649123", "2018-02-28"),
        ("Date(milliseconds)", "yyyy-MM-dd HH:mm:ss.SSS", "/Date(-1)/", "1969-12-31 23:59:59.999"),
        ("uuuu-MM-dd", "Date(milliseconds)", "2018-02-28", "/Date(1519776000000)/"),
        ("uuuu-MM-dd xxx", "Date(milliseconds)", "2018-02-28 -04:00", "/Date(1519776000000-0240)/"),
        ("Date(milliseconds)", "uuuu", "Date()", "!"),
        ("Date(milliseconds)", "uuuu", "Date(x)", "!"),
        ("Date(milliseconds)", "uuuu", "Date(1+)", "!"),
        ("Date(milliseconds)", "uuuu", "Date(9223372036854775807)", "!"),
        ("Date(milliseconds)", "uuuu", "-", "!"),
        ("Date(milliseconds)", "uuuu", "", "!"),
    ]);
}

#[test]
fn dates_move_as_javas_plus_does() {
    let zero = Shift::default();
    for (shift, from, expected) in [
        (Shift { months: 1, ..zero }, "2018-01-31 10:00", "2018-02-28 10:00"),
        (Shift { months: -1, ..zero }, "2018-03-31 10:00", "2018-02-28 10:00"),
        (Shift { years: 1, ..zero }, "2020-02-29 10:00", "2021-02-28 10:00"),
        (Shift { years: 4, months: 12, ..zero }, "2020-02-29 10:00", "2025-02-28 10:00"),
        // Years first: 2021-02-28, then a month.
        (Shift { years: 1, months: 1, ..zero }, "2020-02-29 10:00", "2021-03-28 10:00"),
        (Shift { days: 3, hours: 2, ..zero }, "2018-02-27 23:00", "2018-03-03 01:00"),
        (Shift { hours: -24, ..zero }, "2018-03-01 00:00", "2018-02-28 00:00"),
        (Shift { minutes: -1, ..zero }, "2018-01-01 00:00", "2017-12-31 23:59"),
        (Shift { seconds: 86_400 * 366, ..zero }, "2020-01-01 00:00", "2021-01-01 00:00"),
    ] {
        assert_eq!(run("uuuu-MM-dd HH:mm", "uuuu-MM-dd HH:mm", shift, from), expected, "{shift:?} from {from}");
    }
    for shift in [
        Shift { years: 10_000, ..zero },
        Shift { years: i64::MAX, ..zero },
        Shift { months: i64::MIN, ..zero },
        Shift { days: i64::MAX, ..zero },
        Shift { days: 4_000_000, ..zero },
        Shift { hours: i64::MAX, ..zero },
        Shift { seconds: i64::MIN, ..zero },
    ] {
        assert!(run("uuuu-MM-dd", "uuuu", shift, "2018-01-01").starts_with('['), "{shift:?}");
    }
    assert_eq!(run("HH:mm", "HH:mm", Shift { hours: 3, ..zero }, "23:00"), "02:00");
}

#[test]
fn what_is_no_pattern_is_refused() {
    for pattern in [
        "MMMMMM",
        "ddd",
        "HHH",
        "aa",
        "b",
        "T",
        "yyyy-MM-dd'T",
        "[yyyy",
        "yyyy]",
        "{",
        "#",
        "p",
        "pp ",
        "V",
        "ZZZZZZ",
        "OO",
        "SSSSSSSSSS",
        "B",
        "cc",
        "WW",
    ] {
        // A section that is not closed ends with the pattern, as in Java.
        assert_eq!(DateFormat::compile(pattern).is_err(), pattern != "[yyyy", "{pattern}");
    }
    assert!(DateFormat::compile(&"[".repeat(300)).is_err());
}

proptest! {
    #[test]
    fn a_written_date_is_read_again(days in -700_000i64..2_000_000, nanos in 0..86_400_000_000_000i64, offset in -1080i32..=1080) {
        let date = Date::from_julian_day(EPOCH + i32::try_from(days).expect("small")).expect("in range");
        let moment = Moment { date: Some(date), time: Some(nanos), offset: Some(offset * 60), zone: None };
        for pattern in [
            "uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSSXXX",
            "uuuuDDDHHmmssSSSSSSSSSxx",
            "N uuuu-M-d EEEE OOOO",
            "G y MMMM d, h:m:s a n ZZZZZ",
            "YYYY w e ppppppK:m:s:n a XXXXX",
            "g A'.'n kmmss xxx",
        ] {
            let format = DateFormat::compile(pattern).expect("a pattern");
            let mut text = String::new();
            format.format(&moment, &mut text).expect("written");
            let read = format.parse(&text).map_err(|what| TestCaseError::fail(format!("{pattern}: {text} {what}")))?;
            prop_assert_eq!(read.date, moment.date, "{} {}", pattern, text);
            prop_assert_eq!(read.offset, moment.offset, "{} {}", pattern, text);
        }
    }

    #[test]
    fn any_pattern_and_any_text_end(pattern in r"[GyuYQMLwWDdFgEecahHkKmsnASNXxZOVvzp\[\]'T :./,-]{0,24}", text in r"[0-9A-Za-z :./,+-]{0,24}") {
        if let Ok(format) = DateFormat::compile(&pattern) {
            if let Ok(mut moment) = format.parse(&text) {
                let _ = moment.shift(Shift { months: 1, seconds: 1, ..Shift::default() });
                let _ = format.format(&moment, &mut String::new());
            }
            let now = Moment { date: Date::from_julian_day(EPOCH).ok(), time: Some(1), offset: None, zone: None };
            let _ = format.format(&now, &mut String::new());
        }
    }
}
