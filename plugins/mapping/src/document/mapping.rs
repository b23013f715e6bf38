//! One mapping: its keys checked, its compiled form.

use super::{Action, Check, Mapping, Scope, Set, Source};
use crate::functions::Function;
use crate::json::{Kind, Slot, Value};
use crate::nearest::nearest;
use crate::path::Path;
use crate::variables::BUILT_IN;

pub(crate) const KEYS: [&str; 18] = [
    "type",
    "sourcePath",
    "sourcePaths",
    "sourceVariable",
    "variablePath",
    "constant",
    "targetPath",
    "targetVariable",
    "condition",
    "optional",
    "defaultValue",
    "preserveArrayWithSingleElement",
    "scope",
    "ignore",
    "functions",
    "valueMappings",
    "correlationAttribute",
    "hashing",
];
pub(crate) const TYPES: [&str; 4] = ["set", "remove", "rename", "valueMapping"];
pub(crate) const SCOPES: [(&str, Scope); 3] =
    [("createEntity", Scope::Create), ("deleteEntity", Scope::Delete), ("patchEntity", Scope::Patch)];
/// The ways to say where a value comes from; a mapping has one of them.
const SOURCES: [&str; 4] = ["sourcePath", "sourceVariable", "constant", "sourcePaths"];

/// What a mapping came to.
pub(super) enum Compiled {
    Mapping(Box<Mapping>),
    /// It does nothing, and why.
    Idle(&'static str),
    /// The diagnostics say what is wrong.
    Wrong,
}

/// Compile a mapping.
pub(super) fn mapping(check: &mut Check<'_>, value: Value<'_>, pointer: &str) -> Compiled {
    if value.kind() != Kind::Object {
        check.wrong_type(value, pointer, "an object with a mapping");
        return Compiled::Wrong;
    }
    match parts(check, value, pointer) {
        _ if check.flag(value, pointer, "ignore") => Compiled::Idle("the mapping is ignored"),
        Some(mapping) if has_no_effect(&mapping) => Compiled::Idle("the mapping only marks its attribute (correlationAttribute)"),
        Some(mapping) => Compiled::Mapping(Box::new(mapping)),
        None => Compiled::Wrong,
    }
}

/// It has no target: only a `correlationAttribute` may do without one.
fn has_no_effect(mapping: &Mapping) -> bool {
    matches!(&mapping.action, Action::Set(set) if set.target.is_none() && set.variable.is_none())
}

fn parts(check: &mut Check<'_>, value: Value<'_>, pointer: &str) -> Option<Mapping> {
    check.known_keys(value, pointer, &KEYS, "mapping.unknown-key");
    // Who counts identities across sources is the host; the digest of an entity is its business, too.
    check.flag(value, pointer, "correlationAttribute");
    check.flag(value, pointer, "hashing");
    let scope = scope(check, value, pointer);
    let condition = check.condition(value, pointer);
    let kind = one_of(check, value, pointer, "type", &TYPES, "mapping.unknown-type").unwrap_or("set");
    let target = check.target(value, pointer, "targetPath");
    let action = match kind {
        "remove" | "rename" => {
            // Accepted, without effect: what is not there needs not be removed.
            check.flag(value, pointer, "optional");
            if value.member("targetPath").is_none() {
                check.error("mapping.no-target", value, pointer, &format!("a mapping of type {kind} needs a `targetPath`"));
            }
            if kind == "remove" {
                let (target, text) = target?;
                Action::Remove(target, text)
            } else {
                if value.member("constant").is_none() {
                    check.error("mapping.missing-key", value, pointer, "a mapping of type rename needs the new name as `constant`");
                }
                let key = check.key(value, pointer, "constant");
                let (target, text) = target?;
                if !matches!(target.segments.last(), Some(crate::output::Segment::Key(_))) {
                    check.error(
                        "mapping.invalid-target",
                        value,
                        &format!("{pointer}/targetPath"),
                        "only a name at the end of a path can be renamed",
                    );
                    return None;
                }
                Action::Rename(target, text, key?)
            }
        }
        _ => {
            let variable = check.variable(value, pointer, "targetVariable");
            let has_target = value.member("targetPath").is_some() || value.member("targetVariable").is_some();
            if !has_target && value.member("correlationAttribute").is_none() {
                check.error("mapping.no-target", value, pointer, "a mapping needs a `targetPath` or a `targetVariable`");
            }
            let source = source(check, value, pointer, kind);
            let functions = functions(check, value, pointer);
            let optional = check.flag(value, pointer, "optional");
            let preserve = check.flag(value, pointer, "preserveArrayWithSingleElement");
            let default = value.member("defaultValue").and_then(|default| check.constant(default, &format!("{pointer}/defaultValue")));
            Action::Set(Box::new(Set { source: source?, functions: functions?, optional, default, preserve, target, variable }))
        }
    };
    Some(Mapping { pointer: pointer.into(), scope, condition, action })
}

/// A text that must be one of a few.
fn one_of<'k>(check: &mut Check<'_>, value: Value<'_>, pointer: &str, key: &str, known: &[&'k str], code: &'static str) -> Option<&'k str> {
    let (text, pointer) = check.optional_text(value, pointer, key)?;
    let found = known.iter().find(|known| **known == text).copied();
    if found.is_none() {
        let hint = nearest(&text, known.iter().copied())
            .map_or_else(|| format!("known are {}", known.join(", ")), |known| format!("did you mean {known}?"));
        check.error(code, value.member(key)?, &pointer, &format!("`{text}` means nothing here; {hint}"));
    }
    found
}

