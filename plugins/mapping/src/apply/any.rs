//! Arbitrary transformations that are right: every key, path, condition, function and scope the language has, put together at random.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Names the documents of these tests have, and some they do not; one that needs quotes, one that needs escapes.
fn key() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "c", "a", "b", "d e", "é", "urn:x:2.0:U", "it's"]).prop_map(str::to_owned)
}

fn name(key: &str) -> String {
    let plain = key.chars().all(|char| char.is_ascii_alphanumeric());
    if plain { format!(".{key}") } else { format!("['{}']", key.replace('\'', "\\'")) }
}

/// A path without filters.
fn plain_path(start: &'static str) -> impl Strategy<Value = String> {
    let part = prop_oneof![
        6 => key().prop_map(|key| name(&key)),
        1 => (-2..4i32).prop_map(|index| format!("[{index}]")),
        1 => Just("[*]".to_owned()),
        1 => Just(".*".to_owned()),
        1 => select(vec!["[0,2]", "[1:]", "[:2]", "[-2:-1]", "['a','b']", "..a", "..*", "..['b']"]).prop_map(str::to_owned),
    ];
    let end = select(vec![
        "",
        "",
        "",
        "",
        ".length()",
        ".size()",
        ".min()",
        ".sum()",
        ".avg()",
        ".concat(\"x\")",
        ".keys()",
        ".first()",
        ".index(1)",
    ]);
    (prop::collection::vec(part, 0..4), end).prop_map(move |(parts, end)| format!("{start}{}{end}", parts.concat()))
}

fn literal() -> impl Strategy<Value = String> {
    select(vec![
        "'x'",
        "\"\"",
        "'${v}'",
        "'it\\'s'",
        "1",
        "-2.5e3",
        "true",
        "false",
        "null",
        "[]",
        "['a', 1, null]",
        "{'a': 1}",
        "/x.*/",
        "/(?=a)[^b]+/i",
    ])
    .prop_map(str::to_owned)
}

