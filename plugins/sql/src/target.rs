//! What the administrator wrote about writing, checked once.

use crate::{
    entity::EntityType,
    identifier::{quoted, table},
    named::Named,
    path::Path,
};
use sdk::{Failure, Settings};

/// How the entities of one type are written.
#[derive(Clone, Debug)]
pub struct Written {
    pub entity_type: EntityType,
    /// They are roles of the database.
    pub roles: bool,
    /// The table, as an SQL name.
    pub table: Option<String>,
    /// The column of the id.
    pub key: String,
    /// Column and attribute; empty: each attribute goes into the column of its name.
    pub columns: Vec<(String, Path)>,
    /// A create that meets an entity with the same values in the columns of the unique attributes updates it. The unique attributes.
    pub upsert: Option<Vec<Path>>,
    pub create: Option<Named>,
    pub update: Option<Named>,
    pub delete: Option<Named>,
    pub find: Option<Named>,
    pub memberships: Option<Memberships>,
}

/// How the members of groups are written.
#[derive(Clone, Debug)]
pub enum Memberships {
    /// SQL names.
    Table {
        table: String,
        group: String,
        member: String,
    },
    Statements {
        list: Named,
        add: Named,
        remove: Named,
    },
}

/// The settings of a target.
#[derive(Clone, Debug)]
pub struct Targets {
    user: Written,
    group: Written,
}

impl Targets {
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let (user, group) = (written(settings, EntityType::User)?, written(settings, EntityType::Group)?);
        if !user.is_configured() && !group.is_configured() {
            return Err(Failure::invalid_settings(
                "property sql.user.table, sql.group.table or a statement must be set: there is nowhere to write to",
            ));
        }
        Ok(Self { user, group })
    }

    pub fn of(&self, entity_type: EntityType) -> &Written {
        match entity_type {
            EntityType::User => &self.user,
            EntityType::Group => &self.group,
        }
    }
}

impl Written {
    pub fn is_configured(&self) -> bool {
        self.roles || self.table.is_some() || self.create.is_some() || self.update.is_some() || self.delete.is_some()
    }

    /// The key as an SQL name. It was checked when the settings were read.
    pub fn key_column(&self) -> String {
        quoted(&self.key).unwrap_or_default()
    }

    /// The column of an attribute that is searched for or unique.
    pub fn column_of(&self, attribute: &str) -> Result<String, Failure> {
        if self.columns.is_empty() {
            return Ok(attribute.to_owned());
        }
        let path = Path::parse(attribute)?;
        let found = self.columns.iter().find(|(_, known)| *known == path).map(|(column, _)| column.clone());
        found.ok_or_else(|| {
            Failure::invalid_settings(format!(
                "property sql.{}.columns has no column for the unique attribute {attribute}",
                self.entity_type.name()
            ))
        })
    }
}

fn text<'s>(settings: &'s Settings, property: &str) -> Option<&'s str> {
    settings.text(property).map(str::trim).filter(|text| !text.is_empty())
}

fn wrong(property: &str, failure: &Failure) -> Failure {
    Failure::invalid_settings(format!("property {property}: {}", failure.message))
}

fn statement(settings: &Settings, property: &str) -> Result<Option<Named>, Failure> {
    text(settings, property).map(Named::parse).transpose().map_err(|failure| wrong(property, &failure))
}

fn memberships(settings: &Settings) -> Result<Option<Memberships>, Failure> {
    const TABLE: &str = "sql.group.members.table";
    const STATEMENTS: [&str; 3] = ["sql.group.list.members", "sql.group.add.member", "sql.group.remove.member"];
    if let Some(name) = text(settings, TABLE) {
        let column = |property: &str, default: &str| {
            quoted(text(settings, property).unwrap_or(default)).map_err(|failure| wrong(property, &failure))
        };
        return Ok(Some(Memberships::Table {
            table: table(name).map_err(|failure| wrong(TABLE, &failure))?,
            group: column("sql.group.members.group.column", "group_id")?,
            member: column("sql.group.members.member.column", "member_id")?,
        }));
    }
    let [list, add, remove] = STATEMENTS.map(|property| statement(settings, property));
    match (list?, add?, remove?) {
        (Some(list), Some(add), Some(remove)) => Ok(Some(Memberships::Statements { list, add, remove })),
        (None, None, None) => Ok(None),
        _ => Err(Failure::invalid_settings(format!("properties {}: set all three of them or none", STATEMENTS.join(", ")))),
    }
}

