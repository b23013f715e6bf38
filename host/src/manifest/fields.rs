//! Tables of the manifest after the check against the tables of keys: typed values with their places, and the defaults of everything nobody wrote.

use std::time::Duration;

use super::keys::{Literal, Presence, Table};
use super::problem::Place;
use super::quantity;
use crate::secret::SecretSource;

/// A checked table. A getter answers the key's default where nothing (or nothing right) was written.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    table: &'static Table,
    /// The table's header.
    pub at: Place,
    /// How messages name the table: `[systems.hr]`.
    pub title: String,
    written: Vec<Field>,
    /// Keys that were written and are not right.
    wrong: Vec<&'static str>,
}

#[derive(Clone, Debug)]
struct Field {
    key: &'static str,
    at: Place,
    value: Checked,
}

/// A value that is what its key asks for.
#[derive(Clone, Debug)]
pub(super) enum Checked {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Texts(Vec<Item>),
    /// Bytes.
    Memory(u64),
    Time(Duration),
    Secret(SecretSource),
    Secrets(Vec<NamedSecret>),
    Properties(Vec<Property>),
    Table(Fields),
    /// Each with the keys of an element; one written as a file has that key alone.
    Chain(Vec<Fields>),
    Tables(Vec<(String, Fields)>),
}

/// One text of a list.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub at: Place,
    pub text: String,
}

#[derive(Clone, Debug)]
pub(super) struct NamedSecret {
    pub name: String,
    pub at: Place,
    pub source: SecretSource,
}

/// A property as it was written.
#[derive(Clone, Debug)]
pub(super) struct Property {
    pub name: String,
    /// The place of the name.
    pub at: Place,
    pub value: PropertyValue,
}

#[derive(Clone, Debug)]
pub(super) enum PropertyValue {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Secret(SecretSource),
}

impl PropertyValue {
    /// The value as text; nothing for a reference to a secret.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Integer(integer) => Some(integer.to_string()),
            Self::Boolean(boolean) => Some(boolean.to_string()),
            Self::Secret(_) => None,
        }
    }
}

impl Fields {
    /// A table nobody wrote: every key has its default.
    pub(super) fn absent(table: &'static Table, at: Place) -> Self {
        Self::empty(table, at, String::new())
    }

    pub(super) fn empty(table: &'static Table, at: Place, title: String) -> Self {
        Self { table, at, title, written: Vec::new(), wrong: Vec::new() }
    }

    pub(super) fn set(&mut self, key: &'static str, at: Place, value: Checked) {
        self.written.push(Field { key, at, value });
    }

    /// The same table without the properties of these names.
    pub(super) fn without_properties(&self, fits: impl Fn(&str) -> bool) -> Self {
        let mut fields = self.clone();
        for field in &mut fields.written {
            if let Checked::Properties(properties) = &mut field.value {
                properties.retain(|property| !fits(&property.name));
            }
        }
        fields
    }

    /// The key was written and its value is not right.
    pub(super) fn set_wrong(&mut self, key: &'static str) {
        self.wrong.push(key);
    }

    /// Whether the key was written and there is a problem about its value.
    pub(super) fn is_wrong(&self, key: &str) -> bool {
        self.wrong.contains(&key)
    }

    /// Whether the key was written, and is right.
    pub(super) fn is_written(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn get(&self, key: &str) -> Option<&Checked> {
        self.written.iter().find(|field| field.key == key).map(|field| &field.value)
    }

    fn default(&self, key: &str) -> Option<Literal> {
        match self.table.key(key)?.presence {
            Presence::Default(literal) => Some(literal),
            Presence::Required | Presence::Optional => None,
        }
    }

    /// The place of the key's value, else of the table.
    pub(super) fn place(&self, key: &str) -> Place {
        self.written.iter().find(|field| field.key == key).map_or(self.at, |field| field.at)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match (self.get(key), self.default(key)) {
            (Some(Checked::Text(text)), _) => Some(text),
            (_, Some(Literal::Text(text))) => Some(text),
            _ => None,
        }
    }

    /// Zero for a key without a default. The key's bounds have to fit the type.
    pub(super) fn integer<T: TryFrom<i64> + Default>(&self, key: &str) -> T {
        let integer = match (self.get(key), self.default(key)) {
            (Some(Checked::Integer(integer)), _) => *integer,
            (_, Some(Literal::Integer(integer))) => integer,
            _ => 0,
        };
        T::try_from(integer).unwrap_or_default()
    }

    /// `false` for a key without a default.
    pub(super) fn boolean(&self, key: &str) -> bool {
        match (self.get(key), self.default(key)) {
            (Some(Checked::Boolean(boolean)), _) => *boolean,
            (_, default) => default == Some(Literal::Boolean(true)),
        }
    }

    /// Bytes; zero for a key without a default.
    pub(super) fn memory(&self, key: &str) -> u64 {
        match self.get(key) {
            Some(Checked::Memory(bytes)) => *bytes,
            _ => self.text(key).and_then(quantity::memory).unwrap_or_default(),
        }
    }

    /// Zero for a key without a default.
    pub(super) fn time(&self, key: &str) -> Duration {
        match self.get(key) {
            Some(Checked::Time(time)) => *time,
            _ => self.text(key).and_then(quantity::duration).unwrap_or_default(),
        }
    }

    pub(super) fn texts(&self, key: &str) -> &[Item] {
        match self.get(key) {
            Some(Checked::Texts(items)) => items,
            _ => &[],
        }
    }

    pub(super) fn secret(&self, key: &str) -> Option<&SecretSource> {
        match self.get(key) {
            Some(Checked::Secret(source)) => Some(source),
            _ => None,
        }
    }

    pub(super) fn secrets(&self, key: &str) -> &[NamedSecret] {
        match self.get(key) {
            Some(Checked::Secrets(secrets)) => secrets,
            _ => &[],
        }
    }

    pub(super) fn properties(&self, key: &str) -> &[Property] {
        match self.get(key) {
            Some(Checked::Properties(properties)) => properties,
            _ => &[],
        }
    }

    pub(super) fn table(&self, key: &str) -> Option<&Fields> {
        match self.get(key) {
            Some(Checked::Table(fields)) => Some(fields),
            _ => None,
        }
    }

    pub(super) fn chain(&self, key: &str) -> &[Fields] {
        match self.get(key) {
            Some(Checked::Chain(elements)) => elements,
            _ => &[],
        }
    }

    pub(super) fn tables(&self, key: &str) -> &[(String, Fields)] {
        match self.get(key) {
            Some(Checked::Tables(tables)) => tables,
            _ => &[],
        }
    }
}
