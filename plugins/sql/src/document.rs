//! Rows into documents.

use crate::{
    session::{Column, Error, Row, Session},
    source::Queried,
    types::Type,
    value::{write_json, write_text},
    wire::Stream,
};
use sdk::Failure;

/// The columns of a query, ready to make documents of its rows.
#[derive(Debug)]
pub struct Shape {
    /// `"name":` as JSON, and the type.
    columns: Vec<(String, Type)>,
    names: Vec<String>,
    pub key: usize,
    pub deleted: Option<usize>,
}

impl Shape {
    /// Look at the columns a query has; the configured ones have to be among them.
    pub fn of<S: Stream>(session: &mut Session<S>, columns: &[Column], queried: &Queried) -> Result<Self, Failure> {
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        for (number, name) in names.iter().enumerate() {
            if names[..number].contains(name) {
                return Err(Failure::invalid_settings(format!(
                    "{}: the query has two columns {name:?}; name them apart with AS",
                    queried.what()
                )));
            }
        }
        if queried.members.is_some() && names.iter().any(|name| name == "members") {
            let message = format!(
                "{}: the query has a column members, and sql.group.members.query is set too; leave one of them out",
                queried.what()
            );
            return Err(Failure::invalid_settings(message));
        }
        let place = |name: &str| {
            let found = names.iter().position(|column| column == name);
            found.ok_or_else(|| Failure::invalid_settings(format!("{}: the query has no column {name:?}", queried.what())))
        };
        let key = place(&queried.key)?;
        let deleted = queried.deleted.as_deref().map(place).transpose()?;
        if let Some(change) = &queried.change {
            place(change)?;
        }
        let shaped: Result<Vec<_>, Error> =
            columns.iter().map(|column| Ok((json_name(&column.name), session.type_of(column.oid)?))).collect();
        let columns = shaped.map_err(|error| error.failure(&queried.what()))?;
        Ok(Self { columns, names, key, deleted })
    }

    /// Whether there is a column of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|column| column == name)
    }

    /// Whether the column that marks deleted rows is a boolean.
    pub fn deleted_is_boolean(&self) -> bool {
        self.deleted.is_some_and(|column| self.columns[column].1 == Type::Boolean)
    }

    /// Whether the row is marked as deleted: `true`, or anything but NULL where the column is no boolean.
    pub fn is_deleted(&self, row: &Row) -> bool {
        self.deleted.is_some_and(|column| match (&self.columns[column].1, row.bytes(column)) {
            (_, None) => false,
            (Type::Boolean, Some(value)) => value == b"t",
            (_, Some(_)) => true,
        })
    }

    /// The document of a row without its closing brace, so that members can be added.
    pub fn open_document(&self, row: &Row) -> Result<String, String> {
        let mut out = String::from("{");
        for (number, (name, kind)) in self.columns.iter().enumerate() {
            if number > 0 {
                out.push(',');
            }
            out.push_str(name);
            match row.text(number).map_err(|failure| failure.message)? {
                Some(text) => write_json(kind, text, &mut out).map_err(|why| format!("column {}: {why}", self.names[number]))?,
                None => out.push_str("null"),
            }
        }
        Ok(out)
    }
}

fn json_name(name: &str) -> String {
    let mut out = String::new();
    write_text(name, &mut out);
    out.push(':');
    out
}
