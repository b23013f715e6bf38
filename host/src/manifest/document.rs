//! TOML text to a tree in which everything knows its place. Parsing goes on after an error, so that one run reports all of them.

use std::ops::Range;
use std::thread;

use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problems};

/// How deep tables and lists may be nested; a manifest needs five levels.
const DEPTH: usize = 32;

/// One value and the place where it stands; for a table with a header, the place of the header.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub at: Place,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// A number with a fraction, a date, an integer beyond 64 bits: nothing in a manifest is one of these. Holds what to call it.
    Foreign(&'static str),
}

/// One key of a table, in the order of the text.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: String,
    pub at: Place,
    pub node: Node,
}

impl Node {
    /// What it is, in the words of TOML.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Text(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Boolean(_) => "a boolean",
            Value::List(_) => "an array",
            Value::Table(_) => "a table",
            Value::Foreign(kind) => kind,
        }
    }
}

/// The stack for the parser. It bounds nested values and dotted keys to 80 each, and one inside the other to their product, which is more than the
/// two megabytes of an ordinary thread take.
const STACK: usize = 32 << 20;

/// The entries of the document's root and every TOML error on the way.
pub(super) fn parse(text: &str, problems: &mut Problems) -> Vec<Entry> {
    let parsed = thread::scope(|scope| {
        let parser = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || recovered(text, problems));
        parser.map(thread::ScopedJoinHandle::join)
    });
    match parsed {
        Ok(Ok(entries)) => entries,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => {
            problems.error("manifest.unreadable", Place::START, format!("there is no thread to parse the manifest: {error}"), "");
            Vec::new()
        }
    }
}

fn recovered(text: &str, problems: &mut Problems) -> Vec<Entry> {
    let places = Places::new(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(Place::START, |span| places.of(span.start));
        problems.syntax(at, places.spoilt(at.line), error.message());
    }
    table(root.into_inner(), &places, 0, problems)
}

fn table(table: DeTable<'_>, places: &Places<'_>, depth: usize, problems: &mut Problems) -> Vec<Entry> {
    let mut entries: Vec<(Range<usize>, Entry)> = Vec::with_capacity(table.len());
    for (key, value) in table {
        let span = key.span();
        let at = places.of(span.start);
        // A value that could not be read has an empty place; its key is the nearest thing to point at.
        let value_at = if value.span().is_empty() { at } else { places.of(value.span().start) };
        let node = Node { at: value_at, value: convert(value.into_inner(), value_at, places, depth + 1, problems) };
        entries.push((span, Entry { key: key.into_inner().into_owned(), at, node }));
    }
    entries.sort_by_key(|(span, _)| span.start);
    entries.into_iter().map(|(_, entry)| entry).collect()
}

fn convert(value: DeValue<'_>, at: Place, places: &Places<'_>, depth: usize, problems: &mut Problems) -> Value {
    if depth > DEPTH {
        problems.syntax(at, at.line..at.line + 1, format!("tables or arrays nested more than {DEPTH} deep"));
        return Value::Foreign("a nested value");
    }
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).map_or(Value::Foreign("an integer beyond 64 bits"), Value::Integer)
        }
        DeValue::Boolean(boolean) => Value::Boolean(boolean),
        DeValue::Float(_) => Value::Foreign("a number with a fraction"),
        DeValue::Datetime(_) => Value::Foreign("a date"),
        DeValue::Array(items) => Value::List(
            items
                .into_iter()
                .map(|item| {
                    let item_at = if item.span().is_empty() { at } else { places.of(item.span().start) };
                    Node { at: item_at, value: convert(item.into_inner(), item_at, places, depth + 1, problems) }
                })
                .collect(),
        ),
        DeValue::Table(entries) => Value::Table(table(entries, places, depth, problems)),
    }
}

/// Byte offsets to places.
struct Places<'t> {
    text: &'t str,
    /// The offset at which each line starts.
    starts: Vec<usize>,
}

impl<'t> Places<'t> {
    fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(offset, _)| offset + 1)).collect();
        Self { text, starts }
    }

    /// The lines a TOML error in this line spoils: after a header that is lost, all up to the next one.
    fn spoilt(&self, line: usize) -> Range<usize> {
        let is_header = |line: &usize| {
            self.starts.get(line - 1).is_some_and(|start| self.text[*start..].trim_start_matches([' ', '\t']).starts_with('['))
        };
        let end = if is_header(&line) { (line + 1..=self.starts.len()).find(is_header).unwrap_or(self.starts.len() + 1) } else { line + 1 };
        line..end
    }

    fn of(&self, offset: usize) -> Place {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let before = self.text.get(self.starts[line]..offset).unwrap_or_default();
        Place { line: line + 1, column: before.chars().count() + 1 }
    }
}
