//! A database server of its own for a test, and psql to look at it past everything of ours.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The superuser's password.
pub(crate) const PASSWORD: &str = "Eeph4ooz-password-of-the-tests-7aiT";

/// A server with one database, `postgres`. It ends when this is dropped, also by a test that fails.
pub(crate) struct Postgres {
    pub port: u16,
    folder: TempDir,
    programs: PathBuf,
    running: bool,
}

impl Postgres {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut server = Self { port: 0, folder, programs: programs(), running: false };
        std::fs::write(server.path("password"), PASSWORD).expect("the password was written");
        if is_root() {
            // The server does not run as root.
            said(Command::new("chown").args(["-R", "postgres"]).arg(server.folder.path()).output());
        }
        let (data, password) = (server.path("data"), server.path("password"));
        let methods = ["--auth-local=trust", "--auth-host=scram-sha-256", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8"];
        let pwfile = format!("--pwfile={}", password.display());
        let initdb = server.program("initdb").args(methods).args([&pwfile, "--no-sync", "-D"]).arg(&data).output();
        assert!(said(initdb).0, "initdb");
        for _ in 0..5 {
            server.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).expect("a free port").port();
            if server.resume() {
                return server;
            }
        }
        panic!("PostgreSQL does not start; its log:\n{}", std::fs::read_to_string(server.path("log")).unwrap_or_default());
    }

    /// Start again after [`stop`](Self::stop), at the same port.
    pub(crate) fn resume(&mut self) -> bool {
        let options = format!("-p {} -k {} -c listen_addresses=127.0.0.1", self.port, self.folder.path().display());
        let log = self.path("log");
        let mut start = self.program("pg_ctl");
        start.arg("-D").arg(self.path("data")).arg("-l").arg(log).args(["-s", "-w", "-o", &options, "start"]);
        self.running = start.status().expect("pg_ctl starts").success();
        self.running
    }

    /// As in a power failure: no goodbye to anybody.
    pub(crate) fn stop(&mut self) {
        self.running = false;
        let _ = self.program("pg_ctl").arg("-D").arg(self.path("data")).args(["-m", "immediate", "-w", "stop"]).output();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program of the server, as the user it runs as.
    fn program(&self, name: &str) -> Command {
        self.command(self.programs.join(name))
    }

    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        if !is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program).current_dir(self.folder.path());
        command
    }

    /// What the statements put out, unaligned and without headers.
    pub(crate) fn psql(&self, statements: impl AsRef<OsStr>) -> String {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres", "-d", "postgres", "-p"]);
        psql.arg(self.port.to_string()).env("PGPASSWORD", PASSWORD).arg("-c").arg(statements);
        let (success, text) = said(psql.output());
        assert!(success, "{text}");
        text.trim_end().to_owned()
    }

    /// TLS with a certificate of its own, which nobody vouches for; its text.
    pub(crate) fn switch_on_tls(&self) -> String {
        const EXTENSIONS: &str = "[req]\ndistinguished_name = name\nx509_extensions = server\nprompt = no\n[name]\nCN = 127.0.0.1\n\
            [server]\nbasicConstraints = critical, CA:FALSE\nsubjectAltName = IP:127.0.0.1\n";
        std::fs::write(self.path("openssl.cnf"), EXTENSIONS).expect("the configuration was written");
        let mut openssl = self.command("openssl");
        openssl.args(["req", "-new", "-x509", "-nodes", "-days", "2", "-newkey", "rsa:2048", "-config"]).arg(self.path("openssl.cnf"));
        openssl.arg("-keyout").arg(self.path("data/server.key")).arg("-out").arg(self.path("data/server.crt"));
        let (success, text) = said(openssl.output());
        assert!(success, "{text}");
        self.psql("ALTER SYSTEM SET ssl = on");
        assert_eq!(self.psql("SELECT pg_reload_conf()"), "t");
        std::fs::read_to_string(self.path("data/server.crt")).expect("the certificate")
    }

    /// Whether this role gets in with this password.
    pub(crate) fn logs_in(&self, role: &str, password: &str) -> bool {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-w", "-h", "127.0.0.1", "-d", "postgres", "-c", "SELECT 1", "-U", role, "-p"]).arg(self.port.to_string());
        said(psql.env("PGPASSWORD", password).output()).0
    }

    /// The rows of a query, each as `row_to_json` has it.
    pub(crate) fn rows(&self, query: &str) -> Vec<Value> {
        let text = self.psql(format!("SELECT row_to_json(r) FROM ({query}) AS r"));
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    pub(crate) fn url(&self) -> String {
        format!("postgresql://127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.running {
            self.stop();
        }
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Debian keeps the server's programs out of the path.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    let in_path = std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let mut found: Vec<PathBuf> = versions.chain(in_path).filter(|folder| Path::new(folder).join("initdb").is_file()).collect();
    assert!(!found.is_empty(), "initdb is missing: tests/run installs it (apt-get install postgresql)");
    found.swap_remove(0)
}

fn said(output: std::io::Result<Output>) -> (bool, String) {
    let output = output.expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}
