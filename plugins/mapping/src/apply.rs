//! Applying a transformation to a page of entities.

use crate::document::Transformation;
use crate::output::Arena;
use crate::relations::{Lookups, Relations};

#[cfg(test)]
mod any;
mod entity;
mod explain;
#[cfg(test)]
mod explain_tests;
#[cfg(test)]
mod properties;
mod run;
#[cfg(test)]
mod tests;

pub(crate) use run::Run;

/// What is done with the entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Raw entity to common document.
    Read,
    /// Common document to a new entity of the target.
    Create,
    /// Common document to an entity that exists in the target.
    Update,
    /// The entity is to be deleted.
    Delete,
    /// A SCIM `PatchOp` from a proxy's client to what the backend takes.
    Patch,
}

impl Operation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Patch => "patch",
        }
    }
}

/// One entity.
#[derive(Clone, Copy, Debug)]
pub struct Input<'i> {
    /// A JSON object as text.
    pub document: &'i str,
    /// Variables that are known beforehand: name and JSON text.
    pub variables: &'i [(String, String)],
}

/// What became of one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Mapped(Mapped),
    Skipped(Skip),
    Failed(Fault),
    /// The transformation has nothing of its own for this operation.
    Unmapped,
}

/// Why an entity was left out; the text is for the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The entity's condition does not hold, or its type is ignored: it does not belong into the target.
    OutOfScope {
        reason: String,
        /// When reading: `entityIdSourceSystem` as JSON text, where the mappings that set it would have succeeded.
        source_id: Option<String>,
    },
    /// The transformation does not want this operation, or does not know the entity type. What is in the target stays as it is.
    Operation(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// A JSON text.
    pub document: String,
    /// Variables that mappings have set, in the order they were set first: name and JSON text.
    pub variables: Vec<(String, String)>,
    /// Source ids nobody knew, each once, in the order they came up.
    pub unresolved: Vec<String>,
}

/// Why an entity could not be transformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code} at {at})")]
pub struct Fault {
    /// Stable, dotted: `mapping.missing-attribute`.
    pub code: &'static str,
    pub message: String,
    /// JSON pointer to the mapping that failed.
    pub at: String,
}

/// One thing that happened on the way through a transformation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// JSON pointer to the mapping, condition or function.
    pub at: String,
    pub what: String,
    /// The value in hand after this step, as JSON text. Of a condition: an object with what it looked at, by path and `${variable}`.
    pub value: Option<String>,
}

/// Memory that is used again from entity to entity.
#[derive(Default)]
pub struct Scratch {
    nodes: Vec<crate::json::Node>,
    extra: run::Extra,
    arena: Arena,
    /// Texts that functions work on.
    texts: [String; 2],
    variables: Vec<Option<u32>>,
    lookups: Lookups,
    /// What random passwords are made of.
    seed: Option<[u8; 32]>,
    /// The place of the entity at work in its page.
    entity: u64,
}

impl Scratch {
    /// Give `randomPassword` its randomness for the next page; without it the function fails. The same seed, page and transformation give the same passwords, so a
    /// seed is used for one page.
    pub fn seed(&mut self, seed: [u8; 32]) {
        self.seed = Some(seed);
    }
}

impl Transformation {
    /// Transform a page: one outcome per entity, in the same order. Source ids are looked up with one call for the whole page (a further one only where a lookup
    /// needs the answer of another).
    pub fn apply(
        &self,
        scratch: &mut Scratch,
        entity_type: &str,
        operation: Operation,
        page: &[Input<'_>],
        relations: &mut dyn Relations,
    ) -> Vec<Outcome> {
        scratch.lookups.clear(self.lookups.len());
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(page.len());
        let mut waiting: Vec<usize> = Vec::new();
        for (at, input) in page.iter().enumerate() {
            scratch.entity = at as u64;
            let (outcome, pending) = self.transform(scratch, entity_type, operation, *input, None);
            if pending {
                waiting.push(at);
            }
            outcomes.push(outcome);
        }
        while !waiting.is_empty() {
            scratch.lookups.ask(&self.lookups, relations);
            waiting.retain(|at| {
                scratch.entity = *at as u64;
                let (outcome, pending) = self.transform(scratch, entity_type, operation, page[*at], None);
                outcomes[*at] = outcome;
                pending
            });
        }
        outcomes
    }

    /// Transform one entity and tell the way it took.
    pub fn explain(
        &self,
        scratch: &mut Scratch,
        entity_type: &str,
        operation: Operation,
        input: Input<'_>,
        relations: &mut dyn Relations,
    ) -> (Outcome, Vec<Step>) {
        scratch.lookups.clear(self.lookups.len());
        scratch.entity = 0;
        while self.transform(scratch, entity_type, operation, input, None).1 {
            scratch.lookups.ask(&self.lookups, relations);
        }
        let mut steps = Vec::new();
        let (outcome, _) = self.transform(scratch, entity_type, operation, input, Some(&mut steps));
        (outcome, steps)
    }
}
