//! What became of one entity in a transformation, as a line for scripts, and the way it took, for a person.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;
use serde_json::value::RawValue;

use super::text::printable;
use crate::sandbox::contract::{Mapped, MappingFault, Skip, Step, Transformed};

/// How much of a step's value a person is shown; the line for scripts has all of it.
const SHOWN: usize = 200;

/// What became of one entity; serialised it is a line of `provisor map`. Documents and values go out as the very text the component put out.
#[derive(Default, Serialize)]
pub struct MappedLine {
    /// `mapped`, `skipped` or `failed`.
    pub outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<BTreeMap<String, Box<RawValue>>>,
    /// Why the entity was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// JSON pointer to the mapping that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Source ids that no relation knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unresolved: Vec<String>,
    /// The way it took, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<StepLine>>,
}

/// One thing that happened on the way.
#[derive(Serialize)]
pub struct StepLine {
    /// JSON pointer to the mapping, condition or function.
    pub at: String,
    pub what: String,
    /// The value in hand after this step; of a condition an object with what it looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<RawValue>>,
}

impl MappedLine {
    /// An outcome without the way to it.
    pub fn of(outcome: Transformed) -> Self {
        match outcome {
            Transformed::Mapped(Mapped { document, variables, unresolved }) => Self {
                outcome: "mapped",
                document: Some(raw(document)),
                variables: Some(variables.into_iter().map(|variable| (variable.name, raw(variable.value))).collect()),
                unresolved,
                ..Self::default()
            },
            Transformed::Skipped(Skip::OutOfScope(left_out) | Skip::Operation(left_out)) => Self::skipped(left_out.reason),
            Transformed::Failed(MappingFault { code, message, at }) => Self::failed(code, message, at),
            Transformed::Unmapped => {
                Self::skipped("No mapping has the scope of this operation: the target carries it out by itself".into())
            }
        }
    }

    /// An outcome and the way to it.
    pub fn explained((outcome, steps): (Transformed, Vec<Step>)) -> Self {
        let steps = steps.into_iter().map(|step| StepLine { at: step.at, what: step.what, value: step.value.map(raw) }).collect();
        Self { steps: Some(steps), ..Self::of(outcome) }
    }

    fn skipped(reason: String) -> Self {
        Self { outcome: "skipped", reason: Some(reason), ..Self::default() }
    }

    pub fn failed(code: String, message: String, at: String) -> Self {
        Self { outcome: "failed", code: Some(code), message: Some(message), at: Some(at), ..Self::default() }
    }
}

/// For a person: the steps below the mapping they belong to, then what came of it.
///
/// ```text
/// /user/mappings/0
///   read $.mail                               "Ann@example.com"
///   functions/0: toLowerCaseString of "Ann@example.com"
///                                             "ann@example.com"
///   wrote $.emails[0].value                   "ann@example.com"
///
/// mapped
/// {
///   "emails": ...
/// ```
impl fmt::Display for MappedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = None;
        for step in self.steps.iter().flatten() {
            let (mapping, rest) = split(&step.at);
            if place != Some(mapping) {
                writeln!(f, "{}", printable(if mapping.is_empty() { "/" } else { mapping }))?;
                place = Some(mapping);
            }
            let what = if rest.is_empty() { printable(&step.what) } else { format!("{rest}: {}", printable(&step.what)) };
            match &step.value {
                None => writeln!(f, "  {what}")?,
                Some(value) if what.chars().count() <= 42 => writeln!(f, "  {what:<42}{}", cut(value.get()))?,
                Some(value) => writeln!(f, "  {what}\n  {:<42}{}", "", cut(value.get()))?,
            }
        }
        if place.is_some() {
            writeln!(f)?;
        }
        match (&self.reason, &self.message) {
            (Some(reason), _) => writeln!(f, "skipped: {}", printable(reason))?,
            (None, Some(message)) => {
                let (code, at) = (self.code.as_deref().unwrap_or_default(), self.at.as_deref().unwrap_or_default());
                writeln!(f, "failed [{code}] {at}: {}", printable(message))?;
            }
            (None, None) => writeln!(f, "{}", self.outcome)?,
        }
        if let Some(document) = &self.document {
            writeln!(f, "{}", printable(&indented(document.get())))?;
        }
        for (name, value) in self.variables.iter().flatten() {
            writeln!(f, "variable {} = {}", printable(name), cut(value.get()))?;
        }
        for id in &self.unresolved {
            writeln!(f, "unresolved: {}", printable(id))?;
        }
        Ok(())
    }
}

