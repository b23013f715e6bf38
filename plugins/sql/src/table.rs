//! What the catalogue says about a table, and what of a document goes into its columns.

use crate::{
    identifier::quoted,
    session::{Call, Session},
    target::Written,
    types::Type,
    value::{parameter, write_json},
    wire::Stream,
};
use postgres_protocol::Oid;
use sdk::Failure;
use serde_json::Value;

/// A column that exists.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub oid: Oid,
    /// The type of arrays of it; 0 where there is none.
    pub array: Oid,
    pub kind: Type,
}

/// A table that exists, or a view.
#[derive(Clone, Debug)]
pub struct Table {
    /// As an SQL name.
    pub name: String,
    pub columns: Vec<Column>,
}

/// A column, its new value as a parameter, and the value itself.
#[derive(Clone, Debug)]
pub struct Assigned {
    pub column: Column,
    pub text: Option<String>,
    pub value: Value,
}

impl Table {
    /// Look a table up; `property` is the one that names it.
    pub fn look_up<S: Stream>(session: &mut Session<S>, name: &str, property: &str) -> Result<Self, Failure> {
        let what = format!("looking up the table {name} ({property})");
        let text = "SELECT a.attname::text, a.atttypid::text, t.typarray::text FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid \
            WHERE a.attrelid = pg_catalog.to_regclass($1::text) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
        let answer =
            session.prepare(text, &[25]).and_then(|statement| session.one(Call { statement, parameters: vec![Some(name.to_owned())] }));
        let answer = answer.map_err(|error| error.failure(&what))?;
        let mut columns = Vec::new();
        for row in &answer.rows {
            let oid = |column: usize| -> Result<Oid, Failure> { Ok(row.text(column)?.and_then(|text| text.parse().ok()).unwrap_or(0)) };
            let kind = session.type_of(oid(1)?).map_err(|error| error.failure(&what))?;
            columns.push(Column { name: row.text(0)?.unwrap_or_default().to_owned(), oid: oid(1)?, array: oid(2)?, kind });
        }
        if columns.is_empty() {
            return Err(Failure::invalid_settings(format!(
                "there is no table {name} that the database user can see (property {property})"
            )));
        }
        Ok(Self { name: name.to_owned(), columns })
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The same, where it has to be there.
    pub fn expect(&self, name: &str) -> Result<&Column, Failure> {
        self.column(name).ok_or_else(|| Failure::invalid_settings(format!("the table {} has no column {name:?}", self.name)))
    }

    /// What goes where. Listed columns that the document has nothing for are NULL; without a list only what the document has is assigned.
    pub fn assigned(&self, written: &Written, document: &Value) -> Result<Vec<Assigned>, Failure> {
        let Value::Object(object) = document else { return Err(Failure::rejected("the document is not an object")) };
        let mut assigned = Vec::new();
        let mut assign = |name: &str, value: Value| -> Result<(), Failure> {
            let Some(column) = self.column(name) else {
                return Err(Failure::rejected(format!(
                    "the table {} has no column {name:?}; leave the attribute out in the write transformation, or list columns in sql.{}.columns",
                    self.name,
                    written.entity_type.name()
                )));
            };
            let text = parameter(&column.kind, &value).map_err(|why| Failure::rejected(format!("column {name}: {why}")))?;
            assigned.push(Assigned { column: column.clone(), text, value });
            Ok(())
        };
        if written.columns.is_empty() {
            for (name, value) in object.iter().filter(|(name, _)| written.memberships.is_none() || *name != "members") {
                assign(name, value.clone())?;
            }
        } else {
            for (name, path) in &written.columns {
                assign(name, path.get(document).cloned().unwrap_or(Value::Null))?;
            }
        }
        Ok(assigned)
    }
}

impl Assigned {
    pub fn name(&self) -> String {
        quoted(&self.column.name).unwrap_or_default()
    }

    /// Whether the column has another value now, as far as can be told from its text. In doubt it has.
    pub fn differs(&self, now: Option<&str>) -> bool {
        match (&self.text, now) {
            (None, None) => false,
            (Some(new), Some(now)) => match self.column.kind {
                Type::Boolean => new.as_str() != if now == "t" { "true" } else { "false" },
                Type::Json | Type::Array(_) | Type::Number => {
                    let mut text = String::new();
                    let read = write_json(&self.column.kind, now, &mut text).ok().and_then(|()| serde_json::from_str::<Value>(&text).ok());
                    // A single value in an array column is a list of one.
                    let same = match (&self.column.kind, &self.value, &read) {
                        (Type::Array(_), Value::Array(_), read) | (Type::Json | Type::Number, _, read) => {
                            read.as_ref() == Some(&self.value)
                        }
                        (_, value, Some(Value::Array(list))) => std::slice::from_ref(value) == list.as_slice(),
                        _ => false,
                    };
                    new != now && !same
                }
                _ => new != now,
            },
            _ => true,
        }
    }
}
