//! From one SCIM service to another with the transformations the connector brings along: what arrives, document by document.

use serde_json::{Value, json};

use crate::place::Place;
use crate::scim_sink::Sink;
use crate::trials;

trials![
    the_defaults_copy_and_translate_the_ids,
    the_identity_directory_gets_what_it_asks_for,
    a_uaa_gets_its_own_schema_and_origin,
    a_uaa_is_read_in_the_common_form,
];

const UAA_READ: &str = include_str!("../../plugins/scim/transformations/uaa-read.json");
const UAA_WRITE: &str = include_str!("../../plugins/scim/transformations/uaa-write.json");
const DIRECTORY_READ: &str = include_str!("../../plugins/scim/transformations/directory-read.json");
const DIRECTORY_WRITE: &str = include_str!("../../plugins/scim/transformations/directory-write.json");

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// A service with a boss, somebody who works for her, and their group.
fn source() -> Sink {
    let sink = Sink::start();
    sink.change(|kept| {
        // So that the ids of the two services differ.
        let _ = kept.create("Users", json!({ "userName": "nobody" }));
        kept.resources.clear();
        let boss = json!({ "schemas": [USER], "userName": "boss", "emails": [{ "value": "boss@example.com", "type": "work" }], "active": true });
        let clerk = json!({ "schemas": [USER, ENTERPRISE], "userName": "clerk", "name": { "givenName": "C" }, "groups": [{ "value": "000004" }],
            "emails": [{ "value": "c@home.example" }, { "value": "c@example.com", "primary": true }],
            ENTERPRISE: { "department": "D", "manager": { "value": "000002", "displayName": "Boss" } } });
        let staff = json!({ "schemas": [GROUP], "displayName": "Staff", "members": [{ "value": "000002", "display": "Boss" }, { "value": "000003", "type": "User" }] });
        for (collection, document) in [("Users", boss), ("Users", clerk), ("Groups", staff)] {
            assert_eq!(kept.create(collection, document).0, 201);
        }
    });
    sink
}

/// Run from one service to the other; what the other has then, by name.
fn run(source: &Sink, target: &Sink, read: Option<&str>, write: Option<(&str, &str)>) -> [Value; 3] {
    let transformation = |name: &str, text: Option<&str>| text.map_or_else(String::new, |_| format!("transformation = \"{name}.json\"\n"));
    let (written, properties) = write.unzip();
    let place = Place::with_manifest(&format!(
        "[systems.from]\nrole = \"source\"\nconnector = \"scim\"\ngrants = {{ networks = [\"127.0.0.1/32\"] }}\n{}properties = {{ URL = \"http://{}\" }}\n\
         [systems.to]\nrole = \"target\"\nconnector = \"scim\"\nsources = [\"from\"]\ngrants = {{ networks = [\"127.0.0.1/32\"] }}\n{}\
         [systems.to.properties]\nURL = \"http://{}\"\n{}\n",
        transformation("read", read),
        source.address,
        transformation("write", written),
        target.address,
        properties.unwrap_or_default(),
    ));
    place.write("read.json", read.unwrap_or_default());
    place.write("write.json", written.unwrap_or_default());
    place.run().assert_code(0);
    let again = place.run();
    again.assert_code(0);
    for entity_type in ["user", "group"] {
        let counts = &again.value()["systems"]["to"][entity_type];
        assert_eq!([&counts["created"], &counts["updated"], &counts["deleted"]], [0, 0, 0], "{again}");
    }
    let kept = target.kept();
    ["boss", "clerk", "Staff"].map(|name| {
        let found = kept.resources.values().find(|resource| resource["userName"] == name || resource["displayName"] == name);
        found.unwrap_or_else(|| panic!("{name} is missing")).clone()
    })
}

fn the_defaults_copy_and_translate_the_ids() {
    let [boss, clerk, staff] = run(&source(), &Sink::start(), None, None);
    assert_eq!(boss["emails"], json!([{ "value": "boss@example.com", "type": "work", "primary": true }]));
    assert_eq!(clerk["emails"], json!([{ "value": "c@home.example" }, { "value": "c@example.com", "primary": true }]));
    assert_eq!(clerk[ENTERPRISE], json!({ "department": "D", "manager": { "value": boss["id"] } }));
    assert_eq!((&clerk["name"], clerk.get("groups"), clerk.get("meta")), (&json!({ "givenName": "C" }), None, None));
    assert_eq!(staff["members"], json!([{ "value": boss["id"] }, { "value": clerk["id"] }]));
}

fn the_identity_directory_gets_what_it_asks_for() {
    let properties = "\"scim.profile\" = \"directory\"\n\"scim.group.unique.attribute\" = \"['urn:sap:cloud:scim:schemas:extension:custom:2.0:Group']['name']\"";
    let [boss, clerk, staff] = run(&source(), &Sink::start(), Some(DIRECTORY_READ), Some((DIRECTORY_WRITE, properties)));
    assert_eq!(clerk["emails"], json!([{ "value": "c@home.example", "primary": true }, { "value": "c@example.com" }]));
    assert_eq!((&clerk["userType"], &clerk["active"], clerk.get("groups")), (&json!("employee"), &json!(true), None));
    assert_eq!(clerk[ENTERPRISE], json!({ "department": "D", "manager": { "value": boss["id"] } }));
    assert_eq!(boss["urn:ietf:params:scim:schemas:extension:sap:2.0:User"], json!({ "sendMail": false, "mailVerified": true }));
    assert_eq!(staff["urn:sap:cloud:scim:schemas:extension:custom:2.0:Group"], json!({ "name": "Staff" }));
    assert_eq!(staff["members"], json!([{ "value": boss["id"] }, { "value": clerk["id"] }]));
}

fn a_uaa_gets_its_own_schema_and_origin() {
    let [boss, clerk, staff] =
        run(&source(), &Sink::start(), None, Some((UAA_WRITE, "\"scim.profile\" = \"uaa\"\n\"uaa.origin\" = \"idp\"")));
    for resource in [&boss, &clerk, &staff] {
        assert_eq!(resource["schemas"], json!(["urn:scim:schemas:core:1.0"]));
    }
    assert_eq!((&boss["origin"], &boss["emails"][0]["primary"], &clerk["active"]), (&json!("idp"), &json!(true), &json!(true)));
    assert_eq!((clerk.get(ENTERPRISE), &staff["members"]), (None, &json!([{ "value": boss["id"] }, { "value": clerk["id"] }])));
}

fn a_uaa_is_read_in_the_common_form() {
    let [_, clerk, staff] = run(&source(), &Sink::start(), Some(UAA_READ), None);
    assert_eq!((&clerk["schemas"], &staff["schemas"]), (&json!([USER]), &json!([GROUP])));
    assert_eq!((clerk.get(ENTERPRISE), clerk.get("groups"), &clerk["emails"][1]["primary"]), (None, None, &json!(true)));
    assert_eq!(staff["members"].as_array().map(Vec::len), Some(2));
}