/// The pointer of the mapping (or of the entity's condition), and what is below it.
fn split(pointer: &str) -> (&str, &str) {
    match pointer.match_indices('/').nth(3) {
        Some((at, _)) if pointer.split('/').nth(2) == Some("mappings") => (&pointer[..at], &pointer[at + 1..]),
        _ => (pointer, ""),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}... ({} bytes)", printable(&text[..end]), text.len()),
        None => printable(text),
    }
}

/// JSON text on lines of its own, otherwise as it is: the order of its members and the way its numbers are written stay.
fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let mut chars = json.chars().filter(|char| !matches!(char, '\n' | '\r' | '\t')).peekable();
    while let Some(char) = chars.next() {
        if in_string {
            out.push(char);
            (in_string, escaped) = (escaped || char != '"', !escaped && char == '\\');
            continue;
        }
        let line = |out: &mut String, depth: usize| {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        };
        match char {
            ' ' => {}
            '"' => {
                in_string = true;
                out.push(char);
            }
            '{' | '[' => {
                out.push(char);
                while chars.next_if_eq(&' ').is_some() {}
                if let Some(closing) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(closing);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(char);
            }
            ',' => {
                out.push(char);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(char),
        }
    }
    out
}

/// JSON text as it is; `null` for what is no JSON, from a component that breaks the contract.
fn raw(text: String) -> Box<RawValue> {
    match RawValue::from_string(text) {
        Ok(value) => value,
        Err(_) => RawValue::NULL.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::contract::LeftOut;

    fn step(at: &str, what: &str, value: Option<&str>) -> Step {
        Step { at: at.into(), what: what.into(), value: value.map(Into::into) }
    }

    #[test]
    fn a_person_reads_the_way_mapping_by_mapping() {
        let steps = vec![
            step("/user/condition", "the condition of the entity [$.active] is true", Some(r#"{"$.active":true}"#)),
            step("/user/mappings/0", "read $.a", Some("\"x\u{1b}\"")),
            step("/user/mappings/0/functions/1", "toString of 1", Some("\"1\"")),
            step("/user/mappings/1", "there is no value: left out", None),
        ];
        let document = r#"{"b":{"c":[1, 2.0],"d":"{,}\"["},"a":[],"e":{ }}"#.to_owned();
        let mapped = Mapped { document, variables: Vec::new(), unresolved: vec!["7".into()] };
        let line = MappedLine::explained((Transformed::Mapped(mapped), steps));
        let expected = r#"/user/condition
  the condition of the entity [$.active] is true
                                            {"$.active":true}
/user/mappings/0
  read $.a                                  null
  functions/1: toString of 1                "1"
/user/mappings/1
  there is no value: left out

mapped
{
  "b": {
    "c": [
      1,
      2.0
    ],
    "d": "{,}\"["
  },
  "a": [],
  "e": {}
}
unresolved: 7
"#;
        assert_eq!(line.to_string(), expected);
        let json = serde_json::to_string(&line).expect("a line");
        assert!(json.starts_with(r#"{"outcome":"mapped","document":{"b":{"c":[1, 2.0]"#), "{json}");
        assert!(json.contains(r#"{"at":"/user/mappings/1","what":"there is no value: left out"}"#), "{json}");
    }

    #[test]
    fn skips_and_failures_say_why() {
        let skipped =
            MappedLine::explained((Transformed::Skipped(Skip::OutOfScope(LeftOut { reason: "no".into(), source_id: None })), Vec::new()));
        assert_eq!(skipped.to_string(), "skipped: no\n");
        let fault = MappingFault { code: "mapping.limit".into(), message: "too much".into(), at: "/user/mappings/3".into() };
        assert_eq!(MappedLine::of(Transformed::Failed(fault)).to_string(), "failed [mapping.limit] /user/mappings/3: too much\n");
    }
}
