//! The target and the state do not agree: an entity is already there, or gone, or nobody knows (spec sections 2.7 and 10, 11).

use serde_json::Value;

use super::{
    PipelineError,
    assign::{Assignments, digest_of},
    outcome::{Settled, code_of},
    page::text_variable,
    plan::{PlannedChange, PlannedStep},
    write::Writer,
};
use crate::sandbox::contract::{
    Action, AttributeValue, Change, Entity, Failure, Input, Kind, Mapped, Operation, Skip, Transformed, Update, Written,
};

/// What looking for an entity came to.
pub(super) enum Found {
    One(Entity),
    /// Nothing, or no way to look; the text says which.
    None(String),
    Several(Vec<String>),
    Failed(Settled),
}

/// What the transformation makes of an entity for one operation.
enum Remapped {
    Mapped(Mapped),
    /// The transformation does not want this operation.
    Unwanted(String),
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
        match self.look_for(entity_type, &planned.document).await? {
            Found::One(entity) => {
                // With a note of an interrupted create, what exists is what that create made, if it does not contradict what the create sent.
                let uncertain = matches!(planned.step, PlannedStep::Create { uncertain: true });
                let ours = uncertain && agrees(&entity.document, &planned.document);
                self.adopt(entity_type, planned, entity.id, !ours).await
            }
            Found::None(why) => Ok(Settled::failed("conflict.not-found", &format!("{}; {why}", refused.message))),
            Found::Several(ids) => {
                let message = format!("{}; more than one entity has the same unique attributes: {}", refused.message, ids.join(", "));
                Ok(Settled::failed("conflict.ambiguous", &message))
            }
            Found::Failed(settled) => Ok(settled),
        }
    }

    /// A create that may have happened already: look first, create only if nothing is there. What is there counts as created by us only if it does not contradict
    /// what the create sent; anything else was there before, and is not ours to delete later.
    pub(super) async fn create_in_doubt(&mut self, entity_type: &str, planned: &mut PlannedChange) -> Result<Settled, PipelineError> {
        planned.step = PlannedStep::Create { uncertain: true };
        let settled = match self.look_for(entity_type, &planned.document).await? {
            Found::One(entity) => {
                let ours = agrees(&entity.document, &planned.document);
                self.adopt(entity_type, planned, entity.id, !ours).await?
            }
            Found::None(_) => self.one(entity_type, planned).await?,
            Found::Several(ids) => {
                let message =
                    format!("an interrupted create left a doubt, and more than one entity has its unique attributes: {}", ids.join(", "));
                Settled::failed("conflict.ambiguous", &message)
            }
            Found::Failed(settled) => settled,
        };
        // What failed now leaves the doubt as it was: the next run looks again. Only an entity that is somebody else's is no doubt any more.
        Ok(match settled {
            Settled::Failed { code, message, .. } if code != "conflict.already-related" => {
                Settled::Failed { code, message, in_doubt: true }
            }
            settled => settled,
        })
    }

    /// An update was answered "not found". An interrupted update may have given the entity another id, so it is looked for; else it is created anew.
    pub(super) async fn create_again(&mut self, entity_type: &str, planned: &mut PlannedChange) -> Result<Settled, PipelineError> {
        let PlannedStep::Update(relation) = &planned.step else {
            return Ok(Settled::failed("plugin.contract", "only an update can miss its entity"));
        };
        let existed_before = relation.existed_before;
        tracing::warn!(system = %self.run.spec.name, entity_type, entity = %planned.entity.source_id, "gone from the target; it is looked for and created again");
        let document = match self.remap(entity_type, planned, Operation::Create, None).await? {
            Remapped::Mapped(mapped) => {
                planned.groups = Assignments::of(&mapped.variables).ok().flatten();
                mapped.document
            }
            Remapped::Unwanted(reason) => {
                return Ok(Settled::failed("backend.not-found", &format!("gone from the target, and not created again: {reason}")));
            }
            Remapped::Failed(settled) => return Ok(settled),
        };
        match self.look_for(entity_type, &document).await? {
            Found::One(entity) => return self.adopt(entity_type, planned, entity.id, existed_before).await,
            Found::None(_) => {}
            Found::Several(ids) => {
                let message = format!("gone from the target, and more than one entity has its unique attributes: {}", ids.join(", "));
                return Ok(Settled::failed("conflict.ambiguous", &message));
            }
            Found::Failed(settled) => return Ok(settled),
        }
        let change = Change { entity_type: entity_type.to_owned(), action: Action::Create(document) };
        Ok(match self.call(std::slice::from_ref(&change)).await? {
            Ok(outcomes) => match outcomes.into_iter().next() {
                Some(Written::Written(written)) if !written.id.is_empty() => match self.claim(&written.id, &planned.entity.source_id) {
                    None => Settled::created(written.id),
                    Some(other) => Settled::already_related(&written.id, &other, &planned.entity.source_id),
                },
                Some(Written::Failed(failure)) => Settled::failed(&code_of(&failure), &failure.message),
                Some(Written::Written(_)) | None => Settled::failed("plugin.contract", "no id for a created entity"),
            },
            Err(fault) => Settled::fault(&fault, true),
        })
    }

    /// Take over an entity of the target: nobody else's, written as an update, because that is what it is.
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
        let created = !existed_before && matches!(planned.step, PlannedStep::Create { .. });
        let mapped = match self.remap(entity_type, planned, Operation::Update, Some(&target_id)).await? {
            Remapped::Mapped(mapped) => mapped,
            // It stays as it is; that it is ours is remembered all the same.
            Remapped::Unwanted(_) => {
                planned.groups = None;
                return Ok(Settled::Written { target_id, existed_before, created });
            }
            Remapped::Failed(settled) => {
                self.release(&target_id);
                return Ok(settled);
            }
        };
        planned.target_digest = digest_of(&mapped);
        // Those of an update, because that is what is sent. What is no list of groups failed when the page was planned.
        planned.groups = Assignments::of(&mapped.variables).ok().flatten();
        let update = Update { id: target_id.clone(), document: mapped.document };
        let change = Change { entity_type: entity_type.to_owned(), action: Action::Update(update) };
        let settled = match self.call(std::slice::from_ref(&change)).await? {
            Ok(outcomes) => match outcomes.into_iter().next() {
                Some(Written::Written(written)) if !written.id.is_empty() => {
                    return Ok(Settled::Written { target_id: written.id, existed_before, created });
                }
                Some(Written::Failed(failure)) => Settled::failed(&code_of(&failure), &failure.message),
                Some(Written::Written(_)) | None => Settled::failed("plugin.contract", "no id for an updated entity"),
            },
            Err(fault) => Settled::fault(&fault, !existed_before),
        };
        self.release(&target_id);
        Ok(settled)
    }

    async fn remap(
        &mut self,
        entity_type: &str,
        planned: &PlannedChange,
        operation: Operation,
        target_id: Option<&str>,
    ) -> Result<Remapped, PipelineError> {
        let variables = target_id.map(|id| text_variable("entityIdTargetSystem", id)).into_iter().collect();
        let input = Input { document: planned.entity.document.clone(), variables };
        let outcome = self.mapper.apply(entity_type, operation, &[input]).await.into_iter().next();
        self.run.spec.relations.check()?;
        Ok(match outcome {
            Some(Transformed::Mapped(mapped)) => Remapped::Mapped(mapped),
            Some(Transformed::Skipped(Skip::OutOfScope(left_out) | Skip::Operation(left_out))) => Remapped::Unwanted(left_out.reason),
            Some(Transformed::Failed(fault)) => Remapped::Failed(Settled::failed(&fault.code, &fault.message)),
            Some(Transformed::Unmapped) | None => Remapped::Failed(Settled::failed("plugin.contract", "no document for an entity")),
        })
    }

    pub(super) async fn look_for(&mut self, entity_type: &str, document: &str) -> Result<Found, PipelineError> {
        let wanted = match self.wanted(entity_type, document) {
            Ok(wanted) => wanted,
            Err(why) => return Ok(Found::None(why)),
        };
        if let Some(entity) = self.simulated_entity(entity_type, &wanted) {
            return Ok(Found::One(entity));
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
                Ok([entity]) => Found::One(entity),
                Err(entities) if entities.is_empty() => {
                    // By which attributes, not by which values: messages are kept.
                    let by: Vec<&str> = wanted.iter().map(|wanted| wanted.attribute.as_str()).collect();
                    Found::None(format!("and in {} it was not found by the unique attribute configured ({})", run.spec.name, by.join(", ")))
                }
                Err(entities) => Found::Several(entities.into_iter().map(|entity| entity.id).collect()),
            },
            Err(failure) if matches!(failure.kind, Kind::NotFound) => Found::None(failure.message),
            Err(failure) => Found::Failed(Settled::failed(&code_of(&failure), &failure.message)),
        })
    }

    /// The unique attributes of a document; the error says why it cannot be looked for.
    pub(super) fn wanted(&self, entity_type: &str, document: &str) -> Result<Vec<AttributeValue>, String> {
        let can_find = self.run.can(entity_type, |abilities| abilities.find);
        let attributes = self.run.spec.unique_attributes.get(entity_type).map(Vec::as_slice).unwrap_or_default();
        if !can_find || attributes.is_empty() {
            return Err("this target cannot be searched".into());
        }
        let document: Value = serde_json::from_str(document).map_err(|_| "the document is not JSON")?;
        let value_of = |attribute: &String| match attribute_value(&document, attribute) {
            Some(value) => Ok(AttributeValue { attribute: attribute.clone(), value: value.to_string() }),
            None => Err(format!("the document has no {attribute} to look for")),
        };
        attributes.iter().map(value_of).collect()
    }
}

