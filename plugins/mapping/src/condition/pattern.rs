//! Regular expressions as Java writes them.
//!
//! The syntax is translated where it differs (classes of ASCII characters, quoting, line ends); lookaround, atomic groups, possessive quantifiers and back
//! references come from `fancy-regex`, whose backtracking is bounded. The commonest shapes (`SAC_.*`, `.*@example\.com`) need no engine at all.

use std::fmt::Write as _;

/// Backtracking steps one match may take.
const BACKTRACKING: usize = 500_000;
/// Bytes a compiled expression may take.
const SIZE: usize = 4 << 20;

/// A match took too many steps.
#[derive(Debug, PartialEq, Eq)]
pub struct Limit;

/// A regular expression that has to match a whole text.
#[derive(Debug)]
pub struct Pattern(Shape);

#[derive(Debug)]
enum Shape {
    /// Optional `.*`, a literal, optional `.*` or `.+`.
    Literal {
        before: bool,
        text: Box<str>,
        after: Option<usize>,
    },
    Regex(Box<fancy_regex::Regex>),
}

impl Pattern {
    /// Compile an expression with flags out of `dixmsuU`. The error says what is wrong.
    pub fn compile(body: &str, flags: &str) -> Result<Self, String> {
        if flags.is_empty()
            && let Some(shape) = literal(body)
        {
            return Ok(Self(shape));
        }
        let translated = translate(body, flags);
        let expression = format!(r"{}\A(?:{translated}{})\z", flag_group(flags), if flags.contains('x') { "\n" } else { "" });
        build(&expression, body).map(|regex| Self(Shape::Regex(Box::new(regex))))
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> Result<bool, Limit> {
        match &self.0 {
            Shape::Literal { before, text: wanted, after } => Ok(literal_matches(text, *before, wanted, *after)),
            Shape::Regex(regex) => regex.is_match(text).map_err(|_| Limit),
        }
    }
}

/// An expression that is searched for in a text, as the replacing functions do.
pub fn search(body: &str) -> Result<fancy_regex::Regex, String> {
    build(&translate(body, ""), body)
}

fn build(expression: &str, body: &str) -> Result<fancy_regex::Regex, String> {
    fancy_regex::RegexBuilder::new(expression)
        .backtrack_limit(BACKTRACKING)
        .delegate_size_limit(SIZE)
        .delegate_dfa_size_limit(SIZE)
        .build()
        .map_err(|error| format!("`{body}` is no regular expression: {error}"))
}

fn flag_group(flags: &str) -> String {
    let known: String = flags.chars().filter(|flag| "imsx".contains(*flag)).collect();
    if known.is_empty() { known } else { format!("(?{known})") }
}

/// The characters Java's `.` does not match.
fn is_line_end(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn literal(body: &str) -> Option<Shape> {
    let body = body.strip_prefix('^').unwrap_or(body);
    let (before, body) = body.strip_prefix(".*").map_or((false, body), |rest| (true, rest));
    let body = if body.ends_with("\\$") { body } else { body.strip_suffix('$').unwrap_or(body) };
    let (body, after) = match (body.strip_suffix(".*"), body.strip_suffix(".+")) {
        (Some(rest), _) if !rest.ends_with('\\') => (rest, Some(0)),
        (_, Some(rest)) if !rest.ends_with('\\') => (rest, Some(1)),
        _ => (body, None),
    };
    let mut text = String::new();
    let mut chars = body.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => text.push(chars.next().filter(char::is_ascii_punctuation)?),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' => return None,
            other => text.push(other),
        }
    }
    // `.*x.+` may have to try several places for x.
    if text.is_empty() || before && after == Some(1) {
        return None;
    }
    Some(Shape::Literal { before, text: text.into(), after })
}

fn literal_matches(text: &str, before: bool, wanted: &str, after: Option<usize>) -> bool {
    let no_line_end = |part: &str| !part.contains(is_line_end);
    match (before, after) {
        (false, None) => text == wanted,
        (true, None) => text.strip_suffix(wanted).is_some_and(no_line_end),
        (false, Some(least)) => text.strip_prefix(wanted).is_some_and(|rest| rest.len() >= least && no_line_end(rest)),
        (true, Some(_)) => text.match_indices(wanted).any(|(at, _)| no_line_end(&text[..at]) && no_line_end(&text[at + wanted.len()..])),
    }
}

