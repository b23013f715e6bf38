//! Grants, addresses, headers, sizes and clocks of HTTP requests.

use super::*;

use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::{Body, Frame};

const SHORT: Duration = Duration::from_millis(150);

async fn hello() -> Server {
    Server::start(|_, _| answer(200, "", "hello")).await
}

#[tokio::test]
async fn a_granted_request_goes_through() {
    let log = Log::start();
    let server = hello().await;
    let door = door(settings(&[&server.origin()]));
    let response = door.send(post(&format!("{}/Users?filter=secret", server.origin()), "body")).await.unwrap();
    assert_eq!((response.status().as_u16(), text(response).await.as_str()), (200, "hello"));
    assert_eq!(server.seen()[0].body, b"body");
    assert!(server.seen()[0].head.starts_with("POST /Users?filter=secret HTTP/1.1\r\n"));
    let lines = log.audit();
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in ["INFO", "hr", "scim", "POST", "/Users\"", "status=200", "bytes_out=4", "bytes_in=5", "ms="] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
    assert!(!lines[0].contains("filter"), "{}", lines[0]);
}

#[tokio::test]
async fn another_origin_is_refused_with_the_lines_to_add() {
    let log = Log::start();
    let server = hello().await;
    let door = door(settings(&["http://127.0.0.1:1"]));
    for _ in 0..2 {
        let error = door.send(get(&format!("{}/x", server.origin()))).await.err().unwrap();
        assert_eq!((error.code(), error.kind()), ("egress.origin-not-granted", ErrorKind::Denied));
    }
    assert!(server.seen().is_empty());
    let refusals = door.refusals();
    assert_eq!((refusals.len(), refusals[0].count), (1, 2));
    assert_eq!(refusals[0].manifest_lines, format!("[systems.hr.grants]\nhttp = [\"{}\"]", server.origin()));
    assert!(log.audit().iter().all(|line| line.contains("WARN") && line.contains("egress.origin-not-granted")), "{:?}", log.audit());
    // The same place by another scheme or with a user in front is another place.
    for url in [server.origin().replace("http", "https"), server.origin().replace("//", "//127.0.0.1:1@")] {
        assert!(door.send(get(&url)).await.is_err());
    }
}

#[tokio::test]
async fn an_address_needs_its_network() {
    let server = hello().await;
    let port = server.address.port();
    for host in ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]", "169.254.169.254", "10.0.0.1", "0.0.0.0"] {
        let origin = format!("http://{host}:{port}");
        let mut settings = settings(&[&origin]);
        settings.policy.networks.clear();
        let error = door(settings).send(get(&origin)).await.err().unwrap();
        assert_eq!((error.code(), error.kind()), ("egress.address-refused", ErrorKind::AddressDenied), "{host}: {error}");
    }
    assert!(server.seen().is_empty());
    let mut settings = settings(&[&format!("http://localhost:{port}")]);
    settings.policy.networks = vec![parse_network("127.0.0.1").unwrap()];
    let door = door(settings);
    assert_eq!(text(door.send(get(&format!("http://localhost:{port}/"))).await.unwrap()).await, "hello");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let elsewhere = hello().await;
    let location = format!("location: {}/\r\n", elsewhere.origin());
    let server = Server::start(move |_, _| answer(302, &location, "")).await;
    let door = door(settings(&[&server.origin(), &elsewhere.origin()]));
    let response = door.send(get(&server.origin())).await.unwrap();
    assert_eq!(response.status().as_u16(), 302);
    assert_eq!(response.headers()["location"], format!("{}/", elsewhere.origin()));
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn connections_are_kept_by_their_system() {
    let server = hello().await;
    let (one, other) = (door(settings(&[&server.origin()])), door(settings(&[&server.origin()])));
    for door in [&one, &one, &one, &other] {
        // On a task: the sandbox moves these futures between threads.
        let (door, request) = (door.clone(), get(&server.origin()));
        assert_eq!(tokio::spawn(async move { text(door.send(request).await.unwrap()).await }).await.unwrap(), "hello");
    }
    assert_eq!((server.connections.load(Ordering::SeqCst), server.seen().len()), (2, 4));
}

