//! Patterns of dates: letters in, parts out (`DateTimeFormatterBuilder.appendPattern`).

use super::zone::Signs;

/// Characters a pattern may have; sections stand in sections, and the reading is recursive.
const LENGTH: usize = 200;

/// What a part is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// 0 before Christ, 1 after.
    Era,
    YearOfEra,
    Year,
    WeekBasedYear,
    Quarter,
    Month,
    WeekOfYear,
    WeekOfMonth,
    DayOfYear,
    DayOfMonth,
    /// Which Monday of the month, and so on.
    WeekdayOfMonth,
    /// Days since 17 November 1858.
    JulianDay,
    /// 1 is Monday.
    DayOfWeek,
    /// 1 is Sunday.
    LocalDayOfWeek,
    /// 0 is the first half.
    HalfOfDay,
    /// 1 to 12
    ClockHourOfHalf,
    /// 0 to 11
    HourOfHalf,
    /// 1 to 24
    ClockHour,
    /// 0 to 23
    Hour,
    Minute,
    Second,
    Nano,
    MilliOfDay,
    NanoOfDay,
}

impl Field {
    pub const COUNT: usize = Self::NanoOfDay as usize + 1;

    /// The values it may have.
    pub fn range(self) -> std::ops::RangeInclusive<i64> {
        match self {
            Self::Era | Self::HalfOfDay => 0..=1,
            Self::YearOfEra => 1..=9999,
            Self::Year | Self::WeekBasedYear => -9999..=9999,
            Self::Quarter => 1..=4,
            Self::Month | Self::ClockHourOfHalf => 1..=12,
            Self::WeekOfYear => 1..=54,
            Self::WeekOfMonth => 0..=6,
            Self::DayOfYear => 1..=366,
            Self::DayOfMonth => 1..=31,
            Self::WeekdayOfMonth => 1..=5,
            Self::JulianDay => -10_000_000..=10_000_000,
            Self::DayOfWeek | Self::LocalDayOfWeek => 1..=7,
            Self::HourOfHalf => 0..=11,
            Self::ClockHour => 1..=24,
            // 24:00 is the end of the day.
            Self::Hour => 0..=24,
            Self::Minute | Self::Second => 0..=59,
            Self::Nano => 0..=999_999_999,
            Self::MilliOfDay => 0..=86_399_999,
            Self::NanoOfDay => 0..=86_399_999_999_999,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Short,
    Full,
    Narrow,
}

/// When a number has a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Negative ones.
    Normal,
    Never,
    /// Also a positive one that is wider than its least width.
    ExceedsPad,
}

/// A number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    pub field: Field,
    pub least: usize,
    pub most: usize,
    pub sign: Sign,
    /// Digits that belong to the numbers right behind it.
    pub reserved: usize,
    /// Two digits of a year from 2000 on.
    pub reduced: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(Box<str>),
    Number(Number),
    /// This many digits of a second.
    Fraction(usize),
    Text(Field, Style),
    /// With the text of no offset; without one it is written out.
    Offset(Signs, Option<&'static str>),
    /// `GMT+8`; the flag: `GMT+08:00`.
    Gmt(bool),
    /// The name of a zone or an offset.
    Zone,
    Optional(Vec<Part>),
    /// So many characters, filled up with spaces at the left.
    Padded(usize, Box<Part>),
}

/// The parts of a pattern. The error says what is wrong.
pub(super) fn compile(text: &str) -> Result<Vec<Part>, String> {
    if text.chars().count() > LENGTH {
        return Err(format!("a date's format has at most {LENGTH} characters"));
    }
    let chars: Vec<char> = text.chars().collect();
    let mut builder = Builder { levels: vec![Level::default()], padding: None };
    let mut at = 0;
    while let Some(&char) = chars.get(at) {
        let count = chars[at..].iter().take_while(|other| **other == char).count();
        match char {
            '\'' => {
                at += 1;
                let mut literal = String::new();
                loop {
                    match (chars.get(at), chars.get(at + 1)) {
                        (None, _) => return Err("a quotation mark is not closed".to_owned()),
                        (Some('\''), Some('\'')) => {
                            literal.push('\'');
                            at += 2;
                        }
                        (Some('\''), _) => break,
                        (Some(other), _) => {
                            literal.push(*other);
                            at += 1;
                        }
                    }
                }
                at += 1;
                builder.push(Part::Literal(if literal.is_empty() { "'".into() } else { literal.into() }));
                continue;
            }
            '[' => builder.levels.push(Level::default()),
            ']' => {
                let level = builder.levels.pop().filter(|_| !builder.levels.is_empty()).ok_or("a ] has no [ before it")?;
                builder.push(Part::Optional(level.parts));
            }
            '{' | '}' | '#' => return Err(format!("{char} is reserved; as a text it stands between quotation marks")),
            'p' if builder.padding.is_some() => return Err("p stands before what it pads, not before another p".to_owned()),
            'p' => {
                if !chars.get(at + count).is_some_and(char::is_ascii_alphabetic) {
                    return Err("behind p stands what it pads".to_owned());
                }
                builder.padding = Some(count);
                at += count;
                continue;
            }
            _ if char.is_ascii_alphabetic() => {
                builder.letters(char, count)?;
                at += count;
                continue;
            }
            other => builder.push(Part::Literal(other.to_string().into())),
        }
        at += 1;
    }
    // A section that is not closed ends with the pattern.
    while builder.levels.len() > 1 {
        if let Some(level) = builder.levels.pop() {
            builder.push(Part::Optional(level.parts));
        }
    }
    Ok(builder.levels.pop().map(|level| level.parts).unwrap_or_default())
}

#[derive(Default)]
struct Level {
    parts: Vec<Part>,
    /// The number that numbers right behind it would touch.
    number: Option<usize>,
}

struct Builder {
    levels: Vec<Level>,
    padding: Option<usize>,
}

impl Builder {
    fn push(&mut self, part: Part) {
        let part = match self.padding.take() {
            Some(width) => Part::Padded(width, Box::new(part)),
            None => part,
        };
        if let Some(level) = self.levels.last_mut() {
            level.parts.push(part);
            level.number = None;
        }
    }

