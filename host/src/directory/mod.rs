//! The identity directory that Provisor brings along: users and groups in one `SQLite` file, served over SCIM like any other backend.
//!
//! ```text
//! Backend --> change (one thread, many changes a transaction) --> resource, unique_value, member
//!        '--> read   (up to four connections)  <-- sql: filter and order to bound SQL
//! ```
//!
//! Resources conform to their schemas: names in their own spelling, no attribute that no schema has. User names are unique without regard to case, and so is every single
//! text attribute of a schema of the operator's that says so. `meta.lastModified` only ever grows from change to change, over all resources, so a client that asks for what
//! is newer than the newest it has seen misses nothing.
//!
//! Deliberately absent: passwords (they are accepted and not kept), and any way in but SCIM.

mod change;
mod members;
mod read;
mod sql;
mod store;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use serde_json::Value;

pub use self::store::OpenError;
use self::store::Store;
use crate::scim::{
    Backend, Catalogue, List, Listed, Precondition, Projection, Resource, ResourceType, Schema, ScimError, patch::Operation,
};

/// Resources of a page if the client does not say, and the most.
const DEFAULT_PAGE: u64 = 100;
const LARGEST_PAGE: u64 = 1000;

/// An open directory.
pub struct Directory {
    store: Store,
    catalogue: Catalogue,
}

impl Directory {
    /// Open the file, or make it. The schemas are extensions of users and of groups.
    pub fn open(path: &Path, users: &[Arc<Schema>], groups: &[Arc<Schema>]) -> Result<Self, OpenError> {
        let catalogue = Catalogue {
            types: vec![Arc::new(ResourceType::user(users)), Arc::new(ResourceType::group(groups))],
            sorting: true,
            etags: true,
            patching: true,
            cursors: true,
            default_count: DEFAULT_PAGE,
            most: LARGEST_PAGE,
        };
        Ok(Self { store: Store::open(path)?, catalogue })
    }
}

#[async_trait]
impl Backend for Directory {
    fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    async fn ready(&self) -> Result<(), ScimError> {
        self.store.read(|connection| Ok(connection.query_row("SELECT 1", [], |_| Ok(()))?)).await
    }

    async fn list(&self, list: &List) -> Result<Listed, ScimError> {
        let list = list.clone();
        self.store.read(move |connection| read::list(connection, &list)).await
    }

    async fn get(&self, of: &Arc<ResourceType>, id: &str, projection: &Projection) -> Result<Resource, ScimError> {
        let (of, id, projection) = (of.clone(), id.to_owned(), projection.clone());
        self.store.read(move |connection| read::get(connection, &of, &id, &projection)).await
    }

    async fn create(&self, of: &Arc<ResourceType>, resource: Value) -> Result<Resource, ScimError> {
        let of = of.clone();
        self.store.change(move |connection| change::create(connection, &of, resource)).await
    }

    async fn replace(&self, of: &Arc<ResourceType>, id: &str, resource: Value, precondition: &Precondition) -> Result<Resource, ScimError> {
        let (of, id, precondition) = (of.clone(), id.to_owned(), precondition.clone());
        self.store.change(move |connection| change::replace(connection, &of, &id, resource, &precondition)).await
    }

    async fn patch(
        &self,
        of: &Arc<ResourceType>,
        id: &str,
        operations: &[Operation],
        precondition: &Precondition,
        projection: &Projection,
    ) -> Result<Option<Resource>, ScimError> {
        let (of, id, operations) = (of.clone(), id.to_owned(), operations.to_vec());
        let (precondition, projection) = (precondition.clone(), projection.clone());
        self.store.change(move |connection| change::patch(connection, &of, &id, &operations, &precondition, &projection)).await
    }

    async fn delete(&self, of: &Arc<ResourceType>, id: &str, precondition: &Precondition) -> Result<(), ScimError> {
        let (of, id, precondition) = (of.clone(), id.to_owned(), precondition.clone());
        self.store.change(move |connection| change::delete(connection, &of, &id, &precondition)).await
    }
}
