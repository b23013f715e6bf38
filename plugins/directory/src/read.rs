//! The source: everything, what changed, one id, attributes equal to values.
//!
//! A list is bound to its connection - a cookie of paged results means nothing on another one (RFC 2696 section 3) - so a cursor only says which page of which list it
//! is, and a list that was lost is a failure and never an end. The next page is asked for before this one is worked on, so server and host work at the same time.

use crate::{
    changes::{self, Changes},
    client::{Client, unpaged},
    control,
    dn::Dn,
    entry, failure,
    filter::Filter,
    flatten::{self, Children},
    message::{Entry, Request, Scope as Depth, Search},
    names::Names,
    range,
    session::{Host, Reply},
    settings::{EntityType, Identifier, Sort},
};
use sdk::{AttributeValue, Entity, Failure, Kind};
use std::collections::{HashMap, VecDeque};

/// The part of the entities that is asked for.
#[derive(Clone, Debug)]
pub enum Scope {
    All,
    /// What changed since a token of an earlier read.
    ChangedSince(String),
    ById(String),
    ByAttributes(Vec<AttributeValue>),
}

#[derive(Debug, Default)]
pub struct Page {
    pub entities: Vec<Entity>,
    /// The id if it is known, and why; also a doubt about the list as a whole, without an id.
    pub unreadable: Vec<(Option<String>, Failure)>,
    pub deleted: Vec<String>,
    pub next: Option<String>,
    pub delta_token: Option<String>,
}

/// The list that is being read.
struct List {
    number: u64,
    /// The connection it is bound to.
    generation: u64,
    sort: Sort,
    /// The request for the next page, which is under way.
    under_way: Option<i64>,
    /// Came already and did not fit into a page.
    rest: VecDeque<Entry>,
    cookie: Vec<u8>,
    /// Pages that were handed on.
    pages: u64,
    delta_token: Option<String>,
}

impl List {
    fn cursor(&self) -> String {
        format!("{}.{}", self.number, self.pages)
    }
}

pub struct Source<H> {
    pub client: Client<H>,
    names: Names,
    children: Children,
    /// SID of a primary group -> its DN, if there is one below the path.
    primary: HashMap<String, Option<String>>,
    list: Option<List>,
    lists: u64,
}

impl<H: Host> Source<H> {
    pub fn new(client: Client<H>) -> Self {
        Self { client, names: Names::default(), children: Children::new(), primary: HashMap::new(), list: None, lists: 0 }
    }

    /// Read one page of at most `limit` entities.
    pub fn page(&mut self, sort: Sort, scope: &Scope, cursor: Option<&str>, limit: u32) -> Result<Page, Failure> {
        if limit == 0 {
            return Err(Failure::rejected("a page of no entities was asked for"));
        }
        match scope {
            Scope::ById(id) => self.few(sort, by_id(self.client.directory.entity_type(sort), &self.client, id)?),
            Scope::ByAttributes(attributes) => {
                let filter = with_values(&self.client, sort, attributes)?;
                self.searched(sort, &filter, cursor, limit)
            }
            Scope::All => {
                let filter = self.client.directory.entity_type(sort).read_filter();
                self.searched(sort, &filter, cursor, limit)
            }
            Scope::ChangedSince(token) => self.changed(sort, token, cursor, limit),
        }
    }

    /// A search with at most one hit.
    fn few(&mut self, sort: Sort, search: Option<Search>) -> Result<Page, Failure> {
        let Some(search) = search else { return Ok(Page::default()) };
        let reply = self.client.one(Request::Search(search), Vec::new())?;
        if reply.result.code == failure::NO_SUCH_OBJECT {
            return Ok(Page::default());
        }
        let reply = reply.success(|| format!("the search for a {}", sort.name()))?;
        self.converted(sort, reply.entries)
    }

