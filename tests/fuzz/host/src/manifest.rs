//! A manifest: read, checked and resolved against what three plugins say about themselves.

use std::io::{Seek as _, Write as _};
use std::sync::{LazyLock, Mutex, PoisonError};

use provisor::manifest::{Manifest, Problem, read};
use provisor::registry::description::{Capability, Description, Property, PropertyKind, Reference, Role};
use tempfile::NamedTempFile;

static FILE: LazyLock<Mutex<NamedTempFile>> = LazyLock::new(|| Mutex::new(NamedTempFile::new().expect("a temporary file")));

pub fn check(data: &[u8]) {
    let mut file = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    file.as_file_mut().set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(data)).expect("the file was written");
    let (once, again) = (resolve(&file), resolve(&file));
    assert_eq!(format!("{once:?}"), format!("{again:?}"), "the same text is read in two ways");
    let is_refused = once.is_err();
    let problems = once.map_or_else(|problems| problems, |(_, warnings)| warnings);
    assert_eq!(problems.iter().any(Problem::is_error), is_refused, "{problems:?}");
    assert!(problems.is_sorted_by_key(|problem| problem.line), "{problems:?}");
    let lines = String::from_utf8_lossy(data).split('\n').count();
    for problem in &problems {
        assert!((1..=lines).contains(&problem.line) && problem.column >= 1, "{problem}");
        assert!(problem.code.starts_with("manifest.") && !problem.message.is_empty(), "{problem}");
    }
}

fn resolve(file: &NamedTempFile) -> Result<(Manifest, Vec<Problem>), Vec<Problem>> {
    static PLUGINS: LazyLock<Vec<Description>> = LazyLock::new(plugins);
    let known: Vec<String> = PLUGINS.iter().map(|plugin| plugin.id.clone()).chain(["broken".to_owned()]).collect();
    read(file.path()).resolve(&|id| PLUGINS.iter().find(|plugin| plugin.id == id), &known)
}

/// One that reads and writes files, one that speaks HTTP, one that dials and reads a secret.
fn plugins() -> Vec<Description> {
    use PropertyKind::{Boolean, Choice, Integer, Path, Text, Url};
    let files = |property: &str, write, role| Capability::Files { property: property.to_owned(), write, roles: vec![role] };
    vec![
        plugin(
            "file",
            [("file.user.path", Path), ("file.format", Choice(vec!["auto".to_owned(), "csv".to_owned()])), ("file.target.path", Path)],
            vec![files("file.user.path", false, Role::Source), files("file.target.path", true, Role::Target)],
        ),
        plugin(
            "scim",
            [("URL", Url), ("scim.page.size", Integer), ("scim.support.patch.operation", Boolean)],
            vec![
                Capability::Http(Reference::Property("URL".to_owned())),
                Capability::Http(Reference::Literal("https://schemas.example.com".to_owned())),
            ],
        ),
        plugin(
            "ldap",
            [("ldap.url", Text), ("ldap.password", Text), ("ldap.base", Text)],
            vec![Capability::Dial(Reference::Property("ldap.url".to_owned())), Capability::Secret("ldap.password".to_owned())],
        ),
    ]
}

fn plugin(id: &str, properties: [(&str, PropertyKind); 3], capabilities: Vec<Capability>) -> Description {
    let property = |(name, kind): (&str, PropertyKind)| Property {
        name: name.to_owned(),
        kind,
        default: None,
        required: false,
        credential: name.ends_with("password"),
        help: String::new(),
        roles: Vec::new(),
    };
    Description {
        id: id.to_owned(),
        version: "1.0.0".to_owned(),
        summary: String::new(),
        roles: vec![Role::Source, Role::Target],
        entity_types: Vec::new(),
        properties: properties.map(property).to_vec(),
        capabilities,
        default_read_transformation: Some("{}".to_owned()),
        default_write_transformation: Some("{}".to_owned()),
    }
}
