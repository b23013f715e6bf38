//! Samba as the domain controller of a domain of its own: a real dialect of Active Directory. It listens on the ports of the protocol and on no others, so there is one at a
//! time, and it wants to be root.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::slapd::{self, Entries, await_port, certificate, installed};

pub(crate) const DOMAIN: &str = "DC=example,DC=test";
pub(crate) const ADMIN: &str = "administrator@example.test";
pub(crate) const PASSWORD: &str = "Ohj7ahNg-of-the-domain";
pub(crate) const URL: &str = "ldap://127.0.0.1";
pub(crate) const SECURE_URL: &str = "ldaps://127.0.0.1";
const PACKAGES: &str = "samba samba-ad-provision winbind samba-dsdb-modules samba-vfs-modules ldb-tools krb5-user";

/// It ends when this is dropped, also by a test that fails.
pub(crate) struct Samba {
    child: Child,
    folder: TempDir,
}

fn quietly(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

impl Samba {
    /// A domain with this LDIF in it, put there before it is a server: thousands of entries would take minutes.
    pub(crate) fn start(ldif: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("tls")).expect("a folder");
        certificate(&path("tls"));
        quietly(
            Command::new(installed(&["samba-tool"], PACKAGES))
                .args(["domain", "provision", "--realm=EXAMPLE.TEST", "--domain=EXAMPLE", "--server-role=dc", "--dns-backend=NONE"])
                .arg(format!("--targetdir={}", path("dc").display()))
                .args([&format!("--adminpass={PASSWORD}"), "--host-ip=127.0.0.1"]),
        );
        let configuration = path("dc/etc/smb.conf");
        let root = folder.path().display();
        let ours = format!(
            "[global]\n\tserver services = ldap\n\tbind interfaces only = yes\n\tinterfaces = lo\n\tldap server require strong auth = no\n\ttls enabled = yes\n\
            \ttls certfile = {root}/tls/server.pem\n\ttls keyfile = {root}/tls/server.key\n\ttls cafile = {root}/tls/ca.pem\n"
        );
        let text = std::fs::read_to_string(&configuration).expect("the configuration").replacen("[global]\n", &ours, 1);
        std::fs::write(&configuration, text).expect("the configuration was written");
        std::fs::write(path("ldif"), ldif).expect("LDIF was written");
        quietly(Command::new(installed(&["ldbadd"], PACKAGES)).arg("-H").arg(path("dc/private/sam.ldb")).arg(path("ldif")));
        let log = std::fs::File::create(path("log")).expect("a log");
        let child = Command::new(installed(&["samba"], PACKAGES))
            .args(["-i", "-M", "single", "--debug-stdout", "-s"])
            .arg(&configuration)
            // It ends with its standard input.
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("samba starts");
        let mut server = Self { child, folder };
        let log = server.folder.path().join("log");
        for port in [389, 636] {
            await_port(port, &mut server.child, &log);
        }
        server
    }

    pub(crate) fn authority(&self) -> String {
        let path: &Path = self.folder.path();
        path.join("tls/ca.pem").display().to_string()
    }
}

pub(crate) fn modify(ldif: &str) {
    slapd::modify(URL, ADMIN, PASSWORD, ldif);
}

pub(crate) fn search(base: &str, filter: &str, attributes: &[&str]) -> Entries {
    slapd::search(URL, ADMIN, PASSWORD, base, filter, attributes)
}

impl Drop for Samba {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
