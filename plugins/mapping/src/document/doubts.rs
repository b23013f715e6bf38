//! What is allowed and yet looks like a mistake. Each of these warnings is one an administrator would agree with: where a published transformation does something
//! on purpose (a default that a mapping of another scope or condition overrides, a copy that is cut down afterwards) nothing is said.

use super::diagnostic::Severity;
use super::overwritten::{overwritten, removed};
use super::{Action, Check, Condition, Entity, Form, Mapping, Scope, Source, substitute};
use crate::json::{Kind, Value};
use crate::nearest::nearest;
use crate::path::{Path, Token};
use crate::variables::{BUILT_IN, HOST_TAKES, Names, Template};

/// Everything doubtful about an entity, which is free of errors.
pub(super) fn doubts(check: &mut Check<'_>, root: Value<'_>, entity: &Entity) {
    if entity.ignore {
        return;
    }
    if !names_an_id(check, &entity.mappings) {
        warn(
            check,
            root,
            "mapping.no-id",
            &entity.pointer,
            "no mapping names the entity's id: a read transformation must write the variable entityIdSourceSystem (a write transformation may do without)",
        );
    }
    let reads: Vec<Vec<Read>> = entity.mappings.iter().map(|mapping| mapping_reads(check, root, mapping)).collect();
    conditions(check, root, entity);
    functions(check, root, entity);
    variables(check, root, entity, &reads);
    unguarded(check, root, entity);
    overwritten(check, root, &entity.mappings, &reads);
    removed(check, root, &entity.mappings);
}

/// A warning at the place a JSON pointer leads to.
pub(super) fn warn(check: &mut Check<'_>, root: Value<'_>, code: &'static str, pointer: &str, message: &str) {
    let at = at(root, pointer).map_or(0, |value| value.node().start as usize);
    check.note(Severity::Warning, code, at, pointer, message);
}

fn at<'d>(root: Value<'d>, pointer: &str) -> Option<Value<'d>> {
    pointer.split('/').skip(1).try_fold(root, |value, step| match value.kind() {
        Kind::Array => value.elements().nth(step.parse().ok()?),
        _ => value.member(&step.replace("~1", "/").replace("~0", "~")),
    })
}

/// Whether a mapping writes the id of the source or has to do with that of the target.
fn names_an_id(check: &Check<'_>, mappings: &[Mapping]) -> bool {
    mappings.iter().any(|mapping| match &mapping.action {
        Action::Set(set) => {
            let read = if let Source::Variable { number, .. } = &set.source { Some(*number) } else { None };
            let name = |number: Option<u32>| number.map_or("", |number| check.names.name(number));
            matches!(name(set.variable), "entityIdSourceSystem" | "entityIdTargetSystem") || name(read) == "entityIdTargetSystem"
        }
        _ => false,
    })
}

/// Conditions that are the same for every entity. One that a property decides is a switch and no mistake.
fn conditions(check: &mut Check<'_>, root: Value<'_>, entity: &Entity) {
    let mut all: Vec<(&Condition, String)> =
        entity.condition.iter().map(|condition| (condition, entity.condition_pointer.to_string())).collect();
    for mapping in &entity.mappings {
        all.extend(mapping.condition.iter().map(|condition| (condition, format!("{}/condition", mapping.pointer))));
        if let Action::Set(set) = &mapping.action {
            let functions = set.functions.iter().filter_map(|function| Some((function.condition.as_ref()?, &function.pointer)));
            all.extend(functions.map(|(condition, pointer)| (condition, format!("{pointer}/condition"))));
        }
    }
    for (condition, pointer) in all {
        let Form::Fixed(filter) = &condition.form else { continue };
        let a_property_decides = at(root, &pointer).is_some_and(|text| text.raw().contains('%'));
        if let (false, Some(answer)) = (a_property_decides, filter.always(&check.constants.doc())) {
            let message = format!("the condition `{}` is {answer} for every entity", condition.text);
            warn(check, root, "mapping.constant-condition", &pointer, &message);
        }
    }
}

