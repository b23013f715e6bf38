//! What holds of any mapping on any document.

use proptest::prelude::*;

use super::tests::{Known, apply, mapped, mappings};
use super::*;
use crate::document::{Diagnostic, Severity};
use crate::json::tests::any_object;

/// Pieces that a mapping may be made of, right and wrong ones.
fn any_mapping() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec![
        "$",
        "$.a",
        "$.a.b",
        "$.a[0]",
        "$.a[*]",
        "$.a[*].b",
        "$..a",
        "$.a[?(@.b)]",
        "$.a[?(@.b == 1)].c",
        "$['a','b']",
        "$.a.length()",
        "$.a[1:2]",
        "$[",
        "",
    ]);
    let condition = prop::sample::select(vec![
        "$.a",
        "$.a EMPTY true",
        "!($.a == 'x')",
        "$.a[?(@.b)] != []",
        "'${v}' == 'x'",
        "${v} == 1",
        "$.a =~ /x.*/",
        "isValidEmail($.a)",
    ]);
    let function = prop::sample::select(vec![
        r#"{"function":"toUpperCaseString"}"#,
        r#"{"function":"elementAt","index":0}"#,
        r#"{"function":"concatString","prefix":"${v}","suffix":"$.a"}"#,
        r#"{"function":"putIfAbsent","key":"b","defaultValue":[1],"condition":"@.a"}"#,
        r#"{"function":"resolveEntityIds"}"#,
        r#"{"function":"splitStringToArray","separator":"x"}"#,
        r#"{"function":"renameMapEntry","sourceKey":"a","targetKey":"b"}"#,
        r#"{"function":"toString"}"#,
        r#"{"function":"substring","beginIndex":"1","endIndex":2}"#,
        r#"{"function":"replaceAllString","regex":"(a|b)+","replacement":"$1","applyOnElements":true}"#,
        r#"{"function":"copyMapEntry","sourceKey":"a","targetKey":"c"}"#,
        r#"{"function":"toLowerCaseString","applyOnAttribute":"a","assignToAttribute":"z"}"#,
    ]);
    let source = prop_oneof![
        path.clone().prop_map(|path| format!(r#""sourcePath":"{path}""#)),
        Just(r#""constant":{"a":[{"b":1},"x"]}"#.to_owned()),
        Just(r#""sourceVariable":"v","variablePath":"$[*]""#.to_owned()),
        Just(r#""sourceVariable":"v""#.to_owned()),
    ];
    let kind = prop::sample::select(vec![
        "",
        r#","type":"remove""#,
        r#","type":"rename","constant":"r""#,
        r#","targetVariable":"v""#,
        r#","optional":true"#,
        r#","defaultValue":null"#,
    ]);
    (source, path, kind, prop::option::of(condition), prop::collection::vec(function, 0..3)).prop_map(
        |(source, target, kind, condition, functions)| {
            let condition = condition.map(|condition| format!(r#","condition":"{condition}""#)).unwrap_or_default();
            format!(r#"{{{source},"targetPath":"{target}"{kind}{condition},"functions":[{}]}}"#, functions.join(","))
        },
    )
}

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
    fn any_mapping_on_any_document_gives_the_same_twice(list in prop::collection::vec(any_mapping(), 0..6), json in any_object(), v in ".{0,4}") {
        let text = format!(r#"{{"user": {{"mappings": [{}]}}}}"#, list.join(","));
        let document = json.to_string();
        let variables = [("v".to_owned(), serde_json::Value::from(v).to_string())];
        let compiled: Result<(Transformation, Vec<Diagnostic>), Vec<Diagnostic>> = Transformation::compile(&text, &[]);
        match compiled {
            Ok((transformation, _)) => {
                let page = [Input { document: &document, variables: &variables }; 2];
                let mut scratch = Scratch::default();
                let outcomes = transformation.apply(&mut scratch, "user", Operation::Create, &page, &mut Known::default());
                let (explained, _) = transformation.explain(&mut scratch, "user", Operation::Create, page[0], &mut Known::default());
                prop_assert_eq!(&outcomes[0], &outcomes[1]);
                prop_assert_eq!(&outcomes[0], &explained);
                if let Outcome::Mapped(mapped) = &outcomes[0] {
                    prop_assert!(serde_json::from_str::<serde_json::Value>(&mapped.document).is_ok(), "{}", mapped.document);
                }
            }
            Err(findings) => prop_assert!(findings.iter().any(|finding| finding.severity == Severity::Error)),
        }
    }

    #[test]
    fn any_text_is_loaded_or_refused(text in r#"[\[\]{}:,"'\\ 0-9a-z.$@%*?()/=!&|<>~\n-]{0,60}"#) {
        let _ = Transformation::compile(&text, &[]);
        let wrapped = |key: &str| serde_json::json!({"user": {"mappings": [{key: text, "constant": "c", "targetPath": "$.x"}]}}).to_string();
        for key in ["condition", "sourcePath", "targetPath", "targetVariable", "type", "functions"] {
            let _ = Transformation::compile(&wrapped(key), &[("a".to_owned(), "b".to_owned())]);
        }
        let function = serde_json::json!({"user": {"mappings": [{"constant": "c", "targetPath": "$.x", "functions": [{"function": "replaceFirstString", "regex": text, "replacement": text}]}]}});
        if let Ok((transformation, _)) = Transformation::compile(&function.to_string(), &[]) {
            let _ = apply(&transformation, Operation::Read, "{}", &[]);
        }
    }
}
