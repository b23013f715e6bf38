//! Versions, and groups that are too big for one request.

use crate::{
    body,
    http::{Answer, Method, Request},
    resource::Resource,
    scripted::{Scripted, bare, connection, json, line},
    write::{Action, Outcome, write},
};
use sdk::{Failure, Kind};
use serde_json::Value;

fn put(id: &str) -> Action {
    Action::Update { id: id.into(), document: r#"{"schemas":["s"],"userName":"x"}"#.into() }
}

fn if_match(request: &Request) -> Option<&str> {
    request.headers.iter().find(|(name, _)| *name == "if-match").map(|(_, value)| value.as_str())
}

/// One change of a group against this server, with what it was asked.
fn group(
    properties: &[(&str, &str)],
    action: Action,
    serve: impl FnMut(&Request) -> Result<Answer, Failure>,
) -> (Outcome, Vec<String>, Vec<String>) {
    let mut http = Scripted::new(serve);
    let outcome = write(&connection(properties), &mut http, vec![(Ok(Resource::Group), action)]).remove(0);
    (outcome, http.lines(), http.bodies())
}

/// A server whose resource changes `behind` times behind everybody's back, right after its version was read.
fn versioned(mut behind: u32, status: u16) -> impl FnMut(&Request) -> Result<Answer, Failure> {
    let mut version = 7;
    move |request| {
        if request.method == Method::Get {
            let etag = format!(r#"W/"{version}""#);
            if behind > 0 {
                (behind, version) = (behind - 1, version + 1);
            }
            return Ok(Answer { headers: vec![("etag".into(), etag)], ..json(200, r#"{"id":"1"}"#)? });
        }
        if if_match(request) == Some(&format!(r#"W/"{version}""#)) {
            version += 1;
            bare(200, &[("etag", &format!(r#"W/"{version}""#))])
        } else {
            bare(status, &[])
        }
    }
}

#[test]
fn a_server_that_insists_on_versions_gets_them() {
    for status in [428, 412] {
        let connection = connection(&[("scim.include.if.match.wildcard.header", "true")]);
        let mut http = Scripted::new(versioned(0, status));
        let first = write(&connection, &mut http, vec![(Ok(Resource::User), put("1"))]).remove(0);
        assert_eq!(first.unwrap().id, "1");
        let second = write(&connection, &mut http, vec![(Ok(Resource::User), Action::Delete { id: "1".into() })]).remove(0);
        assert!(second.is_ok());
        assert_eq!(http.lines(), ["PUT /Users/1", "GET /Users/1", "PUT /Users/1", "GET /Users/1", "DELETE /Users/1"], "asked once");
        assert_eq!(http.seen.iter().map(|r| if_match(r).unwrap()).collect::<Vec<_>>(), ["*", "*", r#"W/"7""#, "*", r#"W/"8""#]);
    }
}

#[test]
fn what_changes_in_between_is_read_again_and_not_for_ever() {
    let mut http = Scripted::new(versioned(2, 412));
    assert!(write(&connection(&[]), &mut http, vec![(Ok(Resource::User), put("1"))])[0].is_ok());
    let mut http = Scripted::new(versioned(100, 412));
    let outcome = write(&connection(&[]), &mut http, vec![(Ok(Resource::User), put("1"))]).remove(0);
    assert!(matches!(outcome.unwrap_err().kind, Kind::Conflict));
    assert_eq!(http.seen.len(), 7);
}

#[test]
fn a_version_of_something_gone_is_gone() {
    let serve = |request: &Request| bare(if request.method == Method::Get { 404 } else { 412 }, &[]);
    for action in [put("1"), Action::Delete { id: "1".into() }] {
        let mut http = Scripted::new(serve);
        let outcome = write(&connection(&[]), &mut http, vec![(Ok(Resource::User), action)]).remove(0);
        assert!(matches!(outcome.unwrap_err().kind, Kind::NotFound));
    }
    let serve = |request: &Request| if request.method == Method::Get { json(200, "{}") } else { bare(428, &[]) };
    let mut http = Scripted::new(serve);
    let failure = write(&connection(&[]), &mut http, vec![(Ok(Resource::User), put("1"))]).remove(0).unwrap_err();
    assert!(matches!(failure.kind, Kind::Conflict) && failure.message.contains("names none"), "{}", failure.message);
}

#[test]
fn a_create_is_never_asked_for_a_version() {
    let create = Action::Create { document: r#"{"schemas":["s"]}"#.into() };
    let (outcome, lines, _) = group(&[], create, |_| bare(412, &[]));
    assert!(matches!(outcome.unwrap_err().kind, Kind::Conflict) && lines.len() == 1);
}

const THRESHOLD: (&str, &str) = ("scim.patch.group.members.above.threshold", "900");

fn big(count: usize) -> String {
    let members: Vec<String> = (0..count).map(|number| body::member(&format!("m{number}"))).collect();
    format!(r#"{{"schemas":["s"],"displayName":"big","members":[{}]}}"#, members.join(","))
}

/// The operation of each body and how many members it is about.
fn operations(bodies: &[String]) -> Vec<(String, usize)> {
    let operation = |body: &String| {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let count = |value: &Value| value.as_array().map_or(0, Vec::len);
        match &body["Operations"][0]["op"] {
            Value::String(op) if op == "remove" => (op.clone(), count(&body["Operations"])),
            Value::String(op) => (op.clone(), count(&body["Operations"][0]["value"])),
            _ => ("document".into(), count(&body["members"])),
        }
    };
    bodies.iter().filter(|body| !body.is_empty()).map(operation).collect()
}

fn expect(expected: &[(&str, usize)]) -> Vec<(String, usize)> {
    expected.iter().map(|(op, count)| ((*op).to_owned(), *count)).collect()
}

#[test]
fn a_group_above_the_threshold_is_written_as_the_difference() {
    // The example of the reference: 700 members, 1200 more, 900 at once.
    let update = |count| Action::Update { id: "g".into(), document: big(count) };
    let serve = |request: &Request| if request.method == Method::Get { json(200, big(700)) } else { bare(204, &[]) };
    let (outcome, lines, bodies) = group(&[THRESHOLD], update(1900), serve);
    assert_eq!(outcome.unwrap().id, "g");
    assert_eq!(lines, ["PATCH /Groups/g", "GET /Groups/g", "PATCH /Groups/g", "PATCH /Groups/g"]);
    assert_eq!(operations(&bodies), expect(&[("replace", 0), ("add", 900), ("add", 300)]));

    let (_, lines, bodies) = group(&[THRESHOLD], update(800), serve);
    assert_eq!((lines, operations(&bodies)), (vec!["PUT /Groups/g".to_owned()], expect(&[("document", 800)])));
    let (_, lines, _) = group(&[THRESHOLD], update(900), serve);
    assert_eq!(lines, ["PUT /Groups/g"], "at the threshold: whole");

    let serve = |request: &Request| if request.method == Method::Get { json(200, big(960)) } else { bare(204, &[]) };
    let (_, _, bodies) = group(&[THRESHOLD], update(901), serve);
    assert_eq!(operations(&bodies), expect(&[("replace", 0), ("remove", 50), ("remove", 9)]));
}

#[test]
fn a_server_that_hides_the_members_gets_all_of_them() {
    let update = Action::Update { id: "g".into(), document: big(2000) };
    let (_, _, bodies) = group(&[THRESHOLD], update, |_| json(200, r#"{"id":"g"}"#));
    assert_eq!(operations(&bodies), expect(&[("replace", 0), ("replace", 900), ("add", 900), ("add", 200)]));
}

#[test]
fn without_patch_a_big_group_is_put_whole() {
    let update = Action::Update { id: "g".into(), document: big(1000) };
    let serve = |request: &Request| bare(if request.method == Method::Patch { 501 } else { 204 }, &[]);
    let (outcome, lines, _) = group(&[THRESHOLD], update, serve);
    assert!(outcome.is_ok());
    assert_eq!(lines, ["PATCH /Groups/g", "PUT /Groups/g"]);
}

#[test]
fn a_big_group_is_created_and_filled() {
    let create = Action::Create { document: big(2000) };
    let (outcome, lines, bodies) = group(&[THRESHOLD], create.clone(), |request| match line(request).as_str() {
        "POST /Groups" => json(201, r#"{"id":"g/1"}"#),
        _ => bare(204, &[]),
    });
    assert_eq!(outcome.unwrap().id, "g/1");
    assert_eq!(lines, ["POST /Groups", "PATCH /Groups/g%2F1", "PATCH /Groups/g%2F1", "PATCH /Groups/g%2F1"]);
    assert_eq!(operations(&bodies), expect(&[("document", 0), ("add", 900), ("add", 900), ("add", 200)]));

    let (outcome, lines, _) = group(&[THRESHOLD], create, |request| match line(request).as_str() {
        "POST /Groups" => json(201, r#"{"id":"g"}"#),
        _ => bare(404, &[]),
    });
    let failure = outcome.unwrap_err();
    assert!(matches!(failure.kind, Kind::TimedOut) && failure.message.contains("(id g)"), "{}", failure.message);
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_document_that_is_a_patch_is_sent_as_one() {
    let document =
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#;
    let (outcome, lines, bodies) = group(&[], Action::Update { id: "7".into(), document: document.into() }, |_| bare(204, &[]));
    assert_eq!((outcome.unwrap().id.as_str(), lines, bodies), ("7", vec!["PATCH /Groups/7".into()], vec![document.into()]));
}
