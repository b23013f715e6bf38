//! Filters (RFC 7644 section 3.4.2.2), from text to a tree. What a filter may be is bounded here, so that nothing behind it has to fear one.
//!
//! | bound | is | why |
//! | --- | --- | --- |
//! | length | 16 KiB | a filter travels in a URL |
//! | depth of parentheses, brackets and `not` | 32 | recursion here and in whoever reads the tree |
//! | comparisons | 256 | what a backend has to do for one entity |

use std::fmt;

use serde_json::Value;

use super::path::{AttributePath, in_a_path};

const LONGEST: usize = 16 << 10;
const DEEPEST: usize = 32;
const MOST_TERMS: usize = 256;

/// A condition on a resource. Chains of the same word are one node, however long.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare {
        path: AttributePath,
        operator: Operator,
        /// A string, a number, a boolean or null.
        value: Value,
    },
    /// `pr`
    Present(AttributePath),
    /// `emails[type eq "work"]`: one value for which all of it holds.
    Within {
        path: AttributePath,
        filter: Box<Filter>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Operator {
    fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "co" => Self::Co,
            "sw" => Self::Sw,
            "ew" => Self::Ew,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            "lt" => Self::Lt,
            "le" => Self::Le,
            _ => return None,
        })
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    /// Whether it compares by order.
    pub fn orders(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }
}

/// Where and why a text is not a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {message}")]
pub struct FilterError {
    /// From 1.
    pub at: usize,
    pub message: String,
}

