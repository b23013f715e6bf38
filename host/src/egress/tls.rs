//! TLS to the outside: whom one system believes, who it is itself, and the client configurations made of both.
//!
//! Certificates are always verified; there is no switch that turns this off (`TrustAll` of the reference is absent on purpose). A private
//! authority is added to the trusted ones instead, for one system alone.
//!
//! Files that were replaced take effect with the next connection. Where the new ones cannot be used (half written, a key that does not fit),
//! the configurations in hand go on, with a warning, and the files are looked at again. Connections that are open keep what they were opened with.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::sign::SingleCertAndKey;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::certificate::{self, Certificate};
use super::error::{EgressError, root_cause};
use super::identity::ClientCertificate;
use super::origin::Host;
use crate::secret::{Mark, SecretSource};

/// The largest file of authorities, in bytes; all public ones together take a fifth of it.
const LARGEST_FILE: u64 = 1 << 20;

/// Whom a system believes, and who it is itself.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// The table of the manifest that says so, for messages: `[systems.hr.tls]`.
    pub table: String,
    /// Whether the authorities of the operating system are believed (`SSL_CERT_FILE` and `SSL_CERT_DIR` replace them).
    pub machine_authorities: bool,
    /// PEM files of further authorities.
    pub authorities: Vec<PathBuf>,
    pub identity: Option<ClientCertificate>,
}

impl TlsSettings {
    /// The authorities of the machine, and no certificate of one's own.
    pub fn new(table: impl Into<String>) -> Self {
        Self { table: table.into(), machine_authorities: true, authorities: Vec::new(), identity: None }
    }
}

/// What is spoken inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// HTTP/2 where the server offers it, else HTTP/1.1 (ALPN, RFC 7301).
    Http,
    /// A component's own protocol.
    Stream,
}

/// The authorities of the operating system, read at the first secure connection: a run over files needs none. One for all systems.
#[derive(Default)]
pub(super) struct Machine(OnceLock<(RootCertStore, Option<String>)>);

impl Machine {
    /// They, and what went wrong while reading them.
    fn authorities(&self) -> &(RootCertStore, Option<String>) {
        self.0.get_or_init(|| {
            let mut roots = RootCertStore::empty();
            let native = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(native.certs);
            (roots, native.errors.first().map(ToString::to_string))
        })
    }
}

/// The TLS side of one system's door.
pub(super) struct Tls {
    system: Arc<str>,
    settings: TlsSettings,
    machine: Arc<Machine>,
    /// Held while files are read: who comes meanwhile waits and finds the result.
    current: Mutex<Option<Current>>,
}

struct Current {
    marks: Vec<Mark>,
    configurations: Arc<Configurations>,
}

/// With and without the client certificate. Nothing is shared between the two, resumable sessions least of all: one that began with the
/// certificate would carry it to where it is not shown.
struct Configurations {
    anonymous: Pair,
    identified: Option<Pair>,
}

struct Pair {
    http: Arc<ClientConfig>,
    stream: Arc<ClientConfig>,
}

impl Tls {
    pub(super) fn new(system: Arc<str>, settings: TlsSettings, machine: Arc<Machine>) -> Self {
        Self { system, settings, machine, current: Mutex::default() }
    }

