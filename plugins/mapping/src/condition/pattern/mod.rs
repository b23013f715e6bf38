//! Regular expressions as Java writes them.
//!
//! [`java`] translates them; lookaround, atomic groups, possessive quantifiers and back references come from `fancy-regex`, whose backtracking is bounded. The
//! commonest shapes (`SAC_.*`, `.*@example\.com`) need no engine at all. Whatever cannot be translated is an error when the expression is compiled.

use std::cell::Cell;

use fancy_regex::Captures;

mod class;
mod java;
#[cfg(test)]
mod javadoc;
mod property;
mod tokens;

/// Steps back that one search may take.
const STEPS: usize = 100_000;
/// Steps back that a search may take before it costs [`Cost::LONG`]: enough for nearly every one.
const FEW_STEPS: usize = 1_000;
/// Bytes a compiled expression may take.
const SIZE: usize = 4 << 20;
/// Bytes an expression may have.
const LENGTH: usize = 16 << 10;
/// Bytes a text may have for an expression that goes back: a single step may read all of it.
const TEXT: usize = 64 << 10;
/// Matches of such an expression in one text.
const MATCHES: usize = 10_000;

/// A match took too many steps, or the text is too long for an expression that goes back.
#[derive(Debug, PartialEq, Eq)]
pub struct Limit;

/// What is left of the steps that the work on one entity may take; see [`crate::path::BUDGET`].
pub type Budget = Cell<u32>;

/// What a search takes from a [`Budget`]. The engine does not tell its steps, so a search that goes back is tried with few of them first.
struct Cost;

impl Cost {
    /// Without going back: time in proportion to the text.
    const PLAIN: u32 = 1;
    const SHORT: u32 = 20;
    const LONG: u32 = 20_000;

    fn spend(budget: &Budget, cost: u32) -> Result<(), Limit> {
        budget.set(budget.get().checked_sub(cost).ok_or(Limit)?);
        Ok(())
    }
}

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
    Regex(Box<Search>),
}

impl Pattern {
    /// Compile an expression with flags out of `dixmsuU`. The error says what is wrong.
    pub fn compile(body: &str, flags: &str) -> Result<Self, String> {
        if flags.is_empty()
            && let Some(shape) = literal(body)
        {
            return Ok(Self(shape));
        }
        Search::build(body, flags, true).map(|search| Self(Shape::Regex(Box::new(search))))
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str, budget: &Budget) -> Result<bool, Limit> {
        match &self.0 {
            Shape::Literal { before, text: wanted, after } => Ok(literal_matches(text, *before, wanted, *after)),
            Shape::Regex(search) => Ok(search.at(text, 0, budget)?.is_some()),
        }
    }
}

/// An expression that is searched for in a text.
#[derive(Clone, Debug)]
pub struct Search {
    regex: fancy_regex::Regex,
    /// Of an expression that goes back: the same with few steps.
    short: Option<fancy_regex::Regex>,
    backtracks: bool,
    continues: bool,
}

impl Search {
    /// The error says what is wrong.
    pub fn compile(body: &str) -> Result<Self, String> {
        Self::build(body, "", false)
    }

    fn build(body: &str, flags: &str, whole: bool) -> Result<Self, String> {
        let shown: String = body.chars().take(200).collect();
        let wrong = |what: String| format!("`{shown}` is no regular expression: {what}");
        if body.len() > LENGTH {
            return Err(wrong(format!("it is longer than {LENGTH} bytes")));
        }
        let java::Translated { text, backtracks, continues } = java::translate(body, flags, whole).map_err(wrong)?;
        let text = if whole { format!(r"\A(?:{text})\z") } else { text };
        let compile = |steps| {
            let mut builder = fancy_regex::RegexBuilder::new(&text);
            builder.backtrack_limit(steps).delegate_size_limit(SIZE).delegate_dfa_size_limit(SIZE);
            builder.build().map_err(|error| wrong(error.to_string()))
        };
        let short = if backtracks { Some(compile(FEW_STEPS)?) } else { None };
        Ok(Self { regex: compile(STEPS)?, short, backtracks, continues })
    }

