//! CSV (RFC 4180, and what is found in the wild: other delimiters, `\n` ends, blank lines), one row at a time.
//!
//! What stands between quotes is never read as rows, not even when a quote is left open: a cell's content is the writer's, and reading it as rows
//! would let a text field of the export add entities. So an open quote costs everything up to the end of the file, and says so.

use std::io::Read;

use csv_core::ReadRecordResult;

use super::columns::{Columns, Row};
use super::input::{Input, Position};
use super::record::{Entity, ReadError, Reader, Record};
use crate::properties::SourceFile;

pub(super) struct CsvReader<R> {
    input: Input<R>,
    header: Header,
    /// Bytes of the longest document so far: a good guess for the next one.
    document_size: usize,
}

/// What is known after the header row; it serves a reader anywhere in the file.
pub(super) struct Header {
    rows: Rows,
    /// Nothing where the file has no rows at all.
    columns: Option<Columns>,
    id: usize,
}

/// One row's worth of buffers.
struct Rows {
    core: csv_core::Reader,
    cells: Vec<u8>,
    ends: Vec<usize>,
    limit: usize,
}

enum RowRead {
    /// So many bytes and cells are in the buffers.
    Complete {
        bytes: usize,
        cells: usize,
    },
    /// More cells than the buffer has room for; how many.
    TooManyCells(usize),
    TooLong,
    /// A quoted cell is still open at the end of the file.
    Open,
}

impl Header {
    /// `input` stands at the file's first byte after a byte order mark, and afterwards behind the header row (if the file has one).
    pub(super) fn read<R: Read>(input: &mut Input<R>, file: &SourceFile) -> Result<Self, ReadError> {
        let mut rows = Rows::new(file.csv.delimiter, file.record_limit);
        let names = match &file.csv.header {
            Some(names) => Some(names.clone()),
            None => rows.names(input)?,
        };
        let Some(names) = names else { return Ok(Self { rows, columns: None, id: 0 }) };
        let columns = Columns::new(&names, &file.csv).map_err(|problem| ReadError::Unusable(format!("the header {problem}")))?;
        let id = names.iter().position(|name| *name == file.id).ok_or_else(|| {
            let some = names.iter().take(16).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if names.len() > 16 { ", ..." } else { "" };
            ReadError::Settings(format!(
                "there is no column {}, which property {} names; the header has {some}{more}",
                file.id, file.id_property
            ))
        })?;
        // One more, so that a row with a cell too many is told from a good one.
        rows.ends = vec![0; columns.count() + 1];
        Ok(Self { rows, columns: Some(columns), id })
    }
}

impl<R: Read> CsvReader<R> {
    /// `input` stands behind the header row, or where a reader left off.
    pub(super) fn new(input: Input<R>, header: Header) -> Self {
        Self { input, header, document_size: 256 }
    }
}

impl<R: Read> Reader for CsvReader<R> {
    fn next(&mut self) -> Result<Option<Record>, ReadError> {
        let Header { rows, columns: Some(columns), id } = &mut self.header else { return Ok(None) };
        loop {
            if !self.input.skip_while(|byte| matches!(byte, b'\r' | b'\n'))? {
                return Ok(None);
            }
            let line = self.input.position().line;
            let (bytes, cells) = match rows.read(&mut self.input)? {
                RowRead::Complete { bytes, cells } => (bytes, cells),
                RowRead::TooManyCells(cells) => return Ok(Some(wrong_count(line, cells, columns.count()))),
                RowRead::TooLong => return Ok(Some(Record::too_long(line, "row", rows.limit))),
                RowRead::Open => {
                    let message = "a quoted cell of the row is still open at the end of the file; everything from here on was not read";
                    return Ok(Some(Record::unreadable(line, message)));
                }
            };
            // A row of delimiters only is what spreadsheets leave below a table.
            if bytes == 0 && cells > 1 {
                continue;
            }
            if cells != columns.count() {
                return Ok(Some(wrong_count(line, cells, columns.count())));
            }
            let Some(row) = Row::new(&rows.cells[..bytes], &rows.ends[..cells]) else {
                return Ok(Some(Record::unreadable(line, "the row is not UTF-8")));
            };
            let id = row.cell(*id);
            if id.is_empty() {
                return Ok(Some(Record::unreadable(line, "the row has no id")));
            }
            let mut document = String::with_capacity(self.document_size);
            columns.write(row, &mut document);
            self.document_size = self.document_size.max(document.len());
            return Ok(Some(Record::Entity(Entity { id: id.to_owned(), document })));
        }
    }

