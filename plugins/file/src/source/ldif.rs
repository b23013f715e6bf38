//! LDIF content records (RFC 2849): `dn`, then attributes, a blank line between two records. A broken record costs itself only.
//!
//! Every attribute becomes an array (connectors.md section 2.3), and the DN the attribute `distinguishedName`. Values taken from a URL (`attribute:< file:…`)
//! are refused: an export does not get to name files to read. Change records are not content and are refused too.

use std::collections::HashMap;
use std::io::Read;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::columns::push_json_string;
use super::input::{Input, Line, Position};
use super::record::{Entity, ReadError, Reader, Record, Unreadable};
use crate::properties::LdifLayout;

const DN: &str = "distinguishedName";

pub(super) struct LdifReader<R> {
    input: Input<R>,
    layout: LdifLayout,
    id: String,
    limit: usize,
    /// The record's bytes, continuation lines joined.
    text: Vec<u8>,
    /// Its logical lines: where in `text`, and on which line of the file.
    lines: Vec<(Range<usize>, u64)>,
}

/// What one record turned out to be.
enum Parsed {
    Entity(Entity),
    /// No object class of the type that is read, or no record at all (comments, the version line).
    Other,
}

struct Problem {
    line: u64,
    message: String,
}

/// Attributes in the order of their first appearance.
#[derive(Default)]
struct Attributes {
    entries: Vec<(String, Vec<String>)>,
    index: HashMap<String, usize>,
}

impl<R: Read> LdifReader<R> {
    pub(super) fn new(input: Input<R>, id: &str, limit: usize, layout: LdifLayout) -> Self {
        Self { input, layout, id: id.to_owned(), limit, text: Vec::new(), lines: Vec::new() }
    }

    /// Takes in the lines up to the next blank one. Nothing at the end of the file, false where the record is too long (it is passed over whole).
    fn gather(&mut self) -> Result<Option<bool>, ReadError> {
        self.text.clear();
        self.lines.clear();
        if !self.input.skip_while(|byte| matches!(byte, b'\r' | b'\n'))? {
            return Ok(None);
        }
        let mut complete = true;
        loop {
            let begin = self.text.len();
            let number = self.input.position().line;
            match self.input.read_line(&mut self.text, self.limit)? {
                Line::End => return Ok(Some(complete)),
                Line::TooLong => complete = false,
                Line::Complete if self.text.len() == begin => return Ok(Some(complete)),
                Line::Complete => {}
            }
            if !complete {
                self.text.clear();
                continue;
            }
            match self.lines.last_mut() {
                Some((range, _)) if self.text[begin] == b' ' => {
                    self.text.remove(begin);
                    range.end = self.text.len();
                }
                _ => self.lines.push((begin..self.text.len(), number)),
            }
        }
    }

    fn parse(&self) -> Result<Parsed, Problem> {
        let mut attributes = Attributes::default();
        let mut dn = None;
        for (range, line) in &self.lines {
            let bytes = &self.text[range.clone()];
            if bytes[0] == b'#' {
                continue;
            }
            let problem = |message: String| Problem { line: *line, message };
            let (name, value) = split(bytes).map_err(problem)?;
            if dn.is_none() {
                if name.eq_ignore_ascii_case("dn") {
                    dn = Some(value.text(name, &self.layout));
                } else if !name.eq_ignore_ascii_case("version") {
                    return Err(problem(format!("a record begins with dn, this one with {name} (ldapsearch writes plain LDIF with -LLL)")));
                }
                continue;
            }
            if name.eq_ignore_ascii_case("changetype") || name.eq_ignore_ascii_case("control") {
                return Err(problem("this is a change record; only content records can be read".to_owned()));
            }
            attributes.push(name, value.text(name, &self.layout));
        }
        let Some(dn) = dn else { return Ok(Parsed::Other) };
        let classes = attributes.values("objectClass");
        if !classes.iter().any(|class| self.layout.object_classes.iter().any(|wanted| wanted.eq_ignore_ascii_case(class))) {
            return Ok(Parsed::Other);
        }
        // Active Directory has the attribute itself; it says the same.
        if attributes.values(DN).is_empty() {
            attributes.entries.insert(0, (DN.to_owned(), vec![dn]));
            attributes.index.values_mut().for_each(|index| *index += 1);
            attributes.index.insert(DN.to_ascii_lowercase(), 0);
        }
        let id = attributes.values(&self.id).first().filter(|id| !id.is_empty()).cloned();
        let id = id.ok_or_else(|| Problem {
            line: self.lines.first().map_or(1, |(_, line)| *line),
            message: format!("the record has no id: the attribute {} is missing or empty", self.id),
        })?;
        Ok(Parsed::Entity(Entity { id, document: attributes.document() }))
    }
}

