//! From a transformation's text to its compiled form.

use super::comments::blank_comments;
use super::diagnostic::{Diagnostic, Severity, escape_pointer};
use super::{Action, Check, Entity, Mapping, Source, Transformation};
use crate::json::{Doc, Kind, Source as TextSource, Value, parse};
use crate::nearest::nearest;

const ENTITY_KEYS: [&str; 5] = ["mappings", "condition", "ignore", "skipOperations", "scimEntityEndpoint"];
const OPERATIONS: [&str; 3] = ["create", "update", "delete"];

impl Transformation {
    /// Check a transformation's text and compile it. The properties fill `%name%`. Without an error among the findings the transformation comes out, with the
    /// warnings; else all findings do.
    pub fn compile(text: &str, properties: &[(String, String)]) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let mut check = Check::new(text, properties);
        let clean = blank_comments(text.strip_prefix('\u{feff}').unwrap_or(text));
        let shift = text.len() - clean.len();
        let mut nodes = Vec::new();
        let root = match parse(&clean, 0, &mut nodes) {
            Ok((root, duplicates)) => {
                if duplicates {
                    check.note(Severity::Warning, "mapping.duplicate-key", 0, "", "an object names a key twice; the first one counts");
                }
                root
            }
            Err(error) => {
                check.note(Severity::Error, "mapping.invalid-json", error.at + shift, "", &format!("this is no JSON: {}", error.what));
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
        let Check { diagnostics, constants, names, lookups, .. } = check;
        Ok((Self { entities, constants, names, lookups, properties: properties.to_vec() }, diagnostics))
    }

    /// The entity types that are handled and not ignored, in the order of the text.
    pub fn entity_types(&self) -> Vec<String> {
        self.entities.iter().filter(|entity| !entity.ignore).map(|entity| entity.name.to_string()).collect()
    }
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
    let mut mappings = Vec::new();
    match value.member("mappings") {
        Some(list) if list.kind() == Kind::Array => {
            for (position, element) in list.elements().enumerate() {
                mappings.extend(super::mapping::mapping(check, element, &format!("{pointer}/mappings/{position}")));
            }
        }
        Some(other) => check.wrong_type(other, &format!("{pointer}/mappings"), "a list of mappings"),
        None if ignore => {}
        None => check.error("mapping.missing-key", value, &pointer, "the key `mappings` is missing"),
    }
    let condition_pointer = format!("{pointer}/condition").into();
    let entity = Entity { name: name.into(), pointer: pointer.as_str().into(), ignore, condition, condition_pointer, skip, mappings };
    if !ignore && !names_an_id(check, &entity.mappings) {
        check.warning(
            "mapping.no-id",
            value,
            &pointer,
            "no mapping names the entity's id: a read transformation writes the variable entityIdSourceSystem, a write transformation uses entityIdTargetSystem",
        );
    }
    Some(entity)
}

/// Whether a mapping writes the id of the source or has to do with that of the target.
fn names_an_id(check: &Check<'_>, mappings: &[Mapping]) -> bool {
    let number = |name: &str| check.names.find(name).and_then(|number| u32::try_from(number).ok());
    let (source_id, target_id) = (number("entityIdSourceSystem"), number("entityIdTargetSystem"));
    mappings.iter().any(|mapping| match &mapping.action {
        Action::Set(set) => {
            let read = if let Source::Variable { number, .. } = &set.source { Some(*number) } else { None };
            set.variable.is_some() && (set.variable == source_id || set.variable == target_id) || read.is_some() && read == target_id
        }
        _ => false,
    })
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
