//! The JSON Schema of manifests (draft 2020-12), for editors. Made from the same tables as the checker; what it accepts is checked by tests.

use serde_json::{Map, Value, json};

use super::forms::Form;
use super::keys::{self, Choice, Key, Kind, Literal, Presence, Table};
use super::quantity;
use super::reference::{self, Shape};

/// The schema as JSON text, indented, with a line break at its end. The repository holds it as `host/provisor.schema.json`.
pub fn json() -> String {
    let mut definitions = Map::new();
    let mut root = table(&keys::ROOT, &mut definitions);
    definitions.insert("properties".to_owned(), properties());
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("Provisor manifest");
    root["$defs"] = Value::Object(definitions);
    format!("{root:#}\n")
}

fn table(table: &'static Table, definitions: &mut Map<String, Value>) -> Value {
    let mut known = Map::new();
    for key in table.keys {
        known.insert(key.name.to_owned(), described(key, definitions));
    }
    let required: Vec<&str> = required(table, None).collect();
    let mut schema = json!({ "type": "object", "description": table.help, "additionalProperties": false, "properties": known });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if let Some((by, Kind::Choice { values, .. })) = table.discriminator().map(|key| (key.name, &key.kind)) {
        schema["allOf"] = values.iter().map(|choice| condition(table, by, choice.value)).collect();
    }
    if table.name == keys::SECRET.name {
        schema["minProperties"] = json!(1);
        schema["maxProperties"] = json!(1);
    }
    schema
}

/// What holds for the keys of a table where its discriminator has this value.
fn condition(table: &'static Table, by: &str, value: &'static str) -> Value {
    let mut then = Map::new();
    let required: Vec<&str> = required(table, Some(value)).collect();
    if !required.is_empty() {
        then.insert("required".to_owned(), json!(required));
    }
    let foreign: Map<String, Value> =
        table.keys.iter().filter(|key| !key.applies(Some(value))).map(|key| (key.name.to_owned(), Value::Bool(false))).collect();
    if !foreign.is_empty() {
        then.insert("properties".to_owned(), Value::Object(foreign));
    }
    json!({ "if": { "properties": { by: { "const": value } }, "required": [by] }, "then": then })
}

fn required(table: &'static Table, only: Option<&'static str>) -> impl Iterator<Item = &'static str> {
    let means_it = move |key: &&Key| if only.is_some() { key.only.is_some() && key.applies(only) } else { key.only.is_none() };
    table.keys.iter().filter(|key| matches!(key.presence, Presence::Required)).filter(means_it).map(|key| key.name)
}

fn described(key: &'static Key, definitions: &mut Map<String, Value>) -> Value {
    let mut schema = kind(key, definitions);
    schema["description"] = json!(key.help);
    if let Ok(example) = serde_json::from_str::<Value>(key.example)
        && !matches!(key.kind, Kind::Tables(_))
    {
        schema["examples"] = json!([example]);
    }
    match key.presence {
        Presence::Default(Literal::Text(text)) => schema["default"] = json!(text),
        Presence::Default(Literal::Integer(integer)) => schema["default"] = json!(integer),
        Presence::Default(Literal::Boolean(boolean)) => schema["default"] = json!(boolean),
        Presence::Required | Presence::Optional => {}
    }
    schema
}

