//! The whole path against a SCIM server that is not ours: written through the connector, looked at over plain HTTP.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::counterparts::ScimServer;
use crate::export::{self, Export};
use crate::generate::Company;
use crate::guests::SNOOP;
use crate::place::{Ended, MANIFEST, Place};
use crate::scim_expected::{Ids, assert_same, text, values};
use crate::trials;

trials![
    a_company_arrives_attribute_by_attribute_and_is_kept_in_step,
    a_company_arrives_in_bulk,
    a_company_arrives_at_scimmy_and_is_kept_in_step,
    a_company_arrives_at_scimmy_in_bulk,
    a_server_is_read_back_into_a_folder,
    scimmy_is_read_back_into_a_folder,
    changes_at_scimmy_are_read_alone,
    who_was_there_before_is_found_updated_and_never_deleted,
    a_wrong_token_is_told_and_nothing_is_done,
    a_server_that_is_down_deletes_nobody,
    without_the_grant_nothing_is_sent,
    the_token_is_in_no_memory_of_a_plugin,
];

const TOKEN: &str = "Ahx7quee-token-of-the-tests-0oT5";
const COMPANY: Company = Company { seed: 2, users: 200, groups: 15 };
const GRANTS: &str = "grants = { networks = [\"127.0.0.1/32\"] }";

/// A place with an export and this server as the target.
fn place(export: &Export, server: &ScimServer, token: &str, grants: &str) -> Place {
    let manifest = format!(
        r#"state = "provisor.db"
{}
[systems.directory]
role = "target"
connector = "scim"
sources = ["hr"]
transformation = "scim-write.json"
auth = {{ type = "bearer", token = {{ env = "SCIM_TOKEN" }} }}
{grants}

[systems.directory.properties]
URL = "{}"
"#,
        export::SOURCE,
        server.url()
    );
    let place = Place::with_manifest(&manifest).with_environment("SCIM_TOKEN", token);
    export.write(&place);
    place
}

fn a_company_arrives_attribute_by_attribute_and_is_kept_in_step() {
    arrives_and_is_kept_in_step(&ScimServer::start(TOKEN));
}

fn a_company_arrives_at_scimmy_and_is_kept_in_step() {
    arrives_and_is_kept_in_step(&ScimServer::scimmy(TOKEN));
}

fn arrives_and_is_kept_in_step(server: &ScimServer) {
    let mut export = Export::of(COMPANY);
    assert!(export.in_scope().any(|person| person.mail.is_none()), "somebody has no mail address");
    assert!(export.groups.iter().any(|group| !group.member_groups.is_empty()), "groups are in groups");
    let place = place(&export, server, TOKEN, GRANTS);
    let (users, groups) = (export.in_scope().count() as u64, export.groups.len() as u64);
    assert_counts(&place.run(), [users, 0, 0], [groups, 0, 0]);
    assert_same(&export, server);

    let before = versions(server);
    assert_counts(&place.run(), [0, 0, 0], [0, 0, 0]);
    assert_eq!(versions(server), before, "a run with nothing to do touches nothing");

    let [leaver, other_leaver, mover, renamed, ..] = &export.dismissable()[..] else { panic!("there are enough people") };
    let (leaver, other_leaver, mover, renamed) = (leaver.clone(), other_leaver.clone(), mover.clone(), renamed.clone());
    let was_in = |export: &Export, number: &String| export.groups.iter().filter(|group| group.members.contains(number)).count();
    let new = export.hire();
    export.dismiss(&leaver);
    // Still in the file: out of scope is not the same as gone, and ends the same way.
    export.groups.iter_mut().for_each(|group| group.members.retain(|member| *member != other_leaver));
    export.person(&other_leaver).exit_date = Some("2026-06-30".into());
    export.person(&mover).title = "Ombudsman, \"interim\"".into();
    export.person(&renamed).family_name = "Nguyễn";
    export.person(&renamed).mail = None;
    assert_eq!(was_in(&export, &new), 0);
    let last = export.groups.len() - 1;
    export.groups[last].members.push(new.clone());
    let emptied = export.groups.iter().position(|group| !group.member_groups.is_empty()).expect("a group with groups");
    export.groups[emptied].members.clear();
    export.write(&place);
    let changed_groups = changed_groups(&export, server);
    assert!(changed_groups >= 2);
    assert_counts(&place.run(), [1, 2, 2], [0, changed_groups, 0]);
    assert_same(&export, server);
    let after = versions(server);
    let touched: Vec<_> = after.iter().filter(|(name, version)| before.get(*name) != Some(version)).map(|(name, _)| name).collect();
    assert_eq!(touched.len() as u64, 3 + changed_groups, "nobody else was touched: {touched:?}");
    assert_counts(&place.run(), [0, 0, 0], [0, 0, 0]);
    assert_eq!(versions(server), after, "a run with nothing to do touches nothing");

    let files = place.listing().into_iter().filter(|name| place.path(name).is_file());
    let leaks: Vec<_> = files.filter(|name| contains(&std::fs::read(place.path(name)).expect("a file"), TOKEN.as_bytes())).collect();
    assert!(leaks.is_empty(), "the token is in {leaks:?}");
}

