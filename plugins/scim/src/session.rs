//! Tokens against cross-site request forgery: fetched before the first change, sent with every change, fetched anew when the server no longer takes them.
//!
//! It stands between the protocol and the network, which both know nothing of it. While a token is on its way, changes wait and reads go on.

use crate::{
    failure::{self, Intent},
    http::{Answer, Http, Method, Request},
};
use sdk::{Failure, Kind};
use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    rc::Rc,
    time::SystemTime,
};

const HEADER: &str = "x-csrf-token";
/// The number of the request for a token; no conversation has it.
const FETCH: usize = usize::MAX;
/// How often one change is sent again with a newer token. A token may hold for fewer changes than are under way at once.
const MAX_AGAIN: u8 = 10;
/// How many tokens in a row may be of no use to any change.
const MAX_USELESS: u8 = 3;

/// Where tokens come from, and the one there is. It outlives a call of the connector, as the server's session does.
#[derive(Clone, Debug)]
pub struct Csrf {
    url: String,
    headers: Vec<(&'static str, String)>,
    token: RefCell<Option<Rc<Token>>>,
}

#[derive(Debug)]
struct Token {
    value: String,
    /// The session the token belongs to, as a `Cookie` header.
    cookies: Option<String>,
}

impl Csrf {
    /// Tokens are asked for with a GET of this URL and these headers.
    pub fn new(url: String, headers: Vec<(&'static str, String)>) -> Self {
        Self { url, headers, token: RefCell::default() }
    }

    fn fetch(&self) -> Request {
        let mut headers = self.headers.clone();
        headers.push((HEADER, "Fetch".to_owned()));
        Request { method: Method::Get, url: self.url.clone(), headers, body: None }
    }

    /// The token of an answer, whatever its status: some servers send one along with an error about the rest.
    fn take(&self, answer: Result<Answer, Failure>, now: SystemTime) -> Result<(), Failure> {
        let answer = answer?;
        let value = answer.header(HEADER).map(str::trim).filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("required"));
        let Some(value) = value else {
            if !answer.is_success() {
                let mut failure = failure::of_answer(Method::Get, &self.url, Intent::Other, &answer, now);
                // It is the token that is not there: a deletion must not take this for its own success.
                if matches!(failure.kind, Kind::NotFound) {
                    failure.kind = Kind::Rejected;
                }
                return Err(failure);
            }
            let what = failure::name(Method::Get, &self.url);
            let message = format!("{what} answered {} without the header X-CSRF-Token; check scim.csrf.token.path", answer.status);
            return Err(Failure::new(Kind::Rejected, message));
        };
        // RFC 6265 section 5.4: only names and values go back.
        let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
        let cookies: Vec<&str> = cookies.filter_map(|(_, cookie)| cookie.split(';').next()).map(str::trim).collect();
        let cookies = (!cookies.is_empty()).then(|| cookies.join("; "));
        *self.token.borrow_mut() = Some(Rc::new(Token { value: value.to_owned(), cookies }));
        Ok(())
    }
}

/// Whether the server wants another token. RFC 9110 has no word for it: servers say it in the header, or at least in the body.
fn asks_for_token(answer: &Answer) -> bool {
    let said = || String::from_utf8_lossy(&answer.body[..answer.body.len().min(4096)]).to_ascii_lowercase();
    answer.status == 403
        && (answer.header(HEADER).is_some_and(|value| value.trim().eq_ignore_ascii_case("required")) || said().contains("csrf"))
}

/// A change under way: what was sent, with which token, and how often it was sent again.
struct Sent {
    request: Request,
    token: Option<Rc<Token>>,
    again: u8,
}

/// A network that adds tokens to changes, where the system asks for them.
pub struct Session<H> {
    http: H,
    csrf: Option<Rc<Csrf>>,
    changes: HashMap<usize, Sent>,
    waiting: Vec<usize>,
    fetching: bool,
    /// How many tokens were refused since a change was taken.
    useless: u8,
    failed: VecDeque<(usize, Failure)>,
}

impl<H: Http> Session<H> {
    pub fn new(http: H, csrf: Option<Rc<Csrf>>) -> Self {
        Self { http, csrf, changes: HashMap::new(), waiting: Vec::new(), fetching: false, useless: 0, failed: VecDeque::new() }
    }

