//! Reading: pages of the backend through the read transformation, counted as the reference counts (spec section 5.4).

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{Handled, Proxy, find, told};
use crate::{
    manifest::TotalResults,
    pipeline::{Mapper, id_variable, text_variable},
    sandbox::{
        Source,
        contract::{Entity, Input, Mapped, Operation, Page as RawPage, Query, Scope, Transformed},
    },
    scim::{Listed, Page, Resource, ResourceType, ScimError, ScimType, backend::List, evaluate},
};

/// The most entities that are looked at for one request, whatever it asks.
const MOST_READ: u64 = 100_000;
/// Entities of one page of the connector where more are read than the client gets.
const STRIDE: u32 = 500;
/// Pages without entities in a row, after which a backend is not believed to come to an end.
const MOST_EMPTY: u32 = 1000;

/// A walk over the pages of one question.
struct Walk<'w> {
    proxy: &'w Proxy,
    source: &'w mut Source,
    entity_type: &'w str,
    scope: Scope,
    cursor: Option<String>,
    /// Entities before the page that comes next.
    position: u64,
    ended: bool,
    /// As the backend told.
    total: Option<u64>,
    read: u64,
}

impl Walk<'_> {
    /// The next page with entities; nothing at the end.
    async fn next(&mut self, limit: u64) -> Result<Option<Vec<Entity>>, ScimError> {
        for _ in 0..MOST_EMPTY {
            if self.ended {
                return Ok(None);
            }
            if self.read >= MOST_READ {
                return Err(ScimError::bad(
                    ScimType::TooMany,
                    format!("more than {MOST_READ} entities would have to be looked at; ask for less"),
                ));
            }
            let query = Query {
                entity_type: self.entity_type.to_owned(),
                scope: self.scope.clone(),
                cursor: self.cursor.take(),
                limit: u32::try_from(limit).unwrap_or(STRIDE).clamp(1, STRIDE),
            };
            let name = &self.proxy.spec.name;
            let answer = self.source.read_page(&query).await.map_err(|fault| told::fault(name, &fault))?;
            let RawPage { entities, unreadable, next, total, .. } = answer.map_err(|failure| told::failed(name, &failure))?;
            for one in &unreadable {
                let id = one.id.as_deref().unwrap_or("?");
                tracing::warn!(system = %name, entity = id, code = "proxy.unreadable", "{}", one.failure.message);
            }
            self.total = total.or(self.total);
            let count = (entities.len() + unreadable.len()) as u64;
            self.position += count;
            self.read += count.max(1);
            self.ended = next.is_none();
            if let Some(cursor) = &next
                && matches!(self.scope, Scope::All)
            {
                self.proxy.pages.note(self.entity_type, self.position, cursor);
            }
            self.cursor = next;
            if count > 0 {
                return Ok(Some(entities));
            }
        }
        Ok(None)
    }
}

/// What the read transformation makes of entities: nothing for those that it leaves out or fails at.
pub(super) async fn mapped(
    proxy: &Proxy,
    mapper: &mut Mapper,
    of: &ResourceType,
    entity_type: &str,
    entities: Vec<Entity>,
) -> Vec<Option<Resource>> {
    let base = proxy.base.get().map(String::as_str).unwrap_or_default();
    let ids: Vec<String> = entities.iter().map(|entity| entity.id.clone()).collect();
    let inputs: Vec<Input> = entities
        .into_iter()
        .map(|Entity { id, document }| Input {
            document,
            // spec section 4.4.
            variables: vec![
                text_variable("entityBaseLocation", &format!("{base}/{}/", of.endpoint)),
                text_variable("entityLocationSourceSystem", &format!("{base}/{}/{id}", of.endpoint)),
            ],
        })
        .collect();
    let outcomes = mapper.apply(entity_type, Operation::Read, &inputs).await;
    outcomes
        .into_iter()
        .zip(ids)
        .map(|(outcome, id)| match outcome {
            Transformed::Mapped(done) => resource(of, &done).or_else(|| {
                tracing::warn!(system = %proxy.spec.name, entity = id, code = "proxy.no-id", "the read transformation sets no entityIdSourceSystem");
                None
            }),
            Transformed::Skipped(_) => None,
            Transformed::Unmapped => {
                tracing::warn!(system = %proxy.spec.name, entity = id, code = "proxy.unmapped", "no element of the read transformation has anything for it");
                None
            }
            Transformed::Failed(fault) => {
                tracing::warn!(system = %proxy.spec.name, entity = id, code = fault.code, "{}", fault.message);
                None
            }
        })
        .collect()
}