    fn position(&self) -> Option<Position> {
        Some(self.input.position())
    }
}

fn wrong_count(line: u64, cells: usize, columns: usize) -> Record {
    Record::unreadable(line, format!("the row has {cells} cells, the header {columns}"))
}

impl Rows {
    fn new(delimiter: u8, limit: usize) -> Self {
        let mut core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        // A new reader drops a byte order mark wherever it begins. The file's own is gone by now; one further down is data.
        core.read_record(b"\n", &mut [0], &mut [0]);
        Self { core, cells: vec![0; 16 * 1024], ends: vec![0; 64], limit }
    }

    /// The names in the first row; nothing where the file has no rows at all.
    fn names<R: Read>(&mut self, input: &mut Input<R>) -> Result<Option<Vec<String>>, ReadError> {
        if !input.skip_while(|byte| matches!(byte, b'\r' | b'\n'))? {
            return Ok(None);
        }
        self.ends = vec![0; self.limit.min(16 * 1024)];
        let (bytes, cells) = match self.read(input)? {
            RowRead::Complete { bytes, cells } => (bytes, cells),
            RowRead::Open => return Err(ReadError::Unusable("the header has a quoted name that is not closed".to_owned())),
            RowRead::TooLong => {
                return Err(ReadError::Unusable(format!("the header is longer than file.record.limit ({} bytes)", self.limit)));
            }
            RowRead::TooManyCells(cells) => return Err(ReadError::Unusable(format!("the header has {cells} columns, which is too many"))),
        };
        let row = Row::new(&self.cells[..bytes], &self.ends[..cells]);
        let row = row.ok_or_else(|| ReadError::Unusable("the header is not UTF-8; save the file as UTF-8".to_owned()))?;
        Ok(Some(row.cells().map(|name| name.trim().to_owned()).collect()))
    }

    /// One row; `input` stands at its first byte. Bytes beyond the limit are passed over, not kept.
    fn read<R: Read>(&mut self, input: &mut Input<R>) -> Result<RowRead, ReadError> {
        let (mut bytes, mut cells) = (0, 0);
        let (mut dropped_bytes, mut dropped_cells) = (false, 0);
        loop {
            let chunk = input.fill()?;
            let last = chunk.is_empty();
            // At the end of the file a line end completes the row, unless it falls between quotes.
            let feed: &[u8] = if last { b"\n" } else { chunk };
            let (result, read, wrote, ended) = self.core.read_record(feed, &mut self.cells[bytes..], &mut self.ends[cells..]);
            if !last {
                input.consume(read);
            }
            bytes += wrote;
            cells += ended;
            match result {
                ReadRecordResult::Record if dropped_bytes || bytes > self.limit => return Ok(RowRead::TooLong),
                ReadRecordResult::Record if dropped_cells > 0 => return Ok(RowRead::TooManyCells(dropped_cells + cells)),
                ReadRecordResult::Record => return Ok(RowRead::Complete { bytes, cells }),
                // The open quote swallowed the line end; the machine is of no use any more, and the input is at its end.
                ReadRecordResult::InputEmpty | ReadRecordResult::End if last => return Ok(RowRead::Open),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
                ReadRecordResult::OutputFull if bytes > self.limit => {
                    dropped_bytes = true;
                    bytes = 0;
                }
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => {
                    dropped_cells += cells;
                    cells = 0;
                }
            }
        }
    }
}
