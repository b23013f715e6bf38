//! The target's changes: entries located and read, differences worked out, requests sent, many at once.
//!
//! A change is a row of requests, one after the other; the rows of different changes go side by side. Nothing is sent for a change that makes no difference.

use crate::{
    ber::{SEQUENCE, Writer, context},
    binary,
    client::{Client, entry},
    description::Profile,
    difference::{self, VALUES_AT_ONCE},
    dn::{self, Dn, Rdn},
    document::{self, Wanted},
    entry as entries,
    failure::{self, Intent, NO_SUCH_ATTRIBUTE, NO_SUCH_OBJECT, SUCCESS},
    members::{Members, the_only},
    message::{Attribute, Change, Entry, Request},
    names::named_by,
    range,
    read::{by_id, with_values},
    session::{Host, Reply},
    settings::{Identifier, Security, Sort},
};
use sdk::{AttributeValue, Failure, Kind};
use std::collections::VecDeque;

const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";
/// The most hits of a search for an entity that exists already.
const MAX_FOUND: usize = 10;

/// What is to happen to one entity. Documents are JSON text.
#[derive(Clone, Debug)]
pub enum Action {
    Create {
        document: String,
    },
    Update {
        id: String,
        document: String,
    },
    Members {
        id: String,
        added: Vec<String>,
        removed: Vec<String>,
    },
    Delete {
        id: String,
    },
    /// Something a directory has no operation for.
    Other(&'static str),
}

/// Everything about one change.
struct Job {
    sort: Sort,
    action: Action,
    wanted: Wanted,
    /// Where the entry is.
    place: Option<Dn>,
    entry: Entry,
    row: VecDeque<(Request, Step)>,
    /// The id it will have.
    id: String,
    end: Option<Result<(), Failure>>,
}

/// What a request is for, which says what its result means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Add,
    Modify,
    /// A change of members by someone who does not know what is there: it may be half done already.
    Blind,
    /// The id the server chose.
    ReadId,
}

impl Job {
    fn fail(&mut self, failure: Failure) {
        self.end = Some(Err(failure));
        self.row.clear();
    }

    fn is_open(&self) -> bool {
        self.end.is_none()
    }
}

pub struct Target<H> {
    pub client: Client<H>,
    members: Members,
}

impl<H: Host> Target<H> {
    pub fn new(client: Client<H>) -> Self {
        Self { client, members: Members::default() }
    }

    /// Carry out the changes and answer the id, or why not, for each in order.
    pub fn write(&mut self, changes: Vec<(Result<Sort, Failure>, Action)>) -> Vec<Result<String, Failure>> {
        let mut jobs: Vec<Job> = changes.into_iter().map(|(sort, action)| self.job(sort, action)).collect();
        self.locate(&mut jobs);
        self.plan(&mut jobs);
        self.carry_out(&mut jobs);
        self.start_over(&mut jobs);
        jobs.into_iter().map(|job| job.end.unwrap_or(Ok(())).map(|()| job.id)).collect()
    }

    fn job(&self, sort: Result<Sort, Failure>, action: Action) -> Job {
        let (sort, end) = match sort {
            Ok(sort) => (sort, None),
            Err(failure) => (Sort::User, Some(Err(failure))),
        };
        let id = match &action {
            Action::Update { id, .. } | Action::Members { id, .. } | Action::Delete { id } => id.clone(),
            Action::Create { .. } | Action::Other(_) => String::new(),
        };
        let wanted = match &action {
            Action::Create { document } | Action::Update { document, .. } => document::read(&self.client.directory, sort, document),
            Action::Other(what) => Err(Failure::new(Kind::Unsupported, *what)),
            Action::Members { .. } | Action::Delete { .. } => Ok(Wanted::default()),
        };
        let mut job = Job { sort, action, wanted: Wanted::default(), place: None, entry: Entry::default(), row: VecDeque::new(), id, end };
        match wanted {
            Ok(wanted) => job.wanted = wanted,
            Err(failure) if job.is_open() => job.fail(failure),
            Err(_) => {}
        }
        job
    }

