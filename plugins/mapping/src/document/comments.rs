//! Comments: `//` to the end of the line and `/* */`. They become blanks, so every place in the text stays where it is.

/// The text without its comments. A comment that is not closed reaches to the end.
pub(super) fn blank_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let bytes = text.as_bytes();
    let (mut at, mut kept) = (0, 0);
    let mut in_string = false;
    while at < bytes.len() {
        match (bytes[at], in_string) {
            (b'"', _) => in_string = !in_string,
            (b'\\', true) => at += 1,
            (b'/', false) if matches!(bytes.get(at + 1), Some(b'/' | b'*')) => {
                let closing = if bytes[at + 1] == b'/' { "\n" } else { "*/" };
                let length = text[at + 2..].find(closing).map_or(text.len() - at, |found| 2 + found + if closing == "*/" { 2 } else { 0 });
                out.push_str(&text[kept..at]);
                // One blank per byte: what follows keeps its byte offset.
                out.extend(text[at..at + length].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
                kept = at + length;
                at = kept;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    out.push_str(text.get(kept..).unwrap_or(""));
    out
}

#[cfg(test)]
mod tests {
    use super::blank_comments;

    #[test]
    fn comments_become_blanks() {
        for (text, expected) in [
            ("{} // end", "{}       "),
            ("{ /* a\nb */ \"x\": 1 }", "{     \n     \"x\": 1 }"),
            (r#"{"a": "http://x /* y */", "b\"//": 1}"#, r#"{"a": "http://x /* y */", "b\"//": 1}"#),
            ("1 /* open", "1        "),
            ("// é\n1", "     \n1"),
            ("/", "/"),
        ] {
            assert_eq!(blank_comments(text), expected);
            assert_eq!(blank_comments(text).len(), text.len());
        }
    }
}
