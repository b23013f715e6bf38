//! What a plugin says about itself (`wit/descriptor.wit`), as plain data that every room may know.

use std::fmt;

/// What a component can be. One component may have several roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads entities.
    Source,
    /// Writes entities.
    Target,
    /// Turns documents into documents.
    Transformation,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Target => "target",
            Self::Transformation => "transformation",
        })
    }
}

/// What a connector's backend can do with one entity type; see `abilities` in `wit/descriptor.wit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the flags of the contract, one by one")]
pub struct Abilities {
    pub read_all: bool,
    pub read_changes: bool,
    pub read_by_id: bool,
    pub read_by_attributes: bool,
    pub create: bool,
    pub update: bool,
    pub patch: bool,
    pub members: bool,
    pub delete: bool,
    pub find: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityType {
    /// `user`, `group`, or a name of the backend's own.
    pub name: String,
    /// Paths of attributes that together identify an entity of the target, e.g. `userName`.
    pub unique_attributes: Vec<String>,
    pub abilities: Abilities,
}

/// The type of a property's value in the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyKind {
    Text,
    Integer,
    Boolean,
    /// An absolute `http` or `https` URL.
    Url,
    /// A file or folder; relative paths are relative to the manifest.
    Path,
    /// One of these values.
    Choice(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    pub name: String,
    pub kind: PropertyKind,
    pub default: Option<String>,
    pub required: bool,
    /// The value is a secret: written as a reference, never handed to the component as a setting.
    pub credential: bool,
    pub help: String,
    /// Empty: all roles of the component.
    pub roles: Vec<Role>,
}

impl Property {
    /// Whether the property means something to a system of this role.
    pub fn applies_to(&self, role: Role) -> bool {
        self.roles.is_empty() || self.roles.contains(&role)
    }
}

/// The value of a property, or a fixed text that the operator has to grant by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    Property(String),
    Literal(String),
}

/// What a component asks for; see `capability` in `wit/descriptor.wit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capability {
    /// `wasi:http` to an origin (`https://host:port`).
    Http(Reference),
    /// A byte stream to an endpoint (`host:port`).
    Dial(Reference),
    /// The folder of a property's value, preopened under the property's text.
    Files { property: String, write: bool, roles: Vec<Role> },
    /// A secret by name.
    Secret(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub id: String,
    pub version: String,
    pub summary: String,
    pub roles: Vec<Role>,
    pub entity_types: Vec<EntityType>,
    pub properties: Vec<Property>,
    pub capabilities: Vec<Capability>,
    pub default_read_transformation: Option<String>,
    pub default_write_transformation: Option<String>,
}

impl Description {
    /// The property of this name, if the component describes it.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// The entity type of this name, if the component has it.
    pub fn entity_type(&self, name: &str) -> Option<&EntityType> {
        self.entity_types.iter().find(|entity_type| entity_type.name == name)
    }

    /// Whether the component asks for any `wasi:http` origin. Only then do the connection properties of the reference (`URL`, `Authentication`, `User`)
    /// mean something to a system.
    pub fn speaks_http(&self) -> bool {
        self.capabilities.iter().any(|capability| matches!(capability, Capability::Http(_)))
    }
}
