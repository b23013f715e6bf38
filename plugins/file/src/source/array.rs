//! JSON: one array of objects, element by element. Nothing but the element in hand is kept.
//!
//! Where an element ends is found by counting brackets outside strings. That is certain as long as the text is JSON; after the first mistake it is not (a
//! missing quote turns content into structure), so a file is read up to its first syntax error and the rest is given up.

use std::io::Read;

use super::input::{Input, Position};
use super::ndjson::{JsonEntities, NoEntity};
use super::record::{ReadError, Reader, Record};
use crate::attribute::AttributePath;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// The opening bracket.
    Array,
    /// An element, or the closing bracket of an empty array.
    First,
    /// A comma and an element, or the closing bracket.
    Next,
    Nothing,
}

pub(super) struct ArrayReader<R> {
    input: Input<R>,
    entities: JsonEntities,
    expect: Expect,
    element: Vec<u8>,
}

/// How the scan of one element ended.
enum Scanned {
    Complete,
    TooLong,
    /// The file ended first.
    Cut,
}

impl<R: Read> ArrayReader<R> {
    /// `input` stands at the file's beginning, or where a reader left off.
    pub(super) fn new(input: Input<R>, continued: bool, id: AttributePath, limit: usize) -> Self {
        let expect = if continued { Expect::Next } else { Expect::Array };
        Self { input, entities: JsonEntities { id, limit }, expect, element: Vec::new() }
    }

    /// The next byte that is no white space, not consumed.
    fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        self.input.skip_while(is_white_space)?;
        Ok(self.input.fill()?.first().copied())
    }

    fn give_up(&mut self, line: u64, problem: &str) -> Record {
        self.expect = Expect::Nothing;
        Record::unreadable(line, format!("{problem}; everything from here on was not read"))
    }

    /// Copies one value of any kind into `element`. Inside brackets everything up to the matching one belongs to it, otherwise everything up to a comma,
    /// a closing bracket or white space.
    fn scan(&mut self) -> Result<Scanned, ReadError> {
        self.element.clear();
        let mut state = Scan { depth: 0, string: false, escaped: false, any: false };
        let mut too_long = false;
        loop {
            let chunk = self.input.fill()?;
            if chunk.is_empty() {
                let bare = state.any && state.depth == 0 && !state.string;
                return Ok(if bare && !too_long { Scanned::Complete } else { Scanned::Cut });
            }
            let end = state.end(chunk);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            too_long = too_long || part.len() > self.entities.limit - self.element.len();
            if !too_long {
                self.element.extend_from_slice(part);
            }
            let count = part.len();
            self.input.consume(count);
            if end.is_some() {
                return Ok(if too_long { Scanned::TooLong } else { Scanned::Complete });
            }
        }
    }
}

impl<R: Read> Reader for ArrayReader<R> {
    fn next(&mut self) -> Result<Option<Record>, ReadError> {
        if self.expect == Expect::Nothing {
            return Ok(None);
        }
        if self.expect == Expect::Array {
            match self.peek()? {
                None => return Ok(None),
                Some(b'[') => self.input.consume(1),
                Some(b'{') => {
                    return Err(ReadError::Unusable(
                        "is one JSON object where an array of objects is expected; if it has one object a line, set file.format to ndjson"
                            .to_owned(),
                    ));
                }
                Some(_) => return Err(ReadError::Unusable("does not begin like a JSON array".to_owned())),
            }
            self.expect = Expect::First;
        }
        let met = self.peek()?;
        let line = self.input.position().line;
        match (met, self.expect) {
            (Some(b']'), _) => {
                self.input.consume(1);
                self.expect = Expect::Nothing;
                let after = self.peek()?;
                let line = self.input.position().line;
                return Ok(after.map(|_| self.give_up(line, "there is something after the end of the array")));
            }
            (Some(b','), Expect::Next) => {
                self.input.consume(1);
                if matches!(self.peek()?, None | Some(b']' | b',')) {
                    return Ok(Some(self.give_up(line, "there is a comma without an element after it")));
                }
            }
            (None, _) => return Ok(Some(self.give_up(line, "the file ends before the array does"))),
            (Some(_), Expect::Next) => return Ok(Some(self.give_up(line, "there is no comma between two elements"))),
            (Some(_), _) => {}
        }
        let line = self.input.position().line;
        let scanned = self.scan()?;
        self.expect = Expect::Next;
        match scanned {
            Scanned::Complete => {}
            Scanned::TooLong => return Ok(Some(Record::too_long(line, "element", self.entities.limit))),
            Scanned::Cut => return Ok(Some(self.give_up(line, "the file ends inside this element"))),
        }
        Ok(match self.entities.entity(&self.element) {
            Ok(entity) => Some(Record::Entity(entity)),
            Err(NoEntity::Rejected(problem)) => Some(Record::unreadable(line, format!("the element {problem}"))),
            Err(NoEntity::Malformed(error)) => {
                let at = line + error.line().saturating_sub(1) as u64;
                Some(self.give_up(at, &format!("the element is not JSON: {error} of the element")))
            }
        })
    }

    fn position(&self) -> Option<Position> {
        match self.expect {
            // Before the first element there is nothing to continue: the array's opening is read again.
            Expect::Array | Expect::First => Some(Position::START),
            Expect::Next => Some(self.input.position()),
            Expect::Nothing => None,
        }
    }
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

struct Scan {
    depth: usize,
    string: bool,
    escaped: bool,
    any: bool,
}

impl Scan {
    /// How many bytes of the chunk still belong to the value, if it ends in this chunk.
    fn end(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < chunk.len() {
            let byte = chunk[at];
            if self.escaped {
                self.escaped = false;
            } else if self.string {
                // Straight to what can end or bend the string.
                match memchr::memchr2(b'"', b'\\', &chunk[at..]) {
                    None => return None,
                    Some(skip) => at += skip,
                }
                self.escaped = chunk[at] == b'\\';
                self.string = self.escaped;
                if !self.string && self.depth == 0 {
                    return Some(at + 1);
                }
            } else {
                match byte {
                    b'"' => self.string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' if self.depth > 1 => self.depth -= 1,
                    b'}' | b']' if self.depth == 1 => {
                        self.depth = 0;
                        return Some(at + 1);
                    }
                    b',' | b']' if self.depth == 0 && self.any => return Some(at),
                    _ if self.depth == 0 && self.any && is_white_space(byte) => return Some(at),
                    _ => {}
                }
            }
            self.any = true;
            at += 1;
        }
        None
    }
}
