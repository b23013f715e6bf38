//! Disabling instead of deleting: one attribute of the target's entity is changed by a SCIM patch. The relation stays and is marked; whoever comes back is written again
//! as a whole and is enabled.

use serde_json::{Value, json};

use super::super::{
    PipelineError,
    conflict::attribute_value,
    outcome::{Settled, code_of},
    plan::{PlannedChange, PlannedStep},
    write::Writer,
};
use crate::{
    manifest::Disable,
    sandbox::contract::{Action, Change, Patch, Written},
};

/// The patch that disables an entity, or enables it.
pub fn patch(id: &str, disable: &Disable, enable: bool) -> Action {
    let value = if enable { !disable.value } else { disable.value };
    let operations = json!([{ "op": "replace", "path": disable.attribute, "value": value }]).to_string();
    Action::Patch(Patch { id: id.to_owned(), operations })
}

impl Writer {
    /// Entities that were disabled, came back and were just updated: what was sent enables them, unless it says nothing about the attribute; then it is set by itself.
    pub(in super::super) async fn enable(
        &mut self,
        entity_type: &str,
        settled: &mut [(PlannedChange, Settled)],
    ) -> Result<(), PipelineError> {
        let disable = self.run.spec.deletions.disable.clone();
        let (mut changes, mut places) = (Vec::new(), Vec::new());
        for (place, (planned, settled)) in settled.iter().enumerate() {
            if let (PlannedStep::Update(relation), Settled::Written { target_id, created: false, .. }) = (&planned.step, settled)
                && relation.disabled
                && !mentions(&planned.document, &disable.attribute)
            {
                changes.push(Change { entity_type: entity_type.to_owned(), action: patch(target_id, &disable, true) });
                places.push(place);
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        match self.call(&changes).await? {
            Ok(outcomes) => {
                for (place, outcome) in places.into_iter().zip(outcomes) {
                    if let Written::Failed(failure) = outcome {
                        settled[place].1 =
                            Settled::failed(&code_of(&failure), &format!("it could not be enabled again: {}", failure.message));
                    }
                }
            }
            Err(fault) => places.into_iter().for_each(|place| settled[place].1 = Settled::fault(&fault, false)),
        }
        Ok(())
    }
}

fn mentions(document: &str, attribute: &str) -> bool {
    serde_json::from_str::<Value>(document).is_ok_and(|document| attribute_value(&document, attribute).is_some())
}