    /// Find out where the entries are, and what those have that are to be updated.
    fn locate(&mut self, jobs: &mut [Job]) {
        let (mut asked, mut requests) = (Vec::new(), Vec::new());
        for (at, job) in jobs.iter_mut().enumerate() {
            if !job.is_open() || matches!(job.action, Action::Create { .. }) {
                continue;
            }
            let mut attributes: Vec<String> = job.wanted.attributes.iter().map(|(name, _)| name.clone()).collect();
            if job.wanted.members.is_some() {
                attributes.push(self.client.directory.member.clone());
            }
            if attributes.is_empty() {
                attributes.push("1.1".to_owned());
            }
            match by_id(self.client.directory.entity_type(job.sort), &self.client, &job.id) {
                Ok(Some(mut search)) => {
                    search.attributes = attributes;
                    requests.push(Request::Search(search));
                    asked.push(at);
                }
                Ok(None) => job.fail(not_found(job.sort)),
                Err(failure) => job.fail(failure),
            }
        }
        let replies = self.client.all(requests);
        let mut found = Vec::new();
        for (at, reply) in asked.iter().zip(replies) {
            let answer = reply.and_then(|reply| {
                let entry = reply.entries.first().cloned();
                Ok(the_only(reply)?.and(entry))
            });
            match answer {
                Ok(Some(entry)) => match Dn::parse(&entry.dn) {
                    Some(dn) => {
                        jobs[*at].place = Some(dn);
                        found.push((*at, entry));
                    }
                    None => jobs[*at].fail(Failure::rejected("the server gave a name that is no DN")),
                },
                Ok(None) => {
                    let sort = jobs[*at].sort;
                    jobs[*at].fail(not_found(sort));
                }
                Err(failure) => jobs[*at].fail(failure),
            }
        }
        let mut entries: Vec<Entry> = found.iter().map(|(_, entry)| entry.clone()).collect();
        let failures = range::complete(&mut self.client, &mut entries);
        for (((at, _), entry), failure) in found.into_iter().zip(entries).zip(failures) {
            match failure {
                Some(failure) => jobs[at].fail(failure),
                None => jobs[at].entry = entry,
            }
        }
    }

    /// Work out the requests.
    fn plan(&mut self, jobs: &mut [Job]) {
        let mut lists: Vec<&[String]> = Vec::new();
        let mut of: Vec<usize> = Vec::new();
        for (at, job) in jobs.iter().enumerate().filter(|(_, job)| job.is_open()) {
            match &job.action {
                Action::Members { added, removed, .. } => {
                    lists.extend([added.as_slice(), removed]);
                    of.extend([at, at]);
                }
                _ => {
                    if let Some(members) = &job.wanted.members {
                        lists.push(members);
                        of.push(at);
                    }
                }
            }
        }
        let mut resolved: Vec<Vec<Result<Vec<Dn>, Failure>>> = jobs.iter().map(|_| Vec::new()).collect();
        for (at, dns) in of.into_iter().zip(self.members.resolve(&mut self.client, &lists)) {
            resolved[at].push(dns);
        }
        for (job, members) in jobs.iter_mut().zip(resolved).filter(|(job, _)| job.is_open()) {
            let planned = members.into_iter().collect::<Result<Vec<_>, _>>().and_then(|members| self.plan_one(job, members));
            if let Err(failure) = planned {
                job.fail(failure);
            }
        }
    }

