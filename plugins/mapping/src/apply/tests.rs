use super::*;
use crate::relations::{Lookup, NoRelations};

/// Knows every id but those that start with `x`; counts how often it is asked.
#[derive(Default)]
pub(super) struct Known {
    calls: usize,
    asked: Vec<Lookup>,
}

impl Relations for Known {
    fn find(&mut self, lookups: &[Lookup]) -> Vec<Option<String>> {
        self.calls += 1;
        self.asked.extend_from_slice(lookups);
        lookups.iter().map(|lookup| (!lookup.source_id.starts_with('x')).then(|| format!("t-{}", lookup.source_id))).collect()
    }
}

/// A transformation whose `user` has these mappings.
pub(super) fn mappings(list: &str) -> Transformation {
    compile(&format!(r#"{{"user": {{"mappings": [{list}]}}}}"#), &[])
}

pub(super) fn compile(text: &str, properties: &[(&str, &str)]) -> Transformation {
    let properties: Vec<(String, String)> = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Transformation::compile(text, &properties).unwrap_or_else(|findings| panic!("{text}: {findings:#?}")).0
}

pub(super) fn apply(transformation: &Transformation, operation: Operation, document: &str, variables: &[(&str, &str)]) -> Outcome {
    let variables: Vec<(String, String)> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let page = [Input { document, variables: &variables }];
    transformation.apply(&mut Scratch::default(), "user", operation, &page, &mut Known::default()).remove(0)
}

#[track_caller]
pub(super) fn mapped(outcome: Outcome) -> Mapped {
    match outcome {
        Outcome::Mapped(mapped) => mapped,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn fault(outcome: Outcome) -> (String, String) {
    match outcome {
        Outcome::Failed(fault) => (fault.code.to_owned(), fault.at),
        other => panic!("{other:?}"),
    }
}

/// The document these mappings make of another.
#[track_caller]
fn check(list: &str, document: &str, expected: &str) {
    assert_eq!(mapped(apply(&mappings(list), Operation::Read, document, &[])).document, expected, "{list}");
}

#[test]
fn values_are_copied_as_they_are_written() {
    check(
        r#"{"sourcePath":"$.a","targetPath":"$.x"}"#,
        r#"{ "a" : { "b" : [ 1.50, "\u00e9" ] } }"#,
        r#"{"x":{ "b" : [ 1.50, "\u00e9" ] }}"#,
    );
    check(r#"{"sourcePath":"$","targetPath":"$"}"#, r#"{ "a" : 1e2 }"#, r#"{ "a" : 1e2 }"#);
    check(r#"{"sourcePath":"$.a","targetPath":"$.x"}"#, r#"{"a":null}"#, r#"{"x":null}"#);
    check(
        r#"{"sourcePath":"$.a[*].['v','w']","targetPath":"$.x"}"#,
        r#"{"a":[{"v":1,"u":0},{"w":2,"v":3}]}"#,
        r#"{"x":[{"v":1},{"v":3,"w":2}]}"#,
    );
    check(r#"{"sourcePath":"$.a.length()","targetPath":"$.x"}"#, r#"{"a":[1,2]}"#, r#"{"x":2}"#);
    check("", r#"{"a":1}"#, "{}");
}

#[test]
fn a_list_of_one_is_its_element_unless_it_is_preserved() {
    check(r#"{"sourcePath":"$.a","targetPath":"$.x"}"#, r#"{"a":["v"]}"#, r#"{"x":"v"}"#);
    check(r#"{"sourcePath":"$.a[?(@.p == true)].v","targetPath":"$.x"}"#, r#"{"a":[{"p":true,"v":1},{"v":2}]}"#, r#"{"x":1}"#);
    check(r#"{"sourcePath":"$.a","targetPath":"$.x","preserveArrayWithSingleElement":"true"}"#, r#"{"a":["v"]}"#, r#"{"x":["v"]}"#);
    check(r#"{"sourcePath":"$.a","targetPath":"$.x"}"#, r#"{"a":["v","w"]}"#, r#"{"x":["v","w"]}"#);
    check(r#"{"sourcePath":"$.a","targetPath":"$.x"}"#, r#"{"a":[]}"#, r#"{"x":[]}"#);
    check(r#"{"constant":["v"],"targetPath":"$.x"}"#, "{}", r#"{"x":["v"]}"#);
}

#[test]
fn targets_make_what_they_need() {
    check(
        r#"{"constant":1,"targetPath":"$.a.b[0].c"},{"constant":2,"targetPath":"$['a']['b'][1]['c:d']"},{"constant":3,"targetPath":"$.a.b[0].e"}"#,
        "{}",
        r#"{"a":{"b":[{"c":1,"e":3},{"c:d":2}]}}"#,
    );
    // What was never written leaves no hole.
    check(r#"{"constant":1,"targetPath":"$.a[2]"},{"constant":2,"targetPath":"$.a[1].b"}"#, "{}", r#"{"a":[{"b":2},1]}"#);
    // A scalar in the way gives way.
    check(r#"{"constant":1,"targetPath":"$.a"},{"constant":2,"targetPath":"$.a.b"}"#, "{}", r#"{"a":{"b":2}}"#);
    check(r#"{"constant":"q","targetPath":"$['say \"hi\"']"}"#, "{}", r#"{"say \"hi\"":"q"}"#);
}

#[test]
fn a_copy_is_opened_only_where_it_is_changed() {
    let copy = r#"{"sourcePath":"$","targetPath":"$"}"#;
    let document = r#"{"id":"1","a":{ "b" : 1 },"list":[ {"k":1,"v":2}, {"v":3} ]}"#;
    check(
        &format!(r#"{copy},{{"constant":"2","targetPath":"$.id"}}"#),
        document,
        r#"{"id":"2","a":{ "b" : 1 },"list":[ {"k":1,"v":2}, {"v":3} ]}"#,
    );
    check(
        &format!(r#"{copy},{{"type":"remove","targetPath":"$.list[*].v"}}"#),
        document,
        r#"{"id":"1","a":{ "b" : 1 },"list":[{"k":1},{}]}"#,
    );
    check(&format!(r#"{copy},{{"type":"remove","targetPath":"$.list[0]"}}"#), document, r#"{"id":"1","a":{ "b" : 1 },"list":[{"v":3}]}"#);
    check(
        &format!(r#"{copy},{{"type":"rename","targetPath":"$.list[*].v","constant":"w"}}"#),
        document,
        r#"{"id":"1","a":{ "b" : 1 },"list":[{"k":1,"w":2},{"w":3}]}"#,
    );
    check(
        &format!(r#"{copy},{{"type":"rename","targetPath":"$.id","constant":"a"}}"#),
        document,
        r#"{"a":"1","list":[ {"k":1,"v":2}, {"v":3} ]}"#,
    );
    check(
        &format!(r#"{copy},{{"constant":true,"targetPath":"$.list[*].new"}}"#),
        document,
        r#"{"id":"1","a":{ "b" : 1 },"list":[{"k":1,"v":2,"new":true},{"v":3,"new":true}]}"#,
    );
    check(
        &format!(r#"{copy},{{"type":"remove","targetPath":"$.nope.x[3]"}},{{"type":"rename","targetPath":"$.nope","constant":"x"}}"#),
        r#"{"a":1}"#,
        r#"{"a":1}"#,
    );
    // Written before the copy, the copy wins key by key; other keys stay.
    check(
        &format!(r#"{{"constant":0,"targetPath":"$.id"}},{{"constant":9,"targetPath":"$.z"}},{copy}"#),
        r#"{"id":"1","b":2}"#,
        r#"{"id":"1","z":9,"b":2}"#,
    );
    // A key written with an escape is the same key.
    check(&format!(r#"{copy},{{"constant":2,"targetPath":"$.id"}}"#), r#"{"\u0069d":1}"#, r#"{"\u0069d":2}"#);
}

#[test]
fn a_filter_at_the_end_of_a_target_makes_a_list_of_objects() {
    let build = r#"{"sourcePath":"$.a","targetPath":"$.x[?(@.value)]"}"#;
    check(build, r#"{"a":["p","q"]}"#, r#"{"x":[{"value":"p"},{"value":"q"}]}"#);
    check(build, r#"{"a":["p"]}"#, r#"{"x":[{"value":"p"}]}"#);
    check(build, r#"{"a":"p"}"#, r#"{"x":[{"value":"p"}]}"#);
    check(build, r#"{"a":[]}"#, r#"{"x":[]}"#);
    // Over a list of the same length the key is set element by element, another length replaces the list (section 10.2).
    let over = r#"{"sourcePath":"$.x","targetPath":"$.x","preserveArrayWithSingleElement":true},{"sourcePath":"$.a","targetPath":"$.x[?(@.value)]"}"#;
    check(over, r#"{"a":["p","q"],"x":[{"k":1,"value":0},{"k":2}]}"#, r#"{"x":[{"k":1,"value":"p"},{"k":2,"value":"q"}]}"#);
    check(over, r#"{"a":["p","q"],"x":[{"k":1}]}"#, r#"{"x":[{"value":"p"},{"value":"q"}]}"#);
}

#[test]
fn missing_values_fail_are_left_out_or_defaulted() {
    let with = |rest: &str| mappings(&format!(r#"{{"sourcePath":"$.a[*].v","targetPath":"$.x"{rest}}}"#));
    // Missing, an empty list of hits (section 10.1), a filter on null.
    for document in ["{}", r#"{"a":[]}"#, r#"{"a":[{"w":1}]}"#, r#"{"a":null}"#] {
        assert_eq!(
            fault(apply(&with(""), Operation::Read, document, &[])),
            ("mapping.missing-attribute".to_owned(), "/user/mappings/0".to_owned())
        );
        assert_eq!(mapped(apply(&with(r#","optional":true"#), Operation::Read, document, &[])).document, "{}");
        for rest in [r#","defaultValue":[]"#, r#","defaultValue":[],"optional":true"#] {
            assert_eq!(mapped(apply(&with(rest), Operation::Read, document, &[])).document, r#"{"x":[]}"#);
        }
    }
    let Outcome::Failed(fault) = apply(&mappings(r#"{"sourcePath":"$.lastName","targetPath":"$.x"}"#), Operation::Read, "{}", &[]) else {
        panic!()
    };
    assert!(fault.message.contains("$.lastName"), "{fault}");
    check(r#"{"sourcePath":"$.a","targetPath":"$.x","defaultValue":null}"#, "{}", r#"{"x":null}"#);
    check(r#"{"sourcePath":"$.emails[?(@.v)].v","targetPath":"$.x","optional":true}"#, r#"{"emails":null}"#, "{}");
    // A function that gives nothing counts as missing.
    check(
        r#"{"sourcePath":"$.a","targetPath":"$.x","defaultValue":"","functions":[{"function":"getMatchedRegexGroup","regex":"b(.)","groupIndex":1}]}"#,
        r#"{"a":"c"}"#,
        r#"{"x":""}"#,
    );
}

#[test]
fn conditions_look_at_the_input() {
    let list = r#"{"constant":1,"targetPath":"$.seen"},{"condition":"$.seen == 1","constant":2,"targetPath":"$.x"},{"condition":"$.a EMPTY false","constant":3,"targetPath":"$.y"}"#;
    check(list, r#"{"a":"v"}"#, r#"{"seen":1,"y":3}"#);
    // A false condition leaves out a mandatory mapping, too.
    check(r#"{"condition":"$.b == 1","sourcePath":"$.a","targetPath":"$.x"}"#, "{}", "{}");
}

#[test]
fn variables_live_as_long_as_the_entity() {
    let transformation = mappings(
        r#"{"sourcePath":"$.members","targetVariable":"m","preserveArrayWithSingleElement":true},
           {"sourceVariable":"m","variablePath":"$[*].v","targetPath":"$.ids","preserveArrayWithSingleElement":true},
           {"sourceVariable":"m","targetPath":"$.members","targetVariable":"second"},
           {"constant":0,"targetPath":"$.members[*].v"},
           {"constant":"changed","targetVariable":"given"},
           {"condition":"'${given}' == 'changed' && '${kept}' == 'k' && '${nobody}' == 'null'","constant":1,"targetPath":"$.y"},
           {"sourceVariable":"kept","targetPath":"$.kept"}"#,
    );
    let mapped = mapped(apply(
        &transformation,
        Operation::Read,
        r#"{"members":[{"v":1},{"v":2}]}"#,
        &[("given", "1"), ("kept", "\"k\""), ("other", "0")],
    ));
    assert_eq!(mapped.document, r#"{"ids":[1,2],"members":[{"v":0},{"v":0}],"y":1,"kept":"k"}"#);
    let variables: Vec<(&str, &str)> = mapped.variables.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(variables, [("m", r#"[{"v":1},{"v":2}]"#), ("second", r#"[{"v":1},{"v":2}]"#), ("given", "\"changed\"")]);
}

#[test]
fn a_variable_nobody_set_is_left_out_only_if_it_is_the_hosts() {
    let id = mappings(r#"{"sourceVariable":"entityIdTargetSystem","targetPath":"$.id"},{"constant":1,"targetPath":"$.x"}"#);
    assert_eq!(mapped(apply(&id, Operation::Create, "{}", &[])).document, r#"{"x":1}"#);
    assert_eq!(mapped(apply(&id, Operation::Update, "{}", &[("entityIdTargetSystem", "\"7\"")])).document, r#"{"id":"7","x":1}"#);
    let own = |rest: &str| mappings(&format!(r#"{{"sourceVariable":"mine","targetPath":"$.x"{rest}}}"#));
    assert_eq!(fault(apply(&own(""), Operation::Read, "{}", &[])).0, "mapping.missing-attribute");
    assert_eq!(mapped(apply(&own(r#","optional":true"#), Operation::Read, "{}", &[])).document, "{}");
    assert_eq!(mapped(apply(&own(r#","defaultValue":2"#), Operation::Read, "{}", &[])).document, r#"{"x":2}"#);
}

#[test]
fn a_variable_outside_of_a_text_is_filled_in_when_the_condition_is_evaluated() {
    let transformation = mappings(
        r#"{"constant":"b.*","targetVariable":"re"},{"constant":3,"targetVariable":"n"},
           {"condition":"$.a =~ /${re}/ && ${n} > 2","constant":1,"targetPath":"$.x"}"#,
    );
    assert_eq!(mapped(apply(&transformation, Operation::Read, r#"{"a":"bc"}"#, &[])).document, r#"{"x":1}"#);
    assert_eq!(mapped(apply(&transformation, Operation::Read, r#"{"a":"c"}"#, &[])).document, "{}");
    let broken = mappings(r#"{"constant":"(","targetVariable":"re"},{"condition":"$.a =~ /${re}/","constant":1,"targetPath":"$.x"}"#);
    assert_eq!(fault(apply(&broken, Operation::Read, "{}", &[])), ("mapping.invalid-condition".to_owned(), "/user/mappings/1".to_owned()));
}

#[test]
fn scopes_belong_to_operations() {
    let transformation = mappings(
        r#"{"constant":1,"targetPath":"$.always"},{"constant":1,"targetPath":"$.create","scope":"createEntity"},
           {"constant":1,"targetPath":"$.delete","scope":"deleteEntity"},{"constant":1,"targetPath":"$.patch","scope":"patchEntity"}"#,
    );
    for (operation, expected) in [
        (Operation::Read, r#"{"always":1}"#),
        (Operation::Create, r#"{"always":1,"create":1}"#),
        (Operation::Update, r#"{"always":1}"#),
        (Operation::Delete, r#"{"delete":1}"#),
        (Operation::Patch, r#"{"patch":1}"#),
    ] {
        assert_eq!(mapped(apply(&transformation, operation, "{}", &[])).document, expected);
    }
    let plain = mappings(r#"{"constant":1,"targetPath":"$.always"}"#);
    assert_eq!(apply(&plain, Operation::Delete, "{}", &[]), Outcome::Unmapped);
    assert_eq!(apply(&plain, Operation::Patch, "{}", &[]), Outcome::Unmapped);
}

#[test]
fn entities_are_skipped_with_a_reason() {
    let transformation = compile(
        r#"{"user":{"condition":"$.a == '%p%'","skipOperations":["create","delete"],"mappings":[{"constant":1,"targetPath":"$.d","scope":"deleteEntity"}]},
            "group":{"ignore":"true"}}"#,
        &[("p", "yes")],
    );
    let skipped = |operation, document| match apply(&transformation, operation, document, &[]) {
        Outcome::Skipped(skip) => skip,
        other => panic!("{other:?}"),
    };
    let out_of_scope = Skip::OutOfScope { reason: "Entity condition [$.a == 'yes'] is not fulfilled".to_owned(), source_id: None };
    assert_eq!(skipped(Operation::Create, "{}"), out_of_scope);
    assert_eq!(skipped(Operation::Update, "{}"), out_of_scope);
    assert_eq!(
        skipped(Operation::Create, r#"{"a":"yes"}"#),
        Skip::Operation("Operation [create] is skipped in target transformation".to_owned())
    );
    assert_eq!(skipped(Operation::Delete, "{}"), Skip::Operation("Operation [delete] is skipped in target transformation".to_owned()));
    assert_eq!(mapped(apply(&transformation, Operation::Update, r#"{"a":"yes"}"#, &[])).document, "{}");
    let other = |entity_type| {
        let page = [Input { document: "{}", variables: &[] }];
        transformation.apply(&mut Scratch::default(), entity_type, Operation::Read, &page, &mut NoRelations).remove(0)
    };
    assert!(matches!(other("group"), Outcome::Skipped(Skip::OutOfScope { .. })));
    assert!(matches!(other("role"), Outcome::Skipped(Skip::Operation(_))));
    assert_eq!(transformation.entity_types(), ["user"]);
}

#[test]
fn who_left_the_scope_of_a_read_is_named_where_the_id_can_be_told() {
    let transformation = compile(
        r#"{"user":{"condition":"$.here == true","mappings":[
            {"sourcePath":"$.company","targetVariable":"company","optional":true},
            {"sourcePath":"$.name","targetPath":"$.name"},
            {"sourcePath":"$.id","targetVariable":"entityIdSourceSystem","condition":"$.id != 'none'"}
        ]}}"#,
        &[],
    );
    let id = |operation, document| match apply(&transformation, operation, document, &[]) {
        Outcome::Skipped(Skip::OutOfScope { source_id, .. }) => source_id,
        other => panic!("{other:?}"),
    };
    assert_eq!(id(Operation::Read, r#"{"id":"7"}"#).as_deref(), Some("\"7\""), "a mandatory attribute that is missing does not matter");
    assert_eq!(id(Operation::Read, r#"{"id":7,"name":"x"}"#).as_deref(), Some("7"));
    assert_eq!(id(Operation::Read, r#"{"name":"x"}"#), None);
    assert_eq!(id(Operation::Read, r#"{"id":"none"}"#), None);
    assert_eq!(id(Operation::Update, r#"{"id":"7"}"#), None);
}

#[test]
fn ids_are_looked_up_once_for_a_page() {
    let transformation = mappings(
        r#"{"sourcePath":"$.manager","optional":true,"targetPath":"$.manager","functions":[{"function":"resolveEntityIds"}]},
           {"sourcePath":"$.members","optional":true,"preserveArrayWithSingleElement":true,"targetPath":"$.members","functions":[
             {"function":"resolveEntityIds","condition":"@.type != 'Group'","sourceSystemName":"HR"},
             {"function":"resolveEntityIds","condition":"@.type == 'Group'","entityType":"group"}]},
           {"sourcePath":"$.ids","optional":true,"preserveArrayWithSingleElement":true,"targetPath":"$.list[?(@.value)]","functions":[{"type":"resolveEntityIds","targetSystemName":"T"}]}"#,
    );
    let documents = [
        r#"{"manager":"1","members":[{"value":"2","type":"User"},{"value":"x3"},{"value":"4","type":"Group"},{"display":"no id"}]}"#,
        r#"{"manager":"x9","ids":["1","x8",5,null]}"#,
        r#"{"a":1}"#,
        r#"{"manager":"1"}"#,
    ];
    let page: Vec<Input<'_>> = documents.iter().map(|document| Input { document, variables: &[] }).collect();
    let mut relations = Known::default();
    let outcomes = transformation.apply(&mut Scratch::default(), "user", Operation::Create, &page, &mut relations);
    let results: Vec<(String, Vec<String>)> =
        outcomes.into_iter().map(|outcome| mapped(outcome)).map(|mapped| (mapped.document, mapped.unresolved)).collect();
    assert_eq!(
        results[0].0,
        r#"{"manager":"t-1","members":[{"value":"t-2","type":"User"},{"value":"t-4","type":"Group"},{"display":"no id"}]}"#
    );
    assert_eq!(results[0].1, ["x3"]);
    assert_eq!(results[1], (r#"{"list":[{"value":"t-1"},{"value":"t-5"}]}"#.to_owned(), vec!["x9".to_owned(), "x8".to_owned()]));
    assert_eq!(results[2], ("{}".to_owned(), vec![]));
    assert_eq!(results[3].0, r#"{"manager":"t-1"}"#);
    assert_eq!(relations.calls, 1);
    let asked: Vec<(&str, &str, Option<&str>, Option<&str>)> = relations
        .asked
        .iter()
        .map(|lookup| (&*lookup.entity_type, &*lookup.source_id, lookup.source_system.as_deref(), lookup.target_system.as_deref()))
        .collect();
    assert_eq!(
        asked,
        [
            ("user", "1", None, None),
            ("user", "2", Some("HR"), None),
            ("user", "x3", Some("HR"), None),
            ("group", "4", None, None),
            ("user", "x9", None, None),
            ("user", "1", None, Some("T")),
            ("user", "x8", None, Some("T")),
            ("user", "5", None, Some("T")),
        ]
    );
}

#[test]
fn an_id_nobody_knows_does_not_fail_the_entity() {
    let transformation = mappings(
        r#"{"sourcePath":"$.m","targetPath":"$.m","functions":[{"function":"resolveEntityIds"}]},{"constant":1,"targetPath":"$.x"}"#,
    );
    let outcome = mapped(apply(&transformation, Operation::Create, r#"{"m":"x1"}"#, &[]));
    assert_eq!((&*outcome.document, &*outcome.unresolved), (r#"{"x":1}"#, &["x1".to_owned()][..]));
    // Missing is another matter.
    assert_eq!(fault(apply(&transformation, Operation::Create, "{}", &[])).0, "mapping.missing-attribute");
    // A lookup of what a lookup gave needs a second call and ends.
    let chained = mappings(
        r#"{"sourcePath":"$.m","targetPath":"$.m","functions":[{"function":"resolveEntityIds"},{"function":"resolveEntityIds","entityType":"group"}]}"#,
    );
    assert_eq!(mapped(apply(&chained, Operation::Create, r#"{"m":"1"}"#, &[])).document, r#"{"m":"t-t-1"}"#);
}

#[test]
fn tables_map_values() {
    let table = r#"{"type":"valueMapping","sourcePaths":["$.country","$.n"],"targetPath":"$.x"DEFAULT,"valueMappings":[
        {"key":["US","1"],"mappedValue":"EST"},{"key":["US","2"],"mappedValue":{"zone":"CST"}},{"key":["US","1"],"mappedValue":"never"}]}"#;
    let with = |default: &str| mappings(&table.replace("DEFAULT", default));
    for (document, expected) in [
        (r#"{"country":"US","n":1}"#, r#"{"x":"EST"}"#),
        (r#"{"country":["US"],"n":"2"}"#, r#"{"x":"UTC"}"#),
        (r#"{"country":"US","n":"2"}"#, r#"{"x":{"zone":"CST"}}"#),
    ] {
        assert_eq!(mapped(apply(&with(r#","defaultValue":"UTC""#), Operation::Read, document, &[])).document, expected);
    }
    assert_eq!(fault(apply(&with(""), Operation::Read, r#"{"country":"US"}"#, &[])).0, "mapping.missing-attribute");
    assert_eq!(mapped(apply(&with(r#","optional":true"#), Operation::Read, "{}", &[])).document, "{}");
}

#[test]
fn what_is_no_document_fails() {
    let transformation = mappings("");
    for document in ["", "[]", "null", "{", "{\"a\":01}"] {
        assert_eq!(
            fault(apply(&transformation, Operation::Read, document, &[])),
            ("mapping.invalid-document".to_owned(), "/user".to_owned()),
            "{document}"
        );
    }
    // Of two equal keys the last value wins, also for whoever reads what is passed through.
    check(
        r#"{"sourcePath":"$.a","targetPath":"$.x"},{"sourcePath":"$.b","targetPath":"$.y"}"#,
        r#"{"a":1,"b":{"c":1,"c":2},"a":3}"#,
        r#"{"x":3,"y":{"c":2}}"#,
    );
    assert_eq!(
        fault(apply(&mappings(r#"{"sourceVariable":"v","targetPath":"$.x"}"#), Operation::Read, "{}", &[("v", "{")])).0,
        "mapping.invalid-variable"
    );
}

#[test]
fn too_much_work_is_a_fault_and_not_a_false_condition() {
    let transformation = mappings(r#"{"condition":"!($..[?($..[?($..[?(@.b)] == 1)] == 1)] == 1)","constant":1,"targetPath":"$.x"}"#);
    let document = format!("{{\"l\":[{}1]}}", "{\"a\":{\"a\":1}},".repeat(300));
    assert_eq!(fault(apply(&transformation, Operation::Read, &document, &[])).0, "mapping.limit");
}

#[test]
fn keys_that_only_look_like_duplicates_are_kept_in_a_value_that_is_read_again() {
    // A condition on a value that a function has changed; its keys share a fingerprint.
    let transformation = mappings(
        r#"{"sourcePath":"$","targetPath":"$.x","functions":[{"function":"copyMapEntry","sourceKey":"a","targetKey":"z"},{"function":"renameMapEntry","sourceKey":"z","targetKey":"y","condition":"@.z == 1"}]}"#,
    );
    let many: Vec<String> = (0..300).map(|number| format!(r#""k{number}":{number}"#)).collect();
    let document = format!(r#"{{"a":1,"":{{"c":1,"":2,"\u0002":3}},{}}}"#, many.join(","));
    let outcome = mapped(apply(&transformation, Operation::Read, &document, &[]));
    assert!(outcome.document.ends_with(r#","y":1}}"#), "{}", outcome.document);
}

#[test]
fn keys_with_escapes_are_names_like_others() {
    check(r#"{"constant":{"say \"a\"":1,"\u0062":2,"b":3},"targetPath":"$.x"}"#, "{}", r#"{"x":{"say \"a\"":1,"b":3}}"#);
    // Also in a value that was changed and is then looked into.
    check(
        r#"{"sourcePath":"$.a","targetPath":"$.x","functions":[{"function":"putIfAbsent","key":"k","defaultValue":1},{"function":"putIfAbsent","key":"l","defaultValue":2,"condition":"@.k == 1"}]}"#,
        r#"{"a":{"say \"a\"":0}}"#,
        r#"{"x":{"say \"a\"":0,"k":1,"l":2}}"#,
    );
}
