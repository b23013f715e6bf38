//! What the administrator wrote about reading, checked once.

use crate::{entity::EntityType, identifier::quoted};
use sdk::{Failure, Settings};

/// How the entities of one type are read.
#[derive(Clone, Debug)]
pub struct Queried {
    pub entity_type: EntityType,
    /// A SELECT, without a semicolon at its end.
    pub query: String,
    /// The column of the id: unique, never NULL, and the order of the pages.
    pub key: String,
    /// A SELECT with the columns `group_id` and `value`; groups only.
    pub members: Option<String>,
    /// The column that tells when a row changed.
    pub change: Option<String>,
    /// The column that tells that a row is deleted.
    pub deleted: Option<String>,
    /// A SELECT with the keys and the change column of deleted entities.
    pub tombstones: Option<String>,
}

/// The settings of a source.
#[derive(Clone, Debug)]
pub struct Queries {
    user: Option<Queried>,
    group: Option<Queried>,
    /// How far before the last change a delta read begins: seconds, or units of a numeric change column.
    pub overlap: u64,
}

impl Queries {
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let user = queried(settings, EntityType::User)?;
        let group = queried(settings, EntityType::Group)?;
        if user.is_none() && group.is_none() {
            return Err(Failure::invalid_settings("property sql.user.query or sql.group.query must be set: there is nothing to read"));
        }
        Ok(Self { user, group, overlap: settings.integer("sql.change.overlap")?.unwrap_or(0) })
    }

    /// How this entity type is read, if it is.
    pub fn of(&self, entity_type: EntityType) -> Option<&Queried> {
        match entity_type {
            EntityType::User => self.user.as_ref(),
            EntityType::Group => self.group.as_ref(),
        }
    }
}

fn queried(settings: &Settings, entity_type: EntityType) -> Result<Option<Queried>, Failure> {
    let named = |suffix: &str| format!("sql.{}.{suffix}", entity_type.name());
    let text = |suffix: &str| settings.text(&named(suffix)).map(str::trim).filter(|text| !text.is_empty());
    let select = |suffix: &str| text(suffix).map(|text| text.trim_end_matches([';', ' ', '\n', '\t', '\r']).to_owned());
    let column = |suffix: &str| -> Result<Option<String>, Failure> {
        let Some(name) = text(suffix) else { return Ok(None) };
        quoted(name).map_err(|failure| Failure::invalid_settings(format!("property {}: {}", named(suffix), failure.message)))?;
        Ok(Some(name.to_owned()))
    };
    let Some(query) = select("query") else { return Ok(None) };
    let change = column("change.column")?;
    let tombstones = select("deleted.query");
    if tombstones.is_some() && change.is_none() {
        return Err(Failure::invalid_settings(format!("property {} needs {}", named("deleted.query"), named("change.column"))));
    }
    Ok(Some(Queried {
        entity_type,
        query,
        key: column("key")?.unwrap_or_else(|| "id".to_owned()),
        members: if entity_type == EntityType::Group { select("members.query") } else { None },
        change,
        deleted: column("deleted.column")?,
        tombstones,
    }))
}

impl Queried {
    /// The query as a table, its comment at the end included.
    pub fn table(&self) -> String {
        format!("({}\n) AS q", self.query)
    }

    /// A column of it. The name was checked when the settings were read.
    pub fn column(&self, name: &str) -> String {
        format!("q.{}", quoted(name).unwrap_or_default())
    }

    /// What is being done, for messages.
    pub fn what(&self) -> String {
        format!("reading {}s", self.entity_type.name())
    }
}