fn kind(key: &'static Key, definitions: &mut Map<String, Value>) -> Value {
    match &key.kind {
        Kind::Text(form) => text(*form),
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Choice { values, .. } => choice(values),
        Kind::Texts { form, at_least } => {
            json!({ "type": "array", "items": text(*form), "minItems": at_least, "uniqueItems": *form != Form::Any })
        }
        Kind::Memory { .. } => json!({ "type": "string", "pattern": quantity::memory_pattern() }),
        Kind::Time { .. } => json!({ "type": "string", "pattern": quantity::duration_pattern() }),
        Kind::Secret => refer(&keys::SECRET, definitions),
        Kind::Secrets => json!({ "type": "object", "additionalProperties": refer(&keys::SECRET, definitions) }),
        Kind::Properties => {
            refer(&keys::SECRET, definitions);
            json!({ "$ref": "#/$defs/properties" })
        }
        Kind::Parameters => json!({ "type": "object", "additionalProperties": { "type": ["string", "integer", "boolean"] } }),
        Kind::Chain(table) => {
            let element = json!({ "anyOf": [text(Form::Path), refer(table, definitions)] });
            json!({ "anyOf": [
                text(Form::Path),
                refer(table, definitions),
                { "type": "array", "items": element, "minItems": 1, "maxItems": keys::LONGEST_CHAIN },
            ] })
        }
        Kind::Table(table) => refer(table, definitions),
        Kind::Tables(table) => json!({
            "type": "object",
            "propertyNames": text(Form::SystemName),
            "additionalProperties": refer(table, definitions),
        }),
    }
}

/// A reference to the table's definition, which is made if it is not there.
fn refer(table: &'static Table, definitions: &mut Map<String, Value>) -> Value {
    if !definitions.contains_key(table.name) {
        let definition = self::table(table, definitions);
        definitions.insert(table.name.to_owned(), definition);
    }
    json!({ "$ref": format!("#/$defs/{}", table.name) })
}

fn text(form: Form) -> Value {
    match form.pattern() {
        Some(pattern) => json!({ "type": "string", "pattern": pattern }),
        None => json!({ "type": "string" }),
    }
}

fn choice(values: &'static [Choice]) -> Value {
    let each: Vec<Value> = values.iter().map(|choice| json!({ "const": choice.value, "description": choice.help })).collect();
    json!({ "type": "string", "enum": values.iter().map(|choice| choice.value).collect::<Vec<_>>(), "oneOf": each })
}

/// The properties of a system: those of the reference by name, and others, which only the plugin and the transformation can judge.
fn properties() -> Value {
    let mut known = Map::new();
    for property in &reference::HOST_PROPERTIES {
        let effect = if property.effect.is_empty() { " Known, without effect in this version." } else { "" };
        known.insert(property.name.to_owned(), reference_property(property.shape, &format!("{}{effect}", property.help)));
    }
    for property in &reference::CONNECTION_PROPERTIES {
        // A plugin may describe a property of the same name with other values.
        let shape = if property.shape == Shape::Credential { Shape::Credential } else { Shape::Text };
        known.insert(property.name.to_owned(), reference_property(shape, property.help));
    }
    json!({
        "type": "object",
        "properties": known,
        "patternProperties": { format!("^{}", reference::HEADER_PREFIX.replace('.', "\\.")): reference_property(Shape::Text, "A header of every request.") },
        "additionalProperties": {
            "description": "A property of the connector, or a parameter of the transformation.",
            "anyOf": [{ "type": ["string", "integer", "boolean"] }, { "$ref": "#/$defs/secret" }],
        },
    })
}

fn reference_property(shape: Shape, help: &str) -> Value {
    let mut schema = match shape {
        Shape::Credential => json!({ "$ref": "#/$defs/secret" }),
        Shape::Text => json!({ "anyOf": [{ "type": ["string", "integer", "boolean"] }, { "$ref": "#/$defs/secret" }] }),
        Shape::Boolean => json!({ "enum": [true, false, "true", "false"] }),
        Shape::Integer(min, max) => {
            let mut integer = json!({ "type": "integer", "minimum": min });
            if max < u64::MAX {
                integer["maximum"] = json!(max);
            }
            json!({ "anyOf": [integer, { "type": "string", "pattern": "^[0-9]+$" }] })
        }
        Shape::OneOf(values) => {
            let flags = values.iter().filter_map(|value| value.parse::<bool>().ok().map(Value::Bool));
            json!({ "enum": values.iter().map(|value| json!(value)).chain(flags).collect::<Vec<_>>() })
        }
    };
    schema["description"] = json!(help);
    schema
}
