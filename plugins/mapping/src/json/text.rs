//! Strings at the level of bytes: comparing, copying, escaping.
//!
//! In WebAssembly a call of `memcmp` costs about 0.5 ns a byte and a `memory.copy` of 30 to 256 bytes several times its work, so the two are done here by words.

use std::fmt::Write as _;

/// Whether two byte strings are equal, eight bytes at a time; the last word overlaps the one before it.
#[inline]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    if let (Some(a_last), Some(b_last)) = (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        if a.len() > 16 {
            for (x, y) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
                if u64::from_le_bytes(*x) != u64::from_le_bytes(*y) {
                    return false;
                }
            }
        } else if a.first_chunk::<8>() != b.first_chunk::<8>() {
            return false;
        }
        return u64::from_le_bytes(*a_last) == u64::from_le_bytes(*b_last);
    }
    if let (Some(a_first), Some(b_first), Some(a_last), Some(b_last)) =
        (a.first_chunk::<4>(), b.first_chunk::<4>(), a.last_chunk::<4>(), b.last_chunk::<4>())
    {
        return u32::from_le_bytes(*a_first) == u32::from_le_bytes(*b_first) && u32::from_le_bytes(*a_last) == u32::from_le_bytes(*b_last);
    }
    a.iter().zip(b).all(|(x, y)| x == y)
}

/// Where the first quote, backslash or control character from `at` on stands, or the end of the text.
#[inline]
pub fn plain_end(bytes: &[u8], at: usize) -> usize {
    // Most strings end in the first block. It is looked at without a loop, since a loop costs its interruption check.
    match bytes[at..].first_chunk::<BLOCK>() {
        Some(block) => first_special(block).map_or_else(|| plain_end_from(bytes, at + BLOCK), |hit| at + hit),
        None => plain_end_from(bytes, at),
    }
}

#[inline(never)]
fn plain_end_from(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes[at..].first_chunk::<BLOCK>() {
        if let Some(hit) = first_special(block) {
            return at + hit;
        }
        at += BLOCK;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte < 0x20 || byte == b'"' || byte == b'\\' {
            break;
        }
        at += 1;
    }
    at
}

/// How many bytes are looked at in one go.
const BLOCK: usize = if cfg!(target_feature = "simd128") { 16 } else { 8 };

/// The first quote, backslash or control character of a block.
#[cfg(target_feature = "simd128")]
#[inline]
fn first_special(block: &[u8; BLOCK]) -> Option<usize> {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_le, u8x16_splat, v128_load, v128_or};
    // SAFETY: the block has the 16 bytes, and the load needs no alignment.
    let block = unsafe { v128_load(block.as_ptr().cast()) };
    let special = v128_or(u8x16_eq(block, u8x16_splat(b'"')), u8x16_eq(block, u8x16_splat(b'\\')));
    let hits = u8x16_bitmask(v128_or(special, u8x16_le(block, u8x16_splat(0x1f))));
    (hits != 0).then_some(hits.trailing_zeros() as usize)
}

/// The first quote, backslash or control character of a block.
#[cfg(not(target_feature = "simd128"))]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "called like the one above, whose block is twice as long")]
#[inline]
fn first_special(block: &[u8; BLOCK]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(*block);
    let quote = word ^ (ONES * 0x22);
    let backslash = word ^ (ONES * 0x5c);
    // The highest bit of each byte that is zero (quote, backslash) or below 0x20. Above the first hit a borrow may add false ones; only the lowest counts.
    let hits =
        (quote.wrapping_sub(ONES) & !quote | backslash.wrapping_sub(ONES) & !backslash | word.wrapping_sub(ONES * 0x20) & !word) & HIGH;
    (hits != 0).then_some((hits.trailing_zeros() / 8) as usize)
}

/// Append a piece of text; short pieces go in 16-byte moves.
#[inline]
pub fn push(out: &mut String, piece: &str) {
    const SHORT: usize = 512;
    let length = piece.len();
    if length > SHORT {
        out.push_str(piece);
        return;
    }
    out.reserve(length);
    // SAFETY: whole `&str`s are appended, so the content stays UTF-8. `reserve` has made room for `length` bytes behind the old end, and `piece` cannot lie
    // there, since it is borrowed while `out` is borrowed to be changed. Each of these bytes is written before the length grows.
    unsafe {
        let out = out.as_mut_vec();
        let old = out.len();
        copy_short(piece.as_ptr(), out.as_mut_ptr().add(old), length);
        out.set_len(old + length);
    }
}

/// What a machine moves at once.
#[cfg(target_feature = "simd128")]
type Block = core::arch::wasm32::v128;
#[cfg(not(target_feature = "simd128"))]
type Block = u128;

/// Copy by blocks, the last of which overlaps the one before it.
///
/// # Safety
///
/// `length` bytes can be read at `from` and written at `to`, and the two do not overlap.
#[inline]
unsafe fn copy_short(from: *const u8, to: *mut u8, length: usize) {
    /// # Safety
    ///
    /// As above, for the `T` that stands `at` bytes from the beginning.
    #[inline]
    unsafe fn step<T>(from: *const u8, to: *mut u8, at: usize) {
        // SAFETY: the caller's; neither needs an alignment.
        unsafe { to.add(at).cast::<T>().write_unaligned(from.add(at).cast::<T>().read_unaligned()) }
    }
    // SAFETY: every step ends at or before `length`.
    unsafe {
        if length > 64 {
            let mut at = 0;
            while at + 16 < length {
                step::<Block>(from, to, at);
                at += 16;
            }
            step::<Block>(from, to, length - 16);
        } else if length > 32 {
            step::<Block>(from, to, 0);
            step::<Block>(from, to, 16);
            step::<Block>(from, to, length - 32);
            step::<Block>(from, to, length - 16);
        } else if length >= 16 {
            step::<Block>(from, to, 0);
            step::<Block>(from, to, length - 16);
        } else if length >= 8 {
            step::<u64>(from, to, 0);
            step::<u64>(from, to, length - 8);
        } else if length >= 4 {
            step::<u32>(from, to, 0);
            step::<u32>(from, to, length - 4);
        } else if length >= 2 {
            step::<u16>(from, to, 0);
            step::<u16>(from, to, length - 2);
        } else if length == 1 {
            step::<u8>(from, to, 0);
        }
    }
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
    loop {
        let at = plain_end(bytes, from);
        push(out, &content[from..at]);
        let Some(byte) = bytes.get(at) else { return };
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            _ => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
        from = at + 1;
    }
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
