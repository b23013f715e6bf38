//! One entity on its way through a transformation.

use std::borrow::Cow;
use std::cell::Cell;

use super::run::Run;
use super::{Fault, Input, Mapped, Operation, Outcome, Scratch, Skip, Step};
use crate::document::{Action, Entity, Mapping, Scope, Set, Source, Transformation};
use crate::functions::Random;
use crate::json::{Doc, Kind, Source as TextSource, Value, parse, without_duplicates};
use crate::output::{Docs, Id};
use crate::path::{BUDGET, Found, Hit, Path, PathError, Scope as PathScope};

impl Transformation {
    /// The outcome, and whether ids have to be looked up before it counts.
    pub(super) fn transform(
        &self,
        scratch: &mut Scratch,
        entity_type: &str,
        operation: Operation,
        input: Input<'_>,
        steps: Option<&mut Vec<Step>>,
    ) -> (Outcome, bool) {
        let Some(entity) = self.entities.iter().find(|entity| *entity.name == *entity_type) else {
            return (Outcome::Skipped(Skip::Operation(format!("Entity type [{entity_type}] is not in the transformation"))), false);
        };
        if entity.ignore {
            let reason = format!("Entity type [{entity_type}] is ignored in the transformation");
            return (Outcome::Skipped(Skip::OutOfScope { reason, source_id: None }), false);
        }
        let mut text = Cow::Borrowed(input.document);
        scratch.nodes.clear();
        let root = match parse(&text, 0, &mut scratch.nodes) {
            Ok((root, false)) => Ok(root),
            Ok((root, true)) => {
                let doc = Doc { source: TextSource::Input, text: &text, nodes: &scratch.nodes };
                text = Cow::Owned(without_duplicates(Value { doc: &doc, at: root }));
                scratch.nodes.clear();
                parse(&text, 0, &mut scratch.nodes).map(|(root, _)| root)
            }
            Err(error) => Err(error),
        };
        let invalid =
            |message: String| (Outcome::Failed(Fault { code: "mapping.invalid-document", message, at: entity.pointer.to_string() }), false);
        let root = match root {
            Ok(root) => root,
            Err(error) => return invalid(format!("the entity's document is no JSON: {error}")),
        };
        let doc = Doc { source: TextSource::Input, text: &text, nodes: &scratch.nodes };
        let root = Value { doc: &doc, at: root };
        if root.kind() != Kind::Object {
            return invalid("the entity's document is no JSON object".to_owned());
        }
        let constants = self.constants.doc();
        let random = scratch.seed.map(|seed| Random::new(seed, scratch.entity));
        let mut run = Run::new(
            self,
            root,
            &constants,
            &mut scratch.extra,
            &mut scratch.arena,
            &mut scratch.texts,
            &mut scratch.variables,
            &mut scratch.lookups,
            steps,
        );
        run.random = random;
        if let Err(fault) = run.take_variables(input.variables) {
            return (Outcome::Failed(fault), false);
        }
        let outcome = run.entity(entity, operation, input.document.len()).unwrap_or_else(Outcome::Failed);
        (outcome, run.pending)
    }
}

/// The variable that names the entity in the source.
const ID_VARIABLE: &str = "entityIdSourceSystem";

/// Whether a mapping of this scope is executed in this operation.
pub(super) fn takes_part(scope: Option<Scope>, operation: Operation) -> bool {
    match operation {
        Operation::Read | Operation::Update => scope.is_none(),
        Operation::Create => scope.is_none() || scope == Some(Scope::Create),
        Operation::Delete => scope == Some(Scope::Delete),
        Operation::Patch => scope == Some(Scope::Patch),
    }
}

