//! `slapd` with a directory of its own, and `ldapsearch` to look at it with.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) const SUFFIX: &str = "dc=example,dc=org";
pub(crate) const ADMIN: &str = "cn=admin,dc=example,dc=org";
/// An account with a size limit of five.
pub(crate) const LIMITED: &str = "cn=limited,dc=example,dc=org";
pub(crate) const PASSWORD: &str = "Ie7queeG-of-the-directory";
const PATIENCE: Duration = Duration::from_mins(2);

/// DN -> attribute -> values.
pub(crate) type Entries = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// It ends when this is dropped, also by a test that fails.
pub(crate) struct Slapd {
    pub port: u16,
    /// For `ldaps`.
    pub tls_port: u16,
    child: Child,
    folder: TempDir,
}

/// A port nobody has, for the moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Wait until somebody listens.
pub(crate) fn await_port(port: u16, child: &mut Child, log: &Path) {
    let begun = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        let said = || String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned();
        if let Some(status) = child.try_wait().expect("the server can be waited for") {
            panic!("the server ended with {status}:\n{}", said());
        }
        assert!(begun.elapsed() < PATIENCE, "the server does not answer:\n{}", said());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A program of a Debian package.
pub(crate) fn installed(names: &[&str], package: &str) -> PathBuf {
    let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(Path::new);
    let found = folders.iter().flat_map(|folder| names.iter().map(move |name| folder.join(name))).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{} is missing: apt-get install -y --no-install-recommends {package}", names[0]))
}

impl Slapd {
    /// A directory with `ou=people`, `ou=groups` and an account with a limit.
    pub(crate) fn start() -> Self {
        let slapd = installed(&["slapd"], "slapd");
        let folder = TempDir::new().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("db")).expect("a folder");
        certificate(folder.path());
        let (port, tls_port) = (free_port(), free_port());
        let root = folder.path().display();
        let configuration = format!(
            "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\ninclude /etc/ldap/schema/inetorgperson.schema\n\
            modulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload syncprov\nmoduleload memberof\n\
            TLSCertificateFile {root}/server.pem\nTLSCertificateKeyFile {root}/server.key\nTLSCACertificateFile {root}/ca.pem\nTLSVerifyClient try\n\
            authz-regexp \"cn=provisor\" \"{ADMIN}\"\n\
            sockbuf_max_incoming_auth 16777215\n\
            access to attrs=userPassword by anonymous auth by * none\naccess to * by * read\n\
            database mdb\nsuffix \"{SUFFIX}\"\nrootdn \"{ADMIN}\"\nrootpw {PASSWORD}\ndirectory {root}/db\nenvflags nosync\nmaxsize 1073741824\n\
            index objectClass,entryUUID,entryCSN,uid,cn,member eq\nlimits dn.exact=\"{LIMITED}\" size=5\n\
            overlay syncprov\nsyncprov-sessionlog 1000\noverlay memberof\n"
        );
        std::fs::write(path("slapd.conf"), configuration).expect("the configuration was written");
        let log = std::fs::File::create(path("log")).expect("a log");
        let child = Command::new(slapd)
            .args(["-d", "0", "-f"])
            .arg(path("slapd.conf"))
            .args(["-h", &format!("ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{tls_port}/")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("slapd starts");
        let mut server = Self { port, tls_port, child, folder };
        await_port(port, &mut server.child, &server.folder.path().join("log"));
        server.modify(&format!(
            "dn: {SUFFIX}\nchangetype: add\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n\
            dn: ou=people,{SUFFIX}\nchangetype: add\nobjectClass: organizationalUnit\nou: people\n\n\
            dn: ou=groups,{SUFFIX}\nchangetype: add\nobjectClass: organizationalUnit\nou: groups\n\n\
            dn: {LIMITED}\nchangetype: add\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\ncn: limited\nuserPassword: {PASSWORD}\n"
        ));
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// The authority that signed the server's certificate.
    pub(crate) fn authority(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// Carry out LDIF.
    pub(crate) fn modify(&self, ldif: &str) {
        modify(&self.url(), ADMIN, PASSWORD, ldif);
    }

    /// What there is below a base, with these attributes.
    pub(crate) fn search(&self, base: &str, filter: &str, attributes: &[&str]) -> Entries {
        search(&self.url(), ADMIN, PASSWORD, base, filter, attributes)
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `ldapmodify`.
pub(crate) fn modify(url: &str, user: &str, password: &str, ldif: &str) {
    let mut child = Command::new(installed(&["ldapmodify"], "ldap-utils"))
        .args(["-x", "-H", url, "-D", user, "-w", password])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ldapmodify starts");
    child.stdin.take().expect("standard input").write_all(ldif.as_bytes()).expect("LDIF was written");
    let output = child.wait_with_output().expect("ldapmodify ends");
    assert!(output.status.success(), "{}\n{ldif}", String::from_utf8_lossy(&output.stderr));
}

/// `ldapsearch`, page by page.
pub(crate) fn search(url: &str, user: &str, password: &str, base: &str, filter: &str, attributes: &[&str]) -> Entries {
    let output = Command::new(installed(&["ldapsearch"], "ldap-utils"))
        .args(["-x", "-LLL", "-o", "ldif-wrap=no", "-E", "pr=500/noprompt", "-H", url, "-D", user, "-w", password, "-b", base, filter])
        .args(attributes)
        .output()
        .expect("ldapsearch starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("LDIF is text");
    let mut entries = Entries::new();
    let mut dn = String::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line}"));
        let value = value.trim_start_matches(' ').to_owned();
        // Base64 stays as it is, with its second colon.
        if name == "dn" {
            dn = value;
            entries.entry(dn.clone()).or_default();
        } else {
            entries.entry(dn.clone()).or_default().entry(name.to_owned()).or_default().insert(value);
        }
    }
    entries
}

/// An authority, a certificate for 127.0.0.1 and one for a client, in this folder.
pub(crate) fn certificate(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let output = Command::new(installed(&["openssl"], "openssl")).args(arguments).current_dir(folder).output().expect("openssl starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl(&[&["req", "-x509"], &key[..], &["-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test authority"]].concat());
    std::fs::write(
        folder.join("names"),
        "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n",
    )
    .expect("names");
    for (name, subject) in [("server", "/CN=127.0.0.1"), ("client", "/CN=provisor")] {
        let (key_file, request, certificate) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        openssl(&[&["req"], &key[..], &["-keyout", &key_file, "-out", &request, "-subj", subject]].concat());
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "names",
            "-out",
            &certificate,
        ]);
    }
}
