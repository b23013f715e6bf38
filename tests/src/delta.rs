//! A SCIM server as a source of which only what changed is read, and as a target whose entities a simulation reads one by one.

use serde_json::{Value, json};

use crate::http;
use crate::matching::Matches;
use crate::place::{Ended, MANIFEST, Place};
use crate::scim_sink::Sink;
use crate::trials;

trials![changes_are_read_by_the_time_of_the_last_one, a_simulation_reads_what_a_server_has];

#[track_caller]
fn assert_report(ended: &Ended, expected: &Value) {
    Matches::stream(expected, &ended.values()).unwrap_or_else(|why| panic!("{why}\n{ended}"));
}

fn send(sink: &Sink, method: &str, path: &str, user: &Value) {
    http::exchange(sink.address, method, path, &[], &user.to_string()).expect("the sink answers");
}

fn changes_are_read_by_the_time_of_the_last_one() {
    let sink = Sink::start();
    let place = Place::with_manifest(&format!(
        r#"
[systems.service]
role = "source"
connector = "scim"
grants = {{ networks = ["127.0.0.1/32"] }}
properties = {{ URL = "http://{}", "ips.delta.read" = "enabled" }}

[systems.folder]
role = "target"
connector = "file"
sources = ["service"]
properties = {{ "file.target.path" = "out/" }}
"#,
        sink.address
    ));
    for name in ["ada", "bob", "cy"] {
        send(&sink, "POST", "/Users", &json!({ "userName": name }));
    }
    assert_report(
        &place.run(),
        &json!({ "read-mode": "full", "status": "success", "systems": { "folder": { "user": { "created": 3 } } } }),
    );
    send(&sink, "PUT", "/Users/000001", &json!({ "userName": "ada", "title": "Dr" }));
    send(&sink, "POST", "/Users", &json!({ "userName": "dan" }));
    send(&sink, "DELETE", "/Users/000002", &json!({}));
    // The last one of the run before is read again: another change may have the same time.
    let delta = json!({ "read-mode": "delta", "status": "success", "systems": {
        "service": { "user": { "read": 3 } }, "folder": { "user": { "created": 1, "updated": 1, "unchanged": 1, "deleted": 0 } } } });
    assert_report(&place.run(), &delta);
    assert_report(
        &place.run(),
        &json!({ "read-mode": "delta", "systems": { "service": { "user": { "read": 1 } }, "folder": { "user": { "unchanged": 1 } } } }),
    );
    let full = json!({ "read-mode": "full", "systems": { "service": { "user": { "read": 3 } }, "folder": { "user": { "unchanged": 3, "deleted": 1 } } } });
    assert_report(&place.command(&["run", "--full", "--json", MANIFEST]), &full);
}

fn a_simulation_reads_what_a_server_has() {
    let sink = Sink::start();
    let place = Place::with_manifest(&format!(
        r#"
[systems.hr]
role = "source"
connector = "file"
properties = {{ "file.user.path" = "people.csv" }}

[systems.service]
role = "target"
connector = "scim"
sources = ["hr"]
grants = {{ networks = ["127.0.0.1/32"] }}
properties = {{ URL = "http://{}" }}
"#,
        sink.address
    ));
    send(&sink, "POST", "/Users", &json!({ "userName": "cy", "title": "before" }));
    place.write("people.csv", "id,userName,title\n1,ada,one\n2,bob,two\n");
    place.run().assert_code(0);
    // Creates go out at the same time: who got which id?
    let id_of = |name: &str| {
        let resources = sink.kept().resources;
        resources.values().find(|user| user["userName"] == name).and_then(|user| user["id"].as_str()).expect("an id").to_owned()
    };
    let (ada, bob) = (id_of("ada"), id_of("bob"));
    send(&sink, "PUT", &format!("/Users/{ada}"), &json!({ "userName": "ada", "title": "edited" }));
    send(&sink, "DELETE", &format!("/Users/{bob}"), &json!({}));
    let before = sink.kept().resources;
    place.write("people.csv", "id,userName,title\n1,anna,new\n2,bob,new\n3,cy,new\n");
    let simulated = place.command(&["simulate", "--json", MANIFEST]);
    assert_eq!(sink.kept().resources, before, "nothing is written");
    // Renamed and edited: it is found by its id. Gone: it would be created again.
    let counts = json!({ "created": 1, "updated": 2, "failed": 0 });
    let changes = json!([
        { "entity": "1", "id": ada, "operation": "update", "before": "read" },
        { "entity": "2", "operation": "create", "before": "absent" },
        { "entity": "3", "id": "000001", "operation": "update (exists)", "before": "read" },
    ]);
    assert_report(&simulated, &json!({ "systems": { "service": { "user": counts } }, "changes": changes }));
    assert_report(&place.run(), &json!({ "systems": { "service": { "user": counts } } }));
}
