//! The contract: records in, records out. What happens in between is in the crate `directory`. This file is a module of each component that is made of it, because the
//! bindings of a component are its own.

use crate::{
    PROFILE,
    exports::provisor::connector::{descriptor, source, target},
};
use directory::{
    client::Client,
    description::{self, Kind, Roles},
    dial::Dial,
    probe,
    read::{self, Source},
    settings::{Directory, Sort},
    write::{self, Target},
};
use sdk::{AttributeValue, Entity, Failure, Settings};
use std::cell::RefCell;

/// The connector; its state is what `open` was given, once for each role, with the connection.
pub(crate) struct Component;

thread_local! {
    static SOURCE: RefCell<Option<Source<Dial>>> = const { RefCell::new(None) };
    static TARGET: RefCell<Option<Target<Dial>>> = const { RefCell::new(None) };
}

fn client(settings: &Settings) -> Result<Client<Dial>, Failure> {
    Ok(Client::new(Directory::open(PROFILE, settings)?, Dial))
}

fn with<S, T>(
    slot: &'static std::thread::LocalKey<RefCell<Option<S>>>,
    run: impl FnOnce(&mut S) -> Result<T, Failure>,
) -> Result<T, Failure> {
    slot.with_borrow_mut(|state| match state {
        Some(state) => run(state),
        None => Err(Failure::invalid_settings("the connector was called before it was opened")),
    })
}

impl descriptor::Guest for Component {
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
        let [user, group] = PROFILE.unique_attributes();
        Description {
            id: PROFILE.id().into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: PROFILE.summary().into(),
            roles: vec![Role::Source, Role::Target],
            entity_types: vec![entity_type("user", user, abilities), entity_type("group", group, abilities | Abilities::MEMBERS)],
            properties: description::properties(PROFILE).map(property).collect(),
            capabilities: vec![Capability::Dial(Endpoint::Property("ldap.url".into())), Capability::Secret("ldap.password".into())],
            default_read_transformation: Some(PROFILE.read_transformation().into()),
            default_write_transformation: Some(PROFILE.write_transformation().into()),
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
    };
    descriptor::Property {
        name: property.name.into(),
        kind,
        default: default.map(Into::into),
        required: property.required,
        credential: property.credential,
        help: property.help.into(),
        roles: match property.roles {
            Roles::Source => vec![Role::Source],
            Roles::Target => vec![Role::Target],
            Roles::Both => vec![],
        },
    }
}

impl source::Guest for Component {
    fn open(settings: Settings) -> Result<(), Failure> {
        SOURCE.set(Some(Source::new(client(&settings)?)));
        Ok(())
    }

    fn probe() -> Result<String, Failure> {
        with(&SOURCE, |source| probe::probe(&mut source.client))
    }

    fn read_page(query: source::Query) -> Result<source::Page, Failure> {
        let scope = match query.scope {
            source::Scope::All => read::Scope::All,
            source::Scope::ById(id) => read::Scope::ById(id),
            source::Scope::ByAttributes(attributes) => read::Scope::ByAttributes(attributes),
            source::Scope::ChangedSince(token) => read::Scope::ChangedSince(token),
        };
        let sort = Sort::of(&query.entity_type)?;
        let page = with(&SOURCE, |source| source.page(sort, &scope, query.cursor.as_deref(), query.limit))?;
        Ok(source::Page {
            entities: page.entities,
            unreadable: page.unreadable.into_iter().map(|(id, failure)| source::Unreadable { id, failure }).collect(),
            deleted: page.deleted,
            next: page.next,
            delta_token: page.delta_token,
            total: None,
        })
    }
}

impl target::Guest for Component {
    fn open(settings: Settings) -> Result<(), Failure> {
        TARGET.set(Some(Target::new(client(&settings)?)));
        Ok(())
    }

    fn probe() -> Result<String, Failure> {
        with(&TARGET, |target| probe::probe(&mut target.client))
    }

    fn write(changes: Vec<target::Change>) -> Vec<target::Outcome> {
        let count = changes.len();
        let changes = changes.into_iter().map(|change| (Sort::of(&change.entity_type), action(change.action))).collect();
        let outcomes = with(&TARGET, |target| Ok(target.write(changes)));
        let outcomes = outcomes.unwrap_or_else(|failure| (0..count).map(|_| Err(failure.clone())).collect());
        outcomes.into_iter().map(outcome).collect()
    }

    fn find(entity_type: String, attributes: Vec<AttributeValue>) -> Result<Vec<Entity>, Failure> {
        let sort = Sort::of(&entity_type)?;
        with(&TARGET, |target| target.find(sort, &attributes))
    }
}

fn action(action: target::Action) -> write::Action {
    match action {
        target::Action::Create(document) => write::Action::Create { document },
        target::Action::Update(target::Update { id, document }) => write::Action::Update { id, document },
        target::Action::Members(target::Members { id, added, removed }) => write::Action::Members { id, added, removed },
        target::Action::Delete(id) => write::Action::Delete { id },
        target::Action::Patch(_) => write::Action::Other("this connector updates and does not patch"),
    }
}

fn outcome(outcome: Result<String, Failure>) -> target::Outcome {
    match outcome {
        Ok(id) => target::Outcome::Written(target::Written { id, document: None }),
        Err(failure) => target::Outcome::Failed(failure),
    }
}
