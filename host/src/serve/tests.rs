//! What needs a certificate, or a request that can be held; the rest is tested from outside, through the command.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::generate_simple_self_signed;
use tokio::{net::TcpStream, sync::oneshot};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
    },
};

use super::*;
use crate::{directory::Directory, manifest::ServeTls, secret::SecretSource};

struct Place {
    folder: tempfile::TempDir,
    certificate: CertificateDer<'static>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(folder.path().join("server.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("server.key"), made.signing_key.serialize_pem()).unwrap();
        Self { folder, certificate: made.cert.der().clone() }
    }

    fn settings(&self) -> Serve {
        Serve {
            listen: "127.0.0.1:0".parse().unwrap(),
            url: None,
            tls: Some(ServeTls {
                certificate: self.folder.path().join("server.pem"),
                key: SecretSource::File(self.folder.path().join("server.key")),
            }),
            max_body: 1 << 20,
            max_connections: 16,
            request_timeout: Duration::from_secs(10),
            tokens: Vec::new(),
        }
    }

    fn services(&self) -> Services {
        let directory = Directory::open(&self.folder.path().join("people.db"), &[], &[]).unwrap();
        Services::from([("people".to_owned(), Arc::new(directory) as Arc<dyn Backend>)])
    }

    async fn connect(&self, url: &str, protocol: &str) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(url.strip_prefix("https://").unwrap()).await.unwrap();
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
    }
}

fn health() -> Request<Full<Bytes>> {
    Request::get("/health/ready").header("host", "localhost").body(Full::default()).unwrap()
}

#[tokio::test]
async fn both_versions_of_http_go_through_tls() {
    let place = Place::new();
    let server = Server::bind(place.settings(), place.services()).await.unwrap();
    let url = server.url();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async { drop(stopped.await) }));

    let io = TokioIo::new(place.connect(&url, "h2").await);
    let (mut sender, connection) = conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(health()).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), r#"{"status":"ok"}"#);

    let io = TokioIo::new(place.connect(&url, "http/1.1").await);
    let (mut sender, connection) = conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(sender.send_request(health()).await.unwrap().status(), 200);

    // Idle connections do not hold the end up.
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(10), serving).await.expect("it stops").unwrap();
    assert!(TcpStream::connect(url.strip_prefix("https://").unwrap()).await.is_err(), "nobody is accepted any more");
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told() {
    let place = Place::new();
    let with = |file: &str, content: &str| {
        let place = Place::new();
        std::fs::write(place.folder.path().join(file), content).unwrap();
        place
    };
    for (place, code) in [
        (with("server.pem", "no certificate"), "serve.certificate"),
        (with("server.key", "-----BEGIN PRIVATE KEY-----\nsecret-bytes\n-----END PRIVATE KEY-----\n"), "serve.key"),
        (with("server.key", &std::fs::read_to_string(place.folder.path().join("server.key")).unwrap()), "serve.key"),
    ] {
        let error = Server::bind(place.settings(), Services::new()).await.err().expect("a refusal");
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.to_string().contains("secret-bytes"));
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = Serve { listen: taken.local_addr().unwrap(), tls: None, ..place.settings() };
    assert_eq!(Server::bind(settings, Services::new()).await.err().expect("a refusal").code(), "serve.listen");
}
