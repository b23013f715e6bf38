//! A transformation in the place of the component `mapping`. Its language is a list of words; documents pass as they are, and the text of `"id":"..."` is the
//! source id. A document that holds `panic!` makes it panic.
//!
//! | word in the transformation | what it does |
//! | --- | --- |
//! | `few` | one outcome less than entities |
//! | `refused` | `open` answers an error about the text |

use std::cell::Cell;

use sdk::Setting;

sdk::world!("transformation", "../../../wit");
use exports::provisor::connector::{descriptor, transform};

struct Mapper;

thread_local! {
    static FEW: Cell<bool> = const { Cell::new(false) };
}

impl descriptor::Guest for Mapper {
    fn describe() -> descriptor::Description {
        descriptor::Description {
            id: "mapping".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Passes documents as they are and panics on some.".to_owned(),
            roles: vec![descriptor::Role::Transformation],
            entity_types: Vec::new(),
            properties: Vec::new(),
            capabilities: Vec::new(),
            default_read_transformation: None,
            default_write_transformation: None,
        }
    }
}

impl transform::Guest for Mapper {
    fn open(text: String, _: Vec<Setting>) -> Result<Vec<transform::Diagnostic>, Vec<transform::Diagnostic>> {
        FEW.set(text.contains("few"));
        if !text.contains("refused") {
            return Ok(Vec::new());
        }
        Err(vec![transform::Diagnostic {
            severity: transform::Severity::Error,
            code: "mapper.refused".to_owned(),
            pointer: "/user".to_owned(),
            line: 3,
            column: 14,
            message: "the text asks to be refused".to_owned(),
        }])
    }

    fn apply(_: String, operation: transform::Operation, page: Vec<transform::Input>) -> Vec<transform::Outcome> {
        let wanted = page.len() - usize::from(FEW.get());
        page.into_iter().take(wanted).map(|input| pass(operation, input)).collect()
    }

    fn explain(_: String, operation: transform::Operation, entity: transform::Input) -> transform::Explained {
        transform::Explained { outcome: pass(operation, entity), steps: Vec::new() }
    }

    fn entity_types() -> Option<Vec<String>> {
        Some(vec!["user".to_owned()])
    }
}

fn pass(operation: transform::Operation, input: transform::Input) -> transform::Outcome {
    assert!(!input.document.contains("panic!"), "a document with panic! in it");
    if matches!(operation, transform::Operation::Delete) {
        return transform::Outcome::Unmapped;
    }
    let id = input.document.split_once("\"id\":\"").and_then(|(_, rest)| rest.split_once('"')).map(|(id, _)| id);
    let variables = id.map(|id| transform::Variable { name: "entityIdSourceSystem".to_owned(), value: format!("\"{id}\"") });
    let variables = variables.into_iter().collect();
    transform::Outcome::Mapped(transform::Mapped { document: input.document, variables, unresolved: Vec::new() })
}

export!(Mapper with_types_in self);