fn a_company_arrives_in_bulk() {
    arrives_in_bulk(&ScimServer::start(TOKEN));
}

fn a_company_arrives_at_scimmy_in_bulk() {
    arrives_in_bulk(&ScimServer::scimmy(TOKEN));
}

fn arrives_in_bulk(server: &ScimServer) {
    let mut export = Export::of(Company { users: 60, groups: 5, ..COMPANY });
    let place = place(&export, server, TOKEN, GRANTS);
    let manifest = place.read(MANIFEST) + "\"scim.support.bulk.operation\" = true\n";
    place.write(MANIFEST, manifest);
    let (users, groups) = (export.in_scope().count() as u64, export.groups.len() as u64);
    assert_counts(&place.run(), [users, 0, 0], [groups, 0, 0]);
    assert_same(&export, server);
    let log = server.log();
    assert!(log.contains("/Bulk") && !log.contains("POST /v2/Users"), "{log}");
    let [leaver, mover, ..] = &export.dismissable()[..] else { panic!("there are enough people") };
    let (leaver, mover) = (leaver.clone(), mover.clone());
    export.dismiss(&leaver);
    export.person(&mover).title = "Ombudsman".into();
    export.hire();
    export.write(&place);
    let changed_groups = changed_groups(&export, server);
    assert_counts(&place.run(), [1, 1, 1], [0, changed_groups, 0]);
    assert_same(&export, server);
}

fn a_server_is_read_back_into_a_folder() {
    is_read_back_into_a_folder(&ScimServer::start(TOKEN));
}

fn scimmy_is_read_back_into_a_folder() {
    is_read_back_into_a_folder(&ScimServer::scimmy(TOKEN));
}

