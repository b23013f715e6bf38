//! What a user name is made of: `{name.givenName:1}{name.familyName}`.

use deunicode::deunicode;

use crate::document::{Document, Failure};

/// Text and parts, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Stands as it is.
    Text(String),
    /// The value of this attribute or variable, and how many characters of it; absent: all.
    Value { path: String, most: Option<usize> },
}

impl Pattern {
    /// The error says what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(begin) = rest.find('{') {
            let (before, after) = (&rest[..begin], &rest[begin + 1..]);
            let (inside, behind) = after.split_once('}').ok_or_else(|| format!("a `{{` of {text:?} is never closed"))?;
            parts.extend(literal(before)?);
            parts.push(value(inside)?);
            rest = behind;
        }
        parts.extend(literal(rest)?);
        if !parts.iter().any(|part| matches!(part, Part::Value { .. })) {
            return Err(format!("{text:?} names no attribute; write it like {{name.givenName:1}}{{name.familyName}}"));
        }
        Ok(Self(parts))
    }

    /// The name of one person, before anybody else is looked at. Each part and what became of it goes to `told`.
    pub fn derive(&self, document: &Document<'_>, mut told: impl FnMut(String)) -> Result<String, Failure> {
        let mut name = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Value { path, most } => {
                    let value = document.text(path).unwrap_or_default();
                    let plain: String = plain(&value).chars().take(most.unwrap_or(usize::MAX)).collect();
                    told(format!("{path} is {value:?} and gives {plain:?}"));
                    if plain.is_empty() {
                        let message = format!("no user name can be derived: {path} is missing, or has no letter and no digit");
                        return Err(Failure { code: "unique-user-name.missing-part", message });
                    }
                    name.push_str(&plain);
                }
            }
        }
        Ok(name)
    }
}

fn literal(text: &str) -> Result<Option<Part>, String> {
    if let Some(wrong) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || "._-".contains(*c))) {
        return Err(format!("{wrong:?} cannot stand in a user name; letters, digits, `.`, `_` and `-` can"));
    }
    Ok((!text.is_empty()).then(|| Part::Text(text.to_ascii_lowercase())))
}

fn value(inside: &str) -> Result<Part, String> {
    let (path, most) = match inside.split_once(':') {
        None => (inside, None),
        Some((path, most)) => match most.parse::<usize>() {
            Ok(most @ 1..) => (path, Some(most)),
            _ => return Err(format!("{most:?} in {{{inside}}} is not a number of characters, such as 1")),
        },
    };
    if path.split('.').any(str::is_empty) || path.contains(['{', '[']) {
        return Err(format!("{{{inside}}} names no attribute; write it like {{name.givenName}} or {{name.givenName:1}}"));
    }
    Ok(Part::Value { path: path.to_owned(), most })
}

/// In ASCII and lower case, letters and digits only: `Jürgen O'Neil` is `jurgenoneil`.
fn plain(value: &str) -> String {
    deunicode(value).chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derive(pattern: &str, document: &str) -> Result<String, &'static str> {
        let document = Document::parse(document, &[("entityIdSourceSystem", "\"0042\"")]).unwrap();
        Pattern::parse(pattern).unwrap().derive(&document, |_| {}).map_err(|failure| failure.code)
    }

    #[test]
    fn names_of_any_script_become_ascii() {
        let cases = [
            ("Ann", "Smith", "asmith"),
            ("Jürgen", "Größl", "jgrossl"),
            ("Åsa", "O'Neil-Brøndby", "aoneilbrondby"),
            ("Łukasz", "Żółć", "lzolc"),
            ("Анна", "Щукина", "ashchukina"),
            ("Νίκος", "Παπαδόπουλος", "npapadopoulos"),
            ("小明", "王", "xwang"),
            ("  Mary Ann ", "van der Berg", "mvanderberg"),
        ];
        for (given, family, expected) in cases {
            let document = format!(r#"{{"name":{{"givenName":"{given}","familyName":"{family}"}}}}"#);
            assert_eq!(derive("{name.givenName:1}{name.familyName}", &document).as_deref(), Ok(expected), "{given} {family}");
        }
    }

    #[test]
    fn text_numbers_and_variables_take_part() {
        assert_eq!(derive("EXT-{first:2}.{number}", r#"{"first":"Zoë","number":17}"#).as_deref(), Ok("ext-zo.17"));
        assert_eq!(derive("{first}-{entityIdSourceSystem}", r#"{"first":"Zoë"}"#).as_deref(), Ok("zoe-0042"));
    }

    #[test]
    fn what_is_not_there_gives_no_name() {
        for document in ["{}", r#"{"first":null}"#, r#"{"first":"'-'"}"#, r#"{"first":["a"]}"#, r#"{"first":{"x":1}}"#] {
            assert_eq!(derive("{first}", document), Err("unique-user-name.missing-part"), "{document}");
        }
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused() {
        for wrong in ["", "smith", "{", "{a", "{}", "{a:}", "{a:0}", "{a:x}", "{a..b}", "{a}@b", "{a} {b}", "{emails[0].value}"] {
            assert!(Pattern::parse(wrong).is_err_and(|why| !why.is_empty()), "{wrong}");
        }
    }
}
