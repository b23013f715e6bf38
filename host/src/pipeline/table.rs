//! Documents as rows of a CSV file and back: a column is a path in dot notation without `$.` in front (spec section 2.1).
//!
//! | header | what it is |
//! | --- | --- |
//! | `userName` | an attribute |
//! | `name.familyName` | an attribute of an object |
//! | `emails[0].value` | an attribute of the first element of a list |
//! | `['urn:x:2.0:User'].department` | a name with dots of its own |

use std::io::Read;

use serde_json::{Map, Value};

/// The most rows that are used.
const MOST_ROWS: usize = 10;
/// The longest list a header can ask for.
const MOST_ELEMENTS: usize = 1000;

/// Why a table cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("line 1: the header {header:?} is no path: {why}; write names like emails[0].value, without $.")]
    Header { header: String, why: &'static str },
    #[error("line {line}: {fields} fields where the header has {expected}; every line needs as many")]
    Fields { line: u64, fields: usize, expected: usize },
    #[error("{0}")]
    Csv(String),
}

impl TableError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Header { .. } => "validate.header",
            Self::Fields { .. } => "validate.fields",
            Self::Csv(_) => "validate.csv",
        }
    }
}

/// Rows that were read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// The line each row begins on, and its document. An empty cell is an attribute that is not there.
    pub rows: Vec<(u64, String)>,
    /// There were more rows, which are not used.
    pub more: bool,
}

impl Import {
    /// Read the first rows of a CSV file (RFC 4180).
    pub fn read(file: impl Read) -> Result<Self, TableError> {
        let wrong = |error: csv::Error| TableError::Csv(error.to_string());
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
        let headers = reader.headers().map_err(wrong)?.clone();
        let mut paths = Vec::with_capacity(headers.len());
        for header in &headers {
            let header = header.trim_start_matches('\u{feff}');
            let path = path(header).map_err(|why| TableError::Header { header: header.to_owned(), why })?;
            paths.push((header.to_owned(), path));
        }
        let mut import = Self::default();
        for record in reader.records() {
            if import.rows.len() == MOST_ROWS {
                import.more = true;
                break;
            }
            let record = record.map_err(wrong)?;
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() != paths.len() {
                return Err(TableError::Fields { line, fields: record.len(), expected: paths.len() });
            }
            let mut document = Value::Object(Map::new());
            for ((header, path), cell) in paths.iter().zip(&record).filter(|(_, cell)| !cell.is_empty()) {
                put(&mut document, path, cell).map_err(|why| TableError::Header { header: header.clone(), why })?;
            }
            import.rows.push((line, document.to_string()));
        }
        Ok(import)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

fn path(header: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    let mut rest = header;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("['") {
            let (name, after) = quoted.split_once("']").ok_or("a bracket is not closed")?;
            steps.push(Step::Name(name.to_owned()));
            rest = after;
        } else if let Some(index) = rest.strip_prefix('[') {
            let (index, after) = index.split_once(']').ok_or("a bracket is not closed")?;
            let index = index.parse().ok().filter(|index| *index < MOST_ELEMENTS).ok_or("in brackets there is a number below 1000")?;
            steps.push(Step::Index(index));
            rest = after;
        } else {
            let name = if steps.is_empty() { rest } else { rest.strip_prefix('.').ok_or("a dot is missing")? };
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end == 0 {
                return Err("a name is missing");
            }
            steps.push(Step::Name(name[..end].to_owned()));
            rest = &name[end..];
        }
    }
    match steps.first() {
        Some(Step::Name(name)) if name != "$" => Ok(steps),
        Some(Step::Name(_)) => Err("it begins with $"),
        Some(Step::Index(_)) => Err("it begins with a number in brackets"),
        None => Err("it is empty"),
    }
}

fn put(value: &mut Value, path: &[Step], text: &str) -> Result<(), &'static str> {
    const TWO_WAYS: &str = "another header uses the same attribute in another way";
    let Some((step, rest)) = path.split_first() else {
        return if value.is_null() {
            *value = text.into();
            Ok(())
        } else {
            Err(TWO_WAYS)
        };
    };
    match step {
        Step::Name(name) => {
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            let object = value.as_object_mut().ok_or(TWO_WAYS)?;
            put(object.entry(name.clone()).or_insert(Value::Null), rest, text)
        }
        Step::Index(index) => {
            if value.is_null() {
                *value = Value::Array(Vec::new());
            }
            let list = value.as_array_mut().ok_or(TWO_WAYS)?;
            if list.len() <= *index {
                list.resize(*index + 1, Value::Null);
            }
            put(&mut list[*index], rest, text)
        }
    }
}

