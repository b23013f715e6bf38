//! The contract: records in, records out. What happens in between is in the other files.

use crate::{
    connection::Connection,
    description::{self, Kind, PROPERTIES, Roles},
    exports::provisor::connector::{descriptor, source, target},
    find, probe, read,
    resource::Resource,
    session::Session,
    wasi_http::WasiHttp,
    write,
};
use sdk::{AttributeValue, Entity, Failure, Settings};
use std::cell::RefCell;

/// The connector; its state is what `open` was given, once for each role.
pub(crate) struct Scim;

thread_local! {
    static SOURCE: RefCell<Option<Connection>> = const { RefCell::new(None) };
    static TARGET: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

type Slot = std::thread::LocalKey<RefCell<Option<Connection>>>;

fn open(slot: &'static Slot, settings: &Settings) -> Result<(), Failure> {
    slot.set(Some(Connection::open(settings)?));
    Ok(())
}

fn with<T>(slot: &'static Slot, run: impl FnOnce(&Connection, &mut Session<WasiHttp>) -> Result<T, Failure>) -> Result<T, Failure> {
    slot.with_borrow(|connection| match connection {
        Some(connection) => run(connection, &mut Session::new(WasiHttp::default(), connection.csrf())),
        None => Err(Failure::invalid_settings("the connector was called before it was opened")),
    })
}

impl descriptor::Guest for Scim {
    fn describe() -> descriptor::Description {
        use descriptor::{Abilities, Capability, Description, EntityType, Origin, Role};
        let abilities = Abilities::READ_ALL
            | Abilities::READ_CHANGES
            | Abilities::READ_BY_ID
            | Abilities::READ_BY_ATTRIBUTES
            | Abilities::CREATE
            | Abilities::UPDATE
            | Abilities::PATCH
            | Abilities::DELETE
            | Abilities::FIND;
        let entity_type =
            |name: &str, unique: &str, abilities| EntityType { name: name.into(), unique_attributes: vec![unique.into()], abilities };
        Description {
            id: "scim".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "Users and groups of a SCIM 2.0 server (RFC 7644).".into(),
            roles: vec![Role::Source, Role::Target],
            entity_types: vec![
                entity_type("user", description::UNIQUE_USER, abilities),
                entity_type("group", description::UNIQUE_GROUP, abilities | Abilities::MEMBERS),
            ],
            properties: PROPERTIES.iter().map(property).collect(),
            capabilities: vec![Capability::Http(Origin::Property("URL".into()))],
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
        Kind::Choice(values, default) => (PropertyKind::Choice(values.iter().map(|&value| value.into()).collect()), Some(default)),
        Kind::Url => (PropertyKind::Url, None),
    };
    descriptor::Property {
        name: property.name.into(),
        kind,
        default: default.map(Into::into),
        required: property.required,
        credential: false,
        help: property.help.into(),
        roles: match property.roles {
            Roles::Source => vec![Role::Source],
            Roles::Target => vec![Role::Target],
            Roles::Both => vec![],
        },
    }
}

impl source::Guest for Scim {
    fn open(settings: Settings) -> Result<(), Failure> {
        open(&SOURCE, &settings)
    }

    fn probe() -> Result<String, Failure> {
        with(&SOURCE, probe::probe)
    }

    fn read_page(query: source::Query) -> Result<source::Page, Failure> {
        let scope = match query.scope {
            source::Scope::All => read::Scope::All,
            source::Scope::ById(id) => read::Scope::ById(id),
            source::Scope::ByAttributes(attributes) => read::Scope::ByAttributes(attributes),
            source::Scope::ChangedSince(token) => read::Scope::ChangedSince(token),
        };
        let resource = Resource::of(&query.entity_type)?;
        let page = with(&SOURCE, |connection, http| read::page(connection, http, resource, &scope, query.cursor.as_deref(), query.limit))?;
        Ok(source::Page {
            entities: page.entities,
            unreadable: page.unreadable.into_iter().map(|(id, failure)| source::Unreadable { id, failure }).collect(),
            deleted: vec![],
            next: page.next,
            delta_token: page.delta_token,
            total: page.total,
        })
    }
}

impl target::Guest for Scim {
    fn open(settings: Settings) -> Result<(), Failure> {
        open(&TARGET, &settings)
    }

    fn probe() -> Result<String, Failure> {
        with(&TARGET, probe::probe)
    }

    fn write(changes: Vec<target::Change>) -> Vec<target::Outcome> {
        let count = changes.len();
        let changes = changes.into_iter().map(|change| (Resource::of(&change.entity_type), action(change.action))).collect();
        let outcomes = with(&TARGET, |connection, http| Ok(write::write(connection, http, changes)));
        let outcomes = outcomes.unwrap_or_else(|failure| (0..count).map(|_| Err(failure.clone())).collect());
        outcomes.into_iter().map(outcome).collect()
    }

    fn find(entity_type: String, attributes: Vec<AttributeValue>) -> Result<Vec<Entity>, Failure> {
        let resource = Resource::of(&entity_type)?;
        with(&TARGET, |connection, http| find::find(connection, http, resource, &attributes))
    }
}

fn action(action: target::Action) -> write::Action {
    match action {
        target::Action::Create(document) => write::Action::Create { document },
        target::Action::Update(target::Update { id, document }) => write::Action::Update { id, document },
        target::Action::Patch(target::Patch { id, operations }) => write::Action::Patch { id, operations },
        target::Action::Members(target::Members { id, added, removed }) => write::Action::Members { id, added, removed },
        target::Action::Delete(id) => write::Action::Delete { id },
    }
}

fn outcome(outcome: Result<write::Written, Failure>) -> target::Outcome {
    match outcome {
        Ok(write::Written { id, document }) => target::Outcome::Written(target::Written { id, document }),
        Err(failure) => target::Outcome::Failed(failure),
    }
}
