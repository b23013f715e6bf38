//! Array literals (PostgreSQL documentation, section 8.15.2): `{a,"b, c",NULL}`, nested for more dimensions, with bounds in front where they are not the usual ones.

use crate::{
    types::Type,
    value::{parameter, write_json as write_value},
};
use serde_json::Value;

/// The server's own limit of dimensions.
const MAX_DIMENSIONS: usize = 6;

/// Append the JSON of an array literal.
pub(crate) fn write_json(element: &Type, text: &str, out: &mut String) -> Result<(), String> {
    // `[1:2][3:4]={{..}}`: the bounds of all dimensions.
    let body = if text.starts_with('[') { text.split_once("]=").map_or(text, |(_, body)| body) } else { text };
    let rest = list(element, body, out, MAX_DIMENSIONS)?;
    if rest.is_empty() { Ok(()) } else { Err("an array value goes on after its end".into()) }
}

/// One `{...}`; answers what follows it.
fn list<'t>(element: &Type, text: &'t str, out: &mut String, dimensions: usize) -> Result<&'t str, String> {
    let mut rest = text
        .strip_prefix('{')
        .filter(|_| dimensions > 0)
        .ok_or("an array value does not begin with a brace, or has too many dimensions")?;
    out.push('[');
    let mut first = true;
    loop {
        if first && rest.starts_with('}') {
            break;
        }
        if !first {
            out.push(',');
        }
        first = false;
        if rest.starts_with('{') {
            rest = list(element, rest, out, dimensions - 1)?;
        } else if let Some(quoted) = rest.strip_prefix('"') {
            let (value, after) = unquoted(quoted)?;
            write_value(element, &value, out)?;
            rest = after;
        } else {
            let end = rest.find([',', '}']).ok_or("an array value has no end")?;
            match &rest[..end] {
                "NULL" => out.push_str("null"),
                value => write_value(element, value, out)?,
            }
            rest = &rest[end..];
        }
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => break,
        }
    }
    out.push(']');
    rest.strip_prefix('}').ok_or_else(|| "an array value has no end".to_owned())
}

/// The text up to the closing quote, without its backslashes, and what follows.
fn unquoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    Err("a text in an array value has no end".into())
}

/// The literal of these values.
pub(crate) fn text(element: &Type, values: &[Value]) -> Result<String, String> {
    nested(element, values, MAX_DIMENSIONS)
}

fn nested(element: &Type, values: &[Value], dimensions: usize) -> Result<String, String> {
    if dimensions == 0 {
        return Err(format!("an array has at most {MAX_DIMENSIONS} dimensions"));
    }
    let mut out = String::from("{");
    for (number, value) in values.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        match value {
            Value::Array(inner) if *element != Type::Json => out.push_str(&nested(element, inner, dimensions - 1)?),
            value => match parameter(element, value)? {
                Some(text) => quote(&text, &mut out),
                None => out.push_str("NULL"),
            },
        }
    }
    out.push('}');
    Ok(out)
}

/// The literal of these texts.
pub fn of_texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut out = String::from("{");
    for (number, text) in texts.into_iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        quote(text, &mut out);
    }
    out.push('}');
    out
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}
