//! Writing: a client's resource through the write transformation to the backend, and what became of it read again.

use serde_json::{Map, Value, json};

use super::{Handled, Proxy, read, told};
use crate::{
    pipeline::{id_variable, text_variable},
    sandbox::contract::{Action, Change, Entity, Input, Mapped, Operation, Patch, Transformed, Update, Written, WrittenEntity},
    scim::{
        Precondition, Resource, ResourceType, ScimError, ScimType,
        patch::{self, Op},
    },
};

/// The variable with an entity's id in the backend.
const TARGET_ID: &str = "entityIdTargetSystem";

impl Proxy {
    pub(super) async fn created(&self, handled: &Handled, of: &ResourceType, resource: Value) -> Result<Resource, ScimError> {
        let mapped = self.written_as(handled, Operation::Create, object(resource)?, None).await?;
        let mapped = mapped.ok_or_else(|| ScimError::new(501, "the write transformation has nothing for new resources"))?;
        self.carry_out(handled, of, Action::Create(mapped.document)).await
    }

    pub(super) async fn replaced(
        &self,
        handled: &Handled,
        of: &ResourceType,
        id: &str,
        resource: Value,
        precondition: &Precondition,
    ) -> Result<Resource, ScimError> {
        let id = self.backends_id(handled, id).await?;
        self.precondition(handled, of, &id, precondition).await?;
        self.updated(handled, of, id, object(resource)?).await
    }

    async fn updated(&self, handled: &Handled, of: &ResourceType, id: String, resource: Resource) -> Result<Resource, ScimError> {
        let mapped = self.written_as(handled, Operation::Update, resource, Some(&id)).await?;
        let mapped = mapped.ok_or_else(|| ScimError::new(501, "the write transformation has nothing for changed resources"))?;
        self.carry_out(handled, of, Action::Update(Update { id, document: mapped.document })).await
    }

    /// Through the mappings with the scope `patchEntity` where there are any and the connector can patch; else the operations are carried out here, on the resource as it is,
    /// and the result is written whole.
    pub(super) async fn patched(
        &self,
        handled: &Handled,
        of: &ResourceType,
        id: &str,
        operations: &[patch::Operation],
        precondition: &Precondition,
    ) -> Result<Option<Resource>, ScimError> {
        let id = self.backends_id(handled, id).await?;
        self.precondition(handled, of, &id, precondition).await?;
        if self.can(handled, |abilities| abilities.patch) {
            let body = json!({ "schemas": [patch::PATCH_OP], "Operations": operations.iter().map(as_json).collect::<Vec<_>>() });
            if let Some(mapped) = self.written_as(handled, Operation::Patch, object(body)?, Some(&id)).await? {
                let document: Value = serde_json::from_str(&mapped.document).unwrap_or_default();
                let operations = document.get("Operations").filter(|list| list.is_array()).cloned();
                let operations = operations.ok_or_else(|| {
                    tracing::error!(system = %self.spec.name, code = "proxy.no-operations", "the patchEntity mappings put out no $.Operations");
                    ScimError::internal()
                })?;
                let now = self.carry_out(handled, of, Action::Patch(Patch { id, operations: operations.to_string() })).await?;
                return Ok(self.spec.patch_answers.then_some(now));
            }
        }
        let mut resource = self.one(handled, of, &id).await?;
        patch::apply(&mut resource, operations, of)?;
        let now = self.updated(handled, of, id, resource).await?;
        Ok(self.spec.patch_answers.then_some(now))
    }

    pub(super) async fn deleted(
        &self,
        handled: &Handled,
        of: &ResourceType,
        id: &str,
        precondition: &Precondition,
    ) -> Result<(), ScimError> {
        let id = self.backends_id(handled, id).await?;
        self.precondition(handled, of, &id, precondition).await?;
        self.sent(handled, Action::Delete(id)).await.map(|_| ())
    }

    /// The id by which the backend knows a resource: a `deleteEntity` mapping may decode it (spec section 4.6).
    pub(super) async fn backends_id(&self, handled: &Handled, id: &str) -> Result<String, ScimError> {
        if !self.spec.write.elements.iter().any(|element| element.text.contains("deleteEntity")) {
            return Ok(id.to_owned());
        }
        let document = Map::from_iter([("id".to_owned(), Value::from(id))]);
        let mapped = self.written_as(handled, Operation::Delete, document, Some(id)).await?;
        Ok(mapped.and_then(|mapped| id_variable(&mapped.variables, TARGET_ID)).unwrap_or_else(|| id.to_owned()))
    }

