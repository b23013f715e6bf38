//! Subdivisions of countries (ISO 3166-2).

use super::{Country, lines, same_name};

static TABLE: &str = include_str!("subdivisions.txt");

/// A subdivision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    country: &'static str,
    code: &'static str,
    name: &'static str,
    /// Where it is another one.
    english: Option<&'static str>,
}

/// How a subdivision is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegionFormat {
    FullName,
    /// The whole code, `US-AL`.
    Alpha2,
}

impl RegionFormat {
    pub const NAMES: [(&'static str, Self); 2] = [("fullName", Self::FullName), ("alpha2", Self::Alpha2)];
}

impl Region {
    /// The subdivision that `US-AL`, or `AL` or a name together with a country, stands for.
    pub fn find(text: &str, country: Option<Country>) -> Option<Self> {
        let text = text.trim();
        if let Some((country, code)) = text.split_once('-')
            && let Some(found) = of(country).find(|region| region.code.eq_ignore_ascii_case(code))
        {
            return Some(found);
        }
        let country = country?.alpha2();
        of(country).find(|region| region.code.eq_ignore_ascii_case(text)).or_else(|| of(country).find(|region| region.is_named(text)))
    }

    pub fn written(self, format: RegionFormat) -> String {
        match format {
            RegionFormat::FullName => self.name.to_owned(),
            RegionFormat::Alpha2 => format!("{}-{}", self.country, self.code),
        }
    }

    fn is_named(self, text: &str) -> bool {
        same_name(self.name, text) || self.english.is_some_and(|name| same_name(name, text))
    }
}

/// The subdivisions of a country.
fn of(country: &str) -> impl Iterator<Item = Region> {
    let line = lines(TABLE).filter_map(|line| line.split_once(';')).find(|(code, _)| code.eq_ignore_ascii_case(country));
    line.into_iter().flat_map(|(country, entries)| {
        entries.split(';').filter_map(|entry| entry.split_once(' ')).map(move |(code, names)| {
            let (name, english) = names.split_once('=').map_or((names, None), |(name, english)| (name, Some(english)));
            Region { country, code, name, english }
        })
    })
}

/// Every code and name.
#[cfg(test)]
pub(super) fn every() -> impl Iterator<Item = (String, &'static str)> {
    lines(TABLE)
        .filter_map(|line| line.split_once(';'))
        .flat_map(|(country, _)| of(country))
        .map(|region| (region.written(RegionFormat::Alpha2), region.name))
}
