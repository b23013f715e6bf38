//! Looking for an entity that exists already, by its unique attributes.

use crate::{
    connection::Door,
    entity::EntityType,
    identifier::quoted,
    session::{Call, Error},
    table::Table,
    target::Written,
    types::Type,
    value::{parameter, write_json},
    write::{Target, call},
};
use sdk::{AttributeValue, Entity, Failure, Kind};
use serde_json::Value;

/// The most hits that are looked for and returned.
const MAX_FOUND: usize = 10;

/// The names of an answer's columns, where their values belong in a document, and their types.
type Columns = Vec<(String, Option<crate::path::Path>, Type)>;

impl<D: Door> Target<D> {
    /// Entities that have all of these values.
    pub fn find(&mut self, entity_type: EntityType, attributes: &[AttributeValue]) -> Result<Vec<Entity>, Failure> {
        let written = self.targets.of(entity_type).clone();
        let what = format!("looking for a {}", entity_type.name());
        let mut document = Value::Null;
        let mut values = Vec::with_capacity(attributes.len());
        for AttributeValue { attribute, value } in attributes {
            let value: Value =
                serde_json::from_str(value).map_err(|_| Failure::rejected(format!("{what}: the value of {attribute} is not JSON")))?;
            crate::path::Path::parse(attribute)?.set(&mut document, value.clone());
            values.push((attribute, value));
        }
        if values.is_empty() {
            return Err(Failure::rejected(format!("{what}: nothing is known to look for")));
        }
        if written.roles {
            return match &values[..] {
                [(attribute, Value::String(name))] => self.find_role(&what, name, attribute),
                _ => Err(Failure::rejected(format!("{what}: a role is found by its name alone"))),
            };
        }
        if let Some(named) = &written.find {
            let found = call(self.link.session()?, named, &what, None, None, &document)?;
            return self.entities(&what, &written, found);
        }
        let table = self.table(&written)?.ok_or_else(|| {
            Failure::new(Kind::Unsupported, format!("{what}: set sql.{0}.table or sql.{0}.find to say how", entity_type.name()))
        })?;
        let mut wanted = Vec::with_capacity(values.len());
        for (attribute, value) in values {
            wanted.push((written.column_of(attribute)?, value));
        }
        self.rows(&what, &written, &table, &wanted)
    }

    /// The entity with this id, with its members: what a simulation compares with.
    pub fn by_id(&mut self, entity_type: EntityType, id: &str) -> Result<Vec<Entity>, Failure> {
        let written = self.targets.of(entity_type).clone();
        let what = format!("reading a {}", entity_type.name());
        let Some(table) = self.table(&written)? else {
            return Err(Failure::new(Kind::Unsupported, format!("{what}: only rows of a table can be read by id")));
        };
        let mut found = self.rows(&what, &written, &table, &[(written.key.clone(), Value::from(id))])?;
        if let (Some(entity), Some(memberships)) = (found.first_mut(), self.memberships(&written)?) {
            let session = self.link.session()?;
            let listed = memberships.members(session, id).and_then(|call| session.one(call)).map_err(|error| error.failure(&what))?;
            let mut members = Vec::with_capacity(listed.rows.len());
            for row in &listed.rows {
                members.push(serde_json::json!({ "value": row.text(0)? }));
            }
            let mut document: Value = serde_json::from_str(&entity.document).unwrap_or_default();
            document["members"] = Value::Array(members);
            entity.document = document.to_string();
        }
        Ok(found)
    }

    /// The rows that have these values in these columns.
    fn rows(&mut self, what: &str, written: &Written, table: &Table, wanted: &[(String, Value)]) -> Result<Vec<Entity>, Failure> {
        table.expect(&written.key)?;
        let names: Vec<String> = if written.columns.is_empty() {
            table.columns.iter().map(|column| quoted(&column.name)).collect::<Result<_, _>>()?
        } else {
            written.columns.iter().map(|(column, _)| quoted(column)).collect::<Result<_, _>>()?
        };
        let mut conditions = Vec::with_capacity(wanted.len());
        for (number, (column, value)) in wanted.iter().enumerate() {
            let column = quoted(&table.expect(column)?.name)?;
            // Null can be looked for like any other value; an index serves only the usual comparison.
            let equals = if value.is_null() { "IS NOT DISTINCT FROM" } else { "=" };
            conditions.push(format!("{column} {equals} ${}", number + 1));
        }
        let key = written.key_column();
        let text = format!(
            "SELECT {key}, {} FROM {} WHERE {} ORDER BY {key} LIMIT {MAX_FOUND}",
            names.join(", "),
            table.name,
            conditions.join(" AND ")
        );
        let session = self.link.session()?;
        let statement = session.prepare(&text, &[]).map_err(|error| error.failure(what))?;
        let mut parameters = Vec::with_capacity(wanted.len());
        for (oid, (_, value)) in statement.parameters.iter().zip(wanted) {
            let kind = session.type_of(*oid).map_err(|error| error.failure(what))?;
            match parameter(&kind, value) {
                Ok(text) => parameters.push(text),
                // No row has a value that the column cannot take.
                Err(_) => return Ok(vec![]),
            }
        }
        self.entities(what, written, Call { statement, parameters })
    }

    /// The rows of an answer: the first column is the id, the others are the document.
    fn entities(&mut self, what: &str, written: &Written, call: Call) -> Result<Vec<Entity>, Failure> {
        let session = self.link.session()?;
        let mut columns: Columns = Vec::with_capacity(call.statement.columns.len());
        for column in &call.statement.columns {
            let path = written.columns.iter().find(|(name, _)| *name == column.name).map(|(_, path)| path.clone());
            columns.push((column.name.clone(), path, session.type_of(column.oid).map_err(|error| error.failure(what))?));
        }
        let answer = match session.one(call) {
            Ok(answer) => answer,
            Err(Error::Server(error)) if error.code.starts_with("22") => return Ok(vec![]),
            Err(error) => return Err(error.failure(what)),
        };
        let mut found = Vec::new();
        for row in answer.rows.iter().take(MAX_FOUND) {
            let id = row.text(0)?.ok_or_else(|| Failure::rejected(format!("{what}: a row has no id")))?.to_owned();
            let mut document = Value::Object(serde_json::Map::new());
            for (number, (name, path, kind)) in columns.iter().enumerate().skip(1) {
                let Some(text) = row.text(number)? else { continue };
                let mut json = String::new();
                write_json(kind, text, &mut json).map_err(|why| Failure::rejected(format!("{what}: column {name}: {why}")))?;
                let value = serde_json::from_str(&json).map_err(|error| Failure::rejected(format!("{what}: column {name}: {error}")))?;
                match path {
                    Some(path) => path.set(&mut document, value),
                    None if written.columns.is_empty() || written.find.is_some() => document[name.as_str()] = value,
                    None => {}
                }
            }
            found.push(Entity { id, document: document.to_string() });
        }
        Ok(found)
    }
}
