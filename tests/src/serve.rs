//! `provisor serve` over real connections: a directory from its first user to a restart.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::http;
use crate::place::{MANIFEST, Place};
use crate::serving::{BADGE, OTHER, PEOPLE, Serving, TOKEN};
use crate::trials;

trials![
    a_session_of_an_identity_management_client,
    what_was_answered_survives_a_kill,
    it_stops_when_it_is_told_to,
    health_needs_no_token,
    a_token_for_a_client,
    a_directory_feeds_a_run,
    a_manifest_that_cannot_be_served,
];

pub(crate) fn place() -> Place {
    let place = Place::with_manifest(PEOPLE);
    place.write("badge.json", BADGE);
    place
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}")).to_owned()
}

/// Reads all, creates, puts into a group, renames, patches, deletes.
fn a_session_of_an_identity_management_client() {
    let place = place();
    let serving = Serving::start(&place);
    let (status, config) = serving.people("GET", "/ServiceProviderConfig", None);
    assert_eq!((status, &config["patch"]["supported"]), (200, &json!(true)));
    let (_, types) = serving.people("GET", "/ResourceTypes", None);
    assert_eq!(types["Resources"][0]["schemaExtensions"].as_array().map(Vec::len), Some(2), "the badge is an extension: {types}");
    assert_eq!(serving.people("GET", "/Users", None).1["totalResults"], 0);
    let ada = json!({ "userName": "ada", "urn:example:2.0:Badge": { "number": "7" } });
    let (status, made) = serving.people("POST", "/Users", Some(&ada));
    assert_eq!((status, text(&made, "/schemas/1")), (201, "urn:example:2.0:Badge".to_owned()));
    let location = text(&made, "/meta/location");
    assert!(location.starts_with(&format!("http://{}/scim/people/Users/", serving.address)), "{location}");
    let path = format!("/Users/{}", text(&made, "/id"));
    let group = json!({ "displayName": "Staff", "members": [{ "value": made["id"] }] });
    let (status, group) = serving.people("POST", "/Groups", Some(&group));
    assert_eq!(status, 201, "{group}");
    let rename = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{ "op": "replace", "path": "displayName", "value": "All staff" }] });
    let (status, renamed) = serving.people("PATCH", &format!("/Groups/{}", text(&group, "/id")), Some(&rename));
    assert_eq!((status, &renamed["displayName"]), (200, &json!("All staff")));
    let (_, found) = serving.people("GET", "/Users?filter=groups.display%20eq%20%22all%20staff%22&attributes=userName", None);
    assert_eq!((&found["totalResults"], text(&found, "/Resources/0/userName")), (&json!(1), "ada".to_owned()));
    // Where clients of the reference look.
    let (status, same) = serving.request(TOKEN, "GET", &format!("/ipsproxy/service/api/v1/scim/people{path}"), None);
    assert_eq!((status, &same["id"]), (200, &made["id"]));
    assert_eq!(serving.people("DELETE", &path, None).0, 204);
    let (status, gone) = serving.people("GET", &path, None);
    assert_eq!((status, &gone["schemas"][0], &gone["status"]), (404, &json!("urn:ietf:params:scim:api:messages:2.0:Error"), &json!("404")));
    // Another directory, and another's token.
    assert_eq!(serving.request(OTHER, "GET", "/scim/other/Users", None).1["totalResults"], 0);
    for (token, service) in [(TOKEN, "other"), (OTHER, "people"), (TOKEN, "nowhere")] {
        assert_eq!(serving.request(token, "GET", &format!("/scim/{service}/Users"), None).0, 403, "{token} {service}");
    }
}

