use crate::{Input, NoRelations, Operation, Outcome, Scratch, Transformation};

/// What a chain of functions makes of `$.v`; the code of the fault if it fails.
fn run(functions: &str, value: &str) -> String {
    let text = format!(
        r#"{{"user":{{"mappings":[{{"sourcePath":"$.v","targetPath":"$.x","preserveArrayWithSingleElement":true,"defaultValue":"nothing","functions":[{functions}]}}]}}}}"#
    );
    let (transformation, _) = Transformation::compile(&text, &[]).unwrap_or_else(|findings| panic!("{findings:#?}"));
    let document = format!(r#"{{"v":{value},"other":"o","list":["e"]}}"#);
    let variables = [("var".to_owned(), "\"w\"".to_owned())];
    let page = [Input { document: &document, variables: &variables }];
    match transformation.apply(&mut Scratch::default(), "user", Operation::Read, &page, &mut NoRelations).remove(0) {
        Outcome::Mapped(mapped) => {
            mapped.document.strip_prefix(r#"{"x":"#).and_then(|rest| rest.strip_suffix('}')).unwrap_or("left out").to_owned()
        }
        Outcome::Failed(fault) => fault.code.to_owned(),
        other => format!("{other:?}"),
    }
}

#[track_caller]
fn check(cases: &[(&str, &str, &str)]) {
    for (functions, value, expected) in cases {
        assert_eq!(run(functions, value), *expected, "{functions} on {value}");
    }
}

#[test]
fn texts() {
    check(&[
        (r#"{"function":"concatString","prefix":"a","suffix":1}"#, r#""v""#, r#""av1""#),
        (r#"{"function":"concatString","suffix":"-${var}-${unset}"}"#, r#""v\"""#, r#""v\"-w-null""#),
        (r#"{"function":"concatString","prefix":"$.other","suffix":"$.list[*]"}"#, "7", r#""o7e""#),
        (r#"{"function":"concatString","prefix":"$.nope","suffix":"$x"}"#, r#""v""#, r#""v$x""#),
        (r#"{"function":"concatString","prefix":"a"}"#, "null", "null"),
        (r#"{"function":"concatString","prefix":"a"}"#, "{}", "mapping.function-failed"),
        (r#"{"function":"compositeId","subId":"s"}"#, r#""v""#, r#""v:s""#),
        (r#"{"function":"compositeId","subId":"$.other","separator":"-"}"#, r#""v""#, r#""v-o""#),
        (r#"{"function":"replaceString","target":"a","replacement":"$1"}"#, r#""aba""#, r#""$1b$1""#),
        (r#"{"function":"replaceString","target":"","replacement":"x"}"#, r#""aba""#, r#""aba""#),
        (r#"{"function":"replaceFirstString","regex":"[ab]","replacement":"<$0>"}"#, r#""xaba""#, r#""x<a>ba""#),
        (r#"{"function":"replaceLastString","regex":"[ab]","replacement":""}"#, r#""abax""#, r#""abx""#),
        (r#"{"function":"replaceAllString","regex":"[\\s\\p{Punct}]","replacement":"_"}"#, r#""a b.c-d""#, r#""a_b_c_d""#),
        (r#"{"function":"replaceAllString","regex":"(a)(b)","replacement":"$2${var}\\$1"}"#, r#""abab""#, r#""bw$1bw$1""#),
        (r#"{"function":"replaceAllString","regex":"a","replacement":"$3"}"#, r#""a""#, "mapping.function-failed"),
        (r#"{"function":"replaceFirstString","regex":"${var}","replacement":"x"}"#, r#""vw""#, r#""vx""#),
        (r#"{"function":"matchRegex","regex":"a+"}"#, r#""aa""#, "true"),
        (r#"{"function":"matchRegex","regex":"a|b"}"#, r#""ab""#, "false"),
        (r#"{"function":"getMatchedRegexGroup","regex":"cn=(.*?),(.*)","groupIndex":"2"}"#, r#""cn=x,ou=y""#, r#""ou=y""#),
        (r#"{"function":"getMatchedRegexGroup","regex":"q","groupIndex":0}"#, r#""cn=x""#, r#""nothing""#),
        (r#"{"function":"substring","beginIndex":0,"endIndex":"2"}"#, r#""é12""#, r#""é1""#),
        (r#"{"function":"substring","beginIndex":1}"#, "123", r#""23""#),
        (r#"{"function":"substring","beginIndex":5,"endIndex":2}"#, r#""abc""#, r#""""#),
        (r#"{"function":"toUpperCaseString"}"#, r#""straße i""#, r#""STRASSE I""#),
        (r#"{"function":"toUpperCaseString","locale":"tr_TR"}"#, r#""i""#, r#""İ""#),
        (r#"{"function":"toLowerCaseString","locale":"tr"}"#, r#""Iİ""#, r#""ıi""#),
        (r#"{"function":"toLowerCaseString"}"#, r#""ABC""#, r#""abc""#),
        (r#"{"function":"toString"}"#, "[1]", r#"["1"]"#),
        (r#"{"function":"toString"}"#, r#"{"a":"b"}"#, r#""{\"a\":\"b\"}""#),
        (r#"{"function":"splitStringToArray","separator":","}"#, r#""a,b,,""#, r#"["a","b"]"#),
        (r#"{"function":"splitStringToArray","separator":"."}"#, r#""ab""#, r#"["ab"]"#),
    ]);
}

#[test]
fn lists_and_objects() {
    check(&[
        (r#"{"function":"elementAt","index":1}"#, "[1,2]", "2"),
        (r#"{"function":"elementAt","index":"-1"}"#, "[1,2]", "2"),
        (r#"{"function":"elementAt","index":2}"#, "[1,2]", r#""nothing""#),
        (r#"{"function":"elementAt","index":0}"#, "7", "7"),
        (r#"{"function":"elementAt","index":0,"applyOnElements":true}"#, "[[1],[2,3],[]]", "[1,2]"),
        (r#"{"function":"putIfAbsent","key":"k","defaultValue":"d"}"#, r#"[{"k":1},{"a":2}]"#, r#"[{"k":1},{"a":2,"k":"d"}]"#),
        (r#"{"function":"putIfPresent","key":"k","defaultValue":{"n":[]}}"#, r#"[{"k":1},{"a":2}]"#, r#"[{"k":{"n":[]}},{"a":2}]"#),
        (r#"{"function":"putIfAbsent","key":"k","defaultValue":1}"#, r#"["text"]"#, "mapping.function-failed"),
        (r#"{"function":"copyMapEntry","sourceKey":"a","targetKey":"b"}"#, r#"{"a":{"x":1}}"#, r#"{"a":{"x":1},"b":{"x":1}}"#),
        (r#"{"function":"renameMapEntry","sourceKey":"a","targetKey":"b"}"#, r#"[{"a":1,"c":2},{"c":3}]"#, r#"[{"b":1,"c":2},{"c":3}]"#),
        (r#"{"function":"concatString","prefix":"p"}"#, r#"["a","b"]"#, r#"["pa","pb"]"#),
        (
            r#"{"function":"toUpperCaseString","applyOnElements":true,"applyOnAttribute":"a"}"#,
            r#"[{"a":"x"},{"b":"y"}]"#,
            r#"[{"a":"X"},{"b":"y"}]"#,
        ),
        (r#"{"function":"toUpperCaseString","applyOnJsonAttribute":"a","assignToAttribute":"b"}"#, r#"{"a":"x"}"#, r#"{"a":"x","b":"X"}"#),
        (r#"{"function":"toUpperCaseString","applyOnAttribute":"a"}"#, r#"{"a":["x","y"]}"#, r#"{"a":["X","Y"]}"#),
        (r#"{"function":"toString","assignToAttribute":"s"}"#, r#"{"a":1}"#, r#"{"a":1,"s":"{\"a\":1}"}"#),
    ]);
}

#[test]
fn conditions_of_functions_see_the_element() {
    check(&[
        (
            r#"{"function":"putIfPresent","key":"type","defaultValue":"work","condition":"(@.type NIN ['work', 'home'])"}"#,
            r#"[{"type":"x"},{"type":"home"},{}]"#,
            r#"[{"type":"work"},{"type":"home"},{}]"#,
        ),
        (r#"{"function":"concatString","prefix":"p","condition":"$.other == 'o' && @ == 'a'"}"#, r#"["a","b"]"#, r#"["pa","b"]"#),
        (r#"{"function":"concatString","prefix":"p","condition":"'${var}' == 'v'"}"#, r#""a""#, r#""a""#),
        // After another function the value has to be read again.
        (
            r#"{"function":"toUpperCaseString","applyOnAttribute":"a"},{"function":"concatString","suffix":"!","applyOnAttribute":"a","condition":"@.a =~ /X.*/"}"#,
            r#"[{"a":"x"},{"a":"y"}]"#,
            r#"[{"a":"X!"},{"a":"Y"}]"#,
        ),
    ]);
}
