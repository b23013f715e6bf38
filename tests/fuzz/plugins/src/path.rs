//! A path, and behind it a document: parsed, read, written to.

use std::cell::Cell;

use mapping::path::{BUDGET, Compiler, Constants, Found, ParseError, Path, PathError, Scope};
use serde_json::json;

use crate::document::{Document, GROUP, USER, is_json};
use crate::target::parts;
use crate::twice::twice;

pub fn check(data: &[u8]) {
    let Some([text, document]) = parts(data) else { return };
    let (first, path) = compile(text);
    let (second, again) = compile(text);
    assert_eq!(format!("{path:?}"), format!("{again:?}"));
    let documents = [USER, GROUP, document].map(Document::parse);
    if let Ok(path) = path {
        for document in documents.iter().flatten() {
            let (answer, spent) = read(&path, &first, document, BUDGET);
            // What it costs it costs again, also after another document has left its guesses in the path.
            assert_eq!(read(&path, &first, document, spent).0, answer, "with just enough steps");
            if spent > 0 {
                let (short, _) = read(&path, &first, document, spent / 2);
                assert!(short == answer || short == Err(PathError::Limit), "{short:?} instead of {answer:?}");
            }
            let again = again.as_ref().expect("it was compiled before");
            assert_eq!(read(again, &second, document, BUDGET).0, answer, "a path that has read nothing yet");
            if let Ok(json) = answer {
                assert!(is_json(&json), "{json}");
            }
        }
    }
    let transformation = json!({"user": {"mappings": [
        {"sourcePath": "$", "targetPath": "$"},
        {"sourcePath": text, "targetVariable": "v", "optional": true},
        {"constant": {"a": [1, {"b": 2}]}, "targetPath": text},
        {"sourcePath": text, "targetPath": "$.read", "optional": true},
        {"sourceVariable": "v", "variablePath": text, "targetPath": "$.variable", "optional": true},
        {"type": "remove", "targetPath": text},
    ]}});
    twice(&transformation.to_string(), &[USER, document]);
    for mapping in [json!({"constant": [1], "targetPath": text}), json!({"sourcePath": text, "targetPath": text})] {
        twice(&json!({"user": {"mappings": [mapping]}}).to_string(), &[USER, document]);
    }
}

fn compile(text: &str) -> (Constants, Result<Path, ParseError>) {
    let mut constants = Constants::default();
    let path = Compiler::new(&mut constants, None, &[]).path(text);
    (constants, path)
}

/// The answer as JSON text, and the steps it took.
fn read(path: &Path, constants: &Constants, document: &Document, steps: u32) -> (Result<String, PathError>, u32) {
    document.with(|root| {
        let (constants, budget) = (constants.doc(), Cell::new(steps));
        let found = path.read(&Scope { root, item: root, constants: &constants, variables: &[], budget: &budget });
        let answer = found.map(|found| {
            let mut out = String::new();
            match found {
                Found::One(hit) => hit.write(&mut out),
                Found::Many(hits) => {
                    assert!(!path.definite, "a definite path leads to at most one value");
                    out.push('[');
                    for (position, hit) in hits.iter().enumerate() {
                        if position > 0 {
                            out.push(',');
                        }
                        hit.write(&mut out);
                    }
                    out.push(']');
                }
            }
            out
        });
        (answer, steps - budget.get())
    })
}
