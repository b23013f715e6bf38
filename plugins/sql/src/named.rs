//! Statements with named parameters: `UPDATE account SET mail = :emails[0].value WHERE id = :id`. A name becomes `$1`, `$2` ... and its value is bound; nothing of a document ever
//! becomes part of the statement.

use crate::path::Path;
use sdk::Failure;
use std::fmt;

/// What a parameter stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// The entity's id in the database.
    Id,
    /// A member's id.
    Member,
    /// A value of the document; missing is NULL.
    Path(Path),
}

impl fmt::Display for Parameter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id => formatter.write_str("id"),
            Self::Member => formatter.write_str("member"),
            Self::Path(path) => path.fmt(formatter),
        }
    }
}

/// A statement as the server takes it, and what its parameters are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub text: String,
    pub parameters: Vec<Parameter>,
}

impl Named {
    /// Colons in texts, quoted names, comments and casts (`::`) are none of ours.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let mut out = String::with_capacity(text.len());
        let mut names: Vec<&str> = Vec::new();
        let mut rest = text.trim().trim_end_matches([';', ' ', '\n', '\t', '\r']);
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '\'' => quote(rest, '\'', out.ends_with(['e', 'E'])),
                '"' => quote(rest, '"', false),
                '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
                '/' if rest.starts_with("/*") => comment(rest),
                '$' if !out.ends_with(|c: char| c.is_alphanumeric() || c == '_') => dollar(rest),
                ':' if rest.starts_with("::") => 2,
                ':' => {
                    let length = name(&rest[1..]);
                    if length > 0 {
                        let name = &rest[1..=length];
                        let number = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                            names.push(name);
                            names.len() - 1
                        });
                        out.push('$');
                        out.push_str(&(number + 1).to_string());
                        rest = &rest[length + 1..];
                        continue;
                    }
                    1
                }
                other => other.len_utf8(),
            };
            out.push_str(&rest[..length]);
            rest = &rest[length..];
        }
        let parameter = |name: &&str| match *name {
            "id" => Ok(Parameter::Id),
            "member" => Ok(Parameter::Member),
            path => Path::parse(path).map(Parameter::Path),
        };
        let parameters: Result<Vec<Parameter>, Failure> = names.iter().map(parameter).collect();
        Ok(Self { text: out, parameters: parameters? })
    }
}

/// The length of a quoted piece, its quotes included; doubled quotes stay inside, escaped ones where there are escapes.
fn quote(text: &str, quote: char, escapes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && escapes {
            characters.next();
        } else if character == quote {
            if characters.peek().is_some_and(|(_, next)| *next == quote) {
                characters.next();
            } else {
                return at + quote.len_utf8();
            }
        }
    }
    text.len()
}

/// The length of a comment; comments nest.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of `$tag$ ... $tag$`, or of the dollar alone.
fn dollar(text: &str) -> usize {
    let tag = text[1..].find('$').map(|end| &text[..end + 2]);
    let tag = tag.filter(|tag| {
        let name = &tag[1..tag.len() - 1];
        !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    });
    tag.map_or(1, |tag| text[tag.len()..].find(tag).map_or(text.len(), |end| end + 2 * tag.len()))
}

/// The length of a name: `userName`, `name.givenName`, `emails[0].value`, `['urn:…'].x`.
fn name(text: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let more = if rest.starts_with("['") {
            rest.find("']").map_or(0, |end| end + 2)
        } else if at > 0 && rest.starts_with('[') {
            let digits = rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
            if digits > 0 && rest[1 + digits..].starts_with(']') { digits + 2 } else { 0 }
        } else {
            let key = if at > 0 { rest.strip_prefix('.').unwrap_or("") } else { rest };
            let dot = usize::from(at > 0);
            let begins = key.starts_with(|c: char| c.is_alphabetic() || c == '_');
            let end = key.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(key.len());
            if begins { end + dot } else { 0 }
        };
        if more == 0 {
            return at;
        }
        at += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> (String, Vec<String>) {
        let named = Named::parse(text).unwrap();
        (named.text, named.parameters.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn names_become_numbers() {
        for (text, becomes, names) in [
            ("SELECT :a, :b, :a;", "SELECT $1, $2, $1", &["a", "b"][..]),
            ("CALL f(:id,:member)", "CALL f($1,$2)", &["id", "member"]),
            ("SET x = :emails[0].value, y = :name.givenName.", "SET x = $1, y = $2.", &["emails[0].value", "name.givenName"]),
            ("SET x = :['urn:a:User'].department::int", "SET x = $1::int", &["['urn:a:User'].department"]),
            (
                "SELECT a[1:2], x::text, ':no', \":no\", E'\\':no', $$:no$$, $t$:no$t$ -- :no",
                "SELECT a[1:2], x::text, ':no', \":no\", E'\\':no', $$:no$$, $t$:no$t$ -- :no",
                &[],
            ),
            ("/* /* :no */ :no */ :yes", "/* /* :no */ :no */ $1", &["yes"]),
            ("'it''s :no' || :yes", "'it''s :no' || $1", &["yes"]),
        ] {
            assert_eq!(parsed(text), (becomes.to_owned(), names.iter().map(|name| (*name).to_owned()).collect()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "(?s)[ -~é'\":$*/\\[\\].\n-]{0,60}") {
            if let Ok(named) = Named::parse(&text) {
                // What stands in texts, names and comments is left as it is: without names nothing changes.
                if named.parameters.is_empty() {
                    prop_assert!(text.contains(&named.text));
                }
            }
        }
    }
}