impl<'r> Run<'r> {
    fn entity(&mut self, entity: &'r Entity, operation: Operation, size: usize) -> Result<Outcome, Fault> {
        // The mappings of a delete run whatever the entity looks like: it may not even be there any more.
        if operation != Operation::Delete
            && let Some(condition) = &entity.condition
        {
            let holds = self.condition(condition, &entity.condition_pointer)?;
            self.explain_condition(condition, &entity.condition_pointer, "the condition of the entity", holds);
            if !holds {
                let source_id = if operation == Operation::Read { self.id_of_left_out(entity) } else { None };
                let reason = format!("Entity condition [{}] is not fulfilled", condition.text);
                return Ok(Outcome::Skipped(Skip::OutOfScope { reason, source_id }));
            }
        }
        let skipped = match operation {
            Operation::Create => entity.skip[0],
            Operation::Update => entity.skip[1],
            Operation::Delete => entity.skip[2],
            Operation::Read | Operation::Patch => false,
        };
        if skipped {
            return Ok(Outcome::Skipped(Skip::Operation(format!("Operation [{}] is skipped in target transformation", operation.name()))));
        }
        if matches!(operation, Operation::Delete | Operation::Patch)
            && !entity.mappings.iter().any(|mapping| takes_part(mapping.scope, operation))
        {
            return Ok(Outcome::Unmapped);
        }
        if self.explains() {
            self.explained_mappings(entity, operation)?;
        } else {
            for mapping in entity.mappings.iter().filter(|mapping| takes_part(mapping.scope, operation)) {
                self.mapping(mapping)?;
            }
        }
        let mut document = String::with_capacity(size + 256);
        self.write(self.root, &mut document);
        Ok(Outcome::Mapped(Mapped { document, variables: self.set_variables(), unresolved: self.take_unresolved() }))
    }

    /// The id of an entity whose condition does not hold: the host has to know who left the scope. All mappings that set a variable are run, since the id may be made of
    /// other variables; where one of them fails there is no id.
    fn id_of_left_out(&mut self, entity: &'r Entity) -> Option<String> {
        let id = self.transformation.names.find(ID_VARIABLE)?;
        // What is mapped here is no part of the way the entity takes.
        let steps = self.steps.take();
        let mapped = entity
            .mappings
            .iter()
            .filter(|mapping| takes_part(mapping.scope, Operation::Read))
            .filter(|mapping| matches!(&mapping.action, Action::Set(set) if set.variable.is_some()))
            .try_for_each(|mapping| self.mapping(mapping));
        self.steps = steps;
        mapped.ok()?;
        self.variable(u32::try_from(id).ok()?).map(|value| self.json(value))
    }

    pub(super) fn mapping(&mut self, mapping: &'r Mapping) -> Result<(), Fault> {
        if let Some(condition) = &mapping.condition {
            let holds = self.condition(condition, &mapping.pointer)?;
            self.explain_condition(condition, &mapping.pointer, "the condition of the mapping", holds);
            if !holds {
                return Ok(());
            }
        }
        match &mapping.action {
            Action::Set(set) => self.set(set, &mapping.pointer),
            Action::Remove(target, text) => {
                self.change_output(|arena, root, docs| arena.remove(root, target, docs));
                self.step(&mapping.pointer, || format!("removed {text}"), None);
                Ok(())
            }
            Action::Rename(target, text, to) => {
                self.change_output(|arena, root, docs| arena.rename(root, target, *to, docs));
                self.explain_rename(text, *to, &mapping.pointer);
                Ok(())
            }
        }
    }