    /// Numbers that touch: all but the first have a fixed width, which the first one leaves for them.
    fn number(&mut self, number: Number) {
        let fixed = number.least == number.most && number.sign == Sign::Never;
        let Some(level) = self.levels.last_mut() else { return };
        let before = level.number.filter(|_| self.padding.is_none());
        let Some(before) = before else {
            let touches = self.padding.is_none();
            self.push(Part::Number(number));
            self.remember(touches);
            return;
        };
        if fixed {
            if let Some(Part::Number(first)) = level.parts.get_mut(before) {
                first.reserved += number.most;
            }
            self.push(Part::Number(number));
            if let Some(level) = self.levels.last_mut() {
                level.number = Some(before);
            }
        } else {
            // The one before takes no more than its own digits, which it does anyway.
            self.push(Part::Number(number));
            self.remember(true);
        }
    }

    fn fraction(&mut self, width: usize) {
        let Some(level) = self.levels.last_mut() else { return };
        let before = level.number.filter(|_| self.padding.is_none());
        if let Some(before) = before
            && let Some(Part::Number(first)) = level.parts.get_mut(before)
        {
            first.reserved += width;
        }
        self.push(Part::Fraction(width));
        if let Some(level) = self.levels.last_mut() {
            level.number = before;
        }
    }

    /// The part that was pushed last is one that numbers may touch.
    fn remember(&mut self, touches: bool) {
        if let Some(level) = self.levels.last_mut() {
            level.number = touches.then(|| level.parts.len() - 1);
        }
    }

