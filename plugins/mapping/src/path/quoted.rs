//! Texts in quotes and brackets: where they end, what they say.

/// The place of the next `quote` at or behind `from` that no backslash stands before.
pub(crate) fn unescaped(text: &str, from: usize, quote: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' {
            at += 1;
        } else if byte == quote {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The bracket that closes the one at `open`; brackets in quotes (and, where asked, in /regular expressions/) do not count.
pub(crate) fn closing(text: &str, open: usize, opening: u8, closing: u8, regex: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0u32;
    let mut at = open;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\'' | b'"' => at = unescaped(text, at + 1, byte)?,
            b'/' if regex => at = unescaped(text, at + 1, b'/')?,
            _ if byte == opening => depth += 1,
            _ if byte == closing => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Split at the commas that stand outside of brackets and quotes.
pub(crate) fn split_arguments(inside: &str) -> Vec<&str> {
    let bytes = inside.as_bytes();
    let mut pieces = Vec::new();
    let (mut depth, mut start, mut at) = (0i32, 0, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\'' | b'"' => at = unescaped(inside, at + 1, byte).unwrap_or(inside.len()),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            b',' if depth == 0 => {
                pieces.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    pieces.push(inside.get(start..).unwrap_or(""));
    pieces
}

/// Decode the escapes of a name or literal in quotes: those of Java, and a backslash before anything else falls away.
pub(crate) fn unescape_java(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut units: Vec<u16> = Vec::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        let unit = match char {
            '\\' => match chars.next() {
                Some('b') => 0x08,
                Some('f') => 0x0c,
                Some('n') => 0x0a,
                Some('r') => 0x0d,
                Some('t') => 0x09,
                Some('u') => {
                    let digits: String = chars.clone().take(4).collect();
                    match u16::from_str_radix(&digits, 16) {
                        Ok(unit) if digits.len() == 4 => {
                            chars.nth(3);
                            unit
                        }
                        _ => u16::from(b'u'),
                    }
                }
                Some(other) => {
                    units.extend(other.encode_utf16(&mut [0; 2]).iter());
                    continue;
                }
                None => break,
            },
            other => {
                units.extend(other.encode_utf16(&mut [0; 2]).iter());
                continue;
            }
        };
        units.push(unit);
    }
    String::from_utf16_lossy(&units)
}