    fn set(&mut self, set: &'r Set, pointer: &'r str) -> Result<(), Fault> {
        let unresolved = self.unresolved.len();
        let was_pending = std::mem::take(&mut self.pending);
        let result = self.source_value(set, pointer);
        let left_out = self.pending || self.unresolved.len() > unresolved;
        self.pending |= was_pending;
        let value = match result? {
            Taken::Value(value) => value,
            Taken::Nothing if set.default.is_some() => {
                let default = set.default.map(|slot| self.constant(slot)).unwrap_or_default();
                self.step(pointer, || "took the default value".to_owned(), Some(default));
                default
            }
            Taken::NotApplied => {
                self.step(pointer, || "the host sets the variable where it has a value: left out".to_owned(), None);
                return Ok(());
            }
            // An id nobody knows is left out and told; the entity does not fail for it (section 10.11).
            Taken::Nothing if set.optional || left_out => {
                self.step(pointer, || "there is no value: left out".to_owned(), None);
                return Ok(());
            }
            Taken::Nothing => return Err(self.missing(set, pointer)),
        };
        if let Some(number) = set.variable {
            let copy = if set.target.is_some() { self.arena.copy(value) } else { value };
            self.set_variable(number, copy);
            self.step(pointer, || format!("set the variable {}", self.transformation.names.name(number)), Some(copy));
        }
        if let Some((target, text)) = &set.target {
            self.step(pointer, || format!("wrote {text}"), Some(value));
            self.change_output(|arena, root, docs| arena.set(root, target, value, docs));
        }
        Ok(())
    }

    fn missing(&self, set: &Set, pointer: &str) -> Fault {
        let what = match &set.source {
            Source::Path(path) => format!("the attribute {}", path.text),
            Source::Variable { number, path: None, .. } => format!("the variable {}", self.transformation.names.name(*number)),
            Source::Variable { number, path: Some(path), .. } => {
                format!("{} in the variable {}", path.text, self.transformation.names.name(*number))
            }
            Source::Table { paths, .. } => format!("a row for {}", paths.iter().map(|path| &*path.text).collect::<Vec<_>>().join(", ")),
            Source::Constant(_) | Source::Generated => "a value".to_owned(),
        };
        let why = if set.functions.is_empty() { "is missing" } else { "is missing, or a function made nothing of it" };
        Fault {
            code: "mapping.missing-attribute",
            message: format!("{what} {why}, and the mapping is neither optional nor has it a default value"),
            at: pointer.to_owned(),
        }
    }

    /// The value behind the source and all functions.
    fn source_value(&mut self, set: &'r Set, pointer: &'r str) -> Result<Taken, Fault> {
        let (value, collapses) = match &set.source {
            Source::Path(path) => {
                let value = self.path_value(path, self.input, pointer)?;
                self.explain_read(&path.text, pointer, value);
                (value, true)
            }
            Source::Variable { number, built_in, path } => {
                let Some(variable) = self.variable(*number) else {
                    self.explain_variable(*number, None, pointer, None);
                    return Ok(if *built_in && set.default.is_none() { Taken::NotApplied } else { Taken::Nothing });
                };
                let value = match path {
                    None => Some(self.arena.copy(variable)),
                    Some(path) => self.variable_path(variable, path, pointer)?,
                };
                self.explain_variable(*number, path.as_ref(), pointer, value);
                (value, true)
            }
            Source::Constant(slot) => {
                let value = self.constant(*slot);
                self.step(pointer, || "took the constant".to_owned(), Some(value));
                (Some(value), false)
            }
            Source::Generated => (Some(self.arena.scalar("null")), false),
            Source::Table { paths, rows } => {
                let value = self.table(paths, rows);
                self.explain_table(paths, pointer, value);
                (value, false)
            }
        };
        let mut value = match (value, set.functions.first()) {
            (Some(value), _) => value,
            (None, Some(first)) if first.answers_nothing() && !set.optional && set.default.is_none() => self.arena.scalar("null"),
            (None, _) => return Ok(Taken::Nothing),
        };
        let collapses = collapses && !set.preserve;
        if collapses {
            value = self.collapse(value, pointer);
        }
        for function in &set.functions {
            // A function may change the value it is given.
            let given = self.explains().then(|| self.json(value));
            let result = self.function(function, value)?;
            self.explain_function(function, given, result);
            let Some(result) = result else { return Ok(Taken::Nothing) };
            value = result;
        }
        Ok(Taken::Value(if collapses && !set.functions.is_empty() { self.collapse(value, pointer) } else { value }))
    }

