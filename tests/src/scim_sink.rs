//! A small SCIM server inside the test, which outlives the process that talks to it and counts what it was made to create.
//!
//! A user's `userName` is unique, as in RFC 7643. A group's `displayName` is not: there a second create of the same group is answered 201, and only a client that
//! looks first keeps from making two.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http;

/// Between what is done and the answer: the moment in which nobody but the server knows.
const BEFORE_THE_ANSWER: Duration = Duration::from_millis(5);

pub(crate) struct Sink {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    kept: Mutex<Kept>,
    connections: AtomicUsize,
    mishaps: Option<Mishaps>,
    /// Requests being answered, and the most there were at once.
    open: AtomicUsize,
    most_open: AtomicUsize,
    /// When each request came, from the first.
    came: Mutex<Vec<Instant>>,
}

/// What is to go wrong with a request, by its method and path.
type Mishaps = Box<dyn Fn(&str, &str) -> Option<Mishap> + Send + Sync>;

/// Something that goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Mishap {
    /// Answered with this status and these header lines; nothing is done.
    Refused(u16, String),
    /// Done, and the connection ends without an answer.
    DoneUnanswered,
    /// Done, and only half of the answer arrives.
    Torn,
}

/// What clients have written.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    /// How many creates were answered with 201, or would have been if anybody had still listened.
    pub creates: usize,
    /// `Users/17` -> document, with its id.
    pub resources: BTreeMap<String, Value>,
    /// `Users/17` -> when it was changed, in minutes of the sink's own time.
    changed: BTreeMap<String, usize>,
    minutes: usize,
}

impl Sink {
    pub(crate) fn start() -> Self {
        Self::serving(Shared::default())
    }

    /// A server with which things go wrong.
    pub(crate) fn with_mishaps(mishaps: impl Fn(&str, &str) -> Option<Mishap> + Send + Sync + 'static) -> Self {
        Self::serving(Shared { mishaps: Some(Box::new(mishaps)), ..Shared::default() })
    }

    fn serving(shared: Shared) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let sink = Self { address: listener.local_addr().expect("an address"), shared: Arc::new(shared) };
        let shared = sink.shared.clone();
        // Ends with the process: there is nobody to tell it that the test is over.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let shared = shared.clone();
                std::thread::spawn(move || {
                    // A killed client is no error.
                    let _ = serve(stream, &shared);
                    shared.connections.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        sink
    }

    /// What there is once everything that was sent has been carried out.
    pub(crate) fn kept(&self) -> Kept {
        self.settle();
        self.shared.kept().clone()
    }

    /// The most requests that were answered at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }

    /// The most requests that came within any span of this length.
    pub(crate) fn most_within(&self, span: Duration) -> usize {
        let came = self.shared.came.lock().expect("no test panics with the lock");
        (0..came.len()).map(|first| came[first..].iter().take_while(|at| at.duration_since(came[first]) < span).count()).max().unwrap_or(0)
    }

    /// Wait until all connections of clients that are gone have ended, those included that were not accepted yet.
    fn settle(&self) {
        let begun = Instant::now();
        // Connections are accepted in order: once this one was, so were all before it.
        http::exchange(self.address, "GET", "/ServiceProviderConfig", &[], "").expect("the sink answers");
        while self.shared.connections.load(Ordering::SeqCst) > 0 {
            assert!(begun.elapsed() < Duration::from_mins(1), "the connections of a dead client do not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no test panics with the lock")
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let field = |name: &str| head.lines().filter_map(|line| line.split_once(": ")).find(|(field, _)| field.eq_ignore_ascii_case(name));
        let mut body = vec![0; field("content-length").map_or(0, |(_, length)| length.parse().expect("a length"))];
        // A body that does not come whole is no request.
        reader.read_exact(&mut body)?;
        let mut words = head.split_whitespace();
        let (method, target, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next());
        shared.came.lock().expect("no test panics with the lock").push(Instant::now());
        let at_once = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_open.fetch_max(at_once, Ordering::SeqCst);
        let mishap = shared.mishaps.as_ref().and_then(|mishaps| mishaps(method, target));
        let (status, answer) = match &mishap {
            Some(Mishap::Refused(status, _)) => (*status, None),
            _ => shared.answer(method, target, &body),
        };
        if method != "GET" {
            std::thread::sleep(BEFORE_THE_ANSWER);
        }
        shared.open.fetch_sub(1, Ordering::SeqCst);
        let answer = answer.map_or_else(String::new, |answer| answer.to_string());
        let length = answer.len();
        let (more, sent) = match &mishap {
            Some(Mishap::DoneUnanswered) => return Ok(()),
            Some(Mishap::Refused(_, more)) => (more.as_str(), answer.as_bytes()),
            Some(Mishap::Torn) => ("", &answer.as_bytes()[..length / 2]),
            None => ("", answer.as_bytes()),
        };
        write!(writer, "HTTP/1.1 {status} \r\ncontent-type: application/scim+json\r\ncontent-length: {length}\r\n{more}\r\n")?;
        writer.write_all(sent)?;
        if matches!(mishap, Some(Mishap::Torn)) {
            return Ok(());
        }
        if version == Some("HTTP/1.0") {
            return Ok(());
        }
    }
}

impl Shared {
    fn answer(&self, method: &str, target: &str, body: &[u8]) -> (u16, Option<Value>) {
        let mut kept = self.kept();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.trim_start_matches('/');
        let document = || serde_json::from_slice::<Value>(body).expect("a document is JSON");
        match method {
            "GET" if path == "ServiceProviderConfig" => {
                (200, Some(json!({ "patch": { "supported": false }, "filter": { "supported": true } })))
            }
            "GET" if kept.resources.contains_key(path) => (200, Some(kept.dated(path))),
            "GET" if path.contains('/') => (404, None),
            "GET" => (200, Some(kept.list(path, query))),
            "POST" => kept.create(path, document()),
            "PUT" if kept.resources.contains_key(path) => {
                let mut document = document();
                document["id"] = path.rsplit('/').next().into();
                kept.keep(path, document.clone());
                (200, Some(document))
            }
            "PATCH" if kept.resources.contains_key(path) => {
                kept.patch_members(path, &document());
                (204, None)
            }
            "DELETE" if kept.resources.remove(path).is_some() => (204, None),
            _ => (404, None),
        }
    }
}

impl Kept {
    fn create(&mut self, collection: &str, mut document: Value) -> (u16, Option<Value>) {
        let taken = |resource: &Value| resource["userName"] == document["userName"];
        if collection == "Users" && self.of(collection).any(|(_, resource)| taken(resource)) {
            let error = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "409", "scimType": "uniqueness" });
            return (409, Some(error));
        }
        self.creates += 1;
        let id = format!("{:06}", self.creates);
        document["id"] = id.as_str().into();
        self.keep(&format!("{collection}/{id}"), document.clone());
        (201, Some(document))
    }

