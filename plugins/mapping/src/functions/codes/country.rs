//! Countries (ISO 3166-1).

use super::{lines, same_name};

static TABLE: &str = include_str!("countries.txt");

/// A country's line: alpha-2, alpha-3, numeric, names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Country(&'static str);

/// How a country is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CountryFormat {
    FullName,
    Alpha2,
    Alpha3,
    /// Three digits, as a text.
    Numeric,
}

impl CountryFormat {
    pub const NAMES: [(&'static str, Self); 4] =
        [("fullName", Self::FullName), ("alpha2", Self::Alpha2), ("alpha3", Self::Alpha3), ("numeric", Self::Numeric)];
}

impl Country {
    /// The country that any of its codes or names stands for.
    pub fn find(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut all = lines(TABLE).map(Self);
        match text.len() {
            0 => None,
            _ if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                let number: u16 = text.parse().ok()?;
                all.find(|country| country.part(2).parse() == Ok(number))
            }
            2 => all.find(|country| country.alpha2().eq_ignore_ascii_case(text)),
            3 => all.find(|country| country.part(1).eq_ignore_ascii_case(text)),
            _ => all.find(|country| country.0.split(';').skip(3).any(|name| same_name(name, text))),
        }
    }

    pub fn alpha2(self) -> &'static str {
        self.part(0)
    }

    pub fn written(self, format: CountryFormat) -> &'static str {
        self.part(match format {
            CountryFormat::Alpha2 => 0,
            CountryFormat::Alpha3 => 1,
            CountryFormat::Numeric => 2,
            CountryFormat::FullName => 3,
        })
    }

    fn part(self, number: usize) -> &'static str {
        self.0.split(';').nth(number).unwrap_or("")
    }
}