fn is_read_back_into_a_folder(server: &ScimServer) {
    let export = Export::of(COMPANY);
    place(&export, server, TOKEN, GRANTS).run().assert_code(0);
    // No transformation is named: those the plugins bring along.
    let back = Place::with_manifest(&format!(
        r#"[systems.cloud]
role = "source"
connector = "scim"
auth = {{ type = "bearer", token = {{ env = "SCIM_TOKEN" }} }}
{GRANTS}
properties = {{ URL = "{}", "scim.page.size" = 30 }}

[systems.copy]
role = "target"
connector = "file"
sources = ["cloud"]
properties = {{ "file.target.path" = "copy/" }}
"#,
        server.url()
    ))
    .with_environment("SCIM_TOKEN", TOKEN);
    let ended = back.run();
    ended.assert_code(0);
    let names: HashMap<String, String> = server.resources("Users").iter().map(|user| (text(user, "id"), text(user, "userName"))).collect();
    for (collection, folder, name) in [("Users", "user", "userName"), ("Groups", "group", "displayName")] {
        let resources = server.resources(collection);
        let files = back.listing().into_iter().filter(|path| path.starts_with(&format!("copy/{folder}/"))).collect::<Vec<_>>();
        assert_eq!(files.len(), resources.len(), "one document for each of {collection}\n{ended}");
        let documents: BTreeMap<String, Value> = files
            .iter()
            .map(|path| serde_json::from_str::<Value>(&back.read(path)).unwrap_or_else(|error| panic!("{path}: {error}")))
            .map(|document| (text(&document, name), document))
            .collect();
        for mut resource in resources {
            let found = &documents[&text(&resource, name)];
            let object = resource.as_object_mut().expect("an object");
            object.remove("id");
            object.remove("meta");
            // The ids of members are those of the folder; groups in groups are not looked up by the default transformation.
            if let Some(members) = object.remove("members") {
                let members: BTreeSet<&str> = values(&members).into_iter().filter_map(|id| names.get(id).map(String::as_str)).collect();
                assert_eq!(values(&found["members"]), members, "members of {found}");
            }
            let mut found = found.clone();
            found.as_object_mut().expect("an object").remove("members");
            assert_eq!(found, resource);
        }
    }
    let again = back.run();
    again.assert_code(0);
    let counts = &again.value()["systems"]["copy"];
    for entity_type in ["user", "group"] {
        assert_eq!(
            [&counts[entity_type]["created"], &counts[entity_type]["updated"], &counts[entity_type]["deleted"]],
            [0, 0, 0],
            "{again}"
        );
    }
}

fn changes_at_scimmy_are_read_alone() {
    let server = ScimServer::scimmy(TOKEN);
    let user =
        |name: &str, title: &str| json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "title": title });
    let created = |number: u32| server.request("POST", "/Users", Some(&user(&format!("u{number}"), "one"))).expect("an answer").1;
    let first = created(0);
    (1..29).for_each(|number| _ = created(number));
    // A read of changes reaches back a second behind the newest one.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    created(29);
    let copy = Place::with_manifest(&format!(
        r#"[systems.cloud]
role = "source"
connector = "scim"
auth = {{ type = "bearer", token = {{ env = "SCIM_TOKEN" }} }}
{GRANTS}
properties = {{ URL = "{}", "scim.page.size" = 10, "ips.delta.read" = "enabled", "scim.user.filter" = "title pr" }}

[systems.copy]
role = "target"
connector = "file"
sources = ["cloud"]
properties = {{ "file.target.path" = "copy/" }}
"#,
        server.url()
    ))
    .with_environment("SCIM_TOKEN", TOKEN);
    copy.run().assert_code(0);
    let (status, answer) = server.request("PUT", &format!("/Users/{}", text(&first, "id")), Some(&user("u0", "two"))).expect("an answer");
    assert_eq!(status, 200, "{answer}");
    let ended = copy.run();
    ended.assert_code(0);
    let report = ended.value();
    assert_eq!((&report["read-mode"], &report["systems"]["copy"]["user"]["updated"]), (&json!("delta"), &json!(1)), "{ended}");
    assert_eq!(report["systems"]["cloud"]["user"]["read"], 2, "{ended}");
}