    /// A list of one element becomes the element.
    fn collapse(&mut self, value: Id, pointer: &str) -> Id {
        let Some(only) = self.only_element(value) else { return value };
        self.step(pointer, || "took the only element of the list".to_owned(), Some(only));
        only
    }

    /// What a path leads to. A list without elements, a missing value and a path that makes no sense here (a filter on null) are nothing.
    fn path_value(&mut self, path: &'r Path, root: Value<'r>, pointer: &str) -> Result<Option<Id>, Fault> {
        if path.is_simple() {
            return Ok(path.follow(root).map(|value| self.arena.raw(value)));
        }
        let budget = Cell::new(BUDGET);
        let scope = PathScope { root, item: root, constants: self.constants, variables: &[], budget: &budget };
        if path.definite {
            return match path.read_one(&scope) {
                Ok(hit) => Ok(Some(self.arena.hit(&hit))),
                Err(PathError::Limit) => Err(Self::limit(pointer)),
                Err(_) => Ok(None),
            };
        }
        let list = self.arena.empty_array();
        let arena = &mut *self.arena;
        let mut any = false;
        let result = path.each(&scope, &mut |hit: Hit<'_>| {
            any = true;
            let element = arena.hit(&hit);
            arena.push(list, element);
        });
        match result {
            Ok(()) => Ok(any.then_some(list)),
            Err(PathError::Limit) => Err(Self::limit(pointer)),
            Err(_) => Ok(None),
        }
    }

    /// A path into a variable's value.
    fn variable_path(&mut self, variable: Id, path: &'r Path, pointer: &str) -> Result<Option<Id>, Fault> {
        let slot = self.materialise(variable, pointer)?;
        let budget = Cell::new(BUDGET);
        let extra = self.extra.doc();
        let root = Docs { input: self.input.doc, constants: self.constants, extra: &extra }.value(slot);
        match path.read(&PathScope { root, item: root, constants: self.constants, variables: &[], budget: &budget }) {
            Ok(Found::One(hit)) => Ok(Some(self.arena.hit(&hit))),
            Ok(Found::Many(hits)) if hits.is_empty() => Ok(None),
            Ok(Found::Many(hits)) => {
                let list = self.arena.empty_array();
                for hit in &hits {
                    let element = self.arena.hit(hit);
                    self.arena.push(list, element);
                }
                Ok(Some(list))
            }
            Err(PathError::Limit) => Err(Self::limit(pointer)),
            Err(_) => Ok(None),
        }
    }

    /// The row of a table whose texts are those the paths lead to. A path that leads nowhere fits no row.
    fn table(&mut self, paths: &'r [Path], rows: &'r [(Vec<Box<str>>, crate::json::Slot)]) -> Option<Id> {
        let budget = Cell::new(BUDGET);
        let scope = PathScope { root: self.input, item: self.input, constants: self.constants, variables: &[], budget: &budget };
        let mut texts: Vec<String> = Vec::with_capacity(paths.len());
        for path in paths {
            let value = match path.read(&scope).ok()? {
                Found::One(Hit::Value(value)) => value,
                Found::Many(hits) => match hits[..] {
                    [Hit::Value(value)] => value,
                    _ => return None,
                },
                Found::One(Hit::Made(_)) => return None,
            };
            texts.push(match value.kind() {
                Kind::String => value.string().into_owned(),
                Kind::Null | Kind::Array | Kind::Object => return None,
                _ => value.raw().to_owned(),
            });
        }
        let (_, slot) = rows.iter().find(|(key, _)| key.iter().map(|text| &**text).eq(texts.iter().map(String::as_str)))?;
        Some(self.constant(*slot))
    }
}

/// What a source and its functions gave.
enum Taken {
    Value(Id),
    Nothing,
    /// A variable of the host that is not set: as if the mapping were not there.
    NotApplied,
}
