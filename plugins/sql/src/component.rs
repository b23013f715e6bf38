//! The contract: records in, records out. What happens in between is in the other files.

use crate::{
    connection::Connection,
    description::{self, Kind, PROPERTIES, Roles},
    dialled::Host,
    entity::EntityType,
    exports::provisor::connector::{descriptor, source, target},
    read::{Scope, Source},
    source::Queries,
    target::Targets,
    write::{self, Target},
};
use sdk::{AttributeValue, Entity, Failure, Kind as FailureKind, Settings, log};
use std::cell::RefCell;

/// The connector; its state is what `open` was given, and the sessions.
pub(crate) struct Sql;

thread_local! {
    static SOURCE: RefCell<Option<Source<Host>>> = const { RefCell::new(None) };
    static TARGET: RefCell<Option<Target<Host>>> = const { RefCell::new(None) };
}

fn not_open() -> Failure {
    Failure::invalid_settings("the connector was called before it was opened")
}

fn with_source<T>(run: impl FnOnce(&mut Source<Host>) -> Result<T, Failure>) -> Result<T, Failure> {
    SOURCE.with_borrow_mut(|source| run(source.as_mut().ok_or_else(not_open)?))
}

fn with_target<T>(run: impl FnOnce(&mut Target<Host>) -> Result<T, Failure>) -> Result<T, Failure> {
    TARGET.with_borrow_mut(|target| run(target.as_mut().ok_or_else(not_open)?))
}

impl descriptor::Guest for Sql {
    fn describe() -> descriptor::Description {
        use descriptor::{Abilities, Capability, Description, Endpoint, EntityType, Role};
        let abilities = Abilities::READ_ALL
            | Abilities::READ_CHANGES
            | Abilities::READ_BY_ID
            | Abilities::READ_BY_ATTRIBUTES
            | Abilities::CREATE
            | Abilities::UPDATE
            | Abilities::DELETE
            | Abilities::FIND;
        let entity_type =
            |name: &str, unique: &str, abilities| EntityType { name: name.into(), unique_attributes: vec![unique.into()], abilities };
        Description {
            id: "sql".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Users and groups of a relational database (PostgreSQL).".into(),
            roles: vec![Role::Source, Role::Target],
            entity_types: vec![
                entity_type("user", description::UNIQUE_USER, abilities),
                entity_type("group", description::UNIQUE_GROUP, abilities | Abilities::MEMBERS),
            ],
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
        Kind::Boolean(default) => (PropertyKind::Boolean, Some(default)),
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
            Roles::Target => vec![Role::Target],
            Roles::Both => vec![],
        },
    }
}

impl source::Guest for Sql {
    fn open(settings: Settings) -> Result<(), Failure> {
        let connection = Connection::open(&settings)?;
        match (Queries::open(&settings), Targets::open(&settings)) {
            (Ok(queries), _) => SOURCE.set(Some(Source::new(Host, connection, queries))),
            // A target of which a simulation reads single entities.
            (Err(_), Ok(targets)) => TARGET.set(Some(Target::new(Host, connection, targets))),
            (Err(failure), Err(_)) => return Err(failure),
        }
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
        let is_source = SOURCE.with_borrow(Option::is_some);
        if let (false, Scope::ById(id)) = (is_source, &scope) {
            let entities = with_target(|target| target.by_id(entity_type, id))?;
            return Ok(source::Page { entities, unreadable: vec![], deleted: vec![], next: None, delta_token: None, total: None });
        }
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

impl target::Guest for Sql {
    fn open(settings: Settings) -> Result<(), Failure> {
        TARGET.set(Some(Target::new(Host, Connection::open(&settings)?, Targets::open(&settings)?)));
        Ok(())
    }

    fn probe() -> Result<String, Failure> {
        with_target(Target::probe)
    }

    fn write(changes: Vec<target::Change>) -> Vec<target::Outcome> {
        let count = changes.len();
        let changes = changes.into_iter().map(action).collect();
        let outcomes = with_target(|target| Ok(target.write(changes)));
        let outcomes = outcomes.unwrap_or_else(|failure| (0..count).map(|_| Err(failure.clone())).collect());
        let outcome = |outcome: write::Outcome| match outcome {
            Ok(id) => target::Outcome::Written(target::Written { id, document: None }),
            Err(failure) => target::Outcome::Failed(failure),
        };
        outcomes.into_iter().map(outcome).collect()
    }

    fn find(entity_type: String, attributes: Vec<AttributeValue>) -> Result<Vec<Entity>, Failure> {
        let entity_type = EntityType::of(&entity_type)?;
        with_target(|target| target.find(entity_type, &attributes))
    }
}

fn action(change: target::Change) -> (Result<EntityType, Failure>, write::Action) {
    let entity_type = EntityType::of(&change.entity_type);
    match change.action {
        target::Action::Create(document) => (entity_type, write::Action::Create { document }),
        target::Action::Update(target::Update { id, document }) => (entity_type, write::Action::Update { id, document }),
        target::Action::Members(target::Members { id, added, removed }) => (entity_type, write::Action::Members { id, added, removed }),
        target::Action::Delete(id) => (entity_type, write::Action::Delete { id }),
        target::Action::Patch(target::Patch { id, .. }) => {
            let failure = Failure::new(FailureKind::Unsupported, "a row is written as a whole: patch is not described");
            (Err(failure), write::Action::Delete { id })
        }
    }
}
