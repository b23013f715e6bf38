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
        ("mapping.invalid-condition", "/user/condition", 5, 25),
        ("mapping.unknown-operation", "/user/skipOperations/0", 6, 24),
        ("mapping.wrong-type", "/user/skipOperations/1", 6, 33),
        ("mapping.unknown-key", "/user/mappings/0/sourcPath", 8, 9),
        ("mapping.no-source", "/user/mappings/0", 8, 7),
        ("mapping.wrong-type", "/user/mappings/0/optional", 8, 62),
        ("mapping.unknown-scope", "/user/mappings/1/scope", 9, 80),
        ("mapping.invalid-target", "/user/mappings/1/targetPath", 9, 63),
        ("mapping.invalid-path", "/user/mappings/1/sourcePath", 9, 45),
        ("mapping.unknown-function", "/user/mappings/2/functions/0/function", 10, 79),
        ("mapping.missing-parameter", "/user/mappings/2/functions/1", 10, 96),
        ("mapping.wrong-type", "/user/mappings/3", 11, 7),
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

/// What a text is told: severity, code, pointer, line and column of every finding. `^` is the place; it is taken out before.
#[track_caller]
fn at_the_mark(text: &str, properties: &[(&str, &str)], severity: Severity, code: &str, pointer: &str, message: &str) {
    let (before, after) = text.split_once('^').expect("a mark");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    let properties: Vec<(String, String)> = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (Ok((_, findings)) | Err(findings)) = Transformation::compile(&format!("{before}{after}"), &properties);
    let [finding] = &findings[..] else { panic!("{text}: {findings:#?}") };
    assert_eq!((finding.severity, finding.code, &*finding.pointer), (severity, code, pointer), "{text}");
    assert_eq!((finding.line as usize, finding.column as usize), (line, column), "{text}: {}", finding.message);
    assert!(finding.message.contains(message), "{text}: {}", finding.message);
}

/// Mappings with an id, so that nothing else is told.
fn with_id(mappings: &str) -> String {
    format!("{{\"user\":{{\"mappings\":[\n{{\"sourcePath\":\"$.id\",\"targetVariable\":\"entityIdSourceSystem\"}},\n{mappings}]}}}}")
}

