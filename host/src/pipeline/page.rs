//! What travels between the stages: one page of entities, as a unit.

use sha2::{Digest as _, Sha256};

use crate::{sandbox::contract::Variable, state::Checkpoint};

/// A SHA-256.
pub type Digest = [u8; 32];

/// A page as the source read it.
#[derive(Debug)]
pub struct RawPage {
    /// From 1.
    pub number: u64,
    /// Where the next page begins; absent after the last.
    pub next: Option<String>,
    /// (the connector's id for messages, the document's text).
    pub entities: Vec<(String, String)>,
    /// How many entities the source counts in all, if it tells.
    pub total: Option<u64>,
}

/// A page after the read mapping, shared by all targets.
#[derive(Debug)]
pub struct CommonPage {
    pub place: Checkpoint,
    pub entities: Vec<CommonEntity>,
    /// Source ids of entities that the read mapping left out because they are out of its scope.
    pub left_scope: Vec<String>,
    /// Source ids of entities that the read mapping left out and whose counterparts stay as they are.
    pub left_alone: Vec<String>,
}

/// One entity in common JSON.
#[derive(Clone, Debug)]
pub struct CommonEntity {
    /// `entityIdSourceSystem`, as text.
    pub source_id: String,
    /// The document, exactly as the mapping put it out.
    pub document: String,
    /// SHA-256 of the document.
    pub digest: Digest,
}

/// SHA-256 of a text.
pub fn digest(text: &str) -> Digest {
    Sha256::digest(text.as_bytes()).into()
}

/// The digest that stands for "this document through these mappings": a changed mapping changes it for every entity.
pub fn combine(version: &Digest, document: &Digest) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(version);
    hasher.update(document);
    hasher.finalize().into()
}

/// The variable that names an entity in its source.
pub const ID_VARIABLE: &str = "entityIdSourceSystem";

/// A variable's value as an id.
pub fn id_variable(variables: &[Variable], name: &str) -> Option<String> {
    id_of(&variables.iter().find(|variable| variable.name == name)?.value)
}

/// A JSON text as an id: the text of a string, the digits of a number.
pub fn id_of(value: &str) -> Option<String> {
    match serde_json::from_str::<serde_json::Value>(value).ok()? {
        serde_json::Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A variable with a text value.
pub fn text_variable(name: &str, value: &str) -> Variable {
    Variable { name: name.to_owned(), value: serde_json::Value::from(value).to_string() }
}
