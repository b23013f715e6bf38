//! What stands behind a SCIM service: a store of its own, or a system through its transformations.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{error::ScimError, filter::Filter, patch::Operation, path::AttributePath, projection::Projection, schema::ResourceType};

/// A resource: a JSON object with `id`, and `meta` without `location`, which the service knows.
pub type Resource = Map<String, Value>;

/// What is there and what can be done with it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what `/ServiceProviderConfig` says, one by one")]
pub struct Catalogue {
    pub types: Vec<Arc<ResourceType>>,
    pub sorting: bool,
    pub etags: bool,
    pub patching: bool,
    /// RFC 9865.
    pub cursors: bool,
    /// Resources of a page if the client does not say.
    pub default_count: u64,
    /// The most resources of a page; also what `/ServiceProviderConfig` says.
    pub most: u64,
}

impl Catalogue {
    /// The type whose resources are at this path segment.
    pub fn at(&self, endpoint: &str) -> Option<&Arc<ResourceType>> {
        self.types.iter().find(|of| of.endpoint == endpoint)
    }
}

/// Which resources of one type.
#[derive(Clone, Debug)]
pub struct List {
    pub of: Arc<ResourceType>,
    /// Checked against the type.
    pub filter: Option<Filter>,
    pub sort: Option<Sort>,
    pub page: Page,
    /// For backends that can save work; the service applies it in any case.
    pub projection: Projection,
}

#[derive(Clone, Debug)]
pub struct Sort {
    pub by: AttributePath,
    pub descending: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// From 1.
    Index { start: u64, count: u64 },
    /// Nothing: from the beginning.
    Cursor { cursor: Option<String>, count: u64 },
}

impl Page {
    pub fn count(&self) -> u64 {
        match self {
            Self::Index { count, .. } | Self::Cursor { count, .. } => *count,
        }
    }
}

/// A page of resources.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    pub resources: Vec<Resource>,
    /// `totalResults`.
    pub total: u64,
    /// `itemsPerPage` where it is not the number of resources.
    pub items: Option<u64>,
    /// Cursor paging: of the next page, if there is one.
    pub next: Option<String>,
}

/// What has to hold of a resource before it is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// `If-Match`: one of these versions; `*` stands for any. Empty: nothing is asked.
    pub if_match: Vec<String>,
}

impl Precondition {
    /// Whether it holds for this version.
    pub fn check(&self, version: &str) -> Result<(), ScimError> {
        let fits = |wanted: &String| wanted == "*" || weak(wanted) == weak(version);
        if self.if_match.is_empty() || self.if_match.iter().any(fits) { Ok(()) } else { Err(ScimError::changed()) }
    }
}

/// A version without the mark that says it is weak: a resource has one version, however the tag is written.
pub(super) fn weak(version: &str) -> &str {
    version.strip_prefix("W/").unwrap_or(version)
}

/// Everything answers resources as they are after the change.
#[async_trait]
pub trait Backend: Send + Sync {
    fn catalogue(&self) -> &Catalogue;

    /// Where it is served, without a slash at the end; told once, before anybody asks.
    fn served_at(&self, _base: &str) {}

    /// Whether requests can be answered at all, as far as that is known without asking much.
    async fn ready(&self) -> Result<(), ScimError> {
        Ok(())
    }

    async fn list(&self, list: &List) -> Result<Listed, ScimError>;

    async fn get(&self, of: &Arc<ResourceType>, id: &str, projection: &Projection) -> Result<Resource, ScimError>;

    async fn create(&self, of: &Arc<ResourceType>, resource: Value) -> Result<Resource, ScimError>;

    async fn replace(&self, of: &Arc<ResourceType>, id: &str, resource: Value, precondition: &Precondition) -> Result<Resource, ScimError>;

    /// Nothing: it was done, and there is nothing to show (204).
    async fn patch(
        &self,
        of: &Arc<ResourceType>,
        id: &str,
        operations: &[Operation],
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Option<Resource>, ScimError>;

    async fn delete(&self, of: &Arc<ResourceType>, id: &str, precondition: &Precondition) -> Result<(), ScimError>;
}
