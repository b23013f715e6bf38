//! Certificates, and HTTP/2 behind them.

use super::*;

use std::convert::Infallible;

use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// A certificate for `localhost` that is its own authority of this name, as PEM and ready to serve.
pub(super) fn certificate(authority: &str, protocol: &[u8]) -> (String, TlsAcceptor) {
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, authority);
    let pair = rcgen::KeyPair::generate().unwrap();
    let made = parameters.self_signed(&pair).unwrap();
    let key = PrivatePkcs8KeyDer::from(pair.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.der().clone()], key.into())
        .unwrap();
    config.alpn_protocols = vec![protocol.to_vec()];
    (made.pem(), TlsAcceptor::from(Arc::new(config)))
}

/// Says which version was spoken and how long the body was.
async fn count(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let version = request.version();
    let length = request.into_body().collect().await.map_or(0, |body| body.to_bytes().len());
    Ok(Response::new(Full::from(format!("{version:?} {length}"))))
}

async fn serve_http(protocol: &'static [u8]) -> (String, u16) {
    let (pem, acceptor) = certificate("one", protocol);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(tls) = acceptor.accept(tcp).await else { continue };
            let stream = TokioIo::new(tls);
            if protocol == b"h2" {
                tokio::spawn(hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service_fn(count)));
            } else {
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(stream, service_fn(count)));
            }
        }
    });
    (pem, port)
}

fn trusting(pem: &str, files: &Files, settings: DoorSettings) -> Arc<Door> {
    door(believing(pem, files, settings))
}

#[tokio::test]
async fn an_unknown_authority_and_a_wrong_name_are_refused() {
    let files = Files::new();
    let (pem, port) = serve_http(b"http/1.1").await;
    let by_name = format!("https://localhost:{port}");
    let by_address = format!("https://127.0.0.1:{port}");
    let other = certificate("other", b"h2").0;
    let error = trusting(&other, &files, settings(&[&by_name])).send(get(&by_name)).await.err().unwrap();
    assert_eq!((error.code(), error.kind()), ("egress.tls", ErrorKind::Tls), "{error}");
    assert!(error.to_string().contains("not trusted here"), "{error}");
    let error = trusting(&pem, &files, settings(&[&by_address])).send(get(&by_address)).await.err().unwrap();
    assert_eq!(error.code(), "egress.tls", "{error}");
    let response = trusting(&pem, &files, settings(&[&by_name])).send(post(&by_name, "abc")).await.unwrap();
    assert_eq!(text(response).await, "HTTP/1.1 3");
}

#[tokio::test]
async fn http_2_where_it_is_offered() {
    let log = Log::start();
    let files = Files::new();
    let (pem, port) = serve_http(b"h2").await;
    let origin = format!("https://localhost:{port}");
    let mut settings = settings(&[&origin]);
    settings.limits.request_bytes = 1000;
    let door = trusting(&pem, &files, settings);
    for _ in 0..3 {
        assert_eq!(text(door.send(post(&origin, "abc")).await.unwrap()).await, "HTTP/2.0 3");
    }
    let pieces = (0..20).map(|_| Ok::<_, EgressError>(Frame::data(Bytes::from(vec![b'x'; 100]))));
    let request = Request::post(&origin).body(StreamBody::new(stream::iter(pieces))).unwrap();
    let error = door.send(request).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::RequestSize, "{error}");
    assert_eq!(log.audit().len(), 4);
}
