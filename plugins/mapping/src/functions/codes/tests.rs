use super::*;

#[track_caller]
fn country(text: &str, expected: [&str; 4]) {
    let found = Country::find(text).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(CountryFormat::NAMES.map(|(_, format)| found.written(format)), expected, "{text}");
}

#[test]
fn countries_are_found_by_every_code_and_name() {
    for text in ["United States", "us", "USA", "840", "united states of america"] {
        country(text, ["United States", "US", "USA", "840"]);
    }
    country("Germany", ["Germany", "DE", "DEU", "276"]);
    country("8", ["Albania", "AL", "ALB", "008"]);
    country("Turkiye", ["Türkiye", "TR", "TUR", "792"]);
    country("Turkey", ["Türkiye", "TR", "TUR", "792"]);
    country("Cote d'Ivoire", ["Côte d’Ivoire", "CI", "CIV", "384"]);
    country("Bosnia and Herzegovina", ["Bosnia & Herzegovina", "BA", "BIH", "070"]);
    country("Hong Kong", ["Hong Kong SAR China", "HK", "HKG", "344"]);
    for text in ["", " ", "Atlantis", "ZZ", "1000", "99999999999", "-", "…"] {
        assert!(Country::find(text).is_none(), "{text}");
    }
}

#[test]
fn subdivisions_are_found_by_code_and_name() {
    let find = |text: &str, country: &str| {
        Region::find(text, Country::find(country)).map(|region| RegionFormat::NAMES.map(|(_, format)| region.written(format)))
    };
    let alabama = || Some(["Alabama".to_owned(), "US-AL".to_owned()]);
    for (text, country) in [("AL", "US"), ("US-AL", "US"), ("US-AL", ""), ("us-al", "DE"), ("Alabama", "United States"), ("AL", "840")] {
        assert_eq!(find(text, country), alabama(), "{text} {country}");
    }
    assert_eq!(find("Bavaria", "DE"), Some(["Bayern".to_owned(), "DE-BY".to_owned()]));
    assert_eq!(find("Baden-Wurttemberg", "DEU"), Some(["Baden-Württemberg".to_owned(), "DE-BW".to_owned()]));
    for (text, country) in [("AL", ""), ("ZZ", "US"), ("", "US"), ("AL", "DE"), ("US-", "US")] {
        assert_eq!(find(text, country), None, "{text} {country}");
    }
}

#[test]
fn languages_become_tags_and_back() {
    for (text, tag, code) in [
        ("EN", "en-US", "EN"),
        ("en-US", "en-US", "EN"),
        ("de", "de-DE", "DE"),
        ("de_AT", "de-AT", "DE"),
        ("pt", "pt-BR", "PT"),
        ("zh", "zh-CN", "ZH"),
        ("zh-Hant", "zh-Hant-TW", "ZH"),
        ("sr_RS_#Latn", "sr-RS", "SR"),
        ("es-419", "es-419", "ES"),
        ("iw", "he-IL", "HE"),
        ("ja_JP", "ja-JP", "JA"),
        // Named in the reference as languages without a mapping.
        ("EO", "en-US", "EN"),
        ("IA", "en-US", "EN"),
        ("IO", "en-US", "EN"),
        ("", "en-US", "EN"),
        ("klingon", "en-US", "EN"),
    ] {
        assert_eq!(locale(text, LocaleFormat::Bcp47), tag, "{text}");
        assert_eq!(locale(text, LocaleFormat::Iso639), code, "{text}");
    }
}

#[test]
fn time_zones_are_looked_up_in_the_table() {
    for (text, iana, sap) in [
        ("AST", "America/Halifax", "AST"),
        ("America/Phoenix", "America/Phoenix", "MSTNO"),
        ("WET", "Europe/Lisbon", "WET"),
        // Twice in the table: the first row wins.
        ("Asia/Anadyr", "Asia/Anadyr", "RUS12"),
        ("XXX", "Europe/Berlin", "CET"),
        ("", "Europe/Berlin", "CET"),
        ("sap", "Europe/Berlin", "CET"),
    ] {
        assert_eq!(timezone(text, TimezoneFormat::Iana), iana, "{text}");
        assert_eq!(timezone(text, TimezoneFormat::Sap), sap, "{text}");
    }
}

#[test]
fn the_time_zones_are_those_of_the_shared_list() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/timezones.csv");
    if let Ok(shared) = std::fs::read_to_string(path) {
        assert_eq!(super::timezone::TABLE, shared);
    } else {
        assert!(std::env::var_os("CI").is_none(), "{path} is not there");
        println!("left out: {path} is not there");
    }
}

#[test]
fn the_codes_are_those_of_the_standard() {
    use rust_iso3166::{ALL, iso3166_2};
    for country in ALL {
        let found = Country::find(country.alpha2).unwrap_or_else(|| panic!("{} is missing", country.alpha2));
        assert_eq!(found.written(CountryFormat::Alpha3), country.alpha3);
        assert_eq!(found.written(CountryFormat::Numeric), format!("{:03}", country.numeric));
        for name in [country.name, found.written(CountryFormat::FullName), country.alpha3] {
            assert_eq!(Country::find(name).map(Country::alpha2), Some(country.alpha2), "{name}");
        }
    }
    assert_eq!(lines(include_str!("countries.txt")).count(), ALL.len());
    let mut codes = 0;
    for (code, name) in region::every() {
        let known = iso3166_2::from_code(&code).unwrap_or_else(|| panic!("{code} is not in the standard"));
        assert_eq!(known.name, name);
        codes += 1;
    }
    assert_eq!(codes, iso3166_2::SUBDIVISION_MAP.len());
}