    fn searched(&mut self, sort: Sort, filter: &Filter, cursor: Option<&str>, limit: u32) -> Result<Page, Failure> {
        let mut list = if let Some(cursor) = cursor {
            self.resumed(cursor)?
        } else {
            self.forget(sort);
            let delta_token = changes::beginning(&mut self.client, sort)?;
            let generation = self.client.session.generation().unwrap_or_default();
            self.lists += 1;
            let rest = VecDeque::new();
            List { number: self.lists, generation, sort, under_way: None, rest, cookie: Vec::new(), pages: 0, delta_token }
        };
        let mut page = Page::default();
        if list.rest.is_empty() {
            let id = match list.under_way.take() {
                Some(id) => id,
                None => self.ask(&list, filter, limit)?,
            };
            let reply = self.client.session.finish(id)?.success(|| self.what(sort))?;
            self.doubt(&reply, &mut page);
            let cookie = control::paged_cookie(&reply.controls).map_err(|error| failure::malformed(&error))?;
            match cookie {
                Some(cookie) => list.cookie = cookie,
                None if self.client.directory.page_size == 0 => list.cookie = Vec::new(),
                None => return Err(unpaged(&self.what(sort))),
            }
            list.rest = reply.entries.into();
            if !list.cookie.is_empty() {
                list.under_way = Some(self.ask(&list, filter, limit)?);
            }
        }
        let entries: Vec<Entry> = list.rest.drain(..list.rest.len().min(limit as usize)).collect();
        let converted = self.converted(sort, entries)?;
        page.entities = converted.entities;
        page.unreadable.extend(converted.unreadable);
        Ok(self.ended(list, page))
    }

    /// A list begins. What is known of users serves the groups that are read after them.
    fn forget(&mut self, sort: Sort) {
        self.children.clear();
        if sort == Sort::User {
            self.names = Names::default();
        }
    }

    /// The list goes on, or has come to its end.
    fn ended(&mut self, mut list: List, mut page: Page) -> Page {
        list.pages += 1;
        if list.rest.is_empty() && list.under_way.is_none() {
            page.delta_token = list.delta_token;
        } else {
            page.next = Some(list.cursor());
            self.list = Some(list);
        }
        page
    }

    fn resumed(&mut self, cursor: &str) -> Result<List, Failure> {
        let generation = self.client.session.generation();
        let list = self.list.take().filter(|list| list.cursor() == cursor && Some(list.generation) == generation);
        list.ok_or_else(|| {
            let message = "the connection this list was read on has ended, and no server goes on with a list on another one; the next run begins anew";
            Failure::new(Kind::Conflict, message)
        })
    }

    /// Ask for the next page.
    fn ask(&mut self, list: &List, filter: &Filter, limit: u32) -> Result<i64, Failure> {
        let directory = &self.client.directory;
        let entity_type = directory.entity_type(list.sort);
        let search = Search {
            base: entity_type.base.to_string(),
            scope: Depth::Subtree,
            size_limit: 0,
            filter: filter.clone(),
            attributes: entity_type.attributes.clone(),
        };
        let mut controls = Vec::new();
        if directory.page_size > 0 {
            controls.push(control::paged(directory.page_size.min(limit), &list.cookie));
        }
        if self.client.has_control(control::DOMAIN_SCOPE)? {
            controls.push(control::domain_scope());
        }
        let endpoint = &self.client.directory.endpoint;
        self.client.session.start(endpoint, &Request::Search(search), &controls)
    }

    fn what(&self, sort: Sort) -> String {
        format!("the search below {}", self.client.directory.entity_type(sort).path_property())
    }

    /// A reference to another server means that a part of the entities is missing.
    fn doubt(&self, reply: &Reply, page: &mut Page) {
        if reply.references.is_empty() {
            return;
        }
        let urls = failure::shortened(&reply.references.join(" "));
        if self.client.directory.ignore_referrals {
            return;
        }
        let message = format!(
            "a part of the subtree is on another server and was not read: {urls}; if it does not belong to this system, set ldap.referrals to ignore"
        );
        page.unreadable.push((None, Failure::new(Kind::Unsupported, message)));
    }

    /// Changes come all at once, because only their end says whether they can be used, and are handed on in pages.
    fn changed(&mut self, sort: Sort, token: &str, cursor: Option<&str>, limit: u32) -> Result<Page, Failure> {
        let mut page = Page::default();
        let mut list = if let Some(cursor) = cursor {
            self.resumed(cursor)?
        } else {
            self.forget(sort);
            let Changes { entries, deleted, references, token } = changes::since(&mut self.client, sort, token)?;
            self.doubt(&Reply { references, ..Reply::default() }, &mut page);
            page.deleted = deleted;
            self.lists += 1;
            let generation = self.client.session.generation().unwrap_or_default();
            List {
                number: self.lists,
                generation,
                sort,
                under_way: None,
                rest: entries.into(),
                cookie: Vec::new(),
                pages: 0,
                delta_token: token,
            }
        };
        let entries: Vec<Entry> = list.rest.drain(..list.rest.len().min(limit as usize)).collect();
        let converted = self.converted(sort, entries)?;
        page.entities = converted.entities;
        page.unreadable.extend(converted.unreadable);
        Ok(self.ended(list, page))
    }

