//! TLS to the outside: whom to trust, and the two client configurations made of it.
//!
//! Certificates are always verified; there is no switch that turns this off (`TrustAll` of the reference is absent on purpose). A private
//! authority is added to the trusted ones instead.

use std::sync::{Arc, OnceLock};

use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::error::{EgressError, root_cause};
use super::origin::Host;

/// Whose certificates are believed: the operating system's authorities (`SSL_CERT_FILE` and `SSL_CERT_DIR` replace them), and those added
/// here.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    additional: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// Add the authorities of a PEM file; other sections of it are skipped. An error if there is none in it.
    pub fn with_authorities(mut self, pem: &[u8]) -> Result<Self, EgressError> {
        let unreadable = |reason: String| EgressError::Tls { place: "a private authority".into(), reason };
        let before = self.additional.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            self.additional.push(certificate.map_err(|error| unreadable(format!("its PEM file cannot be read: {error}")))?);
        }
        if self.additional.len() == before {
            return Err(unreadable("its PEM file holds no certificate".into()));
        }
        Ok(self)
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

/// The TLS side of the door, shared by all systems. The authorities are read at the first secure connection: a run over files needs none.
pub(super) struct Tls {
    trust: Trust,
    configurations: OnceLock<Result<Configurations, String>>,
}

struct Configurations {
    http: Arc<ClientConfig>,
    stream: Arc<ClientConfig>,
}

impl Tls {
    pub(super) fn new(trust: Trust) -> Self {
        Self { trust, configurations: OnceLock::new() }
    }

    /// The handshake, with the certificate checked against `host`.
    pub(super) async fn handshake(&self, host: &Host, tcp: TcpStream, inside: Inside) -> Result<TlsStream<TcpStream>, EgressError> {
        let failed = |reason: String| EgressError::Tls { place: host.to_string(), reason };
        let configurations =
            self.configurations.get_or_init(|| configure(&self.trust)).as_ref().map_err(|reason| failed(reason.clone()))?;
        let configuration = match inside {
            Inside::Http => &configurations.http,
            Inside::Stream => &configurations.stream,
        };
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| failed(error.to_string()))?,
            Host::Address(address) => ServerName::from(*address),
        };
        tokio_rustls::TlsConnector::from(configuration.clone()).connect(name, tcp).await.map_err(|error| failed(advice(&error)))
    }
}

fn configure(trust: &Trust) -> Result<Configurations, String> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    for certificate in &trust.additional {
        roots.add(certificate.clone()).map_err(|error| format!("a private authority is not usable: {error}"))?;
    }
    if roots.is_empty() {
        let why = native.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
        return Err(format!("no trusted authorities were found{why}; install the system's ca-certificates or set SSL_CERT_FILE"));
    }
    let stream = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut http = stream.clone();
    http.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Configurations { http: Arc::new(http), stream: Arc::new(stream) })
}

fn advice(error: &std::io::Error) -> String {
    let cause = root_cause(error);
    if cause.contains("UnknownIssuer") {
        format!(
            "{cause}: the certificate's authority is not trusted here; add it to the trusted authorities of this machine or set SSL_CERT_FILE"
        )
    } else {
        cause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_has_to_be_in_the_file() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAA"] {
            let error = Trust::default().with_authorities(pem.as_bytes()).unwrap_err();
            assert_eq!(error.code(), "egress.tls");
        }
    }
}
