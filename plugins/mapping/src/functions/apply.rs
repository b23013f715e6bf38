//! Applying a function to a value of the output tree.

use std::borrow::Cow;

use super::bytes::Algorithm;
use super::codes::{Country, Region, locale, timezone};
use super::regex::{Compile, Made, group, replace};
use super::{Expression, Failure, Function, Kind, SIZE, Text, text};
use crate::apply::{Fault, Run};
use crate::json::text::push;
use crate::output::{Id, Shape};
use crate::relations::Answer;

/// How bytes are written where nothing makes a text of them, as Java's JSON libraries write them.
const WRITTEN: Algorithm = Algorithm::Base64;

impl Run<'_> {
    /// Apply a function. Nothing comes out where a group did not match or an id is unknown; of a list such elements are left out.
    pub(crate) fn function(&mut self, function: &Function, value: Id) -> Result<Option<Id>, Fault> {
        self.each(function, value, Self::function_on_one)
    }

    /// Lists go through a function element by element, except where it is about the list itself.
    fn each(
        &mut self,
        function: &Function,
        value: Id,
        apply: fn(&mut Self, &Function, Id) -> Result<Option<Id>, Fault>,
    ) -> Result<Option<Id>, Fault> {
        let whole_list = matches!(function.kind, Kind::ElementAt(_)) && !function.on_elements;
        if whole_list || self.shape(value) != Shape::Array {
            return apply(self, function, value);
        }
        let elements = self.elements(value).unwrap_or_default();
        let list = self.arena.empty_array();
        for element in elements {
            if let Some(result) = apply(self, function, element)? {
                self.arena.push(list, result);
            }
        }
        Ok(Some(list))
    }

    fn function_on_one(&mut self, function: &Function, value: Id) -> Result<Option<Id>, Fault> {
        if let Some(condition) = &function.condition
            && !self.function_condition(condition, value, &function.pointer)?
        {
            return Ok(Some(value));
        }
        if let Some(attribute) = function.on_attribute {
            let Some(member) = self.member(value, attribute) else { return Ok(Some(value)) };
            // The attribute stays as it is where the result goes to another one.
            let input = self.arena.copy(member);
            let Some(result) = self.each(function, input, Self::compute)? else { return Ok(None) };
            self.set_member(value, function.assign_to.unwrap_or(attribute), result);
            return Ok(Some(value));
        }
        match function.assign_to {
            Some(assign_to) if self.shape(value) == Shape::Object => {
                let input = self.arena.copy(value);
                if let Some(result) = self.compute(function, input)? {
                    self.set_member(value, assign_to, result);
                }
                Ok(Some(value))
            }
            _ => self.compute(function, value),
        }
    }

    /// The function itself, on one value.
    fn compute(&mut self, function: &Function, value: Id) -> Result<Option<Id>, Fault> {
        match &function.kind {
            Kind::CopyMapEntry { from, to } => {
                self.want_object(function, value)?;
                if let Some(member) = self.member(value, *from) {
                    let copy = self.arena.copy(member);
                    self.set_member(value, *to, copy);
                }
                Ok(Some(value))
            }
            Kind::RenameMapEntry { from, to } => {
                self.want_object(function, value)?;
                self.rename_member(value, *from, *to);
                Ok(Some(value))
            }
            Kind::PutIfAbsent { key, value: default } | Kind::PutIfPresent { key, value: default } => {
                self.want_object(function, value)?;
                let present = self.member(value, *key).is_some();
                if present == matches!(function.kind, Kind::PutIfPresent { .. }) {
                    let default = self.constant(*default);
                    self.set_member(value, *key, default);
                }
                Ok(Some(value))
            }
            Kind::ElementAt(index) => {
                let Some(elements) = self.elements(value) else { return Ok((*index == 0 || *index == -1).then_some(value)) };
                let index = if *index < 0 {
                    usize::try_from(index.unsigned_abs()).ok().and_then(|back| elements.len().checked_sub(back))
                } else {
                    usize::try_from(*index).ok()
                };
                Ok(index.and_then(|index| elements.get(index).copied()))
            }
            Kind::ResolveEntityIds { lookup, key } => self.resolve(function, *lookup, *key, value),
            Kind::RandomPassword(password) => {
                let Some(random) = &mut self.random else {
                    return Err(self.function_fault(function, "needs randomness, and none was given"));
                };
                let mut text = String::new();
                password.make(random, &mut text);
                Ok(Some(self.arena.string(&text)))
            }
            Kind::TimezoneCode(format) => {
                let content = self.content(value).unwrap_or_default();
                Ok(Some(self.arena.string(timezone(&content, *format))))
            }
            Kind::CountryCode { .. } | Kind::CountryRegion { .. } if self.shape(value) == Shape::Object => {
                self.convert_attributes(function, value)?;
                Ok(Some(value))
            }
            Kind::Encode { algorithm, padding } if self.shape(value) != Shape::Null => {
                let text = match self.bytes(value) {
                    Some(bytes) => algorithm.encode(&bytes, *padding),
                    None => algorithm.encode(self.content(value).unwrap_or_else(|| self.json(value)).as_bytes(), *padding),
                };
                self.made(function, &text)
            }
            Kind::ToText => {
                if let Some(bytes) = self.bytes(value) {
                    return Ok(Some(self.arena.string(&String::from_utf8_lossy(&bytes))));
                }
                if let Some(content) = self.content(value) {
                    return Ok(Some(self.arena.string(&content)));
                }
                let json = self.json(value);
                Ok(Some(self.arena.string(&json)))
            }
            _ if self.shape(value) == Shape::Null => Ok(Some(value)),
            _ => {
                // The two texts are lent by the run, so that most functions allocate nothing.
                let mut texts = std::mem::take(self.texts);
                let [content, result] = &mut texts;
                content.clear();
                result.clear();
                let computed = if self.push_content(value, content) {
                    self.compute_text(function, content, result)
                } else {
                    let found = self.shape(value).name();
                    Err(self.function_fault(function, &format!("takes a text, not {found}")))
                };
                *self.texts = texts;
                computed
            }
        }
    }

    /// The functions that take a text. `result` is empty and takes the new text.
    fn compute_text(&mut self, function: &Function, content: &str, result: &mut String) -> Result<Option<Id>, Fault> {
        let at = &function.pointer;
        match &function.kind {
            Kind::ConcatString { prefix, suffix } => {
                if let Some(prefix) = prefix {
                    self.push_parameter(prefix, at, result)?;
                }
                push(result, content);
                if let Some(suffix) = suffix {
                    self.push_parameter(suffix, at, result)?;
                }
            }
            Kind::CompositeId { sub_id, separator } => {
                push(result, content);
                self.push_parameter(separator, at, result)?;
                self.push_parameter(sub_id, at, result)?;
            }
            Kind::ReplaceString { target, replacement } => {
                let (target, replacement) = (self.parameter(target, at)?, self.parameter(replacement, at)?);
                if target.is_empty() {
                    push(result, content);
                } else {
                    text::replace(content, &target, &replacement, result);
                }
            }
            Kind::ReplaceMatches { regex, replacement, which } => {
                let replacement = self.parameter(replacement, at)?;
                let made = self.expression(function, regex)?;
                replace(&made, content, &replacement, *which, &self.budget, result).map_err(|failure| self.failed(function, failure))?;
            }
            Kind::MatchRegex(regex) => {
                let made = self.expression(function, regex)?;
                let found = made.matches(content, &self.budget).map_err(|limit| self.failed(function, limit.into()))?;
                return Ok(Some(self.arena.scalar(if found { "true" } else { "false" })));
            }
            Kind::MatchedGroup { regex, group: number } => {
                let made = self.expression(function, regex)?;
                match group(&made, content, *number, &self.budget).map_err(|failure| self.failed(function, failure))? {
                    Some(found) => push(result, &found),
                    None => return Ok(None),
                }
            }
            Kind::Split(separator) => {
                let separator = self.parameter(separator, at)?;
                let list = self.arena.empty_array();
                for piece in text::split(content, &separator) {
                    let element = self.arena.string(piece);
                    self.arena.push(list, element);
                }
                return Ok(Some(list));
            }
            Kind::Substring { begin, end } => push(result, text::substring(content, *begin, *end)),
            Kind::UpperCase { dotted_i } => text::upper_case(content, *dotted_i, result),
            Kind::LowerCase { dotted_i } => text::lower_case(content, *dotted_i, result),
            Kind::CountryCode { format, .. } => match Country::find(content) {
                Some(country) => result.push_str(country.written(*format)),
                None if content.trim().is_empty() => {}
                None => return Err(self.no_country(function)),
            },
            Kind::CountryRegion { format, .. } => match Region::find(content, None) {
                Some(region) => result.push_str(&region.written(*format)),
                None if content.trim().is_empty() => {}
                None => return Err(self.no_region(function)),
            },
            Kind::LocaleCode(format) => result.push_str(&locale(content, *format)),
            Kind::Decode(algorithm) => {
                let Some(bytes) = algorithm.decode(content) else {
                    return Err(self.function_fault(function, "cannot decode the value in hand"));
                };
                return Ok(Some(self.arena.bytes(&WRITTEN.encode(&bytes, true))));
            }
            Kind::ManipulateDate { source, target, shift } => self.manipulate_date(function, (source, target, *shift), content, result)?,
            // The others do not come here.
            _ => push(result, content),
        }
        self.made(function, result)
    }

    /// A text as a value, if it is not too long.
    pub(super) fn made(&mut self, function: &Function, text: &str) -> Result<Option<Id>, Fault> {
        if text.len() > SIZE {
            return Err(self.failed(function, Failure::Limit));
        }
        Ok(Some(self.arena.string(text)))
    }

    /// A source id, or an object that has one under `value`. What is not known is left out and noted.
    fn resolve(&mut self, function: &Function, lookup: u32, key: crate::output::Key, value: Id) -> Result<Option<Id>, Fault> {
        if self.shape(value) == Shape::Object {
            let Some(member) = self.member(value, key) else { return Ok(Some(value)) };
            let Some(result) = self.resolve(function, lookup, key, member)? else { return Ok(None) };
            self.set_member(value, key, result);
            return Ok(Some(value));
        }
        if self.shape(value) == Shape::Null {
            return Ok(None);
        }
        let Some(id) = self.content(value) else {
            let found = self.shape(value).name();
            return Err(self.function_fault(function, &format!("takes an id, an object with `value` or a list of these, not {found}")));
        };
        match self.lookups.answer(lookup, &id) {
            Answer::Known(target) => {
                let target = self.arena.string(target);
                self.step(&function.pointer, || format!("the source's id {id} stands for this one"), Some(target));
                Ok(Some(target))
            }
            Answer::Unknown => {
                self.step(&function.pointer, || format!("nobody knows the source's id {id}: left out"), None);
                self.unresolved.push(id);
                Ok(None)
            }
            Answer::Pending => {
                self.pending = true;
                Ok(None)
            }
        }
    }

    /// The bytes `decode` gave.
    fn bytes(&self, value: Id) -> Option<Vec<u8>> {
        if !self.arena.is_bytes(value) {
            return None;
        }
        WRITTEN.decode(&self.content(value)?)
    }

    fn push_parameter(&mut self, parameter: &Text, pointer: &str, out: &mut String) -> Result<(), Fault> {
        push(out, &self.parameter(parameter, pointer)?);
        Ok(())
    }

    fn parameter<'p>(&mut self, parameter: &'p Text, pointer: &str) -> Result<Cow<'p, str>, Fault> {
        Ok(match parameter {
            Text::Fixed(text) => Cow::Borrowed(text),
            Text::Template(template) => {
                let variables = self.variable_texts(template.variables());
                Cow::Owned(template.render(&variables))
            }
            Text::Path(path) => Cow::Owned(self.read_text(path, pointer)?),
        })
    }

    fn expression<'e, E: Compile>(&mut self, function: &Function, expression: &'e Expression<E>) -> Result<Made<'e, E>, Fault> {
        match expression {
            Expression::Fixed(regex) => Ok(Made::Fixed(regex)),
            Expression::Template(template) => {
                let variables = self.variable_texts(template.variables());
                E::compile(&template.render(&variables)).map(Made::New).map_err(|what| {
                    self.function_fault(function, &format!("has a wrong regular expression once its variables are filled in: {what}"))
                })
            }
        }
    }

    fn want_object(&self, function: &Function, value: Id) -> Result<(), Fault> {
        match self.shape(value) {
            Shape::Object => Ok(()),
            other => Err(self.function_fault(function, &format!("takes an object or a list of objects, not {}", other.name()))),
        }
    }

    pub(super) fn failed(&self, function: &Function, failure: Failure) -> Fault {
        match failure {
            Failure::Limit => Self::limit(&function.pointer),
            Failure::What(what) => self.function_fault(function, &what),
        }
    }

    #[expect(clippy::unused_self, reason = "reads better beside the calls that do need it")]
    pub(super) fn function_fault(&self, function: &Function, what: &str) -> Fault {
        Fault {
            code: "mapping.function-failed",
            message: format!("the function {} {what}", function.name),
            at: function.pointer.to_string(),
        }
    }
}