/// Whether nothing in a document of the target contradicts what was sent: then an interrupted create of ours may have made it. What is missing in it does not count: a
/// reference that could not be resolved then, a password the backend never shows.
fn agrees(found: &str, sent: &str) -> bool {
    match (serde_json::from_str(found), serde_json::from_str(sent)) {
        (Ok(found), Ok(sent)) => no_contradiction(&found, &sent),
        _ => false,
    }
}

fn no_contradiction(found: &Value, sent: &Value) -> bool {
    let within = |some: &[Value], all: &[Value]| some.iter().all(|one| all.iter().any(|other| no_contradiction(one, other)));
    match (found, sent) {
        (Value::Object(found), Value::Object(sent)) => {
            sent.iter().all(|(key, value)| found.get(key).is_none_or(|found| no_contradiction(found, value)))
        }
        (Value::Array(found), Value::Array(sent)) => within(found, sent) || within(sent, found),
        (found, sent) => found == sent,
    }
}

/// The value at a unique attribute's path: `userName`, `emails[0].value`, `['urn:x']['name']`, with or without `$.` in front.
pub(super) fn attribute_value<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
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
    fn an_entity_that_contradicts_what_was_sent_was_there_before() {
        let found = r#"{"id":"7","userName":"ada","title":"Dr","emails":[{"value":"a@b.c","type":"work"}],"meta":{}}"#;
        for (sent, ours) in [
            (r#"{"userName":"ada","emails":[{"value":"a@b.c"}],"password":"x"}"#, true),
            (r#"{"userName":"ada","manager":"m1"}"#, true),
            (r#"{"userName":"ada","emails":[{"value":"a@b.c"},{"value":"x@y.z"}]}"#, true),
            (r#"{"userName":"ada","emails":[{"value":"x@y.z"}]}"#, false),
            (r#"{"userName":"ada","title":"Prof"}"#, false),
            ("no JSON", false),
        ] {
            assert_eq!(agrees(found, sent), ours, "{sent}");
        }
    }

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
