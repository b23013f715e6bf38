use super::{Diagnostic, Severity, Transformation};

fn findings(text: &str) -> Vec<Diagnostic> {
    match Transformation::compile(text, &[]) {
        Ok((_, findings)) | Err(findings) => findings,
    }
}

/// Code and pointer of every finding.
fn short(text: &str) -> Vec<(&'static str, String)> {
    findings(text).into_iter().map(|finding| (finding.code, finding.pointer)).collect()
}

/// The only error of a mapping: code, pointer below the mapping, a part of the message.
#[track_caller]
fn wrong(mapping: &str, code: &str, pointer: &str, message: &str) {
    let found = findings(&format!(r#"{{"user":{{"mappings":[{mapping}]}}}}"#));
    let errors: Vec<&Diagnostic> = found.iter().filter(|finding| finding.severity == Severity::Error).collect();
    let [error] = errors[..] else { panic!("{mapping}: {errors:#?}") };
    assert_eq!((error.code, &*error.pointer), (code, &*format!("/user/mappings/0{pointer}")), "{mapping}");
    assert!(error.message.contains(message), "{mapping}: {}", error.message);
}

#[test]
fn all_mistakes_come_out_at_once_each_with_its_place() {
    let text = r#"{
  // a comment, so that the places are those of the text as it was written
  "user": {
    "mapings": [],
    "condition": "$.a ==",
    "skipOperations": ["creat", 1],
    "mappings": [
      { "sourcPath": "$.a", "targetPath": "$.é", "optional": "maybe" },
      /* and another */ { "sourcePath": "$.a[", "targetPath": "$..x", "scope": "create" },
      { "sourcePath": "$.a", "targetPath": "$.x", "functions": [{ "function": "concatStrin" }, { "function": "elementAt" }] },
      7
    ]
  },
  "group": []
}"#;
    let found: Vec<(&str, String, u32, u32)> =
        findings(text).into_iter().map(|finding| (finding.code, finding.pointer, finding.line, finding.column)).collect();
    let expected = [
        ("mapping.unknown-key", "/user/mapings", 4, 5),
        ("mapping.invalid-condition", "/user/condition", 5, 18),
        ("mapping.unknown-operation", "/user/skipOperations/0", 6, 24),
        ("mapping.wrong-type", "/user/skipOperations/1", 6, 33),
        ("mapping.unknown-key", "/user/mappings/0/sourcPath", 8, 9),
        ("mapping.no-source", "/user/mappings/0", 8, 7),
        ("mapping.wrong-type", "/user/mappings/0/optional", 8, 62),
        ("mapping.unknown-scope", "/user/mappings/1/scope", 9, 80),
        ("mapping.invalid-target", "/user/mappings/1/targetPath", 9, 63),
        ("mapping.invalid-path", "/user/mappings/1/sourcePath", 9, 41),
        ("mapping.unknown-function", "/user/mappings/2/functions/0/function", 10, 79),
        ("mapping.missing-parameter", "/user/mappings/2/functions/1", 10, 96),
        ("mapping.wrong-type", "/user/mappings/3", 11, 7),
        ("mapping.no-id", "/user", 3, 11),
        ("mapping.wrong-type", "/group", 14, 12),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, (code, pointer, line, column)) in found.iter().zip(expected) {
        assert_eq!((found.0, &*found.1, found.2, found.3), (code, pointer, line, column));
    }
}

#[test]
fn messages_say_what_would_be_right() {
    let good = r#""sourcePath":"$.a","targetPath":"$.x""#;
    wrong(&format!(r#"{{{good},"optonal":true}}"#), "mapping.unknown-key", "/optonal", "did you mean `optional`?");
    wrong(&format!(r#"{{{good},"zzz":true}}"#), "mapping.unknown-key", "/zzz", "known are type, sourcePath");
    wrong(&format!(r#"{{{good},"scope":"createentity"}}"#), "mapping.unknown-scope", "/scope", "did you mean createEntity?");
    wrong(&format!(r#"{{{good},"type":"sett"}}"#), "mapping.unknown-type", "/type", "did you mean set?");
    wrong(&format!(r#"{{{good},"constant":1}}"#), "mapping.ambiguous-source", "", "not sourcePath and constant");
    wrong(&format!(r#"{{{good},"variablePath":"$"}}"#), "mapping.ambiguous-source", "", "sourceVariable");
    wrong(r#"{"sourcePath":"$.a"}"#, "mapping.no-target", "", "`targetPath`");
    wrong(r#"{"targetPath":"$.a"}"#, "mapping.no-source", "", "`sourcePath`");
    wrong(r#"{"sourcePath":"$.a.lenght()","targetPath":"$.x"}"#, "mapping.invalid-path", "/sourcePath", "did you mean length()?");
    wrong(r#"{"sourcePath":"$.a","targetPath":"$.x[-1]"}"#, "mapping.invalid-target", "/targetPath", "between 0 and");
    wrong(r#"{"sourcePath":"$.a","targetPath":"$.x[?(@.a == 1)]"}"#, "mapping.invalid-target", "/targetPath", "[?(@.key)]");
    wrong(r#"{"type":"rename","targetPath":"$.x"}"#, "mapping.missing-key", "", "new name");
    wrong(r#"{"type":"rename","targetPath":"$.x[0]","constant":"y"}"#, "mapping.invalid-target", "/targetPath", "only a name");
    wrong(
        r#"{"type":"valueMapping","sourcePaths":["$.a"],"targetPath":"$.x","valueMappings":[{"key":[],"mappedValue":1}]}"#,
        "mapping.wrong-type",
        "/valueMappings/0/key",
        "a list of 1 texts",
    );
    let with = |function: &str| format!(r#"{{{good},"functions":[{function}]}}"#);
    wrong(
        &with(r#"{"function":"toUpperCaseStrng"}"#),
        "mapping.unknown-function",
        "/functions/0/function",
        "did you mean toUpperCaseString?",
    );
    wrong(&with(r#"{"function":"isValidEmail"}"#), "mapping.unknown-function", "/functions/0/function", "it stands in a condition");
    wrong(&with(r#"{"type":"substring","beginIndex":"x"}"#), "mapping.wrong-type", "/functions/0/beginIndex", "a whole number");
    wrong(
        &with(r#"{"type":"substring","beginIndex":0,"endindex":1}"#),
        "mapping.unknown-parameter",
        "/functions/0/endindex",
        "did you mean `endIndex`?",
    );
    wrong(&with(r#"{"type":"matchRegex","regex":"("}"#), "mapping.invalid-regex", "/functions/0/regex", "no regular expression");
    wrong(
        &with(r#"{"condition":"isValidEmal(@)","type":"toString"}"#),
        "mapping.invalid-condition",
        "/functions/0/condition",
        "did you mean isValidEmail?",
    );
    wrong(&with("{}"), "mapping.missing-key", "/functions/0", "`function`");
}

#[test]
fn a_text_that_is_no_json_has_a_place() {
    let found = findings("{\n  \"user\": { \"mappings\": [ }\n}");
    assert_eq!((found[0].code, found[0].line, found[0].column), ("mapping.invalid-json", 2, 27));
    assert_eq!(short("[]"), [("mapping.wrong-type", String::new())]);
}

#[test]
fn warnings_do_not_keep_a_transformation_from_loading() {
    let (_, warnings) = Transformation::compile(r#"{"user":{"mappings":[{"sourcePath":"$.%a%","targetPath":"$.%a%"},{"sourcePath":"$.b","targetVariable":"entityIdSourceSystem"}]}}"#, &[])
        .expect("a transformation");
    assert_eq!(warnings.len(), 1);
    assert_eq!((warnings[0].code, warnings[0].severity), ("mapping.unset-property", Severity::Warning));
    assert_eq!(short("{}"), [("mapping.no-entities", String::new())]);
    assert_eq!(short(r#"{"user":{"ignore":"true"}}"#), []);
    assert_eq!(
        short(r#"{"user":{"mappings":[{"sourcePath":"$.a","correlationAttribute":true,"hashing":false}],"scimEntityEndpoint":"Users"}}"#),
        [("mapping.no-id", "/user".to_owned())]
    );
}

#[test]
fn properties_are_filled_in_once() {
    let properties = [("a".to_owned(), "1%b%\"\\".to_owned()), ("b".to_owned(), "2".to_owned())];
    for (text, expected) in [("%a%-%b%", "1%b%\"\\-2"), ("%c%", "null"), ("50% off", "50% off"), ("%%a%%", "%%a%%"), ("%", "%"), ("", "")] {
        assert_eq!(super::substitute(text, &properties, |_| {}), expected, "{text}");
    }
}
