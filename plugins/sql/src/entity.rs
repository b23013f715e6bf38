//! The two entity types of this connector.

use sdk::{Failure, Kind};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntityType {
    User,
    Group,
}

impl EntityType {
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    pub fn of(name: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|entity_type| entity_type.name() == name);
        found.ok_or_else(|| Failure::new(Kind::Unsupported, format!("the entity type {name} is not known: there are user and group")))
    }
}
