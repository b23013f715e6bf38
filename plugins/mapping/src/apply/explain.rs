//! What is noted for someone who wants to know the way an entity took. Nothing here runs when nobody asks.

use std::cell::Cell;

use super::entity::takes_part;
use super::run::Run;
use super::{Fault, Operation, Step};
use crate::document::{Condition, Entity, Form, Scope};
use crate::functions::Function;
use crate::json::text::push_quoted;
use crate::json::{Doc, Value};
use crate::output::{Id, Key};
use crate::path::{BUDGET, Compiler, Constants, Found, Path, PathError, Scope as PathScope};

/// How much of a value stands in words; the whole value is in the step before.
const SHOWN: usize = 120;

/// What a condition looked at.
#[derive(Default)]
pub(super) struct LookedAt {
    /// The condition with its variables filled in, if that changes it.
    text: Option<String>,
    /// Path or `${variable}`, and its value as JSON text.
    values: Vec<(String, String)>,
    missing: Vec<String>,
}

impl<'r> Run<'r> {
    pub(super) fn explains(&self) -> bool {
        self.steps.is_some()
    }

    /// The mappings as ever, and those that are left out with the reason.
    pub(super) fn explained_mappings(&mut self, entity: &'r Entity, operation: Operation) -> Result<(), Fault> {
        let mut idle = entity.idle.iter().peekable();
        for (place, mapping) in entity.mappings.iter().enumerate() {
            while let Some(idle) = idle.next_if(|idle| idle.before <= place) {
                self.step(&idle.pointer, || format!("{}: left out", idle.why), None);
            }
            if takes_part(mapping.scope, operation) {
                self.mapping(mapping)?;
                continue;
            }
            let scope = match mapping.scope {
                None => "no scope",
                Some(Scope::Create) => "the scope createEntity",
                Some(Scope::Delete) => "the scope deleteEntity",
                Some(Scope::Patch) => "the scope patchEntity",
            };
            self.step(&mapping.pointer, || format!("the mapping has {scope}, and the operation is {}: left out", operation.name()), None);
        }
        idle.for_each(|idle| self.step(&idle.pointer, || format!("{}: left out", idle.why), None));
        Ok(())
    }

    pub(super) fn explain_condition(&mut self, condition: &Condition, at: &str, whose: &str, holds: bool) {
        if self.explains() {
            let looked_at = self.looked_at(condition, self.input);
            self.note_condition(condition, at, whose, holds, Some(looked_at));
        }
    }

    pub(super) fn note_condition(&mut self, condition: &Condition, at: &str, whose: &str, holds: bool, looked_at: Option<LookedAt>) {
        let (Some(steps), Some(looked_at)) = (&mut self.steps, looked_at) else { return };
        let value = (!looked_at.values.is_empty()).then(|| looked_at.json());
        let LookedAt { text, missing, .. } = looked_at;
        let text = text.as_deref().unwrap_or(&condition.text);
        let so = if holds { "" } else { ": left out" };
        let missing = match missing.as_slice() {
            [] => String::new(),
            [one] => format!(" ({one} is missing)"),
            more => format!(" ({} are missing)", more.join(", ")),
        };
        steps.push(Step { at: at.to_owned(), what: format!("{whose} [{text}] is {holds}{missing}{so}"), value });
    }

    /// The values a condition depends on.
    pub(super) fn looked_at(&self, condition: &Condition, item: Value<'_>) -> LookedAt {
        let variables = self.variable_texts(condition.variables.iter().copied());
        let mut seen = LookedAt::default();
        let mut numbers = condition.variables.clone();
        numbers.dedup();
        for number in numbers {
            let name = format!("${{{}}}", self.transformation.names.name(number));
            let mut text = String::new();
            push_quoted(&mut text, variables.get(number as usize).map_or("null", |text| text));
            seen.add(&name, &text);
        }
        let mut constants = Constants::default();
        match &condition.form {
            Form::Fixed(filter) => self.look(&filter.paths(), item, self.constants, &variables, &mut seen),
            Form::Dynamic(template) => {
                let text = template.render(&variables);
                if let Ok(filter) = Compiler::new(&mut constants, None, &self.transformation.properties).condition(&text) {
                    self.look(&filter.paths(), item, &constants.doc(), &variables, &mut seen);
                }
                seen.text = Some(text);
            }
        }
        seen
    }

