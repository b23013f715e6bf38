//! Reading the parts of a transformation's text and noting what is wrong with them.

use super::diagnostic::{Diagnostic, Severity, place};
use super::substitute::substitute;
use super::{Condition, Form};
use crate::json::text::push_quoted;
use crate::json::{Kind, Slot, Value};
use crate::nearest::nearest;
use crate::output::{Key, Target};
use crate::path::{Compiler, Constants, Function as PathFunction, ParseError, Path};
use crate::relations::Kind as LookupKind;
use crate::variables::{Names, Template};

/// The state of one compilation.
pub(crate) struct Check<'c> {
    pub text: &'c str,
    pub properties: &'c [(String, String)],
    pub diagnostics: Vec<Diagnostic>,
    pub constants: Constants,
    pub names: Names,
    pub lookups: Vec<LookupKind>,
    /// Properties nobody set that were named already.
    unset: Vec<String>,
}

impl<'c> Check<'c> {
    pub fn new(text: &'c str, properties: &'c [(String, String)]) -> Self {
        Self {
            text,
            properties,
            diagnostics: Vec::new(),
            constants: Constants::default(),
            names: Names::default(),
            lookups: Vec::new(),
            unset: Vec::new(),
        }
    }

    pub fn note(&mut self, severity: Severity, code: &'static str, at: usize, pointer: &str, message: &str) {
        let (line, column) = place(self.text, at);
        self.diagnostics.push(Diagnostic { severity, code, pointer: pointer.to_owned(), line, column, message: message.to_owned() });
    }

    pub fn error(&mut self, code: &'static str, value: Value<'_>, pointer: &str, message: &str) {
        self.note(Severity::Error, code, value.node().start as usize, pointer, message);
    }

    pub fn warning(&mut self, code: &'static str, value: Value<'_>, pointer: &str, message: &str) {
        self.note(Severity::Warning, code, value.node().start as usize, pointer, message);
    }

    /// An error at a byte of a text. Where the text stands in the transformation just as it is (no escapes, no properties filled in), its place is told to the
    /// character; else that of the whole text is.
    pub fn error_within(&mut self, code: &'static str, value: Value<'_>, pointer: &str, text: &str, at: usize, message: &str) {
        let start = value.node().start as usize;
        let raw = value.raw();
        let literal = raw.get(1..raw.len().saturating_sub(1)) == Some(text);
        self.note(Severity::Error, code, if literal { start + 1 + at } else { start }, pointer, message);
    }

    /// A text that is no path or no condition.
    fn not_parsed(&mut self, code: &'static str, value: Value<'_>, pointer: &str, text: &str, error: &ParseError) {
        let at = if let ParseError::Syntax { at, .. } = error { (*at).min(text.len()) } else { 0 };
        self.error_within(code, value, pointer, text, at, &error.to_string());
    }

    pub fn wrong_type(&mut self, value: Value<'_>, pointer: &str, expected: &str) {
        let found: String = value.raw().chars().take(40).collect();
        self.error("mapping.wrong-type", value, pointer, &format!("here stands {expected}, not {found}"));
    }

