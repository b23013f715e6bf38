//! A system's transformation in the path of every entity. A trap costs the entity that caused it, not its page: the page is halved until that entity is alone.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::page::Digest;
use crate::sandbox::{
    Authority, Fault, Plugin, Transformation,
    contract::{Diagnostic, Input, MappingFault, Operation, Setting, Severity, Step, Transformed},
};

/// Faults in a row, each on a single entity, after which a transformation is not opened again: it will not get better.
const MAX_FAULTS: u32 = 50;

/// Everything needed to open a transformation, again and again.
#[derive(Clone)]
pub struct MappingSpec {
    pub plugin: Plugin,
    pub authority: Authority,
    /// The transformation's text, and where it comes from.
    pub text: Arc<str>,
    pub origin: String,
    pub properties: Arc<[Setting]>,
}

impl MappingSpec {
    /// Stands for everything that decides what comes out: the component, the text, the properties.
    pub fn version(&self) -> Digest {
        let mut hasher = Sha256::new();
        for part in [self.plugin.digest(), &*self.text] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        for property in self.properties.iter() {
            for part in [&property.name, &property.value] {
                hasher.update((part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
        hasher.finalize().into()
    }

    /// Whether a create and an update of the same document may come out differently: they do by the target's id and by mappings for creates alone.
    pub fn tells_updates_from_creates(&self) -> bool {
        ["entityIdTargetSystem", "createEntity"].iter().any(|name| self.text.contains(name))
    }
}

/// Why a transformation does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{}", Listed(origin, diagnostics))]
    Text { origin: String, diagnostics: Vec<Diagnostic> },
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl OpenError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Text { .. } => "mapping.invalid",
            Self::Fault(fault) => fault.code(),
        }
    }
}

struct Listed<'a>(&'a str, &'a [Diagnostic]);

impl std::fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, diagnostic) in self.1.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{}", diagnostic_line(self.0, diagnostic))?;
        }
        Ok(())
    }
}

/// `hr-read.json:12:7: error[mapping.unknown-function] /user/mappings/3: ...`
pub fn diagnostic_line(origin: &str, d: &Diagnostic) -> String {
    let severity = if d.severity == Severity::Error { "error" } else { "warning" };
    let place = if d.line == 0 { String::new() } else { format!(":{}:{}", d.line, d.column) };
    let pointer = if d.pointer.is_empty() { String::new() } else { format!(" {}", d.pointer) };
    format!("{origin}{place}: {severity}[{}]{pointer}: {}", d.code, d.message)
}

/// A transformation that is open.
pub struct Mapper {
    spec: MappingSpec,
    instance: Option<Transformation>,
    warnings: Vec<Diagnostic>,
    faults: u32,
}

impl Mapper {
    /// Not opened yet; the first use does.
    pub fn lazy(spec: MappingSpec) -> Self {
        Self { spec, instance: None, warnings: Vec::new(), faults: 0 }
    }

    /// Open it; the error lists everything that is wrong with the text.
    pub async fn open(spec: MappingSpec) -> Result<Self, OpenError> {
        let mut mapper = Self::lazy(spec);
        mapper.instance().await?;
        Ok(mapper)
    }

    /// What is doubtful about the text.
    pub fn warnings(&self) -> impl Iterator<Item = String> + '_ {
        self.warnings.iter().map(|diagnostic| diagnostic_line(&self.spec.origin, diagnostic))
    }

    /// The entity types the text handles.
    pub async fn entity_types(&mut self) -> Result<Vec<String>, OpenError> {
        Ok(self.instance().await?.entity_types().await?)
    }

    async fn instance(&mut self) -> Result<&mut Transformation, OpenError> {
        if let Some(instance) = self.instance.take() {
            return Ok(self.instance.insert(instance));
        }
        let mut instance = self.spec.plugin.transformation(self.spec.authority.clone()).await?;
        match instance.open(&self.spec.text, &self.spec.properties).await? {
            Ok(warnings) => self.warnings = warnings,
            Err(diagnostics) => return Err(OpenError::Text { origin: self.spec.origin.clone(), diagnostics }),
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
            Ok(explained) => (explained.outcome, explained.steps),
            Err(error) => {
                self.instance = None;
                (failed(error.code(), &error.to_string()), Vec::new())
            }
        }
    }

    async fn attempt(&mut self, entity_type: &str, operation: Operation, part: &[Input]) -> Result<Vec<Transformed>, OpenError> {
        Ok(self.instance().await?.apply(entity_type, operation, part).await?)
    }
}

fn failed(code: &str, message: &str) -> Transformed {
    Transformed::Failed(MappingFault { code: code.to_owned(), message: message.to_owned(), at: String::new() })
}
