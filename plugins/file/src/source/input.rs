//! Bytes of a file with their place: offset and line. Memory is one chunk, whatever the file's size.

use std::io::{self, Read};

/// How much is asked of the file at once. In a component every read is a call to the host.
const CHUNK: usize = 256 * 1024;

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// Bytes from the file's beginning.
    pub(super) offset: u64,
    /// From 1.
    pub(super) line: u64,
}

impl Position {
    pub(super) const START: Self = Self { offset: 0, line: 1 };
}

/// What `read_line` met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Complete,
    /// Longer than the limit. The rest was passed over without being kept.
    TooLong,
    End,
}

pub(super) struct Input<R> {
    reader: R,
    chunk: Box<[u8]>,
    start: usize,
    end: usize,
    position: Position,
}

impl<R: Read> Input<R> {
    /// `reader` stands at `position` already.
    pub(super) fn new(reader: R, position: Position) -> Self {
        Self { reader, chunk: vec![0; CHUNK].into_boxed_slice(), start: 0, end: 0, position }
    }

    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// The reader, somewhere behind `position`: it stands after what was read ahead.
    pub(super) fn into_reader(self) -> R {
        self.reader
    }

    /// The bytes at hand, at least one; none only at the end of the file.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        while self.start == self.end {
            match self.reader.read(&mut self.chunk) {
                Ok(0) => break,
                Ok(read) => (self.start, self.end) = (0, read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(&self.chunk[self.start..self.end])
    }

    /// Goes past `count` of the bytes `fill` answered.
    pub(super) fn consume(&mut self, count: usize) {
        let passed = &self.chunk[self.start..self.start + count];
        self.position.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.position.offset += count as u64;
        self.start += count;
    }

    /// Past all bytes that `pass` holds for; false at the end of the file.
    pub(super) fn skip_while(&mut self, pass: impl Fn(u8) -> bool) -> io::Result<bool> {
        loop {
            let chunk = self.fill()?;
            if chunk.is_empty() {
                return Ok(false);
            }
            let count = chunk.iter().position(|byte| !pass(*byte));
            let all = chunk.len();
            self.consume(count.unwrap_or(all));
            if count.is_some() {
                return Ok(true);
            }
        }
    }

    /// Appends the line without its end (`\n` or `\r\n`) to `line`, which takes at most `limit` bytes in all.
    pub(super) fn read_line(&mut self, line: &mut Vec<u8>, limit: usize) -> io::Result<Line> {
        let (mut any, mut too_long) = (false, false);
        let begin = line.len();
        loop {
            let chunk = self.fill()?;
            if chunk.is_empty() {
                break;
            }
            any = true;
            let newline = memchr::memchr(b'\n', chunk);
            let content = &chunk[..newline.unwrap_or(chunk.len())];
            // One byte more than the limit is let in: it may be the `\r` of the line's end.
            too_long = too_long || content.len() > (limit + 1).saturating_sub(line.len());
            if !too_long {
                line.extend_from_slice(content);
            }
            let count = content.len() + usize::from(newline.is_some());
            self.consume(count);
            if newline.is_some() {
                break;
            }
        }
        if !any {
            return Ok(Line::End);
        }
        if line[begin..].ends_with(b"\r") {
            line.pop();
        }
        Ok(if too_long || line.len() > limit { Line::TooLong } else { Line::Complete })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_lf_or_crlf_and_are_bounded() {
        let mut input = Input::new(&b"one\r\ntwo!\r\nthree\n\nlast"[..], Position::START);
        let mut line = Vec::new();
        let mut seen = Vec::new();
        loop {
            line.clear();
            let met = input.read_line(&mut line, 4).unwrap();
            seen.push((met, String::from_utf8(line.clone()).unwrap(), input.position().line));
            if met == Line::End {
                break;
            }
        }
        let text = |met, text: &str, line| (met, text.to_owned(), line);
        assert_eq!(seen[0], text(Line::Complete, "one", 2));
        assert_eq!(seen[1], text(Line::Complete, "two!", 3));
        assert_eq!((seen[2].0, seen[2].2), (Line::TooLong, 4));
        assert_eq!(seen[3], text(Line::Complete, "", 5));
        assert_eq!(seen[4], text(Line::Complete, "last", 5));
        assert_eq!(input.position().offset, 22);
    }
}
