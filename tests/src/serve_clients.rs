//! Clients that mean no good, or do no good: each is bounded, told in SCIM's form where it can be told anything, and harms nobody else.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http;
use crate::serve::place;
use crate::serving::{Serving, TOKEN};
use crate::trials;

trials![
    a_body_of_two_gigabytes,
    a_body_without_end,
    a_slow_body,
    a_filter_of_a_hundred_thousand_parentheses,
    ten_thousand_headers,
    a_flood_of_wrong_tokens,
    tricks_with_paths,
    patches_that_match_everything,
    bodies_that_are_no_resources,
    more_connections_than_there_is_room_for,
];

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Send this as it is and read what comes until the other side has enough or nothing comes any more.
fn raw(serving: &Serving, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(serving.address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    // The server may have enough before everything is sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(method: &str, path: &str, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n{more}\r\n")
}

/// An error in SCIM's form.
#[track_caller]
fn assert_refused(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer:?}");
    let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap_or_default()).unwrap_or_else(|_| panic!("{answer:?}"));
    assert_eq!((&body["schemas"][0], &body["status"]), (&json!(ERROR), &json!(status.to_string())));
}

#[track_caller]
fn assert_well(serving: &Serving) {
    assert_eq!(serving.people("GET", "/Users?count=0", None).0, 200);
}

fn a_body_of_two_gigabytes() {
    let place = place();
    let serving = Serving::start(&place);
    let begun = Instant::now();
    assert_refused(&raw(&serving, head("POST", "/scim/people/Users", "Content-Length: 2147483648\r\n").as_bytes()), 413);
    assert!(begun.elapsed() < Duration::from_secs(3), "it is refused before it is sent");
    assert_well(&serving);
}

fn a_body_without_end() {
    let place = place();
    let serving = Serving::start(&place);
    let mut bytes = head("POST", "/scim/people/Users", "Transfer-Encoding: chunked\r\n").into_bytes();
    let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
    (0..200).for_each(|_| bytes.extend_from_slice(&chunk));
    let answer = raw(&serving, &bytes);
    // The connection may be reset while the rest is still being sent; then the answer may be lost on the way.
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413 "), "{answer:?}");
    assert_well(&serving);
}

fn a_slow_body() {
    let place = place();
    let serving = Serving::start(&place);
    let begun = Instant::now();
    assert_refused(&raw(&serving, format!("{}{{", head("POST", "/scim/people/Users", "Content-Length: 100\r\n")).as_bytes()), 408);
    assert!(begun.elapsed() < Duration::from_secs(15), "request-timeout is five seconds");
    assert_well(&serving);
}

fn a_filter_of_a_hundred_thousand_parentheses() {
    let place = place();
    let serving = Serving::start(&place);
    let filter = format!("{}userName pr{}", "(".repeat(100_000), ")".repeat(100_000));
    let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter });
    let (status, body) = serving.people("POST", "/Users/.search", Some(&search));
    assert_eq!((status, &body["scimType"]), (400, &json!("invalidFilter")));
    let deep =
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": format!("{}userName pr", "(".repeat(5000)) });
    assert_eq!(serving.people("POST", "/.search", Some(&deep)).1["scimType"], "invalidFilter");
    let answer = raw(&serving, head("GET", &format!("/scim/people/Users?filter={filter}").replace(' ', "%20"), "").as_bytes());
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:?}");
    let nested = format!("{{\"userName\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let authorization = format!("Bearer {TOKEN}");
    let (status, _) =
        http::exchange(serving.address, "POST", "/scim/people/Users", &[("Authorization", &authorization)], &nested).expect("an answer");
    assert_eq!(status, 400);
    assert_well(&serving);
}

fn ten_thousand_headers() {
    let place = place();
    let serving = Serving::start(&place);
    let many: String = (0..10_000).fold(String::new(), |all, number| all + &format!("X-{number}: y\r\n"));
    let answer = raw(&serving, head("GET", "/scim/people/Users", &many).as_bytes());
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer:?}");
    let answer = raw(&serving, head("GET", "/scim/people/Users", &format!("X: {}\r\n", "y".repeat(1 << 20))).as_bytes());
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer:?}");
    assert_well(&serving);
}

