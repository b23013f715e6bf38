//! The contract: records in, records out. What happens in between is in the other files.

use crate::{
    connection::Connection,
    description::{self, Kind, PROPERTIES, Roles},
    dialled::Host,
    entity::EntityType,
    exports::provisor::connector::{descriptor, source},
    read::{Scope, Source},
    source::Queries,
};
use sdk::{Failure, Settings, log};
use std::cell::RefCell;

/// The connector; its state is what `open` was given, and the sessions.
pub(crate) struct Sql;

thread_local! {
    static SOURCE: RefCell<Option<Source<Host>>> = const { RefCell::new(None) };
}

fn not_open() -> Failure {
    Failure::invalid_settings("the connector was called before it was opened")
}

fn with_source<T>(run: impl FnOnce(&mut Source<Host>) -> Result<T, Failure>) -> Result<T, Failure> {
    SOURCE.with_borrow_mut(|source| run(source.as_mut().ok_or_else(not_open)?))
}

impl descriptor::Guest for Sql {
    fn describe() -> descriptor::Description {
        use descriptor::{Abilities, Capability, Description, Endpoint, EntityType, Role};
        let abilities = Abilities::READ_ALL | Abilities::READ_CHANGES | Abilities::READ_BY_ID | Abilities::READ_BY_ATTRIBUTES;
        let entity_type = |name: &str, unique: &str| EntityType { name: name.into(), unique_attributes: vec![unique.into()], abilities };
        Description {
            id: "sql".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Users and groups of a relational database (PostgreSQL).".into(),
            roles: vec![Role::Source],
            entity_types: vec![entity_type("user", description::UNIQUE_USER), entity_type("group", description::UNIQUE_GROUP)],
            properties: PROPERTIES.iter().map(property).collect(),
            capabilities: vec![
                Capability::Dial(Endpoint::Property(description::URL.into())),
                Capability::Secret(description::PASSWORD.into()),
            ],
            default_read_transformation: Some(description::READ_TRANSFORMATION.into()),
            default_write_transformation: Some(description::WRITE_TRANSFORMATION.into()),
        }
    }
}

fn property(property: &description::Property) -> descriptor::Property {
    use descriptor::{PropertyKind, Role};
    let (kind, default) = match property.kind {
        Kind::Text(default) => (PropertyKind::Text, default),
        Kind::Integer(default) => (PropertyKind::Integer, Some(default)),
        Kind::Choice(values) => (PropertyKind::Choice(values.iter().map(|value| (*value).into()).collect()), values.first().copied()),
        Kind::Credential => (PropertyKind::Text, None),
    };
    descriptor::Property {
        name: property.name.into(),
        kind,
        default: default.map(Into::into),
        required: property.required,
        credential: property.kind == Kind::Credential,
        help: property.help.into(),
        roles: match property.roles {
            Roles::Source => vec![Role::Source],
            Roles::Both => vec![],
        },
    }
}

impl source::Guest for Sql {
    fn open(settings: Settings) -> Result<(), Failure> {
        let source = Source::new(Host, Connection::open(&settings)?, Queries::open(&settings)?);
        SOURCE.set(Some(source));
        Ok(())
    }

    fn probe() -> Result<String, Failure> {
        with_source(Source::probe)
    }

    fn read_page(query: source::Query) -> Result<source::Page, Failure> {
        let scope = match query.scope {
            source::Scope::All => Scope::All,
            source::Scope::ById(id) => Scope::ById(id),
            source::Scope::ByAttributes(attributes) => Scope::ByAttributes(attributes),
            source::Scope::ChangedSince(token) => Scope::ChangedSince(token),
        };
        let entity_type = EntityType::of(&query.entity_type)?;
        let page = with_source(|source| source.page(entity_type, &scope, query.cursor.as_deref(), query.limit))?;
        for warning in &page.warnings {
            log::write(log::Level::Warn, warning, None);
        }
        Ok(source::Page {
            entities: page.entities,
            unreadable: page.unreadable.into_iter().map(|(id, failure)| source::Unreadable { id, failure }).collect(),
            deleted: page.deleted,
            next: page.next,
            delta_token: page.delta_token,
            total: page.total,
        })
    }
}