    fn letters(&mut self, letter: char, count: usize) -> Result<(), String> {
        let too_many = || Err(format!("{} is too long: there is no such {letter} in a date's format", letter.to_string().repeat(count)));
        let number = |field, least, most, sign| Number { field, least, most, sign, reserved: 0, reduced: false };
        let text = |field| match count {
            1..=3 => Some(Part::Text(field, Style::Short)),
            4 => Some(Part::Text(field, Style::Full)),
            5 => Some(Part::Text(field, Style::Narrow)),
            _ => None,
        };
        let field = match letter {
            'G' => Field::Era,
            'u' => Field::Year,
            'y' => Field::YearOfEra,
            'Y' => Field::WeekBasedYear,
            'Q' | 'q' => Field::Quarter,
            'M' | 'L' => Field::Month,
            'w' => Field::WeekOfYear,
            'W' => Field::WeekOfMonth,
            'D' => Field::DayOfYear,
            'd' => Field::DayOfMonth,
            'F' => Field::WeekdayOfMonth,
            'g' => Field::JulianDay,
            'E' => Field::DayOfWeek,
            'e' | 'c' => Field::LocalDayOfWeek,
            'a' => Field::HalfOfDay,
            'h' => Field::ClockHourOfHalf,
            'K' => Field::HourOfHalf,
            'k' => Field::ClockHour,
            'H' => Field::Hour,
            'm' => Field::Minute,
            's' => Field::Second,
            'n' => Field::Nano,
            'A' => Field::MilliOfDay,
            'N' => Field::NanoOfDay,
            'S' if count <= 9 => {
                self.fraction(count);
                return Ok(());
            }
            'X' | 'x' | 'Z' | 'O' | 'V' | 'v' | 'z' => {
                let Some(part) = zone(letter, count) else { return too_many() };
                self.push(part);
                return Ok(());
            }
            'S' => return too_many(),
            'B' => return Err("B (the period of the day) is not supported".to_owned()),
            _ => return Err(format!("{letter} is no letter of a date's format; as a text it stands between quotation marks")),
        };
        match (letter, count) {
            ('u' | 'y' | 'Y', 2) => self.number(Number { reduced: true, ..number(field, 2, 2, Sign::Never) }),
            ('u' | 'y' | 'Y', 1..4) | ('g', 1..20) => self.number(number(field, count, 19, Sign::Normal)),
            ('u' | 'y' | 'Y', 4..20) => self.number(number(field, count, 19, Sign::ExceedsPad)),
            ('n' | 'A' | 'N', 1..20) => self.number(number(field, count, 19, Sign::Never)),
            ('D', 2 | 3) => self.number(number(field, count, 3, Sign::Never)),
            ('a', 1) => self.push(Part::Text(field, Style::Short)),
            ('c', 2) | ('a', _) => return too_many(),
            ('E' | 'G', _) | ('M' | 'L' | 'Q' | 'q', 3..) => match text(field) {
                Some(part) => self.push(part),
                None => return too_many(),
            },
            ('e' | 'c', 3..) => match text(Field::DayOfWeek) {
                Some(part) => self.push(part),
                None => return too_many(),
            },
            (_, 1) => self.number(number(field, 1, 19, Sign::Normal)),
            ('W' | 'F', _) => return too_many(),
            (_, 2) => self.number(number(field, 2, 2, Sign::Never)),
            _ => return too_many(),
        }
        Ok(())
    }
}

/// The letters of zones and offsets.
fn zone(letter: char, count: usize) -> Option<Part> {
    let signs = match count {
        1 => Signs::HourAndMaybeMinute,
        2 => Signs::Plain,
        3 => Signs::Colon,
        4 => Signs::PlainSeconds,
        _ => Signs::ColonSeconds,
    };
    Some(match (letter, count) {
        ('X', 1..=5) => Part::Offset(signs, Some("Z")),
        ('x', 1..=5) => Part::Offset(signs, None),
        ('Z', 1..=3) => Part::Offset(Signs::Plain, None),
        ('Z', 5) => Part::Offset(Signs::ColonSeconds, Some("Z")),
        ('O', 1) => Part::Gmt(false),
        ('Z' | 'O', 4) => Part::Gmt(true),
        ('V', 2) | ('v', 1 | 4) | ('z', 1..=4) => Part::Zone,
        _ => return None,
    })
}
