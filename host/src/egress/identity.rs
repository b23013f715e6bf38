//! The client certificate of a system: who the host is to the other side of a TLS connection.
//!
//! It is shown to a server that asks for it, to the system's own backend and token endpoint alone; see `connect`.

use std::time::SystemTime;

use tokio_rustls::rustls::sign::CertifiedKey;

use super::certificate::{self, Certificate};
use super::error::EgressError;
use crate::secret::{Mark, Secret, SecretSource};

/// A client certificate, as configured: PEM texts.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The certificate, and those that lead to its authority.
    pub certificate: SecretSource,
    /// Its private key. Absent: it is in the text of the certificate, too.
    pub key: Option<SecretSource>,
}

impl ClientCertificate {
    /// Whether to load it again.
    pub(super) async fn marks(&self) -> Vec<Mark> {
        let mut marks = vec![self.certificate.mark().await];
        if let Some(key) = &self.key {
            marks.push(key.mark().await);
        }
        marks
    }

    /// Certificate and key, which fit and are valid now.
    pub(super) async fn load(&self, system: &str, now: SystemTime) -> Result<(CertifiedKey, Certificate), EgressError> {
        let failed = |what, source: &SecretSource, reason| EgressError::certificate(system, what, source, reason);
        let wrong_certificate = |reason| failed("client certificate", &self.certificate, reason);
        let text = fetch(&self.certificate).await.map_err(wrong_certificate)?;
        let chain = certificate::certificates(text.expose()).map_err(wrong_certificate)?;
        let leaf = certificate::leaf(&chain).map_err(wrong_certificate)?;
        leaf.check(now).map_err(wrong_certificate)?;
        let key_source = self.key.as_ref().unwrap_or(&self.certificate);
        let wrong_key = |reason| failed("key of the client certificate", key_source, reason);
        let key = match &self.key {
            Some(source) => fetch(source).await.map_err(wrong_key)?,
            None => text,
        };
        let key = certificate::private_key(key.expose()).map_err(wrong_key)?;
        Ok((certificate::certified(chain, &key).map_err(wrong_key)?, leaf))
    }
}

pub(super) async fn fetch(source: &SecretSource) -> Result<Secret, String> {
    source.resolve().await.map_err(|error| error.to_string())
}
