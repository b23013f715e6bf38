//! One element of a transformation. A trap costs the entity that caused it, not its page: the page is halved until that entity is alone.

use std::sync::Arc;

use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::{super::page::ID_VARIABLE, OpenError};
use crate::{
    manifest::MAPPING,
    sandbox::{
        Authority, Plugin, Transformation,
        contract::{Diagnostic, Input, Mapped, MappingFault, Operation, Setting, Step, Transformed},
    },
};

/// Faults in a row, each on a single entity, after which an element is not opened again: it will not get better.
const MAX_FAULTS: u32 = 50;

/// Everything needed to open an element, again and again.
#[derive(Clone)]
pub struct ElementSpec {
    pub plugin: Plugin,
    pub authority: Authority,
    /// What the component is to do, in its own language, and where that comes from.
    pub text: Arc<str>,
    pub origin: String,
    pub properties: Arc<[Setting]>,
}

impl ElementSpec {
    /// Add everything that decides what comes out: the component, the text, the properties.
    pub(super) fn hash(&self, hasher: &mut Sha256) {
        let properties = self.properties.iter().flat_map(|property| [property.name.as_str(), &property.value]);
        hasher.update((self.properties.len() as u64).to_le_bytes());
        for part in [self.plugin.digest(), &*self.text].into_iter().chain(properties) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }

    /// Whether a create and an update of the same document may come out differently: they do by the target's id and by mappings for creates alone. Of a component
    /// that does not speak the mapping language nothing is known.
    pub(super) fn tells_updates_from_creates(&self) -> bool {
        !self.speaks_mapping() || ["entityIdTargetSystem", "createEntity"].iter().any(|name| self.text.contains(name))
    }

    /// Whether it may set the id of an entity. Of a component that does not speak the mapping language nothing is known.
    pub(super) fn may_name_ids(&self) -> bool {
        !self.speaks_mapping() || self.text.contains(ID_VARIABLE)
    }

    /// Whether the component is the one that ships with the host, whose documents are JSON by construction.
    pub fn speaks_mapping(&self) -> bool {
        self.plugin.description().id == MAPPING
    }

    /// What is no document goes no further, so that the component that made it is named and not the one that has to read it.
    fn judge(&self, outcome: &mut Transformed) {
        let Transformed::Mapped(Mapped { document, .. }) = outcome else { return };
        if self.speaks_mapping() {
            return;
        }
        let is_object = document.trim_start().starts_with('{') && serde_json::from_str::<&RawValue>(document).is_ok();
        if !is_object {
            let message =
                format!("the answer of plugin {} breaks the contract: a document that is no JSON object", self.plugin.description().id);
            *outcome = failed("plugin.contract", &message);
        }
    }
}

/// An element that is open, or will be when it is used.
pub(super) struct Element {
    pub spec: ElementSpec,
    pub warnings: Vec<Diagnostic>,
    instance: Option<Transformation>,
    faults: u32,
}

impl Element {
    pub fn lazy(spec: ElementSpec) -> Self {
        Self { spec, instance: None, warnings: Vec::new(), faults: 0 }
    }

    pub async fn instance(&mut self) -> Result<&mut Transformation, OpenError> {
        if let Some(instance) = self.instance.take() {
            return Ok(self.instance.insert(instance));
        }
        let mut instance = self.spec.plugin.transformation(self.spec.authority.clone()).await?;
        match instance.open(&self.spec.text, &self.spec.properties).await? {
            Ok(warnings) => self.warnings = warnings,
            Err(diagnostics) => return Err(OpenError::Text { texts: vec![(self.spec.origin.clone(), diagnostics)] }),
        }
        Ok(self.instance.insert(instance))
    }

    /// One outcome per entity, whatever happens: an entity on which the component traps has failed with the trap's code.
    pub async fn apply(&mut self, entity_type: &str, operation: Operation, page: &[Input]) -> Vec<Transformed> {
        let mut outcomes = Vec::with_capacity(page.len());
        // Parts still to be done, the next one last.
        let mut parts = vec![page];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            if self.faults >= MAX_FAULTS {
                let message = format!("the transformation was given up after {MAX_FAULTS} faults");
                outcomes.extend(part.iter().map(|_| failed("plugin.given-up", &message)));
                continue;
            }
            match self.attempt(entity_type, operation, part).await {
                Ok(done) => {
                    self.faults = 0;
                    outcomes.extend(done);
                }
                Err(error) => {
                    self.instance = None;
                    if part.len() == 1 {
                        self.faults += 1;
                        outcomes.push(failed(error.code(), &error.to_string()));
                    } else {
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.push(second);
                        parts.push(first);
                    }
                }
            }
        }
        outcomes
    }

    /// One entity, and the way it took.
    pub async fn explain(&mut self, entity_type: &str, operation: Operation, entity: &Input) -> (Transformed, Vec<Step>) {
        let explained = match self.instance().await {
            Ok(instance) => instance.explain(entity_type, operation, entity).await.map_err(OpenError::from),
            Err(error) => Err(error),
        };
        match explained {
            Ok(mut explained) => {
                self.spec.judge(&mut explained.outcome);
                (explained.outcome, explained.steps)
            }
            Err(error) => {
                self.instance = None;
                (failed(error.code(), &error.to_string()), Vec::new())
            }
        }
    }

    async fn attempt(&mut self, entity_type: &str, operation: Operation, part: &[Input]) -> Result<Vec<Transformed>, OpenError> {
        let mut outcomes = self.instance().await?.apply(entity_type, operation, part).await?;
        for outcome in &mut outcomes {
            self.spec.judge(outcome);
        }
        Ok(outcomes)
    }
}

fn failed(code: &str, message: &str) -> Transformed {
    Transformed::Failed(MappingFault { code: code.to_owned(), message: message.to_owned(), at: String::new() })
}
