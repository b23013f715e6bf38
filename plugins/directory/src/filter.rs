//! Search filters: read from the administrator's text (RFC 4515), built from values, written as bytes (RFC 4511 section 4.5.1).
//!
//! A filter is never a text that something is put into: what the administrator wrote is read into this form first and joined with the rest in this form, and a value is a
//! value whatever characters are in it.

use crate::ber::{OCTET_STRING, SEQUENCE, Writer, context, context_constructed};
use std::fmt::Write as _;

/// Parentheses in parentheses; more is not meant.
const DEEPEST: usize = 50;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Equal(String, Vec<u8>),
    GreaterOrEqual(String, Vec<u8>),
    LessOrEqual(String, Vec<u8>),
    Approximately(String, Vec<u8>),
    Present(String),
    /// Beginning, what lies between the asterisks, end; empty ones are absent.
    Substrings(String, Vec<u8>, Vec<Vec<u8>>, Vec<u8>),
    /// `attribute:dn:rule:=value`.
    Matches {
        attribute: String,
        dn: bool,
        rule: String,
        value: Vec<u8>,
    },
}

impl Filter {
    /// Every entry has an object class.
    pub fn everything() -> Self {
        Self::Present("objectClass".to_owned())
    }

    pub fn equal(attribute: &str, value: impl Into<Vec<u8>>) -> Self {
        Self::Equal(attribute.to_owned(), value.into())
    }

    /// All of these must hold.
    pub fn all(filters: impl IntoIterator<Item = Self>) -> Self {
        let mut filters: Vec<Self> = filters.into_iter().collect();
        if filters.len() == 1 { filters.remove(0) } else { Self::And(filters) }
    }

