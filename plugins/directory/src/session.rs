//! A connection: opened and bound when it is needed, many requests under way on it, answers by the number of their request (RFC 4511 section 3.1).
//!
//! The connection is kept between calls. A search on one that turns out to have ended meanwhile is sent again on a new one; a change is not, because nobody knows
//! whether the server carried it out: that is for the host, which looks first.

use crate::{
    ber, control,
    failure::{self, Intent, SUCCESS},
    filter::Filter,
    message::{self, Control, Entry, LdapResult, Message, Request, Response, Scope, Search},
    settings::{Authentication, Endpoint, Security},
};
use sdk::{Failure, Kind};
use std::collections::BTreeMap;

/// Requests under way at once.
const WINDOW: usize = 32;
/// The largest message: a group of half a million members has room.
const MAX_MESSAGE: usize = 64 << 20;
/// The most that is kept of the answers to one request.
const MAX_REPLY: usize = 128 << 20;
/// Bytes asked for at once.
const READ_AT_ONCE: u32 = 64 << 10;
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
const NOTICE_OF_DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

/// The way to the network and to the password; the component has `dial` and `secret`, tests a script.
pub trait Host {
    fn connect(&mut self, endpoint: &str, tls: bool) -> Result<u32, Failure>;
    /// Nothing: the other side has closed.
    fn read(&mut self, connection: u32, most: u32) -> Result<Vec<u8>, Failure>;
    fn write(&mut self, connection: u32, bytes: &[u8]) -> Result<(), Failure>;
    fn start_tls(&mut self, connection: u32) -> Result<(), Failure>;
    fn close(&mut self, connection: u32);
    fn password(&mut self) -> Result<String, Failure>;
    /// Tell the operator.
    fn warn(&mut self, message: &str);
}

/// Everything the server said to one request.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub entries: Vec<Entry>,
    pub references: Vec<String>,
    /// Values of intermediate messages named [`control::SYNC_INFO`], each with the number of entries that came before it.
    pub news: Vec<(usize, Vec<u8>)>,
    pub result: LdapResult,
    pub controls: Vec<Control>,
}

impl Reply {
    /// Itself if it is a success.
    pub fn success(self, what: impl FnOnce() -> String) -> Result<Self, Failure> {
        if self.result.code == SUCCESS { Ok(self) } else { Err(failure::of_result(&what(), Intent::Other, &self.result)) }
    }
}

/// What the server says about itself (RFC 4512 section 5.1). Empty where it does not want to.
pub type RootDse = Entry;

struct Link {
    connection: u32,
    /// Received and not yet read; `start` is where the next message begins.
    buffer: Vec<u8>,
    start: usize,
    last_id: i32,
    /// Answers so far, by the number of the request, with their size; done or not.
    replies: BTreeMap<i64, (Reply, usize, bool)>,
    root: RootDse,
    /// Nothing has been received since it was taken up again.
    stale: bool,
}

pub struct Session<H> {
    pub host: H,
    link: Option<Link>,
    /// How many connections there were: what is bound to one has its number.
    generation: u64,
}

impl<H: Host> Session<H> {
    pub fn new(host: H) -> Self {
        Self { host, link: None, generation: 0 }
    }

    /// The number of the connection, while there is one.
    pub fn generation(&self) -> Option<u64> {
        self.link.as_ref().map(|_| self.generation)
    }

    /// Connect, secure and bind, unless that is done already. The answer: what the server says about itself.
    pub fn open(&mut self, endpoint: &Endpoint) -> Result<&RootDse, Failure> {
        if self.link.is_none() {
            let connection = self.host.connect(&endpoint.address, endpoint.security == Security::Tls)?;
            self.generation += 1;
            let mut link = Link {
                connection,
                buffer: Vec::new(),
                start: 0,
                last_id: 0,
                replies: BTreeMap::new(),
                root: Entry::default(),
                stale: false,
            };
            match begin(&mut self.host, &mut link, endpoint) {
                Ok(()) => self.link = Some(link),
                Err(failure) => {
                    self.host.close(connection);
                    return Err(failure);
                }
            }
        }
        match &self.link {
            Some(link) => Ok(&link.root),
            None => Err(ended()),
        }
    }

    /// End the connection, with whatever is under way on it.
    pub fn close(&mut self) {
        if let Some(link) = self.link.take() {
            // A farewell; whether it arrives does not matter.
            let _ = self.host.write(link.connection, &message::encode(i32::MAX, &Request::Unbind, &[]));
            self.host.close(link.connection);
        }
    }

    /// Send a request and do not wait: [`Session::finish`] gives its answers. For what is asked ahead of time.
    pub fn start(&mut self, endpoint: &Endpoint, request: &Request, controls: &[Control]) -> Result<i64, Failure> {
        self.open(endpoint)?;
        self.with_link(|host, link| link.send(host, request, controls))
    }

