//! The component: the engine behind the contract of `wit/`. One instance holds one open transformation.

use std::cell::RefCell;

use crate::exports::provisor::connector::{descriptor, transform};
use crate::{Input, Lookup, Operation, Outcome, Relations, Scratch, Severity, Skip, Transformation};

struct Component;

struct Open {
    transformation: Transformation,
    scratch: Scratch,
}

thread_local! {
    static OPEN: RefCell<Option<Open>> = const { RefCell::new(None) };
}

impl descriptor::Guest for Component {
    fn describe() -> descriptor::Description {
        descriptor::Description {
            id: "mapping".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Turns documents into documents with transformations in the language of SAP Identity Provisioning.".to_owned(),
            roles: vec![descriptor::Role::Transformation],
            entity_types: Vec::new(),
            properties: Vec::new(),
            capabilities: Vec::new(),
            default_read_transformation: None,
            default_write_transformation: None,
        }
    }
}

impl transform::Guest for Component {
    fn open(text: String, properties: Vec<sdk::Setting>) -> Result<Vec<transform::Diagnostic>, Vec<transform::Diagnostic>> {
        let properties: Vec<(String, String)> = properties.into_iter().map(|setting| (setting.name, setting.value)).collect();
        let compiled = Transformation::compile(&text, &properties);
        OPEN.with_borrow_mut(|open| {
            *open = None;
            match compiled {
                Ok((transformation, warnings)) => {
                    *open = Some(Open { transformation, scratch: Scratch::default() });
                    Ok(warnings.into_iter().map(diagnostic).collect())
                }
                Err(findings) => Err(findings.into_iter().map(diagnostic).collect()),
            }
        })
    }

    fn apply(entity_type: String, operation: transform::Operation, page: Vec<transform::Input>) -> Vec<transform::Outcome> {
        OPEN.with_borrow_mut(|open| {
            let Some(Open { transformation, scratch }) = open else { return page.iter().map(|_| not_open()).collect() };
            let page: Vec<(String, Vec<(String, String)>)> = page.into_iter().map(parts).collect();
            let inputs: Vec<Input<'_>> = page.iter().map(|(document, variables)| Input { document, variables }).collect();
            seed(scratch);
            let outcomes = transformation.apply(scratch, &entity_type, operation.into(), &inputs, &mut HostRelations);
            outcomes.into_iter().map(outcome).collect()
        })
    }

    fn explain(entity_type: String, operation: transform::Operation, entity: transform::Input) -> transform::Explained {
        OPEN.with_borrow_mut(|open| {
            let Some(Open { transformation, scratch }) = open else {
                return transform::Explained { outcome: not_open(), steps: Vec::new() };
            };
            let (document, variables) = parts(entity);
            let input = Input { document: &document, variables: &variables };
            seed(scratch);
            let (result, steps) = transformation.explain(scratch, &entity_type, operation.into(), input, &mut HostRelations);
            let steps = steps.into_iter().map(|step| transform::Step { at: step.at, what: step.what, value: step.value }).collect();
            transform::Explained { outcome: outcome(result), steps }
        })
    }

    fn entity_types() -> Option<Vec<String>> {
        Some(OPEN.with_borrow(|open| open.as_ref().map(|open| open.transformation.entity_types()).unwrap_or_default()))
    }
}

/// Randomness of the host for one page. Where it has none, random passwords fail one by one.
fn seed(scratch: &mut Scratch) {
    let mut bytes = [0; 32];
    if getrandom::fill(&mut bytes).is_ok() {
        scratch.seed(bytes);
    }
}

/// The host's relations.
struct HostRelations;

impl Relations for HostRelations {
    fn find(&mut self, lookups: &[Lookup]) -> Vec<Option<String>> {
        let questions: Vec<sdk::relations::Lookup> = lookups
            .iter()
            .map(|lookup| sdk::relations::Lookup {
                entity_type: lookup.entity_type.clone(),
                source_id: lookup.source_id.clone(),
                source_system: lookup.source_system.clone(),
                target_system: lookup.target_system.clone(),
            })
            .collect();
        sdk::relations::find(&questions)
    }
}

impl From<transform::Operation> for Operation {
    fn from(operation: transform::Operation) -> Self {
        match operation {
            transform::Operation::Read => Self::Read,
            transform::Operation::Create => Self::Create,
            transform::Operation::Update => Self::Update,
            transform::Operation::Delete => Self::Delete,
            transform::Operation::Patch => Self::Patch,
        }
    }
}

/// An entity's document and variables.
fn parts(input: transform::Input) -> (String, Vec<(String, String)>) {
    (input.document, input.variables.into_iter().map(|variable| (variable.name, variable.value)).collect())
}

fn not_open() -> transform::Outcome {
    transform::Outcome::Failed(transform::Fault {
        code: "mapping.not-open".to_owned(),
        message: "no transformation is open".to_owned(),
        at: String::new(),
    })
}

fn diagnostic(diagnostic: crate::Diagnostic) -> transform::Diagnostic {
    transform::Diagnostic {
        severity: match diagnostic.severity {
            Severity::Error => transform::Severity::Error,
            Severity::Warning => transform::Severity::Warning,
        },
        code: diagnostic.code.to_owned(),
        pointer: diagnostic.pointer,
        line: diagnostic.line,
        column: diagnostic.column,
        message: diagnostic.message,
    }
}

fn outcome(outcome: Outcome) -> transform::Outcome {
    match outcome {
        Outcome::Mapped(mapped) => transform::Outcome::Mapped(transform::Mapped {
            document: mapped.document,
            variables: mapped.variables.into_iter().map(|(name, value)| transform::Variable { name, value }).collect(),
            unresolved: mapped.unresolved,
        }),
        Outcome::Skipped(Skip::OutOfScope { reason, source_id }) => {
            transform::Outcome::Skipped(transform::Skip::OutOfScope(transform::LeftOut { reason, source_id }))
        }
        Outcome::Skipped(Skip::Operation(reason)) => {
            transform::Outcome::Skipped(transform::Skip::Operation(transform::LeftOut { reason, source_id: None }))
        }
        Outcome::Failed(fault) => {
            transform::Outcome::Failed(transform::Fault { code: fault.code.to_owned(), message: fault.message, at: fault.at })
        }
        Outcome::Unmapped => transform::Outcome::Unmapped,
    }
}

crate::export!(Component with_types_in crate);