    fn look(&self, paths: &[&Path], item: Value<'_>, constants: &Doc<'_>, variables: &[String], seen: &mut LookedAt) {
        let budget = Cell::new(BUDGET);
        let scope = PathScope { root: self.input, item, constants, variables, budget: &budget };
        for path in paths {
            match text_of(path, &scope) {
                Some(text) => seen.add(&path.text, &text),
                None if seen.missing.iter().any(|known| **known == *path.text) => {}
                None => seen.missing.push(path.text.to_string()),
            }
        }
    }

    pub(super) fn explain_read(&mut self, path: &str, at: &str, value: Option<Id>) {
        self.step(at, || if value.is_some() { format!("read {path}") } else { format!("{path} is missing") }, value);
    }

    pub(super) fn explain_variable(&mut self, number: u32, path: Option<&Path>, at: &str, value: Option<Id>) {
        if self.explains() {
            let name = self.transformation.names.name(number);
            let what = match path {
                None if value.is_none() => format!("the variable {name} is not set"),
                None => format!("read the variable {name}"),
                Some(path) if value.is_none() => format!("{} is missing in the variable {name}", path.text),
                Some(path) => format!("read {} in the variable {name}", path.text),
            };
            self.step(at, || what, value);
        }
    }

    pub(super) fn explain_rename(&mut self, target: &str, to: Key, at: &str) {
        let text = self.constants.text.get(to.start as usize..to.end as usize).unwrap_or("");
        self.step(at, || format!("renamed {target} to {}", text.trim_matches('"')), None);
    }

    /// A table's row: what its paths lead to and what it gave.
    pub(super) fn explain_table(&mut self, paths: &[Path], at: &str, row: Option<Id>) {
        if !self.explains() {
            return;
        }
        let mut seen = LookedAt::default();
        self.look(&paths.iter().collect::<Vec<_>>(), self.input, self.constants, &[], &mut seen);
        let what = if row.is_some() { "found the row for" } else { "found no row for" };
        let missing = seen.missing.join(", ");
        let missing = if missing.is_empty() { missing } else { format!(" (missing: {missing})") };
        self.step(at, || format!("{what} {}{missing}", cut(&seen.json())), row);
    }

    pub(super) fn explain_function(&mut self, function: &Function, given: Option<String>, result: Option<Id>) {
        if let Some(given) = given {
            let gave = if result.is_some() { "" } else { " gave nothing" };
            self.step(&function.pointer, || format!("{} of {}{gave}", function.name, cut(&given)), result);
        }
    }
}

impl LookedAt {
    fn add(&mut self, name: &str, json: &str) {
        if !self.values.iter().any(|(known, _)| known == name) {
            self.values.push((name.to_owned(), json.to_owned()));
        }
    }

    /// An object of what is there.
    fn json(&self) -> String {
        let mut json = "{".to_owned();
        for (place, (name, value)) in self.values.iter().enumerate() {
            if place > 0 {
                json.push(',');
            }
            push_quoted(&mut json, name);
            json.push(':');
            json.push_str(value);
        }
        json.push('}');
        json
    }
}

/// A path's value as JSON text; nothing where it leads nowhere.
fn text_of(path: &Path, scope: &PathScope<'_>) -> Option<String> {
    let mut out = String::new();
    match path.read(scope) {
        Ok(Found::One(hit)) => hit.write(&mut out),
        Ok(Found::Many(hits)) => {
            out.push('[');
            for (place, hit) in hits.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                hit.write(&mut out);
            }
            out.push(']');
        }
        Err(PathError::NotFound | PathError::Invalid | PathError::Limit) => return None,
    }
    Some(out)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
