//! Reading: a page at a time from a file of any size, in memory that does not depend on it.
//!
//! Between two pages of one query the reader stays open, so the usual way costs no seeking. The cursor is for continuing elsewhere: in another instance, or
//! after the host was killed.

mod array;
mod columns;
mod csv;
mod cursor;
mod input;
mod ldif;
mod ndjson;
mod record;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};

use crate::attribute::AttributePath;
use crate::failure::{Failure, Kind};
use crate::properties::{EntityType, Format, SourceFile, SourceSettings};
use array::ArrayReader;
use csv::{CsvReader, Header};
use cursor::{Cursor, Identity};
use input::{Input, Position};
use ldif::LdifReader;
use ndjson::NdjsonReader;
pub use record::{Entity, Unreadable};
use record::{ReadError, Reader, Record};

/// A page ends early when its documents reach this many bytes ...
const PAGE_BYTES: usize = 8 << 20;
/// ... or when this much of the file went by, wanted or not, so that a call never takes long.
const PAGE_SCAN: u64 = 64 << 20;

#[derive(Debug, Default)]
pub struct Page {
    pub entities: Vec<Entity>,
    pub unreadable: Vec<Unreadable>,
    /// Absent on the last page.
    pub next: Option<String>,
}

pub struct Source {
    settings: SourceSettings,
    open: Option<Open>,
}

/// The reader of the page before, and the cursor that continues it.
struct Open {
    entity_type: EntityType,
    next: String,
    identity: Identity,
    reader: Box<dyn Reader>,
}

impl Source {
    pub fn new(settings: SourceSettings) -> Self {
        Self { settings, open: None }
    }

    /// Opens every file and reads its header, in one line for people.
    pub fn probe(&self) -> Result<String, Failure> {
        let mut lines = Vec::new();
        for entity_type in EntityType::ALL {
            if let Some(file) = self.settings.file(entity_type) {
                let (_, identity) = open_reader(file, None)?;
                let format = format!("{:?}", file.format).to_lowercase();
                lines.push(format!("{}s from {} ({format}, {} bytes)", entity_type.name(), file.path, identity.length()));
            }
        }
        Ok(lines.join(", "))
    }

    /// The next page of all entities of one type. An entity type without a file has none.
    pub fn read_page(&mut self, entity_type: &str, cursor: Option<&str>, limit: u32) -> Result<Page, Failure> {
        let entity_type = EntityType::named(entity_type)?;
        let before = self.open.take();
        let Some(file) = self.settings.file(entity_type) else { return Ok(Page::default()) };
        let (mut reader, identity) = match before {
            Some(open) if open.entity_type == entity_type && cursor == Some(open.next.as_str()) => (open.reader, open.identity),
            _ => open_reader(file, cursor)?,
        };
        let mut page = Page::default();
        let position = fill(&mut page, reader.as_mut(), limit).map_err(|error| failure(file, error))?;
        // Not only on the way in: a file that changes while the last page is read must not pass for a complete read.
        if identity_of(file)? != identity {
            return Err(changed(file));
        }
        if let Some(position) = position {
            let next = Cursor { identity, position }.text();
            page.next = Some(next.clone());
            self.open = Some(Open { entity_type, next, identity, reader });
        }
        for unreadable in &mut page.unreadable {
            unreadable.message = format!("{} line {}: {}", file.path, unreadable.line, unreadable.message);
        }
        Ok(page)
    }
}

/// Reads records into the page; answers where to go on, nothing at the end of the file.
fn fill(page: &mut Page, reader: &mut dyn Reader, limit: u32) -> Result<Option<Position>, ReadError> {
    let limit = limit as usize;
    let scan_end = reader.position().map_or(0, |position| position.offset) + PAGE_SCAN;
    let mut bytes = 0;
    page.entities.reserve(limit.min(4096));
    loop {
        let Some(position) = reader.position() else { return Ok(None) };
        if page.entities.len() + page.unreadable.len() >= limit || bytes >= PAGE_BYTES || position.offset >= scan_end {
            return Ok(Some(position));
        }
        match reader.next()? {
            None => return Ok(None),
            Some(Record::Other) => {}
            Some(Record::Unreadable(unreadable)) => page.unreadable.push(unreadable),
            Some(Record::Entity(entity)) => {
                bytes += entity.document.len();
                page.entities.push(entity);
            }
        }
    }
}

