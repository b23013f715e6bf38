//! Objects that name a key twice: the last value wins and stands where the first one stood, as in a Java map.

use std::collections::HashMap;

use super::text::push;
use super::value::{Kind, Value};

/// The value's text again, each key once. The reader of a path then may stop at the first hit, and a value that is passed through means the same to whoever
/// reads it.
pub fn without_duplicates(value: Value<'_>) -> String {
    let mut out = String::with_capacity(value.raw().len());
    write(value, &mut out);
    out
}

/// Recursion is bounded by the parser's depth.
fn write(value: Value<'_>, out: &mut String) {
    match value.kind() {
        Kind::Array => {
            out.push('[');
            for (position, element) in value.elements().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write(element, out);
            }
            out.push(']');
        }
        Kind::Object => {
            let mut places = HashMap::new();
            let mut members: Vec<(Value<'_>, Value<'_>)> = Vec::new();
            for (key, member) in value.members() {
                let place = *places.entry(key.string()).or_insert(members.len());
                match members.get_mut(place) {
                    Some(known) => known.1 = member,
                    None => members.push((key, member)),
                }
            }
            out.push('{');
            for (position, (key, member)) in members.into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                push(out, key.raw());
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
        _ => push(out, value.raw()),
    }
}
