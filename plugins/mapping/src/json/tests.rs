use proptest::prelude::*;

use super::*;

fn with<R>(text: &str, use_it: impl FnOnce(Value<'_>) -> R) -> R {
    let mut nodes = Vec::new();
    let (at, _) = parse(text, 0, &mut nodes).expect("valid JSON");
    let doc = Doc { source: Source::Input, text, nodes: &nodes };
    use_it(Value { doc: &doc, at })
}

/// The tape read back into an owned tree, for comparison.
fn tree(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::True => true.into(),
        Kind::False => false.into(),
        Kind::Number => serde_json::from_str(value.raw()).expect("a number"),
        Kind::String => value.string().into_owned().into(),
        Kind::Array => value.elements().map(tree).collect(),
        Kind::Object => value.members().map(|(key, member)| (key.string().into_owned(), tree(member))).collect(),
    }
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u12\"",
        "\"\n\"",
        "\"\u{1}\"",
        "01",
        "-",
        "-a",
        "1.",
        "1.e1",
        ".5",
        "1e",
        "1e+",
        "+1",
        "nul",
        "truex",
        "tru",
        "NaN",
        "Infinity",
        "1 2",
        "{} {}",
        "[1 2]",
        "{\"a\" 1}",
        "\u{feff}{}",
        "// c\n1",
    ] {
        assert!(parse(text, 0, &mut Vec::new()).is_err(), "{text:?}");
        assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text:?}");
    }
}

