//! Writing, against answers as scim2-server gives them and against worse.

use super::{Action, Written, write};
use crate::{
    http::{Answer, Method, Request},
    resource::Resource,
    scripted::{Scripted, bare, connection, json},
};
use sdk::{Failure, Kind};

const USER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"anna"}"#;
const ERROR: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "400", "scimType": "#;

fn user(action: Action) -> (Result<Resource, Failure>, Action) {
    (Ok(Resource::User), action)
}

fn create(document: &str) -> (Result<Resource, Failure>, Action) {
    user(Action::Create { document: document.into() })
}

fn members(added: usize, removed: usize) -> (Result<Resource, Failure>, Action) {
    let ids = |count, letter: char| (0..count).map(|number| format!("{letter}{number}")).collect();
    (Ok(Resource::Group), Action::Members { id: "g".into(), added: ids(added, 'a'), removed: ids(removed, 'r') })
}

/// One change against one kind of answer.
fn once(
    properties: &[(&str, &str)],
    change: (Result<Resource, Failure>, Action),
    answer: Result<Answer, Failure>,
) -> (Result<Written, Failure>, Vec<Request>) {
    let mut http = Scripted::new(move |_: &Request| answer.clone());
    let outcome = write(&connection(properties), &mut http, vec![change]).pop().unwrap();
    (outcome, http.seen)
}

fn body(request: &Request) -> &str {
    std::str::from_utf8(request.body.as_deref().unwrap()).unwrap()
}

#[test]
fn create_takes_the_id_of_the_answer_or_of_its_location() {
    let answered = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "0615e9", "userName": "anna"}"#;
    let (outcome, seen) = once(&[], create(USER), json(201, answered));
    assert_eq!(outcome.unwrap(), Written { id: "0615e9".into(), document: Some(answered.into()) });
    assert_eq!((seen[0].method, seen[0].url.as_str(), body(&seen[0])), (Method::Post, "https://h/v2/Users", USER));
    assert!(seen[0].headers.contains(&("content-type", "application/scim+json".into())));
    assert!(seen[0].headers.contains(&("content-length", USER.len().to_string())));

    let (outcome, _) = once(&[], create(USER), bare(201, &[("location", "https://h/v2/Users/a%2Fb")]));
    assert_eq!(outcome.unwrap(), Written { id: "a/b".into(), document: None });

    let (outcome, _) = once(&[], create(USER), bare(201, &[]));
    assert!(matches!(outcome.unwrap_err().kind, Kind::Rejected));
}

#[test]
fn create_meets_an_entity_that_exists() {
    let taken = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "409", "scimType": "uniqueness", "detail": "One or more of the attribute values are already in use or are reserved"}"#;
    let (outcome, _) = once(&[], create(USER), json(409, taken));
    let failure = outcome.unwrap_err();
    assert!(matches!(failure.kind, Kind::AlreadyExists));
    assert_eq!(
        failure.message,
        "POST /v2/Users answered 409 (uniqueness): One or more of the attribute values are already in use or are reserved"
    );
    let update = Action::Update { id: "7".into(), document: USER.into() };
    assert!(matches!(once(&[], user(update), json(409, taken)).0.unwrap_err().kind, Kind::Conflict));
}

