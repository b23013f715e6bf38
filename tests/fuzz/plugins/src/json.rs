//! A document: the tape parser against `serde_json`, and the transformation that copies everything.

use std::cmp::Ordering;
use std::sync::LazyLock;

use mapping::json::{Doc, Kind, Source, Value, number, parse, without_duplicates};
use mapping::{Input, NoRelations, Operation, Outcome, Scratch, Transformation};
use serde_json::Value as Tree;

use crate::target::parts;

static COPY: LazyLock<Transformation> = LazyLock::new(|| {
    let text = r#"{"user":{"mappings":[{"sourcePath":"$","targetPath":"$"}]}}"#;
    Transformation::compile(text, &[]).expect("a transformation").0
});

pub fn check(data: &[u8]) {
    let Some([text]) = parts(data) else { return };
    let mut nodes = Vec::new();
    let ours = parse(text, 0, &mut nodes);
    let theirs = serde_json::from_str::<Tree>(text);
    let (at, duplicates) = match (ours, &theirs) {
        (Ok(ours), Ok(_)) => ours,
        (Ok(ours), Err(error)) => {
            assert!(is_only_theirs(&error.to_string()), "only serde_json refuses: {error}");
            ours
        }
        (Err(error), Ok(_)) => panic!("only the tape refuses: {error}"),
        (Err(error), Err(_)) => {
            assert!(error.at <= text.len(), "{error}");
            return;
        }
    };
    let value = Value { doc: &Doc { source: Source::Input, text, nodes: &nodes }, at };
    assert_eq!(value.raw(), text.trim_matches([' ', '\t', '\r', '\n']));
    // An escaped key counts as a possible duplicate, so the clean text may be flagged again; cleaning it again changes nothing.
    let clean = if duplicates { without_duplicates(value) } else { value.raw().to_owned() };
    let mut nodes = Vec::new();
    let (at, _) = parse(&clean, 0, &mut nodes).expect("what was parsed can be parsed again");
    let value = Value { doc: &Doc { source: Source::Input, text: &clean, nodes: &nodes }, at };
    if duplicates {
        assert_eq!(without_duplicates(value), clean);
    }
    numbers(value);
    if let Ok(tree) = &theirs {
        same(value, tree);
    }
    if value.kind() == Kind::Object {
        copied(text, &clean);
    }
}

/// Limits of `serde_json` that are none of the tape's: numbers have to fit, the depth is 127, half a surrogate pair is refused.
fn is_only_theirs(error: &str) -> bool {
    ["number out of range", "recursion limit exceeded", "surrogate", "unexpected end of hex escape", "invalid unicode code point"]
        .iter()
        .any(|known| error.contains(known))
}

fn copied(text: &str, clean: &str) {
    let page = [Input { document: text, variables: &[] }];
    let outcomes = COPY.apply(&mut Scratch::default(), "user", Operation::Read, &page, &mut NoRelations);
    let Outcome::Mapped(mapped) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(mapped.document, clean, "a copy of everything is the same text");
}

fn numbers(value: Value<'_>) {
    match value.kind() {
        Kind::Number => {
            let text = value.raw();
            // An exponent of more than 19 digits is beyond comparing.
            if number::compare(text, text).is_some() {
                assert_eq!(number::compare(text, text), Some(Ordering::Equal));
                if let Some(canonical) = number::canonical(text) {
                    assert_eq!(number::compare(&canonical, text), Some(Ordering::Equal), "{canonical} {text}");
                    assert_eq!(number::canonical(&canonical).as_ref(), Some(&canonical));
                }
            }
        }
        Kind::Array => value.elements().for_each(numbers),
        Kind::Object => value.members().for_each(|(_, member)| numbers(member)),
        _ => {}
    }
}

fn same(value: Value<'_>, tree: &Tree) {
    match (value.kind(), tree) {
        (Kind::Null, Tree::Null) | (Kind::True, Tree::Bool(true)) | (Kind::False, Tree::Bool(false)) => {}
        (Kind::Number, Tree::Number(number)) => {
            assert_eq!(serde_json::from_str::<serde_json::Number>(value.raw()).as_ref().ok(), Some(number));
        }
        (Kind::String, Tree::String(text)) => assert_eq!(value.string(), *text),
        (Kind::Array, Tree::Array(elements)) => {
            assert_eq!(value.count(), elements.len());
            for (at, (element, tree)) in value.elements().zip(elements).enumerate() {
                let indexed = i32::try_from(at).ok().and_then(|at| value.element(at));
                assert_eq!(indexed.map(|indexed| indexed.at), Some(element.at));
                same(element, tree);
            }
        }
        (Kind::Object, Tree::Object(members)) => {
            assert_eq!(value.count(), members.len());
            for (key, member) in value.members() {
                let key = key.string();
                assert_eq!(value.member(&key).map(|found| found.at), Some(member.at), "{key:?}");
                same(member, &members[&*key]);
            }
        }
        (kind, tree) => panic!("{kind:?} is {tree}"),
    }
}