    /// The answers to a request that was started.
    pub fn finish(&mut self, id: i64) -> Result<Reply, Failure> {
        self.with_link(|host, link| {
            loop {
                if let Some(reply) = link.finished(id) {
                    return Ok(reply);
                }
                link.receive(host)?;
            }
        })
    }

    fn with_link<T>(&mut self, run: impl FnOnce(&mut H, &mut Link) -> Result<T, Failure>) -> Result<T, Failure> {
        let link = self.link.as_mut().ok_or_else(ended)?;
        let result = run(&mut self.host, link);
        if result.is_err() {
            self.close();
        }
        result
    }

    /// One request.
    pub fn one(&mut self, endpoint: &Endpoint, request: Request, controls: Vec<Control>) -> Result<Reply, Failure> {
        self.all(endpoint, &[(request, controls)]).pop().unwrap_or_else(|| Err(ended()))
    }

    /// Carry out the requests, many at once, and answer for each in its order. They must not depend on each other. A result that is no success is a reply; a failure
    /// means that there is none.
    pub fn all(&mut self, endpoint: &Endpoint, requests: &[(Request, Vec<Control>)]) -> Vec<Result<Reply, Failure>> {
        if let Some(link) = &mut self.link {
            link.stale = true;
        }
        let searches = requests.iter().all(|(request, _)| matches!(request, Request::Search(_)));
        let mut replies: Vec<Option<Result<Reply, Failure>>> = requests.iter().map(|_| None).collect();
        let mut end = self.exchange(endpoint, requests, &mut replies);
        // The server closed the connection while it lay idle; a search may be asked again.
        if let (Err((_, true)), true) = (&end, searches) {
            replies.fill_with(|| None);
            end = self.exchange(endpoint, requests, &mut replies);
        }
        let (failure, _) = end.err().unwrap_or_else(|| (ended(), false));
        replies.into_iter().map(|reply| reply.unwrap_or_else(|| Err(failure.clone()))).collect()
    }

    /// The failure says too whether it was a connection of earlier on which nothing came any more.
    fn exchange(
        &mut self,
        endpoint: &Endpoint,
        requests: &[(Request, Vec<Control>)],
        replies: &mut [Option<Result<Reply, Failure>>],
    ) -> Result<(), (Failure, bool)> {
        self.open(endpoint).map_err(|failure| (failure, false))?;
        let mut stale = false;
        let done = self.with_link(|host, link| {
            let mut waiting: BTreeMap<i64, usize> = BTreeMap::new();
            let mut next = 0;
            while next < requests.len() || !waiting.is_empty() {
                while next < requests.len() && waiting.len() < WINDOW {
                    let (request, controls) = &requests[next];
                    match link.send(host, request, controls) {
                        Ok(id) => _ = waiting.insert(id, next),
                        Err(failure) => {
                            stale = link.stale;
                            return Err(failure);
                        }
                    }
                    next += 1;
                }
                let done: Vec<(i64, usize)> = waiting.iter().map(|(id, place)| (*id, *place)).filter(|(id, _)| link.is_done(*id)).collect();
                for (id, place) in &done {
                    waiting.remove(id);
                    replies[*place] = link.finished(*id).map(Ok);
                }
                if done.is_empty()
                    && let Err(failure) = link.receive(host)
                {
                    stale = link.stale;
                    // What was sent may have been done.
                    for place in waiting.into_values() {
                        let unknown =
                            Failure::new(Kind::TimedOut, format!("no answer, whether it was done is not known: {}", failure.message));
                        replies[place] = Some(Err(if matches!(failure.kind, Kind::Rejected) { failure.clone() } else { unknown }));
                    }
                    return Err(failure);
                }
            }
            Ok(())
        });
        done.map_err(|failure| (failure, stale))
    }
}

fn ended() -> Failure {
    Failure::unavailable("the connection to the server has ended")
}

/// The first messages of a connection.
fn begin(host: &mut impl Host, link: &mut Link, endpoint: &Endpoint) -> Result<(), Failure> {
    if endpoint.security == Security::StartTls {
        link.ask(host, &Request::Extended { name: START_TLS, value: None }, "StartTLS")?;
        host.start_tls(link.connection)?;
    }
    match &endpoint.authentication {
        Authentication::Anonymous => {}
        Authentication::Simple { user } => {
            let password = host.password()?;
            // RFC 4513 section 5.1.2: this would succeed, as nobody.
            if password.is_empty() {
                return Err(Failure::new(
                    Kind::Unauthenticated,
                    "the secret of ldap.password is empty: the server would take that for an anonymous bind",
                ));
            }
            link.ask(host, &Request::SimpleBind { dn: user.clone(), password }, "the bind")?;
        }
        Authentication::External => _ = link.ask(host, &Request::ExternalBind, "the bind with the client certificate")?,
    }
    // What the server keeps to itself cannot be asked for, so a refusal is an empty answer.
    let search = Search {
        base: String::new(),
        scope: Scope::Base,
        size_limit: 0,
        filter: Filter::everything(),
        attributes: ["*", "+"].map(str::to_owned).into(),
    };
    let id = link.send(host, &Request::Search(search), &[])?;
    link.root = link.await_reply(host, id)?.entries.pop().unwrap_or_default();
    Ok(())
}