    /// Send a change with the token there is, or let it wait for one.
    fn send(&mut self, number: usize, csrf: &Csrf) {
        let Some(sent) = self.changes.get_mut(&number) else { return };
        let token = csrf.token.borrow().clone();
        let Some(token) = token else {
            self.waiting.push(number);
            if !std::mem::replace(&mut self.fetching, true) {
                self.http.start(FETCH, csrf.fetch());
            }
            return;
        };
        let mut request = sent.request.clone();
        request.headers.push((HEADER, token.value.clone()));
        request.headers.extend(token.cookies.as_ref().map(|cookies| ("cookie", cookies.clone())));
        sent.token = Some(token);
        self.http.start(number, request);
    }

    fn fetched(&mut self, csrf: &Csrf, answer: Result<Answer, Failure>) {
        self.fetching = false;
        let outcome = csrf.take(answer, self.http.now());
        for number in std::mem::take(&mut self.waiting) {
            match &outcome {
                Ok(()) => self.send(number, csrf),
                Err(failure) => {
                    self.changes.remove(&number);
                    self.failed.push_back((number, failure.clone()));
                }
            }
        }
    }

    /// Whether the change is on its way again, with a newer token than the one that was refused.
    fn again(&mut self, number: usize, csrf: &Csrf, answer: &Answer) -> bool {
        let Some(sent) = self.changes.get_mut(&number) else { return false };
        if !asks_for_token(answer) {
            self.useless = 0;
            return false;
        }
        let mut token = csrf.token.borrow_mut();
        // Others may have been refused with the same token, and one of them has fetched a new one already.
        if token.as_ref().zip(sent.token.as_ref()).is_some_and(|(now, then)| Rc::ptr_eq(now, then)) {
            *token = None;
            self.useless += 1;
        }
        if sent.again == MAX_AGAIN || self.useless >= MAX_USELESS {
            return false;
        }
        sent.again += 1;
        drop(token);
        self.send(number, csrf);
        true
    }
}

impl<H: Http> Http for Session<H> {
    fn start(&mut self, number: usize, request: Request) {
        match self.csrf.clone() {
            Some(csrf) if request.method != Method::Get => {
                self.changes.insert(number, Sent { request, token: None, again: 0 });
                self.send(number, &csrf);
            }
            _ => self.http.start(number, request),
        }
    }

    fn finished(&mut self) -> Option<(usize, Result<Answer, Failure>)> {
        loop {
            if let Some((number, failure)) = self.failed.pop_front() {
                return Some((number, Err(failure)));
            }
            let (number, answer) = self.http.finished()?;
            let Some(csrf) = self.csrf.clone() else { return Some((number, answer)) };
            if number == FETCH {
                self.fetched(&csrf, answer);
                continue;
            }
            if answer.as_ref().is_ok_and(|answer| self.again(number, &csrf, answer)) {
                continue;
            }
            self.changes.remove(&number);
            return Some((number, answer));
        }
    }

    fn now(&self) -> SystemTime {
        self.http.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Scripted, bare, connection};
    use crate::write::{Action, write};

    const PROPERTIES: [(&str, &str); 2] = [("scim.api.csrf.protection", "enabled"), ("scim.csrf.token.path", "/api/v1/scim/Users?count=1")];

    fn deletions(count: usize) -> Vec<(Result<crate::resource::Resource, Failure>, Action)> {
        (0..count).map(|id| (Ok(crate::resource::Resource::User), Action::Delete { id: id.to_string() })).collect()
    }

