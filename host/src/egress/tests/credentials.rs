//! What the host adds, to whom, and that nobody else sees it.

use super::*;

use base64::Engine;

/// A folder with one secret in it.
struct Kept {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Kept {
    fn new(secret: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, format!("{secret}\n")).unwrap();
        Self { _folder: folder, path }
    }

    fn source(&self) -> SecretSource {
        SecretSource::File(self.path.clone())
    }
}

const SECRET: &str = "hunter2-c0rrect";

/// A backend that takes the tokens `t1`, `t2`.. up to the number it is told, and no other.
async fn backend(good: &'static AtomicUsize) -> Server {
    Server::start(move |seen, _| {
        let wanted = format!("Bearer t{}", good.load(Ordering::SeqCst));
        if seen.header("authorization") == Some(&wanted) { answer(200, "", "in") } else { answer(401, "", "out") }
    })
    .await
}

/// A token endpoint that gives out `t1`, `t2`..
async fn tokens(life: u64) -> Server {
    Server::start(move |_, before| {
        let body = format!("{{\"access_token\":\"t{}\",\"token_type\":\"Bearer\",\"expires_in\":{life}}}", before + 1);
        let mut steps = vec![Step::Wait(Duration::from_millis(30))];
        steps.extend(answer(200, "content-type: application/json\r\n", &body));
        steps
    })
    .await
}

fn oauth(server: &Server, client: ClientAuthentication) -> Credentials {
    Credentials::OAuth2(Box::new(OAuth2 {
        token_url: format!("{}/oauth/token?tenant=x", server.origin()).parse().unwrap(),
        grant: Grant::ClientCredentials { client_id: "sb-app!b1|x".into(), client },
        scope: Some("read write".into()),
    }))
}

#[tokio::test]
async fn basic_and_bearer_replace_what_the_component_says() {
    let log = Log::start();
    let kept = Kept::new(SECRET);
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("anna:{SECRET}"));
    for (credentials, expected) in [
        (Credentials::Basic { user: "anna".into(), password: kept.source() }, format!("Basic {basic}")),
        (Credentials::Bearer { token: kept.source() }, format!("Bearer {SECRET}")),
    ] {
        assert!(!format!("{credentials:?}").contains(SECRET));
        let (server, other) = (Server::start(|_, _| answer(200, "", "")).await, Server::start(|_, _| answer(200, "", "")).await);
        let mut settings = settings(&[&server.origin(), &other.origin()]);
        settings.credentials = Some(credentials);
        settings.headers = ExtraHeaders::parse([("authorization", "extra")]).unwrap();
        let door = door(settings);
        for origin in [server.origin(), other.origin()] {
            let mut request = get(&origin);
            request.headers_mut().insert("authorization", "own".parse().unwrap());
            text(door.send(request).await.unwrap()).await;
        }
        text(door.send(get(&server.origin())).await.unwrap()).await;
        let seen = server.seen();
        assert!(seen.iter().all(|seen| seen.header("authorization") == Some(&expected) && seen.head.matches("authorization").count() == 1));
        // Another origin, though granted, gets no key of the backend; what the component says itself is its own business.
        assert_eq!(other.seen()[0].header("authorization"), Some("own"));
    }
    let log = log.text();
    assert!(log.contains(AUDIT_TARGET) && !log.contains(SECRET) && !log.contains(&basic), "{log}");
}

#[tokio::test]
async fn a_missing_secret_stops_the_request() {
    let server = Server::start(|_, _| answer(200, "", "")).await;
    let mut settings = settings(&[&server.origin()]);
    settings.credentials = Some(Credentials::Bearer { token: SecretSource::Environment("PROVISOR_TEST_ABSENT".into()) });
    let error = door(settings).send(get(&server.origin())).await.err().unwrap();
    assert_eq!((error.code(), error.kind()), ("egress.credentials", ErrorKind::Credentials));
    assert!(error.to_string().contains("PROVISOR_TEST_ABSENT is not set"), "{error}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_token_is_fetched_once_and_kept() {
    static GOOD: AtomicUsize = AtomicUsize::new(1);
    let log = Log::start();
    let kept = Kept::new(SECRET);
    let (server, endpoint) = (backend(&GOOD).await, tokens(3600).await);
    let mut settings = settings(&[&server.origin()]);
    settings.credentials = Some(oauth(&endpoint, ClientAuthentication::Basic(kept.source())));
    let door = door(settings);
    let all = futures_util::future::join_all((0..20).map(|_| door.send(get(&server.origin())))).await;
    for response in all {
        assert_eq!(response.unwrap().status().as_u16(), 200);
    }
    assert_eq!((endpoint.seen().len(), server.seen().len()), (1, 20));
    let request = endpoint.seen().remove(0);
    assert!(request.head.starts_with("POST /oauth/token?tenant=x "), "{}", request.head);
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("sb-app!b1|x:{SECRET}"));
    assert_eq!(request.header("authorization"), Some(format!("Basic {pair}").as_str()));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(String::from_utf8(request.body).unwrap(), "grant_type=client_credentials&scope=read+write");
    // The component cannot go where the host goes for tokens.
    assert_eq!(door.send(get(&endpoint.origin())).await.err().unwrap().kind(), ErrorKind::Denied);
    let log = log.text();
    for secret in [SECRET, &pair, "Bearer t1", "tenant=x\""] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert!(log.lines().any(|line| line.contains(AUDIT_TARGET) && line.contains("provisor") && line.contains("/oauth/token")), "{log}");
}

