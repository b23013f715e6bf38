//! The certificate that is shown.

use std::sync::Arc;

use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::ServeError;
use crate::manifest::ServeTls;

/// TLS 1.2 and 1.3 with this certificate; HTTP/2 or HTTP/1.1 inside.
pub(super) async fn configuration(tls: &ServeTls) -> Result<Arc<ServerConfig>, ServeError> {
    let certificate = |reason: String| ServeError::Certificate { path: tls.certificate.clone(), reason };
    let pem = tokio::fs::read(&tls.certificate).await.map_err(|error| certificate(error.to_string()))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| certificate(format!("it is no PEM file: {error}")))?;
    if chain.is_empty() {
        return Err(certificate("there is no certificate in it".into()));
    }
    let wrong = |reason: String| ServeError::WrongKey { path: tls.certificate.clone(), reason };
    let secret = tls.key.resolve().await?;
    // What a parser says of a key may repeat a part of it.
    let key = PrivateKeyDer::from_pem_slice(secret.expose().as_bytes()).map_err(|_| wrong("it is no private key in PEM".into()))?;
    let mut configuration = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| wrong(error.to_string()))?;
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(configuration))
}