    /// The operations on members that clients send (RFC 7644 section 3.5.2).
    fn patch_members(&mut self, path: &str, body: &Value) {
        let resource = self.resources.get_mut(path).expect("it is there");
        if resource["members"].is_null() {
            resource["members"] = json!([]);
        }
        let members = resource["members"].as_array_mut().expect("members are a list");
        for operation in body["Operations"].as_array().expect("operations") {
            match operation["op"].as_str() {
                Some("add") => members.extend(operation["value"].as_array().expect("values").iter().cloned()),
                Some("remove") => {
                    let path = operation["path"].as_str().expect("a path");
                    let id = path.strip_prefix("members[value eq \"").and_then(|rest| rest.strip_suffix("\"]")).expect("one member");
                    members.retain(|member| member["value"] != id);
                }
                other => panic!("no operation on members: {other:?}"),
            }
        }
    }

    fn keep(&mut self, path: &str, document: Value) {
        self.minutes += 1;
        self.changed.insert(path.to_owned(), self.minutes);
        self.resources.insert(path.to_owned(), document);
    }

    fn last_modified(&self, path: &str) -> String {
        let minutes = self.changed[path];
        format!("2026-01-01T{:02}:{:02}:00Z", minutes / 60, minutes % 60)
    }

    /// A resource as it is answered to a GET.
    fn dated(&self, path: &str) -> Value {
        let mut document = self.resources[path].clone();
        document["meta"] = json!({ "lastModified": self.last_modified(path) });
        document
    }

    /// The resources of `Users` or `Groups`, by path.
    pub(crate) fn of(&self, collection: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.resources.iter().filter(move |(path, _)| path.split_once('/').is_some_and(|(of, _)| of == collection))
    }

    /// Those that `filter=<attribute> eq "<value>"`, or `meta.lastModified gt "<time>"`, is true for; all of them without one.
    fn list(&self, collection: &str, query: &str) -> Value {
        let filter = query.split('&').find_map(|pair| pair.strip_prefix("filter=")).map(decoded);
        let matches = |path: &str, document: &Value| match filter.as_deref() {
            None => true,
            Some(filter) => {
                if let Some((_, time)) = filter.split_once(" gt ") {
                    return *self.last_modified(path) > *time.trim_matches('"');
                }
                let (attribute, value) = filter.split_once(" eq ").expect("only eq and gt are asked for");
                document[attribute] == serde_json::from_str::<Value>(value).expect("a value is JSON")
            }
        };
        let resources: Vec<Value> =
            self.of(collection).filter(|(path, document)| matches(path, document)).map(|(path, _)| self.dated(path)).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": resources.len(), "startIndex": 1,
            "itemsPerPage": resources.len(), "Resources": resources,
        })
    }
}

/// Percent-encoding undone (RFC 3986 section 2.1).
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("two digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
                rest = after;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
