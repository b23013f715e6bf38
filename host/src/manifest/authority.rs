//! What a plugin may do: what it asks for and the operator grants. Neither widens the other.
//!
//! | the plugin asks for | it is granted by |
//! | --- | --- |
//! | the origin, the endpoint or the folder of a property | setting the property |
//! | a secret of the name of a credential property | setting the property |
//! | a fixed origin, a fixed endpoint, a secret of another name | naming it under `[systems.x.grants]` |
//!
//! What is asked for and not granted is a warning with the lines to add; so is a grant that nobody asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::fields::Fields;
use super::forms;
use super::model::{GrantedFolder, Grants};
use super::problem::{Place, Problems};
use super::properties::Sorted;
use super::raw::Raw;
use super::{folders, keys, secret_reference};
use crate::registry::description::{Capability, Description, Reference, Role};

#[derive(Debug, Default)]
pub(super) struct Authority {
    pub grants: Grants,
    pub files: Vec<GrantedFolder>,
    pub origins: Vec<String>,
    pub endpoints: Vec<String>,
}

/// What the plugin of this system may do.
pub(super) fn of(raw: &Raw, system: &Fields, role: Role, description: &Description, sorted: &Sorted, problems: &mut Problems) -> Authority {
    let absent = Fields::absent(&keys::GRANTS, system.at);
    let grants = system.table("grants").unwrap_or(&absent);
    let mut authority = Authority::default();
    let mut judge = Judge { system, grants, description, sorted, problems };
    let http: Vec<&Reference> = references(description, |capability| match capability {
        Capability::Http(reference) => Some(reference),
        _ => None,
    });
    let dial: Vec<&Reference> = references(description, |capability| match capability {
        Capability::Dial(reference) => Some(reference),
        _ => None,
    });
    (authority.origins, authority.grants.http) = judge.places_to_go("http", &http, origin, forms::origin);
    (authority.endpoints, authority.grants.dial) = judge.places_to_go("dial", &dial, endpoint, forms::endpoint);
    authority.grants.networks = judge.networks(http.is_empty() && dial.is_empty());
    authority.grants.secrets = judge.secrets(&raw.directory);
    authority.files = judge.folders(raw, role);
    authority
}

struct Judge<'a> {
    system: &'a Fields,
    grants: &'a Fields,
    description: &'a Description,
    sorted: &'a Sorted,
    problems: &'a mut Problems,
}

