//! JSON literals of conditions, which are written more loosely than JSON: `['work', 'home']`, `{'k': 1}`.

use crate::json::text::push_quoted;
use crate::path::{unescape_java, unescaped};

/// The literal as strict JSON; nothing if it is none even so.
pub(super) fn strict_json(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\'' | b'"' => {
                let end = unescaped(text, at + 1, byte)?;
                separate(&mut out);
                push_quoted(&mut out, &unescape_java(&text[at + 1..end]));
                at = end;
            }
            b'[' | b'{' => {
                separate(&mut out);
                out.push(char::from(byte));
            }
            b',' | b':' | b']' | b'}' => out.push(char::from(byte)),
            _ if byte.is_ascii_whitespace() => {}
            _ => {
                let end = text[at..]
                    .find([',', ':', ']', '}', '[', '{', '\'', '"', ' ', '\t', '\n', '\r'])
                    .map_or(text.len(), |length| at + length);
                let word = &text[at..end];
                separate(&mut out);
                // A word without quotes is a text.
                if crate::json::parse(word, 0, &mut Vec::new()).is_ok() {
                    out.push_str(word);
                } else {
                    push_quoted(&mut out, word);
                }
                at = end - 1;
            }
        }
        at += 1;
    }
    Some(out)
}

/// A comma that was left out between two elements.
fn separate(out: &mut String) {
    if !matches!(out.as_bytes().last(), None | Some(b'[' | b'{' | b',' | b':')) {
        out.push(',');
    }
}

#[cfg(test)]
mod tests {
    use super::strict_json;

    #[test]
    fn loose_json_becomes_strict() {
        for (loose, strict) in [
            ("[]", "[]"),
            ("['a', \"b\"]", r#"["a","b"]"#),
            ("[ 1 , 'it\\'s', null, true, word ]", r#"[1,"it's",null,true,"word"]"#),
            ("{'k':1, b: [2]}", r#"{"k":1,"b":[2]}"#),
            ("['a' 'b']", r#"["a","b"]"#),
        ] {
            assert_eq!(strict_json(loose).as_deref(), Some(strict));
        }
    }
}
