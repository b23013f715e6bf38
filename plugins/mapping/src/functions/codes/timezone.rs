//! Time zones: SAP's abbreviations and the names of IANA.

use super::lines;

pub(super) static TABLE: &str = include_str!("timezones.csv");

/// How a time zone is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimezoneFormat {
    Iana,
    Sap,
}

impl TimezoneFormat {
    pub const NAMES: [(&'static str, Self); 2] = [("iana", Self::Iana), ("sap", Self::Sap)];
}

/// A time zone in another format: the first line of the table that has it. One that is in that format already stays; one that is not in the table becomes
/// `Europe/Berlin` or `CET`.
pub(crate) fn timezone(text: &str, format: TimezoneFormat) -> &'static str {
    let rows = || lines(TABLE).skip(1).filter_map(|line| line.split_once(','));
    let text = text.trim();
    let found = match format {
        TimezoneFormat::Iana => {
            rows().find(|(sap, _)| *sap == text).or_else(|| rows().find(|(_, iana)| *iana == text)).map(|(_, iana)| iana)
        }
        TimezoneFormat::Sap => rows().find(|(_, iana)| *iana == text).or_else(|| rows().find(|(sap, _)| *sap == text)).map(|(sap, _)| sap),
    };
    found.unwrap_or(match format {
        TimezoneFormat::Iana => "Europe/Berlin",
        TimezoneFormat::Sap => "CET",
    })
}
