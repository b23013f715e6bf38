//! Asking a component what it is, in an empty sandbox, and turning its answer into plain data.

use std::sync::Arc;

use wasmtime::component::InstancePre;

use super::{
    SandboxError,
    authority::Authority,
    bindings::descriptor::{Describes, exports::provisor::connector::descriptor as said},
    instance::{Context, Instance},
};
use crate::registry::description::{Abilities, Capability, Description, EntityType, Property, PropertyKind, Reference, Role};

/// `file` stands for the component's id, which is not known yet.
pub(super) async fn describe(file: &str, pre: &InstancePre<Context>) -> Result<Description, SandboxError> {
    let name: Arc<str> = file.into();
    let mut instance = Instance::new(&name, pre, Authority::none("(describe)"), |store, instance| Describes::new(store, instance))
        .await
        .map_err(SandboxError::Describe)?;
    let limit = instance.call_timeout();
    let end = tokio::time::timeout(limit, instance.bound.provisor_connector_descriptor().call_describe(&mut instance.store)).await;
    instance.ended("describe", end).map(description).map_err(SandboxError::Describe)
}

fn description(said: said::Description) -> Description {
    Description {
        id: said.id,
        version: said.version,
        summary: said.summary,
        roles: roles(&said.roles),
        entity_types: said.entity_types.into_iter().map(entity_type).collect(),
        properties: said.properties.into_iter().map(property).collect(),
        capabilities: said.capabilities.into_iter().map(capability).collect(),
        default_read_transformation: said.default_read_transformation,
        default_write_transformation: said.default_write_transformation,
    }
}

fn roles(said: &[said::Role]) -> Vec<Role> {
    said.iter()
        .map(|role| match role {
            said::Role::Source => Role::Source,
            said::Role::Target => Role::Target,
            said::Role::Transformation => Role::Transformation,
        })
        .collect()
}

fn entity_type(said: said::EntityType) -> EntityType {
    let can = |ability| said.abilities.contains(ability);
    let abilities = Abilities {
        read_all: can(said::Abilities::READ_ALL),
        read_changes: can(said::Abilities::READ_CHANGES),
        read_by_id: can(said::Abilities::READ_BY_ID),
        read_by_attributes: can(said::Abilities::READ_BY_ATTRIBUTES),
        create: can(said::Abilities::CREATE),
        update: can(said::Abilities::UPDATE),
        patch: can(said::Abilities::PATCH),
        members: can(said::Abilities::MEMBERS),
        delete: can(said::Abilities::DELETE),
        find: can(said::Abilities::FIND),
    };
    EntityType { name: said.name, unique_attributes: said.unique_attributes, abilities }
}

fn property(said: said::Property) -> Property {
    let kind = match said.kind {
        said::PropertyKind::Text => PropertyKind::Text,
        said::PropertyKind::Integer => PropertyKind::Integer,
        said::PropertyKind::Boolean => PropertyKind::Boolean,
        said::PropertyKind::Url => PropertyKind::Url,
        said::PropertyKind::Path => PropertyKind::Path,
        said::PropertyKind::Choice(values) => PropertyKind::Choice(values),
    };
    Property {
        name: said.name,
        kind,
        default: said.default,
        required: said.required,
        credential: said.credential,
        help: said.help,
        roles: roles(&said.roles),
    }
}

fn capability(said: said::Capability) -> Capability {
    match said {
        said::Capability::Http(said::Origin::Property(name)) => Capability::Http(Reference::Property(name)),
        said::Capability::Http(said::Origin::Literal(text)) => Capability::Http(Reference::Literal(text)),
        said::Capability::Dial(said::Endpoint::Property(name)) => Capability::Dial(Reference::Property(name)),
        said::Capability::Dial(said::Endpoint::Literal(text)) => Capability::Dial(Reference::Literal(text)),
        said::Capability::Files(folder) => {
            Capability::Files { property: folder.property, write: folder.write, roles: roles(&folder.roles) }
        }
        said::Capability::Secret(name) => Capability::Secret(name),
    }
}
