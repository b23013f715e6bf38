//! The object of `provisor explain --json`: for scripts, so names here are stable. Documents go out as the very text the components put out.

use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{AtTarget, Explanation, Reading};
use crate::{history, report::MappedLine};

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Answer<'a> {
    entity_type: &'a str,
    source: &'a str,
    source_id: &'a str,
    found: bool,
    how: Option<&'a str>,
    code: Option<&'a str>,
    message: Option<&'a str>,
    raw: Option<Box<RawValue>>,
    read: Option<&'a MappedLine>,
    targets: Vec<Target<'a>>,
    last_run: Option<Value>,
    log: Vec<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Target<'a> {
    system: &'a str,
    #[serde(rename = "target-id")]
    id: Option<&'a str>,
    existed_before: Option<bool>,
    written: Option<String>,
    next: &'static str,
    why: &'a str,
    /// `create`, `update` or `delete`: what the write transformation was asked for.
    operation: Option<&'static str>,
    write: Option<&'a MappedLine>,
}

impl Explanation {
    /// The object of `--json`, as text.
    pub fn json(&self) -> String {
        let mut answer = Answer {
            entity_type: &self.entity_type,
            source: &self.source,
            source_id: &self.source_id,
            found: false,
            how: None,
            code: None,
            message: None,
            raw: None,
            read: None,
            targets: self.targets.iter().map(target).collect(),
            last_run: self.last_run.as_ref().map(history::head),
            log: self.log.iter().map(history::row).collect(),
        };
        match &self.reading {
            Reading::Found(found) => {
                (answer.found, answer.how, answer.read) = (true, Some(found.how.as_str()), Some(&found.way));
                // What is no JSON, from a component that breaks the contract, is null.
                answer.raw = RawValue::from_string(found.document.clone()).ok();
            }
            Reading::Absent { how } => answer.how = Some(how),
            Reading::Failed { code, message } => (answer.code, answer.message) = (Some(code.as_str()), Some(message.as_str())),
        }
        serde_json::to_string(&answer).unwrap_or_default()
    }
}

fn target(at: &AtTarget) -> Target<'_> {
    Target {
        system: &at.system,
        id: at.relation.as_ref().map(|relation| relation.target_id.as_str()),
        existed_before: at.relation.as_ref().map(|relation| relation.existed_before),
        written: at.relation.as_ref().map(|relation| history::moment(relation.updated_at)),
        next: at.next.word(),
        why: &at.why,
        operation: at.write.as_ref().map(|write| write.operation),
        write: at.write.as_ref().map(|write| &write.way),
    }
}
