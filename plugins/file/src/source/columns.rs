//! From a CSV header to the shape of the documents, and from a row's cells to a document's text.

use crate::attribute::{AttributePath, Segment};
use crate::properties::CsvLayout;

/// A row's cells: where each ends in the text of all of them.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Row<'a> {
    /// Nothing where a cell is not UTF-8.
    pub(super) fn new(bytes: &'a [u8], ends: &'a [usize]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        // Two cells that are broken each can be whole one after the other.
        ends.iter().all(|end| text.is_char_boundary(*end)).then_some(Self { text, ends })
    }

    pub(super) fn cell(&self, column: usize) -> &'a str {
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        &self.text[start..self.ends[column]]
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &'a str> {
        let row = *self;
        (0..row.ends.len()).map(move |column| row.cell(column))
    }
}

/// Where a column's value goes. Keys are kept as they appear in the text: quoted, escaped, with the colon.
enum Node {
    Cell(usize),
    List(usize),
    Object(Vec<(String, Node)>),
    Array(Vec<(usize, Node)>),
}

/// The columns of a file and the document they make.
pub(super) struct Columns {
    count: usize,
    root: Node,
    list_separator: String,
}

impl Columns {
    /// What is wrong with the header is said in words that continue "the header …".
    pub(super) fn new(names: &[String], layout: &CsvLayout) -> Result<Self, String> {
        if let Some(column) = names.iter().position(String::is_empty) {
            return Err(format!("has no name for column {}", column + 1));
        }
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if let Some((name, _)) = sorted.iter().zip(sorted.iter().skip(1)).find(|(name, next)| name == next) {
            return Err(format!("names the column {name} twice"));
        }
        let mut root = Node::Object(Vec::new());
        for (column, name) in names.iter().enumerate() {
            let leaf = if layout.list_columns.contains(name) { Node::List(column) } else { Node::Cell(column) };
            let segments = if layout.nested {
                let path = AttributePath::parse(name).ok_or_else(|| {
                    format!("has the column {name:?}, which is no dot notation; set file.csv.nested to false to take the names as they are")
                })?;
                path.segments().to_vec()
            } else {
                vec![Segment::Key(name.clone())]
            };
            root.insert(&segments, leaf).map_err(|()| {
                format!("has the column {name}, which stands where another column already puts a value; set file.csv.nested to false to take the names as they are")
            })?;
        }
        root.order_arrays();
        Ok(Self { count: names.len(), root, list_separator: layout.list_separator.clone() })
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Appends the row's document. An empty cell is an absent attribute; an object or array without any value is absent too.
    pub(super) fn write(&self, row: Row<'_>, document: &mut String) {
        if !self.root.write(row, &self.list_separator, document) {
            document.push_str("{}");
        }
    }
}

impl Node {
    fn insert(&mut self, path: &[Segment], leaf: Node) -> Result<(), ()> {
        let Some((first, rest)) = path.split_first() else { return Err(()) };
        let child = match (self, first) {
            (Self::Object(entries), Segment::Key(key)) => {
                let key = quoted_key(key);
                let known = entries.iter().position(|(name, _)| *name == key);
                let index = known.unwrap_or_else(|| {
                    entries.push((key, Self::container(rest)));
                    entries.len() - 1
                });
                &mut entries[index].1
            }
            (Self::Array(items), Segment::Index(wanted)) => {
                let known = items.iter().position(|(index, _)| index == wanted);
                let index = known.unwrap_or_else(|| {
                    items.push((*wanted, Self::container(rest)));
                    items.len() - 1
                });
                &mut items[index].1
            }
            _ => return Err(()),
        };
        if !rest.is_empty() {
            return child.insert(rest, leaf);
        }
        // A place just made for this leaf is an empty object; one with content, or a leaf, belongs to another column.
        match child {
            Self::Object(entries) if entries.is_empty() => {
                *child = leaf;
                Ok(())
            }
            _ => Err(()),
        }
    }

    fn container(rest: &[Segment]) -> Self {
        if matches!(rest.first(), Some(Segment::Index(_))) { Self::Array(Vec::new()) } else { Self::Object(Vec::new()) }
    }

    fn order_arrays(&mut self) {
        match self {
            Self::Cell(_) | Self::List(_) => {}
            Self::Object(entries) => entries.iter_mut().for_each(|(_, node)| node.order_arrays()),
            Self::Array(items) => {
                items.sort_by_key(|(index, _)| *index);
                for (_, node) in items {
                    node.order_arrays();
                }
            }
        }
    }

