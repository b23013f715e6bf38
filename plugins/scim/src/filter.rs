//! From attributes and values to a SCIM filter (RFC 7644 section 3.4.2.2), and the check that what came back has them.
//!
//! | attribute of the contract | in the filter |
//! | --- | --- |
//! | `userName`, `$.userName`, `$['userName']` | `userName` |
//! | `emails[0].value`, `emails[*].value` | `emails.value`: a filter knows no positions |
//! | `['urn:...:User']['employeeNumber']`, `urn:...:User:employeeNumber` | `urn:...:User:employeeNumber` |
//! | `['urn:...:User']['manager']['value']` | `urn:...:User:manager.value` |

use sdk::{AttributeValue, Failure};
use serde_json::Value;

/// A path of the contract, taken apart: an optional schema, then names. Positions are gone.
#[derive(Debug, PartialEq, Eq)]
struct Path {
    schema: Option<String>,
    names: Vec<String>,
}

impl Path {
    fn parse(attribute: &str) -> Result<Self, Failure> {
        let unusable = || {
            Failure::rejected(format!("attribute {attribute:?} cannot be used in a SCIM filter; expected something like emails[0].value"))
        };
        let mut rest = attribute.trim().strip_prefix('$').unwrap_or(attribute.trim());
        let mut names: Vec<String> = Vec::new();
        while !rest.is_empty() {
            let name;
            if let Some(inside) = rest.strip_prefix('[') {
                let quote = inside.chars().next().ok_or_else(unusable)?;
                (name, rest) = if matches!(quote, '\'' | '"') {
                    let (name, after) = inside[1..].split_once(quote).ok_or_else(unusable)?;
                    (Some(name), after.strip_prefix(']').ok_or_else(unusable)?)
                } else {
                    let (position, after) = inside.split_once(']').ok_or_else(unusable)?;
                    let known = position == "*" || (!position.is_empty() && position.bytes().all(|b| b.is_ascii_digit()));
                    (if known && !names.is_empty() { None } else { return Err(unusable()) }, after)
                };
            } else {
                let plain = rest.strip_prefix('.').unwrap_or(rest);
                // A bare URN has dots of its own; only a bracket ends it.
                let end = if is_urn(plain) { plain.find('[') } else { plain.find(['.', '[']) }.unwrap_or(plain.len());
                (name, rest) = (Some(&plain[..end]), &plain[end..]);
            }
            if let Some(name) = name {
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_$:.".contains(c)) {
                    return Err(unusable());
                }
                names.push(name.to_owned());
            }
        }
        let mut path = Self { schema: None, names };
        path.split_urn();
        if path.names.is_empty() { Err(unusable()) } else { Ok(path) }
    }

    /// `urn:x:User` followed by names is a schema; `urn:x:User:manager.value` alone carries its names behind the last colon.
    fn split_urn(&mut self) {
        if !self.names.first().is_some_and(|first| is_urn(first)) {
            return;
        }
        let urn = self.names.remove(0);
        if self.names.is_empty()
            && let Some((schema, names)) = urn.rsplit_once(':')
        {
            self.schema = Some(schema.to_owned());
            self.names = names.split('.').map(str::to_owned).collect();
        } else {
            self.schema = Some(urn);
        }
    }

    fn in_filter(&self) -> String {
        let names = self.names.join(".");
        self.schema.as_ref().map_or_else(|| names.clone(), |schema| format!("{schema}:{names}"))
    }

    /// Whether the resource has this value. Names and text are compared without regard to case (RFC 7643 section 2.1; `caseExact` is false unless
    /// a schema says otherwise, and where it does the server has already looked closer).
    fn holds(&self, resource: &Value, wanted: &Value) -> bool {
        // A core attribute may be named with its schema, and then lives at the top level.
        let start = self.schema.as_ref().map_or(resource, |schema| member(resource, schema).unwrap_or(resource));
        holds(start, &self.names, wanted)
    }
}

