//! The values that mappings with `correlationAttribute` give: for each such mapping a copy that sets a variable.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::USER;
use crate::{
    pipeline::{MappingSpec, without_comments},
    sandbox::contract::Variable,
};

/// What the names of these variables begin with.
const VARIABLE: &str = "provisorCorrelation";

/// What says where a mapping's result goes. A default stands for nobody.
const NOT_COPIED: [&str; 4] = ["targetPath", "targetVariable", "defaultValue", "correlationAttribute"];

/// The marked mappings of a transformation.
pub(super) struct Marks {
    count: usize,
}

impl Marks {
    /// Add the copies to a transformation.
    pub fn mark(spec: &mut MappingSpec) -> Self {
        let mut count = 0;
        for element in spec.elements.iter_mut().filter(|element| element.speaks_mapping()) {
            // What is no JSON is refused when it is opened.
            if let Some(marked) = marked(&element.text, &mut count) {
                element.text = marked.into();
            }
        }
        Self { count }
    }

    /// The marked values of a user, as digests. Text by itself and numbers by their digits, of lists and objects every value in them; case counts.
    pub fn values(&self, variables: &[Variable]) -> Vec<u128> {
        let mut values = Vec::new();
        for variable in variables.iter().filter(|variable| self.is_mark(&variable.name)) {
            if let Ok(value) = serde_json::from_str(&variable.value) {
                scalars(&value, &mut values);
            }
        }
        values
    }

    fn is_mark(&self, name: &str) -> bool {
        name.strip_prefix(VARIABLE).and_then(|number| number.parse().ok()).is_some_and(|number: usize| number < self.count)
    }
}

fn marked(text: &str, count: &mut usize) -> Option<String> {
    let mut document: Value = serde_json::from_str(&without_comments(text)).ok()?;
    let mappings = document.get_mut(USER)?.get_mut("mappings")?.as_array_mut()?;
    let before = *count;
    *mappings = std::mem::take(mappings)
        .into_iter()
        .flat_map(|mapping| {
            let copy = mapping.as_object().and_then(copy).map(|mut copy| {
                copy.insert("targetVariable".into(), format!("{VARIABLE}{count}").into());
                *count += 1;
                Value::Object(copy)
            });
            std::iter::once(mapping).chain(copy)
        })
        .collect();
    (*count > before).then(|| document.to_string())
}

/// Of a marked mapping that takes its value from the entity.
fn copy(mapping: &Map<String, Value>) -> Option<Map<String, Value>> {
    let is_marked = mapping.get("correlationAttribute").is_some_and(|mark| mark == true || mark == "true");
    let has_value = mapping.contains_key("sourcePath") || mapping.contains_key("sourceVariable");
    let mut copy = mapping.clone();
    copy.retain(|name, _| !NOT_COPIED.contains(&name.as_str()));
    copy.insert("optional".into(), true.into());
    (is_marked && has_value).then_some(copy)
}

fn scalars(value: &Value, values: &mut Vec<u128>) {
    match value {
        Value::String(text) if !text.is_empty() => values.push(fingerprint(text)),
        Value::Number(number) => values.push(fingerprint(&number.to_string())),
        Value::Array(list) => list.iter().for_each(|value| scalars(value, values)),
        Value::Object(object) => object.values().for_each(|value| scalars(value, values)),
        Value::String(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// Half a SHA-256: two people meet by chance once in 2^64.
pub(super) fn fingerprint(text: &str) -> u128 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_mappings_get_a_copy_behind_them() {
        let text = r#"{"user":{"mappings":[ // comments are allowed
            {"sourcePath":"$.mail","targetPath":"$.mail","defaultValue":"nobody@example.com","correlationAttribute":true},
            {"sourcePath":"$.id","targetPath":"$.id"},
            {"constant":"x","targetPath":"$.x","correlationAttribute":true},
            {"sourcePath":"$.number","correlationAttribute":true,"functions":[{"function":"trim"}]}]},
            "group":{"mappings":[{"sourcePath":"$.id","targetPath":"$.id","correlationAttribute":true}]}}"#;
        let mut count = 3;
        let marked: Value = serde_json::from_str(&marked(text, &mut count).expect("marked")).expect("JSON");
        assert_eq!(count, 5);
        let mappings = marked["user"]["mappings"].as_array().expect("mappings");
        assert_eq!(mappings.len(), 6);
        assert_eq!(mappings[1], serde_json::json!({ "sourcePath": "$.mail", "optional": true, "targetVariable": "provisorCorrelation3" }));
        assert_eq!(mappings[5]["targetVariable"], "provisorCorrelation4");
        assert_eq!(mappings[5]["functions"][0]["function"], "trim");
        assert_eq!(marked["group"]["mappings"].as_array().map(Vec::len), Some(1));
        assert_eq!(super::marked("[]", &mut count).or(super::marked("{", &mut count)), None);
    }

    #[test]
    fn values_are_found_wherever_they_stand() {
        let marks = Marks { count: 1 };
        let variable = |name: &str, value: &str| Variable { name: name.into(), value: value.into() };
        let values = marks.values(&[
            variable("provisorCorrelation0", r#"["a",{"value":"b","primary":true},7,"",null]"#),
            variable("provisorCorrelation1", r#""somebody's own""#),
            variable("entityIdSourceSystem", r#""a""#),
        ]);
        assert_eq!(values, ["a", "b", "7"].map(fingerprint));
    }
}