impl Judge<'_> {
    /// Everywhere the plugin may go, and the part of it that was granted by name. `of_value` reads a property's value, `of_text` a text of the list.
    fn places_to_go(
        &mut self,
        key: &'static str,
        asked: &[&Reference],
        of_value: fn(&str) -> Result<String, String>,
        of_text: fn(&str) -> Result<String, String>,
    ) -> (Vec<String>, Vec<String>) {
        let granted: Vec<(Place, String)> =
            self.grants.texts(key).iter().filter_map(|item| Some((item.at, of_text(&item.text).ok()?))).collect();
        let mut all = BTreeSet::new();
        let mut by_name = BTreeSet::new();
        for reference in asked {
            match reference {
                Reference::Property(name) => {
                    let Some(value) = self.sorted.parameters.get(name) else { continue };
                    match of_value(value) {
                        Ok(place) => {
                            all.insert(place);
                        }
                        Err(right) => {
                            let at = self.sorted.places.get(name).copied().unwrap_or(self.system.at);
                            self.problems.error(
                                "manifest.wrong-property",
                                at,
                                format!("property \"{name}\" = {} is not right", forms::shown(value)),
                                right,
                            );
                        }
                    }
                }
                Reference::Literal(text) => {
                    let place = of_text(text).unwrap_or_else(|_| text.clone());
                    if granted.iter().any(|(_, granted)| *granted == place) {
                        by_name.insert(place);
                    } else {
                        self.not_granted(&place, &format!("{key} = [\"{place}\"]"));
                    }
                }
            }
        }
        for (at, place) in granted {
            if !by_name.contains(&place) && !all.contains(&place) {
                self.not_asked(at, &place);
            }
        }
        all.extend(by_name.iter().cloned());
        (all.into_iter().collect(), by_name.into_iter().collect())
    }

    fn networks(&mut self, pointless: bool) -> Vec<String> {
        let items = self.grants.texts("networks");
        if let Some(first) = items.first().filter(|_| pointless) {
            self.not_asked(first.at, "a network");
            return Vec::new();
        }
        items.iter().filter_map(|item| forms::network(&item.text)).map(|network| network.to_string()).collect()
    }

    fn secrets(&mut self, directory: &Path) -> BTreeMap<String, crate::secret::SecretSource> {
        let mut secrets = BTreeMap::new();
        let asked: Vec<&str> = self
            .description
            .capabilities
            .iter()
            .filter_map(|capability| match capability {
                Capability::Secret(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let granted = self.grants.secrets("secrets");
        for name in &asked {
            let by_name = granted.iter().find(|secret| secret.name == *name);
            let by_property = self.sorted.credentials.get(*name);
            if let (Some(by_name), Some(_)) = (by_name, by_property) {
                let message = format!("the secret \"{name}\" is granted under grants and as a property");
                self.problems.error("manifest.secret-twice", by_name.at, message, "leave one of them out");
            }
            match by_property.map(|(_, source)| source).or(by_name.map(|secret| &secret.source)) {
                Some(source) => {
                    secrets.insert((*name).to_owned(), secret_reference::anchored(source, directory));
                }
                // A credential property that is not set was not wanted (or is missing, which is said elsewhere).
                None if self.description.property(name).is_some_and(|property| property.credential) => {}
                None => self.not_granted(&format!("the secret \"{name}\""), &format!("secrets = {{ {name} = {{ env = \"NAME\" }} }}")),
            }
        }
        for secret in granted {
            if !asked.contains(&secret.name.as_str()) {
                self.not_asked(secret.at, &format!("the secret \"{}\"", secret.name));
            }
        }
        secrets
    }

    fn folders(&mut self, raw: &Raw, role: Role) -> Vec<GrantedFolder> {
        let mut granted = Vec::new();
        for capability in &self.description.capabilities {
            let Capability::Files { property, write, roles } = capability else { continue };
            let Some(value) = self.sorted.settings.get(property).filter(|_| roles.is_empty() || roles.contains(&role)) else { continue };
            let at = self.sorted.places.get(property).copied().unwrap_or(self.system.at);
            let folder = folders::granted(&raw.directory, value, *write);
            if folder.host.parent().is_none() {
                let message = format!("property \"{property}\" = {value:?} would open the whole file system to the plugin");
                self.problems.error("manifest.folder-too-wide", at, message, "put the file into a folder of its own");
                continue;
            }
            let own = [("the manifest", raw.path.clone()), ("the plugins", raw.plugins()), ("the state", raw.state())];
            if let Some((what, _)) = own.iter().filter(|_| *write).find(|(_, path)| folders::holds(&folder.host, path)) {
                let message = format!("property \"{property}\" = {value:?} would let the plugin write where {what} of the host lies");
                self.problems.error("manifest.folder-too-wide", at, message, "name a folder of its own, such as \"out/\"");
                continue;
            }
            if !*write && !folder.host.is_dir() {
                let message = format!("property \"{property}\": there is no folder {}", folder.host.display());
                self.problems.warning("manifest.folder-not-found", at, message, "it has to exist when a run starts");
            }
            folders::merge(&mut granted, folder);
        }
        granted
    }

    fn not_granted(&mut self, what: &str, line: &str) {
        let table = self.system.title.trim_matches(['[', ']']);
        let message = format!("the plugin \"{}\" asks for {what}, which is not granted", self.description.id);
        self.problems.warning("manifest.not-granted", self.system.at, message, format!("to grant it, write {line} in [{table}.grants]"));
    }

    fn not_asked(&mut self, at: Place, what: &str) {
        let message = format!("the plugin \"{}\" does not ask for {what}: the grant is without effect", self.description.id);
        self.problems.warning("manifest.grant-not-asked-for", at, message, "leave it out");
    }
}

fn references<'d>(description: &'d Description, pick: fn(&'d Capability) -> Option<&'d Reference>) -> Vec<&'d Reference> {
    description.capabilities.iter().filter_map(pick).collect()
}

/// The origin of a URL.
fn origin(url: &str) -> Result<String, String> {
    forms::http_url(url).map(|url| url.origin().ascii_serialization())
}

/// The endpoint of `host:port`, or of a URL whose port is written or known.
fn endpoint(text: &str) -> Result<String, String> {
    let Some((scheme, rest)) = text.split_once("://") else { return forms::endpoint(text) };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // RFC 4516 section 2; ldaps by convention.
    let port = match scheme {
        "ldap" => Some(389),
        "ldaps" => Some(636),
        // PostgreSQL documentation, section 34.1.1.
        "postgresql" | "postgres" => Some(5432),
        _ => None,
    };
    match (forms::endpoint(authority), port) {
        (Err(_), Some(port)) => forms::endpoint(&format!("{authority}:{port}")),
        (endpoint, _) => endpoint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_of_values() {
        assert_eq!(endpoint("ldap.example.com:389").as_deref(), Ok("ldap.example.com:389"));
        assert_eq!(endpoint("ldap://ldap.example.com").as_deref(), Ok("ldap.example.com:389"));
        assert_eq!(endpoint("ldaps://ldap.example.com/dc=x").as_deref(), Ok("ldap.example.com:636"));
        assert_eq!(endpoint("ldaps://[::1]:1636").as_deref(), Ok("[::1]:1636"));
        assert_eq!(endpoint("postgres://db:5433/x").as_deref(), Ok("db:5433"));
        assert_eq!(endpoint("postgresql://db/x").as_deref(), Ok("db:5432"));
        for wrong in ["ldap.example.com", "mysql://db", "ldap://", "ldap://u@h:1", ""] {
            assert!(endpoint(wrong).is_err(), "{wrong}");
        }
    }
}