impl<R: Read> Reader for LdifReader<R> {
    fn next(&mut self) -> Result<Option<Record>, ReadError> {
        let first = self.input.position().line;
        let Some(complete) = self.gather()? else { return Ok(None) };
        let line = self.lines.first().map_or(first, |(_, line)| *line);
        if !complete {
            return Ok(Some(Record::too_long(line, "record", self.limit)));
        }
        match self.parse() {
            Ok(Parsed::Entity(entity)) => Ok(Some(Record::Entity(entity))),
            Ok(Parsed::Other) => Ok(Some(Record::Other)),
            Err(Problem { line, message }) => Ok(Some(Record::Unreadable(Unreadable { id: None, line, message }))),
        }
    }

    fn position(&self) -> Option<Position> {
        Some(self.input.position())
    }
}

/// The right side of a line.
enum Value {
    Plain(String),
    /// Bytes that came as base64, or that are no UTF-8 text.
    Bytes(Vec<u8>),
}

/// `name: text` or `name:: base64`.
fn split(line: &[u8]) -> Result<(&str, Value), String> {
    let colon = memchr::memchr(b':', line).ok_or("the line has no colon")?;
    let name = std::str::from_utf8(&line[..colon]).ok().filter(|name| is_description(name));
    let name = name.ok_or("the line does not begin with an attribute name")?;
    let rest = &line[colon + 1..];
    match rest.first() {
        Some(b':') => {
            let bytes = BASE64.decode(rest[1..].trim_ascii()).map_err(|error| format!("the value of {name} is not base64: {error}"))?;
            Ok((name, Value::Bytes(bytes)))
        }
        Some(b'<') => Err(format!("the value of {name} is to be taken from a URL, which is not done")),
        _ => {
            let fill = rest.iter().position(|byte| *byte != b' ').unwrap_or(rest.len());
            let text = std::str::from_utf8(&rest[fill..]).map_err(|_| format!("the value of {name} is not UTF-8"))?;
            Ok((name, Value::Plain(text.to_owned())))
        }
    }
}

/// An attribute description (RFC 2849: `AttributeType` with options); `_` because servers have such names.
fn is_description(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b';' | b'_'))
}

impl Value {
    fn text(self, name: &str, layout: &LdifLayout) -> String {
        let mut parts = name.split(';');
        let base = parts.next().unwrap_or(name);
        let binary = parts.any(|option| option.eq_ignore_ascii_case("binary"))
            || layout.binary_attributes.iter().any(|binary| binary.eq_ignore_ascii_case(base));
        match self {
            Self::Plain(text) if binary => BASE64.encode(text),
            Self::Plain(text) => text,
            Self::Bytes(bytes) if binary => BASE64.encode(bytes),
            Self::Bytes(bytes) => String::from_utf8(bytes).unwrap_or_else(|error| BASE64.encode(error.into_bytes())),
        }
    }
}

impl Attributes {
    fn push(&mut self, name: &str, value: String) {
        let index = *self.index.entry(name.to_ascii_lowercase()).or_insert_with(|| {
            self.entries.push((name.to_owned(), Vec::new()));
            self.entries.len() - 1
        });
        self.entries[index].1.push(value);
    }

    /// Names differ in case from server to server, so they are compared without it.
    fn values(&self, name: &str) -> &[String] {
        self.index.get(&name.to_ascii_lowercase()).map_or(&[], |index| self.entries[*index].1.as_slice())
    }

    fn document(&self) -> String {
        let mut text = String::with_capacity(512);
        for (name, values) in &self.entries {
            text.push(if text.is_empty() { '{' } else { ',' });
            push_json_string(&mut text, name);
            for (index, value) in values.iter().enumerate() {
                text.push_str(if index == 0 { ":[" } else { "," });
                push_json_string(&mut text, value);
            }
            text.push(']');
        }
        text.push('}');
        text
    }
}
