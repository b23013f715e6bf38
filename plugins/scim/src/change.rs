//! One change as a conversation with the server: mostly one request, for big groups several, and another round where the server insists on versions.

use crate::{
    address, body,
    bulk::Operation,
    connection::Connection,
    exchange::{Exchange, Next},
    failure::{self, Intent},
    http::{Answer, Method, Request},
    profile::{Profile, Quirk},
    resource::{self, Attributes, Resource},
    write::{Action, Outcome, Written},
};
use sdk::{Failure, Kind};
use std::{collections::VecDeque, time::SystemTime};

/// Members added by one PATCH; big groups arrive in several, so that no request outgrows what servers accept.
const ADDED_AT_ONCE: usize = 1000;
/// Members removed by one PATCH: the smallest limit among the documented backends.
const REMOVED_AT_ONCE: usize = 50;
/// How often a change is sent again because the resource changed between the reading of its version and the change.
const MAX_CONFLICTS: u8 = 3;

/// A request that is still to be sent.
#[derive(Clone, Debug)]
enum Step {
    /// The plain request of a change.
    One(Method, Option<String>),
    /// Read the group, for the difference to what it shall have.
    Compare(Vec<String>),
    /// Members (JSON text) that become the only ones; others are added afterwards.
    Replace(Vec<String>),
    Add(Vec<String>),
    /// Ids of members.
    Remove(Vec<String>),
    /// One member more (JSON text), below the group.
    Join(String),
    /// One member (id) less, below the group.
    Leave(String),
}

/// One change. The steps are sent in order and never overlap; the first of them is under way.
pub(crate) struct Change<'a> {
    connection: &'a Connection,
    resource: Resource,
    steps: VecDeque<Step>,
    /// What is wrong with the change itself; then nothing is sent.
    wrong: Option<Failure>,
    /// The id the host knows, or the answer to a create has named.
    id: Option<String>,
    url: String,
    /// The first step is a create.
    creates: bool,
    /// What the first step was answered with.
    written: Option<Written>,
    /// The whole document of an update that goes in pieces, for a server that has no PATCH.
    whole: Option<String>,
    /// Sent as `If-Match`.
    version: Option<String>,
    /// The request under way is a GET for the version.
    reading_version: bool,
    conflicts: u8,
}

impl<'a> Change<'a> {
    pub(crate) fn new(connection: &'a Connection, resource: Result<Resource, Failure>, action: Action) -> Self {
        let mut this = Self {
            connection,
            resource: Resource::User,
            steps: VecDeque::new(),
            wrong: None,
            id: None,
            url: String::new(),
            creates: false,
            written: None,
            whole: None,
            version: None,
            reading_version: false,
            conflicts: 0,
        };
        if let Err(failure) = resource.and_then(|resource| this.prepare(resource, action)) {
            this.wrong = Some(failure);
        }
        this
    }

    fn prepare(&mut self, resource: Resource, action: Action) -> Result<(), Failure> {
        self.resource = resource;
        let base = &self.connection.base;
        self.url = match action.id() {
            Some(id) => base.entity(resource, id)?,
            None => base.endpoint(resource.path()),
        };
        self.id = action.id().map(str::to_owned);
        self.creates = self.id.is_none();
        match action {
            Action::Create { document } => self.create(document)?,
            Action::Update { document, .. } if body::is_patch(&document) => self.one(Method::Patch, Some(document)),
            Action::Update { id, document } => self.update(&id, document)?,
            Action::Patch { operations, .. } => {
                if let Some(body) = body::operations(self.profile(), &operations)? {
                    self.one(Method::Patch, Some(body));
                }
            }
            Action::Members { added, removed, .. } => {
                self.add(&added.iter().map(|id| body::member(id)).collect::<Vec<_>>());
                self.remove(&removed);
            }
            Action::Delete { .. } if self.profile().has(Quirk::SoftDelete) && resource == Resource::User => {
                self.one(Method::Patch, Some(body::deactivation(self.profile())));
            }
            Action::Delete { .. } => self.one(Method::Delete, None),
        }
        Ok(())
    }

    /// The change as one operation of a bulk request, if it is one request without a version and can be told from a reference to another operation.
    pub(crate) fn operation(&self, number: usize) -> Option<Operation> {
        let (None, 1, Some(Step::One(method, data))) = (&self.wrong, self.steps.len(), self.steps.front()) else { return None };
        let versioned = self.connection.versions.get() && *method != Method::Post;
        if versioned || data.as_ref().is_some_and(|data| data.contains("bulkId:")) {
            return None;
        }
        let path = self.url.strip_prefix(&self.connection.base.endpoint(""))?;
        let (url, path) = (self.url.clone(), format!("/{path}"));
        Some(Operation { number, method: *method, url, path, id: self.id.clone(), data: data.clone(), intent: self.intent(*method) })
    }

    fn one(&mut self, method: Method, body: Option<String>) {
        self.steps.push_back(Step::One(method, body));
    }

