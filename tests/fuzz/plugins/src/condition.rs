//! A condition, and behind it a document: parsed and evaluated.

use std::cell::Cell;

use mapping::condition::Filter;
use mapping::path::{BUDGET, Compiler, Constants, ParseError, PathError, Scope};
use serde_json::json;

use crate::document::{Document, GROUP, USER};
use crate::target::parts;
use crate::twice::twice;

pub fn check(data: &[u8]) {
    let Some([text, document]) = parts(data) else { return };
    let (constants, condition) = compile(text);
    assert_eq!(format!("{condition:?}"), format!("{:?}", compile(text).1));
    let (opposite_constants, opposite) = compile(&format!("!({text})"));
    if let Ok(condition) = condition {
        for document in [USER, GROUP, document].map(Document::parse).iter().flatten() {
            let (answer, spent) = accepts(&condition, &constants, document, BUDGET);
            assert_eq!(accepts(&condition, &constants, document, spent).0, answer, "with just enough steps");
            let short = accepts(&condition, &constants, document, spent / 2).0;
            assert!(short == answer || short == Err(PathError::Limit), "{short:?} instead of {answer:?}");
            // Both are false where an operand makes no sense.
            if let (Ok(true), Ok(opposite)) = (&answer, &opposite) {
                let opposite = accepts(opposite, &opposite_constants, document, BUDGET).0;
                assert_ne!(opposite, Ok(true), "it holds, and so does its opposite");
            }
        }
    }
    let transformation = json!({"user": {"condition": text, "mappings": [
        {"sourcePath": "$", "targetPath": "$"},
        {"constant": ["x"], "targetVariable": "v", "condition": text},
        {"sourcePath": "$.emails", "targetPath": "$.mails", "functions": [{"function": "elementAt", "index": 0, "condition": text}]},
    ]}});
    twice(&transformation.to_string(), &[USER, document]);
}

fn compile(text: &str) -> (Constants, Result<Filter, ParseError>) {
    let mut constants = Constants::default();
    let properties = [("a".to_owned(), "SAC_".to_owned())];
    let condition = Compiler::new(&mut constants, None, &properties).condition(text);
    (constants, condition)
}

/// Whether it holds, and the steps it took.
fn accepts(condition: &Filter, constants: &Constants, document: &Document, steps: u32) -> (Result<bool, PathError>, u32) {
    document.with(|root| {
        let (constants, budget) = (constants.doc(), Cell::new(steps));
        let answer = condition.accepts(root, &Scope { root, item: root, constants: &constants, variables: &[], budget: &budget });
        (answer, steps - budget.get())
    })
}
