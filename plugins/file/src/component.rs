//! The contract's types on one side, this crate's on the other.

use std::cell::RefCell;

use sdk::{AttributeValue, Entity, Failure, Kind, Settings};

use crate::description::{self, GROUP_PATH, PROPERTIES, PropertyKind, Role, TARGET_PATH, USER_PATH};
use crate::exports::provisor::connector::{descriptor, source, target};
use crate::failure;
use crate::properties::{Properties, SourceSettings, TargetSettings};
use crate::source::Source;
use crate::target::{self as folder, Target};

struct FileConnector;

thread_local! {
    static SOURCE: RefCell<Option<Source>> = const { RefCell::new(None) };
    static TARGET: RefCell<Option<Target>> = const { RefCell::new(None) };
}

impl descriptor::Guest for FileConnector {
    fn describe() -> descriptor::Description {
        let entity_type = |name: &str, unique: &str| descriptor::EntityType {
            name: name.to_owned(),
            unique_attributes: vec![unique.to_owned()],
            abilities: descriptor::Abilities::READ_ALL
                | descriptor::Abilities::CREATE
                | descriptor::Abilities::UPDATE
                | descriptor::Abilities::PATCH
                | descriptor::Abilities::DELETE
                | descriptor::Abilities::FIND,
        };
        let files = |property: &str, write, role| {
            descriptor::Capability::Files(descriptor::Folder { property: property.to_owned(), write, roles: vec![role] })
        };
        descriptor::Description {
            id: "file".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: description::SUMMARY.to_owned(),
            roles: vec![descriptor::Role::Source, descriptor::Role::Target],
            entity_types: vec![entity_type("user", "userName"), entity_type("group", "displayName")],
            properties: PROPERTIES.iter().map(property).collect(),
            capabilities: vec![
                files(USER_PATH, false, descriptor::Role::Source),
                files(GROUP_PATH, false, descriptor::Role::Source),
                files(TARGET_PATH, true, descriptor::Role::Target),
            ],
            default_read_transformation: Some(description::DEFAULT_READ_TRANSFORMATION.to_owned()),
            default_write_transformation: Some(description::DEFAULT_WRITE_TRANSFORMATION.to_owned()),
        }
    }
}

impl source::Guest for FileConnector {
    fn open(settings: Settings) -> Result<(), Failure> {
        let settings = SourceSettings::read(&properties(&settings))?;
        SOURCE.set(Some(Source::new(settings)));
        Ok(())
    }

    fn probe() -> Result<String, Failure> {
        with_source(|source| source.probe())
    }

    fn read_page(query: source::Query) -> Result<source::Page, Failure> {
        if !matches!(query.scope, source::Scope::All) {
            return Err(Failure::new(Kind::Unsupported, "a file can only be read as a whole"));
        }
        let page = with_source(|source| source.read_page(&query.entity_type, query.cursor.as_deref(), query.limit))?;
        let unreadable = page
            .unreadable
            .into_iter()
            .map(|unreadable| source::Unreadable { id: unreadable.id, failure: Failure::rejected(unreadable.message) });
        Ok(source::Page {
            entities: page.entities.into_iter().map(|entity| Entity { id: entity.id, document: entity.document }).collect(),
            unreadable: unreadable.collect(),
            deleted: Vec::new(),
            next: page.next,
            delta_token: None,
            // Counting would mean reading the file once more.
            total: None,
        })
    }
}

impl target::Guest for FileConnector {
    fn open(settings: Settings) -> Result<(), Failure> {
        let settings = TargetSettings::read(&properties(&settings))?;
        TARGET.set(Some(Target::new(settings)));
        Ok(())
    }

    fn probe() -> Result<String, Failure> {
        with_target(|target| target.probe())
    }

    fn write(changes: Vec<target::Change>) -> Vec<target::Outcome> {
        let outcome = |change: target::Change| {
            let action = match &change.action {
                target::Action::Create(document) => folder::Action::Create { document },
                target::Action::Update(update) => folder::Action::Update { id: &update.id, document: &update.document },
                target::Action::Delete(id) => folder::Action::Delete { id },
                target::Action::Patch(patch) => folder::Action::Patch { id: &patch.id, operations: &patch.operations },
                target::Action::Members(_) => {
                    return target::Outcome::Failed(Failure::new(Kind::Unsupported, "changes of members are not described"));
                }
            };
            match with_target(|target| target.write(&change.entity_type, &action)) {
                Ok(id) => target::Outcome::Written(target::Written { id, document: None }),
                Err(failure) => target::Outcome::Failed(failure),
            }
        };
        changes.into_iter().map(outcome).collect()
    }

    fn find(entity_type: String, attributes: Vec<AttributeValue>) -> Result<Vec<Entity>, Failure> {
        let attributes: Vec<_> =
            attributes.iter().map(|wanted| folder::AttributeValue { attribute: &wanted.attribute, value: &wanted.value }).collect();
        let found = with_target(|target| target.find(&entity_type, &attributes))?;
        Ok(found.into_iter().map(|(id, document)| Entity { id, document }).collect())
    }
}

fn properties(settings: &Settings) -> Properties<'_> {
    Properties::new(settings.properties.iter().map(|setting| (setting.name.as_str(), setting.value.as_str())))
}

fn with_source<T>(call: impl FnOnce(&mut Source) -> Result<T, failure::Failure>) -> Result<T, Failure> {
    SOURCE.with_borrow_mut(|source| Ok(call(source.as_mut().ok_or_else(not_open)?)?))
}

fn with_target<T>(call: impl FnOnce(&mut Target) -> Result<T, failure::Failure>) -> Result<T, Failure> {
    TARGET.with_borrow_mut(|target| Ok(call(target.as_mut().ok_or_else(not_open)?)?))
}

fn not_open() -> Failure {
    Failure::invalid_settings("open was not called, or it failed")
}

impl From<failure::Failure> for Failure {
    fn from(failure: failure::Failure) -> Self {
        let kind = match failure.kind {
            failure::Kind::Forbidden => Kind::Forbidden,
            failure::Kind::NotFound => Kind::NotFound,
            failure::Kind::AlreadyExists => Kind::AlreadyExists,
            failure::Kind::Conflict => Kind::Conflict,
            failure::Kind::Rejected => Kind::Rejected,
            failure::Kind::Unavailable => Kind::Unavailable,
            failure::Kind::Unsupported => Kind::Unsupported,
            failure::Kind::InvalidSettings => Kind::InvalidSettings,
        };
        Self::new(kind, failure.message)
    }
}

fn property(property: &description::Property) -> descriptor::Property {
    descriptor::Property {
        name: property.name.to_owned(),
        kind: match property.kind {
            PropertyKind::Text => descriptor::PropertyKind::Text,
            PropertyKind::Integer => descriptor::PropertyKind::Integer,
            PropertyKind::Boolean => descriptor::PropertyKind::Boolean,
            PropertyKind::Path => descriptor::PropertyKind::Path,
            PropertyKind::Choice(values) => descriptor::PropertyKind::Choice(values.iter().map(|value| (*value).to_owned()).collect()),
        },
        default: property.default.map(str::to_owned),
        required: property.required,
        credential: false,
        help: property.help.to_owned(),
        roles: vec![match property.role {
            Role::Source => descriptor::Role::Source,
            Role::Target => descriptor::Role::Target,
        }],
    }
}

crate::export!(FileConnector with_types_in crate);