/// Functions that give back what they are given.
fn functions(check: &mut Check<'_>, root: Value<'_>, entity: &Entity) {
    for mapping in &entity.mappings {
        let Action::Set(set) = &mapping.action else { continue };
        // With a place of its own for the result every function copies at least.
        for function in set.functions.iter().filter(|function| function.assign_to.is_none()) {
            let Some(value) = at(root, &function.pointer) else { continue };
            let text = |key: &str| value.member(key).map(Value::raw);
            let empty = |key: &str| text(key).is_none_or(|text| matches!(text, "\"\"" | "null"));
            let why = match function.name {
                "concatString" if empty("prefix") && empty("suffix") => "it has neither a `prefix` nor a `suffix`",
                "copyMapEntry" | "renameMapEntry" if text("sourceKey") == text("targetKey") => "`sourceKey` and `targetKey` are the same",
                "replaceString" if empty("target") => "its `target` is empty",
                "replaceString" if text("target") == text("replacement") => "`target` and `replacement` are the same",
                "substring" if text("beginIndex").map(|text| text.trim_matches('"')) == Some("0") && empty("endIndex") => {
                    "it takes everything from the first character on"
                }
                _ => continue,
            };
            warn(check, root, "mapping.no-effect", &function.pointer, &format!("{} changes nothing: {why}", function.name));
        }
    }
}

/// A variable that is read, and where.
pub(super) struct Read {
    pub name: String,
    pointer: String,
}

/// The variables a mapping reads, from its text: whatever names one counts.
fn mapping_reads(check: &Check<'_>, root: Value<'_>, mapping: &Mapping) -> Vec<Read> {
    let mut reads = Vec::new();
    let Some(value) = at(root, &mapping.pointer) else { return reads };
    if let Some(variable) = value.member("sourceVariable") {
        let name = substitute(&variable.string(), check.properties, |_| {});
        reads.push(Read { name, pointer: format!("{}/sourceVariable", mapping.pointer) });
    }
    for key in ["condition", "functions"] {
        if let Some(value) = value.member(key) {
            template_reads(check, value, &format!("{}/{key}", mapping.pointer), &mut reads);
        }
    }
    reads
}

fn template_reads(check: &Check<'_>, value: Value<'_>, pointer: &str, reads: &mut Vec<Read>) {
    match value.kind() {
        Kind::String => {
            let mut names = Names::default();
            Template::parse(&substitute(&value.string(), check.properties, |_| {}), &mut names);
            reads.extend(names.all().map(|name| Read { name: name.to_owned(), pointer: pointer.to_owned() }));
        }
        Kind::Array => {
            for (position, element) in value.elements().enumerate() {
                template_reads(check, element, &format!("{pointer}/{position}"), reads);
            }
        }
        Kind::Object => {
            for (key, member) in value.members() {
                template_reads(check, member, &format!("{pointer}/{}", super::diagnostic::escape_pointer(&key.string())), reads);
            }
        }
        _ => {}
    }
}