#[test]
fn escapes_are_decoded() {
    with(r#""a\"\\\/\b\f\n\r\té😀""#, |value| assert_eq!(value.string(), "a\"\\/\u{8}\u{c}\n\r\té😀"));
    with(r#""\ud83dx\ude00\ud83d""#, |value| assert_eq!(value.string(), "\u{fffd}x\u{fffd}\u{fffd}"));
    with(r#"{"ab":1}"#, |value| assert_eq!(value.member("ab").map(Value::raw), Some("1")));
}

#[test]
fn depth_is_bounded() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(parse(&deep(128), 0, &mut Vec::new()).is_ok());
    assert_eq!(parse(&deep(129), 0, &mut Vec::new()).unwrap_err().what, "nested deeper than 128 levels");
    assert!(parse(&"[".repeat(1_000_000), 0, &mut Vec::new()).is_err());
}

#[test]
fn of_two_equal_keys_the_last_value_wins_in_the_first_place() {
    for (text, expected) in [
        (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
        (r#"[{"x":{"k":[1],"k":null}}]"#, r#"[{"x":{"k":null}}]"#),
        (r#"{"a":1,"\u0061":2}"#, r#"{"a":2}"#),
    ] {
        let mut nodes = Vec::new();
        let (at, duplicates) = parse(text, 0, &mut nodes).expect("valid JSON");
        assert!(duplicates);
        assert_eq!(without_duplicates(Value { doc: &Doc { source: Source::Input, text, nodes: &nodes }, at }), expected);
    }
    for text in [r#"{"a":1,"b":2}"#, r#"[{"a":1},{"a":2}]"#, r#"{"a":{"a":{"a":1}}}"#] {
        assert!(!parse(text, 0, &mut Vec::new()).expect("valid JSON").1, "{text}");
    }
}

#[test]
fn elements_and_members_are_found() {
    with(r#" { "a" : [ 1 , [2, 3], {"b": 4} ], "long key of more than sixteen bytes": true, "c": "" } "#, |value| {
        let list = value.member("a").expect("a");
        assert_eq!((value.count(), list.count()), (3, 3));
        assert_eq!(list.element(2).and_then(|element| element.member("b")).map(Value::raw), Some("4"));
        assert_eq!(list.element(-2).map(Value::raw), Some("[2, 3]"));
        assert!(list.element(3).is_none() && list.element(-4).is_none() && list.member("a").is_none());
        assert_eq!(value.member("long key of more than sixteen bytes").map(Value::kind), Some(Kind::True));
        assert!(value.member("long key of more than sixteen bytez").is_none());
    });
}

/// Any JSON value, as a tree.
pub(crate) fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e9..1e9f64).prop_map(Into::into),
        ".{0,20}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::vec((".{0,9}|[a-c]", inner), 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Any JSON object with keys some of which the paths of the tests name.
pub(crate) fn any_object() -> impl Strategy<Value = serde_json::Value> {
    prop::collection::vec(("[a-c]|.{0,5}", any_json()), 0..6).prop_map(|members| serde_json::Value::Object(members.into_iter().collect()))
}

proptest! {
    #[test]
    fn a_tape_says_what_the_text_says(json in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.expect("a text");
        with(&text, |value| {
            prop_assert_eq!(tree(value), json);
            Ok(())
        })?;
    }

    #[test]
    fn the_parser_agrees_with_serde_json(text in r#"[\[\]{}:,"\\ 0-9.eE+\-truefalsn\u{0}-\u{1f}é]{0,24}"#) {
        let mut nodes = Vec::new();
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        match parse(&text, 0, &mut nodes) {
            Ok((at, _)) => {
                let doc = Doc { source: Source::Input, text: &text, nodes: &nodes };
                // Numbers beyond a double and lone surrogates are the only texts serde_json refuses.
                if let Ok(theirs) = theirs {
                    prop_assert_eq!(tree(Value { doc: &doc, at }), theirs);
                }
            }
            Err(_) => prop_assert!(theirs.is_err()),
        }
    }

    #[test]
    fn escaping_and_back_is_the_identity(content in any::<String>()) {
        let mut quoted = String::new();
        text::push_quoted(&mut quoted, &content);
        prop_assert_eq!(serde_json::from_str::<String>(&quoted).expect("a JSON string"), content.clone());
        with(&quoted, |value| assert_eq!(value.string(), content));
    }

    #[test]
    fn pieces_are_pushed_whole(start in any::<String>(), piece in "(.{0,40}){0,20}") {
        let mut out = start.clone();
        text::push(&mut out, &piece);
        prop_assert_eq!(out, start + &piece);
    }
}

#[test]
fn a_member_is_found_wherever_it_stands() {
    let name = Name::new("value".into());
    let empty = Name::new("".into());
    let expected = [
        (r#"{"a":1,"value":2}"#, Some("2")),
        (r#"{"a":{"value":3},"value":4}"#, Some("4")),
        (r#"{"a":{"value":5}}"#, None),
        (r#"{"a":"value","value":6}"#, Some("6")),
        (r#"{"a":["value"]}"#, None),
        (r#"{"\u0076alue":7}"#, Some("7")),
        (r#"{"value":8}"#, Some("8")),
        (r"{}", None),
        (r#"["value",9]"#, None),
        (r#""value""#, None),
    ];
    // In every order, since the place of the last find is where the next search begins.
    for (before, _) in expected {
        for (text, found) in expected {
            for (text, found) in [(before, None), (text, Some(found))] {
                let mut nodes = Vec::new();
                let (at, _) = parse(text, 0, &mut nodes).expect("JSON");
                let doc = Doc { source: Source::Input, text, nodes: &nodes };
                let member = Value { doc: &doc, at }.member_named(&name).map(Value::raw);
                assert!(found.is_none_or(|found| found == member), "{text} after {before}: {member:?}");
                assert_eq!(Value { doc: &doc, at }.member_named(&empty).map(Value::raw), None, "{text}");
            }
        }
    }
}

#[test]
fn texts_of_every_length_are_compared_copied_and_scanned() {
    for length in 0..200 {
        let text: String = ('a'..='z').cycle().take(length).collect();
        let mut out = "before".to_owned();
        text::push(&mut out, &text);
        assert_eq!(out, format!("before{text}"));
        assert!(text::same(text.as_bytes(), &out.as_bytes()[6..]));
        assert_eq!(text::plain_end(text.as_bytes(), 0), length);
        for at in 0..length {
            for special in [b'"', b'\\', 0, 0x1f] {
                let mut other = text.clone().into_bytes();
                other[at] = special;
                assert!(!text::same(text.as_bytes(), &other), "{length} {at}");
                assert_eq!(text::plain_end(&other, at / 2), at, "{length} {special}");
            }
        }
    }
    let plain: Vec<u8> = (0x20..=0xff).filter(|byte| !b"\"\\".contains(byte)).collect();
    assert_eq!(text::plain_end(&plain, 0), plain.len());
}
