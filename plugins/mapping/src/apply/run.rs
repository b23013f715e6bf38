//! What is at hand while one entity is transformed.

use std::borrow::Cow;
use std::cell::Cell;

use super::{Fault, Step};
use crate::document::{Condition, Form, Transformation};
use crate::functions::{DEFAULT_DATE_FORMAT, DateFormat, Random};
use crate::json::text::{push, push_quoted};
use crate::json::{Doc, Node, Slot, Source, Value, parse};
use crate::output::{Arena, Docs, Id, Key, Shape};
use crate::path::{BUDGET, Compiler, Constants, Found, Hit, Path, PathError, Scope};
use crate::relations::Lookups;

/// Values that came up on the way and need a tape of their own.
#[derive(Default)]
pub(super) struct Extra {
    text: String,
    nodes: Vec<Node>,
}

impl Extra {
    pub(super) fn doc(&self) -> Doc<'_> {
        Doc { source: Source::Extra, text: &self.text, nodes: &self.nodes }
    }

    fn add(&mut self, json: &str) -> Result<Slot, crate::json::Error> {
        let (mut at, duplicates) = self.parse(json)?;
        if duplicates {
            // Parsed once more and no oftener: a key with an escape in it is taken for a possible duplicate every time.
            let clean = crate::json::without_duplicates(Value { doc: &self.doc(), at });
            at = self.parse(&clean)?.0;
        }
        Ok(Slot { source: Source::Extra, at })
    }

    fn parse(&mut self, json: &str) -> Result<(u32, bool), crate::json::Error> {
        let from = self.text.len();
        self.text.push_str(json);
        parse(&self.text, from, &mut self.nodes)
    }
}

/// One entity's run.
pub(crate) struct Run<'r> {
    pub transformation: &'r Transformation,
    /// The entity's document, `$` of every condition and path.
    pub input: Value<'r>,
    pub(super) constants: &'r Doc<'r>,
    pub(super) extra: &'r mut Extra,
    pub arena: &'r mut Arena,
    pub texts: &'r mut [String; 2],
    /// The document that comes out.
    pub root: Id,
    /// By the variable's number.
    variables: &'r mut Vec<Option<Id>>,
    /// The numbers of the variables that mappings have set, in order.
    set: Vec<u32>,
    pub lookups: &'r mut Lookups,
    pub unresolved: Vec<String>,
    /// An id has to be looked up; the outcome does not count yet.
    pub pending: bool,
    pub(super) steps: Option<&'r mut Vec<Step>>,
    /// Of the functions of this entity; a path or condition has one of its own.
    pub budget: Cell<u32>,
    pub random: Option<Random>,
}

