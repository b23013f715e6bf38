//! Functions on texts that need nothing but the text.

use crate::json::text::push;

/// `[begin, end)` in characters; what lies outside of the text is cut off.
pub(super) fn substring(text: &str, begin: usize, end: Option<usize>) -> &str {
    let place = |count: usize| text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    let (from, to) = (place(begin), end.map_or(text.len(), place));
    if from < to { &text[from..to] } else { "" }
}

/// All occurrences, from left to right.
pub(super) fn replace(text: &str, target: &str, replacement: &str, out: &mut String) {
    let mut from = 0;
    for (at, _) in text.match_indices(target) {
        push(out, &text[from..at]);
        push(out, replacement);
        from = at + target.len();
    }
    push(out, &text[from..]);
}

/// Split as `String.split` of Java does with a literal separator: empty texts at the end fall away.
pub(super) fn split<'t>(text: &'t str, separator: &str) -> Vec<&'t str> {
    if separator.is_empty() || text.is_empty() {
        return vec![text];
    }
    let mut pieces: Vec<&str> = text.split(separator).collect();
    while pieces.last().is_some_and(|piece| piece.is_empty()) {
        pieces.pop();
    }
    pieces
}

pub(super) fn upper_case(text: &str, dotted_i: bool, out: &mut String) {
    if dotted_i {
        out.push_str(&text.replace('i', "İ").to_uppercase());
    } else if text.is_ascii() {
        push(out, text);
        out.make_ascii_uppercase();
    } else {
        out.push_str(&text.to_uppercase());
    }
}

pub(super) fn lower_case(text: &str, dotted_i: bool, out: &mut String) {
    if dotted_i {
        out.push_str(&text.replace("I\u{307}", "i").replace('I', "ı").replace('İ', "i").to_lowercase());
    } else if text.is_ascii() {
        push(out, text);
        out.make_ascii_lowercase();
    } else {
        out.push_str(&text.to_lowercase());
    }
}
