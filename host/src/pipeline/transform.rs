//! A system's transformation in the path of every entity: a chain of elements, most often one.
//!
//! ```text
//! page --> hr-read.json --> plugin unique-user-name --> polish.json --> page
//!              |                     |
//!              '-- skipped, failed --'   the entity's way ends there, with that outcome
//! ```
//!
//! Every element is an instance of its own and gets one call per page, with the entities that came this far. It is given the document the one before it put out and all
//! variables that are set by then. An element that answers `unmapped` has nothing of its own for the operation and is passed by: the document goes on as it was. A chain in
//! which every element did so is unmapped as a whole, and a deletion then is one.
//!
//! Elements may remember the entities of a run (wit/transform.wit), so nothing here opens a second instance of an element while the first one lives.

mod element;
pub mod identity;

use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::page::{Digest, ID_VARIABLE, text_variable};
use crate::sandbox::{
    Fault,
    contract::{Diagnostic, Input, LeftOut, Mapped, Operation, Severity, Skip, Step, Transformed, Variable},
};
use element::Element;
pub use element::ElementSpec;

/// A warning about one text that may be untrue of a chain: another element may name the id.
const NO_ID: &str = "mapping.no-id";

/// The variable with the time a run began (spec section 4.4).
const CURRENT_DATE: &str = "currentDate";

/// UTC, in the form `ips.date.variable.format` has where nobody sets it; the mapping component knows the others.
fn date_text(time: SystemTime) -> String {
    let time = time::OffsetDateTime::from(time);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}.{:03}", time.hour(), time.minute(), time.second(), time.millisecond())
}

/// Everything needed to open a transformation, again and again.
#[derive(Clone)]
pub struct MappingSpec {
    /// In the order in which they run.
    pub elements: Vec<ElementSpec>,
    /// What `currentDate` says: one time for a whole run, because the same input gives the same bytes.
    pub now: SystemTime,
}

impl MappingSpec {
    /// Stands for everything that decides what comes out: of every element in its order the component, the text, the properties.
    pub fn version(&self) -> Digest {
        let mut hasher = Sha256::new();
        for element in &self.elements {
            element.hash(&mut hasher);
        }
        hasher.finalize().into()
    }

    /// Whether what becomes of an entity may depend on the entities before it. The bundled mapping remembers none; of other components nothing is known.
    pub fn may_remember(&self) -> bool {
        !self.elements.iter().all(ElementSpec::speaks_mapping)
    }

    /// Whether an element's text has this word.
    pub fn mentions(&self, word: &str) -> bool {
        self.elements.iter().any(|element| element.text.contains(word))
    }

    /// Whether a create and an update of the same document may come out differently.
    pub fn tells_updates_from_creates(&self) -> bool {
        self.elements.iter().any(ElementSpec::tells_updates_from_creates)
    }
}

/// Why a transformation does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// By origin.
    #[error("{}", Listed(texts))]
    Text { texts: Vec<(String, Vec<Diagnostic>)> },
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl OpenError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Text { .. } => "mapping.invalid",
            Self::Fault(fault) => fault.code(),
        }
    }
}

struct Listed<'a>(&'a [(String, Vec<Diagnostic>)]);

impl std::fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self.0.iter().flat_map(|(origin, diagnostics)| diagnostics.iter().map(move |d| diagnostic_line(origin, d)));
        for (index, line) in lines.enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{line}")?;
        }
        Ok(())
    }
}

/// `hr-read.json:12:7: error[mapping.unknown-function] /user/mappings/3: ...`
pub fn diagnostic_line(origin: &str, d: &Diagnostic) -> String {
    let severity = if d.severity == Severity::Error { "error" } else { "warning" };
    let place = if d.line == 0 { String::new() } else { format!(":{}:{}", d.line, d.column) };
    let pointer = if d.pointer.is_empty() { String::new() } else { format!(" {}", d.pointer) };
    format!("{origin}{place}: {severity}[{}]{pointer}: {}", d.code, d.message)
}

/// A transformation that is open.
pub struct Mapper {
    elements: Vec<Element>,
    /// The variable `currentDate`, where an element names it.
    current_date: Option<Variable>,
}

impl Mapper {
    /// Not opened yet; the first use does.
    pub fn lazy(spec: MappingSpec) -> Self {
        let named = spec.elements.iter().any(|element| element.text.contains(CURRENT_DATE));
        let current_date = named.then(|| text_variable(CURRENT_DATE, &date_text(spec.now)));
        Self { elements: spec.elements.into_iter().map(Element::lazy).collect(), current_date }
    }