/// From Java's syntax to that of `fancy-regex`. What is the same in both is passed on, mistakes included.
fn translate(body: &str, flags: &str) -> String {
    let dot_is_all = flags.contains('s') || inline_flag(body, 's');
    let unicode = flags.contains('U') || inline_flag(body, 'U');
    let mut out = String::with_capacity(body.len() + 16);
    let mut chars = body.chars().peekable();
    let mut class = 0u32;
    while let Some(char) = chars.next() {
        match char {
            '\\' => escape(&mut chars, class > 0, unicode, &mut out),
            '.' if class == 0 && !dot_is_all => out.push_str(r"[^\n\r\x{85}\x{2028}\x{2029}]"),
            '[' => {
                class += 1;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    chars.next();
                    out.push('^');
                }
            }
            ']' => {
                class = class.saturating_sub(1);
                out.push(']');
            }
            // Set operators of Rust that Java does not have.
            '-' | '~' if class > 0 && chars.peek() == Some(&char) => {
                out.push('\\');
                out.push(char);
            }
            '(' if class == 0 && chars.peek() == Some(&'?') => group_flags(&mut chars, &mut out),
            other => out.push(other),
        }
    }
    out
}

/// `(?idU)`: flags that do not exist or mean nothing here are dropped.
fn group_flags(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    let ahead: String = chars.clone().skip(1).take_while(|char| char.is_ascii_alphabetic() || *char == '-').collect();
    let end = chars.clone().nth(1 + ahead.len());
    if ahead.is_empty() || !matches!(end, Some(')' | ':')) {
        out.push('(');
        return;
    }
    let mut kept: String = ahead.chars().filter(|char| "imsx-".contains(*char)).collect();
    if kept.ends_with('-') {
        kept.pop();
    }
    for _ in 0..=ahead.len() {
        chars.next();
    }
    match (kept.is_empty(), end) {
        (true, Some(')')) => {
            chars.next();
        }
        _ => {
            let _ = write!(out, "(?{kept}");
        }
    }
}

fn inline_flag(body: &str, flag: char) -> bool {
    body.match_indices("(?").any(|(at, _)| body[at + 2..].chars().take_while(char::is_ascii_alphabetic).any(|char| char == flag))
}

fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, in_class: bool, unicode: bool, out: &mut String) {
    let Some(char) = chars.next() else {
        out.push('\\');
        return;
    };
    let class = |out: &mut String, members: &str| {
        if in_class {
            out.push_str(members);
        } else {
            let _ = write!(out, "[{members}]");
        }
    };
    match char {
        'd' if !unicode => class(out, "0-9"),
        'w' if !unicode => class(out, "0-9A-Za-z_"),
        's' if !unicode => class(out, r" \t\n\x0B\f\r"),
        'D' if !unicode => out.push_str("[^0-9]"),
        'W' if !unicode => out.push_str("[^0-9A-Za-z_]"),
        'S' if !unicode => out.push_str(r"[^ \t\n\x0B\f\r]"),
        'h' => class(out, r" \t\x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}"),
        'v' => class(out, r"\n\x0B\f\r\x{85}\x{2028}\x{2029}"),
        'R' if !in_class => out.push_str(r"(?:\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])"),
        'e' => out.push_str(r"\x1B"),
        'u' => {
            let digits: String = chars.clone().take(4).collect();
            if digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                chars.nth(3);
                let _ = write!(out, r"\x{{{digits}}}");
            } else {
                out.push_str(r"\u");
            }
        }
        'Q' => {
            let rest: String = chars.clone().collect();
            let end = rest.find(r"\E");
            let quoted = end.map_or(&rest[..], |end| &rest[..end]);
            for char in quoted.chars() {
                push_literal(char, out);
            }
            let skipped = quoted.chars().count() + if end.is_some() { 2 } else { 0 };
            for _ in 0..skipped {
                chars.next();
            }
        }
        'p' | 'P' => property(chars, char == 'P', in_class, out),
        other if other.is_ascii_alphanumeric() => {
            out.push('\\');
            out.push(other);
        }
        other => push_literal(other, out),
    }
}

