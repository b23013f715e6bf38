//! The document against the tables of keys: every key known, every value of its type, nothing missing. What is right is kept, typed; what is wrong
//! is a problem and left out, so that the next stage works on with the rest.

use std::fmt::Write as _;

use super::document::{Entry, Node, Value};
use super::fields::{Checked, Fields, Item, NamedSecret, Property, PropertyValue};
use super::forms::{Form, shown};
use super::keys::{self, Choice, Key, Kind, Presence, Table};
use super::problem::{Place, Problems};
use super::secret_reference::FORMS;
use super::{nearest, quantity, reference};
use crate::secret::SecretSource;

/// Check the whole document.
pub(super) fn document(entries: Vec<Entry>, problems: &mut Problems) -> Fields {
    Checker { problems }.table(&keys::ROOT, "", Place::START, entries)
}

struct Checker<'p> {
    problems: &'p mut Problems,
}

impl Checker<'_> {
    fn table(&mut self, table: &'static Table, path: &str, at: Place, entries: Vec<Entry>) -> Fields {
        let title = if path.is_empty() { "the manifest".to_owned() } else { format!("[{path}]") };
        let chosen = discriminating_value(table, &entries);
        let mut fields = Fields::empty(table, at, title.clone());
        let mut written: Vec<&str> = Vec::with_capacity(entries.len());
        // What the keys nobody knows were probably meant to be: such a key is misspelt and not missing too.
        let mut meant: Vec<&'static str> = Vec::new();
        for Entry { key: name, at, node } in entries {
            let Some(key) = table.key(&name) else {
                meant.extend(self.unknown_key(table, &title, &name, at, chosen));
                continue;
            };
            written.push(key.name);
            if let (Some(only), Some(chosen), Some(by)) = (key.only, chosen, table.discriminator)
                && !key.applies(Some(chosen))
            {
                let only = only.replace('|', "\" or \"");
                let message = format!("key \"{name}\" in {title} means nothing where {by} is \"{chosen}\"");
                self.problems.error("manifest.misplaced-key", at, message, format!("it belongs to {by} = \"{only}\""));
                continue;
            }
            let place = node.at;
            match self.value(key, &join(path, &name), node) {
                Some(value) => fields.set(key.name, place, value),
                None => fields.set_wrong(key.name),
            }
        }
        for key in &meant {
            fields.set_wrong(key);
        }
        for key in table.keys {
            let applies = key.only.is_none() || (chosen.is_some() && key.applies(chosen));
            if matches!(key.presence, Presence::Required) && applies && !written.contains(&key.name) && !meant.contains(&key.name) {
                let help = format!("add {}. {}", toml_example(key), key.help);
                self.problems.error("manifest.missing-key", at, format!("key \"{}\" is missing in {title}", key.name), help);
            }
        }
        fields
    }

    /// Answers the key that was probably meant.
    fn unknown_key(&mut self, table: &'static Table, title: &str, name: &str, at: Place, chosen: Option<&str>) -> Option<&'static str> {
        let known = table.keys.iter().filter(|key| key.applies(chosen)).map(|key| key.name);
        let (meant, help) = if table.name == keys::SYSTEM.name && reference::knows(name) {
            (None, "it belongs under properties".to_owned())
        } else {
            (nearest::nearest(name, known.clone()), nearest::suggestion_or_list(name, known))
        };
        self.problems.error("manifest.unknown-key", at, format!("unknown key \"{name}\" in {title}"), help);
        meant
    }

    /// The value if it is what the key asks for. `path` names it in messages.
    fn value(&mut self, key: &'static Key, path: &str, node: Node) -> Option<Checked> {
        let at = node.at;
        match (&key.kind, node.value) {
            (Kind::Text(form), Value::Text(text)) => self.form(*form, path, at, &text).then_some(Checked::Text(text)),
            (Kind::Integer { min, max }, Value::Integer(integer)) => {
                let fine = (*min..=*max).contains(&integer);
                self.value_problem(fine, path, at, &integer.to_string(), || format!("write an integer from {min} to {max}"))
                    .then_some(Checked::Integer(integer))
            }
            (Kind::Boolean, Value::Boolean(boolean)) => Some(Checked::Boolean(boolean)),
            (Kind::Choice { values, reserved }, Value::Text(text)) => {
                self.choice(values, reserved, path, at, &text).then_some(Checked::Text(text))
            }
            (Kind::Texts { form, at_least }, Value::List(items)) => self.texts(*form, *at_least, path, at, items),
            (Kind::Memory { min, max }, Value::Text(text)) => {
                let bytes = quantity::memory(&text).filter(|bytes| (*min..=*max).contains(bytes));
                let right = || format!("write an amount from {} MiB to {} MiB, such as {}", min >> 20, max >> 20, key.example);
                self.value_problem(bytes.is_some(), path, at, &shown(&text), right);
                bytes.map(Checked::Memory)
            }
            (Kind::Time { min, max }, Value::Text(text)) => {
                let time = quantity::duration(&text).filter(|time| (*min..=*max).contains(time));
                let right = || format!("write a time from {} s to {} min, such as {}", min.as_secs(), max.as_secs() / 60, key.example);
                self.value_problem(time.is_some(), path, at, &shown(&text), right);
                time.map(Checked::Time)
            }
            (Kind::Secret, value) => self.secret(path, Node { at, value }).map(Checked::Secret),
            (Kind::Secrets, Value::Table(entries)) => Some(Checked::Secrets(
                entries
                    .into_iter()
                    .filter_map(|Entry { key: name, at, node }| {
                        let source = self.secret(&join(path, &name), node)?;
                        Some(NamedSecret { name, at, source })
                    })
                    .collect(),
            )),
            (Kind::Properties, Value::Table(entries)) => {
                Some(Checked::Properties(entries.into_iter().filter_map(|entry| self.property(path, entry)).collect()))
            }
            (Kind::Parameters, Value::Table(entries)) => {
                Some(Checked::Properties(entries.into_iter().filter_map(|entry| self.parameter(path, entry)).collect()))
            }
            (Kind::Chain(table), value) => self.chain(table, path, Node { at, value }).map(Checked::Chain),
            (Kind::Table(table), Value::Table(entries)) => Some(Checked::Table(self.table(table, path, at, entries))),
            (Kind::Tables(table), Value::Table(entries)) => Some(self.tables(table, path, entries)),
            (_, value) => {
                self.wrong_type(path, &Node { at, value }, &expectation(key));
                None
            }
        }
    }

    fn tables(&mut self, table: &'static Table, path: &str, entries: Vec<Entry>) -> Checked {
        let mut tables = Vec::with_capacity(entries.len());
        for Entry { key: name, at, node } in entries {
            if let Err(help) = Form::SystemName.check(&name) {
                self.problems.error("manifest.wrong-name", at, format!("{} cannot be the name of a {}", shown(&name), table.name), help);
            }
            let path = join(path, &name);
            let place = node.at;
            match node.value {
                Value::Table(entries) => {
                    let fields = self.table(table, &path, place, entries);
                    tables.push((name, fields));
                }
                value => self.wrong_type(&path, &Node { at: place, value }, "a table"),
            }
        }
        Checked::Tables(tables)
    }

    fn chain(&mut self, table: &'static Table, path: &str, node: Node) -> Option<Vec<Fields>> {
        let at = node.at;
        let nodes = match node.value {
            Value::List(nodes) => nodes,
            value => vec![Node { at, value }],
        };
        if nodes.is_empty() || nodes.len() > keys::LONGEST_CHAIN {
            let message = format!("{path} has {} elements", nodes.len());
            let help = format!("name one to {}, or leave the key out to use the connector's default", keys::LONGEST_CHAIN);
            self.problems.error("manifest.wrong-value", at, message, help);
            return None;
        }
        Some(nodes.into_iter().map(|node| self.element(table, path, node)).collect())
    }

    fn element(&mut self, table: &'static Table, path: &str, node: Node) -> Fields {
        let at = node.at;
        let mut fields = Fields::empty(table, at, format!("[{path}]"));
        match node.value {
            Value::Table(entries) => return self.table(table, path, at, entries),
            Value::Text(text) if self.form(Form::Path, path, at, &text) => fields.set("file", at, Checked::Text(text)),
            Value::Text(_) => fields.set_wrong("file"),
            value => {
                self.wrong_type(path, &Node { at, value }, "a file, a table with a plugin, or an array of these");
                fields.set_wrong("file");
            }
        }
        fields
    }

    /// A property of a transformation, which never holds a secret.
    fn parameter(&mut self, path: &str, Entry { key: name, at, node }: Entry) -> Option<Property> {
        if matches!(node.value, Value::Table(_)) {
            self.wrong_type(&join(path, &name), &node, "a string, an integer or a boolean; a transformation is given no secrets");
            return None;
        }
        self.property(path, Entry { key: name, at, node })
    }

    fn texts(&mut self, form: Form, at_least: usize, path: &str, at: Place, items: Vec<Node>) -> Option<Checked> {
        if items.len() < at_least {
            self.problems.error("manifest.wrong-value", at, format!("{path} is empty"), format!("name at least {at_least}"));
            return None;
        }
        let mut texts: Vec<Item> = Vec::with_capacity(items.len());
        for node in items {
            let at = node.at;
            match node.value {
                Value::Text(text) if texts.iter().any(|item| item.text == text) && form != Form::Any => {
                    self.problems.error("manifest.wrong-value", at, format!("\"{text}\" stands twice in {path}"), "leave one out");
                }
                Value::Text(text) => {
                    if self.form(form, path, at, &text) {
                        texts.push(Item { at, text });
                    }
                }
                value => {
                    let message = format!("{path} holds {}, not only strings", Node { at, value }.kind());
                    self.problems.error("manifest.wrong-type", at, message, "");
                }
            }
        }
        Some(Checked::Texts(texts))
    }

    fn choice(&mut self, values: &[Choice], reserved: &[Choice], path: &str, at: Place, text: &str) -> bool {
        if let Some(reserved) = reserved.iter().find(|choice| choice.value == text) {
            let right = format!("write one of {}", nearest::list(values.iter().map(|choice| choice.value)));
            self.problems.error("manifest.not-in-this-version", at, format!("{path} = \"{text}\": {}", reserved.help), right);
            return false;
        }
        let fine = values.iter().any(|choice| choice.value == text);
        self.value_problem(fine, path, at, &shown(text), || {
            let names: Vec<&str> = values.iter().map(|choice| choice.value).collect();
            nearest::suggestion_or_list(text, names)
        })
    }

    /// A reference to a secret. What stands in its place is never repeated: it may be the secret.
    fn secret(&mut self, path: &str, node: Node) -> Option<SecretSource> {
        let at = node.at;
        let entries = match node.value {
            Value::Table(entries) => entries,
            Value::Text(_) => {
                let message = format!("{path} is a secret and must not stand in the manifest");
                self.problems.error("manifest.plain-secret", at, message, FORMS);
                return None;
            }
            value => {
                self.wrong_type(path, &Node { at, value }, "a reference to a secret");
                return None;
            }
        };
        let count = entries.len();
        let before = self.problems.count();
        let fields = self.table(&keys::SECRET, path, at, entries);
        let words: Vec<String> = fields.texts("command").iter().map(|item| item.text.clone()).collect();
        match (fields.text("env"), fields.text("file"), words.as_slice()) {
            (Some(name), None, []) if count == 1 => Some(SecretSource::Environment(name.to_owned())),
            (None, Some(file), []) if count == 1 => Some(SecretSource::File(file.into())),
            (None, None, [program, ..]) if count == 1 && !program.is_empty() => Some(SecretSource::Command(words)),
            _ => {
                if self.problems.count() == before {
                    let message = format!("{path} must say one place where the secret comes from");
                    self.problems.error("manifest.wrong-value", at, message, FORMS);
                }
                None
            }
        }
    }

    fn property(&mut self, path: &str, Entry { key: name, at, node }: Entry) -> Option<Property> {
        let place = node.at;
        let value = match node.value {
            Value::Text(text) => PropertyValue::Text(text),
            Value::Integer(integer) => PropertyValue::Integer(integer),
            Value::Boolean(boolean) => PropertyValue::Boolean(boolean),
            Value::Table(entries) => {
                // `file.user.path = "x"` without quotes is a table in a table for TOML, and so is a reference to a secret.
                if let Some(dotted) = unquoted(&name, &entries) {
                    let help = format!("write \"{dotted}\" with quotes");
                    self.problems.error("manifest.unquoted-property", at, format!("{dotted} stands without quotes in [{path}]"), help);
                    return None;
                }
                PropertyValue::Secret(self.secret(&join(path, &name), Node { at: place, value: Value::Table(entries) })?)
            }
            value => {
                let expected = "a string, an integer, a boolean or a reference to a secret";
                self.wrong_type(&join(path, &name), &Node { at: place, value }, expected);
                return None;
            }
        };
        Some(Property { name, at, value })
    }

    fn form(&mut self, form: Form, path: &str, at: Place, text: &str) -> bool {
        match form.check(text) {
            Ok(()) => true,
            // Who mistakes the place for that of the token has written the token.
            Err(right) if form == Form::Sha256 => {
                self.problems.error("manifest.wrong-value", at, format!("{path} is not a SHA-256 digest"), right);
                false
            }
            // Where a reference to a secret is wrong, the text may be the secret.
            Err(right) if form == Form::EnvironmentName => {
                self.problems.error("manifest.wrong-value", at, format!("{path} is not the name of an environment variable"), right);
                false
            }
            Err(right) => self.value_problem(false, path, at, &shown(text), || right),
        }
    }

    fn value_problem(&mut self, fine: bool, path: &str, at: Place, shown: &str, right: impl FnOnce() -> String) -> bool {
        if !fine {
            self.problems.error("manifest.wrong-value", at, format!("{path} = {shown} is not right"), right());
        }
        fine
    }

    fn wrong_type(&mut self, path: &str, node: &Node, expected: &str) {
        let message = format!("{path} is {}, not {expected}", node.kind());
        let help = match (&node.value, expected) {
            (Value::Text(text), "a boolean") if ["true", "false"].contains(&text.as_str()) => "write it without quotes".to_owned(),
            (Value::Text(text), "an integer") if text.parse::<i64>().is_ok() => "write it without quotes".to_owned(),
            (_, "a reference to a secret") => FORMS.to_owned(),
            _ => String::new(),
        };
        self.problems.error("manifest.wrong-type", node.at, message, help);
    }
}

