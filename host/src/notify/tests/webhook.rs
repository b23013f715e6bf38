//! Webhooks: signed, tried again, given up.

use super::*;

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;

const SECRET: &str = "s3cret of the webhook";

/// What a receiver does with the requests, one after the other; the last one with all further ones.
#[derive(Clone, Copy)]
enum Answer {
    Status(u16),
    Never,
}

/// A receiver that checks every signature and keeps the bodies and the ids. Answers its origin.
async fn receiver(answers: &'static [Answer], seen: Seen, acceptor: Option<TlsAcceptor>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let scheme = if acceptor.is_some() { "https" } else { "http" };
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let seen = seen.clone();
            let service = service_fn(move |request: Request<Incoming>| answer(request, answers, seen.clone()));
            let server = hyper::server::conn::http1::Builder::new();
            match &acceptor {
                None => _ = tokio::spawn(server.serve_connection(TokioIo::new(tcp), service)),
                Some(acceptor) => {
                    if let Ok(tls) = acceptor.accept(tcp).await {
                        tokio::spawn(server.serve_connection(TokioIo::new(tls), service));
                    }
                }
            }
        }
    });
    format!("{scheme}://localhost:{port}")
}

async fn answer(request: Request<Incoming>, answers: &[Answer], seen: Seen) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let header = |name: &str| parts.headers[name].to_str().unwrap().to_owned();
    let (id, timestamp, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let key = ::ring::hmac::Key::new(::ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    let signed = [format!("{id}.{timestamp}.").as_bytes(), &body[..]].concat();
    let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
    assert!(::ring::hmac::verify(&key, &signed, &tag).is_ok(), "a wrong signature");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert!(now - timestamp.parse::<u64>().unwrap() < 10);
    let index = {
        let mut seen = seen.lock().unwrap();
        seen.push(format!("{id} {}", String::from_utf8_lossy(&body)));
        seen.len() - 1
    };
    match answers[index.min(answers.len() - 1)] {
        Answer::Status(status) => Ok(Response::builder().status(status).body(Full::default()).unwrap()),
        Answer::Never => std::future::pending().await,
    }
}

fn telling(origin: &str, files: &Files, authorities: Vec<PathBuf>) -> Notifier {
    let webhook = Webhook { url: format!("{origin}/hook?key=hidden").parse().unwrap(), secret: files.secret(SECRET) };
    Notifier { webhook: Some(webhook), ..notifier(&[origin], &[], authorities) }
}

async fn told(notifier: &Notifier) -> Notified {
    let (origin, report) = (origin(), report(Status::Failed, false));
    let mut outcomes = notifier.tell(&message(Event::Failed, &origin, &report)).await;
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

#[tokio::test]
async fn a_signed_request_over_tls() {
    let (files, seen, (pem, acceptor)) = (Files::new(), Seen::default(), tls());
    let origin = receiver(&[Answer::Status(204)], seen.clone(), Some(acceptor)).await;
    let trusted = telling(&origin, &files, vec![files.put("ca.pem", &pem)]);
    assert_eq!(told(&trusted).await, Notified { channel: "webhook", event: "failed", attempts: 1, error: None });
    let line = seen.lock().unwrap().remove(0);
    let (id, body) = line.split_once(' ').unwrap();
    assert!(id.starts_with("msg_"));
    assert_eq!(serde_json::from_str::<Value>(body).unwrap()["run"], 7);
    assert!(trusted.check().await.unwrap().starts_with("webhook https://localhost:"));
    // Not without its authority, and another attempt would not help.
    let outcome = told(&telling(&origin, &files, vec![])).await;
    let (code, text) = outcome.error.unwrap();
    assert_eq!((code, outcome.attempts), ("egress.tls", 1));
    assert!(text.contains("authorities in [notifications.tls]"), "{text}");
}

#[tokio::test]
async fn what_passes_is_tried_again_and_the_rest_is_not() {
    use Answer::Status;
    for (answers, attempts, sent) in [
        (&[Status(503), Status(429), Status(200)][..], 3, true),
        (&[Status(500)], 3, false),
        (&[Status(400)], 1, false),
        // A redirect is not followed: the operator named one place.
        (&[Status(302)], 1, false),
    ] {
        let (files, seen) = (Files::new(), Seen::default());
        let origin = receiver(answers, seen.clone(), None).await;
        let outcome = told(&telling(&origin, &files, vec![])).await;
        assert_eq!((outcome.attempts, outcome.error.is_none()), (attempts, sent), "{outcome:?}");
        if let Some((code, text)) = outcome.error {
            assert!(code == "notify.webhook" && text.contains("answered") && !text.contains("hidden"), "{text}");
        }
        let ids: Vec<String> = seen.lock().unwrap().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
        assert!(ids.len() == attempts as usize && ids.iter().all(|id| *id == ids[0]), "one id for all attempts: {ids:?}");
    }
}

#[tokio::test]
async fn receivers_that_are_slow_away_or_not_allowed() {
    let files = Files::new();
    let origin = receiver(&[Answer::Never], Seen::default(), None).await;
    let mut slow = telling(&origin, &files, vec![]);
    slow.patience.attempt = Duration::from_millis(100);
    let began = std::time::Instant::now();
    let outcome = told(&slow).await;
    assert_eq!((outcome.attempts, outcome.error.unwrap().0), (3, "notify.timed-out"));
    assert!(began.elapsed() < Duration::from_secs(3));

    let outcome = told(&telling("http://localhost:1", &files, vec![])).await;
    assert_eq!((outcome.attempts, outcome.error.unwrap().0), (3, "egress.connect"));

    let webhook = Webhook { url: origin.parse().unwrap(), secret: SecretSource::Environment("PROVISOR_TEST_ABSENT".into()) };
    let absent = Notifier { webhook: Some(webhook), ..notifier(&[&origin], &[], vec![]) };
    assert_eq!(absent.check().await.unwrap_err().0, "notify.secret");
    let outcome = told(&absent).await;
    assert_eq!((outcome.attempts, outcome.error.unwrap().0), (1, "notify.secret"));
}
