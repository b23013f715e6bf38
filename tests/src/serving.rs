//! `provisor serve` as a process, and a client of it.

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http;
use crate::place::{Ended, MANIFEST, Place};

/// A directory `people`, a client for it and one for another directory. The tokens are [`TOKEN`] and [`OTHER`].
pub(crate) const PEOPLE: &str = r#"
[directories.people]
file = "people.db"
user-schemas = ["badge.json"]

[directories.other]
file = "other.db"

[serve]
max-body = "8 MiB"
request-timeout = "5 s"

[serve.tokens.idm]
sha256 = "7e0388d3a44cf7bed5dcbc198cadaf9c9af978a8e6df22d0fbf277c5fd9ddf83"
role = "scim-client"
systems = ["people"]

[serve.tokens.stranger]
sha256 = "65b635948cf5b2a06ef57d44010f9addc46e768e3b60dfa38fdbc7c24e4ad5f6"
role = "scim-client"
systems = ["other"]
"#;
pub(crate) const BADGE: &str =
    r#"{ "id": "urn:example:2.0:Badge", "name": "Badge", "attributes": [{ "name": "number", "uniqueness": "server" }] }"#;
pub(crate) const TOKEN: &str = "pvs_token-of-the-tests-idm";
pub(crate) const OTHER: &str = "pvs_token-of-the-tests-stranger";

/// Longer than a busy machine needs to start or to stop.
const PATIENCE: Duration = Duration::from_mins(2);

/// A process that serves. It ends when this is dropped, also by a test that fails.
pub(crate) struct Serving {
    pub address: SocketAddr,
    child: Child,
    streams: TempDir,
}

impl Serving {
    /// Serve the place's manifest on a free port.
    pub(crate) fn start(place: &Place) -> Self {
        let streams = TempDir::new().expect("a temporary folder");
        let create = |name| File::create(streams.path().join(name)).map(Stdio::from).expect("a file for a stream");
        let arguments = ["--log", "info", "serve", MANIFEST, "--listen", "127.0.0.1:0"];
        let mut child =
            place.process(&arguments).stdin(Stdio::null()).stdout(create("out")).stderr(create("err")).spawn().expect("the command starts");
        let begun = Instant::now();
        loop {
            let said = std::fs::read_to_string(streams.path().join("out")).unwrap_or_default();
            if said.lines().any(|line| line == "ready") {
                let address = said.split("//").nth(1).and_then(|rest| rest.split('/').next()).and_then(|address| address.parse().ok());
                let address = address.unwrap_or_else(|| panic!("no address in {said:?}"));
                return Self { address, child, streams };
            }
            let ended = child.try_wait().expect("the command can be waited for");
            let log = std::fs::read_to_string(streams.path().join("err")).unwrap_or_default();
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "it does not serve: {ended:?}\n{said}\n{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The base URL of a service.
    #[cfg(feature = "real-servers")]
    pub(crate) fn url(&self, service: &str) -> String {
        format!("http://{}/scim/{service}", self.address)
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.streams.path().join("err")).unwrap_or_default()
    }

    /// A request with a token: the status and the JSON of the answer.
    pub(crate) fn request(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/scim+json")];
        let body = body.map_or_else(String::new, ToString::to_string);
        let (status, body) = http::exchange(self.address, method, path, &headers, &body).expect("an answer");
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// A request to the directory `people`.
    pub(crate) fn people(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.request(TOKEN, method, &format!("/scim/people{path}"), body)
    }

    /// SIGHUP.
    pub(crate) fn hang_up(&self) {
        let status = std::process::Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status().expect("kill is there");
        assert!(status.success());
    }

    /// SIGKILL, in the middle of whatever it does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process can be waited for");
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn stop(mut self) -> Ended {
        let status = std::process::Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill is there");
        assert!(status.success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the process can be waited for") {
                let read = |name| std::fs::read_to_string(self.streams.path().join(name)).unwrap_or_default();
                return Ended { code: status.code(), stdout: read("out"), stderr: read("err") };
            }
            assert!(begun.elapsed() < PATIENCE, "it does not stop:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
