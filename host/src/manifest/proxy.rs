//! Proxy systems: one table of the manifest, looked at from both sides.

use super::fields::Fields;
use super::model::System;
use super::problem::Problems;
use super::raw::Raw;
use super::resolve::{self, Plugins};
use crate::registry::description::Role;

const STRATEGY: &str = "ips.proxy.scim.total.results.strategy";
/// Ends the name of the property that says whether a PATCH is answered with the resource.
const PATCH_ANSWERS: &str = ".patch.response.with.resource";

/// A backend that is served over SCIM.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub name: String,
    pub enabled: bool,
    /// The system as it is read from.
    pub read: System,
    /// The system as it is written to.
    pub write: System,
    pub total_results: TotalResults,
    /// `*.patch.response.with.resource`: a PATCH is answered with the resource (200), and not with nothing (204).
    pub patch_answers: bool,
}

/// `ips.proxy.scim.total.results.strategy`: what `totalResults` says where a condition leaves entities out (spec section 5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TotalResults {
    /// What the backend says.
    Provided,
    /// More than were read so far, until there is nothing more.
    #[default]
    Calculated,
}

pub(super) fn of(raw: &Raw, name: &str, fields: &Fields, plugins: Plugins<'_, '_>, problems: &mut Problems) -> Option<Proxy> {
    for key in ["transformation", "page-size"].into_iter().filter(|key| fields.is_written(key)) {
        let help = if key == "transformation" {
            "it has two: read-transformation and write-transformation"
        } else {
            "the client says how many resources it wants"
        };
        let message = format!("key \"{key}\" in {} means nothing where role is \"proxy\"", fields.title);
        problems.error("manifest.misplaced-key", fields.place(key), message, help);
    }
    let is_own = |name: &str| name == STRATEGY || name.ends_with(PATCH_ANSWERS);
    for property in fields.properties("properties").iter().filter(|property| is_own(&property.name)) {
        let right = if property.name == STRATEGY { ["Provided", "Calculated"] } else { ["true", "false"] };
        if !property.value.text().is_some_and(|text| right.contains(&text.as_str())) {
            let message = format!("property \"{}\" is not right", property.name);
            problems.error("manifest.wrong-property", property.at, message, format!("write {} or {}", right[0], right[1]));
        }
    }
    let both = fields.without_properties(is_own);
    let (mut reading, mut writing) = (problems.begin(), problems.begin());
    let read = resolve::in_role(raw, name, &both, (Some(Role::Source), "read-transformation"), plugins, &mut reading);
    let write = resolve::in_role(raw, name, &both, (Some(Role::Target), "write-transformation"), plugins, &mut writing);
    problems.take_both(&reading, &writing, &["manifest.property-of-other-role", "manifest.unknown-property", "manifest.without-effect"]);
    let property = |fits: &dyn Fn(&str) -> bool| {
        fields.properties("properties").iter().find(|property| fits(&property.name)).and_then(|property| property.value.text())
    };
    let provided = property(&|name| name == STRATEGY).is_some_and(|value| value == "Provided");
    Some(Proxy {
        name: name.to_owned(),
        enabled: fields.boolean("enabled"),
        read: read?,
        write: write?,
        total_results: if provided { TotalResults::Provided } else { TotalResults::Calculated },
        patch_answers: property(&|name| name.ends_with(PATCH_ANSWERS)).is_none_or(|value| value != "false"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{resolve_text, short};
    use super::*;

    const PROXY: &str = "[systems.directory]\nrole = \"proxy\"\nconnector = \"scim\"\ngrants = { http = [\"https://schemas.example.com\"] }\n\
         properties = { URL = \"https://a.example/scim\" }\n";

    #[test]
    fn a_proxy_has_two_sides() {
        let text = PROXY.replace(
            "/scim\" }",
            "/scim\", \"scim.support.patch.operation\" = true, \"ips.proxy.scim.total.results.strategy\" = \"Provided\" }",
        );
        let (manifest, warnings) = resolve_text(&text).1.unwrap();
        let [proxy] = &manifest.proxies[..] else { panic!("one proxy: {manifest:?}") };
        assert!(manifest.systems.is_empty() && warnings.is_empty(), "{warnings:?}");
        assert_eq!((proxy.read.role, proxy.write.role, proxy.total_results), (Role::Source, Role::Target, TotalResults::Provided));
        assert_eq!(proxy.write.properties.get("scim.support.patch.operation").map(String::as_str), Some("true"));
        assert_eq!(proxy.read.properties.get("scim.support.patch.operation"), None, "a property of the other side");
        assert_eq!(manifest.connected().count(), 2);
    }

    #[test]
    fn what_is_wrong_is_told_once() {
        for (text, expected) in [
            (PROXY.replace("proxy\"\n", "proxy\"\ntransformation = \"mapping.json\"\n"), vec!["3 manifest.misplaced-key"]),
            (PROXY.replace("proxy\"\n", "proxy\"\nsources = [\"x\"]\n"), vec!["3 manifest.misplaced-key"]),
            (PROXY.replace("/scim\" }", "/scim\", \"scim.shoe\" = 1 }"), vec!["5 manifest.unknown-property"]),
            (
                PROXY.replace("/scim\" }", "/scim\", \"ips.proxy.scim.total.results.strategy\" = \"provided\" }"),
                vec!["5 manifest.wrong-property"],
            ),
            (PROXY.replace("URL", "URI"), vec!["5 manifest.unknown-property"]),
            (PROXY.replace("\"scim\"", "\"scm\""), vec!["3 manifest.unknown-connector"]),
            (PROXY.replace("proxy\"\n", "source\"\nread-transformation = \"mapping.json\"\n"), vec!["3 manifest.misplaced-key"]),
        ] {
            let problems = resolve_text(&text).1.unwrap_err();
            assert_eq!(short(&problems), expected, "{text}\n{problems:?}");
        }
    }
}