    /// What `currentDate` says from now on: the time of a request, where there is no run.
    pub fn set_now(&mut self, now: SystemTime) {
        if let Some(date) = &mut self.current_date {
            *date = text_variable(CURRENT_DATE, &date_text(now));
        }
    }

    /// Open it; the error lists everything that is wrong with the texts of all elements.
    pub async fn open(spec: MappingSpec) -> Result<Self, OpenError> {
        let mut mapper = Self::lazy(spec);
        let mut wrong = Vec::new();
        for element in &mut mapper.elements {
            match element.instance().await {
                Ok(_) => {}
                Err(OpenError::Text { texts }) => wrong.extend(texts),
                Err(fault @ OpenError::Fault(_)) => return Err(fault),
            }
        }
        if wrong.is_empty() { Ok(mapper) } else { Err(OpenError::Text { texts: wrong }) }
    }

    /// What is doubtful about the texts.
    pub fn warnings(&self) -> impl Iterator<Item = String> + '_ {
        let an_id_is_named = !self.names_no_id();
        self.elements.iter().flat_map(move |element| {
            let warnings = element.warnings.iter().filter(move |warning| !(an_id_is_named && warning.code == NO_ID));
            warnings.map(|warning| diagnostic_line(&element.spec.origin, warning))
        })
    }

    /// A source's transformation names the id of its entities, or none of them can be provisioned: what is a warning of each text is an error in a job if no
    /// element names it.
    pub fn demand_id(&self) -> Result<(), OpenError> {
        if !self.names_no_id() {
            return Ok(());
        }
        let texts = self.elements.iter().map(|element| {
            let without = element.warnings.iter().filter(|warning| warning.code == NO_ID);
            let diagnostics = without.map(|warning| Diagnostic { severity: Severity::Error, ..warning.clone() }).collect();
            (element.spec.origin.clone(), diagnostics)
        });
        Err(OpenError::Text { texts: texts.collect() })
    }

    /// Whether every element warns that it names no id.
    fn names_no_id(&self) -> bool {
        self.elements.iter().all(|element| element.warnings.iter().any(|warning| warning.code == NO_ID))
    }

    /// The input with the date, unless it has one.
    fn dated(&self, input: &Input) -> Input {
        let mut input = input.clone();
        if let Some(date) = &self.current_date
            && !input.variables.iter().any(|variable| variable.name == CURRENT_DATE)
        {
            input.variables.push(date.clone());
        }
        input
    }

    /// The entity types that every element handles, in the order of the first one that says which; nothing where all of them take every type.
    pub async fn entity_types(&mut self) -> Result<Option<Vec<String>>, OpenError> {
        let mut common: Option<Vec<String>> = None;
        for element in &mut self.elements {
            let Some(types) = element.instance().await?.entity_types().await? else { continue };
            match &mut common {
                Some(common) => common.retain(|name| types.contains(name)),
                None => common = Some(types),
            }
        }
        Ok(common)
    }

    /// Of each element, which elements may name the id of an entity from there on.
    fn naming(&self) -> Vec<Naming> {
        let mut naming = vec![Naming::default(); self.elements.len()];
        let mut later = false;
        for (element, naming) in self.elements.iter().zip(&mut naming).rev() {
            *naming = Naming { this: element.spec.may_name_ids(), later };
            later |= naming.this;
        }
        naming
    }

    /// One outcome per entity, whatever happens: an entity on which a component traps has failed with the trap's code.
    pub async fn apply(&mut self, entity_type: &str, operation: Operation, page: &[Input]) -> Vec<Transformed> {
        let dated: Vec<Input>;
        let page = if self.current_date.is_some() {
            dated = page.iter().map(|input| self.dated(input)).collect();
            &dated
        } else {
            page
        };
        if let [only] = &mut *self.elements {
            return only.apply(entity_type, operation, page).await;
        }
        let (count, naming) = (self.elements.len(), self.naming());
        let mut ways: Vec<Way> = page.iter().map(Way::begin).collect();
        for (index, element) in self.elements.iter_mut().enumerate() {
            let mut going: Vec<&mut Way> = ways.iter_mut().filter(|way| way.end.is_none()).collect();
            let inputs: Vec<Input> = going.iter_mut().map(|way| std::mem::replace(&mut way.input, nothing())).collect();
            let outcomes = if inputs.is_empty() { Vec::new() } else { element.apply(entity_type, operation, &inputs).await };
            let place = Place { origin: &element.spec.origin, number: index + 1, count, ids: naming[index] };
            for ((way, input), outcome) in going.into_iter().zip(inputs).zip(outcomes) {
                way.go_on(input, outcome, &place);
            }
        }
        ways.into_iter().map(Way::arrive).collect()
    }

    /// One entity, and the way it took through all elements: what a console shows beside a transformation. [`crate::report::MappedLine::explained`] makes it
    /// readable, for a person and for a script; `provisor map --explain` does nothing else.
    ///
    /// ```no_run
    /// # use provisor::{pipeline::{Mapper, MappingSpec, OpenError}, report::MappedLine, sandbox::contract::{Input, Operation}};
    /// # async fn show(spec: MappingSpec) -> Result<(), OpenError> {
    /// let mut mapper = Mapper::open(spec).await?;
    /// let entity = Input { document: r#"{"id":"1"}"#.into(), variables: Vec::new() };
    /// let way = MappedLine::explained(mapper.explain("user", Operation::Read, &entity).await);
    /// println!("{way}");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn explain(&mut self, entity_type: &str, operation: Operation, entity: &Input) -> (Transformed, Vec<Step>) {
        let entity = &self.dated(entity);
        if let [only] = &mut *self.elements {
            return only.explain(entity_type, operation, entity).await;
        }
        let (count, naming) = (self.elements.len(), self.naming());
        let (mut way, mut all) = (Way::begin(entity), Vec::new());
        for (index, element) in self.elements.iter_mut().enumerate() {
            let origin = element.spec.origin.clone();
            let place = Place { origin: &origin, number: index + 1, count, ids: naming[index] };
            let input = std::mem::replace(&mut way.input, nothing());
            all.push(Step { at: String::new(), what: format!("element {place} is given"), value: Some(input.document.clone()) });
            let (outcome, steps) = element.explain(entity_type, operation, &input).await;
            all.extend(steps);
            if matches!(outcome, Transformed::Unmapped) {
                all.push(Step {
                    at: String::new(),
                    what: format!("element {place} has nothing for this operation and is passed by"),
                    value: None,
                });
            }
            way.go_on(input, outcome, &place);
            if way.end.is_some() {
                break;
            }
        }
        (way.arrive(), all)
    }
}