fn a_flood_of_wrong_tokens() {
    let place = place();
    let serving = Serving::start(&place);
    for number in 0..300 {
        let (status, body) = serving.request(&format!("wrong-{number}"), "GET", "/scim/people/Users", None);
        assert_eq!((status, &body["schemas"][0]), (401, &json!(ERROR)));
    }
    let (status, _) = http::exchange(serving.address, "POST", "/scim/people/Users", &[], &"x".repeat(1 << 20)).expect("an answer");
    assert_eq!(status, 401, "what nobody may send is not read");
    assert_well(&serving);
    let log = serving.log();
    assert_eq!(log.matches("denied").count(), 301, "each is logged once");
    assert!(!log.contains("wrong-"), "and no token is");
}

fn tricks_with_paths() {
    let place = place();
    let serving = Serving::start(&place);
    for (path, expected) in [
        ("/scim/people/../other/Users", 404),
        ("/scim/people/%2e%2e/other/Users", 404),
        ("/scim/..%2fother/Users", 403),
        ("/scim//people/Users", 400),
        ("/scim/people//Users", 400),
        ("/scim/people/Users/%00", 404),
        ("/scim/people/Users/%ff", 400),
        ("/scim/people/Users/..%2f..%2fetc%2fpasswd", 404),
        ("/scim/people/Users/x'%20OR%201=1--", 404),
        ("/scim/people%2fUsers", 403),
        ("/scim/PEOPLE/Users", 403),
        ("/scim", 403),
        ("/", 404),
        ("/health/live/..", 404),
        ("/scim/people/Users/", 200),
        ("/scim/people/users", 404),
        ("/scim/people/Me", 501),
    ] {
        let answer = raw(&serving, head("GET", path, "").as_bytes());
        if expected == 200 {
            assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        } else {
            assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{path}: {answer}");
            assert_refused(&answer, expected);
        }
    }
    for method in ["HEAD", "PUT", "TRACE", "BREW"] {
        assert!(raw(&serving, head(method, "/scim/people/Users", "").as_bytes()).starts_with("HTTP/1.1 405 "), "{method}");
    }
    assert_refused(
        &raw(&serving, (head("POST", "/scim/people/Users", "Content-Type: text/xml\r\nContent-Length: 4\r\n") + "<a/>").as_bytes()),
        415,
    );
    assert_well(&serving);
}

fn patches_that_match_everything() {
    let place = place();
    let serving = Serving::start(&place);
    let emails: Vec<Value> = (0..1000).map(|number| json!({ "value": format!("m{number}@example.com") })).collect();
    let (status, made) = serving.people("POST", "/Users", Some(&json!({ "userName": "ada", "emails": emails })));
    assert_eq!(status, 201, "{made}");
    let path = format!("/Users/{}", made["id"].as_str().expect("an id"));
    let operation = json!({ "op": "replace", "path": "emails[not (value eq null)].display", "value": "x" });
    let begun = Instant::now();
    let (status, _) = serving.people("PATCH", &path, Some(&json!({ "Operations": vec![operation; 1000] })));
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert!([200, 408].contains(&status), "{status}");
    let more: Vec<Value> = (0..60_000).map(|number| json!({ "value": number.to_string() })).collect();
    let (status, body) = serving.people("PATCH", &path, Some(&json!({ "Operations": [{ "op": "add", "path": "emails", "value": more }] })));
    assert_eq!((status, &body["scimType"]), (400, &json!("invalidValue")));
    assert_well(&serving);
}

fn bodies_that_are_no_resources() {
    let place = place();
    let serving = Serving::start(&place);
    let authorization = format!("Bearer {TOKEN}");
    for body in ["", "{", "[]", "null", "\"x\"", "{\"userName\":\"a\"}x", "\u{0}", "{\"userName\":\"\\ud800\"}"] {
        let (status, answer) =
            http::exchange(serving.address, "POST", "/scim/people/Users", &[("Authorization", &authorization)], body).expect("an answer");
        assert!(status == 400 && answer.contains("invalidSyntax"), "{body:?}: {status} {answer}");
    }
    assert_eq!(serving.people("GET", "/Users", None).1["totalResults"], 0);
}

fn more_connections_than_there_is_room_for() {
    let place = place();
    place.write("provisor.toml", crate::serving::PEOPLE.replace("[serve]\n", "[serve]\nmax-connections = 8\n"));
    let serving = Serving::start(&place);
    let idle: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(serving.address).expect("a connection")).collect();
    let begun = Instant::now();
    assert_well(&serving);
    assert!(begun.elapsed() < Duration::from_secs(28), "who says nothing is let go after a quarter of a minute");
    drop(idle);
}
