//! Client certificates: shown to whom, replaced, and refused before they are used.

use super::*;

use std::convert::Infallible;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// A certificate authority of the tests.
pub(super) struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    certificate: rcgen::Certificate,
}

/// A certificate and its key, as PEM; and what it is recognised by.
pub(super) struct Issued {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) digest: String,
}

fn digest(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(der))
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut parameters = rcgen::CertificateParams::new([]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pair = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&pair).unwrap();
        Self { issuer: rcgen::Issuer::new(parameters, pair), certificate }
    }

    pub(super) fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub(super) fn issue(&self, name: &str) -> Issued {
        self.issue_until(name, 2100)
    }

    fn issue_until(&self, name: &str, year: i32) -> Issued {
        let mut parameters = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        parameters.not_before = rcgen::date_time_ymd(2000, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
        let pair = rcgen::KeyPair::generate().unwrap();
        let made = parameters.signed_by(&pair, &self.issuer).unwrap();
        Issued { certificate: made.pem(), key: pair.serialize_pem(), digest: digest(made.der()) }
    }

    /// A server for `localhost` that asks for certificates of this authority.
    pub(super) fn acceptor(&self, demanded: bool) -> TlsAcceptor {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let verifier = if demanded { verifier } else { verifier.allow_unauthenticated() };
        let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "server");
        let pair = rcgen::KeyPair::generate().unwrap();
        let made = parameters.signed_by(&pair, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![made.der().clone()], PrivatePkcs8KeyDer::from(pair.serialize_der()).into())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Answers every request with the digest of the certificate it was shown (or `nobody`), and closes. What it was asked is in the log.
pub(super) async fn who(acceptor: TlsAcceptor, log: Arc<Mutex<Vec<String>>>, answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(tls) = acceptor.accept(tcp).await else { continue };
            let shown = tls.get_ref().1.peer_certificates().map_or("nobody".to_owned(), |chain| digest(&chain[0]));
            let log = log.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let (shown, log) = (shown.clone(), log.clone());
                async move {
                    let body = request.into_body().collect().await.map_or(Bytes::new(), http_body_util::Collected::to_bytes);
                    log.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
                    let text = if answer.is_empty() { shown } else { answer.to_owned() };
                    let response = Response::builder().header("connection", "close").body(Full::<Bytes>::from(text));
                    Ok::<_, Infallible>(response.unwrap())
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tls), service));
        }
    });
    format!("https://localhost:{port}")
}

/// These settings with a client certificate.
pub(super) fn identified(files: &Files, issued: &Issued, mut settings: DoorSettings) -> DoorSettings {
    let certificate = files.secret("client.pem", &issued.certificate);
    settings.tls.identity = Some(ClientCertificate { certificate, key: Some(files.secret("client.key", &issued.key)) });
    settings
}

#[tokio::test]
async fn a_server_that_demands_a_certificate() {
    let (files, ours, theirs) = (Files::new(), Authority::new("ours"), Authority::new("theirs"));
    let origin = who(ours.acceptor(true), Arc::default(), "").await;
    let base = || believing(&ours.pem(), &files, settings(&[&origin]));
    let error = door(base()).send(get(&origin)).await.err().unwrap();
    assert_eq!((error.code(), error.kind()), ("egress.tls", ErrorKind::Tls), "{error}");
    assert!(error.to_string().contains("Name one as certificate and key in [systems.hr.tls]"), "{error}");
    let error = door(identified(&files, &theirs.issue("provisor"), base())).send(get(&origin)).await.err().unwrap();
    assert!(error.code() == "egress.tls" && error.to_string().contains("does not accept the client certificate"), "{error}");
    let issued = ours.issue("provisor");
    let door = door(identified(&files, &issued, base()));
    assert_eq!(text(door.send(get(&origin)).await.unwrap()).await, issued.digest);
    let (used, wrong) = door.check_certificates(SystemTime::now()).await;
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!((used[0].what, used[0].certificate.subject.as_str()), ("client certificate", "CN=provisor"));
}

#[tokio::test]
async fn the_certificate_is_for_the_backend_alone() {
    let (files, authority) = (Files::new(), Authority::new("ours"));
    let (backend, other) =
        (who(authority.acceptor(false), Arc::default(), "").await, who(authority.acceptor(false), Arc::default(), "").await);
    let issued = authority.issue("provisor");
    let door = door(identified(&files, &issued, believing(&authority.pem(), &files, settings(&[&backend, &other]))));
    // Twice: a session resumed under the same name must not carry it along.
    for _ in 0..2 {
        assert_eq!(text(door.send(get(&backend)).await.unwrap()).await, issued.digest);
        assert_eq!(text(door.send(get(&other)).await.unwrap()).await, "nobody");
    }
}