/// Variables that are read and not set, or set and not read. The host sets and takes some itself.
fn variables(check: &mut Check<'_>, root: Value<'_>, entity: &Entity, reads: &[Vec<Read>]) {
    let mut of_the_entity = Vec::new();
    if let Some(condition) = at(root, &entity.condition_pointer) {
        template_reads(check, condition, &entity.condition_pointer, &mut of_the_entity);
    }
    let sets: Vec<(usize, String)> = entity
        .mappings
        .iter()
        .enumerate()
        .filter_map(|(place, mapping)| match &mapping.action {
            Action::Set(set) => Some((place, check.names.name(set.variable?).to_owned())),
            _ => None,
        })
        .collect();
    let placed = of_the_entity
        .iter()
        .map(|read| (0, read))
        .chain(reads.iter().enumerate().flat_map(|(place, reads)| reads.iter().map(move |read| (place, read))));
    let mut told: Vec<&str> = Vec::new();
    let mut findings: Vec<(&'static str, String, String)> = Vec::new();
    for (place, read) in placed {
        let name = &*read.name;
        if BUILT_IN.contains(&name) || told.contains(&name) || sets.iter().any(|(set, known)| known == name && *set < place) {
            continue;
        }
        told.push(name);
        let message = if let Some((set, _)) = sets.iter().find(|(_, known)| known == name) {
            format!("the variable {name} is read here and set only later, by {}", entity.mappings[*set].pointer)
        } else {
            let known = sets.iter().map(|(_, known)| &**known).chain(BUILT_IN);
            let hint = nearest(name, known).map(|known| format!("; did you mean {known}?")).unwrap_or_default();
            format!("no mapping sets the variable {name}, and the host does not know it{hint}")
        };
        findings.push(("mapping.unset-variable", read.pointer.clone(), message));
    }
    for (place, name) in &sets {
        let read = reads.iter().flatten().chain(&of_the_entity).any(|read| read.name == *name);
        let first = sets.iter().find(|(_, known)| known == name).is_some_and(|(first, _)| first == place);
        if first && !read && !HOST_TAKES.contains(&&**name) {
            let message = format!("nothing reads the variable {name}");
            findings.push(("mapping.unused-variable", format!("{}/targetVariable", entity.mappings[*place].pointer), message));
        }
    }
    for (code, pointer, message) in findings {
        warn(check, root, code, &pointer, &message);
    }
}

/// A path as its parts, for comparing; nothing for one that does more than name a place.
fn parts(path: &Path) -> Option<Vec<String>> {
    let part = |token: &Token| match token {
        Token::Key(name) => Some(format!(".{}", name.text)),
        Token::Index(index) => Some(format!("[{index}]")),
        Token::Wildcard => Some("[*]".to_owned()),
        _ => None,
    };
    path.steps.iter().map(|step| part(&step.token)).collect()
}

/// Whether the condition has a look at this place, at something in it or at what it is in.
fn looks_at(condition: Option<&Condition>, parts_of: &[String]) -> bool {
    let Some(Condition { form: Form::Fixed(filter), .. }) = condition else { return condition.is_some() };
    filter.paths().into_iter().any(|path| {
        // A filter on the way to the place is a look at it as well.
        let known = path.steps.iter().take_while(|step| !matches!(step.token, Token::Filter(_) | Token::Function(_)));
        let looked: Vec<String> = known
            .map(|step| match &step.token {
                Token::Key(name) => format!(".{}", name.text),
                Token::Index(index) => format!("[{index}]"),
                _ => "[*]".to_owned(),
            })
            .collect();
        looked.iter().zip(parts_of).all(|(a, b)| a == b)
    })
}

/// Attributes that one mapping cannot do without and another one can. The entity fails in the first, so the care of the second is for nothing, or the first lacks
/// it. A mandatory attribute alone is no doubt: published transformations have many on purpose.
fn unguarded(check: &mut Check<'_>, root: Value<'_>, entity: &Entity) {
    let plain: Vec<(&Mapping, &super::Set, Vec<String>)> = entity
        .mappings
        .iter()
        .filter_map(|mapping| match &mapping.action {
            Action::Set(set) => match &set.source {
                Source::Path(path) if !path.is_root() => Some((mapping, &**set, parts(path)?)),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let together = |a: Option<Scope>, b: Option<Scope>| a.is_none() || a == b;
    let id = |set: &super::Set| set.variable.is_some_and(|number| HOST_TAKES.contains(&check.names.name(number)));
    let mut findings = Vec::new();
    for (mapping, set, path) in &plain {
        let careless = !set.optional && set.default.is_none() && mapping.condition.is_none() && !looks_at(entity.condition.as_ref(), path);
        if !careless || id(set) {
            continue;
        }
        let careful = plain.iter().find(|(other, other_set, other_path)| {
            other_path == path
                && together(mapping.scope, other.scope)
                && (other_set.optional
                    || other_set.default.is_some()
                    || other.condition.is_some() && looks_at(other.condition.as_ref(), path))
        });
        if let (Some((other, ..)), Source::Path(source)) = (careful, &set.source) {
            let message = format!(
                "an entity without {} fails here, yet {} is ready to do without it; make this one optional too, or give it a defaultValue or a condition",
                source.text, other.pointer
            );
            findings.push((format!("{}/sourcePath", mapping.pointer), message));
        }
    }
    for (pointer, message) in findings {
        warn(check, root, "mapping.unguarded", &pointer, &message);
    }
}
