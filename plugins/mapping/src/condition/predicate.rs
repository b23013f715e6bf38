//! The predicates the reference adds to Jayway's conditions (section 4.8 and 4.9 of the provisioning rules).

use std::borrow::Cow;

use super::operand::Term;
use super::{Compiler, ParseError};
use crate::nearest::nearest;
use crate::path::{Path, PathError, Scope};

/// The attributes of groups that belong to an application live in this extension.
const GROUP_EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:sap:2.0:Group";
pub(crate) const NAMES: [&str; 5] =
    ["isValidEmail", "isRegularGroup", "isApplicationSpecificGroup", "isAttributeWithOptionalPrefix", "isAttributeWithMandatoryPrefix"];

#[derive(Debug)]
pub enum Predicate {
    /// All of the path's values are e-mail addresses, and there is one.
    ValidEmail(Path),
    /// The group lacks `supportedOperations` or `applicationId`.
    RegularGroup,
    /// The group's `applicationId` is the property `ips.application.id`.
    ApplicationSpecificGroup(Option<Box<str>>),
    /// The attribute starts with the property's value. `optional`: also true where the attribute or the property is missing.
    Prefix { path: Path, prefix: Option<Box<str>>, optional: bool },
}

impl Predicate {
    /// `Err(Ok(message))`: the call itself is wrong; `Err(Err(error))`: its path is.
    pub(super) fn compile(compiler: &mut Compiler<'_>, name: &str, arguments: &str) -> Result<Self, Result<String, ParseError>> {
        let arguments: Vec<&str> = arguments.rsplitn(2, ',').map(str::trim).filter(|argument| !argument.is_empty()).collect();
        let property = |key: &str, compiler: &Compiler<'_>| -> Option<Box<str>> {
            compiler.properties.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str().into())
        };
        match (name, &arguments[..]) {
            ("isValidEmail", _) if !arguments.is_empty() => {
                let text: Vec<&str> = arguments.iter().rev().copied().collect();
                compiler.path(&text.join(",")).map(Self::ValidEmail).map_err(Err)
            }
            ("isRegularGroup", []) => Ok(Self::RegularGroup),
            ("isApplicationSpecificGroup", []) => Ok(Self::ApplicationSpecificGroup(property("ips.application.id", compiler))),
            ("isAttributeWithOptionalPrefix" | "isAttributeWithMandatoryPrefix", [key, path]) => {
                let prefix = property(key, compiler);
                let path = compiler.path(path).map_err(Err)?;
                Ok(Self::Prefix { path, prefix, optional: name == "isAttributeWithOptionalPrefix" })
            }
            ("isValidEmail", _) => Err(Ok("isValidEmail takes a path: isValidEmail($.emails[0].value)".to_owned())),
            ("isAttributeWithOptionalPrefix" | "isAttributeWithMandatoryPrefix", _) => {
                Err(Ok(format!("{name} takes a path and the name of a property: {name}($.displayName, my.prefix)")))
            }
            ("isRegularGroup" | "isApplicationSpecificGroup", _) => Err(Ok(format!("{name} takes no arguments"))),
            _ => Err(Ok(match nearest(name, NAMES) {
                Some(known) => format!("there is no predicate {name}; did you mean {known}?"),
                None => format!("there is no predicate {name}; there are {}", NAMES.join(", ")),
            })),
        }
    }

    pub(super) fn holds<'d>(&'d self, scope: &Scope<'d>) -> Result<bool, PathError> {
        match self {
            Self::ValidEmail(path) => Ok(match Term::of_path(path, scope)? {
                Term::Text(text) => is_email(&text),
                list => {
                    let mut any = false;
                    let all = list.elements().is_some_and(|elements| {
                        elements.into_iter().all(|element| {
                            any = true;
                            matches!(element, Term::Text(text) if is_email(&text))
                        })
                    });
                    all && any
                }
            }),
            Self::RegularGroup => {
                let group = scope.root.member(GROUP_EXTENSION);
                Ok(group.is_none_or(|group| group.member("supportedOperations").is_none() || group.member("applicationId").is_none()))
            }
            Self::ApplicationSpecificGroup(id) => {
                let group = scope.root.member(GROUP_EXTENSION).and_then(|group| group.member("applicationId"));
                Ok(match (id, group) {
                    (Some(id), Some(value)) => matches!(Term::of_value(value), Term::Text(text) if text == **id),
                    _ => false,
                })
            }
            Self::Prefix { path, prefix, optional } => {
                let text: Option<Cow<'_, str>> = match Term::of_path(path, scope)? {
                    Term::Undefined => None,
                    Term::Text(text) | Term::Number(text) => Some(text),
                    _ => return Ok(*optional && prefix.is_none()),
                };
                Ok(match (text, prefix) {
                    (Some(text), Some(prefix)) => text.starts_with(&**prefix),
                    _ => *optional,
                })
            }
        }
    }
}

/// The published rule: dot-separated words before the `@`, dot-separated labels that end in a letter or digit behind it.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let word = |word: &str| {
        !word.is_empty() && word.chars().all(|char| char.is_ascii_alphanumeric() || "!#$%&\u{2018}'*+/=?^_`{|}~-".contains(char))
    };
    let label = |label: &str| {
        label.starts_with(|char: char| char.is_ascii_alphanumeric())
            && label.ends_with(|char: char| char.is_ascii_alphanumeric())
            && label.chars().all(|char| char.is_ascii_alphanumeric() || char == '-')
    };
    local.split('.').all(word) && domain.contains('.') && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::is_email;

    #[test]
    fn addresses_are_recognised() {
        for text in ["a@b.de", "john.smith+x@my-company.example.com", "o'neil@a.b", "1@2.3"] {
            assert!(is_email(text), "{text}");
        }
        for text in
            ["", "a", "a@b", "@b.de", "a@.de", "a@b.", "a..b@c.de", ".a@c.de", "a@b@c.de", "a b@c.de", "a@-b.de", "a@b-.de", "jürgen@b.de"]
        {
            assert!(!is_email(text), "{text}");
        }
    }
}
