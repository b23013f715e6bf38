//! Byte streams.

use super::*;

use tokio_rustls::TlsAcceptor;

const SHORT: Duration = Duration::from_millis(150);

/// Sends back what it gets, after a greeting.
async fn echo(greeting: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.write_all(greeting.as_bytes()).await.unwrap();
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await.unwrap_or_default();
            });
        }
    });
    address
}

/// Speaks `StartTLS`: answers the first three bytes with `consent`, then TLS, then sends back what it gets.
async fn start_tls_server(consent: &'static str, acceptor: TlsAcceptor) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 3];
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(consent.as_bytes()).await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut bytes = [0; 100];
            while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                stream.write_all(&bytes[..read]).await.unwrap();
            }
        }
    });
    address
}

fn dialling(endpoints: &[&str]) -> DoorSettings {
    let mut settings = settings(&[]);
    settings.policy.endpoints = endpoints.iter().map(|endpoint| endpoint.parse().unwrap()).collect();
    settings
}

async fn read_exactly(stream: &mut Stream, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let piece = stream.read(length - bytes.len()).await.unwrap();
        assert!(!piece.is_empty(), "closed early");
        bytes.extend_from_slice(&piece);
    }
    bytes
}

#[tokio::test]
async fn bytes_go_there_and_back() {
    let log = Log::start();
    let address = echo("").await.to_string();
    let door = door(dialling(&[&address]));
    let mut stream = door.connect(&format!("ldap://{address}"), Security::Plain).await.unwrap();
    let large: Vec<u8> = (0..10_000u16).map(|number| number.to_le_bytes()[0]).collect();
    stream.write_all(&large).await.unwrap();
    assert_eq!(read_exactly(&mut stream, large.len()).await, large);
    stream.write_all(b"x").await.unwrap();
    assert_eq!(stream.read(usize::MAX).await.unwrap(), "x");
    stream.close().await;
    let lines = log.audit();
    assert_eq!(lines.len(), 1);
    for part in ["DIAL", &address, "bytes_out=10001", "bytes_in=10001", "done"] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
}

#[tokio::test]
async fn what_is_not_granted() {
    let address = echo("").await;
    let door = door(dialling(&["127.0.0.1:1", &format!("10.0.0.1:{}", address.port())]));
    let error = door.connect(&address.to_string(), Security::Plain).await.err().unwrap();
    assert_eq!((error.code(), error.kind()), ("egress.endpoint-not-granted", ErrorKind::Denied));
    assert_eq!(door.refusals()[0].manifest_lines, format!("[systems.hr.grants]\ndial = [\"{address}\"]"));
    let error = door.connect(&format!("10.0.0.1:{}", address.port()), Security::Plain).await.err().unwrap();
    assert_eq!(error.code(), "egress.address-refused");
    for nonsense in ["", "host", "host:1\nx", "unix:/run/x"] {
        assert_eq!(door.connect(nonsense, Security::Plain).await.err().unwrap().kind(), ErrorKind::Invalid, "{nonsense:?}");
    }
    assert_eq!(door.refusals().len(), 2);
}

#[tokio::test]
async fn silence_and_the_end() {
    let address = echo("").await.to_string();
    let mut settings = dialling(&[&address]);
    settings.limits.between_bytes = SHORT;
    settings.limits.concurrent = 1;
    let door = door(settings);
    let mut stream = door.connect(&address, Security::Plain).await.unwrap();
    assert_eq!(door.connect(&address, Security::Plain).await.err().unwrap().code(), "egress.too-many");
    assert_eq!(stream.read(1).await.unwrap_err().code(), "egress.timed-out");
    assert_eq!(stream.read(1).await.unwrap_err().code(), "egress.protocol");
    assert_eq!(stream.write_all(b"x").await.unwrap_err().code(), "egress.protocol");
    drop(stream);
    assert!(door.connect(&address, Security::Plain).await.is_ok());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { drop(listener.accept().await) });
    let door = super::door(dialling(&[&address]));
    assert!(door.connect(&address, Security::Plain).await.unwrap().read(1).await.unwrap().is_empty());
}

