//! From the numbers that were read to a date and time, as Java's smart resolving does it.

use time::{Date, Month, Weekday};

use super::pattern::Field;
use super::{DAY, Moment, SECOND};

/// What was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    values: [Option<i64>; Field::COUNT],
    offset: Option<i32>,
    pub zone: Option<String>,
}

impl Fields {
    /// Nothing if the field has another value already, or cannot have this one.
    pub fn set(&mut self, field: Field, value: i64) -> Option<()> {
        let place = &mut self.values[field as usize];
        if place.is_some_and(|known| known != value) || !field.range().contains(&value) {
            return None;
        }
        *place = Some(value);
        Some(())
    }

    pub fn set_offset(&mut self, seconds: i32) -> Option<()> {
        if self.offset.is_some_and(|known| known != seconds) {
            return None;
        }
        self.offset = Some(seconds);
        Some(())
    }

    fn get(&self, field: Field) -> Option<i64> {
        self.values[field as usize]
    }

    pub fn resolve(self) -> Result<Moment, String> {
        let (time, next_day) = self.time()?;
        let mut date = self.date()?;
        if next_day {
            date = match date {
                Some(date) => Some(date.next_day().ok_or("leaves the years -9999 to 9999")?),
                None => None,
            };
        }
        if date.is_none() && time.is_none() {
            return Err("has neither a whole day nor a time in its format".to_owned());
        }
        Ok(Moment { date, time, offset: self.offset, zone: self.zone })
    }

    fn year(&self) -> Option<i64> {
        self.get(Field::Year).or_else(|| {
            let year = self.get(Field::YearOfEra)?;
            Some(if self.get(Field::Era) == Some(0) { 1 - year } else { year })
        })
    }

    fn date(&self) -> Result<Option<Date>, String> {
        let year = self.year().and_then(|year| i32::try_from(year).ok());
        let small = |field| self.get(field).and_then(|value| u8::try_from(value).ok());
        let date = if let Some(day) = self.get(Field::JulianDay) {
            i32::try_from(day + 2_400_001).ok().and_then(|day| Date::from_julian_day(day).ok())
        } else if let (Some(year), Some(month), Some(day)) = (year, small(Field::Month), small(Field::DayOfMonth)) {
            // A day that the month does not have is its last one.
            Month::try_from(month).ok().and_then(|month| Date::from_calendar_date(year, month, day.min(month.length(year))).ok())
        } else if let (Some(year), Some(day)) = (year, self.get(Field::DayOfYear)) {
            u16::try_from(day).ok().and_then(|day| Date::from_ordinal_date(year, day).ok())
        } else if let (Some(year), Some(week), Some(day)) = (self.get(Field::WeekBasedYear), self.get(Field::WeekOfYear), self.local_day())
        {
            week_date(year, week, day)
        } else {
            return Ok(None);
        };
        let date = date.ok_or("is no day of the calendar")?;
        let weekday = i64::from(date.weekday().number_from_monday());
        if self.get(Field::DayOfWeek).is_some_and(|wanted| wanted != weekday) {
            return Err("names a day of the week that the day is not".to_owned());
        }
        Ok(Some(date))
    }

    /// 1 is Sunday.
    fn local_day(&self) -> Option<i64> {
        self.get(Field::LocalDayOfWeek).or_else(|| self.get(Field::DayOfWeek).map(|day| day % 7 + 1))
    }

    /// The time of the day in nanoseconds, and whether it is the midnight at the end of the day.
    fn time(&self) -> Result<(Option<i64>, bool), String> {
        if let Some(nanos) = self.get(Field::NanoOfDay).or_else(|| self.get(Field::MilliOfDay).map(|millis| millis * 1_000_000)) {
            return Ok((Some(nanos), false));
        }
        let half = self.get(Field::HalfOfDay);
        let of_half = self.get(Field::HourOfHalf).or_else(|| self.get(Field::ClockHourOfHalf).map(|hour| hour % 12));
        let hour = match (self.get(Field::Hour), self.get(Field::ClockHour), of_half, half) {
            (Some(hour), ..) => hour,
            (None, Some(hour), ..) => hour % 24,
            (None, None, Some(hour), Some(half)) => hour + half * 12,
            (None, None, Some(_), None) => return Err("has an hour of half a day, but not which half".to_owned()),
            _ => return Ok((None, false)),
        };
        let minute = self.get(Field::Minute);
        let rest = [minute, self.get(Field::Second), self.get(Field::Nano)].map(|value| value.unwrap_or(0));
        if hour == 24 {
            return if rest == [0, 0, 0] { Ok((Some(0), true)) } else { Err("is later than the end of its day".to_owned()) };
        }
        let [minute, second, nano] = rest;
        Ok((Some((hour * 3600 + minute * 60 + second) * SECOND + nano).filter(|time| *time < DAY), false))
    }
}

/// The first day of a week-based year: weeks begin on Sunday, and the first one has 1 January in it.
fn first_day(year: i64) -> Option<Date> {
    let first = Date::from_calendar_date(i32::try_from(year).ok()?, Month::January, 1).ok()?;
    Date::from_julian_day(first.to_julian_day() - i32::from(first.weekday().number_days_from_sunday())).ok()
}

fn week_date(year: i64, week: i64, day: i64) -> Option<Date> {
    let days = i32::try_from((week - 1) * 7 + day - 1).ok()?;
    Date::from_julian_day(first_day(year)?.to_julian_day() + days).ok()
}

/// The week-based year of a day and the week of it.
pub(super) fn week_of(date: Date) -> Option<(i64, i64)> {
    let own = i64::from(date.year());
    let year = [own + 1, own].into_iter().find(|year| first_day(*year).is_some_and(|first| first <= date)).unwrap_or(own);
    let days = date.to_julian_day() - first_day(year)?.to_julian_day();
    Some((year, i64::from(days / 7 + 1)))
}

/// The week of the month, the first one having the first day in it.
pub(super) fn week_of_month(date: Date) -> i64 {
    let first = date.replace_day(1).map_or(Weekday::Sunday, Date::weekday);
    (i64::from(date.day()) - 1 + i64::from(first.number_days_from_sunday())) / 7 + 1
}