#[test]
fn update_puts_the_document_with_its_id() {
    let update = |document: &str| user(Action::Update { id: "a b".into(), document: document.into() });
    for (document, sent) in [
        (r#"{"schemas":["s"],"userName":"x"}"#, r#"{"id":"a b","schemas":["s"],"userName":"x"}"#),
        (r#"{"schemas":["s"],"id":null,"n":1.50}"#, r#"{"id":"a b","schemas":["s"],"n":1.50}"#),
        (r#"{ "schemas":["s"], "id":"a b" }"#, r#"{ "schemas":["s"], "id":"a b" }"#),
        (
            r#"{"userName":"x","urn:x:User":{}}"#,
            r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:x:User"],"id":"a b","userName":"x","urn:x:User":{}}"#,
        ),
    ] {
        let (outcome, seen) = once(&[("scim.content.type", "application/json")], update(document), bare(204, &[]));
        assert_eq!(outcome.unwrap(), Written { id: "a b".into(), document: None });
        assert_eq!((seen[0].method, seen[0].url.as_str(), body(&seen[0])), (Method::Put, "https://h/v2/Users/a%20b", sent));
        assert!(seen[0].headers.contains(&("content-type", "application/json".into())));
    }
}

#[test]
fn update_as_patch_replaces_what_the_document_mentions() {
    let update = |document: &str| user(Action::Update { id: "7".into(), document: document.into() });
    let properties = [("scim.support.patch.operation", "true")];
    let (_, seen) = once(&properties, update(r#"{"schemas":["s"],"id":"7","meta":{},"userName":"x","emails":[]}"#), bare(204, &[]));
    assert_eq!(seen[0].method, Method::Patch);
    let operations = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"userName":"x","emails":[]}}]}"#;
    assert_eq!(body(&seen[0]), operations);

    let (outcome, seen) = once(&properties, update(r#"{"id":"7"}"#), bare(500, &[]));
    assert_eq!((outcome.unwrap().id, seen.len()), ("7".to_owned(), 0), "nothing to replace");
}

#[test]
fn patch_wraps_the_operations() {
    let patch = |operations: &str| user(Action::Patch { id: "7".into(), operations: operations.into() });
    let (outcome, seen) =
        once(&[], patch(r#"[{"op":"replace","path":"active","value":false}]"#), json(200, r#"{"id":"7","active":false}"#));
    assert_eq!(outcome.unwrap().document.as_deref(), Some(r#"{"id":"7","active":false}"#));
    let sent =
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#;
    assert_eq!(body(&seen[0]), sent);
    for operations in ["", "{}", "[", r#""x""#] {
        let (outcome, seen) = once(&[], patch(operations), bare(204, &[]));
        assert!(matches!(outcome.unwrap_err().kind, Kind::Rejected) && seen.is_empty());
    }
    assert!(once(&[], patch("[]"), bare(500, &[])).1.is_empty());
}

#[test]
fn delete_says_what_is_gone_and_never_touches_the_collection() {
    let delete = |id: &str| user(Action::Delete { id: id.into() });
    let (outcome, seen) = once(&[("scim.include.if.match.wildcard.header", "true")], delete("7"), bare(204, &[]));
    assert_eq!(outcome.unwrap(), Written { id: "7".into(), document: None });
    assert_eq!((seen[0].method, seen[0].url.as_str(), &seen[0].body), (Method::Delete, "https://h/v2/Users/7", &None));
    assert!(seen[0].headers.contains(&("if-match", "*".into())));
    assert!(matches!(once(&[], delete("7"), bare(404, &[])).0.unwrap_err().kind, Kind::NotFound));
    let (outcome, seen) = once(&[], delete(""), bare(204, &[]));
    assert!(outcome.is_err() && seen.is_empty());
}

#[test]
fn redirects_are_not_followed_for_changes() {
    let (outcome, seen) = once(&[], create(USER), bare(307, &[("location", "https://other/v2/Users")]));
    assert!(outcome.unwrap_err().message.contains("set URL") && seen.len() == 1);
}

#[test]
fn members_arrive_in_batches_additions_first() {
    let mut http = Scripted::new(|_: &Request| bare(204, &[]));
    let outcome = write(&connection(&[]), &mut http, vec![members(1001, 51)]).remove(0);
    assert_eq!(outcome.unwrap(), Written { id: "g".into(), document: None });
    assert_eq!(http.lines(), ["PATCH /Groups/g"; 4]);
    let bodies = http.bodies();
    let sizes: Vec<_> =
        bodies.iter().map(|body| (body.matches(r#"{"value":"a"#).count(), body.matches(r#""op":"remove""#).count())).collect();
    assert_eq!(sizes, [(1000, 0), (1, 0), (0, 50), (0, 1)]);
    assert!(bodies[1].ends_with(r#""Operations":[{"op":"add","path":"members","value":[{"value":"a1000"}]}]}"#));
    assert!(bodies[3].ends_with(r#""Operations":[{"op":"remove","path":"members[value eq \"r50\"]"}]}"#));
    assert_eq!(http.most, 1, "the batches of one group never overlap");

    let (outcome, seen) = once(&[], members(0, 0), bare(500, &[]));
    assert!(outcome.is_ok() && seen.is_empty());
}

#[test]
fn an_id_with_quotes_stays_inside_its_filter() {
    let action = Action::Members { id: "g".into(), added: vec![], removed: vec![r#"x"] or y"#.into()] };
    let (_, seen) = once(&[], (Ok(Resource::Group), action), bare(204, &[]));
    let sent: serde_json::Value = serde_json::from_str(body(&seen[0])).unwrap();
    assert_eq!(sent["Operations"][0]["path"], r#"members[value eq "x\"] or y"]"#);
}

#[test]
fn a_member_that_is_gone_already_is_no_failure() {
    let mut http = Scripted::new(|request: &Request| match body(request) {
        body if body.contains("r1") => json(400, format!(r#"{ERROR}"noTarget", "detail": "no member"}}"#)),
        _ => bare(204, &[]),
    });
    assert!(write(&connection(&[]), &mut http, vec![members(0, 3)])[0].is_ok());
    assert_eq!(http.seen.len(), 4, "together, then one by one");

    let (outcome, seen) = once(&[], members(1, 1), json(400, format!(r#"{ERROR}"noTarget"}}"#)));
    assert!(matches!(outcome.unwrap_err().kind, Kind::Rejected) && seen.len() == 1, "an addition that fails, fails");
}

#[test]
fn outcomes_keep_the_order_with_sixteen_under_way() {
    let mut http = Scripted::new(|request: &Request| {
        let name = body(request).split('"').nth(7).unwrap().to_owned();
        if name == "n13" { json(400, format!(r#"{ERROR}"invalidValue"}}"#)) } else { json(201, format!(r#"{{"id":"{name}"}}"#)) }
    });
    let document = |number: usize| format!(r#"{{"schemas":["s"],"userName":"n{number}"}}"#);
    let mut changes: Vec<_> = (0..100).map(|number| create(&document(number))).collect();
    changes[20] = create("[]");
    changes[21].0 = Resource::of("role");
    let outcomes = write(&connection(&[]), &mut http, changes);
    for (number, outcome) in outcomes.iter().enumerate() {
        match (number, outcome) {
            (13 | 20, Err(Failure { kind: Kind::Rejected, .. })) | (21, Err(Failure { kind: Kind::Unsupported, .. })) => {}
            (_, Ok(written)) => assert_eq!(written.id, format!("n{number}")),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((outcomes.len(), http.seen.len(), http.most), (100, 98, 16));
}

#[test]
fn when_the_server_is_gone_the_rest_is_not_tried() {
    let mut left = 10;
    let mut http = Scripted::new(move |_: &Request| {
        left -= 1;
        if left >= 0 { json(201, r#"{"id":"x"}"#) } else { Err(Failure::unavailable("connection refused")) }
    });
    let outcomes = write(&connection(&[]), &mut http, (0..1000).map(|_| create(USER)).collect());
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 10);
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(|failure| matches!(failure.kind, Kind::Unavailable)));
    assert!(http.seen.len() < 50, "{}", http.seen.len());
    assert!(outcomes[999].as_ref().unwrap_err().message.starts_with("not tried"));
}

#[test]
fn a_server_that_answers_503_is_not_gone() {
    let mut http = Scripted::new(|_: &Request| bare(503, &[]));
    write(&connection(&[]), &mut http, (0..100).map(|_| create(USER)).collect());
    assert_eq!(http.seen.len(), 100);
}

#[test]
fn a_soft_deletion_makes_users_inactive_and_deletes_groups() {
    let properties = [("scim.profile", "soft-delete, entra")];
    let (outcome, seen) = once(&properties, user(Action::Delete { id: "7".into() }), bare(204, &[]));
    assert_eq!((outcome.unwrap().id.as_str(), seen[0].method), ("7", Method::Patch));
    assert!(body(&seen[0]).contains(r#"{"op":"Replace","path":"active","value":"False"}"#), "{}", body(&seen[0]));
    let (_, seen) = once(&properties, (Ok(Resource::Group), Action::Delete { id: "7".into() }), bare(204, &[]));
    assert_eq!(seen[0].method, Method::Delete);
}

/// What a UAA is asked for by one change of a group, as `METHOD path body`; it answers these statuses in turn, else 200.
fn uaa(properties: &[(&str, &str)], action: Action, statuses: &[u16]) -> (Result<Written, Failure>, Vec<String>) {
    let mut statuses = statuses.iter();
    let mut http = Scripted::new(move |request: &Request| {
        let versioned = matches!(request.method, Method::Put | Method::Patch) || request.url.ends_with("/Groups/g");
        assert_eq!(request.headers.contains(&("if-match", "*".into())), versioned, "{}", request.url);
        match statuses.next() {
            Some(status) => bare(*status, &[]),
            None => json(200, r#"{"id":"g"}"#),
        }
    });
    let properties = [&[("scim.profile", "uaa")], properties].concat();
    let outcome = write(&connection(&properties), &mut http, vec![(Ok(Resource::Group), action)]).remove(0);
    let lines = http.lines().into_iter().zip(http.bodies()).map(|(line, body)| format!("{line} {body}").trim_end().to_owned()).collect();
    (outcome, lines)
}

#[test]
fn uaa_takes_members_one_by_one_or_in_a_partial_document() {
    let change = || Action::Members { id: "g".into(), added: vec!["a".into()], removed: vec!["b/c".into(), "d".into()] };
    let (outcome, lines) = uaa(&[], change(), &[409, 404]);
    assert!(outcome.is_ok(), "there already, and gone already");
    assert_eq!(
        lines,
        [r#"POST /Groups/g/members {"type":"USER","value":"a"}"#, "DELETE /Groups/g/members/b%2Fc", "DELETE /Groups/g/members/d"]
    );
    assert!(matches!(uaa(&[], change(), &[200, 403]).0.unwrap_err().kind, Kind::Forbidden));

    let (_, lines) = uaa(&[("scim.support.patch.operation", "true")], change(), &[]);
    assert_eq!(
        lines,
        [
            r#"PATCH /Groups/g {"schemas":["urn:scim:schemas:core:1.0"],"members":[{"value":"a"}]}"#,
            r#"PATCH /Groups/g {"schemas":["urn:scim:schemas:core:1.0"],"members":[{"operation":"delete","value":"b/c"},{"operation":"delete","value":"d"}]}"#,
        ]
    );
}

#[test]
fn documents_of_scim_1_1() {
    let document = r#"{"displayName":"x","members":[]}"#.to_owned();
    let (_, lines) = uaa(&[], Action::Update { id: "g".into(), document: document.clone() }, &[]);
    assert_eq!(lines, [r#"PUT /Groups/g {"schemas":["urn:scim:schemas:core:1.0"],"id":"g","displayName":"x","members":[]}"#]);
    let (_, lines) = uaa(&[("scim.support.patch.operation", "true")], Action::Update { id: "g".into(), document }, &[]);
    assert_eq!(lines, [r#"PATCH /Groups/g {"schemas":["urn:scim:schemas:core:1.0"],"displayName":"x","members":[]}"#]);
    let (_, lines) = uaa(&[], Action::Delete { id: "g".into() }, &[]);
    assert_eq!(lines, ["DELETE /Groups/g"]);
    let patch = Action::Patch { id: "g".into(), operations: r#"[{"op":"remove","path":"x"}]"#.into() };
    let (outcome, lines) = uaa(&[], patch, &[]);
    assert!(matches!(outcome.unwrap_err().kind, Kind::Unsupported) && lines.is_empty());
}
