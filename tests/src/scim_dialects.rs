//! SCIM services that do things in a way of their own, on purpose: what is there in the end, whole runs through the command.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::place::Place;
use crate::scim_sink::{Answered, Asked, Kept, Sink, refused};
use crate::trials;

trials![
    a_service_made_for_one_client_is_spoken_to_in_its_way,
    users_are_made_inactive_where_deletion_is_not_meant,
    duplicates_are_found_however_they_are_told,
    tokens_that_expire_are_fetched_again,
    versions_that_are_insisted_on_are_sent,
    bulk_requests_that_are_half_done_lose_and_double_nobody,
    a_service_of_scim_1_1_gets_members_one_by_one,
];

const USERS: usize = 30;

const WRITE: &str = r#"{
  "user": { "mappings": [
    { "sourcePath": "$.userName", "targetPath": "$.userName" },
    { "sourcePath": "$.title", "targetPath": "$.title" },
    { "constant": true, "targetPath": "$.active" },
    { "sourcePath": "$.userName", "targetPath": "$.name.givenName" },
    { "constant": "Sales", "targetPath": "$['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User']['department']" }
  ] },
  "group": { "mappings": [
    { "sourcePath": "$.displayName", "targetPath": "$.displayName" },
    { "sourcePath": "$.members[*].value", "preserveArrayWithSingleElement": true, "targetPath": "$.members[?(@.value)]",
      "functions": [{ "function": "resolveEntityIds" }] }
  ] }
}"#;

const READ: &str = r#"{
  "user": { "mappings": [
    { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" },
    { "sourcePath": "$.id", "targetPath": "$.userName" }, { "sourcePath": "$.title", "targetPath": "$.title" }
  ] },
  "group": { "mappings": [
    { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" }, { "sourcePath": "$.name", "targetPath": "$.displayName" },
    { "sourcePath": "$.members[*]", "preserveArrayWithSingleElement": true, "targetPath": "$.members[?(@.value)]" }
  ] }
}"#;

/// A place that writes users and one group from CSV files to this server; differences of members from the first one on.
fn writing(sink: &Sink, properties: &str) -> Place {
    let place = Place::with_manifest(&format!(
        "state = \"provisor.db\"\n[systems.hr]\nrole = \"source\"\nconnector = \"file\"\ntransformation = \"read.json\"\n\
         [systems.hr.properties]\n\"file.user.path\" = \"people.csv\"\n\"file.group.path\" = \"groups.csv\"\n\
         [systems.directory]\nrole = \"target\"\nconnector = \"scim\"\nsources = [\"hr\"]\ntransformation = \"write.json\"\n\
         grants = {{ networks = [\"127.0.0.1/32\"] }}\nmembers-whole = 0\n[systems.directory.properties]\nURL = \"http://{}\"\n\
         \"ips.failed.request.retry.attempts.interval\" = 1\n{properties}\n",
        sink.address
    ));
    place.write("read.json", READ);
    place.write("write.json", WRITE);
    company(&place, 0..USERS, "one");
    place
}

/// These users, all with the title, and the group of the even ones.
fn company(place: &Place, users: std::ops::Range<usize>, title: &str) {
    let mut people = "id,title\n".to_owned();
    users.clone().for_each(|number| _ = writeln!(people, "u{number},{title}"));
    let members: Vec<String> = users.filter(|number| number % 2 == 0).map(|number| format!("u{number}")).collect();
    place.write("people.csv", people);
    place.write("groups.csv", format!("id,name,members\ng1,even,{}\n", members.join("|")));
}

/// Just these users are there, once and with the title, and the even ones are in the group.
#[track_caller]
fn assert_there(sink: &Sink, users: std::ops::Range<usize>, title: &str) {
    let kept = sink.kept();
    let name = |user: &Value| user["userName"].as_str().expect("a name").to_owned();
    let found: Vec<String> =
        kept.of("Users").filter(|(_, user)| user["active"] != false && user["active"] != "False").map(|(_, user)| name(user)).collect();
    let expected: BTreeSet<String> = users.clone().map(|number| format!("u{number}")).collect();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    assert!(kept.of("Users").filter(|(_, user)| expected.contains(&name(user))).all(|(_, user)| user["title"] == title));
    let groups: Vec<&Value> = kept.of("Groups").map(|(_, group)| group).collect();
    assert_eq!(groups.len(), 1);
    let members: BTreeSet<String> = groups[0]["members"]
        .as_array()
        .expect("members")
        .iter()
        .map(|member| name(&kept.resources[&format!("Users/{}", member["value"].as_str().expect("an id"))]))
        .collect();
    assert_eq!(members, users.filter(|number| number % 2 == 0).map(|number| format!("u{number}")).collect());
}

/// A first run, a change of everybody, three leavers and five newcomers, and a last run with nothing to do.
fn in_step(place: &Place, sink: &Sink) {
    place.run().assert_code(0);
    assert_there(sink, 0..USERS, "one");
    company(place, 3..USERS + 5, "two");
    place.run().assert_code(0);
    assert_there(sink, 3..USERS + 5, "two");
    let again = place.run();
    again.assert_code(0);
    for entity_type in ["user", "group"] {
        let counts = &again.value()["systems"]["directory"][entity_type];
        assert_eq!([&counts["created"], &counts["updated"], &counts["deleted"]], [0, 0, 0], "{again}");
    }
}

fn has_boolean(value: &Value) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::Array(items) => items.iter().any(has_boolean),
        Value::Object(object) => object.values().any(has_boolean),
        _ => false,
    }
}

