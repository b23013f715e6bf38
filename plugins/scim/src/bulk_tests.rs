//! Bulk requests against services that do them right, half, and not at all.

use super::{Answer, Failure, Kind, Method, Outcome, Request};
use crate::{
    resource::Resource,
    scripted::{Scripted, bare, connection, json, line},
    write::{Action, write},
};
use serde_json::{Value, json};

const ON: (&str, &str) = ("scim.support.bulk.operation", "true");

fn create(name: &str) -> Action {
    Action::Create { document: format!(r#"{{"schemas":["s"],"userName":"{name}"}}"#) }
}

fn creates(count: usize) -> Vec<Action> {
    (0..count).map(|number| create(&format!("n{number}"))).collect()
}

/// The outcomes, and the requests that were made.
fn run(
    properties: &[(&str, &str)],
    actions: Vec<Action>,
    serve: impl FnMut(&Request) -> Result<Answer, Failure>,
) -> (Vec<Outcome>, Vec<String>) {
    let mut http = Scripted::new(serve);
    let changes = actions.into_iter().map(|action| (Ok(Resource::User), action)).collect();
    let outcomes = write(&connection(&[&[ON], properties].concat()), &mut http, changes);
    (outcomes, http.lines().into_iter().filter(|line| !line.ends_with("ServiceProviderConfig")).collect())
}

/// A service that carries out bulk requests, with a result for each operation.
fn service(config: &'static str, result: impl Fn(&Value) -> Option<Value>) -> impl FnMut(&Request) -> Result<Answer, Failure> {
    move |request| match line(request).as_str() {
        "GET /ServiceProviderConfig" => json(200, config),
        "POST /Bulk" => {
            let body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
            assert_eq!(body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:BulkRequest");
            let results: Vec<Value> = body["Operations"].as_array().unwrap().iter().filter_map(&result).collect();
            json(200, json!({ "Operations": results }).to_string())
        }
        "POST /Users" => {
            let body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
            json(201, json!({ "id": body["userName"] }).to_string())
        }
        _ => bare(204, &[]),
    }
}

/// As RFC 7644 has it; a create gets its user name as id.
fn right(operation: &Value) -> Option<Value> {
    let create = operation["method"] == "POST";
    let id = if create { operation["data"]["userName"].as_str() } else { operation["path"].as_str()?.rsplit('/').next() };
    let mut result = json!({ "method": operation["method"], "location": format!("https://h/v2/Users/{}", id?), "status": "200" });
    if create {
        result["bulkId"] = operation["bulkId"].clone();
        result["status"] = "201".into();
    }
    Some(result)
}

fn ids(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().map(|outcome| outcome.as_ref().map_or_else(|failure| failure.message.clone(), |written| written.id.clone())).collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("n{number}")).collect()
}

#[test]
fn changes_of_all_kinds_go_together() {
    let document = r#"{"schemas":["s"],"id":"a b","userName":"x"}"#.to_owned();
    let actions = vec![
        create("n0"),
        Action::Update { id: "a b".into(), document },
        Action::Patch { id: "p".into(), operations: r#"[{"op":"remove","path":"title"}]"#.into() },
        Action::Delete { id: "d".into() },
        create("last"),
    ];
    let mut seen = Value::Null;
    let mut serve = service("{}", right);
    let (outcomes, lines) = run(&[], actions, |request| {
        if line(request) == "POST /Bulk" {
            seen = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
        }
        serve(request)
    });
    assert_eq!(lines, ["POST /Bulk"]);
    assert_eq!(ids(&outcomes), ["n0", "a b", "p", "d", "last"]);
    let of = |name: &str| seen["Operations"].as_array().unwrap().iter().map(|o| o[name].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(of("method"), ["POST", "PUT", "PATCH", "DELETE", "POST"]);
    assert_eq!(of("path"), ["/Users", "/Users/a%20b", "/Users/p", "/Users/d", "/Users"]);
    assert_eq!(seen["Operations"][2]["data"]["Operations"][0]["op"], "remove");
}

#[test]
fn requests_keep_to_the_smaller_limit() {
    let sizes = |properties: &[(&str, &str)], config: &'static str| {
        let mut sizes = vec![];
        let mut serve = service(config, right);
        let (outcomes, _) = run(properties, creates(60), |request| {
            if line(request) == "POST /Bulk" {
                sizes.push(String::from_utf8_lossy(request.body.as_deref().unwrap()).matches("\"method\"").count());
            }
            serve(request)
        });
        assert_eq!(ids(&outcomes), names(60));
        sizes.sort_unstable();
        sizes
    };
    let config = r#"{"patch":{"supported":true},"bulk":{"supported":true,"maxOperations":25,"maxPayloadSize":1048576}}"#;
    assert_eq!(sizes(&[], config), [20, 20, 20]);
    assert_eq!(sizes(&[("scim.bulk.operations.max.count", "100")], config), [10, 25, 25]);
    assert_eq!(sizes(&[("scim.bulk.operations.max.count", "101")], "{}"), [20, 20, 20]);
    let small = r#"{"patch":{"supported":true},"bulk":{"supported":true,"maxOperations":0,"maxPayloadSize":1000}}"#;
    assert!(sizes(&[], small).len() > 6);
    assert_eq!(sizes(&[], r#"{"patch":{"supported":true},"bulk":{"supported":false,"maxOperations":0,"maxPayloadSize":0}}"#), [0; 0]);
}

#[test]
fn one_that_fails_fails_alone() {
    let result = |operation: &Value| match operation["data"]["userName"].as_str()? {
        "n3" => {
            Some(json!({ "method": "POST", "bulkId": "3", "status": "409", "response": { "scimType": "uniqueness", "detail": "taken" } }))
        }
        "n4" => Some(json!({ "method": "POST", "bulkId": "4", "status": { "code": 400 }, "response": { "detail": "no" } })),
        "n5" => None,
        "n6" => Some(json!({ "method": "POST", "bulkId": "6", "status": "201" })),
        "n7" => Some(json!({ "method": "POST", "bulkId": "7", "status": "501" })),
        _ => right(operation),
    };
    let (outcomes, lines) = run(&[], creates(10), service("{}", result));
    assert_eq!(lines, ["POST /Bulk", "POST /Users"], "what cannot be done in bulk is done by itself");
    for (number, outcome) in outcomes.iter().enumerate() {
        match (number, outcome.as_ref().map_err(|failure| failure.kind)) {
            (3, Err(Kind::AlreadyExists)) | (4, Err(Kind::Rejected)) | (5 | 6, Err(Kind::TimedOut)) => {}
            (_, Ok(written)) => assert_eq!(written.id, format!("n{number}")),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(outcomes[3].as_ref().unwrap_err().message, "POST /v2/Users answered 409 (uniqueness): taken");
}

#[test]
fn results_are_matched_by_id_then_by_place_then_by_order() {
    let shuffled = |request: &Request| match line(request).as_str() {
        "POST /Bulk" => {
            let result = |method: &str, id: &str| json!({ "method": method, "location": format!("/v2/Users/{id}"), "status": 200 });
            json(200, json!({ "Operations": [result("DELETE", "b"), result("PUT", "a")] }).to_string())
        }
        _ => json(200, "{}"),
    };
    let actions = || vec![Action::Update { id: "a".into(), document: "{}".into() }, Action::Delete { id: "b".into() }];
    assert_eq!(ids(&run(&[], actions(), shuffled).0), ["a", "b"]);
    let bare_statuses = |request: &Request| match line(request).as_str() {
        "POST /Bulk" => json(200, r#"{"Operations":[{"status":"200"},{"status":"404","response":{"status":"404"}}]}"#),
        _ => json(200, "{}"),
    };
    let outcomes = run(&[], actions(), bare_statuses).0;
    assert!(outcomes[0].is_ok() && matches!(outcomes[1].as_ref().unwrap_err().kind, Kind::NotFound));
    // Fewer results than operations and nothing to tell them by: nobody knows.
    let short = |request: &Request| json(200, if line(request) == "POST /Bulk" { r#"{"Operations":[{"status":"200"}]}"# } else { "{}" });
    assert!(run(&[], actions(), short).0.iter().all(|outcome| matches!(outcome.as_ref().unwrap_err().kind, Kind::TimedOut)));
}

#[test]
fn a_service_that_refuses_gets_them_one_by_one() {
    for status in [400, 403, 404, 405, 409, 415, 501] {
        let connection = connection(&[ON]);
        let mut http = Scripted::new(|request: &Request| match line(request).as_str() {
            "POST /Bulk" => bare(status, &[]),
            "POST /Users" => json(201, r#"{"id":"x"}"#),
            _ => bare(404, &[]),
        });
        let changes = || creates(5).into_iter().map(|action| (Ok(Resource::User), action)).collect();
        for _ in 0..2 {
            assert!(write(&connection, &mut http, changes()).iter().all(Result::is_ok), "{status}");
        }
        let bulks = http.lines().iter().filter(|line| line.ends_with("/Bulk")).count();
        assert_eq!(bulks, if matches!(status, 403..=405 | 501) { 1 } else { 2 }, "{status}");
    }
}

#[test]
fn too_large_goes_in_halves() {
    let mut serve = service("{}", right);
    let (outcomes, lines) = run(&[], creates(20), |request| {
        if line(request) == "POST /Bulk" && request.body.as_ref().unwrap().len() > 700 { bare(413, &[]) } else { serve(request) }
    });
    assert_eq!(ids(&outcomes), names(20));
    assert!(lines.iter().all(|line| line == "POST /Bulk"), "{lines:?}");
    let (outcomes, lines) = run(&[], creates(4), |request| match line(request).as_str() {
        "POST /Bulk" => bare(413, &[]),
        "POST /Users" => json(201, r#"{"id":"x"}"#),
        _ => json(200, "{}"),
    });
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(lines.iter().filter(|line| *line == "POST /Users").count(), 4);
}

#[test]
fn what_passes_passes_for_each() {
    for (status, kind) in [(401, Kind::Unauthenticated), (410, Kind::Rejected), (429, Kind::RateLimited(None)), (503, Kind::Unavailable)] {
        let (outcomes, lines) = run(&[], vec![Action::Delete { id: "1".into() }, create("x")], |_| bare(status, &[]));
        assert_eq!(lines.len(), 1);
        for outcome in outcomes {
            assert_eq!(format!("{:?}", outcome.unwrap_err().kind), format!("{kind:?}"), "{status}");
        }
    }
    let (outcomes, _) = run(&[], creates(2), |request| json(200, if line(request) == "POST /Bulk" { "<html>" } else { "{}" }));
    assert!(outcomes.iter().all(|outcome| matches!(outcome.as_ref().unwrap_err().kind, Kind::TimedOut)));
}

#[test]
fn what_looks_like_a_reference_goes_by_itself() {
    let (outcomes, lines) = run(&[], vec![create("bulkId:1"), create("n1"), create("n2")], service("{}", right));
    assert_eq!(ids(&outcomes), ["bulkId:1", "n1", "n2"]);
    assert_eq!(lines, ["POST /Bulk", "POST /Users"]);
}

proptest::proptest! {
    #[test]
    fn any_answer_leaves_one_outcome_each(body in proptest::prelude::any::<Vec<u8>>(), status in 200u16..600, count in 2usize..50) {
        let (outcomes, _) = run(&[], creates(count), |request| match request.method {
            Method::Get => json(404, ""),
            _ => Ok(Answer { status, headers: vec![], body: body.clone() }),
        });
        proptest::prop_assert_eq!(outcomes.len(), count);
    }
}