#[tokio::test]
async fn a_replaced_certificate_is_shown_from_the_next_connection_on() {
    let (files, authority) = (Files::new(), Authority::new("ours"));
    let origin = who(authority.acceptor(true), Arc::default(), "").await;
    let (first, second) = (authority.issue("first"), authority.issue("second"));
    let door = door(identified(&files, &first, believing(&authority.pem(), &files, settings(&[&origin]))));
    assert_eq!(text(door.send(get(&origin)).await.unwrap()).await, first.digest);
    // The key is not there yet: the old pair goes on.
    files.put("client.pem", &second.certificate);
    assert_eq!(text(door.send(get(&origin)).await.unwrap()).await, first.digest);
    assert!(door.check_certificates(SystemTime::now()).await.1[0].to_string().contains("does not fit"));
    files.put("client.key", &second.key);
    assert_eq!(text(door.send(get(&origin)).await.unwrap()).await, second.digest);
    // So are authorities.
    files.put("authorities.pem", &Authority::new("another").pem());
    assert_eq!(door.send(get(&origin)).await.err().unwrap().code(), "egress.tls");
}

#[tokio::test]
async fn certificates_that_are_no_good() {
    let (files, authority) = (Files::new(), Authority::new("ours"));
    let origin = who(authority.acceptor(true), Arc::default(), "").await;
    let (good, other, old) = (authority.issue("provisor"), authority.issue("other"), authority.issue_until("old", 2020));
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n".to_owned();
    for (certificate, key, file, said) in [
        (&"hello".to_owned(), &good.key, "client.pem", "holds no certificate"),
        (&good.key, &good.key, "client.pem", "a private key and no certificate"),
        (&old.certificate, &old.key, "client.pem", "CN=old expired on 2020-01-01"),
        (&good.certificate, &other.key, "client.key", "does not fit"),
        (&good.certificate, &encrypted, "client.key", "is encrypted"),
        (&good.certificate, &good.certificate, "client.key", "a certificate and no private key"),
    ] {
        let issued = Issued { certificate: certificate.clone(), key: key.clone(), digest: String::new() };
        let door = door(identified(&files, &issued, believing(&authority.pem(), &files, settings(&[&origin]))));
        let error = door.send(get(&origin)).await.err().unwrap();
        let told = door.check_certificates(SystemTime::now()).await.1;
        assert_eq!((error.code(), error.kind(), told.len()), ("egress.certificate", ErrorKind::Credentials, 1), "{error}");
        for text in [error.to_string(), told[0].to_string()] {
            let path = files.folder.path().join(file);
            assert!(
                text.contains(said) && text.contains(&path.display().to_string()) && !text.contains("BEGIN PRIVATE KEY-----\n"),
                "{text}"
            );
        }
    }
    let mut settings = settings(&[&origin]);
    settings.tls.authorities = vec![files.folder.path().join("gone.pem"), files.put("empty.pem", "")];
    let told: Vec<String> = door(settings).check_certificates(SystemTime::now()).await.1.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("gone.pem") && told[1].contains("empty.pem) cannot be used: it holds no certificate"), "{told:?}");
}

#[tokio::test]
async fn only_the_private_authorities() {
    let (files, authority) = (Files::new(), Authority::new("ours"));
    let origin = who(authority.acceptor(false), Arc::default(), "").await;
    let mut settings = believing(&authority.pem(), &files, settings(&[&origin]));
    settings.tls.machine_authorities = false;
    assert_eq!(text(door(settings).send(get(&origin)).await.unwrap()).await, "nobody");
}

#[tokio::test]
async fn a_key_in_the_text_of_its_certificate() {
    let (files, authority) = (Files::new(), Authority::new("ours"));
    let origin = who(authority.acceptor(true), Arc::default(), "").await;
    let issued = authority.issue("provisor");
    let mut settings = believing(&authority.pem(), &files, settings(&[&origin]));
    let certificate = files.secret("both.pem", &format!("{}{}", issued.key, issued.certificate));
    settings.tls.identity = Some(ClientCertificate { certificate, key: None });
    assert_eq!(text(door(settings).send(get(&origin)).await.unwrap()).await, issued.digest);
}