/// The document as a resource: with an id and the schemas it uses.
fn resource(of: &ResourceType, mapped: &Mapped) -> Option<Resource> {
    let Ok(Value::Object(mut resource)) = serde_json::from_str::<Value>(&mapped.document) else { return None };
    let own = resource.get("id").and_then(Value::as_str).map(str::to_owned);
    let id = own.or_else(|| id_variable(&mapped.variables, "entityIdSourceSystem"))?;
    resource.insert("id".into(), id.into());
    if resource.get("schemas").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        let used = std::iter::once(&of.schema.id).chain(of.extensions.iter().map(|schema| &schema.id));
        let used: Vec<&String> =
            used.enumerate().filter(|(index, id)| *index == 0 || resource.contains_key(*id)).map(|(_, id)| id).collect();
        let used = json!(used);
        resource.insert("schemas".into(), used);
    }
    if !resource.get("meta").is_some_and(Value::is_object) {
        resource.insert("meta".into(), Value::Object(Map::new()));
    }
    Some(resource)
}

impl Proxy {
    fn walk<'w>(&'w self, source: &'w mut Source, entity_type: &'w str, scope: Scope) -> Walk<'w> {
        Walk { proxy: self, source, entity_type, scope, cursor: None, position: 0, ended: false, total: None, read: 0 }
    }

    /// The resource with this id of the backend.
    pub(super) async fn one(&self, handled: &Handled, of: &ResourceType, id: &str) -> Result<Resource, ScimError> {
        let by_id = handled.entity.abilities.read_by_id;
        let scope = if by_id { Scope::ById(id.to_owned()) } else { Scope::All };
        let (mut source, mut mapper) = (self.instances.source().await?, self.instances.reader().await?);
        let mut walk = self.walk(&mut source, &handled.entity.name, scope);
        let mut found = None;
        while let Some(entities) = walk.next(u64::from(STRIDE)).await? {
            let wanted: Vec<Entity> = entities.into_iter().filter(|entity| by_id || entity.id == id).collect();
            if !wanted.is_empty() {
                found = mapped(self, &mut mapper, of, &handled.entity.name, wanted).await.into_iter().flatten().next();
                break;
            }
        }
        source.keep();
        mapper.keep();
        found.ok_or_else(|| ScimError::not_found(&of.name, id))
    }

    pub(super) async fn page(&self, handled: &Handled, list: &List) -> Result<Listed, ScimError> {
        match &list.filter {
            Some(filter) => match handled.question(filter) {
                Some(scope) => self.asked(handled, list, scope).await,
                None => self.sifted(handled, list).await,
            },
            None => match &list.page {
                Page::Index { start, count } => self.by_index(handled, list, *start, *count).await,
                Page::Cursor { cursor, count } => self.by_cursor(handled, list, cursor.as_deref(), *count).await,
            },
        }
    }

    /// The answer of the backend to a question, looked through once more: what it finds may be more than what was asked.
    async fn asked(&self, handled: &Handled, list: &List, scope: Scope) -> Result<Listed, ScimError> {
        let hits = self.holding(handled, list, scope).await?;
        if hits.len() > 1 && list.filter.as_ref().is_some_and(find::asks_for_one) {
            return Err(ScimError::bad(ScimType::TooMany, format!("{} resources have this value", hits.len())));
        }
        Ok(cut(hits, list))
    }

    /// Every entity there is, looked at.
    async fn sifted(&self, handled: &Handled, list: &List) -> Result<Listed, ScimError> {
        Ok(cut(self.holding(handled, list, Scope::All).await?, list))
    }

    async fn holding(&self, handled: &Handled, list: &List, scope: Scope) -> Result<Vec<Resource>, ScimError> {
        let (mut source, mut mapper) = (self.instances.source().await?, self.instances.reader().await?);
        let mut walk = self.walk(&mut source, &handled.entity.name, scope);
        let mut hits = Vec::new();
        while let Some(entities) = walk.next(u64::from(STRIDE)).await? {
            let resources = mapped(self, &mut mapper, &list.of, &handled.entity.name, entities).await;
            let holds = |resource: &Resource| list.filter.as_ref().is_none_or(|filter| evaluate::holds(filter, resource, &list.of));
            hits.extend(resources.into_iter().flatten().filter(holds));
        }
        source.keep();
        mapper.keep();
        Ok(hits)
    }

    async fn by_index(&self, handled: &Handled, list: &List, start: u64, count: u64) -> Result<Listed, ScimError> {
        let (mut source, mut mapper) = (self.instances.source().await?, self.instances.reader().await?);
        let entity_type = &handled.entity.name;
        let mut walk = self.walk(&mut source, entity_type, Scope::All);
        let before = start - 1;
        if let Some((position, cursor)) = self.pages.nearest(entity_type, before) {
            (walk.position, walk.cursor) = (position, Some(cursor));
        }
        let mut entities: Vec<Entity> = Vec::new();
        // Up to where the page begins, and then the page.
        while (entities.len() as u64) < count.max(1) {
            let position = walk.position;
            let left = if position < before { before - position } else { count.max(1) - entities.len() as u64 };
            let Some(page) = walk.next(left).await? else { break };
            let skipped = usize::try_from(before.saturating_sub(position)).unwrap_or(usize::MAX);
            entities.extend(page.into_iter().skip(skipped));
        }
        entities.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        let (position, ended, told) = (walk.position, walk.ended, walk.total);
        let items = entities.len() as u64;
        let resources = mapped(self, &mut mapper, &list.of, entity_type, entities).await.into_iter().flatten().collect();
        source.keep();
        mapper.keep();
        let provided = !handled.conditional || self.spec.total_results == TotalResults::Provided;
        let total = match told {
            Some(total) if provided => total,
            // Nobody knows how many there are: more than were read, as long as something came.
            _ if items > 0 => start + count,
            _ if ended => position,
            _ => before,
        };
        Ok(Listed { resources, total, items: Some(items), next: None })
    }

    /// RFC 9865, by the connector's own cursors.
    async fn by_cursor(&self, handled: &Handled, list: &List, cursor: Option<&str>, count: u64) -> Result<Listed, ScimError> {
        let entity_type = &handled.entity.name;
        let wrong = || ScimError::bad(ScimType::InvalidCursor, "this cursor is none of this list; begin again with an empty one");
        let decoded = match cursor {
            None => None,
            Some(text) => {
                let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
                let (of, position, cursor): (String, u64, String) = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
                if of != *entity_type {
                    return Err(wrong());
                }
                Some((position, cursor))
            }
        };
        let (mut source, mut mapper) = (self.instances.source().await?, self.instances.reader().await?);
        let mut walk = self.walk(&mut source, entity_type, Scope::All);
        if let Some((position, cursor)) = decoded {
            (walk.position, walk.cursor) = (position, Some(cursor));
        }
        let entities = walk.next(count.max(1)).await?.unwrap_or_default();
        let (position, told) = (walk.position, walk.total);
        let next = walk.cursor.take();
        let resources: Vec<Resource> = mapped(self, &mut mapper, &list.of, entity_type, entities).await.into_iter().flatten().collect();
        source.keep();
        mapper.keep();
        let next = next.map(|next| BASE64_URL_SAFE_NO_PAD.encode(json!([entity_type, position, next]).to_string()));
        let total = told.unwrap_or(position + u64::from(next.is_some()));
        Ok(Listed { resources, total, items: None, next })
    }
}

/// The part of all hits that was asked for. There are no cursors through a filter: everything that fits comes as far as the page goes.
fn cut(hits: Vec<Resource>, list: &List) -> Listed {
    let total = hits.len() as u64;
    let start = match list.page {
        Page::Index { start, .. } => start - 1,
        Page::Cursor { .. } => 0,
    };
    let skip = usize::try_from(start).unwrap_or(usize::MAX);
    let count = usize::try_from(list.page.count()).unwrap_or(usize::MAX);
    Listed { resources: hits.into_iter().skip(skip).take(count).collect(), total, items: None, next: None }
}
