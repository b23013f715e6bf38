//! NDJSON: one JSON object a line. A broken line costs itself only.

use std::io::Read;

use serde::de::IgnoredAny;

use super::input::{Input, Line, Position};
use super::record::{Entity, ReadError, Reader, Record, Unreadable};
use crate::attribute::AttributePath;

/// The id of a JSON object, and the object's text untouched.
pub(super) struct JsonEntities {
    pub(super) id: AttributePath,
    pub(super) limit: usize,
}

/// Why a text is no entity.
pub(super) enum NoEntity {
    /// The text is not JSON; line and column count from its beginning.
    Malformed(serde_json::Error),
    /// It is, but there is no id to be had from it, or it is not UTF-8.
    Rejected(String),
}

impl JsonEntities {
    pub(super) fn entity(&self, text: &[u8]) -> Result<Entity, NoEntity> {
        let text = std::str::from_utf8(text).map_err(|_| NoEntity::Rejected("is not UTF-8".to_owned()))?;
        if !text.starts_with('{') {
            let json = serde_json::from_str::<IgnoredAny>(text);
            return Err(json.map_or_else(NoEntity::Malformed, |_| NoEntity::Rejected("is not a JSON object".to_owned())));
        }
        let id = self.id.scalar(text).map_err(NoEntity::Malformed)?.filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| NoEntity::Rejected(format!("has no id: {} is missing, empty or no single value", self.id.text())))?;
        Ok(Entity { id, document: text.to_owned() })
    }
}

pub(super) struct NdjsonReader<R> {
    input: Input<R>,
    entities: JsonEntities,
    line: Vec<u8>,
}

impl<R: Read> NdjsonReader<R> {
    pub(super) fn new(input: Input<R>, id: AttributePath, limit: usize) -> Self {
        Self { input, entities: JsonEntities { id, limit }, line: Vec::new() }
    }
}

impl<R: Read> Reader for NdjsonReader<R> {
    fn next(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            let number = self.input.position().line;
            self.line.clear();
            match self.input.read_line(&mut self.line, self.entities.limit)? {
                Line::End => return Ok(None),
                Line::TooLong => return Ok(Some(Record::too_long(number, "line", self.entities.limit))),
                Line::Complete => {}
            }
            let text = self.line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let message = match self.entities.entity(text) {
                Ok(entity) => return Ok(Some(Record::Entity(entity))),
                Err(NoEntity::Malformed(error)) => format!("the line is not JSON: {error}"),
                Err(NoEntity::Rejected(problem)) => format!("the line {problem}"),
            };
            return Ok(Some(Record::Unreadable(Unreadable { id: None, line: number, message })));
        }
    }

    fn position(&self) -> Option<Position> {
        Some(self.input.position())
    }
}