#[tokio::test]
async fn the_secret_travels_in_the_form_if_asked() {
    static GOOD: AtomicUsize = AtomicUsize::new(1);
    let kept = Kept::new("a&b=c%");
    let (server, endpoint) = (backend(&GOOD).await, tokens(3600).await);
    let mut settings = settings(&[&server.origin()]);
    settings.credentials = Some(oauth(&endpoint, ClientAuthentication::Form(kept.source())));
    assert_eq!(text(door(settings).send(get(&server.origin())).await.unwrap()).await, "in");
    let request = endpoint.seen().remove(0);
    assert_eq!(request.header("authorization"), None);
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    assert!(form.contains(&("client_secret".into(), "a&b=c%".into())) && form.contains(&("client_id".into(), "sb-app!b1|x".into())));
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_request_repeated() {
    static GOOD: AtomicUsize = AtomicUsize::new(2);
    let kept = Kept::new(SECRET);
    let (server, endpoint) = (backend(&GOOD).await, tokens(3600).await);
    let mut settings = settings(&[&server.origin()]);
    settings.credentials = Some(oauth(&endpoint, ClientAuthentication::Basic(kept.source())));
    settings.limits.replay_bytes = 100;
    let door = door(settings);
    assert_eq!(text(door.send(post(&server.origin(), "the body")).await.unwrap()).await, "in");
    let seen = server.seen();
    assert_eq!((seen.len(), endpoint.seen().len()), (2, 2));
    assert!(seen.iter().all(|seen| seen.body == b"the body"));

    // Too large to be kept: the 401 is the answer, and the next request has the new token.
    GOOD.store(3, Ordering::SeqCst);
    let large = "x".repeat(101);
    assert_eq!(door.send(post(&server.origin(), &large)).await.unwrap().status().as_u16(), 401);
    assert_eq!(text(door.send(post(&server.origin(), &large)).await.unwrap()).await, "in");
    assert_eq!(endpoint.seen().len(), 3);

    // Many at once renew it once.
    GOOD.store(4, Ordering::SeqCst);
    let all = futures_util::future::join_all((0..10).map(|_| door.send(post(&server.origin(), "y")))).await;
    assert!(all.into_iter().all(|response| response.unwrap().status().is_success()));
    assert_eq!(endpoint.seen().len(), 4);

    // A backend that wants none of them is believed after the first renewal.
    GOOD.store(1000, Ordering::SeqCst);
    for _ in 0..5 {
        assert_eq!(door.send(get(&server.origin())).await.unwrap().status().as_u16(), 401);
    }
    assert_eq!(endpoint.seen().len(), 5);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires() {
    static GOOD: AtomicUsize = AtomicUsize::new(1);
    let kept = Kept::new(SECRET);
    let (server, endpoint) = (backend(&GOOD).await, tokens(1).await);
    let mut settings = settings(&[&server.origin()]);
    settings.credentials = Some(oauth(&endpoint, ClientAuthentication::Basic(kept.source())));
    let door = door(settings);
    assert_eq!(text(door.send(get(&server.origin())).await.unwrap()).await, "in");
    GOOD.store(2, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(950)).await;
    assert_eq!(text(door.send(get(&server.origin())).await.unwrap()).await, "in");
    assert_eq!((server.seen().len(), endpoint.seen().len()), (2, 2));
}

#[tokio::test]
async fn a_token_endpoint_that_refuses() {
    let log = Log::start();
    let kept = Kept::new(SECRET);
    let server = Server::start(|_, _| answer(200, "", "")).await;
    for (status, body, said) in [
        (
            401,
            format!("{{\"error\":\"invalid_client\",\"error_description\":\"wrong secret {SECRET}\"}}"),
            "status: 401, \"invalid_client\": \"wrong",
        ),
        (302, String::new(), "status: 302"),
        (200, "<html>".into(), "not a token answer"),
        (200, "{}".into(), "without an access_token"),
        (200, "{\"access_token\":\"x\",\"token_type\":\"mac\"}".into(), "type \"mac\""),
        (200, "{\"access_token\":\"x\\r\\ny: z\"}".into(), "no header can carry"),
    ] {
        let endpoint = Server::start(move |_, _| answer(status, "location: http://127.0.0.1:1/\r\n", &body)).await;
        let mut settings = settings(&[&server.origin()]);
        settings.credentials = Some(oauth(&endpoint, ClientAuthentication::Basic(kept.source())));
        let door = door(settings);
        for _ in 0..5 {
            let error = door.send(get(&server.origin())).await.err().unwrap();
            assert!(error.code() == "egress.credentials" && error.to_string().contains(said), "{said}: {error}");
        }
        // A failure is not asked for again at once.
        assert_eq!(endpoint.seen().len(), 1, "{said}");
    }
    assert!(server.seen().is_empty());
    assert!(!log.text().contains(SECRET));
}

#[tokio::test]
async fn the_address_of_the_token_endpoint_is_checked_too() {
    let kept = Kept::new(SECRET);
    let (server, endpoint) = (Server::start(|_, _| answer(200, "", "")).await, tokens(60).await);
    let mut settings = settings(&[&server.origin()]);
    settings.credentials = Some(oauth(&endpoint, ClientAuthentication::Basic(kept.source())));
    settings.policy.networks.clear();
    let door = door(settings);
    assert_eq!(door.send(get(&server.origin())).await.err().unwrap().code(), "egress.address-refused");
    assert!(endpoint.seen().is_empty());
    assert!(door.refusals()[0].manifest_lines.contains("networks = [\"127.0.0.1/32\"]"));
}