    pub fn known_keys(&mut self, object: Value<'_>, pointer: &str, known: &[&str], code: &'static str) {
        for (key, _) in object.members() {
            let name = key.string();
            if !known.contains(&&*name) {
                let hint = match nearest(&name, known.iter().copied()) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => format!("known are {}", known.join(", ")),
                };
                let pointer = format!("{pointer}/{}", super::diagnostic::escape_pointer(&name));
                self.error(code, key, &pointer, &format!("`{name}` means nothing here; {hint}"));
            }
        }
    }

    /// A string with its properties filled in; a diagnostic for anything else.
    pub fn text(&mut self, value: Value<'_>, pointer: &str) -> Option<String> {
        if value.kind() != Kind::String {
            self.wrong_type(value, pointer, "a text");
            return None;
        }
        Some(self.filled(value, pointer))
    }

    fn filled(&mut self, value: Value<'_>, pointer: &str) -> String {
        let content = value.string();
        if !content.contains('%') {
            return content.into_owned();
        }
        let mut unset = Vec::new();
        let text = substitute(&content, self.properties, |name| unset.push(name.to_owned()));
        for name in unset {
            if !self.unset.contains(&name) {
                let hint = nearest(&name, self.properties.iter().map(|(known, _)| &**known));
                let hint = hint.map(|known| format!("; did you mean %{known}%?")).unwrap_or_default();
                let at = value.node().start as usize + value.raw().find(&format!("%{name}%")).unwrap_or(0);
                let message = format!("the property {name} is not set and reads as null{hint}");
                self.note(Severity::Warning, "mapping.unset-property", at, pointer, &message);
                self.unset.push(name);
            }
        }
        text
    }

    /// The text under a key, if there is one.
    pub fn optional_text(&mut self, object: Value<'_>, pointer: &str, key: &str) -> Option<(String, String)> {
        let value = object.member(key)?;
        let pointer = format!("{pointer}/{key}");
        let text = self.text(value, &pointer)?;
        Some((text, pointer))
    }

    /// A boolean, also as a text; false where it is absent.
    pub fn flag(&mut self, object: Value<'_>, pointer: &str, key: &str) -> bool {
        let Some(value) = object.member(key) else { return false };
        let pointer = format!("{pointer}/{key}");
        let text = if value.kind() == Kind::String { self.filled(value, &pointer) } else { value.raw().to_owned() };
        match text.trim() {
            "true" => true,
            "false" => false,
            _ => {
                self.wrong_type(value, &pointer, "true or false");
                false
            }
        }
    }

    /// Any JSON as a constant, with the properties filled into its texts.
    pub fn constant(&mut self, value: Value<'_>, pointer: &str) -> Option<Slot> {
        let mut json = String::new();
        self.write_constant(value, pointer, &mut json);
        match self.constants.add(&json) {
            Ok(slot) => Some(slot),
            Err(error) => {
                self.error("mapping.wrong-type", value, pointer, &format!("this is no JSON: {error}"));
                None
            }
        }
    }

    fn write_constant(&mut self, value: Value<'_>, pointer: &str, out: &mut String) {
        match value.kind() {
            Kind::String => {
                let text = self.filled(value, pointer);
                push_quoted(out, &text);
            }
            Kind::Array => {
                out.push('[');
                for (position, element) in value.elements().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    self.write_constant(element, pointer, out);
                }
                out.push(']');
            }
            Kind::Object => {
                out.push('{');
                for (position, (key, member)) in value.members().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    out.push_str(key.raw());
                    out.push(':');
                    self.write_constant(member, pointer, out);
                }
                out.push('}');
            }
            _ => out.push_str(value.raw()),
        }
    }

    /// The name of an attribute under a key, as an output key.
    pub fn key(&mut self, object: Value<'_>, pointer: &str, key: &str) -> Option<Key> {
        let (name, _) = self.optional_text(object, pointer, key)?;
        Some(self.constants.key(&name))
    }

    /// The number of a variable named under a key.
    pub fn variable(&mut self, object: Value<'_>, pointer: &str, key: &str) -> Option<u32> {
        let (name, pointer) = self.optional_text(object, pointer, key)?;
        if name.is_empty() {
            if let Some(value) = object.member(key) {
                self.wrong_type(value, &pointer, "the name of a variable");
            }
            return None;
        }
        Some(self.names.number(&name))
    }

    pub fn compiler(&mut self) -> Compiler<'_> {
        Compiler::new(&mut self.constants, None, self.properties)
    }

    /// A path under a key.
    pub fn path(&mut self, object: Value<'_>, pointer: &str, key: &str) -> Option<Path> {
        let (text, pointer) = self.optional_text(object, pointer, key)?;
        self.path_text(object.member(key)?, &pointer, &text)
    }

    pub fn path_text(&mut self, value: Value<'_>, pointer: &str, text: &str) -> Option<Path> {
        let mut compiler = self.compiler();
        let path = compiler.path(text);
        let unknown = compiler.unknown_functions;
        self.unknown_functions(value, pointer, text, unknown);
        match path {
            Ok(path) => Some(path),
            Err(error) => {
                self.not_parsed("mapping.invalid-path", value, pointer, text, &error);
                None
            }
        }
    }

    fn unknown_functions(&mut self, value: Value<'_>, pointer: &str, text: &str, unknown: Vec<String>) {
        for name in unknown {
            let hint = match nearest(&name, PathFunction::NAMES) {
                Some(known) => format!("did you mean {known}()?"),
                None => format!("there are {}", PathFunction::NAMES.join("(), ") + "()"),
            };
            let at = text.find(&format!("{name}(")).unwrap_or(0);
            self.error_within("mapping.invalid-path", value, pointer, text, at, &format!("a path cannot end with {name}(); {hint}"));
        }
    }

    /// A target path under a key, with its text.
    pub fn target(&mut self, object: Value<'_>, pointer: &str, key: &str) -> Option<(Target, Box<str>)> {
        let path = self.path(object, pointer, key)?;
        match Target::compile(&path, &mut self.constants) {
            Ok(target) => Some((target, path.text)),
            Err(what) => {
                self.error(
                    "mapping.invalid-target",
                    object.member(key)?,
                    &format!("{pointer}/{key}"),
                    &format!("`{}` cannot be written to: {what}", path.text),
                );
                None
            }
        }
    }

    /// The key `condition`.
    pub fn condition(&mut self, object: Value<'_>, pointer: &str) -> Option<Condition> {
        let (text, pointer) = self.optional_text(object, pointer, "condition")?;
        let value = object.member("condition")?;
        let template = Template::parse(&text, &mut self.names);
        let variables = template.as_ref().map(|template| template.variables().collect()).unwrap_or_default();
        let mut compiler = Compiler::new(&mut self.constants, Some(&mut self.names), self.properties);
        let filter = compiler.condition(&text);
        let unknown = compiler.unknown_functions;
        self.unknown_functions(value, &pointer, &text, unknown);
        let form = match (filter, template) {
            (Ok(filter), _) => Form::Fixed(filter),
            (Err(ParseError::Variable(_)), Some(template)) => Form::Dynamic(template),
            (Err(error), _) => {
                self.not_parsed("mapping.invalid-condition", value, &pointer, &text, &error);
                return None;
            }
        };
        Some(Condition { text: text.into(), form, variables })
    }

    /// The number of a kind of lookup.
    pub fn lookup(&mut self, entity_type: String, source_system: Option<String>, target_system: Option<String>) -> u32 {
        let kind = LookupKind { entity_type, source_system, target_system };
        let at = self.lookups.iter().position(|known| *known == kind).unwrap_or_else(|| {
            self.lookups.push(kind);
            self.lookups.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }
}
