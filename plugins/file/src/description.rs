//! What the connector says about itself: its properties and its default transformations.

/// A direction the connector works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Source,
    Target,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyKind {
    Text,
    Integer,
    Boolean,
    Path,
    Choice(&'static [&'static str]),
}

/// One property an administrator can set.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    pub name: &'static str,
    pub kind: PropertyKind,
    pub default: Option<&'static str>,
    pub required: bool,
    pub help: &'static str,
    pub role: Role,
}

impl Property {
    const fn source(name: &'static str, kind: PropertyKind, default: Option<&'static str>, help: &'static str) -> Self {
        Self { name, kind, default, required: false, help, role: Role::Source }
    }

    const fn target(name: &'static str, kind: PropertyKind, default: Option<&'static str>, help: &'static str) -> Self {
        Self { name, kind, default, required: default.is_none(), help, role: Role::Target }
    }
}

pub const SUMMARY: &str =
    "Reads users and groups from CSV, JSON, NDJSON and LDIF files; writes a folder with one JSON document per entity.";

pub const USER_PATH: &str = "file.user.path";
pub const GROUP_PATH: &str = "file.group.path";
pub const TARGET_PATH: &str = "file.target.path";

/// All properties, in the order of the README's table.
pub const PROPERTIES: &[Property] = &[
    Property::source(USER_PATH, PropertyKind::Path, None, "The file with the users. At least one of the two files is needed."),
    Property::source(GROUP_PATH, PropertyKind::Path, None, "The file with the groups. An LDIF file may be given for both."),
    Property::source(
        "file.format",
        PropertyKind::Choice(&["auto", "csv", "json", "ndjson", "ldif"]),
        Some("auto"),
        "What is in the files. auto goes by the file's extension: .csv, .json (one array of objects), .ndjson or .jsonl, .ldif or .ldf.",
    ),
    Property::source(
        "file.user.id",
        PropertyKind::Text,
        Some("id"),
        "The column or attribute that is a user's id: the CSV header as written, a path such as id or name.id in JSON, an attribute name such as uid in LDIF.",
    ),
    Property::source("file.group.id", PropertyKind::Text, Some("id"), "The same for groups."),
    Property::source(
        "file.record.limit",
        PropertyKind::Integer,
        Some("1048576"),
        "The most bytes one row, line, element or LDIF record may have. A longer one is reported as unreadable and skipped without keeping it in memory.",
    ),
    Property::source(
        "file.csv.delimiter",
        PropertyKind::Text,
        Some(","),
        "The character between two cells: one ASCII character, or the word tab.",
    ),
    Property::source(
        "file.csv.user.header",
        PropertyKind::Text,
        None,
        "The column names of the users' file, separated by commas, where the file has no header row.",
    ),
    Property::source("file.csv.group.header", PropertyKind::Text, None, "The same for the groups' file."),
    Property::source(
        "file.csv.nested",
        PropertyKind::Boolean,
        Some("true"),
        "true: a header in dot notation such as name.familyName or emails[0].value becomes nested JSON. false: every header is taken as one key, as written.",
    ),
    Property::source(
        "file.csv.list.columns",
        PropertyKind::Text,
        Some("members"),
        "Columns whose cells hold several values, separated by commas. Such a cell becomes a JSON array. Names that are no column are passed over.",
    ),
    Property::source(
        "file.csv.list.separator",
        PropertyKind::Text,
        Some("|"),
        "What stands between two values in a cell of such a column.",
    ),
    Property::source(
        "file.ldif.user.object.class",
        PropertyKind::Text,
        Some("inetOrgPerson"),
        "Object classes that make an LDIF record a user, separated by commas; one of them is enough.",
    ),
    Property::source(
        "file.ldif.group.object.class",
        PropertyKind::Text,
        Some("groupOfNames,groupOfUniqueNames"),
        "Object classes that make an LDIF record a group, separated by commas; one of them is enough.",
    ),
    Property::source(
        "file.ldif.binary.attributes",
        PropertyKind::Text,
        Some("objectGUID,objectSid,jpegPhoto,thumbnailPhoto,userCertificate"),
        "LDIF attributes that stay base64 text in the document, separated by commas.",
    ),
    Property::target(TARGET_PATH, PropertyKind::Path, None, "The folder of the documents. It is created when it is missing."),
    Property::target(
        "file.user.unique.attribute",
        PropertyKind::Text,
        Some("userName"),
        "The attribute of a user's document that is the user's id and names the file. Exactly one.",
    ),
    Property::target("file.group.unique.attribute", PropertyKind::Text, Some("displayName"), "The same for groups."),
];

/// The default of a property, where it has one.
pub fn default_of(name: &str) -> Option<&'static str> {
    PROPERTIES.iter().find(|property| property.name == name).and_then(|property| property.default)
}

/// For JSON, NDJSON and CSV. Attributes of LDIF are arrays, which call for a transformation of their own.
pub const DEFAULT_READ_TRANSFORMATION: &str = include_str!("../defaults/read.json");

pub const DEFAULT_WRITE_TRANSFORMATION: &str = include_str!("../defaults/write.json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_names_exactly_the_described_properties() {
        let readme = include_str!("../README.md");
        let named: Vec<&str> =
            readme.lines().filter_map(|line| line.strip_prefix("| `file.")).filter_map(|rest| rest.split('`').next()).collect();
        let described: Vec<&str> =
            PROPERTIES.iter().map(|property| property.name.strip_prefix("file.").expect("the connector's name")).collect();
        assert_eq!(named, described);
    }

    #[test]
    fn the_default_transformations_are_json() {
        for text in [DEFAULT_READ_TRANSFORMATION, DEFAULT_WRITE_TRANSFORMATION] {
            let parsed: serde_json::Value = serde_json::from_str(text).expect("JSON");
            assert!(parsed["user"]["mappings"].is_array() && parsed["group"]["mappings"].is_array());
        }
    }
}