fn who_was_there_before_is_found_updated_and_never_deleted() {
    let server = ScimServer::start(TOKEN);
    let mut export = Export::of(Company { users: 20, groups: 0, ..COMPANY });
    let number = export.dismissable()[0].clone();
    let old =
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": number, "title": "Here before", "active": false });
    let (status, there) = server.request("POST", "/Users", Some(&old)).expect("an answer");
    assert_eq!(status, 201, "{there}");
    let place = place(&export, &server, TOKEN, GRANTS);
    assert_user_counts(&place.run(), [export.in_scope().count() as u64 - 1, 1, 0]);
    assert_same(&export, &server);
    let (_, now) = server.request("GET", &format!("/Users/{}", text(&there, "id")), None).expect("an answer");
    assert_eq!(now["externalId"], number.as_str(), "the same resource was updated");
    assert_eq!(existed_before(&place), std::slice::from_ref(&number));
    assert_user_counts(&place.run(), [0, 0, 0]);

    export.dismiss(&number);
    export.write(&place);
    let ended = place.run();
    assert_user_counts(&ended, [0, 0, 0]);
    let deletion = &ended.value()["deletions"].as_array().expect("deletions").iter().find(|one| one["entity-type"] == "user").cloned();
    let deletion = deletion.as_ref().expect("a decision about users");
    assert_eq!([&deletion["due"], &deletion["deleted"], &deletion["kept"]], [1, 0, 1], "{deletion}");
    let (status, still) = server.request("GET", &format!("/Users/{}", text(&there, "id")), None).expect("an answer");
    assert_eq!((status, &still["externalId"]), (200, &Value::from(number)), "it existed before and is still there");
    assert!(existed_before(&place).is_empty(), "and the host has let go of it");
}

fn a_wrong_token_is_told_and_nothing_is_done() {
    let server = ScimServer::start(TOKEN);
    let place = place(&Export::of(COMPANY), &server, "a-wrong-token", GRANTS);
    let ended = place.command(&["check", MANIFEST]);
    ended.assert_code(1).assert_output(&["connection directory: error[backend.unauthenticated]", "401", "check the credentials"]);
    let ended = place.run();
    assert_failed(&ended, "backend.unauthenticated", "401");
    for said in [&ended.stdout, &ended.stderr] {
        assert!(!said.contains("a-wrong-token"), "what was wrong about the token is not its text");
    }
    assert!(server.resources("Users").is_empty() && server.resources("Groups").is_empty());
}

fn a_server_that_is_down_deletes_nobody() {
    let server = ScimServer::start(TOKEN);
    let mut export = Export::of(Company { users: 40, groups: 3, ..COMPANY });
    let place = place(&export, &server, TOKEN, GRANTS);
    place.run().assert_code(0);
    let known = relation_count(&place);
    assert!(known > 40);
    drop(server);
    for number in export.dismissable().iter().take(3) {
        export.dismiss(number);
    }
    export.write(&place);
    let ended = place.command(&["check", MANIFEST]);
    ended.assert_code(1).assert_output(&["connection directory: error[backend.unavailable]"]);
    assert_failed(&place.run(), "backend.unavailable", "");
    assert_eq!(relation_count(&place), known, "nobody is forgotten");
}

fn without_the_grant_nothing_is_sent() {
    let server = ScimServer::start(TOKEN);
    let requests = server.log().lines().count();
    let place = place(&Export::of(COMPANY), &server, TOKEN, "");
    let lines = "[systems.directory.grants]\n    networks = [\"127.0.0.1/32\"]";
    let ended = place.command(&["check", MANIFEST]);
    ended.assert_code(1).assert_output(&["connection directory: error[backend.forbidden]", "egress.address-refused", lines]);
    let ended = place.run();
    assert_failed(&ended, "backend.forbidden", "");
    ended.assert_error(&["egress.address-refused", "[systems.directory.grants]", "networks = [\"127.0.0.1/32\"]"]);
    assert_eq!(server.log().lines().count(), requests, "the server heard nothing:\n{}", server.log());
}

fn the_token_is_in_no_memory_of_a_plugin() {
    let server = ScimServer::start(TOKEN);
    let reversed: String = TOKEN.chars().rev().collect();
    let place = Place::with_manifest(&format!(
        r#"[systems.hr]
role = "source"
connector = "snoop"
auth = {{ type = "bearer", token = {{ env = "SCIM_TOKEN" }} }}
{GRANTS}
properties = {{ "snoop.url" = "http://{}/", "snoop.needle.reversed" = "{reversed}" }}

[systems.directory]
role = "target"
connector = "file"
sources = ["hr"]
properties = {{ "file.target.path" = "out/", "file.user.unique.attribute" = "id" }}
"#,
        server.address
    ))
    .guest(SNOOP)
    .with_environment("SCIM_TOKEN", TOKEN);
    place.run().assert_code(0);
    let outcome = |id: &str| {
        let document: Value = serde_json::from_str(&place.read(&format!("out/user/{id}.json"))).expect("JSON");
        text(&document, "outcome")
    };
    // The server has nothing at that path, and says so only to those it knows.
    assert!(outcome("http-granted").starts_with("got 404 "), "the token was accepted: {}", outcome("http-granted"));
    assert!(outcome("memory").starts_with("0 places in "), "{}", outcome("memory"));
    assert_ne!(outcome("memory-search-works"), "0 places", "the search finds what is there");
}

