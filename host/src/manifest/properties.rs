//! The properties of one system: whose each of them is, whether its value is right, and the defaults of those nobody set.
//!
//! | name | whose it is |
//! | --- | --- |
//! | described by the connector for this role | the connector's: typed, handed to it; a credential is not handed on |
//! | `URL`, `Authentication`, `User`, ... | the connection's, where the connector speaks HTTP |
//! | `ips.http.header.<name>` | a header of every request |
//! | `ips.*` | the host's |
//! | in the transformation as `%name%` | a parameter of the operator's own (spec/provisioning.md section 1.3) |
//! | anything else | an error |

use std::collections::BTreeMap;

use super::fields::{Fields, Property, PropertyValue};
use super::forms::{self, Form, shown};
use super::nearest;
use super::problem::{Place, Problems};
use super::reference::{self, Shape};
use super::secret_reference::FORMS;
use crate::registry::description::{self, Description, PropertyKind, Role};
use crate::secret::SecretSource;

/// What was written for a connection: the reference's property names, each with its place.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub texts: BTreeMap<&'static str, (Place, String)>,
    pub password: Option<(Place, SecretSource)>,
}

/// The properties of a system, sorted by whose they are.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// The connector's, defaults included.
    pub settings: BTreeMap<String, String>,
    /// All that are not credentials.
    pub parameters: BTreeMap<String, String>,
    /// The connector's credentials.
    pub credentials: BTreeMap<String, (Place, SecretSource)>,
    pub connection: Connection,
    /// `ips.*` that have an effect on this system.
    pub host: BTreeMap<&'static str, String>,
    pub headers: Vec<(Place, String, String)>,
    /// Where the properties that were written stand.
    pub places: BTreeMap<String, Place>,
}

/// What the properties are judged by.
pub(super) struct Judge<'a> {
    pub role: Role,
    pub fields: &'a Fields,
    /// Absent where the connector is not known: then only the host's properties can be judged.
    pub description: Option<&'a Description>,
    /// The texts that may read a property as `%name%`. Absent where one cannot be had: then a name nobody knows may still be a parameter.
    pub texts: Option<&'a [&'a str]>,
}

/// Sort and check the properties of a system.
pub(super) fn sort(judge: &Judge<'_>, problems: &mut Problems) -> Sorted {
    let mut sorted = Sorted::default();
    // What the names nobody knows were probably meant to be: such a property is misspelt and not missing too.
    let mut meant: Vec<&str> = Vec::new();
    for property in judge.fields.properties("properties") {
        sorted.places.insert(property.name.clone(), property.at);
        meant.extend(judge.property(property, &mut sorted, problems));
    }
    let unreadable = judge.fields.is_wrong("properties");
    for described in judge.described() {
        if sorted.places.contains_key(&described.name) || meant.contains(&described.name.as_str()) {
            continue;
        }
        match &described.default {
            Some(default) if !described.credential => {
                sorted.settings.insert(described.name.clone(), default.clone());
                sorted.parameters.insert(described.name.clone(), default.clone());
            }
            _ if described.required && !unreadable => {
                let message = format!("property \"{}\" is missing in {}", described.name, judge.fields.title);
                let place = judge.fields.title.trim_end_matches(']');
                let help = match judge.role {
                    Role::Source | Role::Target => format!("write it under {place}.properties]. {}", described.help),
                    Role::Transformation => format!("write it into the properties of this element. {}", described.help),
                };
                problems.error("manifest.missing-property", judge.fields.at, message, help);
            }
            _ => {}
        }
    }
    sorted
}

impl<'a> Judge<'a> {
    /// The connector's properties for this role.
    fn described(&self) -> impl Iterator<Item = &'a description::Property> + use<'a> {
        let role = self.role;
        self.description.into_iter().flat_map(|description| &description.properties).filter(move |property| property.applies_to(role))
    }

    fn speaks_http(&self) -> bool {
        self.description.is_some_and(Description::speaks_http)
    }

    /// Whether the transformation reads `%name%`.
    fn is_parameter(&self, name: &str) -> bool {
        let parameter = format!("%{name}%");
        self.texts.is_some_and(|texts| texts.iter().any(|text| text.contains(&parameter)))
    }

