//! The same input gives the same answer: compiling and applying a transformation again changes nothing.

use mapping::{Diagnostic, Input, Lookup, Operation, Outcome, Relations, Scratch, Severity, Transformation};

use crate::document::is_json;

const OPERATIONS: [Operation; 5] = [Operation::Read, Operation::Create, Operation::Update, Operation::Delete, Operation::Patch];

/// Knows everybody but `unknown`.
struct Known;

impl Relations for Known {
    fn find(&mut self, lookups: &[Lookup]) -> Vec<Option<String>> {
        let id = |lookup: &Lookup| (lookup.source_id != "unknown").then(|| format!("{}-{}", lookup.entity_type, lookup.source_id));
        lookups.iter().map(id).collect()
    }
}

/// The properties that `%name%` of the published transformations stand for.
fn properties() -> Vec<(String, String)> {
    ["ips.application.id", "sac.group.prefix", "sf.group.prefix", "a"].map(|name| (name.to_owned(), "SAC_".to_owned())).to_vec()
}

/// Compile the text twice and apply it to the documents twice, as every operation; answers whether it is a transformation at all.
pub fn twice(text: &str, documents: &[&str]) -> bool {
    let properties = properties();
    let (once, again) = (Transformation::compile(text, &properties), Transformation::compile(text, &properties));
    let findings = |compiled: &Result<(Transformation, Vec<Diagnostic>), Vec<Diagnostic>>| match compiled {
        Ok((_, warnings)) => warnings.clone(),
        Err(findings) => findings.clone(),
    };
    assert_eq!(findings(&once), findings(&again), "compiling again finds something else");
    let lines = text.split('\n').count();
    for finding in findings(&once) {
        assert!(finding.line as usize <= lines && finding.code.starts_with("mapping.") && !finding.message.is_empty(), "{finding:?}");
    }
    let is_error = |finding: &Diagnostic| finding.severity == Severity::Error;
    let (Ok((once, warnings)), Ok((again, _))) = (&once, &again) else {
        assert!(findings(&once).iter().any(is_error), "refused without an error");
        return false;
    };
    assert!(!warnings.iter().any(is_error), "loaded in spite of an error");
    assert_eq!(once.entity_types(), again.entity_types());

    let variables = [("entityIdTargetSystem".to_owned(), r#""t7""#.to_owned()), ("v".to_owned(), r#"["x","y"]"#.to_owned())];
    let page: Vec<Input<'_>> = documents.iter().map(|document| Input { document, variables: &variables }).collect();
    let mut scratch = Scratch::default();
    let mut types = once.entity_types();
    types.truncate(3);
    for entity_type in types {
        for operation in OPERATIONS {
            let outcomes = once.apply(&mut scratch, &entity_type, operation, &page, &mut Known);
            assert_eq!(outcomes.len(), page.len());
            let others = again.apply(&mut Scratch::default(), &entity_type, operation, &page, &mut Known);
            assert_eq!(outcomes, others, "{operation:?} again answers something else");
            for (input, outcome) in page.iter().zip(&outcomes) {
                let (explained, _) = once.explain(&mut scratch, &entity_type, operation, *input, &mut Known);
                assert_eq!(*outcome, explained, "explained, {operation:?} answers something else");
                if let Outcome::Mapped(mapped) = outcome {
                    assert!(is_json(&mapped.document), "{}", mapped.document);
                    assert!(mapped.variables.iter().all(|(_, value)| is_json(value)), "{:?}", mapped.variables);
                }
            }
        }
    }
    true
}