/// A reader at the file's beginning or at the cursor, if it is still the same file.
fn open_reader(file: &SourceFile, cursor: Option<&str>) -> Result<(Box<dyn Reader>, Identity), Failure> {
    let cursor = cursor.map(|text| {
        Cursor::parse(text).ok_or_else(|| Failure::new(Kind::Rejected, format!("{text:?} is no cursor of the connector file")))
    });
    let cursor = cursor.transpose()?;
    let identity = identity_of(file)?;
    if cursor.is_some_and(|cursor| cursor.identity != identity) {
        return Err(changed(file));
    }
    let opened = File::open(&file.path).map_err(|error| Failure::io(&format!("open {}", file.path), &error))?;
    let reader = start(file, opened, cursor.map(|cursor| cursor.position)).map_err(|error| failure(file, error))?;
    Ok((reader, identity))
}

/// The file as it stands there now. A folder is told apart here; opening one succeeds on some systems.
fn identity_of(file: &SourceFile) -> Result<Identity, Failure> {
    let metadata = fs::metadata(&file.path).map_err(|error| Failure::io(&format!("open {}", file.path), &error))?;
    if metadata.is_dir() {
        return Err(Failure::new(Kind::InvalidSettings, format!("{} is a folder, not a file", file.path)));
    }
    // Opening a pipe waits for whoever writes to it, perhaps for ever.
    if !metadata.is_file() {
        return Err(Failure::new(Kind::InvalidSettings, format!("{} is not a regular file", file.path)));
    }
    Ok(Identity::of(&metadata))
}

fn start<R: Read + Seek + 'static>(file: &SourceFile, mut opened: R, at: Option<Position>) -> Result<Box<dyn Reader>, ReadError> {
    let at = at.filter(|position| position.offset > 0);
    let mut mark = [0; 3];
    let marked = fill_mark(&mut opened, &mut mark)?;
    if marked >= 2 && matches!(mark[..2], [0xFF, 0xFE] | [0xFE, 0xFF]) {
        return Err(ReadError::Unusable("is UTF-16; save it as UTF-8".to_owned()));
    }
    let begin = if marked == 3 && mark == [0xEF, 0xBB, 0xBF] { 3 } else { 0 };
    let first = Position { offset: begin, line: 1 };
    let id = || {
        let path = AttributePath::parse(&file.id);
        path.ok_or_else(|| ReadError::Settings(format!("property {} is no path: {:?}", file.id_property, file.id)))
    };
    let limit = file.record_limit;
    Ok(match file.format {
        Format::Csv => {
            // The header is needed, wherever the reading goes on.
            let mut input = input_at(opened, first)?;
            let header = Header::read(&mut input, file)?;
            let input = match at {
                Some(position) => input_at(input.into_reader(), position)?,
                None => input,
            };
            Box::new(CsvReader::new(input, header))
        }
        Format::Json => Box::new(ArrayReader::new(input_at(opened, at.unwrap_or(first))?, at.is_some(), id()?, limit)),
        Format::Ndjson => Box::new(NdjsonReader::new(input_at(opened, at.unwrap_or(first))?, id()?, limit)),
        Format::Ldif => Box::new(LdifReader::new(input_at(opened, at.unwrap_or(first))?, &file.id, limit, file.ldif.clone())),
    })
}

fn input_at<R: Read + Seek>(mut reader: R, position: Position) -> std::io::Result<Input<R>> {
    reader.seek(SeekFrom::Start(position.offset))?;
    Ok(Input::new(reader, position))
}

/// As many of the first bytes as there are.
fn fill_mark(opened: &mut impl Read, mark: &mut [u8; 3]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < mark.len() {
        match opened.read(&mut mark[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

fn changed(file: &SourceFile) -> Failure {
    Failure::new(Kind::Conflict, format!("{} changed while it was being read; start the run again", file.path))
}

fn failure(file: &SourceFile, error: ReadError) -> Failure {
    match error {
        ReadError::Io(error) => Failure::io(&format!("read {}", file.path), &error),
        ReadError::Unusable(problem) => Failure::new(Kind::Rejected, format!("{}: {problem}", file.path)),
        ReadError::Settings(problem) => Failure::new(Kind::InvalidSettings, format!("{}: {problem}", file.path)),
    }
}
