//! The door against real servers on the loopback interface.

mod credentials;
mod dial;
mod http;
mod identity;
mod tls;
mod tokens;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ::http::{Request, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::secret::SecretSource;

/// A request as a server saw it.
#[derive(Clone)]
struct Seen {
    /// Request line and headers, the header names in lower case as hyper writes them.
    head: String,
    body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// What a server does next.
enum Step {
    Send(String),
    Wait(Duration),
    Hang,
}

fn answer(status: u16, headers: &str, body: &str) -> Vec<Step> {
    vec![Step::Send(format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()))]
}

/// A server that speaks as much HTTP/1.1 as the tests need.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// `reply` gets the request and how many there were before it.
    async fn start(reply: impl Fn(&Seen, usize) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let connections: Arc<AtomicUsize> = Arc::default();
        let (log, accepted, reply) = (seen.clone(), connections.clone(), Arc::new(reply));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, log.clone(), reply.clone()));
            }
        });
        Self { address, seen, connections }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, log: Arc<Mutex<Vec<Seen>>>, reply: Arc<impl Fn(&Seen, usize) -> Vec<Step>>) {
    while let Some(seen) = read_request(&mut stream).await {
        let before = {
            let mut log = log.lock().unwrap();
            log.push(seen.clone());
            log.len() - 1
        };
        for step in reply(&seen, before) {
            match step {
                Step::Send(text) => stream.write_all(text.as_bytes()).await.unwrap_or_default(),
                Step::Wait(duration) => tokio::time::sleep(duration).await,
                Step::Hang => std::future::pending().await,
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(end + 4);
    let seen = Seen { head: String::from_utf8(bytes).unwrap(), body: Vec::new() };
    let is_complete = |body: &[u8]| match seen.header("content-length") {
        Some(length) => body.len() >= length.parse().unwrap(),
        None => seen.header("transfer-encoding").is_none() || body.ends_with(b"0\r\n\r\n"),
    };
    while !is_complete(&body) {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            break;
        }
    }
    Some(Seen { body, ..seen })
}

/// A door that may reach the loopback addresses and these origins, the first of which is the system's backend.
fn settings(origins: &[&str]) -> DoorSettings {
    let origins: Vec<Origin> = origins.iter().map(|origin| origin.parse().unwrap()).collect();
    DoorSettings {
        system: "hr".into(),
        plugin: "scim".into(),
        backend: origins.iter().take(1).cloned().collect(),
        policy: Policy { origins, endpoints: vec![], networks: vec![parse_network("127.0.0.0/8").unwrap(), parse_network("::1").unwrap()] },
        backend_endpoints: vec![],
        credentials: None,
        tls: TlsSettings::new("[systems.hr.tls]"),
        headers: ExtraHeaders::default(),
        limits: Limits::default(),
    }
}

fn door(settings: DoorSettings) -> Arc<Door> {
    Egress::default().door(settings)
}

/// PEM texts in files.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// Written under another name and put in place, as mounted secrets are.
    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        let new = self.folder.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
        path
    }

    fn secret(&self, name: &str, text: &str) -> SecretSource {
        SecretSource::File(self.put(name, text))
    }
}

/// These settings, with the authorities of a PEM text.
fn believing(pem: &str, files: &Files, mut settings: DoorSettings) -> DoorSettings {
    settings.tls.authorities = vec![files.put("authorities.pem", pem)];
    settings
}

fn get(url: &str) -> Request<Empty<Bytes>> {
    Request::get(url).body(Empty::new()).unwrap()
}

fn post(url: &str, body: &str) -> Request<Full<Bytes>> {
    Request::post(url).body(Full::from(body.to_owned())).unwrap()
}

async fn text(response: Response<ResponseBody>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Everything logged on this thread while it lives; the tests run on one thread each.
struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Log {
    fn start() -> Self {
        struct Sink(Arc<Mutex<Vec<u8>>>);
        impl Write for Sink {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.lock().unwrap().extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        // With a single subscriber, `tracing` asks that of the thread that comes first to a line of code whether anyone listens there, and
        // another test's thread has none. Two that stay make it ask all.
        static PRESENT: OnceLock<[tracing::Dispatch; 2]> = OnceLock::new();
        PRESENT.get_or_init(|| [(); 2].map(|()| tracing::Dispatch::new(tracing_subscriber::registry())));
        let text: Arc<Mutex<Vec<u8>>> = Arc::default();
        let sink = text.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || Sink(sink.clone()))
            .finish();
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    fn text(&self) -> String {
        String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
    }

    fn audit(&self) -> Vec<String> {
        self.text().lines().filter(|line| line.contains(AUDIT_TARGET)).map(str::to_owned).collect()
    }
}