#[tokio::test]
async fn tls_after_consent() {
    let (pem, acceptor) = tls::certificate("one", b"");
    let port = start_tls_server("OK\n", acceptor).await.port();
    let endpoint = format!("localhost:{port}");
    let files = Files::new();
    let door = super::door(believing(&pem, &files, dialling(&[&endpoint])));
    let mut stream = door.connect(&endpoint, Security::Plain).await.unwrap();
    stream.write_all(b"TLS").await.unwrap();
    assert_eq!(read_exactly(&mut stream, 3).await, b"OK\n");
    stream.start_tls().await.unwrap();
    stream.write_all(b"secured").await.unwrap();
    assert_eq!(read_exactly(&mut stream, 7).await, b"secured");
    assert_eq!(stream.start_tls().await.unwrap_err().code(), "egress.request");
    // Its certificate is checked here as well.
    let door = super::door(dialling(&[&endpoint]));
    let mut stream = door.connect(&endpoint, Security::Plain).await.unwrap();
    stream.write_all(b"TLS").await.unwrap();
    assert_eq!(read_exactly(&mut stream, 3).await, b"OK\n");
    assert_eq!(stream.start_tls().await.unwrap_err().code(), "egress.tls");
}

#[tokio::test]
async fn bytes_smuggled_in_before_tls_are_found() {
    let (pem, acceptor) = tls::certificate("one", b"");
    let port = start_tls_server("OK\nsmuggled", acceptor).await.port();
    let endpoint = format!("localhost:{port}");
    let files = Files::new();
    let door = super::door(believing(&pem, &files, dialling(&[&endpoint])));
    let mut stream = door.connect(&endpoint, Security::Plain).await.unwrap();
    stream.write_all(b"TLS").await.unwrap();
    assert_eq!(read_exactly(&mut stream, 3).await, b"OK\n");
    let error = stream.start_tls().await.unwrap_err();
    assert!(error.to_string().contains("before TLS"), "{error}");
    assert_eq!(stream.read(1).await.unwrap_err().code(), "egress.protocol");
}

#[tokio::test]
async fn a_client_certificate_over_dial() {
    let (files, authority) = (Files::new(), identity::Authority::new("ours"));
    let endpoint = format!("localhost:{}", start_tls_server("OK\n", authority.acceptor(true)).await.port());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let secured = format!("localhost:{}", listener.local_addr().unwrap().port());
    let acceptor = authority.acceptor(true);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            if let Ok(mut tls) = acceptor.accept(tcp).await {
                tls.write_all(b"hello").await.unwrap_or_default();
            }
        }
    });
    let base = |own: bool| {
        let mut settings = believing(&authority.pem(), &files, dialling(&[&endpoint, &secured]));
        settings.backend_endpoints = if own { settings.policy.endpoints.clone() } else { vec![] };
        identity::identified(&files, &authority.issue("provisor"), settings)
    };
    for own in [true, false] {
        let door = super::door(base(own));
        let mut stream = door.connect(&endpoint, Security::Plain).await.unwrap();
        stream.write_all(b"TLS").await.unwrap();
        assert_eq!(read_exactly(&mut stream, 3).await, b"OK\n");
        let mut tls = door.connect(&secured, Security::Tls).await.unwrap();
        stream.start_tls().await.unwrap();
        stream.write_all(b"secured").await.unwrap();
        let (answer, greeting) = (stream.read(100).await, tls.read(5).await);
        if own {
            assert_eq!((answer.unwrap(), greeting.unwrap()), (Bytes::from("secured"), Bytes::from("hello")));
        } else {
            // An endpoint that no property of the operator's names is shown nothing.
            for error in [answer.unwrap_err(), greeting.unwrap_err()] {
                assert!(error.code() == "egress.tls" && error.to_string().contains("does the server demand"), "{error}");
            }
        }
    }
}