fn is_urn(name: &str) -> bool {
    name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let object = object.as_object()?;
    object.get(name).or_else(|| object.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn holds(value: &Value, names: &[String], wanted: &Value) -> bool {
    if let Value::Array(items) = value {
        return items.iter().any(|item| holds(item, names, wanted));
    }
    match names.split_first() {
        Some((name, rest)) => member(value, name).is_some_and(|value| holds(value, rest, wanted)),
        // The plain name of a complex attribute means its `value` (RFC 7644 section 3.4.2.2).
        None => match (value, wanted) {
            (Value::Object(_), _) => member(value, "value").is_some_and(|value| holds(value, &[], wanted)),
            (Value::String(a), Value::String(b)) => a.to_lowercase() == b.to_lowercase(),
            (a, b) => a == b,
        },
    }
}

/// The conjunction of attributes that all must match.
#[derive(Debug)]
pub struct Wanted(Vec<(Path, Value)>);

impl Wanted {
    /// `rejected` where there is no attribute at all (that would match everybody), a path has no form a filter knows, or a value is not text, a number
    /// or a boolean.
    pub fn of(attributes: &[AttributeValue]) -> Result<Self, Failure> {
        if attributes.is_empty() {
            return Err(Failure::rejected("a search needs at least one attribute"));
        }
        let pair = |wanted: &AttributeValue| {
            let path = Path::parse(&wanted.attribute)?;
            match serde_json::from_str(&wanted.value) {
                Ok(value @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => Ok((path, value)),
                _ => Err(Failure::rejected(format!("a SCIM filter compares {} with text, a number or a boolean only", wanted.attribute))),
            }
        };
        Ok(Self(attributes.iter().map(pair).collect::<Result<_, _>>()?))
    }

    /// `userName eq "x" and emails.value eq "y"`.
    pub fn filter(&self) -> String {
        self.0.iter().map(|(path, value)| format!("{} eq {value}", path.in_filter())).collect::<Vec<_>>().join(" and ")
    }

    /// Whether this resource is one that was asked for. A server that ignores `filter` answers with everybody; nobody's account may be taken over for that.
    pub fn holds(&self, resource: &str) -> bool {
        serde_json::from_str::<Value>(resource).is_ok_and(|resource| self.0.iter().all(|(path, value)| path.holds(&resource, value)))
    }
}

/// The administrator's filter first, then the search; parentheses only where the precedence of `or` asks for them.
pub fn and(configured: Option<&str>, search: Option<String>) -> Option<String> {
    match (configured, search) {
        (Some(configured), Some(search)) if configured.to_ascii_lowercase().contains(" or ") => {
            Some(format!("({configured}) and {search}"))
        }
        (Some(configured), Some(search)) => Some(format!("{configured} and {search}")),
        (configured, search) => search.or_else(|| configured.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wanted(pairs: &[(&str, &str)]) -> Result<Wanted, Failure> {
        Wanted::of(&pairs.iter().map(|(a, v)| AttributeValue { attribute: (*a).to_owned(), value: (*v).to_owned() }).collect::<Vec<_>>())
    }

    const URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    #[test]
    fn attribute_paths_become_filter_attributes() {
        for (path, filter) in [
            ("userName", "userName"),
            ("$.userName", "userName"),
            ("$['userName']", "userName"),
            ("emails[0].value", "emails.value"),
            ("emails[*].value", "emails.value"),
            ("$.emails[12]['value']", "emails.value"),
            ("name.familyName", "name.familyName"),
            ("members[0].$ref", "members.$ref"),
            (&format!("['{URN}']['employeeNumber']"), &format!("{URN}:employeeNumber")),
            (&format!("$[\"{URN}\"].manager.value"), &format!("{URN}:manager.value")),
            (&format!("{URN}:employeeNumber"), &format!("{URN}:employeeNumber")),
            (&format!("{URN}:manager.value"), &format!("{URN}:manager.value")),
        ] {
            assert_eq!(Path::parse(path).unwrap().in_filter(), filter, "{path}");
        }
        for path in [
            "",
            "$",
            "[0]",
            "emails[?(@.primary)].value",
            "emails[type eq \"work\"].value",
            "a b",
            "a..b",
            "a.",
            "['x",
            "x]",
            "a[",
            "a[]",
            "ä",
        ] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn values_are_quoted_as_json() {
        let all = wanted(&[("userName", r#""o\"hara \\ é""#), ("active", "true"), ("x.y", "7")]).unwrap();
        assert_eq!(all.filter(), r#"userName eq "o\"hara \\ é" and active eq true and x.y eq 7"#);
        assert!(
            wanted(&[]).is_err() && wanted(&[("a", "null")]).is_err() && wanted(&[("a", "[1]")]).is_err() && wanted(&[("a", "x")]).is_err()
        );
    }

    #[test]
    fn what_came_back_must_have_the_values() {
        let resource = format!(r#"{{"userName":"Anna","emails":[{{"value":"a@x"}},{{"value":"B@x"}}],"{URN}":{{"employeeNumber":"7"}}}}"#);
        for (path, value, holds) in [
            ("userName", r#""anna""#, true),
            ("username", r#""ANNA""#, true),
            ("userName", r#""bert""#, false),
            ("emails[0].value", r#""b@x""#, true),
            ("emails", r#""a@x""#, true),
            ("emails.value", r#""c@x""#, false),
            ("externalId", r#""7""#, false),
            (&format!("{URN}:employeeNumber"), r#""7""#, true),
            (&format!("['{URN}'].employeeNumber"), "7", false),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", r#""anna""#, true),
        ] {
            assert_eq!(wanted(&[(path, value)]).unwrap().holds(&resource), holds, "{path} {value}");
        }
        assert!(!wanted(&[("userName", r#""anna""#), ("emails.value", r#""c@x""#)]).unwrap().holds(&resource));
    }

    #[test]
    fn the_configured_filter_comes_first() {
        let search = || Some("a eq 1".to_owned());
        assert_eq!(and(None, None), None);
        assert_eq!(and(Some("x pr"), None).unwrap(), "x pr");
        assert_eq!(and(None, search()).unwrap(), "a eq 1");
        assert_eq!(and(Some(r#"timezone eq "US""#), search()).unwrap(), r#"timezone eq "US" and a eq 1"#);
        assert_eq!(and(Some("x pr OR y pr"), search()).unwrap(), "(x pr OR y pr) and a eq 1");
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_quotes(text in any::<String>()) {
            let value = serde_json::to_string(&text).unwrap();
            let filter = wanted(&[("userName", &value)]).unwrap().filter();
            let back: String = serde_json::from_str(filter.strip_prefix("userName eq ").unwrap()).unwrap();
            prop_assert_eq!(back, text);
        }

        #[test]
        fn any_path_is_usable_or_refused(path in "[a$.\\[\\]'\"0*: ]{0,16}") {
            if let Ok(path) = Path::parse(&path) {
                prop_assert!(!path.in_filter().contains([' ', '"', '[']));
            }
        }
    }
}
