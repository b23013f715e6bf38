//! The names of `\p{...}`: POSIX classes, methods of `java.lang.Character`, scripts, categories and binary properties of Unicode. Blocks (`\p{InGreek}`) are not
//! there.

use super::class::Set;

/// Names of the properties that depend on a letter's case.
pub(super) const CASES: [&str; 3] = ["Lower", "Upper", "Title"];

/// Whether ignoring case makes this property that of both cases.
pub(super) fn is_of_case(name: &str) -> bool {
    matches!(
        name,
        "Lower"
            | "Upper"
            | "javaLowerCase"
            | "javaUpperCase"
            | "javaTitleCase"
            | "IsLowercase"
            | "IsUppercase"
            | "IsTitlecase"
            | "Lu"
            | "Ll"
            | "Lt"
    ) || matches!(name, "IsLu" | "IsLl" | "IsLt")
}

/// The name beside this one for another case.
pub(super) fn like(name: &str, case: &str) -> String {
    let short = match case {
        "Lower" => "Ll",
        "Upper" => "Lu",
        _ => "Lt",
    };
    match name {
        "Lower" | "Upper" => case.to_owned(),
        _ if name.starts_with("java") => format!("java{case}Case"),
        _ if name.ends_with("case") => format!("Is{case}case"),
        _ => short.to_owned(),
    }
}

/// The set of a name; nothing if there is none. `unicode`: the POSIX names are those of Unicode.
pub(super) fn named(name: &str, unicode: bool) -> Option<Set> {
    let known = |expression: &str| Set::named(expression);
    if let Some(set) = if unicode { posix_of_unicode(name) } else { posix(name) } {
        return Some(set);
    }
    if let Some(method) = name.strip_prefix("java") {
        return java(method);
    }
    if let Some((key, value)) = name.split_once('=') {
        return match &*key.to_ascii_lowercase() {
            "sc" | "script" => known(&format!(r"\p{{script={value}}}")),
            "gc" | "general_category" => category(value),
            _ => None,
        };
    }
    if let Some(bare) = name.strip_prefix("Is") {
        return binary(bare).or_else(|| category(bare)).or_else(|| known(&format!(r"\p{{script={bare}}}")));
    }
    match name {
        "all" => Some(Set::all()),
        "L1" => Some(Set::of(&[('\0', '\u{FF}')])),
        _ => category(name),
    }
}

/// A general category by its short name, as Java wants it.
fn category(name: &str) -> Option<Set> {
    match name {
        "LC" => Set::named(r"[\p{Lu}\p{Ll}\p{Lt}]"),
        "LD" => Set::named(r"[\p{L}\p{Nd}]"),
        // No text has half a character in it.
        "Cs" => Some(Set::of(&[])),
        _ if name.len() <= 2 && name.bytes().all(|byte| byte.is_ascii_alphabetic()) => Set::named(&format!(r"\p{{gc={name}}}")),
        _ => None,
    }
}

/// A binary property, by the names Java documents.
fn binary(name: &str) -> Option<Set> {
    Set::named(match &*name.to_ascii_lowercase() {
        "alphabetic" => r"\p{Alphabetic}",
        "ideographic" => r"\p{Ideographic}",
        "letter" => r"\p{L}",
        "lowercase" => r"\p{Lowercase}",
        "uppercase" => r"\p{Uppercase}",
        "titlecase" => r"\p{Lt}",
        "punctuation" => r"\p{P}",
        "control" => r"\p{Cc}",
        "white_space" | "whitespace" => r"\p{White_Space}",
        "digit" => r"\p{Nd}",
        "hex_digit" | "hexdigit" => r"[\p{Nd}\p{Hex_Digit}]",
        "join_control" | "joincontrol" => r"\p{Join_Control}",
        "noncharacter_code_point" | "noncharactercodepoint" => r"\p{Noncharacter_Code_Point}",
        "assigned" => r"\P{Cn}",
        "emoji" => r"\p{Emoji}",
        "emoji_presentation" => r"\p{Emoji_Presentation}",
        "emoji_modifier" => r"\p{Emoji_Modifier}",
        "emoji_modifier_base" => r"\p{Emoji_Modifier_Base}",
        "emoji_component" => r"\p{Emoji_Component}",
        "extended_pictographic" => r"\p{Extended_Pictographic}",
        _ => return None,
    })
}

/// The POSIX classes, of ASCII characters.
fn posix(name: &str) -> Option<Set> {
    Some(Set::of(match name {
        "Lower" => &[('a', 'z')],
        "Upper" => &[('A', 'Z')],
        "ASCII" => &[('\0', '\x7F')],
        "Alpha" => &[('A', 'Z'), ('a', 'z')],
        "Digit" => &[('0', '9')],
        "Alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "Punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "Graph" => &[('!', '~')],
        "Print" => &[(' ', '~')],
        "Blank" => &[('\t', '\t'), (' ', ' ')],
        "Cntrl" => &[('\0', '\x1F'), ('\x7F', '\x7F')],
        "XDigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        "Space" => &[('\t', '\r'), (' ', ' ')],
        _ => return None,
    }))
}

/// The same under `(?U)`, as the documentation of Java's `Pattern` lists them.
fn posix_of_unicode(name: &str) -> Option<Set> {
    Set::named(match name {
        "Lower" => r"\p{Lowercase}",
        "Upper" => r"\p{Uppercase}",
        "ASCII" => r"[\x00-\x7F]",
        "Alpha" => r"\p{Alphabetic}",
        "Digit" => r"\p{Nd}",
        "Alnum" => r"[\p{Alphabetic}\p{Nd}]",
        "Punct" => r"\p{P}",
        "Graph" => r"[^\p{White_Space}\p{Cc}\p{Cn}]",
        "Print" => r"[[^\p{White_Space}\p{Cc}\p{Cn}]\p{Zs}]",
        "Blank" => r"[\p{Zs}\t]",
        "Cntrl" => r"\p{Cc}",
        "XDigit" => r"[\p{Nd}\p{Hex_Digit}]",
        "Space" => r"\p{White_Space}",
        _ => return None,
    })
}

/// `javaLowerCase` and the others: methods `is...` of `java.lang.Character`.
fn java(method: &str) -> Option<Set> {
    let set = Set::named(match method {
        "LowerCase" => r"\p{Lowercase}",
        "UpperCase" => r"\p{Uppercase}",
        "TitleCase" => r"\p{Lt}",
        "Alphabetic" => r"\p{Alphabetic}",
        "Ideographic" => r"\p{Ideographic}",
        "Digit" => r"\p{Nd}",
        "Defined" => r"\P{Cn}",
        "Letter" => r"\p{L}",
        "LetterOrDigit" => r"[\p{L}\p{Nd}]",
        "SpaceChar" => r"\p{Z}",
        "Whitespace" => r"[\p{Z}\t-\r\x1C-\x1F]",
        "ISOControl" => r"\p{Cc}",
        "Mirrored" => r"\p{Bidi_Mirrored}",
        _ => return None,
    })?;
    // No-break spaces are none to Character.isWhitespace.
    Some(if method == "Whitespace" {
        set.without(&Set::of(&[('\u{A0}', '\u{A0}'), ('\u{2007}', '\u{2007}'), ('\u{202F}', '\u{202F}')]))
    } else {
        set
    })
}