/// Documents as rows: a column for every path any of them has.
#[derive(Debug, Default)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<(String, String)>>,
}

impl Table {
    /// Add a document as a row.
    pub fn push(&mut self, document: &Value) {
        let mut cells = Vec::new();
        flatten(&mut cells, "", document);
        for (column, _) in &cells {
            if !self.columns.contains(column) {
                self.columns.push(column.clone());
            }
        }
        self.rows.push(cells);
    }

    /// As a CSV file. Text stands as it is, everything else as JSON.
    pub fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let cell =
            |row: &[(String, String)], column: &str| row.iter().find(|(name, _)| name == column).map_or("", |(_, text)| text).to_owned();
        let header = std::iter::once(self.columns.clone());
        let rows = self.rows.iter().map(|row| self.columns.iter().map(|column| cell(row, column)).collect());
        for record in header.chain(rows).filter(|record: &Vec<String>| !record.is_empty()) {
            // Into memory, and every record has as many fields.
            let _ = writer.write_record(&record);
        }
        writer.into_inner().unwrap_or_default()
    }
}

fn flatten(cells: &mut Vec<(String, String)>, path: &str, value: &Value) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (name, value) in object {
                let plain = !name.is_empty() && !name.contains(['.', '[', ']', '\'']);
                let path = match (path.is_empty(), plain) {
                    (true, true) => name.clone(),
                    (false, true) => format!("{path}.{name}"),
                    (_, false) => format!("{path}['{name}']"),
                };
                flatten(cells, &path, value);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (index, value) in list.iter().enumerate() {
                flatten(cells, &format!("{path}[{index}]"), value);
            }
        }
        Value::String(text) => cells.push((path.to_owned(), text.clone())),
        other => cells.push((path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_are_paths() {
        let text = "userName,name.familyName,emails[1].value,['urn:x:2.0'].department,emails[0].value\nada,L,b,,a\n\"bob\n\",,,d,\n";
        let import = Import::read(text.as_bytes()).unwrap();
        let first = r#"{"userName":"ada","name":{"familyName":"L"},"emails":[{"value":"a"},{"value":"b"}]}"#;
        let second = r#"{"userName":"bob\n","urn:x:2.0":{"department":"d"}}"#;
        let parsed: Vec<(u64, Value)> = import.rows.iter().map(|(line, text)| (*line, serde_json::from_str(text).unwrap())).collect();
        assert_eq!(parsed, [(2, serde_json::from_str(first).unwrap()), (3, serde_json::from_str(second).unwrap())]);
    }

    #[test]
    fn what_is_wrong_names_the_line_or_the_header() {
        let error = |text: &str| Import::read(text.as_bytes()).unwrap_err();
        assert_eq!(error("a,b\n1,2\n1\n"), TableError::Fields { line: 3, fields: 1, expected: 2 });
        for header in ["$.a", "a..b", "a[x]", "a[", "[0]", "", "a[1000]", ".a"] {
            assert_eq!(error(&format!("b,\"{header}\"\n1,2\n")).code(), "validate.header", "{header}");
        }
        assert_eq!(error("a,a.b\n1,2\n").code(), "validate.header");
        assert_eq!(error("a,a\n1,2\n").code(), "validate.header");
    }

    #[test]
    fn ten_rows_are_used() {
        let text: String = std::iter::once("a\n".to_owned()).chain((0..12).map(|row| format!("{row}\n"))).collect();
        let import = Import::read(text.as_bytes()).unwrap();
        assert!(import.rows.len() == 10 && import.more);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[a-c.\\[\\]0-2',\n\"$]{0,60}") {
            let _ = Import::read(text.as_bytes());
        }

        #[test]
        fn what_is_written_is_read_back(names in prop::collection::btree_map("[a-z.:\\[ ]{1,8}", "[a-z]{1,5}", 1..5)) {
            let document: Value = names.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect::<Map<_, _>>().into();
            let mut table = Table::default();
            table.push(&document);
            let import = Import::read(table.csv().as_slice()).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&import.rows[0].1).unwrap(), document);
        }
    }
}
