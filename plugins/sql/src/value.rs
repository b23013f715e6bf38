//! A column's text to JSON text, and a JSON value to a parameter's text; see `types` for what becomes what.

use crate::{array, types::Type};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::de::IgnoredAny;
use serde_json::Value;

/// Append the JSON of a value that is not NULL. What a server sends is checked: text that is no number must not get into a document as one.
pub fn write_json(kind: &Type, text: &str, out: &mut String) -> Result<(), String> {
    match kind {
        Type::Boolean => match text {
            "t" => out.push_str("true"),
            "f" => out.push_str("false"),
            _ => return Err("a boolean is neither t nor f".into()),
        },
        Type::Number
            if text.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
                && is_json(text)
                && !text.contains(char::is_whitespace) =>
        {
            out.push_str(text);
        }
        Type::Json if is_json(text) => out.push_str(text.trim()),
        Type::Json => return Err("a json value is not JSON, or nested too deeply".into()),
        Type::Array(element) => array::write_json(element, text, out)?,
        Type::Timestamp | Type::TimestampTz => write_text(&rfc3339(text), out),
        Type::Bytes => {
            let bytes = text.strip_prefix("\\x").and_then(unhex).ok_or("a bytea value is not in hex")?;
            write_text(&STANDARD.encode(bytes), out);
        }
        Type::Number | Type::Text => write_text(text, out),
    }
    Ok(())
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Append a JSON string.
pub fn write_text(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}

/// `2026-05-04 10:00:00.5+00` is `2026-05-04T10:00:00.5Z`. Infinities and years before Christ stay as they are.
fn rfc3339(text: &str) -> String {
    if text.len() < 19 || !text.is_ascii() || text.as_bytes()[4..].iter().any(u8::is_ascii_alphabetic) {
        return text.to_owned();
    }
    let text = text.replacen(' ', "T", 1);
    text.strip_suffix("+00").map_or_else(|| text.clone(), |time| format!("{time}Z"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    digits.chunks(2).map(|pair| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()).collect()
}

/// The text of a parameter of this type; nothing is NULL. Only what the type cannot take in any case is refused here, the rest is the server's to judge.
pub fn parameter(kind: &Type, value: &Value) -> Result<Option<String>, String> {
    Ok(Some(match (kind, value) {
        (_, Value::Null) => return Ok(None),
        (Type::Json, value) => value.to_string(),
        (Type::Array(element), Value::Array(values)) => array::text(element, values)?,
        (Type::Array(element), value) => array::text(element, std::slice::from_ref(value))?,
        (_, Value::Array(_)) => return Err("a list does not fit into a column of a single value".into()),
        (_, Value::Object(_)) => return Err("an object fits into a json column only".into()),
        (Type::Bytes, Value::String(text)) => {
            let bytes = STANDARD.decode(text).map_err(|_| "a bytea column takes base64")?;
            bytes.iter().fold("\\x".to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
        }
        (_, Value::String(text)) if text.contains('\0') => return Err("the character U+0000 cannot be stored".into()),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Bool(_) | Value::Number(_)) => value.to_string(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn json_of(kind: &Type, text: &str) -> Result<String, String> {
        let mut out = String::new();
        write_json(kind, text, &mut out).map(|()| out)
    }

    #[test]
    fn values_of_a_server() {
        let array = |element| Type::Array(Box::new(element));
        for (kind, text, json) in [
            (Type::Boolean, "t", "true"),
            (Type::Number, "-12", "-12"),
            (Type::Number, "9223372036854775807", "9223372036854775807"),
            (Type::Number, "1.50", "1.50"),
            (Type::Number, "1e+20", "1e+20"),
            (Type::Number, "NaN", "\"NaN\""),
            (Type::Number, "-Infinity", "\"-Infinity\""),
            (Type::Json, " {\"a\": [1]} ", "{\"a\": [1]}"),
            (Type::Text, "a\"b\n", "\"a\\\"b\\n\""),
            (Type::TimestampTz, "2026-05-04 10:00:00.5+00", "\"2026-05-04T10:00:00.5Z\""),
            (Type::Timestamp, "2026-05-04 10:00:00", "\"2026-05-04T10:00:00\""),
            (Type::TimestampTz, "infinity", "\"infinity\""),
            (Type::TimestampTz, "0044-03-15 12:00:00+00 BC", "\"0044-03-15 12:00:00+00 BC\""),
            (Type::Bytes, "\\x00ff", "\"AP8=\""),
            (array(Type::Number), "{1,NULL,3}", "[1,null,3]"),
            (array(Type::Text), "{\"a,b\",\"NULL\",\"\\\"\\\\\",x}", "[\"a,b\",\"NULL\",\"\\\"\\\\\",\"x\"]"),
            (array(Type::Boolean), "[0:1]={{t},{f}}", "[[true],[false]]"),
            (array(Type::Text), "{}", "[]"),
        ] {
            assert_eq!(json_of(&kind, text).as_deref(), Ok(json), "{text}");
        }
    }

    #[test]
    fn what_is_no_value_of_the_type_is_refused() {
        let array = Type::Array(Box::new(Type::Text));
        for (kind, text) in
            [(Type::Boolean, "x"), (Type::Json, "{"), (Type::Bytes, "\\x0"), (Type::Bytes, "0"), (array.clone(), "{a"), (array, "a")]
        {
            assert!(json_of(&kind, text).is_err(), "{text}");
        }
        // A number that is none is text and not a hole in the document.
        assert_eq!(json_of(&Type::Number, "1,\"x\":2").unwrap(), "\"1,\\\"x\\\":2\"");
    }

    #[test]
    fn parameters() {
        let texts = Type::Array(Box::new(Type::Text));
        for (kind, value, text) in [
            (Type::Text, json!(null), None),
            (Type::Text, json!("it's; --"), Some("it's; --")),
            (Type::Number, json!(12.5), Some("12.5")),
            (Type::Boolean, json!(true), Some("true")),
            (Type::Json, json!("x"), Some("\"x\"")),
            (Type::Json, json!({"a": 1}), Some("{\"a\":1}")),
            (texts.clone(), json!(["a,\"b\\", null]), Some("{\"a,\\\"b\\\\\",NULL}")),
            (texts, json!("one"), Some("{\"one\"}")),
            (Type::Bytes, json!("AP8="), Some("\\x00ff")),
        ] {
            assert_eq!(parameter(&kind, &value).unwrap().as_deref(), text, "{value}");
        }
        for (kind, value) in [(Type::Text, json!(["a"])), (Type::Text, json!({})), (Type::Text, json!("\0")), (Type::Bytes, json!("%"))] {
            assert!(parameter(&kind, &value).is_err(), "{value}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_server_sends_the_outcome_is_json(text in ".*", which in 0_usize..7) {
            let kinds = [Type::Boolean, Type::Number, Type::Json, Type::TimestampTz, Type::Bytes, Type::Text, Type::Number];
            for kind in [kinds[which].clone(), Type::Array(Box::new(kinds[which].clone()))] {
                if let Ok(json) = json_of(&kind, &text) {
                    prop_assert!(is_json(&json), "{json}");
                }
            }
        }

        #[test]
        fn lists_come_back(values in proptest::collection::vec(proptest::option::of("[^\0]*"), 0..5)) {
            let kind = Type::Array(Box::new(Type::Text));
            let value = json!(values);
            let text = parameter(&kind, &value).unwrap().unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&json_of(&kind, &text).unwrap()).unwrap(), value);
        }
    }
}