fn scope(check: &mut Check<'_>, value: Value<'_>, pointer: &str) -> Option<Scope> {
    let name = one_of(check, value, pointer, "scope", &SCOPES.map(|(name, _)| name), "mapping.unknown-scope")?;
    SCOPES.iter().find(|(known, _)| *known == name).map(|(_, scope)| *scope)
}

fn source(check: &mut Check<'_>, value: Value<'_>, pointer: &str, kind: &str) -> Option<Source> {
    let given: Vec<&str> = SOURCES.iter().filter(|key| value.member(key).is_some()).copied().collect();
    if kind == "valueMapping" {
        if given != ["sourcePaths"] {
            check.error("mapping.ambiguous-source", value, pointer, "a mapping of type valueMapping has `sourcePaths` and no other source");
            return None;
        }
        return table(check, value, pointer);
    }
    for key in ["sourcePaths", "valueMappings"] {
        if let Some(misplaced) = value.member(key) {
            check.error(
                "mapping.unknown-key",
                misplaced,
                &format!("{pointer}/{key}"),
                &format!("`{key}` belongs to mappings with \"type\": \"valueMapping\""),
            );
        }
    }
    if value.member("variablePath").is_some() && given != ["sourceVariable"] {
        check.error("mapping.ambiguous-source", value, pointer, "`variablePath` reads from a `sourceVariable`, which is not there");
    }
    match given[..] {
        ["sourcePath"] => check.path(value, pointer, "sourcePath").map(Source::Path),
        ["sourceVariable"] => {
            let number = check.variable(value, pointer, "sourceVariable");
            let path = check.path(value, pointer, "variablePath");
            if value.member("variablePath").is_some() && path.is_none() {
                return None;
            }
            let number = number?;
            Some(Source::Variable { number, built_in: BUILT_IN.contains(&check.names.name(number)), path })
        }
        ["constant"] => check.constant(value.member("constant")?, &format!("{pointer}/constant")).map(Source::Constant),
        [] => {
            // One function makes a value of nothing.
            let generates = value.member("functions").is_some_and(|functions| {
                functions.elements().next().is_some_and(|first| {
                    ["function", "type"]
                        .iter()
                        .filter_map(|key| first.member(key))
                        .any(|name| name.kind() == Kind::String && name.string() == "randomPassword")
                })
            });
            if !generates {
                check.error("mapping.no-source", value, pointer, "a mapping needs a `sourcePath`, a `sourceVariable` or a `constant`");
                return None;
            }
            Some(Source::Generated)
        }
        _ => {
            check.error("mapping.ambiguous-source", value, pointer, &format!("a mapping has one source, not {}", given.join(" and ")));
            None
        }
    }
}

/// `sourcePaths` and `valueMappings`.
fn table(check: &mut Check<'_>, value: Value<'_>, pointer: &str) -> Option<Source> {
    let mut paths: Vec<Path> = Vec::new();
    let list = value.member("sourcePaths")?;
    let paths_pointer = format!("{pointer}/sourcePaths");
    if list.kind() != Kind::Array || list.count() == 0 {
        check.wrong_type(list, &paths_pointer, "a list of paths");
        return None;
    }
    for (position, element) in list.elements().enumerate() {
        let pointer = format!("{paths_pointer}/{position}");
        if let Some(text) = check.text(element, &pointer) {
            paths.extend(check.path_text(element, &pointer, &text));
        }
    }
    let rows_pointer = format!("{pointer}/valueMappings");
    let Some(rows) = value.member("valueMappings") else {
        check.error("mapping.missing-key", value, pointer, "the key `valueMappings` is missing");
        return None;
    };
    if rows.kind() != Kind::Array {
        check.wrong_type(rows, &rows_pointer, "a list of objects with `key` and `mappedValue`");
        return None;
    }
    let mut compiled = Vec::new();
    for (position, row) in rows.elements().enumerate() {
        compiled.extend(table_row(check, row, &format!("{rows_pointer}/{position}"), list.count()));
    }
    Some(Source::Table { paths, rows: compiled })
}

fn table_row(check: &mut Check<'_>, row: Value<'_>, pointer: &str, width: usize) -> Option<(Vec<Box<str>>, Slot)> {
    if row.kind() != Kind::Object {
        check.wrong_type(row, pointer, "an object with `key` and `mappedValue`");
        return None;
    }
    check.known_keys(row, pointer, &["key", "mappedValue"], "mapping.unknown-key");
    let (Some(key), Some(mapped)) = (row.member("key"), row.member("mappedValue")) else {
        check.error("mapping.missing-key", row, pointer, "a row has a `key` and a `mappedValue`");
        return None;
    };
    let key_pointer = format!("{pointer}/key");
    if key.kind() != Kind::Array || key.count() != width {
        check.wrong_type(key, &key_pointer, &format!("a list of {width} texts, one for each source path"));
        return None;
    }
    let mut texts = Vec::with_capacity(width);
    for element in key.elements() {
        texts.push(match element.kind() {
            Kind::String => check.text(element, &key_pointer)?.into(),
            _ => element.raw().into(),
        });
    }
    let mapped = check.constant(mapped, &format!("{pointer}/mappedValue"))?;
    Some((texts, mapped))
}

/// The functions of a mapping; nothing if one of them is wrong.
fn functions(check: &mut Check<'_>, value: Value<'_>, pointer: &str) -> Option<Vec<Function>> {
    let Some(list) = value.member("functions") else { return Some(Vec::new()) };
    let pointer = format!("{pointer}/functions");
    if list.kind() != Kind::Array {
        check.wrong_type(list, &pointer, "a list of functions");
        return None;
    }
    let compiled: Vec<Option<Function>> = list
        .elements()
        .enumerate()
        .map(|(position, element)| Function::compile(check, element, &format!("{pointer}/{position}")))
        .collect();
    compiled.into_iter().collect()
}
