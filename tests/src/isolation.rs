//! What a plugin can reach: nothing but what was granted. The guest `snoop` tries everything and reports what came of it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::guests::SNOOP;
use crate::place::{MANIFEST, Place};
use crate::trials;

trials![nothing_is_granted, a_folder_is_granted_and_nothing_beside_it, an_origin_is_granted_and_the_token_stays_outside];

const TOKEN: &str = "7f4e-the-token-nobody-inside-may-see-91c2";

fn place(properties: &str, more: &str) -> Place {
    let manifest = format!(
        r#"[systems.hr]
role = "source"
connector = "snoop"
{more}

[systems.hr.properties]
{properties}

[systems.directory]
role = "target"
connector = "file"
sources = ["hr"]
properties = {{ "file.target.path" = "out/", "file.user.unique.attribute" = "id" }}
"#
    );
    let place = Place::with_manifest(&manifest).guest(SNOOP).with_environment("SNOOP_CANARY", "a value of the environment");
    place.write("outside.txt", "outside the granted folder");
    place.write("inside/inside.txt", "inside the granted folder");
    std::os::unix::fs::symlink(place.path("outside.txt"), place.path("inside/link.txt")).expect("a link out of the folder");
    place
}

/// Every attempt and what came of it.
fn attempts(place: &Place) -> BTreeMap<String, String> {
    let ended = place.command_with_input(&["run", "--json", MANIFEST], b"the host's own standard input\n");
    ended.assert_code(0);
    assert!(!ended.to_string().contains(TOKEN), "the token is in the log or the report");
    let folder = place.path("out/user");
    let documents = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{error}\n{ended}"));
    let documents = documents.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a document"));
    let document = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).expect("JSON");
    let text = |document: &Value, key: &str| document[key].as_str().expect("a text").to_owned();
    documents.map(document).map(|document| (text(&document, "id"), text(&document, "outcome"))).collect()
}

#[track_caller]
fn assert_refused(attempts: &BTreeMap<String, String>, but_for: &[&str]) {
    assert!(attempts.len() > 25, "all attempts were made: {attempts:#?}");
    let had: Vec<_> = attempts.iter().filter(|(id, outcome)| !outcome.starts_with("refused") && !but_for.contains(&id.as_str())).collect();
    assert!(had.is_empty(), "the plugin had what nobody granted: {had:#?}");
}

fn nothing_is_granted() {
    let server = Server::start();
    let place = place(&format!("\"snoop.elsewhere\" = \"{}\"\n\"snoop.outside\" = \"/etc/hosts\"", server.address), "");
    let attempts = attempts(&place);
    // There is a name for where it is, and nothing is there.
    assert_refused(&attempts, &["working-directory"]);
    assert!(server.requests().is_empty(), "nobody was called: {:?}", server.requests());
    assert_eq!(place.read("inside/inside.txt"), "inside the granted folder");
}

fn a_folder_is_granted_and_nothing_beside_it() {
    let place = place("\"snoop.folder\" = \"inside/\"\n\"snoop.outside\" = \"OUTSIDE\"", "");
    let manifest = place.read(MANIFEST).replace("OUTSIDE", &place.path("outside.txt").display().to_string());
    place.write(MANIFEST, manifest);
    let attempts = attempts(&place);
    assert_refused(&attempts, &["working-directory", "granted-file"]);
    assert_eq!(attempts["granted-file"], "got inside the granted folder");
    assert_eq!(place.read("inside/inside.txt"), "inside the granted folder", "the folder is read-only");
    assert_eq!(place.read("outside.txt"), "outside the granted folder");
    assert!(!place.path("inside/made").exists() && !place.path("inside/made.txt").exists());
}

fn an_origin_is_granted_and_the_token_stays_outside() {
    let (server, elsewhere) = (Server::start(), Server::start());
    *server.redirect.lock().expect("a lock") = Some(format!("http://{}/stolen", elsewhere.address));
    let needle: String = TOKEN.chars().rev().collect();
    let properties = format!(
        "\"snoop.url\" = \"http://{}/\"\n\"snoop.elsewhere\" = \"{}\"\n\"snoop.needle.reversed\" = \"{needle}\"",
        server.address, elsewhere.address
    );
    let more = "auth = { type = \"bearer\", token = { env = \"SNOOP_TOKEN\" } }\ngrants = { networks = [\"127.0.0.1/32\"] }";
    let place = place(&properties, more).with_environment("SNOOP_TOKEN", TOKEN).with_environment("PROVISOR_LOG", "trace");
    let attempts = attempts(&place);
    let granted = ["http-granted", "http-redirect", "http-own-credentials", "http-other-host", "memory", "memory-search-works"];
    assert_refused(&attempts, &[&granted[..], &["working-directory"]].concat());
    assert!(attempts["http-granted"].starts_with("got 200 "), "{attempts:#?}");
    // Redirects are the plugin's to follow, each a new request through the same door.
    assert!(attempts["http-redirect"].starts_with("got 302 "), "{attempts:#?}");
    assert!(attempts["memory"].starts_with("0 places in "), "the token is in the plugin's memory: {attempts:#?}");
    assert_ne!(attempts["memory-search-works"], "0 places", "the search finds what is there");

    let requests = server.requests();
    let granted = requests.iter().find(|request| request.starts_with("GET /granted ")).expect("the granted request arrived");
    assert!(granted.contains(&format!("authorization: Bearer {TOKEN}")), "with the credentials: {granted}");
    assert!(elsewhere.requests().is_empty(), "nobody else was called: {:?}", elsewhere.requests());
    for request in requests.iter().filter(|request| request.starts_with("GET /own ") || request.starts_with("GET /host ")) {
        assert!(!request.contains("Bearer mine"), "the plugin's own credentials do not go out where the host has some: {request}");
        assert!(!request.contains(&format!("host: {}", elsewhere.address)), "the host says which host is meant: {request}");
    }
    assert!(attempts.values().all(|outcome| !outcome.contains(TOKEN)), "the token is in no document");
    let state = std::fs::read(place.path("provisor.db")).expect("a state");
    assert!(!state.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()), "the token is not in the state");
}

/// A server on loopback that answers every request and remembers it.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    redirect: Arc<Mutex<Option<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = Self { address: listener.local_addr().expect("an address"), requests: Arc::default(), redirect: Arc::default() };
        let (requests, redirect) = (server.requests.clone(), server.redirect.clone());
        // Ends with the process: there is nobody to tell it that the test is over.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let answered = answer(stream, &requests, redirect.lock().expect("a lock").as_deref());
                if let Err(error) = answered {
                    eprintln!("a request was not answered: {error}");
                }
            }
        });
        server
    }

    /// The heads of all requests and connections so far, names in lower case.
    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("a lock").clone()
    }
}

fn answer(stream: TcpStream, requests: &Mutex<Vec<String>>, redirect: Option<&str>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 0 && !head.ends_with("\r\n\r\n") {}
    let lines = head.lines().map(|line| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
        None => line.to_owned(),
    });
    let head: Vec<String> = lines.collect();
    requests.lock().expect("a lock").push(head.join("\n"));
    let status = match redirect {
        Some(to) if head.first().is_some_and(|line| line.starts_with("GET /redirect ")) => format!("302 Found\r\nlocation: {to}"),
        _ => "200 OK".to_owned(),
    };
    write!(reader.get_mut(), "HTTP/1.1 {status}\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
}