fn written(settings: &Settings, entity_type: EntityType) -> Result<Written, Failure> {
    let named = |suffix: &str| format!("sql.{}.{suffix}", entity_type.name());
    let text = |name: &str| text(settings, name);
    let statement = |suffix: &str| statement(settings, &named(suffix));
    let key = text(&named("key")).unwrap_or("id").to_owned();
    quoted(&key).map_err(|failure| wrong(&named("key"), &failure))?;
    let columns = text(&named("columns")).map_or(Ok(vec![]), columns).map_err(|failure| wrong(&named("columns"), &failure))?;
    let unique = || -> Result<Vec<Path>, Failure> {
        let attributes = text(&named("unique.attribute")).unwrap_or_default();
        attributes.split(',').map(|path| Path::parse(path).map_err(|failure| wrong(&named("unique.attribute"), &failure))).collect()
    };
    let of_table = text(&named("table")).map(table).transpose().map_err(|failure| wrong(&named("table"), &failure))?;
    let memberships = if entity_type == EntityType::Group { memberships(settings)? } else { None };
    Ok(Written {
        entity_type,
        roles: settings.flag(&named("roles")),
        table: of_table,
        key,
        columns,
        upsert: if settings.flag("sql.upsert") { Some(unique()?) } else { None },
        create: statement("create")?,
        update: statement("update")?,
        delete: statement("delete")?,
        find: statement("find")?,
        memberships,
    })
}

/// `column = attribute, column = attribute`.
fn columns(text: &str) -> Result<Vec<(String, Path)>, Failure> {
    let mut columns: Vec<(String, Path)> = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (column, path) =
            part.split_once('=').ok_or_else(|| Failure::invalid_settings(format!("{part:?} is not of the form column = attribute")))?;
        let column = column.trim().to_owned();
        quoted(&column)?;
        if columns.iter().any(|(known, _)| *known == column) {
            return Err(Failure::invalid_settings(format!("the column {column:?} stands there twice")));
        }
        columns.push((column, Path::parse(path)?));
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdk::{Kind, Setting};

    fn open(properties: &[(&str, &str)]) -> Result<Targets, Failure> {
        let properties = properties.iter().map(|(name, value)| Setting { name: (*name).into(), value: (*value).into() }).collect();
        Targets::open(&Settings { system: "db".into(), properties })
    }

    #[test]
    fn what_cannot_be_names_its_property() {
        for (properties, name) in [
            (&[][..], "sql.user.table"),
            (&[("sql.user.table", "a.b.c")], "sql.user.table"),
            (&[("sql.user.table", "t"), ("sql.user.columns", "x")], "sql.user.columns"),
            (&[("sql.user.table", "t"), ("sql.user.columns", "x = a, x = b")], "sql.user.columns"),
            (&[("sql.user.table", "t"), ("sql.user.columns", "x = a[")], "sql.user.columns"),
            (&[("sql.group.table", "t"), ("sql.group.add.member", "SELECT 1")], "sql.group.list.members"),
        ] {
            let failure = open(properties).unwrap_err();
            assert!(matches!(failure.kind, Kind::InvalidSettings) && failure.message.contains(name), "{}", failure.message);
        }
    }

    #[test]
    fn columns_and_their_attributes() {
        let targets = open(&[("sql.user.table", "hr.user"), ("sql.user.columns", "login = userName,\n mail = emails[0].value")]).unwrap();
        let user = targets.of(EntityType::User);
        assert_eq!((user.table.as_deref(), user.key.as_str()), (Some(r#""hr"."user""#), "id"));
        assert_eq!(user.column_of("emails[0].value").unwrap(), "mail");
        assert!(user.column_of("displayName").is_err());
        assert!(!targets.of(EntityType::Group).is_configured());
    }
}