    /// The handshake, with the server's certificate checked against `host`, and our own shown to a server that asks if `identified`.
    pub(super) async fn handshake(
        &self,
        host: &Host,
        tcp: TcpStream,
        inside: Inside,
        identified: bool,
    ) -> Result<TlsStream<TcpStream>, EgressError> {
        let configurations = self.configurations().await?;
        let pair = configurations.identified.as_ref().filter(|_| identified).unwrap_or(&configurations.anonymous);
        let configuration = match inside {
            Inside::Http => &pair.http,
            Inside::Stream => &pair.stream,
        };
        let failed = |reason: String| EgressError::Tls { place: host.to_string(), reason };
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| failed(error.to_string()))?,
            Host::Address(address) => ServerName::from(*address),
        };
        let connected = tokio_rustls::TlsConnector::from(configuration.clone()).connect(name, tcp).await;
        connected.map_err(|error| failed(self.advice(&root_cause(&error))))
    }

    /// What the files say now: every one that is wrong, and the client certificate if it is right.
    pub(super) async fn check(&self, now: SystemTime) -> (Option<Certificate>, Vec<EgressError>) {
        let mut wrong = Vec::new();
        for file in &self.settings.authorities {
            wrong.extend(self.authorities(file, &mut RootCertStore::empty()).await.err());
        }
        let identity = match &self.settings.identity {
            Some(identity) => {
                identity.load(&self.system, now).await.map(|(_, certificate)| certificate).map_err(|error| wrong.push(error)).ok()
            }
            None => None,
        };
        (identity, wrong)
    }

    async fn configurations(&self) -> Result<Arc<Configurations>, EgressError> {
        let mut current = self.current.lock().await;
        let marks = self.marks().await;
        if let Some(known) = current.as_ref().filter(|known| known.marks == marks) {
            return Ok(known.configurations.clone());
        }
        match self.configure().await {
            Ok(made) => {
                let configurations = Arc::new(made);
                *current = Some(Current { marks, configurations: configurations.clone() });
                Ok(configurations)
            }
            Err(error) => {
                let known = current.as_ref().ok_or_else(|| error.clone())?;
                tracing::warn!(system = %self.system, code = error.code(), "{error}; what was there before goes on being used");
                Ok(known.configurations.clone())
            }
        }
    }

    async fn marks(&self) -> Vec<Mark> {
        let mut marks = Vec::new();
        for file in &self.settings.authorities {
            marks.push(Mark::of_file(file).await);
        }
        if let Some(identity) = &self.settings.identity {
            marks.extend(identity.marks().await);
        }
        marks
    }

    async fn configure(&self) -> Result<Configurations, EgressError> {
        let mut roots = RootCertStore::empty();
        let mut why = None;
        if self.settings.machine_authorities {
            let (machine, wrong) = self.machine.authorities();
            roots.clone_from(machine);
            why.clone_from(wrong);
        }
        for file in &self.settings.authorities {
            self.authorities(file, &mut roots).await?;
        }
        if roots.is_empty() {
            let why = why.map(|error| format!(" ({error})")).unwrap_or_default();
            let reason = format!("no trusted authorities were found{why}; install the system's ca-certificates or set SSL_CERT_FILE");
            return Err(EgressError::Tls { place: format!("anywhere from system \"{}\"", self.system), reason });
        }
        let identified = match &self.settings.identity {
            Some(identity) => {
                let (certified, _) = identity.load(&self.system, SystemTime::now()).await?;
                Some(self.pair(roots.clone(), Some(Arc::new(SingleCertAndKey::from(certified))))?)
            }
            None => None,
        };
        Ok(Configurations { anonymous: self.pair(roots, None)?, identified })
    }

    /// Add the authorities of a file.
    async fn authorities(&self, file: &Path, roots: &mut RootCertStore) -> Result<(), EgressError> {
        let failed = |reason| EgressError::certificate(&self.system, "file of authorities", &SecretSource::File(file.to_owned()), reason);
        let unreadable = |error: std::io::Error| {
            failed(format!("it cannot be read: {error}; check the path and that the user running provisor may read it"))
        };
        if tokio::fs::metadata(file).await.map_err(unreadable)?.len() > LARGEST_FILE {
            return Err(failed("it is larger than 1 MiB; is it the right file?".into()));
        }
        let text = tokio::fs::read(file).await.map_err(unreadable)?;
        for authority in certificate::certificates(&String::from_utf8_lossy(&text)).map_err(failed)? {
            roots.add(authority).map_err(|error| failed(format!("a certificate in it cannot be an authority: {error}")))?;
        }
        Ok(())
    }

    fn pair(&self, roots: RootCertStore, identity: Option<Arc<dyn ResolvesClientCert>>) -> Result<Pair, EgressError> {
        let failed = |error: rustls::Error| EgressError::Tls {
            place: format!("anywhere from system \"{}\"", self.system),
            reason: error.to_string(),
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_root_certificates(roots);
        let stream = match identity {
            Some(identity) => builder.with_client_cert_resolver(identity),
            None => builder.with_no_client_auth(),
        };
        let mut http = stream.clone();
        http.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Pair { http: Arc::new(http), stream: Arc::new(stream) })
    }

    /// What rustls says, and what to do about it.
    pub(super) fn advice(&self, cause: &str) -> String {
        let table = &self.settings.table;
        if cause.contains("UnknownIssuer") {
            return format!(
                "{cause}: the certificate's authority is not trusted here; name its PEM file as authorities in {table}, or add it to the trusted \
                 authorities of this machine"
            );
        }
        if !cause.contains(ALERT) {
            return cause.to_owned();
        }
        // RFC 8446 section 6.2: what a server says about the certificate it was shown, or was not.
        if cause.contains("CertificateRequired") || (self.settings.identity.is_none() && cause.contains("HandshakeFailure")) {
            return format!("{cause}: does the server demand a client certificate? Name one as certificate and key in {table}");
        }
        if ABOUT_A_CERTIFICATE.iter().any(|alert| cause.contains(alert)) {
            return format!(
                "{cause}: the server does not accept the client certificate it was shown; the one in {table} has to be known there"
            );
        }
        cause.to_owned()
    }
}

/// How rustls begins to tell that the other side broke off.
const ALERT: &str = "received fatal alert";

const ABOUT_A_CERTIFICATE: [&str; 7] = [
    "BadCertificate",
    "UnsupportedCertificate",
    "CertificateRevoked",
    "CertificateExpired",
    "CertificateUnknown",
    "UnknownCA",
    "AccessDenied",
];

/// Whether the exchange broke off because of TLS. In TLS 1.3 a server tells what it thinks of our certificate only after the handshake.
pub(super) fn is_alert(cause: &str) -> bool {
    cause.contains(ALERT)
}
