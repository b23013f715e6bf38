//! From a transformation's text to its compiled form.

use std::collections::HashMap;

use super::comments::blank_comments;
use super::diagnostic::{Diagnostic, Severity, escape_pointer, place as place_of};
use super::doubts::doubts;
use super::mapping::{Compiled, mapping};
use super::{Check, Entity, Idle, Transformation};
use crate::functions::DateFormat;
use crate::json::{Doc, Kind, Node, Source as TextSource, Value, parse};
use crate::nearest::nearest;

pub(crate) const ENTITY_KEYS: [&str; 5] = ["mappings", "condition", "ignore", "skipOperations", "scimEntityEndpoint"];
pub(crate) const OPERATIONS: [&str; 3] = ["create", "update", "delete"];

impl Transformation {
    /// Check a transformation's text and compile it. The properties fill `%name%`. Without an error among the findings the transformation comes out, with the
    /// warnings; else all findings do.
    pub fn compile(text: &str, properties: &[(String, String)]) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut check = Check::new(text, properties);
        let mut clean = blank_comments(text);
        let mut nodes = Vec::new();
        let mut parsed = parse(&clean, 0, &mut nodes);
        if let Ok((root, true)) = parsed {
            clean = without_repeated_keys(&mut check, &clean, &nodes, root);
            nodes.clear();
            parsed = parse(&clean, 0, &mut nodes);
        }
        let root = match parsed {
            Ok((root, _)) => root,
            Err(error) => {
                check.note(Severity::Error, "mapping.invalid-json", error.at, "", &format!("this is no JSON: {}", error.what));
                return Err(check.diagnostics);
            }
        };
        let doc = Doc { source: TextSource::Input, text: &clean, nodes: &nodes };
        let root = Value { doc: &doc, at: root };
        let mut entities = Vec::new();
        if root.kind() == Kind::Object {
            for (key, value) in root.members() {
                entities.extend(entity(&mut check, &key.string(), value));
            }
            if root.count() == 0 {
                check.warning("mapping.no-entities", root, "", "the transformation names no entity type, so nothing is transformed");
            }
        } else {
            check.wrong_type(root, "", "an object with a key for each entity type");
        }
        if check.diagnostics.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(check.diagnostics);
        }
        for entity in &entities {
            doubts(&mut check, root, entity);
        }
        let Check { diagnostics, constants, names, lookups, .. } = check;
        let date_format = properties.iter().find(|(name, _)| name == "ips.date.variable.format");
        let date_format = date_format.and_then(|(_, text)| DateFormat::compile(text).ok());
        Ok((Self { entities, constants, names, lookups, properties: properties.to_vec(), date_format }, diagnostics))
    }

    /// The entity types that are handled and not ignored, in the order of the text.
    pub fn entity_types(&self) -> Vec<String> {
        self.entities.iter().filter(|entity| !entity.ignore).map(|entity| entity.name.to_string()).collect()
    }
}

/// Of two equal keys in one object the last counts, as it does in Java: the text with blanks in the place of the others, each named in a warning.
fn without_repeated_keys(check: &mut Check<'_>, text: &str, nodes: &[Node], root: u32) -> String {
    let doc = Doc { source: TextSource::Input, text, nodes };
    let mut blanks: Vec<(usize, usize)> = Vec::new();
    let mut open = vec![(Value { doc: &doc, at: root }, String::new())];
    while let Some((value, pointer)) = open.pop() {
        if value.kind() == Kind::Array {
            open.extend(value.elements().enumerate().map(|(position, element)| (element, format!("{pointer}/{position}"))));
        }
        let members: Vec<(Value<'_>, Value<'_>)> = if value.kind() == Kind::Object { value.members().collect() } else { Vec::new() };
        let mut places: HashMap<_, usize> = HashMap::new();
        for (place, (key, member)) in members.iter().enumerate() {
            let name = key.string();
            let pointer = format!("{pointer}/{}", escape_pointer(&name));
            if let Some(before) = places.insert(name.clone(), place) {
                // A comma and another key follow, or it would not be the earlier one.
                let (from, to) = (members[before].0.node().start as usize, members[before + 1].0.node().start as usize);
                blanks.push((from, to));
                let (line, column) = place_of(text, from);
                let message = format!("`{name}` stands here again (before: line {line}, column {column}); the last one counts");
                check.warning("mapping.duplicate-key", *key, &pointer, &message);
            }
            open.push((*member, pointer));
        }
    }
    // Whole members, so no character is cut in two; one blank per byte, so that every place stays.
    let mut bytes = text.as_bytes().to_vec();
    for (from, to) in blanks {
        bytes[from..to].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    }
    String::from_utf8(bytes).unwrap_or_default()
}

fn entity(check: &mut Check<'_>, name: &str, value: Value<'_>) -> Option<Entity> {
    let pointer = format!("/{}", escape_pointer(name));
    if value.kind() != Kind::Object {
        check.wrong_type(value, &pointer, "an object with `mappings`");
        return None;
    }
    check.known_keys(value, &pointer, &ENTITY_KEYS, "mapping.unknown-key");
    let ignore = check.flag(value, &pointer, "ignore");
    let condition = check.condition(value, &pointer);
    let skip = skip_operations(check, value, &pointer);
    check.optional_text(value, &pointer, "scimEntityEndpoint");
    let (mut mappings, mut idle) = (Vec::new(), Vec::new());
    match value.member("mappings") {
        Some(list) if list.kind() == Kind::Array => {
            for (position, element) in list.elements().enumerate() {
                let pointer = format!("{pointer}/mappings/{position}");
                match mapping(check, element, &pointer) {
                    Compiled::Mapping(mapping) => mappings.push(*mapping),
                    Compiled::Idle(why) => idle.push(Idle { before: mappings.len(), pointer: pointer.into(), why }),
                    Compiled::Wrong => {}
                }
            }
        }
        Some(other) => check.wrong_type(other, &format!("{pointer}/mappings"), "a list of mappings"),
        None if ignore => {}
        None => check.error("mapping.missing-key", value, &pointer, "the key `mappings` is missing"),
    }
    let condition_pointer = format!("{pointer}/condition").into();
    Some(Entity { name: name.into(), pointer: pointer.as_str().into(), ignore, condition, condition_pointer, skip, mappings, idle })
}

fn skip_operations(check: &mut Check<'_>, entity: Value<'_>, pointer: &str) -> [bool; 3] {
    let mut skip = [false; 3];
    let Some(list) = entity.member("skipOperations") else { return skip };
    let pointer = format!("{pointer}/skipOperations");
    if list.kind() != Kind::Array {
        check.wrong_type(list, &pointer, "a list out of \"create\", \"update\" and \"delete\"");
        return skip;
    }
    for (position, element) in list.elements().enumerate() {
        let pointer = format!("{pointer}/{position}");
        let Some(name) = check.text(element, &pointer) else { continue };
        if let Some(operation) = OPERATIONS.iter().position(|known| *known == name) {
            skip[operation] = true;
        } else {
            let hint = nearest(&name, OPERATIONS).map(|known| format!("; did you mean {known}?")).unwrap_or_default();
            let message = format!("`{name}` is none of create, update and delete{hint}");
            check.error("mapping.unknown-operation", element, &pointer, &message);
        }
    }
    skip
}
