//! A strict parser (RFC 8259) that writes a tape.

use super::text::{plain_end, same};
use super::value::{Kind, Node, fingerprint};

/// How deep arrays and objects may be nested.
pub const DEPTH: u32 = 128;

/// Why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Error {
    /// Byte offset in the text.
    pub at: usize,
    pub what: &'static str,
}

/// Parse the value that `text` holds from byte `from` to its end and append its tape to `nodes`.
///
/// Answers the index of the value's node and whether an object names a key twice, which [`super::without_duplicates`] then repairs. On an error `nodes` holds
/// a useless rest.
pub fn parse(text: &str, from: usize, nodes: &mut Vec<Node>) -> Result<(u32, bool), Error> {
    let bytes = text.as_bytes();
    if u32::try_from(bytes.len()).is_err() {
        return Err(Error { at: 0, what: "a text of 4 GiB or more" });
    }
    let root = index(nodes.len());
    let mut parser = Parser { bytes, at: from, nodes, duplicates: false, error: "" };
    match parser.document() {
        Ok(()) => Ok((root, parser.duplicates)),
        Err(Stopped) => Err(Error { at: parser.at, what: parser.error }),
    }
}

/// The parser has given up; why is in [`Parser::error`]. It has no content, so that the answer of each step fits in a register.
struct Stopped;

/// Texts are shorter than 4 GiB, which `parse` checks first, and a tape has no more nodes than its text has bytes.
#[expect(clippy::cast_possible_truncation, reason = "bounded by the length of the text, see above")]
fn index(at: usize) -> u32 {
    at as u32
}

/// Nesting is bounded by [`DEPTH`].
#[expect(clippy::cast_possible_truncation, reason = "see above")]
fn level(depth: u32) -> u8 {
    depth as u8
}

/// A filter of 128 bits for the fingerprints of an object's keys. Two halves: WebAssembly has no shift of 128 bits.
#[derive(Default)]
struct Seen(u64, u64);

impl Seen {
    /// Whether this fingerprint's bit was set already.
    #[inline]
    fn note(&mut self, fingerprint: u32) -> bool {
        let hash = fingerprint.wrapping_mul(0x9e37_79b1) >> 25;
        let bit = 1u64 << (hash & 63);
        let half = if hash < 64 { &mut self.0 } else { &mut self.1 };
        let was = *half & bit != 0;
        *half |= bit;
        was
    }
}

struct Parser<'p> {
    bytes: &'p [u8],
    at: usize,
    nodes: &'p mut Vec<Node>,
    duplicates: bool,
    error: &'static str,
}

