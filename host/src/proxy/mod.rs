//! Proxy systems: any backend as a SCIM 2.0 service, through the system's transformations and its connector (spec section 5).
//!
//! ```text
//! GET               connector.read-page --> read transformation --> resource
//! POST, PUT, PATCH  write transformation --> connector.write --> read again: as GET
//! DELETE            connector.write
//! ```
//!
//! A proxy keeps nothing: no relations, no digests. Ids are the backend's, so `resolveEntityIds` finds every id to be itself ([`SameIds`]). What is remembered for a while is
//! where pages begin (`pages`), because clients page by index and connectors by cursor.

mod backend;
mod catalogue;
mod find;
mod instances;
mod pages;
mod read;
mod told;
mod write;

use std::sync::OnceLock;

use async_trait::async_trait;

use crate::{
    manifest::TotalResults,
    pipeline::{ConnectorSpec, MappingSpec, OpenError},
    registry::description::EntityType,
    sandbox::{Relations, contract::Lookup},
    scim::Catalogue,
};
use instances::Instances;
use pages::Pages;

/// Everything needed to serve a proxy system.
pub struct ProxySpec {
    pub name: String,
    pub source: ConnectorSpec,
    pub read: MappingSpec,
    pub target: ConnectorSpec,
    pub write: MappingSpec,
    pub total_results: TotalResults,
    /// `*.patch.response.with.resource`: whether a PATCH is answered with the resource.
    pub patch_answers: bool,
}

/// A proxy system, ready to be asked.
pub struct Proxy {
    spec: ProxySpec,
    catalogue: Catalogue,
    /// What is known of each resource type beyond SCIM, in the catalogue's order.
    types: Vec<Handled>,
    instances: Instances,
    pages: Pages,
    /// Where clients find it.
    base: OnceLock<String>,
}

/// An entity type that is served.
struct Handled {
    /// As the connector calls it, with what it can do.
    entity: EntityType,
    /// Whether the read transformation may leave entities out.
    conditional: bool,
    /// Where the read transformation takes attributes of the backend as they are: (SCIM attribute, the backend's).
    plain: Vec<(String, String)>,
}

impl Proxy {
    /// Open the transformations once, to see that they can be opened and which entity types they handle.
    pub async fn open(spec: ProxySpec) -> Result<Self, OpenError> {
        let instances = Instances::new(&spec);
        let (catalogue, types) = catalogue::of(&spec, &instances).await?;
        Ok(Self { spec, catalogue, types, instances, pages: Pages::default(), base: OnceLock::new() })
    }
}

/// The relations of a proxy system: one backend, so every id stands for itself.
pub struct SameIds;

#[async_trait]
impl Relations for SameIds {
    async fn find(&self, lookups: Vec<Lookup>) -> Vec<Option<String>> {
        lookups.into_iter().map(|lookup| Some(lookup.source_id)).collect()
    }
}