    fn can(&self, handled: &Handled, ability: impl Fn(&crate::registry::description::Abilities) -> bool) -> bool {
        let known = self.spec.target.plugin.description().entity_type(&handled.entity.name);
        known.is_some_and(|known| ability(&known.abilities))
    }

    /// `If-Match`: a proxy has the versions its backend shows in `meta.version`, and no others.
    async fn precondition(&self, handled: &Handled, of: &ResourceType, id: &str, precondition: &Precondition) -> Result<(), ScimError> {
        if precondition.if_match.is_empty() || precondition.if_match.iter().all(|tag| tag == "*") {
            return Ok(());
        }
        let now = self.one(handled, of, id).await?;
        precondition.check(now["meta"]["version"].as_str().unwrap_or_default())
    }

    /// What the write transformation makes of it; nothing where it has nothing for this operation.
    async fn written_as(
        &self,
        handled: &Handled,
        operation: Operation,
        resource: Resource,
        id: Option<&str>,
    ) -> Result<Option<Mapped>, ScimError> {
        let mut mapper = self.instances.writer().await?;
        let input = Input {
            document: Value::Object(resource).to_string(),
            variables: id.map(|id| text_variable(TARGET_ID, id)).into_iter().collect(),
        };
        let outcome = mapper.apply(&handled.entity.name, operation, std::slice::from_ref(&input)).await.into_iter().next();
        mapper.keep();
        match outcome {
            Some(Transformed::Mapped(done)) => Ok(Some(done)),
            Some(Transformed::Unmapped) => Ok(None),
            Some(Transformed::Skipped(skip)) => Err(told::skipped(&skip)),
            Some(Transformed::Failed(fault)) => Err(told::not_mapped(&fault)),
            None => Err(ScimError::internal()),
        }
    }

    async fn sent(&self, handled: &Handled, action: Action) -> Result<WrittenEntity, ScimError> {
        let mut target = self.instances.target().await?;
        let change = Change { entity_type: handled.entity.name.clone(), action };
        let outcomes = target.write(std::slice::from_ref(&change)).await.map_err(|fault| told::fault(&self.spec.name, &fault))?;
        target.keep();
        self.pages.forget(&handled.entity.name);
        match outcomes.into_iter().next() {
            Some(Written::Written(written)) => Ok(written),
            Some(Written::Failed(failure)) => Err(told::failed(&self.spec.name, &failure)),
            None => Err(ScimError::internal()),
        }
    }

    /// Write, and read what is there now. Where the backend cannot be asked for one entity, what it answered has to do.
    async fn carry_out(&self, handled: &Handled, of: &ResourceType, action: Action) -> Result<Resource, ScimError> {
        let written = self.sent(handled, action).await?;
        match written.document {
            Some(document) if !handled.entity.abilities.read_by_id => {
                let mut mapper = self.instances.reader().await?;
                let entity = Entity { id: written.id.clone(), document };
                let resources = read::mapped(self, &mut mapper, of, &handled.entity.name, vec![entity]).await;
                mapper.keep();
                resources.into_iter().flatten().next().ok_or_else(|| not_shown(of))
            }
            _ => self.one(handled, of, &written.id).await.map_err(|error| if error.status == 404 { not_shown(of) } else { error }),
        }
    }
}

/// It was written, and the read transformation leaves it out.
fn not_shown(of: &ResourceType) -> ScimError {
    ScimError::new(500, format!("the {} was written and cannot be read: the read transformation leaves it out or fails at it", of.name))
}

fn object(value: Value) -> Result<Resource, ScimError> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(ScimError::bad(ScimType::InvalidSyntax, "the body is not a JSON object")),
    }
}

fn as_json(operation: &patch::Operation) -> Value {
    let op = match operation.op {
        Op::Add => "add",
        Op::Remove => "remove",
        Op::Replace => "replace",
    };
    let mut json = json!({ "op": op });
    if let Some(path) = &operation.path {
        json["path"] = path.text.as_str().into();
    }
    if let Some(value) = &operation.value {
        json["value"] = value.clone();
    }
    json
}
