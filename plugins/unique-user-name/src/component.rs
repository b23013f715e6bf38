//! The component: the rules behind the contract of `wit/transform.wit`. One instance sees a source's whole read and remembers its names.

use std::cell::RefCell;

use crate::exports::provisor::connector::{descriptor, transform};
use crate::settings::{ATTRIBUTE, DEFAULTS, ENTITY_TYPE, MAX_LENGTH, PATTERN, SEPARATOR};
use crate::{Document, Failure, Names, Settings};

struct Component;

thread_local! {
    static NAMES: RefCell<Option<Names>> = const { RefCell::new(None) };
}

impl descriptor::Guest for Component {
    fn describe() -> descriptor::Description {
        descriptor::Description {
            id: "unique-user-name".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "Derives a user name from parts of a person's name, unique within the run.".to_owned(),
            roles: vec![descriptor::Role::Transformation],
            entity_types: Vec::new(),
            properties: DEFAULTS.iter().map(|(name, default)| property(name, default)).collect(),
            capabilities: Vec::new(),
            default_read_transformation: None,
            default_write_transformation: None,
        }
    }
}

fn property(name: &str, default: &str) -> descriptor::Property {
    use descriptor::PropertyKind::{Choice, Integer, Text};
    let (kind, help) = match name {
        PATTERN => (
            Text,
            "What a name is made of: letters, digits and . _ - as they are, {path} for the value of an attribute or variable, {path:1} for its first character.",
        ),
        ATTRIBUTE => (Text, "The member of the document that is the user name. An entity that has it keeps it."),
        SEPARATOR => (
            Choice(["", ".", "-", "_"].map(str::to_owned).to_vec()),
            "What stands between a name and the number that tells it from others.",
        ),
        MAX_LENGTH => (Integer, "The most characters of a name, its number included: 4 to 256."),
        ENTITY_TYPE => (Text, "The entity type that gets names. All others pass as they are."),
        _ => (Text, ""),
    };
    descriptor::Property {
        name: name.to_owned(),
        kind,
        default: Some(default.to_owned()),
        required: false,
        credential: false,
        help: help.to_owned(),
        roles: Vec::new(),
    }
}

impl transform::Guest for Component {
    fn open(text: String, properties: Vec<sdk::Setting>) -> Result<Vec<transform::Diagnostic>, Vec<transform::Diagnostic>> {
        let settings =
            Settings::read(|name| properties.iter().find(|property| property.name == name).map(|property| property.value.clone()));
        let mut wrong = settings.as_ref().err().cloned().unwrap_or_default();
        if !text.is_empty() {
            wrong.push("it takes no text: leave `file` out and write properties".to_owned());
        }
        NAMES.set(settings.ok().filter(|_| wrong.is_empty()).map(Names::new));
        if wrong.is_empty() { Ok(Vec::new()) } else { Err(wrong.into_iter().map(diagnostic).collect()) }
    }

    fn apply(entity_type: String, operation: transform::Operation, page: Vec<transform::Input>) -> Vec<transform::Outcome> {
        NAMES.with_borrow_mut(|names| each(names.as_mut(), &entity_type, operation, &page, |_| {}))
    }

    fn explain(entity_type: String, operation: transform::Operation, entity: transform::Input) -> transform::Explained {
        let mut steps = Vec::new();
        let told = |what| steps.push(transform::Step { at: String::new(), what, value: None });
        let outcomes = NAMES.with_borrow_mut(|names| each(names.as_mut(), &entity_type, operation, std::slice::from_ref(&entity), told));
        let outcome = outcomes.into_iter().next().unwrap_or(transform::Outcome::Unmapped);
        transform::Explained { outcome, steps }
    }

    fn entity_types() -> Option<Vec<String>> {
        // Every type passes; one of them gets names.
        None
    }
}

fn each(
    names: Option<&mut Names>,
    entity_type: &str,
    operation: transform::Operation,
    page: &[transform::Input],
    mut told: impl FnMut(String),
) -> Vec<transform::Outcome> {
    let Some(names) = names else {
        return page.iter().map(|_| failed("unique-user-name.not-open", "the transformation is not open")).collect();
    };
    if entity_type != names.settings().entity_type || operation == transform::Operation::Delete {
        return page.iter().map(|_| transform::Outcome::Unmapped).collect();
    }
    if operation != transform::Operation::Read {
        let message =
            "unique-user-name stands in a write transformation, which does not see everybody; put it into the source's transformation";
        return page.iter().map(|_| failed("unique-user-name.not-reading", message)).collect();
    }
    let variables: Vec<Vec<(&str, &str)>> =
        page.iter().map(|input| input.variables.iter().map(|v| (v.name.as_str(), v.value.as_str())).collect()).collect();
    // Names that are there are kept before any is given: nobody gets the name of somebody later in the page.
    let kept: Vec<Result<Kept<'_>, Failure>> =
        page.iter().zip(&variables).map(|(input, variables)| keep(names, &input.document, variables)).collect();
    page.iter().zip(kept).map(|(input, kept)| give(names, input, kept, &mut told)).collect()
}

/// An entity after the first look.
struct Kept<'d> {
    id: String,
    document: Document<'d>,
    has_its_own: bool,
}

fn keep<'d>(names: &mut Names, document: &'d str, variables: &'d [(&'d str, &'d str)]) -> Result<Kept<'d>, Failure> {
    let missing = || Failure {
        code: "unique-user-name.no-id",
        message: "the variable entityIdSourceSystem is not set; the file in front of this element sets it".to_owned(),
    };
    let document = Document::parse(document, variables)?;
    let id = document.variable("entityIdSourceSystem").ok_or_else(missing)?;
    let has_its_own = names.keep(&id, &document)?;
    Ok(Kept { id, document, has_its_own })
}

fn give(names: &mut Names, input: &transform::Input, kept: Result<Kept<'_>, Failure>, told: &mut impl FnMut(String)) -> transform::Outcome {
    let mapped = kept.and_then(|Kept { id, document, has_its_own }| {
        let attribute = names.settings().attribute.clone();
        if has_its_own {
            told(format!("{attribute} is there and is kept"));
            return Ok(input.document.clone());
        }
        let name = names.give(&id, &document, &mut *told)?;
        told(format!("wrote {attribute} {name:?}"));
        Ok(document.with(&attribute, &name))
    });
    match mapped {
        Ok(document) => transform::Outcome::Mapped(transform::Mapped { document, variables: Vec::new(), unresolved: Vec::new() }),
        Err(failure) => failed(failure.code, &failure.message),
    }
}

fn failed(code: &str, message: &str) -> transform::Outcome {
    transform::Outcome::Failed(transform::Fault { code: code.to_owned(), message: message.to_owned(), at: String::new() })
}

fn diagnostic(message: String) -> transform::Diagnostic {
    transform::Diagnostic {
        severity: transform::Severity::Error,
        code: "unique-user-name.settings".to_owned(),
        pointer: String::new(),
        line: 0,
        column: 0,
        message,
    }
}

crate::export!(Component with_types_in crate);
