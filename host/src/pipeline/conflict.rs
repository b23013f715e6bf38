//! The entity is already there: found by its unique attributes, updated and remembered (spec section 2.7).

use serde_json::Value;

use super::{
    PipelineError,
    outcome::{Settled, code_of},
    plan::{PlannedChange, PlannedStep},
    write::Writer,
};
use crate::sandbox::contract::{Action, AttributeValue, Change, Failure, Kind, Update, Written};

/// What looking for an entity came to.
enum Found {
    One(String),
    /// Nothing, or no way to look; the text says which.
    None(String),
    Several(Vec<String>),
    Failed(Settled),
}

impl Writer {
    /// A create was answered "exists": find it, make sure it belongs to nobody else, update it, remember that it existed before.
    pub(super) async fn resolve_conflict(
        &mut self,
        entity_type: &str,
        planned: &mut PlannedChange,
        refused: &Failure,
    ) -> Result<Settled, PipelineError> {
        // With a note of an interrupted create, what exists is what that create made.
        let ours = matches!(planned.step, PlannedStep::Create { uncertain: true });
        match self.look_for(entity_type, &planned.document).await? {
            Found::One(target_id) => self.adopt(entity_type, planned, target_id, !ours).await,
            Found::None(why) => Ok(Settled::failed("conflict.not-found", &format!("{}; {why}", refused.message))),
            Found::Several(ids) => {
                let message = format!("{}; more than one entity has the same unique attributes: {}", refused.message, ids.join(", "));
                Ok(Settled::failed("conflict.ambiguous", &message))
            }
            Found::Failed(settled) => Ok(settled),
        }
    }

    /// A create that may have happened already: look first, create only if nothing is there.
    pub(super) async fn create_in_doubt(&mut self, entity_type: &str, planned: &mut PlannedChange) -> Result<Settled, PipelineError> {
        planned.step = PlannedStep::Create { uncertain: true };
        match self.look_for(entity_type, &planned.document).await? {
            Found::One(target_id) => self.adopt(entity_type, planned, target_id, false).await,
            Found::None(_) => self.one(entity_type, planned).await,
            Found::Several(ids) => {
                let message =
                    format!("an interrupted create left a doubt, and more than one entity has its unique attributes: {}", ids.join(", "));
                Ok(Settled::Failed { code: "conflict.ambiguous".into(), message, in_doubt: true })
            }
            Found::Failed(Settled::Failed { code, message, .. }) => Ok(Settled::Failed { code, message, in_doubt: true }),
            Found::Failed(settled) => Ok(settled),
        }
    }

    async fn adopt(
        &mut self,
        entity_type: &str,
        planned: &mut PlannedChange,
        target_id: String,
        existed_before: bool,
    ) -> Result<Settled, PipelineError> {
        let source_id = &planned.entity.source_id;
        let committed = self.run.state.related_to(&self.run.link, entity_type, &target_id).await?;
        let other = committed.filter(|other| other != source_id).or_else(|| self.claim(&target_id, source_id));
        if let Some(other) = other {
            return Ok(Settled::already_related(&target_id, &other, source_id));
        }
        let update = Update { id: target_id.clone(), document: planned.document.clone() };
        let change = Change { entity_type: entity_type.to_owned(), action: Action::Update(update) };
        let settled = match self.call(std::slice::from_ref(&change)).await? {
            Ok(outcomes) => match outcomes.into_iter().next() {
                Some(Written::Written(written)) => {
                    return Ok(Settled::Written { target_id: written.id, existed_before, created: !existed_before });
                }
                Some(Written::Failed(failure)) => Settled::failed(&code_of(&failure), &failure.message),
                None => Settled::failed("plugin.contract", "no outcome for one change"),
            },
            Err(fault) => Settled::fault(&fault, !existed_before),
        };
        self.release(&target_id);
        Ok(settled)
    }

    async fn look_for(&mut self, entity_type: &str, document: &str) -> Result<Found, PipelineError> {
        let can_find = self.run.spec.connector.plugin.description().entity_type(entity_type).is_some_and(|known| known.abilities.find);
        let attributes = self.run.spec.unique_attributes.get(entity_type).map(Vec::as_slice).unwrap_or_default();
        if !can_find || attributes.is_empty() {
            return Ok(Found::None("this target cannot be searched".into()));
        }
        let Ok(document) = serde_json::from_str::<Value>(document) else {
            return Ok(Found::None("the document is not JSON".into()));
        };
        let mut wanted = Vec::with_capacity(attributes.len());
        for attribute in attributes {
            match attribute_value(&document, attribute) {
                Some(value) => wanted.push(AttributeValue { attribute: attribute.clone(), value: value.to_string() }),
                None => return Ok(Found::None(format!("the document has no {attribute} to look for"))),
            }
        }
        let run = self.run.clone();
        let answer = match self.instance().await?.find(entity_type, &wanted).await {
            Ok(answer) => answer,
            Err(fault) => {
                self.faulted();
                return Ok(Found::Failed(Settled::fault(&fault, false)));
            }
        };
        Ok(match answer {
            Ok(entities) => match <[_; 1]>::try_from(entities) {
                Ok([entity]) => Found::One(entity.id),
                Err(entities) if entities.is_empty() => {
                    let by: Vec<_> = wanted.iter().map(|w| format!("{} = {}", w.attribute, w.value)).collect();
                    Found::None(format!("and {} was not found by {}", run.spec.name, by.join(", ")))
                }
                Err(entities) => Found::Several(entities.into_iter().map(|entity| entity.id).collect()),
            },
            Err(failure) if matches!(failure.kind, Kind::NotFound) => Found::None(failure.message),
            Err(failure) => Found::Failed(Settled::failed(&code_of(&failure), &failure.message)),
        })
    }
}

/// The value at a unique attribute's path: `userName`, `emails[0].value`, `['urn:x']['name']`, with or without `$.` in front.
fn attribute_value<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = document;
    let mut rest = path.trim().trim_start_matches('$');
    // RFC 7644 section 3.10: a schema's name is full of dots, the attribute stands behind its last colon.
    if let Some((schema, attribute)) = rest.strip_prefix("urn:").and_then(|_| rest.rsplit_once(':')) {
        value = value.get(schema)?;
        rest = attribute;
    }
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix("['") {
            let (name, after) = quoted.split_once("']")?;
            value = value.get(name)?;
            rest = after;
        } else if let Some(index) = rest.strip_prefix('[') {
            let (index, after) = index.split_once(']')?;
            value = match index {
                "*" => value.get(0)?,
                index => value.get(index.parse::<usize>().ok()?)?,
            };
            rest = after;
        } else {
            let name = rest.trim_start_matches('.');
            let end = name.find(['.', '[']).unwrap_or(name.len());
            value = value.get(&name[..end])?;
            rest = &name[end..];
        }
    }
    (!value.is_null()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_attributes_are_found_in_every_form_the_reference_writes() {
        let document = serde_json::json!({"userName": "ada", "emails": [{"value": "a@b.c"}], "urn:x:2.0": {"name": "n"}, "none": null});
        for (path, expected) in [
            ("userName", Some("ada")),
            ("$.userName", Some("ada")),
            ("emails[0].value", Some("a@b.c")),
            ("emails[*].value", Some("a@b.c")),
            ("['urn:x:2.0']['name']", Some("n")),
            ("urn:x:2.0:name", Some("n")),
            ("none", None),
            ("emails[1].value", None),
            ("emails[", None),
            ("userName.x", None),
        ] {
            assert_eq!(attribute_value(&document, path).and_then(Value::as_str), expected, "{path}");
        }
    }
}