    /// Entries to entities: pieces fetched, members and groups called by their names.
    fn converted(&mut self, sort: Sort, mut entries: Vec<Entry>) -> Result<Page, Failure> {
        let failures = range::complete(&mut self.client, &mut entries);
        let (member, member_of) = (self.client.directory.member.clone(), self.client.directory.member_of.clone());
        for entry in &mut entries {
            match sort {
                Sort::User if self.client.directory.primary_groups => {
                    if let Some(group) = self.primary_group(entry)? {
                        flatten::add(entry, &member_of, vec![group]);
                    }
                }
                Sort::Group if self.client.directory.primary_groups => {
                    let users = flatten::primary_members(&mut self.client, entry)?;
                    flatten::add(entry, &member, users);
                }
                _ => {}
            }
            if sort == Sort::Group && self.client.directory.flatten.is_some() {
                let members = flatten::dns(entry, &member);
                let users = flatten::users(&mut self.client, &mut self.names, &mut self.children, members)?;
                entry.attributes.retain(|attribute| !attribute.name.eq_ignore_ascii_case(&member));
                flatten::add(entry, &member, users);
            }
        }
        let references = if sort == Sort::User { &member_of } else { &member };
        let dns: Vec<&str> = entries.iter().flat_map(|entry| entry.texts(references)).filter(|text| text.contains('=')).collect();
        self.names.learn(&mut self.client, dns)?;
        let mut page = Page::default();
        for (entry, failure) in entries.iter().zip(failures) {
            if sort == Sort::User {
                self.names.meet(&self.client.directory, sort, entry);
            }
            match failure.map_or_else(|| entry::entity(&self.client.directory, sort, entry, &self.names), Err) {
                Ok(entity) => page.entities.push(entity),
                Err(failure) => page.unreadable.push((Some(entry.dn.clone()), failure)),
            }
        }
        Ok(page)
    }

    fn primary_group(&mut self, user: &Entry) -> Result<Option<String>, Failure> {
        let Some(key) = flatten::primary_key(&self.client, user) else { return Ok(None) };
        if let Some(known) = self.primary.get(&key) {
            return Ok(known.clone());
        }
        let group = flatten::primary_group(&mut self.client, user)?;
        self.primary.insert(key, group.clone());
        Ok(group)
    }
}

/// The search for one id; nothing where there can be none. The configured filter does not apply.
pub fn by_id(entity_type: &EntityType, client: &Client<impl Host>, id: &str) -> Result<Option<Search>, Failure> {
    let attributes = entity_type.attributes.clone();
    Ok(Some(match &entity_type.id {
        Identifier::Dn => {
            let Some(dn) = Dn::parse(id).filter(|dn| dn.is_within(&entity_type.base)) else { return Ok(None) };
            Search { base: dn.to_string(), scope: Depth::Base, size_limit: 0, filter: entity_type.class_filter(), attributes }
        }
        Identifier::Attribute(name) => {
            // What cannot be an id is the id of nobody.
            let Ok(value) = crate::binary::from_text(&client.directory, name, id) else { return Ok(None) };
            let filter = Filter::all([entity_type.class_filter(), Filter::equal(name, value)]);
            Search { base: entity_type.base.to_string(), scope: Depth::Subtree, size_limit: 0, filter, attributes }
        }
    }))
}

/// Attributes of documents (`mail[0]`, `mail`) with values as a filter.
pub fn with_values(client: &Client<impl Host>, sort: Sort, attributes: &[AttributeValue]) -> Result<Filter, Failure> {
    let entity_type = client.directory.entity_type(sort);
    let mut filters = vec![entity_type.class_filter()];
    for AttributeValue { attribute, value } in attributes {
        let name = attribute.split('[').next().unwrap_or_default().trim().trim_start_matches("$.");
        let right = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.;_".contains(&byte));
        if !right {
            return Err(Failure::new(Kind::Unsupported, format!("{attribute:?} is no attribute of a directory")));
        }
        let values = match serde_json::from_str::<serde_json::Value>(value) {
            Ok(serde_json::Value::Array(values)) if !values.is_empty() => values,
            Ok(value) => vec![value],
            Err(_) => return Err(Failure::rejected(format!("the value of {attribute} is no JSON"))),
        };
        for value in values {
            let text = crate::document::scalar(&value).ok_or_else(|| Failure::rejected(format!("the value of {attribute} is no text")))?;
            let name = if name == client.directory.dn { "entryDN" } else { name };
            filters.push(Filter::equal(name, crate::binary::from_text(&client.directory, name, &text)?));
        }
    }
    Ok(Filter::all(filters))
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