    /// False, and nothing appended, where the row has no value for it.
    fn write(&self, row: Row<'_>, list_separator: &str, text: &mut String) -> bool {
        let begin = text.len();
        match self {
            Self::Cell(column) => {
                let cell = row.cell(*column);
                if !cell.is_empty() {
                    push_json_string(text, cell);
                }
            }
            Self::List(column) => {
                let values = row.cell(*column).split(list_separator).map(str::trim).filter(|value| !value.is_empty());
                for value in values {
                    text.push(if text.len() == begin { '[' } else { ',' });
                    push_json_string(text, value);
                }
                if text.len() > begin {
                    text.push(']');
                }
            }
            Self::Object(entries) => {
                for (key, node) in entries {
                    let mark = text.len();
                    text.push(if mark == begin { '{' } else { ',' });
                    text.push_str(key);
                    if !node.write(row, list_separator, text) {
                        text.truncate(mark);
                    }
                }
                if text.len() > begin {
                    text.push('}');
                }
            }
            Self::Array(items) => {
                for (_, node) in items {
                    let mark = text.len();
                    text.push(if mark == begin { '[' } else { ',' });
                    if !node.write(row, list_separator, text) {
                        text.truncate(mark);
                    }
                }
                if text.len() > begin {
                    text.push(']');
                }
            }
        }
        text.len() > begin
    }
}

fn quoted_key(key: &str) -> String {
    let mut text = String::with_capacity(key.len() + 3);
    push_json_string(&mut text, key);
    text.push(':');
    text
}

/// Appends a JSON string (RFC 8259 section 7): only what must be escaped is.
pub(super) fn push_json_string(text: &mut String, value: &str) {
    text.push('"');
    let mut plain = 0;
    for (index, byte) in value.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        text.push_str(&value[plain..index]);
        plain = index + 1;
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                text.push_str("\\u00");
                text.push(char::from(DIGITS[usize::from(byte >> 4)]));
                text.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    text.push_str(&value[plain..]);
    text.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn layout(nested: bool) -> CsvLayout {
        CsvLayout { delimiter: b',', header: None, nested, list_columns: vec!["members".to_owned()], list_separator: "|".to_owned() }
    }

    fn document(header: &[&str], cells: &[&str], nested: bool) -> Result<String, String> {
        let names: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        let columns = Columns::new(&names, &layout(nested))?;
        let mut ends = Vec::new();
        let text = cells.iter().fold(String::new(), |text, cell| {
            let text = text + cell;
            ends.push(text.len());
            text
        });
        let mut document = String::new();
        columns.write(Row::new(text.as_bytes(), &ends).expect("UTF-8"), &mut document);
        Ok(document)
    }

    #[test]
    fn dot_notation_nests_and_empty_is_absent() {
        let header = ["id", "name.familyName", "emails[1].value", "emails[0].value", "emails[0].type", "members", "['urn:x:2.0'].a"];
        let full = document(&header, &["1", "Ø\"", "b", "a", "work", "x| y ||z", "q"], true).unwrap();
        assert_eq!(
            full,
            r#"{"id":"1","name":{"familyName":"Ø\""},"emails":[{"value":"a","type":"work"},{"value":"b"}],"members":["x","y","z"],"urn:x:2.0":{"a":"q"}}"#
        );
        assert_eq!(document(&header, &["1", "", "b", "", "", "|", ""], true).unwrap(), r#"{"id":"1","emails":[{"value":"b"}]}"#);
        assert_eq!(document(&["id"], &[""], true).unwrap(), "{}");
        assert_eq!(document(&["id", "a.b", "c[0]"], &["1", "2", "3"], false).unwrap(), r#"{"id":"1","a.b":"2","c[0]":"3"}"#);
    }

    #[test]
    fn columns_that_cannot_be_are_refused() {
        for (header, problem) in [
            (&["id", "", "x"][..], "column 2"),
            (&["id", "x", "x"], "x twice"),
            (&["id", "name", "name.familyName"], "name.familyName"),
            (&["id", "name.familyName", "name"], "column name"),
            (&["id", "a[0]", "a.b"], "a.b"),
            (&["id", "Salary [EUR]"], "file.csv.nested"),
        ] {
            let cells = vec!["1"; header.len()];
            let refused = document(header, &cells, true).unwrap_err();
            assert!(refused.contains(problem), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn every_text_becomes_a_json_string(value in any::<String>(), control in "[\\x00-\\x1f\"\\\\]{0,8}") {
            let value = value + &control;
            let mut text = String::new();
            push_json_string(&mut text, &value);
            prop_assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
        }
    }
}