    fn plan_one(&self, job: &mut Job, members: Vec<Vec<Dn>>) -> Result<(), Failure> {
        match &job.action {
            Action::Create { .. } => self.plan_create(job, members.into_iter().next()),
            Action::Update { .. } => self.plan_update(job, members.into_iter().next()),
            Action::Members { .. } => {
                let values = |dns: Option<&Vec<Dn>>| dns.into_iter().flatten().map(|dn| dn.to_string().into_bytes()).collect::<Vec<_>>();
                let (added, removed) = (values(members.first()), values(members.get(1)));
                let name = &self.client.directory.member;
                let change = |change, values: &[Vec<u8>]| (change, Attribute { name: name.clone(), values: values.to_vec() });
                let dn = place(job)?.to_string();
                let changes = added.chunks(VALUES_AT_ONCE).map(|values| change(Change::Add, values));
                let changes = changes.chain(removed.chunks(VALUES_AT_ONCE).map(|values| change(Change::Delete, values)));
                job.row = changes.map(|change| (Request::Modify { dn: dn.clone(), changes: vec![change] }, Step::Blind)).collect();
                Ok(())
            }
            Action::Delete { .. } => {
                job.row.push_back((Request::Delete { dn: place(job)?.to_string() }, Step::Modify));
                Ok(())
            }
            Action::Other(_) => Ok(()),
        }
    }

    fn plan_create(&self, job: &mut Job, members: Option<Vec<Dn>>) -> Result<(), Failure> {
        let directory = &self.client.directory;
        let entity_type = directory.entity_type(job.sort);
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let value = job.wanted.first(&entity_type.rdn);
        let dn = if let Some(composed) = &job.wanted.dn {
            dn::composed(composed, &entity_type.base, value.map(text).as_deref()).ok_or_else(|| {
                let (name, path) = (&directory.dn, entity_type.path_property());
                Failure::rejected(format!("the document's {name} is no DN below {path}, or has one of = < > # \\ in its first value"))
            })?
        } else {
            let missing = || Failure::rejected(format!("the document has no {}, which a new entry is named by", entity_type.rdn));
            entity_type.base.child(Rdn::new(&entity_type.rdn, value.ok_or_else(missing)?))
        };
        let mut attributes: Vec<Attribute> = Vec::new();
        let given = job.wanted.attributes.iter().filter(|(_, values)| !values.is_empty());
        attributes.extend(given.map(|(name, values)| Attribute { name: name.clone(), values: values.clone() }));
        if job.wanted.values("objectClass").is_none_or(<[_]>::is_empty) {
            let values = entity_type.classes.iter().map(|class| class.clone().into_bytes()).collect();
            attributes.insert(0, Attribute { name: "objectClass".to_owned(), values });
        }
        // What an entry is named by it has.
        if let Some(rdn) = dn.rdn() {
            for name in rdn.attributes() {
                if let Some(value) =
                    rdn.value(name).filter(|_| !attributes.iter().any(|attribute| attribute.name.eq_ignore_ascii_case(name)))
                {
                    attributes.push(Attribute { name: name.to_owned(), values: vec![value.to_vec()] });
                }
            }
        }
        let place = dn.to_string();
        let mut later = Vec::new();
        if job.sort == Sort::Group {
            let changes = difference::of_members(directory, &Entry::default(), &members.unwrap_or_default());
            let mut changes = changes.into_iter();
            attributes.extend(changes.next().map(|(_, attribute)| attribute));
            later.extend(changes);
        }
        let mut operation = None;
        match self.password(job)? {
            Password::None => {}
            Password::Attribute(attribute) => attributes.push(attribute),
            Password::Operation(password) => operation = Some(password_modify(&place, &password)),
        }
        job.row.push_back((Request::Add { dn: place.clone(), attributes }, Step::Add));
        job.row.extend(later.into_iter().map(|change| (Request::Modify { dn: place.clone(), changes: vec![change] }, Step::Modify)));
        job.row.extend(operation.map(|request| (request, Step::Modify)));
        match &entity_type.id {
            Identifier::Dn => job.id.clone_from(&place),
            Identifier::Attribute(name) => match job.wanted.first(name).or_else(|| dn.rdn()?.value(name)) {
                Some(value) if !entity_type.id.is_the_servers() => job.id = binary::to_text(directory, name, value),
                _ => job.row.push_back((entry(&place, std::slice::from_ref(name)), Step::ReadId)),
            },
        }
        job.place = Some(dn);
        Ok(())
    }

