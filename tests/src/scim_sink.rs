//! A small SCIM server inside the test, which outlives the process that talks to it and counts what it was made to create. It can misbehave: a [`Mishap`] befalls a request, and
//! manners of its own answer in its stead.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http;
pub(crate) use crate::scim_kept::Kept;

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
    manners: Option<Manners>,
    /// Requests being answered, and the most there were at once.
    open: AtomicUsize,
    most_open: AtomicUsize,
    /// When each request came, from the first.
    came: Mutex<Vec<Instant>>,
}

/// What is to go wrong with a request, by its method and path.
type Mishaps = Box<dyn Fn(&str, &str) -> Option<Mishap> + Send + Sync>;

/// A request as it came.
pub(crate) struct Asked<'a> {
    pub method: &'a str,
    /// Without the slash in front and without the query.
    pub path: &'a str,
    pub query: &'a str,
    head: &'a str,
    body: &'a [u8],
}

impl<'a> Asked<'a> {
    /// One that came inside another.
    pub(crate) fn inside(method: &'a str, path: &'a str, body: &'a [u8]) -> Self {
        Self { method, path, query: "", head: "", body }
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// The JSON of the body.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_slice(self.body).expect("a document is JSON")
    }
}

/// An answer: status, lines of the head (each ends with `\r\n`), document.
pub(crate) type Answered = (u16, String, Option<Value>);

/// An error as SCIM has it, without a `scimType`.
#[expect(clippy::unnecessary_wraps, reason = "what manners answer")]
pub(crate) fn refused(status: u16, detail: &str) -> Option<Answered> {
    let error = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string(), "detail": detail });
    Some((status, String::new(), Some(error)))
}

/// Manners of a server's own: an answer to a request, or nothing where the usual one is right.
type Manners = Box<dyn Fn(&Asked<'_>, &mut Kept) -> Option<Answered> + Send + Sync>;

/// Something that goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Mishap {
    /// Answered with this status and these header lines; nothing is done.
    Refused(u16, String),
    /// Done, and the connection ends without an answer.
    DoneUnanswered,
    /// Done, and only half of the answer arrives.
    Torn,
    /// Done, and the answer comes in two pieces with this between them.
    Slow(Duration),
}

impl Sink {
    pub(crate) fn start() -> Self {
        Self::serving(Shared::default())
    }

    /// A server with which things go wrong.
    pub(crate) fn with_mishaps(mishaps: impl Fn(&str, &str) -> Option<Mishap> + Send + Sync + 'static) -> Self {
        Self::serving(Shared { mishaps: Some(Box::new(mishaps)), ..Shared::default() })
    }

    /// A server with manners of its own.
    pub(crate) fn with_manners(manners: impl Fn(&Asked<'_>, &mut Kept) -> Option<Answered> + Send + Sync + 'static) -> Self {
        Self::serving(Shared { manners: Some(Box::new(manners)), ..Shared::default() })
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

    /// Something happens to the server that no client asked for.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.shared.kept());
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
        let (status, fields, answer) = match &mishap {
            Some(Mishap::Refused(status, more)) => (*status, more.clone(), None),
            _ => shared.answer(method, target, &head, &body),
        };
        if method != "GET" {
            std::thread::sleep(BEFORE_THE_ANSWER);
        }
        shared.open.fetch_sub(1, Ordering::SeqCst);
        let answer = answer.map_or_else(String::new, |answer| answer.to_string());
        let length = answer.len();
        let whole = match &mishap {
            Some(Mishap::DoneUnanswered) => return Ok(()),
            Some(Mishap::Torn | Mishap::Slow(_)) => length / 2,
            _ => length,
        };
        write!(writer, "HTTP/1.1 {status} \r\ncontent-type: application/scim+json\r\ncontent-length: {length}\r\n{fields}\r\n")?;
        writer.write_all(&answer.as_bytes()[..whole])?;
        match mishap {
            Some(Mishap::Torn) => return Ok(()),
            Some(Mishap::Slow(pause)) => std::thread::sleep(pause),
            _ => {}
        }
        writer.write_all(&answer.as_bytes()[whole..])?;
        if version == Some("HTTP/1.0") {
            return Ok(());
        }
    }
}

impl Shared {
    fn answer(&self, method: &str, target: &str, head: &str, body: &[u8]) -> Answered {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let asked = Asked { method, path: path.trim_start_matches('/'), query, head, body };
        let mut kept = self.kept();
        let own = self.manners.as_ref().and_then(|manners| manners(&asked, &mut kept));
        own.unwrap_or_else(|| kept.usual(&asked))
    }
}
