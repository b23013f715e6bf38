//! A proxy as what stands behind a SCIM service. One request holds one place, however many calls it makes.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::{Handled, Proxy};
use crate::scim::{Backend, Catalogue, List, Listed, Precondition, Projection, Resource, ResourceType, ScimError, patch::Operation};

impl Proxy {
    fn handled(&self, of: &ResourceType) -> Result<&Handled, ScimError> {
        let place = self.catalogue.types.iter().position(|known| known.endpoint == of.endpoint);
        place.and_then(|place| self.types.get(place)).ok_or_else(ScimError::internal)
    }
}

/// Do it to its end, also when the client does not wait for it: a write that is cut off in the middle is one of which nobody knows whether it happened.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = Result<T, ScimError>> + Send + 'static) -> Result<T, ScimError> {
    tokio::spawn(work).await.unwrap_or_else(|_| Err(ScimError::internal()))
}

#[async_trait]
impl Backend for Arc<Proxy> {
    fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    fn served_at(&self, base: &str) {
        // The first place counts; there is only one.
        let _ = self.base.set(base.to_owned());
    }

    async fn list(&self, list: &List) -> Result<Listed, ScimError> {
        let _place = self.instances.place().await?;
        self.page(self.handled(&list.of)?, list).await
    }

    async fn get(&self, of: &Arc<ResourceType>, id: &str, _: &Projection) -> Result<Resource, ScimError> {
        let _place = self.instances.place().await?;
        let handled = self.handled(of)?;
        let id = self.backends_id(handled, id).await?;
        self.one(handled, of, &id).await
    }

    async fn create(&self, of: &Arc<ResourceType>, resource: Value) -> Result<Resource, ScimError> {
        let (proxy, of) = (self.clone(), of.clone());
        to_its_end(async move {
            let _place = proxy.instances.place().await?;
            proxy.created(proxy.handled(&of)?, &of, resource).await
        })
        .await
    }

    async fn replace(&self, of: &Arc<ResourceType>, id: &str, resource: Value, precondition: &Precondition) -> Result<Resource, ScimError> {
        let (proxy, of, id, precondition) = (self.clone(), of.clone(), id.to_owned(), precondition.clone());
        to_its_end(async move {
            let _place = proxy.instances.place().await?;
            proxy.replaced(proxy.handled(&of)?, &of, &id, resource, &precondition).await
        })
        .await
    }

    async fn patch(
        &self,
        of: &Arc<ResourceType>,
        id: &str,
        operations: &[Operation],
        precondition: &Precondition,
        _: &Projection,
    ) -> Result<Option<Resource>, ScimError> {
        let (proxy, of, id, operations) = (self.clone(), of.clone(), id.to_owned(), operations.to_vec());
        let precondition = precondition.clone();
        to_its_end(async move {
            let _place = proxy.instances.place().await?;
            proxy.patched(proxy.handled(&of)?, &of, &id, &operations, &precondition).await
        })
        .await
    }

    async fn delete(&self, of: &Arc<ResourceType>, id: &str, precondition: &Precondition) -> Result<(), ScimError> {
        let (proxy, of, id, precondition) = (self.clone(), of.clone(), id.to_owned(), precondition.clone());
        to_its_end(async move {
            let _place = proxy.instances.place().await?;
            proxy.deleted(proxy.handled(&of)?, &of, &id, &precondition).await
        })
        .await
    }
}