    fn plan_update(&self, job: &mut Job, members: Option<Vec<Dn>>) -> Result<(), Failure> {
        let directory = &self.client.directory;
        let entity_type = directory.entity_type(job.sort);
        let old = place(job)?.clone();
        let mut new = old.clone();
        if let Some(composed) = &job.wanted.dn {
            new = dn::composed(
                composed,
                &entity_type.base,
                job.wanted.first(&entity_type.rdn).and_then(|value| std::str::from_utf8(value).ok()),
            )
            .ok_or_else(|| Failure::rejected(format!("the document's {} is no DN below {}", directory.dn, entity_type.path_property())))?;
        } else if let Some(rdn) = old.rdn() {
            let named_by: Vec<String> = rdn.attributes().map(str::to_owned).collect();
            for name in named_by {
                // An entry always has a name: a document without the value does not take it away.
                if let (Some(value), Some(rdn), Some(parent)) = (job.wanted.first(&name), new.rdn(), new.parent()) {
                    new = parent.child(rdn.clone().with(&name, value));
                }
            }
        }
        let mut entry = job.entry.clone();
        if new.normal() == old.normal() {
            new = old.clone();
        } else {
            let (Some(rdn), Some(parent)) = (new.rdn(), new.parent()) else { return Err(Failure::rejected("an entry cannot be the root")) };
            let moved = old.parent().is_none_or(|before| before.normal() != parent.normal());
            let new_superior = moved.then(|| parent.to_string());
            job.row.push_back((Request::ModifyDn { dn: old.to_string(), new_rdn: rdn.to_string(), new_superior }, Step::Modify));
            named_anew(&mut entry, &old, rdn);
        }
        let place = new.to_string();
        let mut changes = match new.rdn() {
            Some(rdn) => difference::of_attributes(directory, &entry, &job.wanted.attributes, rdn),
            None => Vec::new(),
        };
        if let Password::Attribute(attribute) = self.password(job)? {
            changes.push((Change::Replace, attribute));
        }
        let mut members = members.map(|members| difference::of_members(directory, &entry, &members)).unwrap_or_default();
        // Everything in one request, which happens as a whole or not at all, unless it is too big.
        let is_small = members.iter().map(|(_, attribute)| attribute.values.len()).sum::<usize>() <= VALUES_AT_ONCE;
        if is_small {
            changes.append(&mut members);
        }
        if !changes.is_empty() {
            job.row.push_back((Request::Modify { dn: place.clone(), changes }, Step::Modify));
        }
        job.row.extend(members.into_iter().map(|change| (Request::Modify { dn: place.clone(), changes: vec![change] }, Step::Modify)));
        if let Password::Operation(password) = self.password(job)? {
            job.row.push_back((password_modify(&place, &password), Step::Modify));
        }
        match &entity_type.id {
            Identifier::Dn => job.id = place,
            Identifier::Attribute(name) => {
                if let Some(value) = job.wanted.first(name) {
                    job.id = binary::to_text(directory, name, value);
                }
            }
        }
        job.place = Some(new);
        Ok(())
    }

    fn password(&self, job: &Job) -> Result<Password, Failure> {
        let directory = &self.client.directory;
        let Some(text) = &job.wanted.password else { return Ok(Password::None) };
        if directory.profile == Profile::ActiveDirectory && directory.endpoint.security == Security::Plain {
            return Err(Failure::rejected("unicodePwd is only set over an encrypted connection: use ldaps:// or ldap.startTls"));
        }
        if directory.password_by_operation {
            return Ok(Password::Operation(text.clone()));
        }
        let value =
            if directory.profile == Profile::ActiveDirectory { document::unicode_password(text) } else { text.clone().into_bytes() };
        Ok(Password::Attribute(Attribute { name: document::password_attribute(directory).to_owned(), values: vec![value] }))
    }

