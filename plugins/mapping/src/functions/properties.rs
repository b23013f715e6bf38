//! What holds of any chain of functions on any value.

use proptest::prelude::*;

use crate::json::tests::any_object;
use crate::{Input, NoRelations, Operation, Outcome, Scratch, Transformation};

/// Any function with parameters that make sense, or nearly.
fn any_function() -> impl Strategy<Value = String> {
    let own = prop::sample::select(vec![
        r#""concatString","prefix":"p${v}","suffix":"$.a""#,
        r#""compositeId","subId":"$..b""#,
        r#""copyMapEntry","sourceKey":"a","targetKey":"b""#,
        r#""renameMapEntry","sourceKey":"b","targetKey":"a""#,
        r#""elementAt","index":-1"#,
        r#""putIfAbsent","key":"b","defaultValue":{"a":[1]}"#,
        r#""putIfPresent","key":"a","defaultValue":"MZXQ""#,
        r#""replaceString","target":"a","replacement":"aa""#,
        r#""replaceFirstString","regex":"(?<=a)(.)","replacement":"$1$1""#,
        r#""replaceLastString","regex":"\\\\b\\\\w*","replacement":"x""#,
        r#""replaceAllString","regex":"(a|b)*","replacement":"[$1]""#,
        r#""replaceAllString","regex":"${v}","replacement":"${v}""#,
        r#""matchRegex","regex":"(?iu)[^a-c&&\\\\p{L}]+""#,
        r#""getMatchedRegexGroup","regex":"(.)\\\\1","groupIndex":1"#,
        r#""resolveEntityIds""#,
        r#""splitStringToArray","separator":"a""#,
        r#""substring","beginIndex":1,"endIndex":"9""#,
        r#""toUpperCaseString","locale":"tr""#,
        r#""toLowerCaseString""#,
        r#""toString""#,
        r#""convertCountryCode","outputFormat":"fullName","inputAttributes":["a"],"outputAttribute":"b""#,
        r#""convertCountryRegion","outputFormat":"alpha2","inputAttributes":["a","b"],"outputAttribute":"a""#,
        r#""convertLocaleCode","outputFormat":"bcp47""#,
        r#""convertTimezoneCode","outputFormat":"sap""#,
        r#""encode","algorithm":"base32","skipPadding":true"#,
        r#""encode","algorithm":"base64""#,
        r#""decode","algorithm":"base32""#,
        r#""decode","algorithm":"base64""#,
        r#""manipulateDate","sourceDateFormat":"Date(milliseconds)","years":"+1""#,
        r#""manipulateDate","sourceDateFormat":"[yyyy][-MM][-dd]","targetDateFormat":"${v}""#,
        r#""randomPassword","passwordLength":8,"minimumNumberOfLowercaseLetters":1,"minimumNumberOfUppercaseLetters":1,"minimumNumberOfDigits":1,"minimumNumberOfSpecialSymbols":1"#,
    ]);
    let common = prop::sample::select(vec![
        "",
        "",
        "",
        r#","applyOnElements":true"#,
        r#","applyOnAttribute":"a""#,
        r#","applyOnJsonAttribute":"b","assignToAttribute":"a""#,
        r#","assignToAttribute":"b""#,
        r#","condition":"@.a EMPTY false""#,
        r#","condition":"@ =~ /.*a.*/ || '${v}' == 'x'""#,
    ]);
    (own, common, any::<bool>()).prop_map(|(own, common, key)| format!(r#"{{"{}":{own}{common}}}"#, if key { "function" } else { "type" }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_chain_on_any_value_gives_the_same_twice(
        functions in prop::collection::vec(any_function(), 1..6),
        source in prop::sample::select(vec!["$", "$.a", "$.a[*]", "$..a", "$..b"]),
        json in any_object(),
        v in prop::sample::select(vec!["a", "(", "uuuu", "\\\\", "$1", "[a-z]+", ""]),
    ) {
        let text = format!(
            r#"{{"user":{{"mappings":[
                {{"sourcePath":"{source}","targetPath":"$.x","targetVariable":"w","optional":true,"functions":[{0}]}},
                {{"sourceVariable":"w","targetPath":"$.y","defaultValue":7,"functions":[{0}]}}
            ]}}}}"#,
            functions.join(",")
        );
        let (transformation, _) = Transformation::compile(&text, &[]).map_err(|findings| TestCaseError::fail(format!("{findings:#?}")))?;
        let document = json.to_string();
        let variables = [("v".to_owned(), serde_json::Value::from(v).to_string())];
        let mut scratch = Scratch::default();
        scratch.seed([3; 32]);
        let page = [Input { document: &document, variables: &variables }];
        let first = transformation.apply(&mut scratch, "user", Operation::Create, &page, &mut NoRelations);
        let second = transformation.apply(&mut scratch, "user", Operation::Create, &page, &mut NoRelations);
        prop_assert_eq!(&first, &second);
        let (explained, _) = transformation.explain(&mut scratch, "user", Operation::Create, page[0], &mut NoRelations);
        prop_assert_eq!(&first[0], &explained);
        if let Outcome::Mapped(mapped) = &first[0] {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&mapped.document).is_ok(), "{}", mapped.document);
        }
    }
}
