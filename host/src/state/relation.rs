//! A relation: this source entity is that target entity.

use std::{fmt, time::SystemTime};

/// A SHA-256.
pub type Digest = [u8; 32];

/// A source and a target system, by their names in the manifest. Relations belong to a link and an entity type; nothing is shared between links.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    /// The source system.
    pub source: String,
    /// The target system.
    pub target: String,
}

impl Link {
    /// The link from one system to another.
    pub fn new(source: impl Into<String>, target: impl Into<String>) -> Self {
        Self { source: source.into(), target: target.into() }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} -> {}", self.source, self.target)
    }
}

/// What is known about one source entity in one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Ascending in the order of insertion, never given twice, the same for the relation's whole life.
    pub id: i64,
    /// `entityIdSourceSystem`; unique within link and entity type.
    pub source_id: String,
    /// The entity's id in the target.
    pub target_id: String,
    /// The target entity was found, not created: it is deleted only where the target allows that.
    pub existed_before: bool,
    /// Digest of the common document and both mappings. `None`: map it again, even if the source did not change.
    pub common_digest: Option<Digest>,
    /// Digest of what the target was sent. `None`: write it again, even if the mapping's result did not change.
    pub target_digest: Option<Digest>,
    /// The target entity is disabled, because the source entity is gone or left the scope.
    pub disabled: bool,
    /// When this relation was last written, to the millisecond.
    pub updated_at: SystemTime,
}

/// One question of `resolveEntityIds`: the target id of a source entity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lookup {
    /// The entity type of the entity that is looked for.
    pub entity_type: String,
    /// Its id in the source system.
    pub source_id: String,
    /// The link whose relations are meant: the source system's name.
    pub source_system: String,
    /// The link whose relations are meant: the target system's name.
    pub target_system: String,
}