    /// Send the rows, the first request of each together, then the second ones, and so on.
    fn carry_out(&mut self, jobs: &mut [Job]) {
        loop {
            let (mut sent, mut requests) = (Vec::new(), Vec::new());
            for (at, job) in jobs.iter_mut().enumerate() {
                if let Some((request, step)) = job.row.pop_front().filter(|_| job.end.is_none()) {
                    sent.push((at, step));
                    requests.push(request);
                }
            }
            if sent.is_empty() {
                break;
            }
            let replies = self.client.all(requests);
            for ((at, step), reply) in sent.into_iter().zip(replies) {
                self.settle(&mut jobs[at], step, reply);
            }
        }
        for job in jobs.iter().filter(|job| job.is_open()) {
            let before = match &job.action {
                Action::Update { id, .. } | Action::Delete { id } => Some(id),
                _ => None,
            };
            if let Some(id) = before {
                self.members.forget(job.sort, id);
            }
            if let (Some(place), false) = (&job.place, matches!(job.action, Action::Delete { .. } | Action::Members { .. })) {
                self.members.is_at(job.sort, &job.id, place);
            }
        }
    }

    fn settle(&self, job: &mut Job, step: Step, reply: Result<Reply, Failure>) {
        let mut reply = match reply {
            Ok(reply) => reply,
            Err(failure) => return job.fail(failure),
        };
        if reply.result.code == SUCCESS {
            if step == Step::ReadId {
                let id = reply
                    .entries
                    .pop()
                    .and_then(|entry| named_by(&self.client.directory, &self.client.directory.entity_type(job.sort).id, &entry));
                match id {
                    Some(id) => job.id = id,
                    None => {
                        job.fail(Failure::rejected(
                            "the entry was created, and the server does not show its id; may this account read it?",
                        ));
                    }
                }
            }
            return;
        }
        // Somebody is a member already or is none any more, or the group would be empty: what is there has to be looked at.
        if step == Step::Blind && [NO_SUCH_ATTRIBUTE, 20, 65, 53].contains(&reply.result.code) {
            job.row.clear();
            job.end = Some(Err(Failure::new(Kind::Conflict, START_OVER)));
            return;
        }
        let intent = if step == Step::Add { Intent::Add } else { Intent::Other };
        let what = match (&job.action, step) {
            (_, Step::Add) => "adding the entry",
            (_, Step::ReadId) => "reading the new entry",
            (Action::Delete { .. }, _) => "deleting the entry",
            (Action::Members { .. }, _) => "changing the members",
            _ => "changing the entry",
        };
        let mut failure = failure::of_result(what, intent, &reply.result);
        // The place a new entry belongs to is missing, and not the entry.
        if step == Step::Add && reply.result.code == NO_SUCH_OBJECT {
            failure.kind = Kind::Rejected;
        }
        job.fail(failure);
    }

