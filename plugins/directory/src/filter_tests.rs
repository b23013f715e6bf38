use super::*;
use proptest::prelude::*;

fn written(filter: &Filter) -> Vec<u8> {
    let mut writer = Writer::default();
    filter.write(&mut writer);
    writer.finish()
}

#[test]
fn the_examples_of_the_rfc() {
    let equal = |name: &str, value: &str| Filter::equal(name, value);
    for (text, filter) in [
        ("(cn=Babs Jensen)", equal("cn", "Babs Jensen")),
        ("cn=Babs", equal("cn", "Babs")),
        ("(!(cn=Tim Howes))", Filter::Not(Box::new(equal("cn", "Tim Howes")))),
        (
            "(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))",
            Filter::And(vec![
                equal("objectClass", "Person"),
                Filter::Or(vec![equal("sn", "Jensen"), Filter::Substrings("cn".into(), b"Babs J".to_vec(), vec![], vec![])]),
            ]),
        ),
        ("(o=univ*of*mich*)", Filter::Substrings("o".into(), b"univ".to_vec(), vec![b"of".to_vec(), b"mich".to_vec()], vec![])),
        ("(seeAlso=)", equal("seeAlso", "")),
        (
            "(cn:caseExactMatch:=Fred)",
            Filter::Matches { attribute: "cn".into(), dn: false, rule: "caseExactMatch".into(), value: b"Fred".to_vec() },
        ),
        (
            "(sn:dn:2.4.6.8.10:=Barney)",
            Filter::Matches { attribute: "sn".into(), dn: true, rule: "2.4.6.8.10".into(), value: b"Barney".to_vec() },
        ),
        ("(:1.2.3:=Wilma)", Filter::Matches { attribute: String::new(), dn: false, rule: "1.2.3".into(), value: b"Wilma".to_vec() }),
        (r"(o=Parens R Us \28for all\29)", equal("o", "Parens R Us (for all)")),
        (r"(cn=*\2A*)", Filter::Substrings("cn".into(), vec![], vec![b"*".to_vec()], vec![])),
        (r"(bin=\00\ff)", Filter::Equal("bin".into(), vec![0, 0xff])),
        ("(uSNChanged>=7)", Filter::GreaterOrEqual("uSNChanged".into(), b"7".to_vec())),
        ("(a<=b)", Filter::LessOrEqual("a".into(), b"b".to_vec())),
        ("(a~=b)", Filter::Approximately("a".into(), b"b".to_vec())),
        ("(&\n  (a=*)\n  (b=1)\n)", Filter::And(vec![Filter::Present("a".into()), equal("b", "1")])),
        ("(&)", Filter::And(vec![])),
    ] {
        assert_eq!(Filter::parse(text).as_ref(), Ok(&filter), "{text}");
        assert!(!written(&filter).is_empty());
    }
}

#[test]
fn what_is_no_filter_is_told_with_its_place() {
    for (text, why) in [
        ("", "attribute=value is expected at character 1"),
        ("(cn=a", "\")\" is expected at character 6"),
        ("(cn=a))", "the end of the filter is expected at character 7, there is ')'"),
        ("(&(cn=a)b)", "\")\" is expected at character 9, there is 'b'"),
        ("(cn)", "attribute=value is expected at character 2"),
        ("(=a)", "attribute=value"),
        ("(c n=a)", "the name of an attribute"),
        (r"(cn=\2)", "a backslash with two hexadecimal digits"),
        ("(cn=**)", "one asterisk"),
        ("cn=a)(uid=*", "\"(\" around the whole filter"),
        ("(:=a)", "an attribute or a matching rule"),
    ] {
        let error = Filter::parse(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
    let deep = format!("{}(a=b){}", "(!".repeat(5000), ")".repeat(5000));
    assert!(Filter::parse(&deep).unwrap_err().contains("nested"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[(&|!)=*a:\\\\0-9<>~ é]{0,40}") {
        if let Ok(filter) = Filter::parse(&text) {
            let bytes = written(&filter);
            prop_assert_eq!(crate::ber::length(&bytes), Ok(Some(bytes.len())));
        }
    }

    /// Whatever is in a value stays a value.
    #[test]
    fn a_value_is_one_element(value in any::<Vec<u8>>()) {
        let bytes = written(&Filter::equal("uid", value.clone()));
        let mut pair = crate::ber::Reader::new(&bytes).inside(context_constructed(3)).unwrap();
        prop_assert_eq!(pair.text(OCTET_STRING), Ok("uid"));
        prop_assert_eq!(pair.take(OCTET_STRING), Ok(&value[..]));
        prop_assert!(pair.is_empty());
    }
}