/// Knows one client, and what that one never sent.
fn made_for_one_client(asked: &Asked<'_>, _: &mut Kept) -> Option<Answered> {
    if matches!(asked.method, "GET" | "DELETE") {
        return None;
    }
    let document = asked.document();
    if has_boolean(&document) {
        return refused(400, "True or False was expected");
    }
    if asked.method == "PUT" {
        return refused(405, "PUT is not known");
    }
    for operation in document["Operations"].as_array().into_iter().flatten() {
        let path = operation["path"].as_str().unwrap_or_default();
        if !["Add", "Remove", "Replace"].contains(&operation["op"].as_str().unwrap_or_default()) {
            return refused(400, "unknown operation");
        }
        if path.is_empty() || path.contains('[') || operation["value"].is_object() {
            return refused(400, "a path is expected");
        }
    }
    None
}

fn a_service_made_for_one_client_is_spoken_to_in_its_way() {
    let sink = Sink::with_manners(made_for_one_client);
    let patch = "\"scim.support.patch.operation\" = true";
    let place = writing(&sink, patch);
    place.run().assert_code(4);
    assert_eq!(sink.kept().of("Users").count(), 0, "in the usual way it takes nothing");
    let sink = Sink::with_manners(made_for_one_client);
    in_step(&writing(&sink, &format!("{patch}\n\"scim.profile\" = \"entra\"")), &sink);
}

fn users_are_made_inactive_where_deletion_is_not_meant() {
    let sink =
        Sink::with_manners(|asked, _| (asked.method == "DELETE" && asked.path.starts_with("Users")).then_some((405, String::new(), None)));
    let place = writing(&sink, "\"scim.profile\" = \"soft-delete\"");
    in_step(&place, &sink);
    assert_eq!(sink.kept().of("Users").filter(|(_, user)| user["active"] == false).count(), 3);
    // Who comes back is found where he is.
    company(&place, 0..USERS, "three");
    place.run().assert_code(0);
    assert_there(&sink, 0..USERS, "three");
    assert_eq!(sink.kept().of("Users").count(), USERS + 5);
}

fn duplicates_are_found_however_they_are_told() {
    for (status, words, profile) in [
        (409, "", ""),
        (409, "conflict", ""),
        (400, "A user with this name already exists", "unmarked-duplicates"),
        (500, "ERROR: duplicate key value violates unique constraint", "unmarked-duplicates"),
    ] {
        let sink = Sink::with_manners(move |asked, kept| match asked.method {
            "POST" if asked.path == "Users" && kept.of("Users").any(|(_, user)| user["userName"] == asked.document()["userName"]) => {
                refused(status, words)
            }
            _ => None,
        });
        for number in 0..4 {
            sink.change(|kept| _ = kept.create("Users", json!({ "userName": format!("u{number}"), "title": "before" })));
        }
        let place = writing(&sink, &format!("\"scim.profile\" = \"{profile}\""));
        place.run().assert_code(0);
        assert_there(&sink, 0..USERS, "one");
    }
}

fn tokens_that_expire_are_fetched_again() {
    let (given, left) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let sink = Sink::with_manners(move |asked, kept| {
        if asked.method == "GET" {
            let wanted = asked.path == "csrf" && asked.header("x-csrf-token") == Some("Fetch");
            return wanted.then(|| {
                left.store(7, Ordering::SeqCst);
                let number = given.fetch_add(1, Ordering::SeqCst) + 1;
                (200, format!("x-csrf-token: t{number}\r\nset-cookie: session=s{number}; HttpOnly; Path=/\r\n"), Some(json!({})))
            });
        }
        let number = given.load(Ordering::SeqCst);
        let known =
            asked.header("x-csrf-token") == Some(&format!("t{number}")) && asked.header("cookie") == Some(&format!("session=s{number}"));
        if known && left.load(Ordering::SeqCst) > 0 {
            left.fetch_sub(1, Ordering::SeqCst);
            return Some(kept.usual(asked));
        }
        Some((403, "x-csrf-token: Required\r\n".to_owned(), None))
    });
    let protection = "\"scim.api.csrf.protection\" = \"enabled\"\n\"scim.csrf.token.path\" = \"/csrf\"";
    in_step(&writing(&sink, protection), &sink);
}

fn versions_that_are_insisted_on_are_sent() {
    let sink = Sink::with_manners(|asked, kept| {
        let there = kept.resources.get(asked.path)?;
        let version = format!("W/\"{}\"", there["version"].as_u64().unwrap_or(0));
        match asked.method {
            "GET" => {
                let mut answer = kept.usual(asked);
                answer.1 = format!("etag: {version}\r\n");
                // Somebody else is faster, once before each change.
                kept.resources.get_mut(asked.path).expect("it is there")["version"] = 1.into();
                Some(answer)
            }
            _ if asked.header("if-match").is_none() => refused(428, "If-Match is required"),
            _ if asked.header("if-match") != Some(&version) => refused(412, "the version is not right"),
            _ => None,
        }
    });
    in_step(&writing(&sink, ""), &sink);
}

