//! Languages: `en-US` (BCP 47) and `EN` (ISO 639-1, as Identity Authentication writes it).

use super::lines;

static TABLE: &str = include_str!("languages.txt");

/// How a language is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LocaleFormat {
    Bcp47,
    /// In capital letters.
    Iso639,
}

impl LocaleFormat {
    pub const NAMES: [(&'static str, Self); 2] = [("bcp47", Self::Bcp47), ("iso639", Self::Iso639)];
}

/// A locale in another format. A language without a country of its own (Esperanto), and what is no language at all, becomes English.
///
/// A tag that names a country keeps it; else the country is the one the language is likeliest spoken in (Unicode CLDR).
pub(crate) fn locale(text: &str, format: LocaleFormat) -> String {
    // Java joins the parts with underscores and puts extensions behind a number sign.
    let text = text.trim().split(['#', '@', '.']).next().unwrap_or("");
    let mut parts = text.split(['-', '_']).filter(|part| !part.is_empty());
    let language = parts.next().unwrap_or("").to_ascii_lowercase();
    let language = match &*language {
        // The codes Java used before.
        "iw" => "he",
        "in" => "id",
        "ji" => "yi",
        other => other,
    };
    let Some((language, likely)) = lines(TABLE).filter_map(|line| line.split_once(' ')).find(|(code, _)| *code == language) else {
        return match format {
            LocaleFormat::Bcp47 => "en-US".to_owned(),
            LocaleFormat::Iso639 => "EN".to_owned(),
        };
    };
    if format == LocaleFormat::Iso639 {
        return language.to_ascii_uppercase();
    }
    let mut tag = language.to_owned();
    let mut country = None;
    let mut traditional = false;
    for part in parts {
        let letters = part.bytes().all(|byte| byte.is_ascii_alphabetic());
        if part.len() == 4 && letters && country.is_none() {
            tag.push('-');
            tag.push_str(&part[..1].to_ascii_uppercase());
            tag.push_str(&part[1..].to_ascii_lowercase());
            traditional = part.eq_ignore_ascii_case("hant");
        } else if part.len() == 2 && letters || part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()) {
            country = Some(part.to_ascii_uppercase());
            break;
        }
    }
    tag.push('-');
    tag.push_str(country.as_deref().unwrap_or(if traditional { "TW" } else { likely }));
    tag
}