/// An element as messages name it: `polish.json (3 of 3)`.
struct Place<'a> {
    origin: &'a str,
    number: usize,
    count: usize,
    ids: Naming,
}

/// Who may set the id of an entity.
#[derive(Clone, Copy, Default)]
struct Naming {
    this: bool,
    later: bool,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} of {})", self.origin, self.number, self.count)
    }
}

/// One entity's way through a chain.
struct Way {
    /// What the next element is given.
    input: Input,
    /// Variables that elements set, by the rule of `mapped.variables`.
    set: Vec<Variable>,
    unresolved: Vec<String>,
    /// Whether an element had something for the operation.
    mapped: bool,
    /// How it ended before its end.
    end: Option<Transformed>,
}

impl Way {
    fn begin(input: &Input) -> Self {
        Self { input: input.clone(), set: Vec::new(), unresolved: Vec::new(), mapped: false, end: None }
    }

    fn go_on(&mut self, input: Input, outcome: Transformed, place: &Place<'_>) {
        self.input = input;
        match outcome {
            Transformed::Mapped(Mapped { document, variables, unresolved }) => {
                self.mapped = true;
                self.input.document = document;
                for variable in variables {
                    put(&mut self.input.variables, variable.clone());
                    put(&mut self.set, variable);
                }
                for id in unresolved {
                    if !self.unresolved.contains(&id) {
                        self.unresolved.push(id);
                    }
                }
            }
            Transformed::Unmapped => {}
            Transformed::Skipped(Skip::OutOfScope(left_out)) => {
                self.end = Some(Transformed::Skipped(Skip::OutOfScope(self.left_out(left_out, place))));
            }
            Transformed::Skipped(Skip::Operation(left_out)) => {
                self.end = Some(Transformed::Skipped(Skip::Operation(self.left_out(left_out, place))));
            }
            Transformed::Failed(mut fault) => {
                fault.message = format!("{place}: {}", fault.message);
                self.end = Some(Transformed::Failed(fault));
            }
        }
    }

    /// An earlier element may have set the id that this one does not know. What a later one would have made of it nobody knows: then there is none.
    fn left_out(&self, LeftOut { reason, source_id }: LeftOut, place: &Place<'_>) -> LeftOut {
        let set = self.set.iter().find(|variable| variable.name == ID_VARIABLE).map(|variable| variable.value.clone());
        let source_id = source_id.or(set.filter(|_| !place.ids.this)).filter(|_| !place.ids.later);
        LeftOut { reason: format!("{place}: {reason}"), source_id }
    }

    fn arrive(self) -> Transformed {
        match self.end {
            Some(end) => end,
            None if self.mapped => {
                Transformed::Mapped(Mapped { document: self.input.document, variables: self.set, unresolved: self.unresolved })
            }
            None => Transformed::Unmapped,
        }
    }
}