    /// A server whose tokens hold for this many changes each. It counts the tokens it gave out.
    fn server(lifetime: usize) -> impl FnMut(&Request) -> Result<Answer, Failure> {
        let (mut given, mut used) = (0, 0);
        move |request| {
            let sent = |name: &str| request.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
            if request.method == Method::Get {
                assert_eq!(sent(HEADER).as_deref(), Some("Fetch"));
                assert_eq!(request.url, "https://h/v2/api/v1/scim/Users?count=1");
                (given, used) = (given + 1, 0);
                let session = format!("session={given}; Path=/; HttpOnly");
                return bare(200, &[(HEADER, &format!("token-{given}")), ("set-cookie", &session), ("set-cookie", "lb=7")]);
            }
            used += 1;
            let right = sent(HEADER) == Some(format!("token-{given}")) && sent("cookie") == Some(format!("session={given}; lb=7"));
            if right && used <= lifetime { bare(204, &[]) } else { bare(403, &[(HEADER, "Required")]) }
        }
    }

    #[test]
    fn a_token_serves_all_changes_of_all_calls() {
        let connection = connection(&PROPERTIES);
        for call in 0..2 {
            let mut session = Session::new(Scripted::new(server_after(call)), connection.csrf());
            assert!(write(&connection, &mut session, deletions(40)).iter().all(Result::is_ok));
            assert_eq!(session.http.seen.len(), 41 - call, "one fetch in the first call");
        }
    }

    fn server_after(call: usize) -> impl FnMut(&Request) -> Result<Answer, Failure> {
        let mut server = server(1000);
        if call > 0 {
            let fetch = Csrf::new("https://h/v2/api/v1/scim/Users?count=1".into(), vec![]).fetch();
            server(&fetch).unwrap();
        }
        server
    }

    #[test]
    fn a_token_that_expires_is_fetched_again_once_for_all() {
        let connection = connection(&PROPERTIES);
        let mut session = Session::new(Scripted::new(server(30)), connection.csrf());
        assert!(write(&connection, &mut session, deletions(70)).iter().all(Result::is_ok));
        let fetches = session.http.lines().iter().filter(|line| line.starts_with("GET")).count();
        assert!((3..=5).contains(&fetches), "{fetches}");
    }

    #[test]
    fn a_server_that_never_takes_its_tokens_is_given_up() {
        let connection = connection(&PROPERTIES);
        let mut session = Session::new(Scripted::new(server(0)), connection.csrf());
        let outcomes = write(&connection, &mut session, deletions(1));
        assert!(matches!(outcomes[0].as_ref().unwrap_err().kind, Kind::Forbidden));
        assert_eq!(session.http.seen.len(), 6);
    }

    #[test]
    fn without_a_token_nothing_is_changed() {
        for (status, kind) in [(200, Kind::Rejected), (401, Kind::Unauthenticated), (404, Kind::Rejected)] {
            let connection = connection(&PROPERTIES);
            let mut session = Session::new(Scripted::new(move |_: &Request| bare(status, &[])), connection.csrf());
            for outcome in write(&connection, &mut session, deletions(20)) {
                assert_eq!(format!("{:?}", outcome.unwrap_err().kind), format!("{kind:?}"));
            }
            assert!(session.http.seen.iter().all(|request| request.method == Method::Get), "{status}");
        }
    }

    #[test]
    fn another_403_is_no_question_for_a_token() {
        let connection = connection(&PROPERTIES);
        let serve = |request: &Request| match request.method {
            Method::Get => bare(200, &[(HEADER, "t")]),
            _ => bare(403, &[]),
        };
        let mut session = Session::new(Scripted::new(serve), connection.csrf());
        assert!(matches!(write(&connection, &mut session, deletions(1))[0].as_ref().unwrap_err().kind, Kind::Forbidden));
        assert_eq!(session.http.seen.len(), 2);
    }
}