    /// Answers the property of the connector that an unknown one was probably meant to be.
    fn property(&self, property: &Property, sorted: &mut Sorted, problems: &mut Problems) -> Option<&'a str> {
        let name = property.name.as_str();
        if let Some(described) = self.described().find(|described| described.name == name) {
            connectors_own(described, property, sorted, problems);
        } else if let Some(known) = reference::connection_property(name).filter(|_| self.speaks_http()) {
            connections(known, property, sorted, problems);
        } else if let Some(header) = name.strip_prefix(reference::HEADER_PREFIX) {
            self.header(header, property, sorted, problems);
        } else if let Some(known) = reference::host_property(name) {
            self.hosts(known, property, sorted, problems);
        } else if self.is_parameter(name) {
            if let Some(text) = plain(property, problems) {
                sorted.parameters.insert(name.to_owned(), text);
            }
        } else {
            return self.unknown(property, problems);
        }
        None
    }

    fn header(&self, header: &str, property: &Property, sorted: &mut Sorted, problems: &mut Problems) {
        let Some(text) = plain(property, problems) else { return };
        // RFC 9110 section 5.1 and 5.5.
        let token = !header.is_empty() && header.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c));
        if !token {
            let message = format!("{header:?} cannot be the name of a header");
            problems.error("manifest.wrong-name", property.at, message, "write ips.http.header.<name>");
            return;
        }
        if text.chars().any(|c| c.is_control() && c != '\t') {
            wrong_value(property, "the value of a header is one line without control characters", problems);
            return;
        }
        if self.description.is_some() && !self.speaks_http() {
            self.not_http(property, problems);
            return;
        }
        // A header of this name is a credential, whatever it is used for: a transformation does not get it.
        if !header.eq_ignore_ascii_case("authorization") {
            sorted.parameters.insert(property.name.clone(), text.clone());
        }
        sorted.headers.push((property.at, header.to_owned(), text));
    }

    fn hosts(&self, known: &'static reference::HostProperty, property: &Property, sorted: &mut Sorted, problems: &mut Problems) {
        let Some(text) = plain(property, problems) else { return };
        if let Err(right) = known.shape.check(&text) {
            wrong_value(property, &right, problems);
            return;
        }
        if known.effect.contains(&self.role) {
            sorted.host.insert(known.name, text.clone());
        } else if !self.is_parameter(known.name) {
            let message = match known.effect {
                [] => format!("\"{}\" is known, without effect in this version", known.name),
                _ => format!("\"{}\" is without effect on a {}", known.name, self.role),
            };
            let help = known.effect.first().map_or(String::new(), |role| format!("it belongs to a {role}"));
            problems.warning("manifest.without-effect", property.at, message, help);
        }
        // What only concerns the log and notifications must not look like an edit of the transformation, after which everything is mapped again.
        if !["ips.trace.", "ips.job."].iter().any(|prefix| known.name.starts_with(prefix)) || self.is_parameter(known.name) {
            sorted.parameters.insert(known.name.to_owned(), text);
        }
    }

    fn unknown(&self, property: &Property, problems: &mut Problems) -> Option<&'a str> {
        let name = property.name.as_str();
        let title = &self.fields.title;
        if name.starts_with("ips.") {
            let names = reference::HOST_PROPERTIES.iter().map(|known| known.name).chain(["ips.http.header.<name>"]);
            let help = nearest::suggestion(name, names).unwrap_or_default();
            problems.error("manifest.unknown-property", property.at, format!("unknown property \"{name}\" in {title}"), help);
            return None;
        }
        let description = self.description?;
        if reference::connection_property(name).is_some() {
            self.not_http(property, problems);
            return None;
        }
        if let Some(described) = description.property(name) {
            let roles: Vec<String> = described.roles.iter().map(ToString::to_string).collect();
            let message = format!("property \"{name}\" of the plugin \"{}\" means nothing for a {}", description.id, self.role);
            problems.error("manifest.property-of-other-role", property.at, message, format!("it belongs to a {}", roles.join(" or a ")));
            return None;
        }
        let own = self.described().map(|described| described.name.as_str());
        let connection = reference::CONNECTION_PROPERTIES.iter().map(|known| known.name).filter(|_| self.speaks_http());
        let host = reference::HOST_PROPERTIES.iter().map(|known| known.name);
        let meant = nearest::nearest(name, own.chain(connection).chain(host));
        let help = match meant {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            // As long as the transformation cannot be read, this may be a parameter of it.
            None if self.texts.is_none() => return None,
            None => format!("the plugin \"{}\" does not describe it and the transformation does not read %{name}%", description.id),
        };
        problems.error("manifest.unknown-property", property.at, format!("unknown property \"{name}\" in {title}"), help);
        meant
    }

    fn not_http(&self, property: &Property, problems: &mut Problems) {
        let id = self.description.map_or("", |description| &description.id);
        let message =
            format!("property \"{}\" in {} is for HTTP, which the plugin \"{id}\" does not speak", property.name, self.fields.title);
        let own: Vec<&str> = self.described().map(|described| described.name.as_str()).collect();
        let help = if own.is_empty() { String::new() } else { format!("its properties are {}", nearest::list(own)) };
        problems.error("manifest.unknown-property", property.at, message, help);
    }
}