#[test]
fn errors_point_at_the_character() {
    for (mapping, code, key, message) in [
        (r#"{"condition":"$.a ^= 1","constant":1,"targetPath":"$.x"}"#, "mapping.invalid-condition", "condition", "did you mean ==?"),
        (
            r#"{"condition":"$.a == 1 ^and $.b","constant":1,"targetPath":"$.x"}"#,
            "mapping.invalid-condition",
            "condition",
            "did you mean &&?",
        ),
        (
            r#"{"condition":"$.a ^EMTPY true","constant":1,"targetPath":"$.x"}"#,
            "mapping.invalid-condition",
            "condition",
            "did you mean EMPTY?",
        ),
        (r#"{"condition":"$.a == ^work","constant":1,"targetPath":"$.x"}"#, "mapping.invalid-condition", "condition", "'work' or $.work"),
        (
            "{\"condition\":\"$.a == ^\u{2018}x\u{2019}\",\"constant\":1,\"targetPath\":\"$.x\"}",
            "mapping.invalid-condition",
            "condition",
            "straight quotes",
        ),
        (
            r#"{"condition":"$.a == ^'x","constant":1,"targetPath":"$.x"}"#,
            "mapping.invalid-condition",
            "condition",
            "the quote is not closed",
        ),
        (
            r#"{"condition":"($.a == 1^","constant":1,"targetPath":"$.x"}"#,
            "mapping.invalid-condition",
            "condition",
            "at the end of `($.a == 1`",
        ),
        (
            r#"{"condition":"$.é == 1 && $.b^[x] == 2","constant":1,"targetPath":"$.x"}"#,
            "mapping.invalid-condition",
            "condition",
            "in brackets stands",
        ),
        (r#"{"condition":"$.a =~ ^/(/","constant":1,"targetPath":"$.x"}"#, "mapping.invalid-condition", "condition", ""),
        (r#"{"condition":"isValidEmail($.a^[x])","constant":1,"targetPath":"$.x"}"#, "mapping.invalid-condition", "condition", ""),
        (
            r#"{"condition":"^isVaildEmail($.a)","constant":1,"targetPath":"$.x"}"#,
            "mapping.invalid-condition",
            "condition",
            "did you mean isValidEmail?",
        ),
        (
            r#"{"condition":"$.a.^lenght() == 1","constant":1,"targetPath":"$.x"}"#,
            "mapping.invalid-path",
            "condition",
            "did you mean length()?",
        ),
        (r#"{"sourcePath":"$.a[?(@.b ^=> 1)]","targetPath":"$.x"}"#, "mapping.invalid-path", "sourcePath", "did you mean >=?"),
        (r#"{"sourcePath":"a.b^[x]","targetPath":"$.x"}"#, "mapping.invalid-path", "sourcePath", ""),
        (r#"{"sourcePath":"$.a.my^ name","targetPath":"$.x"}"#, "mapping.invalid-path", "sourcePath", "['my name']"),
        (r#"{"sourcePath":"$.a.sum($.b^[x])","targetPath":"$.x"}"#, "mapping.invalid-path", "sourcePath", ""),
        // With an escape or a property in it, the text is pointed at as a whole.
        (r#"{"condition":^"$['\u0061'] = 1","constant":1,"targetPath":"$.x"}"#, "mapping.invalid-condition", "condition", ""),
    ] {
        at_the_mark(&with_id(mapping), &[], Severity::Error, code, &format!("/user/mappings/1/{key}"), message);
    }
    let with_property = with_id(r#"{"condition":^"$.a = '%p%'","constant":1,"targetPath":"$.x"}"#);
    at_the_mark(&with_property, &[("p", "v")], Severity::Error, "mapping.invalid-condition", "/user/mappings/1/condition", "`$.a = 'v'`");
    // A byte order mark is not a character of the first line.
    let found = findings("\u{feff}[");
    assert_eq!((found[0].code, found[0].line, found[0].column), ("mapping.invalid-json", 1, 2));
}

#[test]
fn doubts_are_warnings() {
    for (mappings, code, pointer, message) in [
        // Two keys of one name.
        (r#"{"constant":1,"targetPath":"$.x",^"constant":2}"#, "mapping.duplicate-key", "/1/constant", "the last one counts"),
        // The value never arrives.
        (
            r#"^{"constant":1,"targetPath":"$.x"},{"sourcePath":"$.a","targetPath":"$['x']"}"#,
            "mapping.overwritten",
            "/1",
            "/user/mappings/2",
        ),
        (
            r#"^{"sourcePath":"$.a","targetPath":"$.x.y","optional":true},{"constant":{},"targetPath":"$.x"}"#,
            "mapping.overwritten",
            "/1",
            "/user/mappings/2",
        ),
        (r#"^{"constant":1,"targetPath":"$.x","scope":"createEntity"},{"constant":2,"targetPath":"$.x"}"#, "mapping.overwritten", "/1", ""),
        (
            r#"^{"constant":1,"targetVariable":"v"},{"constant":2,"targetVariable":"v"},{"sourceVariable":"v","targetPath":"$.x"}"#,
            "mapping.overwritten",
            "/1",
            "/user/mappings/2",
        ),
        (
            r#"^{"constant":1,"targetPath":"$.x[0].y"},{"type":"remove","targetPath":"$.x[*].y"}"#,
            "mapping.removed",
            "/1",
            "/user/mappings/2",
        ),
        // Conditions that are none.
        (
            r#"{"condition":^"'a' == 'a'","constant":1,"targetPath":"$.x"}"#,
            "mapping.constant-condition",
            "/1/condition",
            "is true for every",
        ),
        (
            r#"{"condition":^"$.a && 1 > 2","constant":1,"targetPath":"$.x"}"#,
            "mapping.constant-condition",
            "/1/condition",
            "is false for every",
        ),
        (
            r#"{"sourcePath":"$.a","targetPath":"$.x","functions":[{"function":"toString","condition":^"!(1 == 2)"}]}"#,
            "mapping.constant-condition",
            "/1/functions/0/condition",
            "is true",
        ),
        // Variables.
        (r#"{"sourceVariable":^"mien","targetPath":"$.x"}"#, "mapping.unset-variable", "/1/sourceVariable", "no mapping sets"),
        (
            r#"{"constant":"c","targetPath":"$.x","functions":[{"function":"concatString","suffix":^"${entityIdSourceSytem}"}]}"#,
            "mapping.unset-variable",
            "/1/functions/0/suffix",
            "did you mean entityIdSourceSystem?",
        ),
        (
            r#"{"condition":^"'${v}' == 'a'","constant":1,"targetPath":"$.x"},{"constant":1,"targetVariable":"v"}"#,
            "mapping.unset-variable",
            "/1/condition",
            "set only later, by /user/mappings/2",
        ),
        (r#"{"constant":1,"targetVariable":^"mine"}"#, "mapping.unused-variable", "/1/targetVariable", "nothing reads"),
        // Functions.
        (
            r#"{"sourcePath":"$.a","targetPath":"$.x","functions":[^{"function":"concatString"}]}"#,
            "mapping.no-effect",
            "/1/functions/0",
            "neither",
        ),
        (
            r#"{"sourcePath":"$.a","targetPath":"$.x","functions":[^{"type":"renameMapEntry","sourceKey":"a","targetKey":"a"}]}"#,
            "mapping.no-effect",
            "/1/functions/0",
            "are the same",
        ),
        (
            r#"{"sourcePath":"$.a","targetPath":"$.x","functions":[^{"type":"substring","beginIndex":"0"}]}"#,
            "mapping.no-effect",
            "/1/functions/0",
            "first character",
        ),
        (
            r#"{"sourcePath":"$.a","targetPath":"$.x","functions":[^{"type":"replaceString","target":"a","replacement":"a"}]}"#,
            "mapping.no-effect",
            "/1/functions/0",
            "",
        ),
        // One cannot do without, the other can.
        (
            r#"{"sourcePath":^"$.a.b","targetPath":"$.x"},{"sourcePath":"$.a['b']","targetPath":"$.y","optional":true}"#,
            "mapping.unguarded",
            "/1/sourcePath",
            "/user/mappings/2 is ready to do without",
        ),
        (
            r#"{"sourcePath":^"$.a","targetPath":"$.x"},{"condition":"$.a EMPTY false","sourcePath":"$.a","targetPath":"$.y"}"#,
            "mapping.unguarded",
            "/1/sourcePath",
            "defaultValue or a condition",
        ),
        (r#"{"constant":"^%unset%","targetPath":"$.x"}"#, "mapping.unset-property", "/1/constant", "did you mean %unsent%?"),
    ] {
        at_the_mark(&with_id(mappings), &[("unsent", "v")], Severity::Warning, code, &format!("/user/mappings{pointer}"), message);
    }
    at_the_mark(r#"{"user":^{"mappings":[]}}"#, &[], Severity::Warning, "mapping.no-id", "/user", "entityIdSourceSystem");
}

#[test]
fn what_is_done_on_purpose_is_no_doubt() {
    for mappings in [
        // A copy that is cut down and changed.
        r#"{"sourcePath":"$","targetPath":"$"},{"type":"remove","targetPath":"$.id"},{"constant":1,"targetPath":"$.x"},{"type":"rename","targetPath":"$.x","constant":"y"},{"constant":2,"targetPath":"$.x"}"#,
        // A default and what overrides it.
        r#"{"constant":1,"targetPath":"$.x"},{"constant":2,"targetPath":"$.x","scope":"createEntity"},{"condition":"$.a","constant":3,"targetPath":"$.x"},{"sourcePath":"$.b","optional":true,"targetPath":"$.x"}"#,
        r#"{"constant":"u","targetVariable":"v"},{"constant":"c","targetVariable":"v","scope":"createEntity"},{"condition":"'${v}' == 'c'","constant":1,"targetPath":"$.x"}"#,
        r#"{"sourcePath":"$.a","targetPath":"$.x"},{"sourcePath":"$.m","targetPath":"$.x","optional":true,"functions":[{"function":"resolveEntityIds"}]}"#,
        // A copy under another name.
        r#"{"sourcePath":"$.a","targetPath":"$.x","functions":[{"function":"concatString","prefix":"","applyOnAttribute":"b","assignToAttribute":"c"}]}"#,
        // A variable of the host, a switch, mandatory attributes, one that another scope or condition makes mandatory.
        r#"{"sourceVariable":"entityIdTargetSystem","targetPath":"$.id"},{"condition":"'%p%' == 'true'","constant":1,"targetPath":"$.x"}"#,
        r#"{"sourcePath":"$.a","targetPath":"$.x"},{"sourcePath":"$.b","targetPath":"$.y"},{"sourcePath":"$.a","targetPath":"$.z"}"#,
        r#"{"sourcePath":"$.a","targetPath":"$.x","scope":"createEntity"},{"sourcePath":"$.a","targetPath":"$.y","optional":true}"#,
        r#"{"condition":"$.kind == 'a'","sourcePath":"$.a","targetPath":"$.x"},{"sourcePath":"$.a","targetPath":"$.y","optional":true}"#,
        r#"{"sourcePath":"$.id","targetPath":"$.externalId","optional":true}"#,
    ] {
        let (Ok((_, findings)) | Err(findings)) = Transformation::compile(&with_id(mappings), &[("p".to_owned(), "true".to_owned())]);
        assert_eq!(findings, [], "{mappings}");
    }
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let text = r#"{"user":{"mappings":[{"constant":1,"targetPath":"$.x"}]},"user":{"mappings":[{"constant":{"a":1,"a":2},"targetPath":"$.y","targetPath":"$.z"},
        {"constant":"7","targetVariable":"entityIdSourceSystem"}]}}"#;
    let found: Vec<(&str, String)> = short(text);
    let expected = ["/user", "/user/mappings/0/targetPath", "/user/mappings/0/constant/a"];
    assert_eq!(found, expected.map(|pointer| ("mapping.duplicate-key", pointer.to_owned())));
    let (transformation, _) = Transformation::compile(text, &[]).expect("a transformation");
    let page = [crate::Input { document: "{}", variables: &[] }];
    let outcome =
        transformation.apply(&mut crate::Scratch::default(), "user", crate::Operation::Read, &page, &mut crate::NoRelations).remove(0);
    let crate::Outcome::Mapped(mapped) = outcome else { panic!("{outcome:?}") };
    assert_eq!(mapped.document, r#"{"z":{"a":2}}"#);
}