/// A condition; `@` and `$` are both fine anywhere.
fn condition() -> impl Strategy<Value = String> {
    let path = || prop_oneof![plain_path("$"), plain_path("@")];
    let signs = select(vec![
        "==", "!=", "===", "!==", "<", "<=", ">", ">=", "=~", "IN", "nin", "CONTAINS", "ALL", "SIZE", "SUBSETOF", "ANYOF", "noneof",
    ]);
    let leaf = prop_oneof![
        4 => (path(), signs.clone(), literal()).prop_map(|(path, sign, literal)| format!("{path} {sign} {literal}")),
        1 => (literal(), signs, path()).prop_map(|(literal, sign, path)| format!("{literal} {sign} {path}")),
        1 => (path(), any::<bool>()).prop_map(|(path, empty)| format!("{path} EMPTY {empty}")),
        1 => path(),
        1 => path().prop_map(|path| format!("!{path}")),
        1 => plain_path("$").prop_map(|path| format!("isValidEmail({path})")),
        1 => plain_path("$").prop_map(|path| format!("isAttributeWithOptionalPrefix({path}, some.prefix)")),
        1 => select(vec!["isRegularGroup()", "isApplicationSpecificGroup()", "$.a =~ /${v}/", "$.a == ${v}"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} && ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || {b}")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

/// Without `${v}` outside of a text, which a filter cannot have.
fn source_path() -> impl Strategy<Value = String> {
    let filter = condition().prop_filter("variables stand in conditions only", |text| !text.contains("${"));
    prop_oneof![
        1 => Just("$".to_owned()),
        5 => plain_path("$"),
        1 => (key(), filter, key()).prop_map(|(list, filter, key)| format!("${}[?({filter})]{}", name(&list), name(&key))),
    ]
}

fn target_path() -> impl Strategy<Value = String> {
    let part = prop_oneof![5 => key().prop_map(|key| name(&key)), 1 => (0..4u32).prop_map(|index| format!("[{index}]")), 1 => Just("[*]".to_owned())];
    let end = prop_oneof![4 => Just(String::new()), 1 => key().prop_map(|key| format!("[?(@{})]", name(&key)))];
    (prop::collection::vec(part, 0..4), end).prop_map(|(parts, end)| format!("${}{end}", parts.concat()))
}

fn constant() -> impl Strategy<Value = Value> {
    select(vec![
        json!(1),
        json!("x"),
        json!(null),
        json!(true),
        json!([]),
        json!([1]),
        json!({}),
        json!({"a": [{"b": "${v} %p%"}, "x"]}),
        json!("é\"\\\n"),
    ])
}

fn text() -> impl Strategy<Value = Value> {
    select(vec![json!("x"), json!(""), json!("${v}"), json!("$.a"), json!("$.a[*].b"), json!("-%p%-"), json!(7), json!(true)])
}

fn function() -> impl Strategy<Value = Value> {
    let regex = || select(vec!["", "x", "(a|b)+", "(.)(\\d)?", "(?<=a)b", "^.*$", "${v}"]).prop_map(Value::from);
    let replacement = || select(vec!["", "-", "$0", "\\$", "${v}"]).prop_map(Value::from);
    let keys = || key().prop_map(Value::from);
    let own = prop_oneof![
        (text(), text()).prop_map(|(prefix, suffix)| json!({"function": "concatString", "prefix": prefix, "suffix": suffix})),
        (text(), text()).prop_map(|(id, separator)| json!({"function": "compositeId", "subId": id, "separator": separator})),
        (keys(), keys()).prop_map(|(a, b)| json!({"type": "copyMapEntry", "sourceKey": a, "targetKey": b})),
        (keys(), keys()).prop_map(|(a, b)| json!({"type": "renameMapEntry", "sourceKey": a, "targetKey": b})),
        (-3..4i32).prop_map(|index| json!({"function": "elementAt", "index": index})),
        (keys(), constant()).prop_map(|(key, value)| json!({"function": "putIfAbsent", "key": key, "defaultValue": value})),
        (keys(), constant()).prop_map(|(key, value)| json!({"function": "putIfPresent", "key": key, "defaultValue": value})),
        (text(), text()).prop_map(|(a, b)| json!({"function": "replaceString", "target": a, "replacement": b})),
        (regex(), replacement(), select(vec!["replaceFirstString", "replaceLastString", "replaceAllString"]))
            .prop_map(|(regex, replacement, name)| json!({"function": name, "regex": regex, "replacement": replacement})),
        regex().prop_map(|regex| json!({"function": "matchRegex", "regex": regex})),
        (regex(), 0..3u32).prop_map(|(regex, group)| json!({"function": "getMatchedRegexGroup", "regex": regex, "groupIndex": group})),
        select(vec!["user", "group"]).prop_map(|kind| json!({"function": "resolveEntityIds", "entityType": kind, "sourceSystemName": "S"})),
        text().prop_map(|separator| json!({"function": "splitStringToArray", "separator": separator})),
        (0..5u32, 0..5u32).prop_map(|(begin, end)| json!({"function": "substring", "beginIndex": begin.to_string(), "endIndex": end})),
        (keys(), keys()).prop_map(|(from, to)| {
            json!({"function": "convertCountryCode", "outputFormat": "alpha3", "inputAttributes": [from], "outputAttribute": to})
        }),
        (keys(), keys()).prop_map(|(from, to)| {
            json!({"function": "convertCountryRegion", "outputFormat": "alpha2", "inputAttributes": [from, "b"], "outputAttribute": to})
        }),
        select(vec!["bcp47", "iso639"]).prop_map(|format| json!({"function": "convertLocaleCode", "outputFormat": format})),
        select(vec!["iana", "sap"]).prop_map(|format| json!({"function": "convertTimezoneCode", "outputFormat": format})),
        (select(vec!["encode", "decode"]), select(vec!["base32", "base64"]))
            .prop_map(|(name, way)| json!({"function": name, "algorithm": way})),
        (-99_999..99_999i64, select(vec!["days", "months", "seconds"])).prop_map(
            |(amount, unit)| json!({"function": "manipulateDate", "sourceDateFormat": "yyyy", "targetDateFormat": "dd.MM.yy", unit: amount})
        ),
        select(vec!["toUpperCaseString", "toLowerCaseString", "toString"]).prop_map(|name| json!({"function": name})),
    ];
    let common =
        (prop::option::weighted(0.3, condition()), any::<bool>(), prop::option::weighted(0.2, key()), prop::option::weighted(0.2, key()));
    (own, common).prop_map(|(mut function, (condition, elements, on, to))| {
        set(&mut function, "condition", condition.map(Value::from));
        set(&mut function, "applyOnElements", elements.then_some(json!("true")));
        set(&mut function, "applyOnAttribute", on.map(Value::from));
        set(&mut function, "assignToAttribute", to.map(Value::from));
        function
    })
}

fn set(object: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(key.to_owned(), value);
    }
}

fn mapping() -> impl Strategy<Value = Value> {
    let variable = || select(vec!["v", "w", "entityIdSourceSystem", "entityIdTargetSystem"]);
    let source = prop_oneof![
        4 => source_path().prop_map(|path| json!({"sourcePath": path})),
        1 => constant().prop_map(|value| json!({"constant": value})),
        1 => variable().prop_map(|name| json!({"sourceVariable": name})),
        1 => (variable(), source_path()).prop_map(|(name, path)| json!({"sourceVariable": name, "variablePath": path})),
        1 => (source_path(), constant()).prop_map(|(path, value)| json!({
            "type": "valueMapping", "sourcePaths": ["$.a", path], "valueMappings": [{"key": ["x", "1"], "mappedValue": value}]
        })),
    ];
    let modifiers = (any::<bool>(), any::<bool>(), prop::option::weighted(0.3, constant()), prop::option::weighted(0.3, variable()));
    let written = (source, target_path(), modifiers, prop::collection::vec(function(), 0..3)).prop_map(
        |(mut mapping, target, (optional, preserve, default, variable), functions)| {
            set(&mut mapping, "targetPath", Some(target.into()));
            set(&mut mapping, "optional", optional.then_some(json!(true)));
            set(&mut mapping, "preserveArrayWithSingleElement", preserve.then_some(json!("true")));
            set(&mut mapping, "defaultValue", default);
            set(&mut mapping, "targetVariable", variable.map(Value::from));
            set(&mut mapping, "functions", Some(functions.into()));
            mapping
        },
    );
    let changed = prop_oneof![
        target_path().prop_map(|path| json!({"type": "remove", "targetPath": path})),
        (target_path(), key(), key()).prop_map(|(path, from, to)| {
            let path = path.split("[?").next().unwrap_or("$").to_owned();
            json!({"type": "rename", "targetPath": format!("{path}{}", name(&from)), "constant": to})
        }),
        Just(json!({"sourcePath": "$", "targetPath": "$"})),
    ];
    let scope = select(vec![None, None, None, None, Some("createEntity"), Some("deleteEntity"), Some("patchEntity")]);
    (prop_oneof![4 => written, 1 => changed], prop::option::weighted(0.3, condition()), scope, prop::bool::weighted(0.1)).prop_map(
        |(mut mapping, condition, scope, ignore)| {
            set(&mut mapping, "condition", condition.map(Value::from));
            set(&mut mapping, "scope", scope.map(Value::from));
            set(&mut mapping, "ignore", ignore.then_some(json!(true)));
            mapping
        },
    )
}

/// A transformation of users, as text.
pub(super) fn transformation() -> impl Strategy<Value = String> {
    let skipped = select(vec![None, None, None, Some(json!(["create"])), Some(json!(["update", "delete"]))]);
    (prop::collection::vec(mapping(), 0..8), prop::option::weighted(0.2, condition()), skipped).prop_map(
        |(mappings, condition, skipped)| {
            let mut user = json!({"mappings": mappings});
            set(&mut user, "condition", condition.map(Value::from));
            set(&mut user, "skipOperations", skipped);
            Value::Object(Map::from_iter([("user".to_owned(), user)])).to_string()
        },
    )
}
