//! Schemas and resource types (RFC 7643 sections 2, 3, 6 and 7): what attributes there are and what may be done with them.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use super::path::AttributePath;

/// Of the user's core schema.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Of the group's core schema.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// Of the enterprise extension of users.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The most attributes of one schema, those of all levels.
const MOST_ATTRIBUTES: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    ReadOnly,
    #[default]
    ReadWrite,
    Immutable,
    WriteOnly,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    Always,
    Never,
    #[default]
    Default,
    Request,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    #[default]
    None,
    Server,
    Global,
}

/// An attribute, as `/Schemas` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    pub name: String,
    #[serde(rename = "type", default = "string")]
    pub kind: Kind,
    #[serde(default)]
    pub multi_valued: bool,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub case_exact: bool,
    #[serde(default)]
    pub mutability: Mutability,
    #[serde(default)]
    pub returned: Returned,
    #[serde(default)]
    pub uniqueness: Uniqueness,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Attribute>,
}

fn string() -> Kind {
    Kind::String
}

impl Attribute {
    /// Names are not case-sensitive.
    pub fn sub(&self, name: &str) -> Option<&Attribute> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }
}

/// A schema, as `/Schemas` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schema {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub description: String,
    pub attributes: Vec<Attribute>,
}

impl Schema {
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// A schema somebody wrote: JSON in the form of `/Schemas`. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let schema: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if !schema.id.to_ascii_lowercase().starts_with("urn:")
            || !schema.id.chars().all(|c| c.is_ascii_alphanumeric() || ":._-".contains(c))
        {
            return Err(format!("the id {:?} is not a URN of letters, digits and : . _ -", schema.id));
        }
        let mut count = 0;
        names(&schema.attributes, &mut count, 0)?;
        Ok(schema)
    }
}

/// Every name is one (RFC 7643 section 2.1), once, and complex attributes are not in complex attributes.
fn names(attributes: &[Attribute], count: &mut usize, depth: usize) -> Result<(), String> {
    for (index, attribute) in attributes.iter().enumerate() {
        *count += 1;
        if *count > MOST_ATTRIBUTES {
            return Err(format!("it has more than {MOST_ATTRIBUTES} attributes"));
        }
        let name = &attribute.name;
        let mut letters = name.chars();
        let first = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '$');
        if !first || !letters.all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            return Err(format!("{name:?} is not the name of an attribute: a letter, then letters, digits, - and _"));
        }
        if attributes[..index].iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            return Err(format!("the attribute {name:?} stands twice"));
        }
        if (attribute.kind == Kind::Complex) == attribute.sub_attributes.is_empty() {
            return Err(format!("{name:?}: complex attributes have sub-attributes and others have none"));
        }
        if depth > 0 && attribute.kind == Kind::Complex {
            return Err(format!("{name:?}: a complex attribute cannot be in another one"));
        }
        names(&attribute.sub_attributes, count, depth + 1)?;
    }
    Ok(())
}

/// A kind of resource and where it is found.
#[derive(Clone, Debug)]
pub struct ResourceType {
    /// `User`.
    pub name: String,
    /// The path segment, `Users`.
    pub endpoint: String,
    pub description: String,
    pub schema: Arc<Schema>,
    pub extensions: Vec<Arc<Schema>>,
    /// Resources may have attributes that no schema names: those of a backend whose transformation decides what there is.
    pub open: bool,
}

/// An attribute as a path names it.
#[derive(Clone, Copy, Debug)]
pub struct Resolved<'a> {
    /// The extension it belongs to.
    pub extension: Option<&'a str>,
    pub attribute: &'a Attribute,
    pub sub: Option<&'a Attribute>,
}

impl<'a> Resolved<'a> {
    /// The attribute whose values are meant: the sub-attribute if one is named, `value` of a multi-valued complex attribute, else the attribute itself.
    pub fn leaf(&self) -> &'a Attribute {
        let of_values = || if self.attribute.multi_valued { self.attribute.sub("value") } else { None };
        self.sub.or_else(of_values).unwrap_or(self.attribute)
    }
}

impl ResourceType {
    /// Users: core and enterprise schema.
    pub fn user(more: &[Arc<Schema>]) -> Self {
        let extensions = std::iter::once(ENTERPRISE_SCHEMA.clone()).chain(more.iter().cloned()).collect();
        Self {
            name: "User".into(),
            endpoint: "Users".into(),
            description: "User Account".into(),
            schema: USER_SCHEMA.clone(),
            extensions,
            open: false,
        }
    }

