use crate::{Input, NoRelations, Operation, Outcome, Scratch, Transformation};

/// What a chain of functions makes of `$.v`; the code of the fault if it fails.
fn run(functions: &str, value: &str) -> String {
    let text = format!(
        r#"{{"user":{{"mappings":[{{"sourcePath":"$.v","targetPath":"$.x","preserveArrayWithSingleElement":true,"defaultValue":"nothing","functions":[{functions}]}}]}}}}"#
    );
    let (transformation, _) = Transformation::compile(&text, &[]).unwrap_or_else(|findings| panic!("{findings:#?}"));
    let document = format!(r#"{{"v":{value},"other":"o","list":["e"]}}"#);
    let variables = [("var".to_owned(), "\"w\"".to_owned()), ("format".to_owned(), "\"uuuu-MM-dd\"".to_owned())];
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
        (r#"{"function":"replaceAllString","regex":"a","replacement":"x$"}"#, r#""a""#, "mapping.function-failed"),
        (r#"{"function":"replaceAllString","regex":"a","replacement":"x\\"}"#, r#""a""#, "mapping.function-failed"),
        (r#"{"function":"replaceAllString","regex":"x*","replacement":"-"}"#, r#""axb""#, r#""-a--b-""#),
        (r#"{"function":"replaceAllString","regex":"(a)(b)?","replacement":"[$1$2]"}"#, r#""aab""#, r#""[a][ab]""#),
        (r#"{"function":"replaceAllString","regex":"(a)","replacement":"$11"}"#, r#""a""#, r#""a1""#),
        (r#"{"function":"replaceFirstString","regex":"14\\d{1}","replacement":123}"#, r#""x142""#, r#""x123""#),
        (r#"{"function":"replaceFirstString","regex":14,"replacement":1}"#, r#""x14""#, r#""x1""#),
        (
            r#"{"function":"replaceFirstString","regex":"(?=(a+)+$)a","replacement":""}"#,
            r#""aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!""#,
            "mapping.limit",
        ),
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

#[test]
fn codes_of_countries() {
    let code = |format: &str| {
        format!(r#"{{"type":"convertCountryCode","outputFormat":"{format}","inputAttributes":["country"],"outputAttribute":"country"}}"#)
    };
    let region = |format: &str| {
        format!(
            r#"{{"type":"convertCountryRegion","outputFormat":"{format}","inputAttributes":["region","country"],"outputAttribute":"region"}}"#
        )
    };
    let (alpha2, numeric, name) = (code("alpha2"), code("numeric"), code("fullName"));
    let (short, full) = (region("alpha2"), region("fullName"));
    check(&[
        (
            &alpha2,
            r#"[{"country":"Germany"},{"country":"USA"},{"city":"x"},{"country":""}]"#,
            r#"[{"country":"DE"},{"country":"US"},{"city":"x"},{"country":""}]"#,
        ),
        (&numeric, r#"{"country":"al"}"#, r#"{"country":"008"}"#),
        (&name, r#"{"country":840}"#, r#"{"country":"United States"}"#),
        (&alpha2, r#"{"country":"Atlantis"}"#, "mapping.function-failed"),
        (&alpha2, r#""Germany""#, r#""DE""#),
        (&alpha2, "null", "null"),
        (
            r#"{"type":"convertCountryCode","outputFormat":"alpha3","inputAttributes":"issuingCountry","outputAttribute":"iso","condition":"@.issuingCountry EMPTY false"}"#,
            r#"[{"issuingCountry":"FR"},{"issuingCountry":""}]"#,
            r#"[{"issuingCountry":"FR","iso":"FRA"},{"issuingCountry":""}]"#,
        ),
        (
            r#"{"type":"convertCountryCode","outputFormat":"alpha2","inputAttributes":["issuingCountry","country"],"outputAttribute":"country"}"#,
            r#"{"country":"France"}"#,
            r#"{"country":"FR"}"#,
        ),
        (
            &short,
            r#"[{"region":"AL","country":"United States"},{"region":"US-AL"}]"#,
            r#"[{"region":"US-AL","country":"United States"},{"region":"US-AL"}]"#,
        ),
        (&full, r#"{"region":"BW","country":"DE"}"#, r#"{"region":"Baden-Württemberg","country":"DE"}"#),
        (&short, r#"{"country":"DE"}"#, r#"{"country":"DE"}"#),
        (&short, r#"{"region":"XX","country":"DE"}"#, "mapping.function-failed"),
        (&short, r#"{"region":"AL"}"#, "mapping.function-failed"),
    ]);
}

#[test]
fn codes_of_languages_and_time_zones() {
    check(&[
        (r#"{"function":"convertLocaleCode","outputFormat":"bcp47"}"#, r#"["EN","de","EO"]"#, r#"["en-US","de-DE","en-US"]"#),
        (r#"{"function":"convertLocaleCode","outputFormat":"iso639"}"#, r#""pt_BR""#, r#""PT""#),
        (r#"{"function":"convertLocaleCode","outputFormat":"bcp47"}"#, "null", "null"),
        (r#"{"type":"convertTimezoneCode","outputFormat":"sap"}"#, r#""America/Phoenix""#, r#""MSTNO""#),
        (r#"{"type":"convertTimezoneCode","outputFormat":"iana"}"#, "null", r#""Europe/Berlin""#),
        (r#"{"type":"convertTimezoneCode","outputFormat":"sap"}"#, "7", r#""CET""#),
    ]);
}

#[test]
fn a_missing_time_zone_is_the_default_one_unless_the_mapping_says_otherwise() {
    let outcome = |more: &str| {
        let text = format!(
            r#"{{"user":{{"mappings":[{{"sourcePath":"$.tz","targetPath":"$.x"{more},"functions":[{{"type":"convertTimezoneCode","outputFormat":"iana"}}]}}]}}}}"#
        );
        let (transformation, _) = Transformation::compile(&text, &[]).expect("a transformation");
        let page = [Input { document: "{}", variables: &[] }];
        match transformation.apply(&mut Scratch::default(), "user", Operation::Read, &page, &mut NoRelations).remove(0) {
            Outcome::Mapped(mapped) => mapped.document,
            other => format!("{other:?}"),
        }
    };
    assert_eq!(outcome(""), r#"{"x":"Europe/Berlin"}"#);
    assert_eq!(outcome(r#","optional":true"#), "{}");
    assert_eq!(outcome(r#","defaultValue":"Asia/Tokyo""#), r#"{"x":"Asia/Tokyo"}"#);
}

#[test]
fn bytes() {
    check(&[
        (r#"{"function":"encode","algorithm":"base32"}"#, r#""JOHN*SMITH/Junior""#, r#""JJHUQTRKKNGUSVCIF5FHK3TJN5ZA====""#),
        (r#"{"function":"encode","algorithm":"base64","skipPadding":"true"}"#, r#""f""#, r#""Zg""#),
        (r#"{"function":"encode","algorithm":"base64"}"#, r#"["f",7,true]"#, r#"["Zg==","Nw==","dHJ1ZQ=="]"#),
        (r#"{"function":"encode","algorithm":"base64"}"#, r#"{"a":1}"#, r#""eyJhIjoxfQ==""#),
        (r#"{"function":"encode","algorithm":"base64"}"#, "null", "null"),
        (r#"{"function":"decode","algorithm":"base64"},{"function":"toString"}"#, r#"["Zg==","Zm8"]"#, r#"["f","fo"]"#),
        (r#"{"function":"decode","algorithm":"base64"},{"function":"toString","applyOnElements":true}"#, r#"["4pyT"]"#, r#"["✓"]"#),
        // Bytes that are no UTF-8, as Java makes a text of them.
        (r#"{"function":"decode","algorithm":"base64"},{"function":"toString"}"#, r#""/w==""#, "\"\u{fffd}\""),
        // Written as they are, bytes are base64.
        (r#"{"function":"decode","algorithm":"base32"}"#, r#""MY""#, r#""Zg==""#),
        (r#"{"function":"decode","algorithm":"base32"},{"function":"encode","algorithm":"base32"}"#, r#""74======""#, r#""74======""#),
        (
            r#"{"function":"decode","algorithm":"base32","applyOnAttribute":"a"},{"function":"toString","applyOnAttribute":"a"}"#,
            r#"[{"a":"MY"}]"#,
            r#"[{"a":"f"}]"#,
        ),
        (r#"{"function":"decode","algorithm":"base32"}"#, r#""M""#, "mapping.function-failed"),
        (r#"{"function":"decode","algorithm":"base32"}"#, "{}", "mapping.function-failed"),
        (r#"{"function":"decode","algorithm":"base32"}"#, r#""""#, r#""""#),
        // Bytes stay bytes in a chain where nothing happens to them.
        (
            r#"{"function":"decode","algorithm":"base64"},{"function":"elementAt","index":0},{"function":"toString"}"#,
            r#"["Zg=="]"#,
            r#""f""#,
        ),
    ]);
}

#[test]
fn bytes_stay_bytes_in_a_variable() {
    let text = r#"{"user":{"mappings":[
        {"sourcePath":"$.id","targetPath":"$.raw","targetVariable":"b","functions":[{"function":"decode","algorithm":"base32"}]},
        {"sourceVariable":"b","targetPath":"$.text","functions":[{"function":"toString"}]}
    ]}}"#;
    let (transformation, _) = Transformation::compile(text, &[]).expect("a transformation");
    let page = [Input { document: r#"{"id":"MZXQ"}"#, variables: &[] }];
    let outcomes = transformation.apply(&mut Scratch::default(), "user", Operation::Read, &page, &mut NoRelations);
    let Outcome::Mapped(mapped) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(mapped.document, r#"{"raw":"Zm8=","text":"fo"}"#);
}

#[test]
fn dates() {
    check(&[
        (
            r#"{"function":"manipulateDate","sourceDateFormat":"yyyy-MM-dd HH:mm:ss.SSS","targetDateFormat":"MM/dd/yyyy"}"#,
            r#""2018-02-28 11:00:00.000""#,
            r#""02/28/2018""#,
        ),
        (
            r#"{"function":"manipulateDate","targetDateFormat":"dd.MM.uuuu","days":"3","hours":"+2","years":"","months":null}"#,
            r#""2018-02-28 23:00:00.000""#,
            r#""04.03.2018""#,
        ),
        (
            r#"{"function":"manipulateDate","sourceDateFormat":"uuuu-MM-dd","months":-1}"#,
            r#"["2018-03-31","2018-01-01"]"#,
            r#"["2018-02-28","2017-12-01"]"#,
        ),
        (r#"{"function":"manipulateDate","sourceDateFormat":"Date(milliseconds)"}"#, "1519809649123", r#""2018-02-28 09:20:49.123""#),
        (r#"{"function":"manipulateDate","sourceDateFormat":"${format}","targetDateFormat":"uuuu"}"#, r#""2018-03-31""#, r#""2018""#),
        (r#"{"function":"manipulateDate","sourceDateFormat":"${var}","targetDateFormat":"uuuu"}"#, r#""9""#, "mapping.function-failed"),
        (r#"{"function":"manipulateDate","sourceDateFormat":"T${var}"}"#, r#""9""#, "mapping.function-failed"),
        (r#"{"function":"manipulateDate","targetDateFormat":"uuuu"}"#, r#""soon""#, "mapping.function-failed"),
        (r#"{"function":"manipulateDate","targetDateFormat":"uuuu"}"#, "null", "null"),
        (r#"{"function":"manipulateDate","days":"9223372036854775807"}"#, r#""2018-02-28 11:00:00.000""#, "mapping.function-failed"),
    ]);
}

#[test]
fn the_format_of_dates_is_that_of_the_property() {
    let text = r#"{"user":{"mappings":[{"sourceVariable":"currentDate","targetPath":"$.x","functions":[{"function":"manipulateDate","days":1}]}]}}"#;
    let properties = [("ips.date.variable.format".to_owned(), "uuuuMMdd".to_owned())];
    let (transformation, _) = Transformation::compile(text, &properties).expect("a transformation");
    let variables = [("currentDate".to_owned(), "\"20181231\"".to_owned())];
    let page = [Input { document: "{}", variables: &variables }];
    let outcomes = transformation.apply(&mut Scratch::default(), "user", Operation::Read, &page, &mut NoRelations);
    let Outcome::Mapped(mapped) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(mapped.document, r#"{"x":"20190101"}"#);
}

#[test]
fn passwords_need_no_source_and_come_from_the_seed() {
    let text = r#"{"user":{"mappings":[{"targetPath":"$.password","functions":[{"type":"randomPassword","passwordLength":"16",
        "minimumNumberOfLowercaseLetters":1,"minimumNumberOfUppercaseLetters":1,"minimumNumberOfDigits":1,"minimumNumberOfSpecialSymbols":0}]}]}}"#;
    let (transformation, _) = Transformation::compile(text, &[]).expect("a transformation");
    let passwords = |scratch: &mut Scratch| -> Vec<String> {
        let page = [Input { document: "{}", variables: &[] }; 3];
        let outcomes = transformation.apply(scratch, "user", Operation::Create, &page, &mut NoRelations);
        outcomes
            .into_iter()
            .map(|outcome| match outcome {
                Outcome::Mapped(mapped) => mapped.document,
                Outcome::Failed(fault) => fault.code.to_owned(),
                other => format!("{other:?}"),
            })
            .collect()
    };
    let mut scratch = Scratch::default();
    assert_eq!(passwords(&mut scratch), ["mapping.function-failed"; 3]);
    scratch.seed([1; 32]);
    let first = passwords(&mut scratch);
    assert_eq!(first, passwords(&mut scratch));
    assert_eq!(first[0].len(), r#"{"password":""}"#.len() + 16);
    assert!(first[0] != first[1] && first[1] != first[2] && first[0] != first[2], "{first:?}");
    scratch.seed([2; 32]);
    assert_ne!(first, passwords(&mut scratch));
}

#[test]
fn wrong_parameters_are_found_when_a_transformation_is_loaded() {
    for (function, code) in [
        (
            r#"{"function":"convertCountryCode","outputFormat":"alpha4","inputAttributes":["country"],"outputAttribute":"c"}"#,
            "mapping.invalid-parameter",
        ),
        (r#"{"function":"convertCountryCode","outputFormat":"alpha2","inputAttributes":[],"outputAttribute":"c"}"#, "mapping.wrong-type"),
        (r#"{"function":"convertCountryCode","outputFormat":"alpha2","inputAttributes":["c"]}"#, "mapping.missing-parameter"),
        (
            r#"{"function":"convertCountryRegion","outputFormat":"numeric","inputAttributes":["r","c"],"outputAttribute":"r"}"#,
            "mapping.invalid-parameter",
        ),
        (r#"{"function":"convertLocaleCode"}"#, "mapping.missing-parameter"),
        (r#"{"function":"convertTimezoneCode","outputFormat":7}"#, "mapping.wrong-type"),
        (r#"{"function":"encode","algorithm":"base16"}"#, "mapping.invalid-parameter"),
        (r#"{"function":"decode","algorithm":"base32","skipPadding":"maybe"}"#, "mapping.wrong-type"),
        (r#"{"function":"manipulateDate","sourceDateFormat":"yyyy-MM-ddT"}"#, "mapping.invalid-date-format"),
        (r#"{"function":"manipulateDate","days":"one"}"#, "mapping.wrong-type"),
        (
            r#"{"function":"randomPassword","passwordLength":3,"minimumNumberOfLowercaseLetters":1,"minimumNumberOfUppercaseLetters":1,"minimumNumberOfDigits":1,"minimumNumberOfSpecialSymbols":1}"#,
            "mapping.invalid-password",
        ),
        (r#"{"function":"isValidEmail"}"#, "mapping.unknown-function"),
        (r#"{"function":"matchRegex","regex":"\\X"}"#, "mapping.invalid-regex"),
    ] {
        let text = format!(r#"{{"user":{{"mappings":[{{"sourcePath":"$.v","targetPath":"$.x","functions":[{function}]}}]}}}}"#);
        let findings = Transformation::compile(&text, &[]).expect_err("an error");
        assert!(findings.iter().any(|finding| finding.code == code), "{function}: {findings:#?}");
    }
}