    /// Changes of members that met something else than expected, once more and with a look at what is there.
    fn start_over(&mut self, jobs: &mut [Job]) {
        let again = |job: &Job| matches!(&job.end, Some(Err(failure)) if failure.message == START_OVER);
        let (of, mut retried): (Vec<usize>, Vec<Job>) = jobs
            .iter()
            .enumerate()
            .filter(|(_, job)| again(job))
            .map(|(at, job)| {
                let wanted = Wanted { members: Some(Vec::new()), ..Wanted::default() };
                let (sort, action, id) = (job.sort, job.action.clone(), job.id.clone());
                (at, Job { sort, action, wanted, place: None, entry: Entry::default(), row: VecDeque::new(), id, end: None })
            })
            .unzip();
        if of.is_empty() {
            return;
        }
        self.locate(&mut retried);
        for job in retried.iter_mut().filter(|job| job.end.is_none()) {
            let Action::Members { added, removed, .. } = &job.action else { continue };
            let resolved: Result<Vec<_>, _> = self.members.resolve(&mut self.client, &[added, removed]).into_iter().collect();
            let planned = resolved.and_then(|lists| {
                let directory = &self.client.directory;
                let removed: std::collections::HashSet<String> = lists.get(1).into_iter().flatten().map(Dn::normal).collect();
                let now = job.entry.texts(&directory.member).filter_map(Dn::parse).filter(|dn| !removed.contains(&dn.normal()));
                let wanted: Vec<Dn> = now.chain(lists.first().into_iter().flatten().cloned()).collect();
                let dn = place(job)?.to_string();
                let changes = difference::of_members(directory, &job.entry, &wanted);
                job.row =
                    changes.into_iter().map(|change| (Request::Modify { dn: dn.clone(), changes: vec![change] }, Step::Modify)).collect();
                Ok(())
            });
            if let Err(failure) = planned {
                job.fail(failure);
            }
        }
        self.carry_out(&mut retried);
        for (at, job) in of.into_iter().zip(retried) {
            jobs[at].end = job.end;
        }
    }

    /// Entities that have all of these values: at most ten, as they are in the directory.
    pub fn find(&mut self, sort: Sort, attributes: &[AttributeValue]) -> Result<Vec<sdk::Entity>, Failure> {
        let entity_type = self.client.directory.entity_type(sort).clone();
        let by_name = attributes.iter().find(|wanted| wanted.attribute.split('[').next() == Some(self.client.directory.dn.as_str()));
        let reply = if let (Some(wanted), 1) = (by_name, attributes.len()) {
            let text: String = serde_json::from_str(&wanted.value).map_err(|_| Failure::rejected("a DN must be a text"))?;
            let Some(dn) = dn::composed(&text, &entity_type.base, None) else { return Ok(Vec::new()) };
            self.client.one(entry(&dn.to_string(), &entity_type.attributes), Vec::new())?
        } else {
            let filter = with_values(&self.client, sort, attributes)?;
            let search = crate::message::Search {
                base: entity_type.base.to_string(),
                scope: crate::message::Scope::Subtree,
                size_limit: 0,
                filter,
                attributes: entity_type.attributes.clone(),
            };
            self.client.one(Request::Search(search), Vec::new())?
        };
        if reply.result.code == NO_SUCH_OBJECT {
            return Ok(Vec::new());
        }
        let reply = reply.success(|| format!("the search for a {}", sort.name()))?;
        reply.entries.iter().take(MAX_FOUND).map(|entry| entries::raw(&self.client.directory, sort, entry)).collect()
    }
}

const START_OVER: &str = "the members are not those that were expected";

enum Password {
    None,
    Attribute(Attribute),
    Operation(String),
}

fn place(job: &Job) -> Result<&Dn, Failure> {
    job.place.as_ref().ok_or_else(|| not_found(job.sort))
}

fn not_found(sort: Sort) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no {} with this id below the path", sort.name()))
}

/// What an entry has after it was named anew: the old value is gone with the old name.
fn named_anew(entry: &mut Entry, old: &Dn, new: &Rdn) {
    for name in new.attributes() {
        if let (Some(value), Some(attribute)) =
            (new.value(name), entry.attributes.iter_mut().find(|attribute| attribute.name.eq_ignore_ascii_case(name)))
        {
            let before = old.rdn().and_then(|rdn| rdn.value(name));
            attribute.values.retain(|known| Some(known.as_slice()) != before && known != value);
            attribute.values.push(value.to_vec());
        }
    }
}

/// RFC 3062 section 2.
fn password_modify(dn: &str, password: &str) -> Request {
    let mut value = Writer::default();
    value.nested(SEQUENCE, |inside| {
        inside.bytes(context(0), dn);
        inside.bytes(context(2), password);
    });
    Request::Extended { name: PASSWORD_MODIFY, value: Some(value.finish()) }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