#[tokio::test]
async fn headers_are_cleaned() {
    let server = hello().await;
    let door = door(settings(&[&server.origin()]));
    let mut request = get(&server.origin());
    for (name, value) in
        [("host", server.address.to_string()), ("proxy-x", "1".into()), ("connection", "x-hop".into()), ("x-hop", "1".into())]
    {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    text(door.send(request).await.unwrap()).await;
    let seen = server.seen().remove(0);
    assert_eq!(seen.header("host"), Some(server.address.to_string().as_str()));
    assert!(!seen.head.contains("proxy-x") && !seen.head.contains("x-hop"), "{}", seen.head);
    let mut request = get(&server.origin());
    request.headers_mut().insert("host", "other".parse().unwrap());
    assert_eq!(door.send(request).await.err().unwrap().kind(), ErrorKind::Invalid);
    let mut request = get(&server.origin());
    *request.method_mut() = ::http::Method::CONNECT;
    assert_eq!(door.send(request).await.err().unwrap().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn extra_headers_go_to_the_backend_alone() {
    let (server, other) = (hello().await, hello().await);
    let mut settings = settings(&[&server.origin(), &other.origin()]);
    settings.headers = ExtraHeaders::parse([("x-api-key", "k3y"), ("accept", "extra")]).unwrap();
    let door = door(settings);
    for origin in [server.origin(), other.origin()] {
        let mut request = get(&origin);
        request.headers_mut().insert("accept", "own".parse().unwrap());
        text(door.send(request).await.unwrap()).await;
    }
    assert_eq!((server.seen()[0].header("x-api-key"), server.seen()[0].header("accept")), (Some("k3y"), Some("own")));
    assert_eq!(other.seen()[0].header("x-api-key"), None);
}

#[tokio::test]
async fn a_request_that_is_too_large() {
    let server = hello().await;
    let mut settings = settings(&[&server.origin()]);
    settings.limits.request_bytes = 1000;
    let door = door(settings);
    let error = door.send(post(&server.origin(), &"x".repeat(1001))).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::RequestSize);
    assert!(server.seen().is_empty());
    // Without a declared length it is found out on the way.
    let pieces = (0..20).map(|_| Ok::<_, EgressError>(Frame::data(Bytes::from(vec![b'x'; 100]))));
    let request = Request::post(server.origin()).body(StreamBody::new(stream::iter(pieces))).unwrap();
    let error = door.send(request).await.err().unwrap();
    assert_eq!((error.kind(), error.code()), (ErrorKind::RequestSize, "egress.too-large"), "{error}");
    assert!(door.send(post(&server.origin(), &"x".repeat(1000))).await.is_ok());
}

#[tokio::test]
async fn an_answer_that_is_too_large() {
    let chunk = "64\r\n".to_owned() + &"x".repeat(100) + "\r\n";
    let server = Server::start(move |seen, _| {
        if seen.head.contains("/chunked") {
            vec![Step::Send("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n".into()), Step::Send(chunk.repeat(100)), Step::Hang]
        } else {
            answer(200, "", &"x".repeat(1001))
        }
    })
    .await;
    let mut settings = settings(&[&server.origin()]);
    settings.limits.response_bytes = 1000;
    let door = door(settings);
    assert_eq!(door.send(get(&server.origin())).await.err().unwrap().kind(), ErrorKind::ResponseSize);
    let mut body = door.send(get(&format!("{}/chunked", server.origin()))).await.unwrap().into_body();
    let mut received = 0;
    let error = loop {
        match body.frame().await.expect("an error before the end") {
            Ok(frame) => received += frame.into_data().unwrap().len(),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::ResponseSize);
    assert!(received <= 1000 && body.frame().await.is_none());
    assert!(body.is_end_stream());
}

#[tokio::test]
async fn slow_servers_are_not_waited_for() {
    let head = "HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n";
    let server = Server::start(move |seen, _| match seen.head.split(' ').nth(1).unwrap() {
        "/no-head" => vec![Step::Hang],
        "/no-body" => vec![Step::Send(format!("{head}12345")), Step::Hang],
        _ => vec![Step::Send(format!("{head}12345")), Step::Wait(SHORT / 2), Step::Send("67890".into())],
    })
    .await;
    let mut settings = settings(&[&server.origin()]);
    settings.limits.first_byte = SHORT;
    settings.limits.between_bytes = SHORT;
    settings.limits.total = SHORT * 5;
    let door = door(settings);
    let at = |path: &str| format!("{}{path}", server.origin());

    let error = door.send(get(&at("/no-head"))).await.err().unwrap();
    assert_eq!((error.code(), error.kind()), ("egress.timed-out", ErrorKind::ResponseTimeout));

    let error = door.send(get(&at("/no-body"))).await.unwrap().into_body().collect().await.unwrap_err();
    assert!(error.to_string().contains("no further bytes"), "{error}");

    // The component's own time does not count: a late reader finds what has arrived.
    let mut body = door.send(get(&at("/fine"))).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    tokio::time::sleep(SHORT * 2).await;
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "67890");
    assert!(body.frame().await.is_none());

    // A component can only be less patient.
    let impatient = Patience { first_byte: Some(SHORT / 10), between_bytes: Some(SHORT * 1000) };
    let started = std::time::Instant::now();
    assert!(door.send_within(get(&at("/no-head")), impatient).await.is_err());
    assert!(started.elapsed() < SHORT);
}

#[tokio::test]
async fn an_answer_without_end_is_ended() {
    let server = Server::start(|_, _| {
        let head = Step::Send("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n".into());
        std::iter::once(head).chain((0..1000).flat_map(|_| [Step::Send("1\r\nx\r\n".into()), Step::Wait(SHORT / 5)])).collect()
    })
    .await;
    let mut settings = settings(&[&server.origin()]);
    settings.limits.total = SHORT * 2;
    let error = door(settings).send(get(&server.origin())).await.unwrap().into_body().collect().await.unwrap_err();
    assert!(error.to_string().contains("not finished"), "{error}");
}

#[tokio::test]
async fn a_slow_upload_is_not_a_slow_answer() {
    let server = hello().await;
    let mut settings = settings(&[&server.origin()]);
    settings.limits.first_byte = SHORT;
    let door = door(settings);
    let pieces = stream::unfold(0, |count| async move {
        tokio::time::sleep(SHORT / 2).await;
        (count < 6).then(|| (Ok::<_, EgressError>(Frame::data(Bytes::from_static(b"x"))), count + 1))
    });
    let response = door.send(Request::post(server.origin()).body(StreamBody::new(Box::pin(pieces))).unwrap()).await.unwrap();
    assert_eq!(text(response).await, "hello");
}

#[tokio::test]
async fn nobody_there_and_nonsense() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let nonsense = Server::start(|_, _| vec![Step::Send("220 mail.example.com ESMTP\r\n\r\n".into())]).await;
    let door = door(settings(&[&gone, &nonsense.origin(), "http://no-such-host.invalid"]));
    let error = door.send(get(&gone)).await.err().unwrap();
    assert_eq!((error.code(), error.kind()), ("egress.connect", ErrorKind::Refused), "{error}");
    let error = door.send(get(&nonsense.origin())).await.err().unwrap();
    assert_eq!((error.code(), error.kind()), ("egress.protocol", ErrorKind::Protocol), "{error}");
    let error = door.send(get("http://no-such-host.invalid/")).await.err().unwrap();
    assert_eq!((error.code(), error.kind()), ("egress.resolve", ErrorKind::Dns), "{error}");
}

#[tokio::test]
async fn open_requests_are_counted() {
    let log = Log::start();
    let server = Server::start(|seen, _| if seen.head.contains("/hang") { vec![Step::Hang] } else { answer(200, "", "hello") }).await;
    let mut settings = settings(&[&server.origin()]);
    settings.limits.concurrent = 2;
    let door = door(settings);
    let first = door.send(get(&server.origin())).await.unwrap();
    let second = door.send(get(&server.origin())).await.unwrap();
    assert_eq!(door.send(get(&server.origin())).await.err().unwrap().code(), "egress.too-many");
    drop(first);
    assert_eq!(text(second).await, "hello");
    assert!(door.send(get(&server.origin())).await.is_ok());
    // A request nobody waits for has its line, too.
    let hanging = get(&format!("{}/hang", server.origin()));
    let result = tokio::time::timeout(SHORT, door.send(hanging)).await;
    assert!(result.is_err());
    assert_eq!(log.audit().len(), 5, "{:?}", log.audit());
    assert!(log.audit()[4].contains("abandoned"), "{:?}", log.audit());
}