impl<'r> Run<'r> {
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of the scratch memory are borrowed one by one, since the input's tape is one of them"
    )]
    pub(super) fn new(
        transformation: &'r Transformation,
        input: Value<'r>,
        constants: &'r Doc<'r>,
        extra: &'r mut Extra,
        arena: &'r mut Arena,
        texts: &'r mut [String; 2],
        variables: &'r mut Vec<Option<Id>>,
        lookups: &'r mut Lookups,
        steps: Option<&'r mut Vec<Step>>,
    ) -> Self {
        extra.text.clear();
        extra.nodes.clear();
        arena.clear();
        variables.clear();
        variables.resize(transformation.names.len(), None);
        let root = arena.empty_object();
        Self {
            transformation,
            input,
            constants,
            extra,
            arena,
            texts,
            root,
            variables,
            set: Vec::new(),
            lookups,
            unresolved: Vec::new(),
            pending: false,
            steps,
            budget: Cell::new(BUDGET),
            random: None,
        }
    }

    /// Take in the variables the transformation names.
    pub(super) fn take_variables(&mut self, given: &[(String, String)]) -> Result<(), Fault> {
        for (name, json) in given {
            let Some(number) = self.transformation.names.find(name) else { continue };
            let dated =
                if name == CURRENT_DATE { self.transformation.date_format.as_ref().and_then(|format| redated(json, format)) } else { None };
            let json = dated.as_deref().unwrap_or(json);
            let slot = self.extra.add(json).map_err(|error| Fault {
                code: "mapping.invalid-variable",
                message: format!("the value of the variable {name} is no JSON: {error}"),
                at: String::new(),
            })?;
            let doc = self.extra.doc();
            self.variables[number] = Some(self.arena.raw(Value::of(&doc, slot)));
        }
        Ok(())
    }

    pub(super) fn variable(&self, number: u32) -> Option<Id> {
        self.variables.get(number as usize).copied().flatten()
    }

    pub(super) fn set_variable(&mut self, number: u32, value: Id) {
        if let Some(variable) = self.variables.get_mut(number as usize) {
            *variable = Some(value);
            if !self.set.contains(&number) {
                self.set.push(number);
            }
        }
    }

    /// The variables mappings have set, as JSON texts.
    pub(super) fn set_variables(&self) -> Vec<(String, String)> {
        let numbers = self.set.iter().filter_map(|number| Some((*number, self.variable(*number)?)));
        numbers.map(|(number, value)| (self.transformation.names.name(number).to_owned(), self.json(value))).collect()
    }

    /// The ids nobody knew, each once.
    pub(super) fn take_unresolved(&mut self) -> Vec<String> {
        if self.unresolved.is_empty() {
            return Vec::new();
        }
        let mut seen = std::collections::HashSet::new();
        let mut ids = std::mem::take(&mut self.unresolved);
        ids.retain(|id| seen.insert(id.clone()));
        ids
    }

    /// The texts of these variables, at their numbers; the others are empty. An unset variable reads as `null`.
    pub(crate) fn variable_texts(&self, numbers: impl Iterator<Item = u32>) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        for number in numbers {
            let at = number as usize;
            if texts.len() <= at {
                texts.resize(at + 1, String::new());
            }
            texts[at] = match self.variable(number) {
                Some(value) => self.content(value).unwrap_or_else(|| self.json(value)),
                None => "null".to_owned(),
            };
        }
        texts
    }

    pub(crate) fn limit(pointer: &str) -> Fault {
        Fault {
            code: "mapping.limit",
            message: "a path, condition or regular expression takes too many steps on this entity".to_owned(),
            at: pointer.to_owned(),
        }
    }

    /// A condition on the whole document.
    pub(super) fn condition(&self, condition: &Condition, pointer: &str) -> Result<bool, Fault> {
        self.holds(condition, self.input, pointer, &Cell::new(BUDGET))
    }

    /// A function's condition: `@` is the value in hand.
    pub(crate) fn function_condition(&mut self, condition: &Condition, value: Id, pointer: &str) -> Result<bool, Fault> {
        let slot = self.materialise(value, pointer)?;
        let extra = self.extra.doc();
        let item = match slot.source {
            Source::Input => Value::of(self.input.doc, slot),
            Source::Constants => Value::of(self.constants, slot),
            Source::Extra | Source::Made => Value::of(&extra, slot),
        };
        let holds = self.holds(condition, item, pointer, &self.budget)?;
        let looked_at = self.explains().then(|| self.looked_at(condition, item));
        self.note_condition(condition, pointer, "the condition of the function", holds, looked_at);
        Ok(holds)
    }

    fn holds(&self, condition: &Condition, item: Value<'_>, pointer: &str, budget: &Cell<u32>) -> Result<bool, Fault> {
        let variables = self.variable_texts(condition.variables.iter().copied());
        let scope = Scope { root: self.input, item, constants: self.constants, variables: &variables, budget };
        match &condition.form {
            Form::Fixed(filter) => filter.accepts(item, &scope),
            Form::Dynamic(template) => {
                let text = template.render(&variables);
                let mut constants = Constants::default();
                let filter =
                    Compiler::new(&mut constants, None, &self.transformation.properties).condition(&text).map_err(|error| Fault {
                        code: "mapping.invalid-condition",
                        message: format!("with its variables filled in the condition is wrong: {error}"),
                        at: pointer.to_owned(),
                    })?;
                let constants = constants.doc();
                filter.accepts(item, &Scope { constants: &constants, ..scope })
            }
        }
        .map_err(|_| Self::limit(pointer))
    }

    /// The address of a value a path can look into. What has been changed is written out and read again.
    pub(super) fn materialise(&mut self, value: Id, pointer: &str) -> Result<Slot, Fault> {
        if let Some(slot) = self.arena.slot(value) {
            return Ok(slot);
        }
        let json = self.json(value);
        self.extra.add(&json).map_err(|error| Fault {
            code: "mapping.too-deep",
            message: format!("the value in hand cannot be looked into: {error}"),
            at: pointer.to_owned(),
        })
    }

    /// A path of the entity's document as text: of a list with one element that element, nothing as an empty text.
    pub(crate) fn read_text(&self, path: &Path, pointer: &str) -> Result<String, Fault> {
        let budget = Cell::new(BUDGET);
        let scope = Scope { root: self.input, item: self.input, constants: self.constants, variables: &[], budget: &budget };
        let hit = match path.read(&scope) {
            Ok(Found::One(hit)) => hit,
            Ok(Found::Many(hits)) => match hits.into_iter().next() {
                Some(hit) => hit,
                None => return Ok(String::new()),
            },
            Err(PathError::Limit) => return Err(Self::limit(pointer)),
            Err(_) => return Ok(String::new()),
        };
        Ok(match hit {
            Hit::Value(value) => match value.kind() {
                crate::json::Kind::String => value.string().into_owned(),
                crate::json::Kind::Null => String::new(),
                _ => value.raw().to_owned(),
            },
            made @ Hit::Made(_) => {
                let mut json = String::new();
                made.write(&mut json);
                json
            }
        })
    }

    /// Note a step. Costs one comparison where nobody wants to know.
    #[inline]
    pub(crate) fn step(&mut self, at: &str, what: impl FnOnce() -> String, value: Option<Id>) {
        if self.steps.is_some() {
            let step = Step { at: at.to_owned(), what: what(), value: value.map(|value| self.json(value)) };
            if let Some(steps) = &mut self.steps {
                steps.push(step);
            }
        }
    }

    // The arena together with the texts its spans point into.

    pub(super) fn docs<'a>(&'a self, extra: &'a Doc<'a>) -> Docs<'a> {
        Docs { input: self.input.doc, constants: self.constants, extra }
    }

    pub(super) fn change_output(&mut self, change: impl FnOnce(&mut Arena, Id, &Docs<'_>)) {
        self.change(|arena, docs, root| change(arena, root, docs));
    }

    /// Work on the arena with all texts at hand.
    #[inline]
    fn change<T>(&mut self, change: impl FnOnce(&mut Arena, &Docs<'_>, Id) -> T) -> T {
        let extra = self.extra.doc();
        change(self.arena, &Docs { input: self.input.doc, constants: self.constants, extra: &extra }, self.root)
    }

    pub(super) fn write(&self, value: Id, out: &mut String) {
        let extra = self.extra.doc();
        self.arena.write(value, &self.docs(&extra), out);
    }

    pub(crate) fn json(&self, value: Id) -> String {
        let mut json = String::new();
        self.write(value, &mut json);
        json
    }

    pub(crate) fn constant(&mut self, slot: Slot) -> Id {
        self.arena.raw(Value::of(self.constants, slot))
    }

    pub(crate) fn shape(&self, value: Id) -> Shape {
        let extra = self.extra.doc();
        self.arena.shape(value, &self.docs(&extra))
    }

    pub(super) fn only_element(&mut self, value: Id) -> Option<Id> {
        self.change(|arena, docs, _| arena.only_element(value, docs))
    }

    /// The same at the end of another text; false for null, lists and objects.
    pub(crate) fn push_content(&self, value: Id, out: &mut String) -> bool {
        let extra = self.extra.doc();
        let content = self.arena.content(value, &self.docs(&extra));
        content.inspect(|content| push(out, content)).is_some()
    }

    /// A scalar as text; nothing for null, lists and objects.
    pub(crate) fn content(&self, value: Id) -> Option<String> {
        let extra = self.extra.doc();
        self.arena.content(value, &self.docs(&extra)).map(Cow::into_owned)
    }

    pub(crate) fn elements(&mut self, value: Id) -> Option<Vec<Id>> {
        self.change(|arena, docs, _| arena.elements(value, docs))
    }

    pub(crate) fn member(&mut self, value: Id, key: Key) -> Option<Id> {
        self.change(|arena, docs, _| arena.member(value, key, docs))
    }

    pub(crate) fn set_member(&mut self, value: Id, key: Key, member: Id) {
        self.change(|arena, docs, _| arena.set_member(value, key, member, docs));
    }

    pub(crate) fn rename_member(&mut self, value: Id, from: Key, to: Key) {
        self.change(|arena, docs, _| arena.rename_member(value, from, to, docs));
    }
}

/// The variable with the time of the run.
const CURRENT_DATE: &str = "currentDate";

/// A date as the host gives it, in another format; nothing for what is written otherwise, which stays as it is.
fn redated(json: &str, format: &DateFormat) -> Option<String> {
    let given = json.strip_prefix('"')?.strip_suffix('"')?;
    let moment = DateFormat::compile(DEFAULT_DATE_FORMAT).ok()?.parse(given).ok()?;
    let mut text = String::new();
    format.format(&moment, &mut text).ok()?;
    let mut json = String::new();
    push_quoted(&mut json, &text);
    Some(json)
}
