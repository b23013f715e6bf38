//! What holds of any transformation on any document.

use proptest::prelude::*;

use super::any::transformation;
use super::tests::{Known, apply, mapped, mappings};
use super::*;
use crate::json::tests::{any_json, any_object};

/// An object as text that may name a key more than once, at any depth.
fn any_text_with_duplicates() -> impl Strategy<Value = String> {
    let members = |value: BoxedStrategy<String>| {
        prop::collection::vec(("[a-c]", value), 0..6).prop_map(|members| {
            format!("{{{}}}", members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect::<Vec<_>>().join(","))
        })
    };
    let value = any_json().prop_map(|json| json.to_string()).boxed();
    let inner = prop_oneof![value.clone(), members(value)].boxed();
    members(inner)
}

const OPERATIONS: [Operation; 5] = [Operation::Read, Operation::Create, Operation::Update, Operation::Delete, Operation::Patch];

proptest! {
    #[test]
    fn a_copy_of_everything_is_the_identity(json in any_object()) {
        let text = json.to_string();
        let outcome = mapped(apply(&mappings(r#"{"sourcePath":"$","targetPath":"$"}"#), Operation::Read, &text, &[]));
        prop_assert_eq!(&outcome.document, &text);
        // Also where the copy is opened on the way.
        let opened = mapped(apply(&mappings(r#"{"sourcePath":"$","targetPath":"$"},{"constant":1,"targetPath":"$.new-key"},{"type":"remove","targetPath":"$.new-key"}"#), Operation::Read, &text, &[]));
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&opened.document).expect("JSON"), json);
    }

    #[test]
    fn of_equal_keys_a_copy_has_the_last(text in any_text_with_duplicates()) {
        let outcome = mapped(apply(&mappings(r#"{"sourcePath":"$","targetPath":"$"}"#), Operation::Read, &text, &[]));
        let expected: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        prop_assert_eq!(outcome.document, expected.to_string());
    }

    #[test]
    fn any_transformation_on_any_document_gives_the_same_twice(text in transformation(), json in any_object(), v in ".{0,4}", operation in 0..5usize) {
        let document = json.to_string();
        let variables = [("v".to_owned(), serde_json::Value::from(v).to_string())];
        let properties = [("p".to_owned(), "P".to_owned()), ("some.prefix".to_owned(), "x".to_owned())];
        let operation = OPERATIONS[operation];
        let compile = || match Transformation::compile(&text, &properties) {
            Ok(compiled) => Ok(compiled),
            Err(findings) => Err(TestCaseError::fail(format!("{text}: {findings:#?}"))),
        };
        let (transformation, findings) = compile()?;
        let page = [Input { document: &document, variables: &variables }; 2];
        let mut scratch = Scratch::default();
        let outcomes = transformation.apply(&mut scratch, "user", operation, &page, &mut Known::default());
        prop_assert_eq!(&outcomes[0], &outcomes[1]);
        // The same in memory that was used before, explained, and compiled anew.
        let (explained, _) = transformation.explain(&mut scratch, "user", operation, page[0], &mut Known::default());
        prop_assert_eq!(&outcomes[0], &explained);
        let (again, found_again) = compile()?;
        prop_assert_eq!(findings, found_again);
        prop_assert_eq!(&outcomes[..1], &again.apply(&mut Scratch::default(), "user", operation, &page[..1], &mut Known::default())[..]);
        if let Outcome::Mapped(mapped) = &outcomes[0] {
            for json in std::iter::once(&mapped.document).chain(mapped.variables.iter().map(|(_, value)| value)) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{}", json);
            }
        }
    }

    #[test]
    fn every_step_of_the_way_is_json_and_has_a_place(text in transformation(), json in any_object()) {
        let tree: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let Ok((transformation, findings)) = Transformation::compile(&text, &[]) else { return Ok(()) };
        let document = json.to_string();
        let input = Input { document: &document, variables: &[] };
        let (_, steps) = transformation.explain(&mut Scratch::default(), "user", Operation::Create, input, &mut Known::default());
        for step in steps {
            prop_assert!(tree.pointer(&step.at).is_some(), "{}", step.at);
            prop_assert!(step.value.is_none_or(|value| serde_json::from_str::<serde_json::Value>(&value).is_ok()));
        }
        for finding in findings {
            prop_assert!(tree.pointer(&finding.pointer).is_some() && finding.line == 1 && finding.column > 0, "{:?}", finding);
        }
    }

    #[test]
    fn any_text_is_loaded_or_refused(text in r#"[\[\]{}:,"'\\ 0-9a-z.$@%*?()/=!&|<>~\n-]{0,60}"#) {
        let _ = Transformation::compile(&text, &[]);
        let wrapped = |key: &str| serde_json::json!({"user": {"mappings": [{key: text, "constant": "c", "targetPath": "$.x"}]}}).to_string();
        for key in ["condition", "sourcePath", "targetPath", "targetVariable", "type", "functions"] {
            let wrapped = wrapped(key);
            if let Err(findings) = Transformation::compile(&wrapped, &[("a".to_owned(), "b".to_owned())]) {
                // Every finding has a place in the text.
                prop_assert!(findings.iter().all(|finding| finding.line == 1 && (finding.column as usize) <= wrapped.chars().count() + 1));
            }
        }
        let function = serde_json::json!({"user": {"mappings": [{"constant": "c", "targetPath": "$.x", "functions": [{"function": "replaceFirstString", "regex": text, "replacement": text}]}]}});
        if let Ok((transformation, _)) = Transformation::compile(&function.to_string(), &[]) {
            let _ = apply(&transformation, Operation::Read, "{}", &[]);
        }
    }
}
