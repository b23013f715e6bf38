//! Strings at the level of bytes: comparing, copying, escaping.
//!
//! In WebAssembly a call of `memcmp` costs about 0.5 ns a byte and a `memory.copy` of 30 to 256 bytes several times its work, so the two are done here by words.

use std::fmt::Write as _;

/// Whether two byte strings are equal, eight bytes at a time.
#[inline]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (a_words, a_tail) = a.as_chunks::<8>();
    let (b_words, b_tail) = b.as_chunks::<8>();
    for (x, y) in a_words.iter().zip(b_words) {
        if u64::from_le_bytes(*x) != u64::from_le_bytes(*y) {
            return false;
        }
    }
    for (x, y) in a_tail.iter().zip(b_tail) {
        if x != y {
            return false;
        }
    }
    true
}

/// Append a piece of text; short pieces go in 16-byte moves.
#[inline]
pub fn push(out: &mut String, piece: &str) {
    const SHORT: usize = 512;
    let bytes = piece.as_bytes();
    let length = bytes.len();
    if length > SHORT {
        out.push_str(piece);
        return;
    }
    out.reserve(length);
    // SAFETY: whole `&str`s are appended, so the content stays UTF-8.
    let out = unsafe { out.as_mut_vec() };
    let old = out.len();
    let spare = &mut out.spare_capacity_mut()[..length];
    let (spare_words, spare_tail) = spare.as_chunks_mut::<16>();
    let (words, tail) = bytes.as_chunks::<16>();
    for (to, from) in spare_words.iter_mut().zip(words) {
        to.write_copy_of_slice(from);
    }
    for (to, from) in spare_tail.iter_mut().zip(tail) {
        to.write(*from);
    }
    // SAFETY: the loops above have written each of the `length` bytes behind `old`; `reserve` has made room for them.
    unsafe { out.set_len(old + length) };
}

/// Append a text as a JSON string, with quotes.
pub fn push_quoted(out: &mut String, content: &str) {
    out.push('"');
    push_escaped(out, content);
    out.push('"');
}

/// Append a text as the inside of a JSON string. Only what RFC 8259 requires is escaped.
pub fn push_escaped(out: &mut String, content: &str) {
    let bytes = content.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0..0x20 => "",
            _ => continue,
        };
        push(out, &content[from..at]);
        if short.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(short);
        }
        from = at + 1;
    }
    push(out, &content[from..]);
}

/// Decode the inside of a JSON string that the parser has accepted. A lone surrogate becomes U+FFFD: there is no such text in UTF-8.
pub fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        rest = rest.get(at + 2..).unwrap_or("");
        match escape {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let high = take_hex(&mut rest);
                let code = if (0xd800..0xdc00).contains(&high) && rest.starts_with("\\u") {
                    let mut after = &rest[2..];
                    let low = take_hex(&mut after);
                    if (0xdc00..0xe000).contains(&low) {
                        rest = after;
                        0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                    } else {
                        high
                    }
                } else {
                    high
                };
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => out.push(char::from(other)),
        }
    }
    out.push_str(rest);
    out
}

fn take_hex(rest: &mut &str) -> u32 {
    let digits = rest.get(..4).unwrap_or("");
    *rest = rest.get(4..).unwrap_or("");
    u32::from_str_radix(digits, 16).unwrap_or(0xfffd)
}