fn connectors_own(described: &description::Property, property: &Property, sorted: &mut Sorted, problems: &mut Problems) {
    let name = property.name.clone();
    if described.credential {
        if let Some(source) = credential(property, problems) {
            sorted.credentials.insert(name, (property.at, source));
        }
        return;
    }
    match typed(&described.kind, &property.value) {
        Ok(text) => {
            sorted.settings.insert(name.clone(), text.clone());
            sorted.parameters.insert(name, text);
        }
        Err(right) => wrong_value(property, &right, problems),
    }
}

fn connections(known: &'static reference::ConnectionProperty, property: &Property, sorted: &mut Sorted, problems: &mut Problems) {
    if known.shape == Shape::Credential {
        if let Some(source) = credential(property, problems) {
            sorted.connection.password = Some((property.at, source));
        }
        return;
    }
    let Some(text) = plain(property, problems) else { return };
    match known.shape.check(&text) {
        Ok(()) => {
            sorted.parameters.insert(known.name.to_owned(), text.clone());
            sorted.connection.texts.insert(known.name, (property.at, text));
        }
        Err(right) => wrong_value(property, &right, problems),
    }
}

/// The text of a value of this kind; else what would be right. Numbers and booleans may be written as strings, as the reference does.
fn typed(kind: &PropertyKind, value: &PropertyValue) -> Result<String, String> {
    let Some(text) = value.text() else { return Err("it is not a credential: write the value itself".to_owned()) };
    let is_text = matches!(value, PropertyValue::Text(_));
    match kind {
        PropertyKind::Text => Ok(text),
        PropertyKind::Integer => {
            text.parse::<i64>().map(|integer| integer.to_string()).map_err(|_| "write an integer, such as 100".to_owned())
        }
        PropertyKind::Boolean if ["true", "false"].contains(&text.as_str()) => Ok(text),
        PropertyKind::Boolean => Err("write true or false".to_owned()),
        PropertyKind::Url => forms::http_url(&text).map(|_| text),
        PropertyKind::Path if is_text => Form::Path.check(&text).map(|()| text),
        PropertyKind::Path => Err("write a path as a string, such as \"people.csv\"".to_owned()),
        PropertyKind::Choice(values) if values.contains(&text) => Ok(text),
        PropertyKind::Choice(values) => Err(nearest::suggestion_or_list(&text, values.iter().map(String::as_str))),
    }
}

fn plain(property: &Property, problems: &mut Problems) -> Option<String> {
    let text = property.value.text();
    if text.is_none() {
        wrong_value(property, "it is not a credential: write the value itself", problems);
    }
    text
}

/// What is written in place of a reference may be the secret and is not repeated.
fn credential(property: &Property, problems: &mut Problems) -> Option<SecretSource> {
    if let PropertyValue::Secret(source) = &property.value {
        return Some(source.clone());
    }
    let message = format!("property \"{}\" is a secret and must not stand in the manifest", property.name);
    problems.error("manifest.plain-secret", property.at, message, FORMS);
    None
}

fn wrong_value(property: &Property, right: &str, problems: &mut Problems) {
    let message = match &property.value {
        PropertyValue::Text(text) => format!("property \"{}\" = {} is not right", property.name, shown(text)),
        PropertyValue::Secret(_) => format!("property \"{}\" is a reference to a secret", property.name),
        other => format!("property \"{}\" = {} is not right", property.name, other.text().unwrap_or_default()),
    };
    problems.error("manifest.wrong-property", property.at, message, right);
}