fn discriminating_value(table: &'static Table, entries: &[Entry]) -> Option<&'static str> {
    let key = table.discriminator()?;
    let Kind::Choice { values, .. } = &key.kind else { return None };
    entries.iter().find(|entry| entry.key == key.name).and_then(|entry| match &entry.node.value {
        Value::Text(text) => values.iter().map(|choice| choice.value).find(|value| value == text),
        _ => None,
    })
}

fn expectation(key: &Key) -> String {
    match &key.kind {
        Kind::Text(_) | Kind::Choice { .. } => "a string".to_owned(),
        Kind::Integer { .. } => "an integer".to_owned(),
        Kind::Boolean => "a boolean".to_owned(),
        Kind::Texts { .. } => "an array of strings".to_owned(),
        Kind::Memory { .. } | Kind::Time { .. } => format!("a string such as {}", key.example),
        Kind::Secret => "a reference to a secret".to_owned(),
        Kind::Chain(_) => "a file, a table with a plugin, or an array of these".to_owned(),
        Kind::Secrets | Kind::Properties | Kind::Parameters | Kind::Table(_) | Kind::Tables(_) => "a table".to_owned(),
    }
}

/// The dotted name of a property written without quotes; nothing for what can be meant as a reference to a secret.
fn unquoted(name: &str, entries: &[Entry]) -> Option<String> {
    let [Entry { key, node, .. }, ..] = entries else { return None };
    let inner = join(name, key);
    match &node.value {
        Value::Table(entries) => Some(unquoted(&inner, entries).unwrap_or(inner)),
        _ if entries.len() == 1 && nearest::suggestion(key, keys::SECRET.keys.iter().map(|key| key.name)).is_none() => Some(inner),
        _ => None,
    }
}

/// `systems.hr` and `page-size` to `systems.hr.page-size`; a name that TOML wants quoted is quoted.
fn join(path: &str, name: &str) -> String {
    let mut joined = path.to_owned();
    if !path.is_empty() {
        joined.push('.');
    }
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if bare {
        joined.push_str(name);
    } else {
        // Writing to a string cannot fail.
        let _ = write!(joined, "{name:?}");
    }
    joined
}

/// The key with its example, as TOML.
fn toml_example(key: &Key) -> String {
    match key.kind {
        Kind::Tables(_) => format!("[{}.{}]", key.name, key.example.trim_matches('"')),
        _ => format!("{} = {}", key.name, key.example.replace("\": ", "\" = ")),
    }
}