fn push_literal(char: char, out: &mut String) {
    if char.is_ascii_punctuation() && !matches!(char, '<' | '>' | '/' | '\'' | '"' | '_' | '@' | '%' | '=' | ':' | ';' | ',' | '`' | '!')
        || char == ' '
        || char == '#'
    {
        out.push('\\');
    }
    out.push(char);
}

/// `\p{Punct}` and the other POSIX names are classes of ASCII characters in Java; `\p{IsLatin}` is `\p{Latin}`.
fn property(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, negated: bool, in_class: bool, out: &mut String) {
    const POSIX: [&str; 13] =
        ["Lower", "Upper", "ASCII", "Alpha", "Digit", "Alnum", "Punct", "Graph", "Print", "Blank", "Cntrl", "XDigit", "Space"];
    let sign = if negated { 'P' } else { 'p' };
    if chars.peek() != Some(&'{') {
        out.push('\\');
        out.push(sign);
        return;
    }
    let name: String = chars.clone().skip(1).take_while(|char| *char != '}').collect();
    for _ in 0..name.chars().count() + 2 {
        chars.next();
    }
    if POSIX.contains(&&*name) {
        let inner = format!("[:{}{}:]", if negated { "^" } else { "" }, name.to_lowercase());
        let _ = if in_class { write!(out, "{inner}") } else { write!(out, "[{inner}]") };
        return;
    }
    let name = match &*name {
        "javaLowerCase" => "Lowercase",
        "javaUpperCase" => "Uppercase",
        "javaWhitespace" => "White_Space",
        other => other.strip_prefix("Is").unwrap_or(other),
    };
    let _ = write!(out, r"\{sign}{{{name}}}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, flags: &str, text: &str, expected: bool) {
        assert_eq!(Pattern::compile(body, flags).expect("an expression").matches(text), Ok(expected), "/{body}/{flags} on {text:?}");
    }

    #[test]
    fn the_whole_text_has_to_match() {
        check("SAC_.*", "", "SAC_x", true);
        check("SAC_.*", "", "XSAC_x", false);
        check("SAC_.*", "", "SAC_\n", false);
        check("SAC_.+", "", "SAC_", false);
        check(".*@example\\.com", "", "a@example.com", true);
        check(".*@example\\.com", "", "a@exampleXcom", false);
        check(".*lit.*", "", "a lit b", true);
        check("^a$", "", "a", true);
        check("a|ab", "", "ab", true);
        check("", "", "", true);
        check("", "", "a", false);
    }

    #[test]
    fn flags_work() {
        check("b", "i", "B", true);
        check("a.b", "s", "a\nb", true);
        check("a.b", "", "a\rb", false);
        check("a b # c", "x", "ab", true);
        check("(?i)cn=.*?,(.*?)", "", "CN=x,y", true);
        check("(?iu)иван", "", "ИВАН", true);
    }

    #[test]
    fn syntax_of_java_is_understood() {
        check(r"[\s\p{Punct}]+", "", " .-", true);
        check(r"\p{Alpha}+", "", "é", false);
        check(r"\p{L}+", "", "é", true);
        check(r"\p{IsLatin}+", "", "é", true);
        check(r"\d+", "", "١", false);
        check(r"\Qa.b\E.", "", "a.bc", true);
        check(r"\Qa.b\E.", "", "axbc", false);
        check(r"a\/b", "", "a/b", true);
        check(r"(?<!x)a(?=b)b", "", "ab", true);
        check(r"(?>a+)a", "", "aaa", false);
        check(r"a++a", "", "aaa", false);
        check(r"(a)\1", "", "aa", true);
        check(r"[a-z&&[^b]]+", "", "ac", true);
        check(r"[a-z&&[^b]]+", "", "ab", false);
        check(r"\u0041\x42", "", "AB", true);
        check(r"^cn=([^,]+),.*", "", "cn=admins,ou=groups", true);
        check(r"[a\-z]+", "", "a-z", true);
        check(r"[._%-]+", "", ".-%", true);
    }

    #[test]
    fn backtracking_is_bounded() {
        let pattern = Pattern::compile(r"(?=(a+)+b)(a|aa)+c\1?", "").expect("an expression");
        assert_eq!(pattern.matches(&"a".repeat(64)), Err(Limit));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for body in ["(", "[", "a{2,1}", "*", r"\p{NoSuch}"] {
            assert!(Pattern::compile(body, "").is_err(), "{body}");
        }
    }
}