impl Link {
    fn send(&mut self, host: &mut impl Host, request: &Request, controls: &[Control]) -> Result<i64, Failure> {
        // Numbers start again after two thousand million requests; none of those is still under way.
        self.last_id = if self.last_id >= i32::MAX - 1 { 1 } else { self.last_id + 1 };
        host.write(self.connection, &message::encode(self.last_id, request, controls))?;
        let id = i64::from(self.last_id);
        self.replies.insert(id, (Reply::default(), 0, false));
        Ok(id)
    }

    fn ask(&mut self, host: &mut impl Host, request: &Request, what: &str) -> Result<Reply, Failure> {
        let id = self.send(host, request, &[])?;
        self.await_reply(host, id)?.success(|| what.to_owned())
    }

    fn await_reply(&mut self, host: &mut impl Host, id: i64) -> Result<Reply, Failure> {
        loop {
            if let Some(reply) = self.finished(id) {
                return Ok(reply);
            }
            self.receive(host)?;
        }
    }

    fn is_done(&self, id: i64) -> bool {
        self.replies.get(&id).is_some_and(|(_, _, done)| *done)
    }

    fn finished(&mut self, id: i64) -> Option<Reply> {
        if self.is_done(id) { self.replies.remove(&id).map(|(reply, _, _)| reply) } else { None }
    }

    /// Take in some messages, at least one.
    fn receive(&mut self, host: &mut impl Host) -> Result<(), Failure> {
        let mut taken = false;
        loop {
            let unread = &self.buffer[self.start..];
            if unread.first().is_some_and(|tag| *tag != ber::SEQUENCE) {
                return Err(failure::malformed(&ber::Malformed("a message begins with another byte")));
            }
            let length = ber::length(unread).map_err(|error| failure::malformed(&error))?;
            if length.is_some_and(|length| length > MAX_MESSAGE) {
                return Err(Failure::rejected(format!("the server announced a message of more than {} MiB", MAX_MESSAGE >> 20)));
            }
            match length {
                Some(length) if length <= self.buffer.len() - self.start => {
                    let message =
                        message::decode(&self.buffer[self.start..self.start + length]).map_err(|error| failure::malformed(&error))?;
                    self.start += length;
                    self.take(message, length)?;
                    taken = true;
                }
                _ if taken => return Ok(()),
                _ => {
                    self.buffer.drain(..self.start);
                    self.start = 0;
                    let bytes = host.read(self.connection, READ_AT_ONCE)?;
                    if bytes.is_empty() {
                        return Err(Failure::unavailable("the server closed the connection"));
                    }
                    self.stale = false;
                    self.buffer.extend_from_slice(&bytes);
                }
            }
        }
    }

    fn take(&mut self, message: Message, size: usize) -> Result<(), Failure> {
        if message.id == 0 {
            let Response::Done { result, name } = message.response else { return Ok(()) };
            if name.as_deref() == Some(NOTICE_OF_DISCONNECTION) {
                let words = failure::of_result("the connection", Intent::Other, &result).message;
                return Err(Failure::unavailable(format!("the server ends the connection: {words}")));
            }
            return Ok(());
        }
        let Some((reply, total, done)) = self.replies.get_mut(&message.id) else {
            return Err(Failure::rejected(format!("the server answered request {}, which was never sent", message.id)));
        };
        if *done {
            return Err(Failure::rejected(format!("the server goes on answering request {}, which it has ended", message.id)));
        }
        *total += size;
        if *total > MAX_REPLY {
            return Err(Failure::rejected(format!("the server sent more than {} MiB in answer to one request", MAX_REPLY >> 20)));
        }
        match message.response {
            Response::Entry(entry) => reply.entries.push(entry),
            Response::Reference(urls) => reply.references.extend(urls),
            Response::Intermediate { name, value } => {
                if name.as_deref() == Some(control::SYNC_INFO) {
                    reply.news.push((reply.entries.len(), value.unwrap_or_default()));
                }
            }
            Response::Done { result, .. } => {
                reply.result = result;
                reply.controls = message.controls;
                *done = true;
            }
        }
        Ok(())
    }
}