/// [created, updated, deleted] of users and groups, and nothing failed.
#[track_caller]
fn assert_counts(ended: &Ended, users: [u64; 3], groups: [u64; 3]) {
    assert_user_counts(ended, users);
    assert_eq!(counts(ended, "group"), groups, "groups created, updated, deleted\n{ended}");
}

#[track_caller]
fn assert_user_counts(ended: &Ended, users: [u64; 3]) {
    ended.assert_code(0);
    assert_eq!(counts(ended, "user"), users, "users created, updated, deleted\n{ended}");
}

fn counts(ended: &Ended, entity_type: &str) -> [u64; 3] {
    let report = ended.value();
    let counts = &report["systems"]["directory"][entity_type];
    ["created", "updated", "deleted"].map(|name| counts[name].as_u64().unwrap_or_else(|| panic!("{entity_type} has no {name}\n{ended}")))
}

/// The run failed for this reason, and nothing was written or deleted.
#[track_caller]
fn assert_failed(ended: &Ended, code: &str, message: &str) {
    ended.assert_code(1);
    let report = ended.value();
    assert_eq!((&report["status"], &report["error"]["code"]), (&json!("failed"), &json!(code)), "{ended}");
    let said = report["error"]["message"].as_str().unwrap_or_default();
    assert!(said.contains("directory") && said.contains(message), "{said}");
    let touched = report.pointer("/systems/directory").and_then(Value::as_object).into_iter().flatten();
    for (entity_type, counts) in touched {
        assert_eq!([&counts["created"], &counts["updated"], &counts["deleted"]], [0, 0, 0], "{entity_type}\n{ended}");
    }
    let deletions = report["deletions"].as_array().into_iter().flatten();
    assert!(deletions.into_iter().all(|deletion| deletion["deleted"] == 0), "{ended}");
}

/// Groups whose members on the server are not those of the export.
fn changed_groups(export: &Export, server: &ScimServer) -> u64 {
    let (users, groups) = (server.resources("Users"), server.resources("Groups"));
    let ids = Ids::of(&users, &groups);
    let changed = export.groups.iter().filter(|group| {
        let there = groups.iter().find(|found| found["externalId"] == group.id.as_str()).expect("the group is there");
        let members = group.members.iter().chain(&group.member_groups).map(|member| ids.0.get(member).map_or("new", String::as_str));
        values(&there["members"]) != members.collect()
    });
    changed.count() as u64
}

/// Id -> when it was last changed, and its version.
fn versions(server: &ScimServer) -> BTreeMap<String, (String, String)> {
    let resources = ["Users", "Groups"].into_iter().flat_map(|collection| server.resources(collection));
    resources
        // scimmy has no versions.
        .map(|resource| (text(&resource, "id"), (text(&resource["meta"], "lastModified"), resource["meta"]["version"].to_string())))
        .collect()
}

fn existed_before(place: &Place) -> Vec<String> {
    let state = state(place);
    let mut statement = state.prepare("SELECT source_id FROM relations WHERE existed_before").expect("the view is there");
    statement.query_map([], |row| row.get(0)).and_then(Iterator::collect).expect("the rows are readable")
}

fn relation_count(place: &Place) -> i64 {
    state(place).query_row("SELECT count(*) FROM relations", [], |row| row.get(0)).expect("a number")
}

fn state(place: &Place) -> Connection {
    Connection::open_with_flags(place.path("provisor.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the state opens")
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
