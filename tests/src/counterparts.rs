//! Programs that are not ours and that the tests need: found where `tests/run` installs them, started, and stopped again.

use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http;

/// The folder with the programs; `tests/run` sets it.
const FOLDER: &str = "PROVISOR_COUNTERPARTS";
/// Where `tests/run` installs them.
const DEFAULT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/counterparts/bin");
/// The contract, which components of other languages are made with.
const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
/// A Python program on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// The path of an installed program.
pub(crate) fn program(name: &str) -> PathBuf {
    let folder = std::env::var_os(FOLDER).map_or_else(|| PathBuf::from(DEFAULT), PathBuf::from);
    let program = folder.join(name);
    assert!(program.is_file(), "{} is missing: tests/run installs it", program.display());
    program
}

/// A component that a toolchain of another language makes of one source file.
pub(crate) struct Component {
    pub name: &'static str,
    /// The source's file name, as the toolchain wants it.
    pub file: &'static str,
    pub source: &'static str,
}

impl Component {
    /// The component, made once for each state of its source and of the contract: making it takes seconds and may give other bytes every time, which would have to
    /// be compiled anew. The command gets the path of `wit/`, runs in a folder with the source and leaves `connector.wasm` there.
    pub(crate) fn made(&self, program: &Path, command: impl FnOnce(&Path, &str) -> Command) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        (self.source, program).hash(&mut hasher);
        let interfaces = std::fs::read_dir(WIT).expect("the contract").map(|entry| entry.expect("an entry").path());
        let mut interfaces: Vec<PathBuf> = interfaces.collect();
        interfaces.sort();
        for interface in interfaces {
            std::fs::read(interface).expect("an interface").hash(&mut hasher);
        }
        let mut command = command(program, WIT);
        command.get_args().collect::<Vec<_>>().hash(&mut hasher);
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{:016x}.wasm", self.name, hasher.finish()));
        if !made.is_file() {
            // A folder of its own: a toolchain may leave files beside its sources.
            let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
            std::fs::write(folder.path().join(self.file), self.source).expect("the source was written");
            let output = command.current_dir(folder.path()).output().expect("the toolchain starts");
            let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            assert!(output.status.success(), "{} ended with {}\n{}{}", program.display(), output.status, said[0], said[1]);
            std::fs::rename(folder.path().join("connector.wasm"), &made).expect("the component was moved");
        }
        made
    }
}

/// A SCIM server with its resources in memory and its base at `/v2`. It ends when this is dropped, also by a test that fails.
pub(crate) struct ScimServer {
    pub address: SocketAddr,
    token: String,
    child: Child,
    log: TempDir,
}

/// The program of a server, listening on this port of the loopback address and knowing this token.
type Serving = fn(u16, &str) -> Command;

fn scim2_server(port: u16, token: &str) -> Command {
    let mut command = Command::new(program("scim2-server"));
    command.args(["--hostname", "127.0.0.1", "--port", &port.to_string(), "--bearer-token", token]);
    command
}

fn scimmy(port: u16, token: &str) -> Command {
    let packages = program("scim2-server").with_file_name("../node_modules");
    assert!(packages.join("scimmy-routers").is_dir(), "scimmy is missing in {}: tests/run installs it", packages.display());
    let mut command = Command::new("node");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/javascript/scimmy.cjs")).args([&port.to_string(), token]).env("NODE_PATH", packages);
    command
}

impl ScimServer {
    /// `scim2-server`, from `PyPI`.
    pub(crate) fn start(token: &str) -> Self {
        Self::serving(scim2_server, token)
    }

    /// scimmy, from npm, in the server of `javascript/scimmy.cjs`.
    pub(crate) fn scimmy(token: &str) -> Self {
        Self::serving(scimmy, token)
    }

    fn serving(command: Serving, token: &str) -> Self {
        for _ in 0..5 {
            if let Some(server) = Self::try_start(command, token) {
                return server;
            }
        }
        panic!("the SCIM server found no free port in five attempts");
    }

    /// Nothing where somebody else took the port first.
    fn try_start(command: Serving, token: &str) -> Option<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        let log = TempDir::new().expect("a temporary folder");
        let file = |name| File::create(log.path().join(name)).map(Stdio::from).expect("a file for a stream");
        let mut command = command(address.port(), token);
        let child = command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err")).spawn().expect("the SCIM server starts");
        let mut server = Self { address, token: token.to_owned(), child, log };
        let begun = Instant::now();
        loop {
            let answer = server.request("GET", "/ServiceProviderConfig", None);
            if answer.is_ok_and(|(status, _)| status == 200) {
                return Some(server);
            }
            if let Some(status) = server.child.try_wait().expect("the server can be waited for") {
                let said = server.log();
                assert!(said.contains("in use"), "the SCIM server ended with {status} instead of serving:\n{said}");
                return None;
            }
            assert!(begun.elapsed() < PATIENCE, "the SCIM server does not answer:\n{}", server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v2", self.address)
    }

    /// Everything it has written about the requests so far.
    pub(crate) fn log(&self) -> String {
        let read = |name| String::from_utf8_lossy(&std::fs::read(Path::new(self.log.path()).join(name)).unwrap_or_default()).into_owned();
        read("out") + &read("err")
    }

    /// One request past everything of ours: the status and the JSON of the answer.
    pub(crate) fn request(&self, method: &str, path: &str, document: Option<&Value>) -> std::io::Result<(u16, Value)> {
        let authorization = format!("Bearer {}", self.token);
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/scim+json")];
        let body = document.map_or_else(String::new, ToString::to_string);
        let (status, body) = http::exchange(self.address, method, &format!("/v2{path}"), &headers, &body)?;
        Ok((status, serde_json::from_str(&body).unwrap_or(Value::Null)))
    }

    /// All resources of `Users` or `Groups`.
    pub(crate) fn resources(&self, collection: &str) -> Vec<Value> {
        let mut resources = Vec::new();
        loop {
            let path = format!("/{collection}?startIndex={}&count=100", resources.len() + 1);
            let (status, list) = self.request("GET", &path, None).expect("the server answers");
            assert_eq!(status, 200, "{list}");
            let page = list["Resources"].as_array().cloned().unwrap_or_default();
            resources.extend(page.iter().cloned());
            if page.is_empty() || resources.len() as u64 >= list["totalResults"].as_u64().expect("a total") {
                return resources;
            }
        }
    }
}

impl Drop for ScimServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
