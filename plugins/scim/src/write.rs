//! The target's changes: each one a conversation of its own, many at once.

use crate::{
    address,
    connection::Connection,
    exchange::{self, Exchange, Next},
    failure::{self, Intent},
    http::{Answer, Http, Method, Request},
    resource::{self, Attributes, Resource, quoted},
};
use sdk::Failure;
use std::{collections::VecDeque, time::SystemTime};

/// Members added by one PATCH; big groups arrive in several, so that no request outgrows what servers accept.
const ADDED_AT_ONCE: usize = 1000;
/// Members removed by one PATCH: the smallest limit among the documented backends.
const REMOVED_AT_ONCE: usize = 50;
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What is to happen to one resource. Documents and operations are JSON text.
#[derive(Clone, Debug)]
pub enum Action {
    Create { document: String },
    Update { id: String, document: String },
    Patch { id: String, operations: String },
    Members { id: String, added: Vec<String>, removed: Vec<String> },
    Delete { id: String },
}

/// What the server has now.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    pub id: String,
    pub document: Option<String>,
}

type Outcome = Result<Written, Failure>;

/// Carry out the changes and answer one outcome for each, in order. A change whose entity type is unknown carries the failure that says so.
pub fn write(connection: &Connection, http: &mut impl Http, changes: Vec<(Result<Resource, Failure>, Action)>) -> Vec<Outcome> {
    exchange::run(http, changes.into_iter().map(|(resource, action)| Conversation::new(connection, resource, action)).collect())
}

/// A piece of a change of members.
#[derive(Debug)]
enum Batch {
    Add(Vec<String>),
    Remove(Vec<String>),
}

struct Conversation<'a> {
    connection: &'a Connection,
    /// The one request of a plain change, or what is wrong with the change.
    plain: Option<Result<Request, Failure>>,
    /// The batches of a change of members that are still to be sent; the first one is under way.
    batches: VecDeque<Batch>,
    method: Method,
    url: String,
    /// The id the host knows; absent for a create.
    id: Option<String>,
}

impl<'a> Conversation<'a> {
    fn new(connection: &'a Connection, resource: Result<Resource, Failure>, action: Action) -> Self {
        let mut this = Self { connection, plain: None, batches: VecDeque::new(), method: Method::Get, url: String::new(), id: None };
        if let Err(failure) = resource.and_then(|resource| this.prepare(resource, action)) {
            this.plain = Some(Err(failure));
        }
        this
    }

    fn prepare(&mut self, resource: Resource, action: Action) -> Result<(), Failure> {
        let connection = self.connection;
        let base = &connection.base;
        let (method, id, body) = match action {
            Action::Create { document } => (Method::Post, None, Some(completed(resource, None, document)?)),
            Action::Update { id, document } if self.connection.patch => {
                let Some(body) = replacement(&document)? else {
                    self.id = Some(id);
                    return Ok(());
                };
                (Method::Patch, Some(id), Some(body))
            }
            Action::Update { id, document } => {
                let body = completed(resource, Some(&id), document)?;
                (Method::Put, Some(id), Some(body))
            }
            Action::Patch { id, operations } => {
                let list: Vec<&serde_json::value::RawValue> = serde_json::from_str(&operations)
                    .map_err(|error| Failure::rejected(format!("the patch operations are not a JSON array: {error}")))?;
                if list.is_empty() {
                    self.id = Some(id);
                    return Ok(());
                }
                (Method::Patch, Some(id), Some(patch(&operations)))
            }
            Action::Members { id, added, removed } => {
                // Additions first: there are servers that refuse to leave a group empty on the way.
                self.batches.extend(added.chunks(ADDED_AT_ONCE).map(|ids| Batch::Add(ids.to_vec())));
                self.batches.extend(removed.chunks(REMOVED_AT_ONCE).map(|ids| Batch::Remove(ids.to_vec())));
                self.method = Method::Patch;
                self.url = base.entity(resource, &id)?;
                self.id = Some(id);
                return Ok(());
            }
            Action::Delete { id } => (Method::Delete, Some(id), None),
        };
        self.url = match &id {
            Some(id) => base.entity(resource, id)?,
            None => base.endpoint(resource.path()),
        };
        self.method = method;
        self.id = id;
        self.plain = Some(Ok(self.request(body)));
        Ok(())
    }

    fn request(&self, body: Option<String>) -> Request {
        let body = body.map(String::into_bytes);
        let headers = body.as_ref().map_or_else(|| self.connection.headers(), |body| self.connection.headers_of_body(body.len()));
        Request { method: self.method, url: self.url.clone(), headers, body }
    }