    /// The first match from this byte on.
    fn at<'t>(&self, text: &'t str, from: usize, budget: &Budget) -> Result<Option<Captures<'t>>, Limit> {
        if let Some(short) = &self.short {
            if text.len() > TEXT {
                return Err(Limit);
            }
            Cost::spend(budget, Cost::SHORT)?;
            if let Ok(found) = short.captures_from_pos(text, from) {
                return Ok(found);
            }
            Cost::spend(budget, Cost::LONG)?;
        } else {
            Cost::spend(budget, Cost::PLAIN)?;
        }
        self.regex.captures_from_pos(text, from).map_err(|_| Limit)
    }

    /// The first match.
    pub fn first<'t>(&self, text: &'t str, budget: &Budget) -> Result<Option<Captures<'t>>, Limit> {
        self.at(text, 0, budget)
    }

    /// Every match in turn, as `Matcher.find` of Java finds them: behind an empty match one character is passed over, and an empty match may follow another match
    /// immediately.
    pub fn each<'t>(&self, text: &'t str, budget: &Budget, mut take: impl FnMut(Captures<'t>) -> Result<(), Limit>) -> Result<(), Limit> {
        let mut from = 0;
        let mut count = 0;
        while from <= text.len() {
            let Some(found) = self.at(text, from, budget)? else { break };
            count += 1;
            if self.backtracks && count > MATCHES {
                return Err(Limit);
            }
            let (start, end) = found.get(0).map_or((from, from), |whole| (whole.start(), whole.end()));
            take(found)?;
            if start < end {
                from = end;
            } else if self.continues {
                break;
            } else {
                from = end + text[end..].chars().next().map_or(1, char::len_utf8);
            }
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, flags: &str, text: &str, expected: bool) {
        assert_eq!(
            Pattern::compile(body, flags).expect("an expression").matches(text, &Budget::new(100)),
            Ok(expected),
            "/{body}/{flags} on {text:?}"
        );
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
        for (body, text) in [
            (r"(?=(a+)+b)(a|aa)+c\1?", "a".repeat(64)),
            (r"(a+)+$b|(?=(a+)+$)x", "a".repeat(64) + "!"),
            (r"(.*)*\1x", "ab".repeat(500)),
            (r"(?<=a)(.*)(.*)(.*)(.*)(.*)\1b", "a".repeat(400)),
        ] {
            let pattern = Search::compile(body).expect("an expression");
            assert!(pattern.first(&text, &Budget::new(100_000)).is_err(), "{body}");
        }
        // Without lookaround and the like nothing goes back, so these take time in proportion to the text.
        for body in [r"(a+)+", r"(a|a)*b", r"(a|aa)+$", r"(.*)*", r"((a*)*)*b", r"(?=(a+a+)+y)a", r"(a?){100}a{100}"] {
            assert!(Pattern::compile(body, "").expect("an expression").matches(&"a".repeat(TEXT), &Budget::new(20)).is_ok(), "{body}");
        }
        let anchored = Search::compile(r"(?<!b)a").expect("an expression");
        assert_eq!(anchored.first(&"a".repeat(TEXT + 1), &Budget::new(100_000)).err(), Some(Limit));
        let mut found = 0;
        let end = anchored.each(&"a".repeat(TEXT), &Budget::new(1_000_000), |_| {
            found += 1;
            Ok(())
        });
        assert_eq!((end, found), (Err(Limit), MATCHES));
        // Every match alone would be allowed; all of them together are not.
        let costly = Search::compile(r"(?:(?:(a)|a){16}\1b|a)").expect("an expression");
        let mut found = 0;
        let end = costly.each(&"a".repeat(2_000), &Budget::new(crate::path::BUDGET), |_| {
            found += 1;
            Ok(())
        });
        assert_eq!(end, Err(Limit));
        assert!(found < 300, "{found}");
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let deep = "(".repeat(1000) + &")".repeat(1000);
        let large = "(?:".repeat(4) + "(?=a)" + &"){100}".repeat(4);
        for body in ["(", "[", "a{2,1}", "*", r"\p{NoSuch}", &deep, &large, &"a?".repeat(10_000)] {
            assert!(Pattern::compile(body, "").is_err(), "{}", &body[..body.len().min(40)]);
        }
    }
}
