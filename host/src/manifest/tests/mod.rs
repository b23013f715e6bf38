//! The manifest as a whole. Single rules are tested beside their code.

mod auth;
mod golden;
mod notifications;
mod random;
mod resolved;

use std::path::Path;

use super::{Manifest, Problem, read};
use crate::registry::description::{Abilities, Capability, Description, EntityType, Property, PropertyKind, Reference, Role};

fn property(name: &str, kind: PropertyKind, roles: &[Role]) -> Property {
    Property {
        name: name.to_owned(),
        kind,
        default: None,
        required: false,
        credential: false,
        help: format!("Help for {name}."),
        roles: roles.to_vec(),
    }
}

/// Reads and writes files; no network.
fn file() -> Description {
    let source = [Role::Source];
    let format = PropertyKind::Choice(["auto", "csv", "json"].map(str::to_owned).to_vec());
    Description {
        id: "file".to_owned(),
        version: "1.0.0".to_owned(),
        summary: "Files.".to_owned(),
        roles: vec![Role::Source, Role::Target],
        entity_types: Vec::new(),
        properties: vec![
            Property { required: true, ..property("file.user.path", PropertyKind::Path, &source) },
            property("file.group.path", PropertyKind::Path, &source),
            Property { default: Some("auto".to_owned()), ..property("file.format", format, &source) },
            property("file.lines", PropertyKind::Integer, &source),
            property("file.header", PropertyKind::Boolean, &source),
            Property { required: true, ..property("file.target.path", PropertyKind::Path, &[Role::Target]) },
        ],
        capabilities: vec![
            Capability::Files { property: "file.user.path".to_owned(), write: false, roles: vec![Role::Source] },
            Capability::Files { property: "file.group.path".to_owned(), write: false, roles: vec![Role::Source] },
            Capability::Files { property: "file.target.path".to_owned(), write: true, roles: vec![Role::Target] },
        ],
        default_read_transformation: Some("{\"user\":{\"mappings\":[]}}".to_owned()),
        default_write_transformation: None,
    }
}

/// Speaks HTTP to the origin of its URL and to one fixed origin.
fn scim() -> Description {
    Description {
        id: "scim".to_owned(),
        version: "1.0.0".to_owned(),
        summary: "SCIM 2.0.".to_owned(),
        roles: vec![Role::Source, Role::Target],
        entity_types: vec![EntityType {
            name: "user".to_owned(),
            unique_attributes: Vec::new(),
            abilities: Abilities { patch: true, ..Abilities::default() },
        }],
        properties: vec![
            Property { required: true, ..property("URL", PropertyKind::Url, &[]) },
            Property {
                default: Some("false".to_owned()),
                ..property("scim.support.patch.operation", PropertyKind::Boolean, &[Role::Target])
            },
        ],
        capabilities: vec![
            Capability::Http(Reference::Property("URL".to_owned())),
            Capability::Http(Reference::Literal("https://schemas.example.com".to_owned())),
        ],
        default_read_transformation: Some("{}".to_owned()),
        default_write_transformation: Some("{}".to_owned()),
    }
}

/// Dials the endpoint of its URL and reads its password itself.
fn ldap() -> Description {
    Description {
        id: "ldap".to_owned(),
        version: "1.0.0".to_owned(),
        summary: "LDAP.".to_owned(),
        roles: vec![Role::Target],
        entity_types: Vec::new(),
        properties: vec![
            Property { required: true, ..property("ldap.url", PropertyKind::Text, &[]) },
            Property { required: true, credential: true, ..property("ldap.password", PropertyKind::Text, &[]) },
        ],
        capabilities: vec![
            Capability::Dial(Reference::Property("ldap.url".to_owned())),
            Capability::Secret("ldap.password".to_owned()),
            Capability::Secret("second".to_owned()),
        ],
        default_read_transformation: None,
        default_write_transformation: Some("{}".to_owned()),
    }
}

/// Transforms; asks for what no transformation is granted.
fn names() -> Description {
    let transformation = [Role::Transformation];
    Description {
        id: "names".to_owned(),
        version: "1.0.0".to_owned(),
        summary: "Names.".to_owned(),
        roles: transformation.to_vec(),
        entity_types: Vec::new(),
        properties: vec![
            Property { required: true, ..property("names.pattern", PropertyKind::Text, &transformation) },
            Property { default: Some("20".to_owned()), ..property("names.length", PropertyKind::Integer, &[]) },
        ],
        capabilities: vec![Capability::Http(Reference::Literal("https://names.example.com".to_owned()))],
        default_read_transformation: None,
        default_write_transformation: None,
    }
}

pub(in crate::manifest) type Resolved = Result<(Manifest, Vec<Problem>), Vec<Problem>>;

fn resolve(path: &Path) -> Resolved {
    let plugins = [file(), scim(), ldap(), names()];
    let ids = ["file", "scim", "ldap", "names", "broken"].map(str::to_owned);
    read(path).resolve(&|id| plugins.iter().find(|plugin| plugin.id == id), &ids)
}

/// A folder with this manifest and a transformation that reads `%tenant%` and `%ips.application.id%`.
fn folder(text: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("provisor.toml"), text).unwrap();
    std::fs::write(folder.path().join("mapping.json"), "{\"user\": \"%tenant% %ips.application.id%\"}").unwrap();
    folder
}

pub(in crate::manifest) fn resolve_text(text: &str) -> (tempfile::TempDir, Resolved) {
    let folder = folder(text.as_bytes());
    let resolved = resolve(&folder.path().join("provisor.toml"));
    (folder, resolved)
}

/// `line code`, one per problem.
pub(in crate::manifest) fn short(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|problem| format!("{} {}", problem.line, problem.code)).collect()
}
