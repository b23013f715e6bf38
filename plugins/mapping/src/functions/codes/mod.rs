//! Codes of countries, their subdivisions, languages and time zones. The tables are texts, see the README beside.

mod country;
mod locale;
mod region;
#[cfg(test)]
mod tests;
mod timezone;

pub(crate) use country::{Country, CountryFormat};
pub(crate) use locale::{LocaleFormat, locale};
pub(crate) use region::{Region, RegionFormat};
pub(crate) use timezone::{TimezoneFormat, timezone};

/// The lines of a table.
fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Whether two names are the same for a person: case, accents and punctuation do not count, `&` is `and`.
fn same_name(a: &str, b: &str) -> bool {
    folded(a).eq(folded(b))
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    name.split_inclusive('&').flat_map(|part| {
        let (part, and) = part.strip_suffix('&').map_or((part, ""), |part| (part, "and"));
        part.chars().map(without_accent).filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).chain(and.chars())
    })
}

/// A Latin letter without its accent.
fn without_accent(char: char) -> char {
    const ACCENTED: [(&str, char); 18] = [
        ("àáâãäåāăąǎạảấầẩẫậắằẵặ", 'a'),
        ("ÀÁÂÃÄÅĀĂĄ", 'a'),
        ("çćĉċčÇĆČ", 'c'),
        ("ďđĎĐḑḍ", 'd'),
        ("èéêëēĕėęěəẹếềểễệÈÉÊËĒ", 'e'),
        ("ĝğġģǧĜĞĠĢ", 'g'),
        ("ĥħḩḥĤĦḨḤ", 'h'),
        ("ìíîïĩīĭįıǐÌÍÎÏĪİỉị", 'i'),
        ("ķĶḳ", 'k'),
        ("ĺļľłĹĻĽŁ", 'l'),
        ("ñńņňÑŃŅŇ", 'n'),
        ("òóôõöøōŏőơǒọốồổỗộớờởỡợÒÓÔÕÖØŌŐ", 'o'),
        ("ŕřŘ", 'r'),
        ("śŝşšșṣŚŜŞŠȘṢ", 's'),
        ("ţťŧțṭŢŤȚṬ", 't'),
        ("ùúûüũūŭůűųưǔụủứừửữựÙÚÛÜŪŮŰ", 'u'),
        ("ýÿŷỳỹÝ", 'y'),
        ("źżžẓŹŻŽẒ", 'z'),
    ];
    if char.is_ascii() {
        return char;
    }
    ACCENTED.iter().find(|(letters, _)| letters.contains(char)).map_or(char, |(_, plain)| *plain)
}