/// Four clients write; the process is killed; whatever was answered is there and nothing twice.
fn what_was_answered_survives_a_kill() {
    let place = place();
    let answered = Arc::new(Mutex::new(BTreeSet::new()));
    for round in 0..3 {
        let serving = Arc::new(Serving::start(&place));
        let over = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let (address, over, answered) = (serving.address, over.clone(), answered.clone());
                std::thread::spawn(move || {
                    let authorization = format!("Bearer {TOKEN}");
                    let headers = [("Authorization", authorization.as_str())];
                    for number in 0.. {
                        let name = format!("u-{round}-{client}-{number}");
                        let body = json!({ "userName": name }).to_string();
                        match http::exchange(address, "POST", "/scim/people/Users", &headers, &body) {
                            Ok((201, _)) => answered.lock().expect("names").insert(name),
                            Ok((status, body)) => panic!("{status} {body}"),
                            Err(_) if over.load(Ordering::SeqCst) => return,
                            // The answer was cut off by the kill that has just been sent.
                            Err(_) => return std::thread::sleep(Duration::from_millis(1)),
                        };
                    }
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(400));
        over.store(true, Ordering::SeqCst);
        Arc::into_inner(serving).expect("no other owner").kill();
        for client in clients {
            client.join().expect("a client that ends");
        }
    }
    let serving = Serving::start(&place);
    let mut there = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = serving.people("GET", &format!("/Users?count=500&cursor={cursor}"), None);
        assert_eq!(status, 200, "{page}");
        there.extend(page["Resources"].as_array().expect("resources").iter().map(|user| text(user, "/userName")));
        match page["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    let unique: BTreeSet<String> = there.iter().cloned().collect();
    let answered = answered.lock().expect("names");
    assert!(answered.len() > 30, "{} writes were answered", answered.len());
    assert!(answered.is_subset(&unique), "lost: {:?}", answered.difference(&unique).collect::<Vec<_>>());
    assert_eq!(unique.len(), there.len(), "nobody is there twice");
}

fn it_stops_when_it_is_told_to() {
    let place = place();
    let serving = Serving::start(&place);
    assert_eq!(serving.people("POST", "/Users", Some(&json!({ "userName": "ada" }))).0, 201);
    let ended = serving.stop();
    ended.assert_code(0).assert_output(&["/scim/people", "ready"]).assert_error(&["stopping"]);
    assert!(!ended.stderr.contains(TOKEN) && !ended.stdout.contains(TOKEN));
    let serving = Serving::start(&place);
    assert_eq!(serving.people("GET", "/Users", None).1["totalResults"], 1);
}

fn health_needs_no_token() {
    let place = place();
    let serving = Serving::start(&place);
    for what in ["live", "ready"] {
        let (status, body) = http::exchange(serving.address, "GET", &format!("/health/{what}"), &[], "").expect("an answer");
        assert_eq!((status, body.as_str()), (200, r#"{"status":"ok"}"#));
    }
}

fn a_token_for_a_client() {
    let place = place();
    let made = place.command(&["token", "hr system", "people"]);
    made.assert_code(0).assert_error(&["[serve.tokens.\"hr system\"]", "systems = [\"people\"]"]);
    let lines = made.stderr.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    place.write(MANIFEST, format!("{PEOPLE}\n{lines}\n"));
    let serving = Serving::start(&place);
    assert_eq!(serving.request(made.stdout.trim(), "GET", "/scim/people/Users", None).0, 200);
    assert!(serving.log().contains("hr system"), "the client is named in the log: {}", serving.log());
    assert!(!serving.log().contains(made.stdout.trim()), "and its token is not");
}

/// The directory as a source: the scim connector reads what is served.
fn a_directory_feeds_a_run() {
    let directory = place();
    let serving = Serving::start(&directory);
    for name in ["ada", "bob"] {
        assert_eq!(serving.people("POST", "/Users", Some(&json!({ "userName": name }))).0, 201);
    }
    let reader = Place::with_manifest(&format!(
        r#"[systems.people]
role = "source"
connector = "scim"
auth = {{ type = "bearer", token = {{ env = "SCIM_TOKEN" }} }}
grants = {{ networks = ["127.0.0.1/32"] }}
properties = {{ URL = "http://{}/scim/people", "ips.delta.read" = "enabled" }}

[systems.copy]
role = "target"
connector = "file"
sources = ["people"]
properties = {{ "file.target.path" = "copy/" }}
"#,
        serving.address
    ))
    .with_environment("SCIM_TOKEN", TOKEN);
    let created = |ended: &crate::place::Ended| ended.assert_code(0).value()["systems"]["copy"]["user"]["created"].clone();
    assert_eq!(created(&reader.run()), 2);
    assert_eq!(serving.people("POST", "/Users", Some(&json!({ "userName": "cyd" }))).0, 201);
    let changes = reader.run();
    assert_eq!((created(&changes), &changes.value()["read-mode"]), (json!(1), &json!("delta")), "{changes}");
}

fn a_manifest_that_cannot_be_served() {
    let place = Place::with_manifest("[directories.people]\nfile = \"people.db\"\n");
    place.command(&["serve", MANIFEST]).assert_code(2).assert_error(&["error[serve.not-configured]"]);
    place.write(MANIFEST, "[directories.people]\nfile = \"people.db\"\n[serve]\nlisten = \"0.0.0.0:1\"\n");
    place.command(&["serve", MANIFEST]).assert_code(2).assert_error(&["error[manifest.plain-http]"]);
    place.write(MANIFEST, "[directories.people]\nfile = \"people.db\"\n[serve]\n");
    place.write("people.db", "this is no database, and longer than the sixteen bytes that begin one");
    place.command(&["serve", MANIFEST]).assert_code(3).assert_error(&["error[directory.open]"]);
}