impl Filter {
    /// The whole text as a filter.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut parser = Parser::new(text)?;
        let filter = parser.or(0)?;
        parser.space();
        if parser.rest().is_empty() { Ok(filter) } else { Err(parser.error("the filter should end here, or go on with and, or")) }
    }

    /// A filter between brackets at the beginning of the text, `[type eq "work"]`, and what is behind it.
    pub(super) fn parse_bracketed(text: &str) -> Result<(Self, &str), FilterError> {
        let mut parser = Parser::new(text)?;
        let filter = parser.bracketed(0)?;
        Ok((filter, &text[parser.at..]))
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    terms: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Self, FilterError> {
        let parser = Self { text, at: 0, terms: 0 };
        if text.len() > LONGEST { Err(parser.error(&format!("a filter has at most {} KiB", LONGEST >> 10))) } else { Ok(parser) }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn error(&self, message: &str) -> FilterError {
        FilterError { at: self.text[..self.at].chars().count() + 1, message: message.to_owned() }
    }

    fn or(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut terms = vec![self.and(depth)?];
        while self.word("or") {
            terms.push(self.and(depth)?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Filter::Or(terms) })
    }

    fn and(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut terms = vec![self.term(depth)?];
        while self.word("and") {
            terms.push(self.term(depth)?);
        }
        Ok(if terms.len() == 1 { terms.remove(0) } else { Filter::And(terms) })
    }

    fn term(&mut self, depth: usize) -> Result<Filter, FilterError> {
        self.space();
        if self.at_word("not") {
            let before = self.at;
            self.at += "not".len();
            self.space();
            if self.rest().starts_with('(') {
                return Ok(Filter::Not(Box::new(self.parenthesis(depth)?)));
            }
            // An attribute may be called so.
            self.at = before;
        }
        if self.rest().starts_with('(') { self.parenthesis(depth) } else { self.comparison(depth) }
    }

    fn parenthesis(&mut self, depth: usize) -> Result<Filter, FilterError> {
        self.deeper(depth)?;
        self.at += 1;
        let filter = self.or(depth + 1)?;
        self.end(')')?;
        Ok(filter)
    }

    fn bracketed(&mut self, depth: usize) -> Result<Filter, FilterError> {
        self.deeper(depth)?;
        if !self.rest().starts_with('[') {
            return Err(self.error("a [ is missing"));
        }
        self.at += 1;
        let filter = self.or(depth + 1)?;
        self.end(']')?;
        Ok(filter)
    }

    fn deeper(&self, depth: usize) -> Result<(), FilterError> {
        if depth >= DEEPEST { Err(self.error(&format!("a filter is at most {DEEPEST} parentheses deep"))) } else { Ok(()) }
    }

    fn end(&mut self, close: char) -> Result<(), FilterError> {
        self.space();
        if !self.rest().starts_with(close) {
            return Err(self.error(&format!("a {close} is missing")));
        }
        self.at += close.len_utf8();
        Ok(())
    }

    fn comparison(&mut self, depth: usize) -> Result<Filter, FilterError> {
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(self.error(&format!("a filter has at most {MOST_TERMS} comparisons")));
        }
        let name = self.take(in_a_path);
        if name.is_empty() {
            return Err(self.error("an attribute is missing"));
        }
        let path: AttributePath = name.parse().map_err(|message: String| self.error(&message))?;
        if self.rest().starts_with('[') {
            let filter = Box::new(self.bracketed(depth)?);
            return Ok(Filter::Within { path, filter });
        }
        self.space();
        let before = self.at;
        let word = self.take(|c| c.is_ascii_alphabetic());
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let Some(operator) = Operator::parse(word) else {
            self.at = before;
            return Err(self.error("an operator is missing: eq, ne, co, sw, ew, gt, ge, lt, le or pr"));
        };
        self.space();
        Ok(Filter::Compare { path, operator, value: self.value()? })
    }

    /// JSON: a string, a number, true, false or null.
    fn value(&mut self) -> Result<Value, FilterError> {
        let rest = self.rest();
        let end = if rest.starts_with('"') {
            string_end(rest).ok_or_else(|| self.error("the string does not end"))?
        } else {
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(rest.len())
        };
        let text = &rest[..end];
        // The words are not case-sensitive to some clients.
        let lower = if text.starts_with('"') { text.to_owned() } else { text.to_ascii_lowercase() };
        let value: Value = serde_json::from_str(&lower)
            .map_err(|_| self.error("a value is missing: a string in double quotes, a number, true, false or null"))?;
        self.at += end;
        Ok(value)
    }

    fn take(&mut self, of: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| !of(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Go over this word if it comes next.
    fn word(&mut self, word: &str) -> bool {
        let before = self.at;
        self.space();
        if self.at_word(word) {
            self.at += word.len();
            true
        } else {
            self.at = before;
            false
        }
    }

    fn at_word(&self, word: &str) -> bool {
        let rest = self.rest();
        rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            && !rest[word.len()..].starts_with(|c: char| in_a_path(c) || c == '[')
    }
}

/// Behind the closing quote of the string the text begins with.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

impl fmt::Display for Filter {
    /// Text that is read as the same filter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(terms) | Self::Or(terms) => {
                let word = if matches!(self, Self::And(_)) { "and" } else { "or" };
                for (index, term) in terms.iter().enumerate() {
                    if index > 0 {
                        write!(f, " {word} ")?;
                    }
                    if matches!(term, Self::And(_) | Self::Or(_)) { write!(f, "({term})")? } else { write!(f, "{term}")? }
                }
                Ok(())
            }
            Self::Not(filter) => write!(f, "not ({filter})"),
            Self::Compare { path, operator, value } => write!(f, "{path} {} {value}", operator.as_str()),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::Within { path, filter } => write!(f, "{path}[{filter}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_rfc() {
        for text in [
            r#"userName eq "bjensen""#,
            r#"name.familyName co "O'Malley""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J""#,
            "title pr",
            r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
            r#"title pr and userType eq "Employee""#,
            r#"title pr or userType eq "Intern""#,
            r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
            r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
            r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
            r#"userType eq "Employee" and (emails.type eq "work")"#,
            r#"userType eq "Employee" and emails[type eq "work" and value co "@example.com"]"#,
            r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
            r#"userName Eq "x" AND active eq True"#,
            r#"a eq "quote \" and ) or (" and not(b pr)"#,
            "notify eq 1 and not eq 2 and orange pr or android lt -1.5e3",
        ] {
            let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(Filter::parse(&filter.to_string()).as_ref(), Ok(&filter), "{filter}");
        }
    }

    #[test]
    fn and_binds_stronger_than_or() {
        assert_eq!(Filter::parse("a pr or b pr and c pr"), Filter::parse("a pr or (b pr and c pr)"));
        assert_ne!(Filter::parse("a pr or b pr and c pr"), Filter::parse("(a pr or b pr) and c pr"));
    }

    #[test]
    fn what_is_no_filter_is_told_with_its_place() {
        for (text, at) in [
            ("", 1),
            ("userName", 9),
            ("userName is 1", 10),
            ("userName eq", 12),
            ("userName eq 'x'", 13),
            ("userName eq \"x", 13),
            ("a pr and", 9),
            ("(a pr", 6),
            ("a pr)", 5),
            ("a[b pr", 7),
            ("é pr", 1),
            ("a eq \"é\" b", 10),
            ("a..b pr", 5),
            ("a eq [1]", 6),
        ] {
            assert_eq!(Filter::parse(text).unwrap_err().at, at, "{text}: {}", Filter::parse(text).unwrap_err());
        }
    }

    #[test]
    fn what_is_too_much_is_refused_before_it_costs_anything() {
        let deep = format!("{}a pr{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(Filter::parse(&deep).unwrap_err().message.contains("KiB"));
        let deep = format!("{}a pr{}", "(".repeat(1000), ")".repeat(1000));
        assert!(Filter::parse(&deep).unwrap_err().message.contains("deep"));
        assert!(Filter::parse(&"not (".repeat(100)).unwrap_err().message.contains("deep"));
        assert!(Filter::parse(&"a[".repeat(100)).unwrap_err().message.contains("deep"));
        let wide = vec!["a pr"; 300].join(" and ");
        assert!(Filter::parse(&wide).unwrap_err().message.contains("comparisons"));
    }

    proptest! {
        #[test]
        fn no_text_hurts(text in r#"([a-c. ]|eq|pr|and|or|not|[\[\]()"\\]| |"x"|1|é){0,40}"#) {
            if let Ok(filter) = Filter::parse(&text) {
                prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
            }
        }
    }
}