impl Parser<'_> {
    #[cold]
    fn error(&mut self, what: &'static str) -> Stopped {
        self.error = what;
        Stopped
    }

    fn document(&mut self) -> Result<(), Stopped> {
        self.blanks();
        self.value(0)?;
        self.blanks();
        if self.at < self.bytes.len() {
            return Err(self.error("something behind the end of the value"));
        }
        Ok(())
    }

    #[inline]
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    #[inline]
    fn blanks(&mut self) {
        // Most documents have none, and a loop costs its interruption check even if it does nothing.
        if self.peek() <= b' ' {
            self.skip_blanks();
        }
    }

    #[inline(never)]
    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: u32) -> Result<(), Stopped> {
        match self.peek() {
            b'"' => self.string(),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b't' => self.word(b"true", Kind::True),
            b'f' => self.word(b"false", Kind::False),
            b'n' => self.word(b"null", Kind::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ if self.at >= self.bytes.len() => Err(self.error("the text ends where a value is expected")),
            _ => Err(self.error("no value")),
        }
    }

    #[inline]
    fn leaf(&mut self, start: usize, kind: Kind, escaped: bool) {
        let next = index(self.nodes.len() + 1);
        self.nodes.push(Node { start: index(start), end: index(self.at), next, count: 0, kind, escaped, level: 0 });
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<(), Stopped> {
        let start = self.at;
        if !self.bytes[start..].starts_with(word) {
            return Err(self.error("no value"));
        }
        self.at += word.len();
        self.leaf(start, kind, false);
        Ok(())
    }

    fn number(&mut self) -> Result<(), Stopped> {
        let start = self.at;
        if self.peek() == b'-' {
            self.at += 1;
        }
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if let b'e' | b'E' = self.peek() {
            self.at += 1;
            if let b'+' | b'-' = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.leaf(start, Kind::Number, false);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Stopped> {
        if !self.peek().is_ascii_digit() {
            return Err(self.error("a digit is missing"));
        }
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    #[expect(clippy::inline_always, reason = "one string is one call, and a call costs its interruption check")]
    #[inline(always)]
    fn string(&mut self) -> Result<(), Stopped> {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at = plain_end(self.bytes, self.at);
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.error("a control character in a string")),
                None => return Err(self.error("the text ends inside a string")),
            }
        }
        self.at += 1;
        self.leaf(start, Kind::String, escaped);
        Ok(())
    }

    #[cold]
    fn escape(&mut self) -> Result<(), Stopped> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') if self.bytes.get(self.at + 2..self.at + 6).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) => {
                self.at += 6;
            }
            _ => return Err(self.error("no escape of JSON")),
        }
        Ok(())
    }

    #[inline]
    fn open(&mut self, depth: u32, kind: Kind) -> Result<usize, Stopped> {
        if depth >= DEPTH {
            return Err(self.error("nested deeper than 128 levels"));
        }
        let node = self.nodes.len();
        self.nodes.push(Node { start: index(self.at), end: 0, next: 0, count: 0, kind, escaped: false, level: level(depth) });
        self.at += 1;
        self.blanks();
        Ok(node)
    }

    #[inline]
    fn close(&mut self, node: usize, count: u32) {
        self.at += 1;
        let next = index(self.nodes.len());
        let node = &mut self.nodes[node];
        node.end = index(self.at);
        node.next = next;
        node.count = count;
    }

    fn array(&mut self, depth: u32) -> Result<(), Stopped> {
        let node = self.open(depth, Kind::Array)?;
        let mut count = 0;
        if self.peek() != b']' {
            loop {
                self.value(depth + 1)?;
                count += 1;
                self.blanks();
                match self.peek() {
                    b',' => self.at += 1,
                    b']' => break,
                    _ => return Err(self.error("a comma or ] is missing")),
                }
                self.blanks();
            }
        }
        self.close(node, count);
        Ok(())
    }

    fn object(&mut self, depth: u32) -> Result<(), Stopped> {
        let node = self.open(depth, Kind::Object)?;
        let mut count = 0;
        let mut seen = Seen::default();
        if self.peek() != b'}' {
            loop {
                if self.peek() != b'"' {
                    return Err(self.error("a key in quotes is missing"));
                }
                let key = self.nodes.len();
                self.string()?;
                self.note_key(node, key, level(depth), &mut seen);
                self.blanks();
                if self.peek() != b':' {
                    return Err(self.error("a colon is missing"));
                }
                self.at += 1;
                self.blanks();
                self.value(depth + 1)?;
                self.nodes[key].next = index(self.nodes.len());
                count += 1;
                self.blanks();
                match self.peek() {
                    b',' => self.at += 1,
                    b'}' => break,
                    _ => return Err(self.error("a comma or } is missing")),
                }
                self.blanks();
            }
        }
        self.close(node, count);
        Ok(())
    }

    /// Note the key's fingerprint and level. The filter finds the few keys that have to be compared with those before them; a key with an escape counts as a
    /// possible duplicate.
    #[inline]
    fn note_key(&mut self, object: usize, key: usize, level: u8, seen: &mut Seen) {
        let node = &mut self.nodes[key];
        node.count = fingerprint(&self.bytes[node.start as usize + 1..node.end as usize - 1]);
        node.level = level;
        if seen.note(node.count) || node.escaped {
            self.compare_keys(object, key);
        }
    }

    fn compare_keys(&mut self, object: usize, key: usize) {
        let new = self.nodes[key];
        if new.escaped {
            self.duplicates = true;
            return;
        }
        let raw = &self.bytes[new.start as usize..new.end as usize];
        let mut at = object + 1;
        while at < key {
            let old = self.nodes[at];
            if old.count == new.count && same(&self.bytes[old.start as usize..old.end as usize], raw) {
                self.duplicates = true;
                return;
            }
            at = old.next as usize;
        }
    }
}