    /// Read a filter; the outermost parentheses may be left out. The error says what is wrong and where (in characters, from 1).
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let mut parser = Parser { text, at: 0 };
        let filter = if text.starts_with('(') { parser.parenthesized(0)? } else { parser.item_until_end()? };
        if parser.at < text.len() {
            return Err(parser.wrong("the end of the filter"));
        }
        Ok(filter)
    }

    pub fn write(&self, writer: &mut Writer) {
        let pair = |writer: &mut Writer, number, attribute: &str, value: &[u8]| {
            writer.nested(context_constructed(number), |pair| {
                pair.bytes(OCTET_STRING, attribute);
                pair.bytes(OCTET_STRING, value);
            });
        };
        match self {
            Self::And(filters) => writer.nested(context_constructed(0), |list| filters.iter().for_each(|filter| filter.write(list))),
            Self::Or(filters) => writer.nested(context_constructed(1), |list| filters.iter().for_each(|filter| filter.write(list))),
            Self::Not(filter) => writer.nested(context_constructed(2), |inside| filter.write(inside)),
            Self::Equal(attribute, value) => pair(writer, 3, attribute, value),
            Self::GreaterOrEqual(attribute, value) => pair(writer, 5, attribute, value),
            Self::LessOrEqual(attribute, value) => pair(writer, 6, attribute, value),
            Self::Approximately(attribute, value) => pair(writer, 8, attribute, value),
            Self::Present(attribute) => writer.bytes(context(7), attribute),
            Self::Substrings(attribute, initial, between, end) => writer.nested(context_constructed(4), |inside| {
                inside.bytes(OCTET_STRING, attribute);
                inside.nested(SEQUENCE, |parts| {
                    let mut part = |number, value: &Vec<u8>| {
                        if !value.is_empty() {
                            parts.bytes(context(number), value);
                        }
                    };
                    part(0, initial);
                    for value in between {
                        part(1, value);
                    }
                    part(2, end);
                });
            }),
            Self::Matches { attribute, dn, rule, value } => writer.nested(context_constructed(9), |inside| {
                if !rule.is_empty() {
                    inside.bytes(context(1), rule);
                }
                if !attribute.is_empty() {
                    inside.bytes(context(2), attribute);
                }
                inside.bytes(context(3), value);
                if *dn {
                    inside.boolean(context(4), true);
                }
            }),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn wrong(&self, expected: &str) -> String {
        let mut message = format!("{expected} is expected at character {}", self.text[..self.at].chars().count() + 1);
        if let Some(found) = self.rest().chars().next() {
            let _ = write!(message, ", there is {found:?}");
        }
        message
    }

    fn eat(&mut self, character: char) -> bool {
        let eaten = self.rest().starts_with(character);
        self.at += if eaten { character.len_utf8() } else { 0 };
        eaten
    }

    /// Space is not part of the grammar; people put filters on several lines.
    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn parenthesized(&mut self, depth: usize) -> Result<Filter, String> {
        if depth > DEEPEST {
            return Err(format!("the filter is nested more than {DEEPEST} times"));
        }
        if !self.eat('(') {
            return Err(self.wrong("\"(\""));
        }
        self.skip_space();
        let filter = if self.eat('&') {
            Filter::And(self.list(depth)?)
        } else if self.eat('|') {
            Filter::Or(self.list(depth)?)
        } else if self.eat('!') {
            self.skip_space();
            let inside = self.parenthesized(depth + 1)?;
            self.skip_space();
            Filter::Not(Box::new(inside))
        } else {
            let end = self.rest().find(['(', ')']).map_or(self.text.len(), |end| self.at + end);
            let item = item(&self.text[self.at..end]).map_err(|expected| self.wrong(expected))?;
            self.at = end;
            item
        };
        if !self.eat(')') {
            return Err(self.wrong("\")\""));
        }
        Ok(filter)
    }

    /// RFC 4526 allows empty lists: true and false.
    fn list(&mut self, depth: usize) -> Result<Vec<Filter>, String> {
        let mut filters = Vec::new();
        loop {
            self.skip_space();
            if !self.rest().starts_with('(') {
                return Ok(filters);
            }
            filters.push(self.parenthesized(depth + 1)?);
        }
    }

    fn item_until_end(&mut self) -> Result<Filter, String> {
        let item = if self.text.contains(['(', ')']) { Err("\"(\" around the whole filter") } else { item(self.text) };
        let item = item.map_err(|expected| self.wrong(expected))?;
        self.at = self.text.len();
        Ok(item)
    }
}

/// `attribute=value` with any of the operators; the error says what is missing.
fn item(text: &str) -> Result<Filter, &'static str> {
    const SHAPE: &str = "attribute=value";
    let (left, value) = text.split_once('=').ok_or(SHAPE)?;
    let operator = left.chars().next_back().ok_or(SHAPE)?;
    let attribute = |text: &str| {
        let text = text.trim();
        let right = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.;_".contains(&byte));
        if right { Ok(text.to_owned()) } else { Err("the name of an attribute") }
    };
    let before = &left[..left.len() - operator.len_utf8()];
    match operator {
        '>' => Ok(Filter::GreaterOrEqual(attribute(before)?, unescaped(value)?)),
        '<' => Ok(Filter::LessOrEqual(attribute(before)?, unescaped(value)?)),
        '~' => Ok(Filter::Approximately(attribute(before)?, unescaped(value)?)),
        ':' => {
            let mut parts = before.split(':');
            let name = parts.next().unwrap_or_default();
            let name = if name.is_empty() { String::new() } else { attribute(name)? };
            let rest: Vec<&str> = parts.collect();
            let (dn, rule) = match rest[..] {
                [] => (false, ""),
                ["dn"] => (true, ""),
                [rule] => (false, rule),
                ["dn", rule] => (true, rule),
                _ => return Err("attribute:dn:rule:=value"),
            };
            let rule = if rule.is_empty() { String::new() } else { attribute(rule)? };
            if name.is_empty() && rule.is_empty() {
                return Err("an attribute or a matching rule");
            }
            Ok(Filter::Matches { attribute: name, dn, rule, value: unescaped(value)? })
        }
        _ if value == "*" => Ok(Filter::Present(attribute(left)?)),
        _ if value.contains('*') => {
            let mut parts = value.split('*').map(unescaped).collect::<Result<Vec<_>, _>>()?;
            let end = parts.pop().unwrap_or_default();
            let initial = if parts.is_empty() { Vec::new() } else { parts.remove(0) };
            parts.retain(|part| !part.is_empty());
            if initial.is_empty() && end.is_empty() && parts.is_empty() {
                return Err("one asterisk, or something between them");
            }
            Ok(Filter::Substrings(attribute(left)?, initial, parts, end))
        }
        _ => Ok(Filter::Equal(attribute(left)?, unescaped(value)?)),
    }
}

/// `\2a` is the byte 2a.
fn unescaped(text: &str) -> Result<Vec<u8>, &'static str> {
    const SHAPE: &str = "a backslash with two hexadecimal digits in the value";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).ok_or(SHAPE);
        let value = digit()? << 4 | digit()?;
        bytes.push(u8::try_from(value).map_err(|_| SHAPE)?);
    }
    Ok(bytes)
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
