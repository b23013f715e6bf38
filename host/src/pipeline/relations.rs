//! The id relations, as transformations may ask for them.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::{
    sandbox::{Relations, contract::Lookup},
    state::{self, Link, StateError, StateStore},
};

/// Answers `relations.find` for one link from the state.
pub struct StateRelations {
    state: Arc<dyn StateStore>,
    link: Link,
    failed: Mutex<Option<StateError>>,
}

impl StateRelations {
    /// The relations of this link; a lookup may name another one.
    pub fn new(state: Arc<dyn StateStore>, link: Link) -> Self {
        Self { state, link, failed: Mutex::default() }
    }

    /// Whether an answer since the last time could not be read. The documents mapped with it are missing references and must not be written.
    pub fn check(&self) -> Result<(), StateError> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Relations for StateRelations {
    async fn find(&self, lookups: Vec<Lookup>) -> Vec<Option<String>> {
        let count = lookups.len();
        let lookups: Vec<state::Lookup> = lookups
            .into_iter()
            .map(|lookup| state::Lookup {
                entity_type: lookup.entity_type,
                source_id: lookup.source_id,
                source_system: lookup.source_system.unwrap_or_else(|| self.link.source.clone()),
                target_system: lookup.target_system.unwrap_or_else(|| self.link.target.clone()),
            })
            .collect();
        self.state.resolve(lookups).await.unwrap_or_else(|error| {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            vec![None; count]
        })
    }
}

/// No relations: `provisor map`, where there is no state.
pub struct NoRelations;

#[async_trait]
impl Relations for NoRelations {
    async fn find(&self, lookups: Vec<Lookup>) -> Vec<Option<String>> {
        vec![None; lookups.len()]
    }
}
