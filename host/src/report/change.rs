//! What a simulation would have done to single entities.

use serde_json::{Value, json};

/// Whether it is known what the target has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing: it would be created.
    Absent,
    /// It was read.
    Read,
    /// The connector can neither read one entity nor find it.
    Unknown,
}

impl Before {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Read => "read",
            Self::Unknown => "unknown",
        }
    }
}

/// One attribute that would change.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeChange {
    /// A path in dot notation.
    pub attribute: String,
    /// Absent: the target has none, or nobody knows.
    pub before: Option<Value>,
    pub after: Value,
}

/// What would be done for one entity.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedChange {
    pub system: String,
    pub entity_type: String,
    /// The source id.
    pub entity: String,
    /// The id in the target; empty for what would be created.
    pub id: String,
    /// `create`, `update`, `update (exists)`, `delete`, `delete (an update)`, `delete (groups)`, `groups` (of somebody who is deleted in another line), `disable`.
    pub operation: &'static str,
    pub before: Before,
    pub attributes: Vec<AttributeChange>,
}

impl SimulatedChange {
    /// As it stands in the object of `--json`.
    pub fn json(&self) -> Value {
        let attribute = |change: &AttributeChange| match &change.before {
            Some(before) => json!({ "attribute": change.attribute, "before": before, "after": change.after }),
            None => json!({ "attribute": change.attribute, "after": change.after }),
        };
        json!({
            "system": self.system, "entity-type": self.entity_type, "entity": self.entity, "id": self.id, "operation": self.operation,
            "before": self.before.word(), "attributes": self.attributes.iter().map(attribute).collect::<Vec<_>>(),
        })
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let attributes: Vec<String> = self.attributes.iter().map(|change| self.attribute(change)).collect();
        let note = match self.before {
            Before::Unknown if !self.attributes.is_empty() => " (what the target has is not known)",
            _ => "",
        };
        let colon = if attributes.is_empty() { "" } else { ": " };
        format!("{} {} {} ({}){note}{colon}{}", self.operation, self.entity_type, self.entity, self.system, attributes.join(", "))
    }

    fn attribute(&self, change: &AttributeChange) -> String {
        let before = match (&change.before, self.before) {
            (Some(before), _) => format!("{} -> ", short(before)),
            (None, Before::Read) => "nothing -> ".to_owned(),
            (None, _) => String::new(),
        };
        format!("{} {before}{}", change.attribute, short(&change.after))
    }
}

/// A value in a line: the start of it.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
