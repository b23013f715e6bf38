//! A directory and the connection to it, with the questions that are asked in several places.

use crate::{
    control,
    failure::{self, Intent, NO_SUCH_OBJECT, SUCCESS},
    filter::Filter,
    message::{Control, Entry, Request, Scope, Search},
    session::{Host, Reply, RootDse, Session},
    settings::Directory,
};
use sdk::Failure;

pub struct Client<H> {
    pub directory: Directory,
    pub session: Session<H>,
}

impl<H: Host> Client<H> {
    pub fn new(directory: Directory, host: H) -> Self {
        Self { directory, session: Session::new(host) }
    }

    pub fn root(&mut self) -> Result<&RootDse, Failure> {
        self.session.open(&self.directory.endpoint)
    }

    pub fn one(&mut self, request: Request, controls: Vec<Control>) -> Result<Reply, Failure> {
        self.session.one(&self.directory.endpoint, request, controls)
    }

    pub fn all(&mut self, requests: Vec<Request>) -> Vec<Result<Reply, Failure>> {
        let requests: Vec<_> = requests.into_iter().map(|request| (request, Vec::new())).collect();
        self.session.all(&self.directory.endpoint, &requests)
    }

    /// Whether the server says it knows this control.
    pub fn has_control(&mut self, oid: &str) -> Result<bool, Failure> {
        Ok(self.root()?.texts("supportedControl").any(|known| known == oid))
    }

    /// The entries with these names, in order; nothing for one that is not there (or not to be seen).
    pub fn entries(&mut self, names: &[String], attributes: &[String]) -> Vec<Result<Option<Entry>, Failure>> {
        self.all(names.iter().map(|name| entry(name, attributes)).collect()).into_iter().map(found).collect()
    }

    /// All entries of a search, page by page, in memory: for searches with few hits. References are hits nobody can look at.
    pub fn collect(&mut self, search: &Search, controls: &[Control], what: &str) -> Result<Vec<Entry>, Failure> {
        let (mut entries, mut cookie) = (Vec::new(), Vec::new());
        loop {
            let mut controls = controls.to_vec();
            let size = self.directory.page_size;
            if size > 0 {
                controls.push(control::paged(size, &cookie));
            }
            let reply = self.one(Request::Search(search.clone()), controls)?.success(|| what.to_owned())?;
            entries.extend(reply.entries);
            if entries.len() > MOST_COLLECTED {
                return Err(Failure::rejected(format!("{what} has more than {MOST_COLLECTED} hits")));
            }
            let next = control::paged_cookie(&reply.controls).map_err(|error| failure::malformed(&error))?;
            match next {
                Some(next) if !next.is_empty() && next != cookie => cookie = next,
                Some(next) if !next.is_empty() => return Err(Failure::rejected(format!("{what} goes round in circles"))),
                Some(_) => return Ok(entries),
                None if size == 0 => return Ok(entries),
                None => return Err(unpaged(what)),
            }
        }
    }
}

/// Beyond this a read of changes is no better than a read of everything.
pub const MOST_COLLECTED: usize = 100_000;

/// A page without the control says nothing about whether there are more.
pub fn unpaged(what: &str) -> Failure {
    Failure::rejected(format!(
        "{what}: the server answered without paging, so nobody knows whether that is everything; set ldap.page.size to 0"
    ))
}

/// The one entry of this name.
pub fn entry(name: &str, attributes: &[String]) -> Request {
    let search =
        Search { base: name.to_owned(), scope: Scope::Base, size_limit: 0, filter: Filter::everything(), attributes: attributes.to_vec() };
    Request::Search(search)
}

/// The answer to a search for one entry.
pub fn found(reply: Result<Reply, Failure>) -> Result<Option<Entry>, Failure> {
    let mut reply = reply?;
    match reply.result.code {
        SUCCESS => Ok(reply.entries.pop()),
        NO_SUCH_OBJECT => Ok(None),
        _ => Err(failure::of_result("reading an entry", Intent::Other, &reply.result)),
    }
}
