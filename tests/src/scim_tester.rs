//! The compliance tests of others: scim2-tester, run by scim2-cli, against what `provisor serve` serves.

use std::process::Command;

use serde_json::Value;

use crate::counterparts::{ScimServer, program};
use crate::place::Place;
use crate::proxy;
use crate::serve::place;
use crate::serving::{Serving, TOKEN};
use crate::trials;

trials![
    a_directory_is_a_scim_server,
    a_client_of_others_reads_and_writes_a_directory,
    a_proxy_over_a_directory_is_a_scim_server,
    a_proxy_over_a_server_of_others_is_a_scim_server,
];

/// scim2-cli with these arguments: whether it succeeded, and what it said.
pub(crate) fn scim2(url: &str, token: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program("scim2"))
        .args(["--url", url, "--header", &format!("Authorization: Bearer {token}")])
        .args(arguments)
        .output()
        .expect("scim2 starts");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

/// scim2-tester finds no error.
#[track_caller]
pub(crate) fn assert_compliant(url: &str, token: &str) {
    let (fine, said) = scim2(url, token, &["test"]);
    assert!(fine && said.contains("SUCCESS") && !said.contains("ERROR"), "{said}");
}

fn a_directory_is_a_scim_server() {
    let place = place();
    let serving = Serving::start(&place);
    assert_compliant(&serving.url("people"), TOKEN);
}

fn a_client_of_others_reads_and_writes_a_directory() {
    let place = place();
    let serving = Serving::start(&place);
    let url = serving.url("people");
    let (fine, said) = scim2(&url, TOKEN, &["create", "user", "--user-name", "ada"]);
    assert!(fine, "{said}");
    let made: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    let id = made["id"].as_str().expect("an id");
    let (fine, said) = scim2(&url, TOKEN, &["query", "user", id]);
    assert!(fine && said.contains("\"ada\""), "{said}");
    let (fine, said) = scim2(&url, TOKEN, &["delete", "user", id]);
    assert!(fine, "{said}");
    assert_eq!(serving.people("GET", "/Users", None).1["totalResults"], 0);
}

/// Everything the backend has, its `meta` too.
const READ: &str = r#"{
    "user": { "mappings": [{ "sourcePath": "$", "targetPath": "$" }, { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" }] },
    "group": { "mappings": [{ "sourcePath": "$", "targetPath": "$" }, { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" }] }
}"#;

/// Everything the client says, as it says it.
const WRITE: &str = r#"{
    "user": { "mappings": [
        { "sourcePath": "$", "targetPath": "$" },
        { "type": "remove", "targetPath": "$.id" }, { "type": "remove", "targetPath": "$.meta" }, { "type": "remove", "targetPath": "$.groups" },
        { "sourceVariable": "entityIdTargetSystem", "targetPath": "$.id", "optional": true }
    ] },
    "group": { "mappings": [
        { "sourcePath": "$", "targetPath": "$" },
        { "type": "remove", "targetPath": "$.id" }, { "type": "remove", "targetPath": "$.meta" },
        { "sourceVariable": "entityIdTargetSystem", "targetPath": "$.id", "optional": true }
    ] }
}"#;

fn over(url: &str) -> Place {
    let both = "read-transformation = \"read.json\"\nwrite-transformation = \"write.json\"";
    let place = Place::with_manifest(&proxy::manifest(url, both)).with_environment("SCIM_TOKEN", TOKEN);
    place.write("read.json", READ);
    place.write("write.json", WRITE);
    place
}

fn a_proxy_over_a_directory_is_a_scim_server() {
    let behind = place();
    let directory = Serving::start(&behind);
    let place = over(&directory.url("people"));
    let proxy = Serving::start(&place);
    assert_compliant(&proxy.url("backend"), TOKEN);
}

fn a_proxy_over_a_server_of_others_is_a_scim_server() {
    let server = ScimServer::start(TOKEN);
    let place = over(&server.url());
    let proxy = Serving::start(&place);
    assert_compliant(&proxy.url("backend"), TOKEN);
}