/// Set a variable; one that is there keeps its place.
fn put(variables: &mut Vec<Variable>, variable: Variable) {
    match variables.iter_mut().find(|known| known.name == variable.name) {
        Some(known) => known.value = variable.value,
        None => variables.push(variable),
    }
}

fn nothing() -> Input {
    Input { document: String::new(), variables: Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PLACE: Place<'_> = Place { origin: "polish.json", number: 2, count: 3, ids: Naming { this: false, later: false } };

    fn variable(name: &str, value: &str) -> Variable {
        Variable { name: name.into(), value: value.into() }
    }

    fn way(outcomes: Vec<Transformed>) -> Transformed {
        let mut way = Way::begin(&Input { document: "{}".into(), variables: vec![variable("before", "1")] });
        for outcome in outcomes {
            let input = way.input.clone();
            way.go_on(input, outcome, &PLACE);
        }
        way.arrive()
    }

    fn mapped(document: &str, variables: &[(&str, &str)], unresolved: &[&str]) -> Transformed {
        Transformed::Mapped(Mapped {
            document: document.into(),
            variables: variables.iter().map(|(name, value)| variable(name, value)).collect(),
            unresolved: unresolved.iter().map(ToString::to_string).collect(),
        })
    }

    #[test]
    fn later_elements_add_to_what_earlier_ones_set() {
        let first = mapped("{\"a\":1}", &[("id", "\"7\""), ("x", "1")], &["u1"]);
        let second = mapped("{\"a\":2}", &[("x", "2"), ("before", "3")], &["u2", "u1"]);
        let Transformed::Mapped(end) = way(vec![first, second, Transformed::Unmapped]) else { panic!("mapped") };
        assert_eq!(end.document, "{\"a\":2}", "what is passed by changes nothing");
        let variables: Vec<(&str, &str)> = end.variables.iter().map(|v| (v.name.as_str(), v.value.as_str())).collect();
        assert_eq!(variables, [("id", "\"7\""), ("x", "2"), ("before", "3")]);
        assert_eq!(end.unresolved, ["u1", "u2"]);
    }

    #[test]
    fn a_deletion_is_one_where_nobody_has_anything_for_it() {
        assert!(matches!(way(vec![Transformed::Unmapped, Transformed::Unmapped]), Transformed::Unmapped));
        assert!(matches!(way(vec![Transformed::Unmapped, mapped("{}", &[], &[])]), Transformed::Mapped(_)));
    }

    #[test]
    fn the_end_names_the_element() {
        let no = LeftOut { reason: "no".into(), source_id: None };
        let Transformed::Skipped(Skip::Operation(end)) = way(vec![Transformed::Skipped(Skip::Operation(no))]) else { panic!("skipped") };
        assert_eq!((end.reason.as_str(), end.source_id), ("polish.json (2 of 3): no", None));
    }

    #[test]
    fn an_id_that_an_earlier_element_set_is_known_of_what_is_left_out() {
        let out = |source_id: Option<&str>| {
            let left_out = LeftOut { reason: "no".into(), source_id: source_id.map(str::to_owned) };
            Transformed::Skipped(Skip::OutOfScope(left_out))
        };
        for (own, expected) in [(None, "\"7\""), (Some("8"), "8")] {
            let Transformed::Skipped(Skip::OutOfScope(end)) = way(vec![mapped("{}", &[(ID_VARIABLE, "\"7\"")], &[]), out(own)]) else {
                panic!("skipped")
            };
            assert_eq!(end.source_id.as_deref(), Some(expected));
        }
    }

    #[test]
    fn an_id_that_a_later_element_may_change_is_not_known() {
        for (own, ids) in [(Some("8"), Naming { this: false, later: true }), (None, Naming { this: true, later: false })] {
            let mut on = Way::begin(&nothing());
            on.go_on(nothing(), mapped("{}", &[(ID_VARIABLE, "\"7\"")], &[]), &PLACE);
            let left_out = LeftOut { reason: "no".into(), source_id: own.map(str::to_owned) };
            on.go_on(nothing(), Transformed::Skipped(Skip::OutOfScope(left_out)), &Place { ids, ..PLACE });
            let Transformed::Skipped(Skip::OutOfScope(end)) = on.arrive() else { panic!("skipped") };
            assert_eq!(end.source_id, None);
        }
    }

    #[test]
    fn a_date_is_written_to_the_millisecond() {
        assert_eq!(date_text(SystemTime::UNIX_EPOCH + Duration::from_millis(1_709_164_799_007)), "2024-02-28 23:59:59.007");
    }
}
