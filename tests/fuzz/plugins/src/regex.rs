//! A regular expression, a text, a replacement and flags: matching in conditions and in functions.

use mapping::condition::Pattern;
use serde_json::json;

use crate::document::USER;
use crate::target::parts;
use crate::twice::twice;

pub fn check(data: &[u8]) {
    let Some([body, text, replacement, flags]) = parts(data) else { return };
    // `u` alone changes nothing but that the engine is always used, so the shapes that need no engine are compared with it.
    let (plain, engine) = (Pattern::compile(body, ""), Pattern::compile(body, "u"));
    assert_eq!(plain.is_ok(), engine.is_ok(), "{plain:?} {engine:?}");
    if let (Ok(plain), Ok(engine)) = (plain, engine)
        && let (Ok(plain), Ok(engine)) = (plain.matches(text, &plenty()), engine.matches(text, &plenty()))
    {
        assert_eq!(plain, engine, "{body:?} on {text:?} without and with the engine");
    }
    let flags: String = flags.chars().filter(|flag| "dixmsuU".contains(*flag)).take(7).collect();
    if let Ok(flagged) = Pattern::compile(body, &flags) {
        assert_eq!(flagged.matches(text, &plenty()), flagged.matches(text, &plenty()));
    }
    let mappings: Vec<_> = [
        json!({"function": "matchRegex", "regex": body}),
        json!({"function": "replaceAllString", "regex": body, "replacement": replacement}),
        json!({"function": "replaceFirstString", "regex": body, "replacement": replacement}),
        json!({"function": "replaceLastString", "regex": body, "replacement": replacement}),
        json!({"function": "getMatchedRegexGroup", "regex": body, "groupIndex": 1}),
    ]
    .into_iter()
    .map(|function| json!({"user": {"mappings": [{"constant": text, "targetPath": "$.x", "functions": [function]}]}}).to_string())
    .collect();
    for transformation in mappings {
        twice(&transformation, &[USER]);
    }
}

/// Enough for one search.
fn plenty() -> std::cell::Cell<u32> {
    std::cell::Cell::new(mapping::path::BUDGET)
}