    /// The request of the first batch, or the end of the change.
    fn next_batch(&self) -> Next<Outcome> {
        let operations = match self.batches.front() {
            Some(Batch::Add(ids)) => {
                let values: Vec<String> = ids.iter().map(|id| format!(r#"{{"value":{}}}"#, quoted(id))).collect();
                format!(r#"[{{"op":"add","path":"members","value":[{}]}}]"#, values.join(","))
            }
            Some(Batch::Remove(ids)) => {
                let path = |id: &String| quoted(&format!("members[value eq {}]", quoted(id)));
                let operations: Vec<String> = ids.iter().map(|id| format!(r#"{{"op":"remove","path":{}}}"#, path(id))).collect();
                format!("[{}]", operations.join(","))
            }
            None => return Next::Done(Ok(Written { id: self.id.clone().unwrap_or_default(), document: None })),
        };
        Next::Send(self.request(Some(patch(&operations))))
    }

    /// Go on after a refused batch where that makes sense: a member that is not there (`noTarget`, RFC 7644 section 3.12) is one that need not be
    /// removed, but it spoils the whole PATCH, so the others are tried one by one.
    fn without_target(&mut self) -> bool {
        match self.batches.pop_front() {
            Some(Batch::Remove(ids)) => {
                if ids.len() > 1 {
                    ids.into_iter().rev().for_each(|id| self.batches.push_front(Batch::Remove(vec![id])));
                }
                true
            }
            _ => false,
        }
    }

    fn written(&self, answer: &Answer) -> Outcome {
        let document = std::str::from_utf8(&answer.body).ok().filter(|text| Attributes::of(text).is_ok());
        let answered = document.and_then(|document| resource::id(document).ok());
        if let Some(id) = answered.or_else(|| self.id.clone()) {
            return Ok(Written { id, document: document.map(str::to_owned) });
        }
        match answer.header("location").and_then(address::last_segment) {
            Some(id) => Ok(Written { id, document: document.map(str::to_owned) }),
            None => Err(Failure::rejected(format!(
                "{} answered {} but neither the body nor Location names the id of what was created",
                failure::name(self.method, &self.url),
                answer.status
            ))),
        }
    }
}

impl Exchange for Conversation<'_> {
    type Outcome = Outcome;

    fn first(&mut self) -> Next<Outcome> {
        match self.plain.take() {
            Some(Ok(request)) => Next::Send(request),
            Some(Err(failure)) => Next::Done(Err(failure)),
            None => self.next_batch(),
        }
    }

    fn answered(&mut self, answer: Result<Answer, Failure>, now: SystemTime) -> Next<Outcome> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(failure) => return Next::Done(Err(failure)),
        };
        let members = !self.batches.is_empty();
        if !answer.is_success() {
            if members && answer.status == 400 && failure::scim_type(&answer).as_deref() == Some("noTarget") && self.without_target() {
                return self.next_batch();
            }
            let intent = if self.method == Method::Post { Intent::Create } else { Intent::Other };
            return Next::Done(Err(failure::of_answer(self.method, &self.url, intent, &answer, now)));
        }
        if members {
            self.batches.pop_front();
            if !self.batches.is_empty() {
                return self.next_batch();
            }
        }
        Next::Done(self.written(&answer))
    }

    fn abandoned(&self, failure: Failure) -> Outcome {
        // What is wrong with the change itself is worth more than that the server is gone.
        match &self.plain {
            Some(Err(own)) => Err(own.clone()),
            _ => Err(failure),
        }
    }
}

/// The body of a POST or PUT: the document as it is, with `schemas` (RFC 7643 section 3.1 requires it) and the id where the mapping gave none.
fn completed(resource: Resource, id: Option<&str>, document: String) -> Result<String, Failure> {
    let attributes = Attributes::of(&document)?;
    let (schemas, own_id) = (attributes.has("schemas"), attributes.has("id"));
    let mut front = Vec::new();
    if !schemas {
        let extensions =
            attributes.0.iter().map(|(name, _)| name.as_ref()).filter(|name| name.starts_with("urn:") && *name != resource.schema());
        let all: Vec<String> = std::iter::once(resource.schema()).chain(extensions).map(quoted).collect();
        front.push(("schemas", format!("[{}]", all.join(","))));
    }
    if let Some(id) = id.filter(|_| !own_id) {
        front.push(("id", quoted(id)));
    }
    if front.is_empty() {
        return Ok(document);
    }
    Ok(attributes.write(&front, |name| (name != "schemas" || schemas) && (name != "id" || own_id)))
}

/// An update as PATCH: one replace without a path (RFC 7644 section 3.5.2.3). `id`, `meta` and `schemas` are not the client's to replace. `None` where
/// nothing is left.
fn replacement(document: &str) -> Result<Option<String>, Failure> {
    let attributes = Attributes::of(document)?;
    let value = attributes.write(&[], |name| !matches!(name, "id" | "meta" | "schemas"));
    Ok((value != "{}").then(|| patch(&format!(r#"[{{"op":"replace","value":{value}}}]"#))))
}

/// A `PatchOp` of these operations (a JSON array as text).
fn patch(operations: &str) -> String {
    format!(r#"{{"schemas":["{PATCH_OP}"],"Operations":{operations}}}"#)
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
