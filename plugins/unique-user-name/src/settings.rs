//! The properties of the component.

use crate::pattern::Pattern;

/// Name and default of each property.
pub const DEFAULTS: [(&str, &str); 5] =
    [(PATTERN, "{name.givenName:1}{name.familyName}"), (ATTRIBUTE, "userName"), (SEPARATOR, ""), (MAX_LENGTH, "20"), (ENTITY_TYPE, "user")];
pub const PATTERN: &str = "unique-user-name.pattern";
pub const ATTRIBUTE: &str = "unique-user-name.attribute";
pub const SEPARATOR: &str = "unique-user-name.separator";
pub const MAX_LENGTH: &str = "unique-user-name.max.length";
pub const ENTITY_TYPE: &str = "unique-user-name.entity.type";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub pattern: Pattern,
    /// A member of the document itself.
    pub attribute: String,
    /// Between the name and the number.
    pub separator: String,
    /// In characters, the number included.
    pub max_length: usize,
    pub entity_type: String,
}

impl Settings {
    /// From what the host hands over. All that is wrong, a line each.
    pub fn read(property: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let mut wrong = Vec::new();
        let value = |name: &str| {
            let default = DEFAULTS.iter().find(|(known, _)| *known == name).map_or("", |(_, default)| default);
            property(name).unwrap_or_else(|| default.to_owned())
        };
        let pattern = Pattern::parse(&value(PATTERN)).map_err(|why| wrong.push(format!("property {PATTERN}: {why}"))).ok();
        let max_length = value(MAX_LENGTH).parse().ok().filter(|length| (4..=256).contains(length));
        if max_length.is_none() {
            wrong.push(format!("property {MAX_LENGTH}: {:?} is not a number from 4 to 256", value(MAX_LENGTH)));
        }
        let separator = value(SEPARATOR);
        if !["", ".", "-", "_"].contains(&separator.as_str()) {
            wrong.push(format!("property {SEPARATOR}: {separator:?} is not right; it is empty or one of . - _"));
        }
        let attribute = value(ATTRIBUTE);
        if attribute.is_empty() || attribute.contains(['.', '[']) {
            wrong.push(format!("property {ATTRIBUTE}: {attribute:?} is not the name of a member of the document, such as userName"));
        }
        match (pattern, max_length, wrong.is_empty()) {
            (Some(pattern), Some(max_length), true) => {
                Ok(Self { pattern, attribute, separator, max_length, entity_type: value(ENTITY_TYPE) })
            }
            _ => Err(wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_told_at_once() {
        assert!(Settings::read(|_| None).is_ok(), "the defaults are right");
        let wrong = Settings::read(|name| Some(if name == MAX_LENGTH { "3" } else { "x y.z" }.to_owned())).unwrap_err();
        let named: Vec<&str> = wrong.iter().filter_map(|line| line.split([' ', ':']).nth(1)).collect();
        assert_eq!(named, [PATTERN, MAX_LENGTH, SEPARATOR, ATTRIBUTE]);
    }
}