    fn profile(&self) -> &'a Profile {
        &self.connection.profile
    }

    /// Members are changed one by one, below the group.
    fn one_by_one(&self) -> bool {
        self.profile().has(Quirk::MemberEndpoints) && !self.connection.patch
    }

    /// Additions come first: there are servers that refuse to leave a group empty on the way.
    fn add(&mut self, members: &[String]) {
        if self.one_by_one() {
            return self.steps.extend(members.iter().map(|member| Step::Join(body::uaa_member(member))));
        }
        self.steps.extend(members.chunks(ADDED_AT_ONCE.min(self.connection.threshold)).map(|members| Step::Add(members.to_vec())));
    }

    fn remove(&mut self, ids: &[String]) {
        if self.one_by_one() {
            return self.steps.extend(ids.iter().cloned().map(Step::Leave));
        }
        self.steps.extend(ids.chunks(REMOVED_AT_ONCE).map(|ids| Step::Remove(ids.to_vec())));
    }

    /// A group above the threshold is created without the members that are too many; they follow.
    fn create(&mut self, document: String) -> Result<(), Failure> {
        let split = self.is_group().then(|| body::without_members(&document, self.connection.threshold)).flatten();
        let (document, members) = split.unwrap_or((document, Vec::new()));
        self.one(Method::Post, Some(body::completed(self.profile(), self.resource, None, document)?));
        self.add(&members);
        Ok(())
    }

    fn update(&mut self, id: &str, document: String) -> Result<(), Failure> {
        if let Some((rest, members)) = self.is_group().then(|| body::without_members(&document, self.connection.threshold)).flatten() {
            if let Some(body) = body::replacement(self.profile(), &rest)? {
                self.one(Method::Patch, Some(body));
            }
            self.steps.push_back(Step::Compare(members));
            self.whole = Some(body::completed(self.profile(), self.resource, Some(id), document)?);
        } else if !self.connection.patch {
            self.one(Method::Put, Some(body::completed(self.profile(), self.resource, Some(id), document)?));
        } else if let Some(body) = body::replacement(self.profile(), &document)? {
            self.one(Method::Patch, Some(body));
        }
        Ok(())
    }

    fn is_group(&self) -> bool {
        self.resource == Resource::Group
    }

    /// The request of the first step, or the end of the change.
    fn next(&mut self) -> Next<Outcome> {
        let Some(step) = self.steps.front() else {
            let unchanged = Written { id: self.id.clone().unwrap_or_default(), document: None };
            return Next::Done(Ok(self.written.take().unwrap_or(unchanged)));
        };
        let (method, body) = match step {
            Step::One(method, body) => (*method, body.clone()),
            Step::Compare(_) => (Method::Get, None),
            Step::Replace(members) => (Method::Patch, Some(body::replace_members(self.profile(), members))),
            Step::Add(members) => (Method::Patch, Some(body::add_members(self.profile(), members))),
            Step::Remove(ids) => (Method::Patch, Some(body::remove_members(self.profile(), ids))),
            Step::Join(member) => (Method::Post, Some(member.clone())),
            Step::Leave(_) => (Method::Delete, None),
        };
        let versioned = self.connection.versions.get() && self.is_versioned(method);
        self.reading_version = versioned && self.version.is_none();
        Next::Send(if self.reading_version { self.request(Method::Get, None) } else { self.request(method, body) })
    }

    fn request(&self, method: Method, body: Option<String>) -> Request {
        let body = body.map(String::into_bytes);
        let mut headers = self.connection.headers(body.as_ref().map(Vec::len));
        let wildcard = || self.profile().has(Quirk::IfMatch).then(|| "*".to_owned());
        if self.is_versioned(method)
            && let Some(version) = self.version.clone().or_else(wildcard)
        {
            headers.retain(|(name, _)| *name != "if-match");
            headers.push(("if-match", version));
        }
        let url = match self.steps.front() {
            Some(Step::Join(_)) => format!("{}/members", self.url),
            Some(Step::Leave(id)) => format!("{}/members/{}", self.url, address::segment(id)),
            _ => self.url.clone(),
        };
        Request { method, url, headers, body }
    }

    fn method(&self) -> Method {
        match self.steps.front() {
            Some(Step::Compare(_)) | None => Method::Get,
            Some(_) if self.reading_version => Method::Get,
            Some(Step::One(method, _)) => *method,
            Some(Step::Join(_)) => Method::Post,
            Some(Step::Leave(_)) => Method::Delete,
            Some(Step::Replace(_) | Step::Add(_) | Step::Remove(_)) => Method::Patch,
        }
    }

    /// Whether a request with this method changes something that is there, whose version may be asked for.
    fn is_versioned(&self, method: Method) -> bool {
        matches!(method, Method::Put | Method::Patch | Method::Delete) && !matches!(self.steps.front(), Some(Step::Leave(_)))
    }

    /// The version was read: now the step itself.
    fn version_read(&mut self, answer: &Answer) -> Next<Outcome> {
        self.version = body::version(answer.header("etag"), &answer.body);
        if self.version.is_none() {
            let what = failure::name(Method::Get, &self.url);
            let message = format!("the server insists on a version (If-Match) but {what} names none, neither ETag nor meta.version");
            return self.failed(Failure::new(Kind::Conflict, message));
        }
        self.next()
    }

    /// The step failed for good. What was created before it stays: then nobody may create it again, so the host is told to look for it.
    fn failed(&mut self, failure: Failure) -> Next<Outcome> {
        if self.creates && self.written.is_some() {
            let id = self.id.as_deref().unwrap_or_default();
            let message = format!("it was created (id {id}), but not with all of its members: {}", failure.message);
            return Next::Done(Err(Failure::new(Kind::TimedOut, message)));
        }
        Next::Done(Err(failure))
    }

    fn refused(&mut self, answer: &Answer, now: SystemTime) -> Next<Outcome> {
        let method = self.method();
        // 428 (RFC 6585) asks for a version. 412 says that the one sent is not right (any more), or that there should be one.
        if matches!(answer.status, 412 | 428) && self.is_versioned(method) && self.conflicts < MAX_CONFLICTS {
            self.conflicts += 1;
            self.connection.versions.set(true);
            self.version = None;
            return self.next();
        }
        // A member that is there already, or not any more.
        if let (Some(Step::Join(_)), 409) | (Some(Step::Leave(_)), 404) = (self.steps.front(), answer.status) {
            self.steps.pop_front();
            return self.next();
        }
        // A member that is not there (`noTarget`, RFC 7644 section 3.12) need not be removed, but it spoils the whole PATCH: the others are tried one by one.
        if let Some(Step::Remove(ids)) = self.steps.front_mut()
            && answer.status == 400
            && failure::scim_type(answer).as_deref() == Some("noTarget")
        {
            let ids = std::mem::take(ids);
            self.steps.pop_front();
            if ids.len() > 1 {
                ids.into_iter().rev().for_each(|id| self.steps.push_front(Step::Remove(vec![id])));
            }
            return self.next();
        }
        if let (Method::Patch, 405 | 501, Some(_)) = (method, answer.status, &self.whole) {
            self.steps = VecDeque::from([Step::One(Method::Put, self.whole.take())]);
            return self.next();
        }
        self.failed(failure::of_answer(method, &self.url, self.intent(method), answer, now))
    }

    fn intent(&self, method: Method) -> Intent {
        match method {
            Method::Post if !matches!(self.steps.front(), Some(Step::One(..))) => Intent::Other,
            Method::Post if self.profile().has(Quirk::UnmarkedDuplicates) => Intent::CreateUnmarked,
            Method::Post => Intent::Create,
            _ => Intent::Other,
        }
    }

    fn done(&mut self, answer: &Answer) -> Next<Outcome> {
        let step = self.steps.pop_front();
        self.version = body::version(answer.header("etag"), &[]);
        self.conflicts = 0;
        match step {
            Some(Step::Compare(wanted)) => {
                let group = String::from_utf8_lossy(&answer.body);
                if let Some((added, removed)) = body::difference(&group, &wanted) {
                    self.add(&added);
                    self.remove(&removed);
                } else {
                    let (first, others) = wanted.split_at(wanted.len().min(self.connection.threshold));
                    self.steps.push_back(Step::Replace(first.to_vec()));
                    self.add(others);
                }
            }
            Some(Step::One(method, _)) => match self.answered_with(method, answer) {
                Ok(written) => {
                    if self.creates {
                        match self.connection.base.entity(self.resource, &written.id) {
                            Ok(url) => self.url = url,
                            Err(failure) => return Next::Done(Err(failure)),
                        }
                        self.id = Some(written.id.clone());
                    }
                    self.written = Some(written);
                }
                Err(failure) => return Next::Done(Err(failure)),
            },
            _ => {}
        }
        self.next()
    }

    fn answered_with(&self, method: Method, answer: &Answer) -> Outcome {
        let document = std::str::from_utf8(&answer.body).ok().filter(|text| Attributes::of(text).is_ok());
        let answered = document.and_then(|document| resource::id(document).ok());
        if let Some(id) = answered.or_else(|| self.id.clone()) {
            return Ok(Written { id, document: document.map(str::to_owned) });
        }
        match answer.header("location").and_then(address::last_segment) {
            Some(id) => Ok(Written { id, document: document.map(str::to_owned) }),
            None => Err(Failure::rejected(format!(
                "{} answered {} but neither the body nor Location names the id of what was created",
                failure::name(method, &self.url),
                answer.status
            ))),
        }
    }
}

impl Exchange for Change<'_> {
    type Outcome = Outcome;

    fn first(&mut self) -> Next<Outcome> {
        match self.wrong.take() {
            Some(failure) => Next::Done(Err(failure)),
            None => self.next(),
        }
    }

    fn answered(&mut self, answer: Result<Answer, Failure>, now: SystemTime) -> Next<Outcome> {
        match answer {
            Ok(answer) if !answer.is_success() => self.refused(&answer, now),
            Ok(answer) if self.reading_version => self.version_read(&answer),
            Ok(answer) => self.done(&answer),
            Err(failure) => self.failed(failure),
        }
    }

    fn abandoned(&self, failure: Failure) -> Outcome {
        // What is wrong with the change itself is worth more than that the server is gone.
        Err(self.wrong.clone().unwrap_or(failure))
    }
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