    pub fn group(more: &[Arc<Schema>]) -> Self {
        Self {
            name: "Group".into(),
            endpoint: "Groups".into(),
            description: "Group".into(),
            schema: GROUP_SCHEMA.clone(),
            extensions: more.to_vec(),
            open: false,
        }
    }

    /// All its schemas, the core schema first.
    pub fn schemas(&self) -> impl Iterator<Item = &Arc<Schema>> {
        std::iter::once(&self.schema).chain(&self.extensions)
    }

    /// The extension with this id.
    pub fn extension(&self, id: &str) -> Option<&Arc<Schema>> {
        self.extensions.iter().find(|schema| schema.id.eq_ignore_ascii_case(id))
    }

    /// The attribute a path names. Without a schema it is looked for in the common attributes, the core schema and then the extensions.
    pub fn resolve(&self, path: &AttributePath) -> Option<Resolved<'_>> {
        let found = match &path.schema {
            None => COMMON
                .attribute(&path.name)
                .or_else(|| self.schema.attribute(&path.name))
                .map(|attribute| (None, attribute))
                .or_else(|| self.extensions.iter().find_map(|schema| Some((Some(&*schema.id), schema.attribute(&path.name)?)))),
            Some(id) if self.schema.id.eq_ignore_ascii_case(id) => {
                COMMON.attribute(&path.name).or_else(|| self.schema.attribute(&path.name)).map(|attribute| (None, attribute))
            }
            Some(id) => self.extension(id).and_then(|schema| Some((Some(&*schema.id), schema.attribute(&path.name)?))),
        };
        let (extension, attribute) = found?;
        let sub = match &path.sub {
            None => None,
            Some(name) => Some(attribute.sub(name)?),
        };
        Some(Resolved { extension, attribute, sub })
    }
}

/// Attributes of every resource (RFC 7643 section 3.1).
pub static COMMON: LazyLock<Schema> = LazyLock::new(|| built_in(include_str!("schemas/common.json")));
static USER_SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(built_in(include_str!("schemas/user.json"))));
static GROUP_SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(built_in(include_str!("schemas/group.json"))));
static ENTERPRISE_SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(built_in(include_str!("schemas/enterprise-user.json"))));

fn built_in(text: &str) -> Schema {
    Schema::parse(text).unwrap_or_else(|error| unreachable!("a schema of this crate, which a test reads: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_they_are() {
        let user = ResourceType::user(&[]);
        for (text, extension, leaf) in [
            ("userName", None, "userName"),
            ("USERNAME", None, "userName"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName", None, "familyName"),
            ("emails", None, "value"),
            ("emails.type", None, "type"),
            ("meta.lastModified", None, "lastModified"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", Some(ENTERPRISE_USER), "value"),
            ("employeeNumber", Some(ENTERPRISE_USER), "employeeNumber"),
        ] {
            let path: AttributePath = text.parse().unwrap();
            let resolved = user.resolve(&path).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((resolved.extension, resolved.leaf().name.as_str()), (extension, leaf), "{text}");
        }
        for text in ["shoeSize", "name.shoe", "urn:x:y:userName"] {
            assert!(user.resolve(&text.parse().unwrap()).is_none(), "{text}");
        }
    }

    #[test]
    fn a_schema_of_somebody_elses_is_checked() {
        let fine = r#"{"id":"urn:example:2.0:User","attributes":[{"name":"shoeSize","type":"integer"}]}"#;
        assert_eq!(Schema::parse(fine).unwrap().attributes[0].kind, Kind::Integer);
        for wrong in [
            r#"{"id":"example","attributes":[]}"#,
            r#"{"id":"urn:x'--","attributes":[]}"#,
            r#"{"id":"urn:x:y","attributes":[{"name":"a b"}]}"#,
            r#"{"id":"urn:x:y","attributes":[{"name":"a"},{"name":"A"}]}"#,
            r#"{"id":"urn:x:y","attributes":[{"name":"a","type":"complex"}]}"#,
            r#"{"id":"urn:x:y","attributes":[{"name":"a","subAttributes":[{"name":"b"}]}]}"#,
        ] {
            assert!(Schema::parse(wrong).is_err(), "{wrong}");
        }
    }
}