/// Carries out bulk requests in its own way: some operations are refused as too many, some are done and not told about, and some requests are done without an answer.
fn half_done(count: &AtomicUsize, asked: &Asked<'_>, kept: &mut Kept) -> Option<Answered> {
    match (asked.method, asked.path) {
        ("GET", "ServiceProviderConfig") => {
            let config = json!({ "patch": { "supported": true }, "filter": { "supported": true },
                "bulk": { "supported": true, "maxOperations": 10, "maxPayloadSize": 100_000 } });
            Some((200, String::new(), Some(config)))
        }
        ("POST", "Bulk") => {
            let mut results = Vec::new();
            for operation in asked.document()["Operations"].as_array().expect("operations") {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let mut result = json!({ "method": operation["method"], "bulkId": operation["bulkId"] });
                if number.is_multiple_of(5) {
                    result["status"] = "429".into();
                    results.push(result);
                    continue;
                }
                let data = operation["data"].to_string();
                let path = operation["path"].as_str().expect("a path").trim_start_matches('/');
                let method = operation["method"].as_str().expect("a method");
                let (status, _, document) = kept.usual(&Asked::inside(method, path, data.as_bytes()));
                result["status"] = status.to_string().into();
                if let Some(document) = document.filter(|_| status < 300) {
                    result["location"] = format!("http://elsewhere/v2/{path}/{}", document["id"].as_str().expect("an id")).into();
                }
                if !number.is_multiple_of(7) {
                    results.push(result);
                }
            }
            Some((
                200,
                String::new(),
                Some(json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"], "Operations": results })),
            ))
        }
        _ => None,
    }
}

fn bulk_requests_that_are_half_done_lose_and_double_nobody() {
    let count = AtomicUsize::new(1);
    let sink = Sink::with_manners(move |asked, kept| half_done(&count, asked, kept));
    let place = writing(&sink, "\"scim.support.bulk.operation\" = true\n\"ips.failed.request.retry.attempts\" = 3");
    // Now and then somebody is refused every time; the next run gets them through.
    let through = |place: &Place| {
        let mut ended = place.run();
        for _ in 0..5 {
            if ended.code == Some(4) {
                ended = place.run();
            }
        }
        ended.assert_code(0);
    };
    through(&place);
    assert_there(&sink, 0..USERS, "one");
    assert_eq!(sink.kept().creates, USERS + 1, "nobody was created twice");
    company(&place, 3..USERS + 5, "two");
    through(&place);
    assert_there(&sink, 3..USERS + 5, "two");
    assert_eq!(sink.kept().creates, USERS + 6, "nobody was created twice");
}

/// SCIM 1.1 in the way of UAA.
fn uaa(asked: &Asked<'_>, kept: &mut Kept) -> Option<Answered> {
    let place: Vec<&str> = asked.path.split('/').collect();
    let member = |document: &Value| document["type"] == "USER" && document.as_object().is_some_and(|object| object.len() == 2);
    match (asked.method, place.as_slice()) {
        ("GET", ["ServiceProviderConfig"]) => Some((404, String::new(), None)),
        ("GET", ["Users" | "Groups"]) => {
            let (_, fields, list) = kept.usual(asked);
            let list = list.expect("a list");
            Some((200, fields, Some(json!({ "resources": list["Resources"], "totalResults": list["totalResults"], "startIndex": 1 }))))
        }
        (_, [_, _, "members", ..]) | ("PATCH", _) if asked.header("if-match").is_some_and(|version| version != "*") => {
            refused(400, "If-Match")
        }
        ("POST", ["Groups", id, "members"]) => {
            let group = kept.resources.get_mut(&format!("Groups/{id}"))?;
            let document = asked.document();
            assert!(member(&document), "{document}");
            group["members"].as_array_mut().expect("members").push(json!({ "value": document["value"] }));
            Some((201, String::new(), Some(document)))
        }
        ("DELETE", ["Groups", id, "members", gone]) => {
            let group = kept.resources.get_mut(&format!("Groups/{id}"))?;
            group["members"].as_array_mut().expect("members").retain(|member| member["value"] != *gone);
            Some((200, String::new(), Some(json!({ "value": gone }))))
        }
        ("PATCH", _) => refused(405, "members have an endpoint of their own"),
        ("PUT", _) if asked.header("if-match") != Some("*") => refused(400, "Missing If-Match for PUT"),
        ("PUT" | "POST", _) if asked.document()["schemas"][0] != "urn:scim:schemas:core:1.0" => refused(400, "unknown schema"),
        _ => None,
    }
}

fn a_service_of_scim_1_1_gets_members_one_by_one() {
    let sink = Sink::with_manners(uaa);
    let place = writing(&sink, "\"scim.profile\" = \"uaa\"\n\"uaa.origin\" = \"idp\"");
    in_step(&place, &sink);
}
