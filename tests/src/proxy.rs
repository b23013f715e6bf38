//! Proxy systems over real connectors: what a SCIM client sees of a backend, and what the backend has afterwards.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::http;
use crate::place::{MANIFEST, Place, rows};
use crate::serve;
use crate::serving::{Serving, TOKEN};
use crate::trials;

trials![
    a_session_reaches_the_backend,
    totals_of_a_backend_that_counts,
    totals_of_a_backend_that_does_not,
    pages_by_index_and_by_cursor,
    filters_are_asked_of_the_backend,
    patches_go_through_their_mappings,
    a_backend_that_is_gone,
    a_proxy_takes_no_part_in_runs,
];

/// A SCIM service behind the scim connector, with these lines more.
pub(crate) fn manifest(url: &str, more: &str) -> String {
    let digest = crate::serving::PEOPLE.lines().find(|line| line.starts_with("sha256")).expect("a digest");
    format!(
        r#"[systems.backend]
role = "proxy"
connector = "scim"
auth = {{ type = "bearer", token = {{ env = "SCIM_TOKEN" }} }}
grants = {{ networks = ["127.0.0.1/32"] }}
{more}

[systems.backend.properties]
URL = "{url}"

[serve.tokens.idm]
{digest}
role = "scim-client"
systems = ["backend"]
"#
    )
}

/// A proxy over a directory, and the directory.
struct Pair {
    proxy: Serving,
    directory: Serving,
    _places: [Place; 2],
}

impl Pair {
    fn new(more: &str, files: &[(&str, &str)]) -> Self {
        let behind = serve::place();
        let directory = Serving::start(&behind);
        let place = Place::with_manifest(&manifest(&format!("http://{}/scim/people", directory.address), more))
            .with_environment("SCIM_TOKEN", TOKEN);
        for (name, content) in files {
            place.write(name, content);
        }
        let proxy = Serving::start(&place);
        Self { proxy, directory, _places: [behind, place] }
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.proxy.request(TOKEN, method, &format!("/scim/backend{path}"), body)
    }

    /// A list: its total, its `itemsPerPage`, and the user names.
    #[track_caller]
    fn list(&self, query: &str) -> (u64, u64, Vec<String>) {
        let (status, body) = self.ask("GET", query, None);
        assert_eq!(status, 200, "{query}: {body}");
        let names = body["Resources"].as_array().expect("resources").iter().map(|one| text(one, "/userName")).collect();
        (body["totalResults"].as_u64().expect("a total"), body["itemsPerPage"].as_u64().expect("items"), names)
    }

    /// These users stand in the directory.
    fn users(&self, numbers: std::ops::RangeInclusive<u32>) {
        for number in numbers {
            let user = json!({ "userName": format!("u{number}"), "title": if number % 2 == 0 { "even" } else { "odd" } });
            assert_eq!(self.directory.people("POST", "/Users", Some(&user)).0, 201);
        }
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}")).to_owned()
}

fn a_session_reaches_the_backend() {
    let pair = Pair::new("", &[]);
    let (_, types) = pair.ask("GET", "/ResourceTypes", None);
    assert_eq!(types["totalResults"], 2, "{types}");
    let (status, made) = pair.ask("POST", "/Users", Some(&json!({ "userName": "ada", "name": { "familyName": "Lovelace" } })));
    assert_eq!(status, 201, "{made}");
    let id = text(&made, "/id");
    let location = format!("http://{}/scim/backend/Users/{id}", pair.proxy.address);
    assert_eq!((text(&made, "/meta/location"), text(&made, "/userName")), (location, "ada".to_owned()));
    assert_eq!(pair.directory.people("GET", &format!("/Users/{id}"), None).1["name"]["familyName"], "Lovelace");
    let (status, again) = pair.ask("POST", "/Users", Some(&json!({ "userName": "ADA" })));
    assert_eq!((status, &again["scimType"]), (409, &json!("uniqueness")), "{again}");

    let (status, group) = pair.ask("POST", "/Groups", Some(&json!({ "displayName": "Staff", "members": [{ "value": id }] })));
    assert_eq!((status, text(&group, "/members/0/value")), (201, id.clone()), "{group}");
    let group = format!("/Groups/{}", text(&group, "/id"));
    let patch =
        json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": "All" }, { "op": "remove", "path": "members" }] });
    let (status, patched) = pair.ask("PATCH", &group, Some(&patch));
    assert_eq!((status, text(&patched, "/displayName"), patched.get("members")), (200, "All".to_owned(), None), "{patched}");
    assert_eq!(pair.directory.people("GET", &group, None).1["displayName"], "All");

    let user = format!("/Users/{id}");
    let (status, put) = pair.ask("PUT", &user, Some(&json!({ "userName": "countess" })));
    assert_eq!((status, text(&put, "/userName"), put.get("name")), (200, "countess".to_owned(), None), "{put}");
    let patch = json!({ "Operations": [{ "op": "add", "path": "emails[type eq \"work\"].value", "value": "a@example.com" }] });
    assert_eq!(pair.ask("PATCH", &user, Some(&patch)).0, 200);
    assert_eq!(pair.directory.people("GET", &user, None).1["emails"][0]["value"], "a@example.com");
    let (status, refused) = pair.ask("PATCH", &user, Some(&json!({ "Operations": [{ "op": "remove", "path": "userName" }] })));
    assert_eq!((status, &refused["scimType"]), (400, &json!("invalidValue")), "the backend says no: {refused}");

    assert_eq!(pair.ask("DELETE", &user, None).0, 204);
    assert_eq!(pair.directory.people("GET", &user, None).0, 404);
    for method in ["GET", "DELETE"] {
        assert_eq!(pair.ask(method, &user, None).0, 404, "{method}");
    }
    assert_eq!(pair.ask("PUT", &user, Some(&json!({ "userName": "x" }))).0, 404);
    assert_eq!(pair.ask("PATCH", &user, Some(&patch)).0, 404);
}

const WITHOUT_ODD: &str = r#"{ "user": {
    "condition": "$.title == 'even'",
    "mappings": [{ "sourcePath": "$", "targetPath": "$" }, { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" }]
} }"#;

/// The published examples of spec section 5.4.
fn totals_of_a_backend_that_counts() {
    let pair = Pair::new("", &[]);
    pair.users(1..=150);
    for (query, total, items) in
        [("startIndex=101&count=100", 150, 50), ("startIndex=201&count=100", 150, 0), ("startIndex=1&count=10", 150, 10)]
    {
        let (found, shown, names) = pair.list(&format!("/Users?{query}"));
        assert_eq!((found, shown, names.len()), (total, items, usize::try_from(items).expect("few")), "{query}");
    }
    assert_eq!(pair.list("/Users").1, 25, "the default");
    let pair = Pair::new("read-transformation = \"read.json\"", &[("read.json", WITHOUT_ODD)]);
    pair.users(1..=100);
    for (query, total, items, resources) in
        [("startIndex=1&count=50", 51, 50, 25), ("startIndex=51&count=50", 101, 50, 25), ("startIndex=101&count=50", 100, 0, 0)]
    {
        let (found, shown, names) = pair.list(&format!("/Users?{query}"));
        assert_eq!((found, shown, names.len()), (total, items, resources), "{query}");
    }
    assert_eq!(pair.ask("GET", "/Groups", None).0, 404, "the transformation has no groups");
}

fn totals_of_a_backend_that_does_not() {
    let digest = crate::serving::PEOPLE.lines().find(|line| line.starts_with("sha256")).expect("a digest");
    let place = Place::with_manifest(&format!(
        r#"[systems.backend]
role = "proxy"
connector = "file"
read-transformation = "read.json"
properties = {{ "file.user.path" = "people.csv", "file.target.path" = "out/" }}
[serve.tokens.idm]
{digest}
role = "scim-client"
systems = ["backend"]
"#
    ));
    place.write("people.csv", rows("id,userName", 1..=150, |number| format!("{number},u{number}")));
    place.write("read.json", r#"{ "user": { "mappings": [{ "sourcePath": "$", "targetPath": "$" }, { "sourcePath": "$.id", "targetVariable": "entityIdSourceSystem" }] } }"#);
    let serving = Serving::start(&place);
    let list = |query: &str| serving.request(TOKEN, "GET", &format!("/scim/backend/Users?{query}"), None).1;
    for (query, total, resources) in
        [("startIndex=1&count=100", 101, 100), ("startIndex=101&count=100", 201, 50), ("startIndex=201&count=100", 150, 0)]
    {
        let body = list(query);
        assert_eq!(
            (&body["totalResults"], body["Resources"].as_array().map(Vec::len)),
            (&json!(total), Some(resources)),
            "{query}: {body}"
        );
    }
    // The connector cannot be asked for one, so all of them are looked at.
    let (status, one) = serving.request(TOKEN, "GET", "/scim/backend/Users/77", None);
    assert_eq!((status, &one["userName"]), (200, &json!("u77")));
    assert_eq!(list("filter=userName%20eq%20%22U150%22")["totalResults"], 1);
}

fn pages_by_index_and_by_cursor() {
    let pair = Pair::new("", &[]);
    pair.users(1..=60);
    let (mut start, mut seen) = (1, Vec::new());
    loop {
        let (total, items, names) = pair.list(&format!("/Users?startIndex={start}&count=7"));
        seen.extend(names);
        start += items;
        if items == 0 || start > total {
            break;
        }
    }
    let all: Vec<String> = (1..=60).map(|number| format!("u{number}")).collect();
    assert_eq!(seen, all, "each once, in the backend's order");
    assert_eq!(pair.list("/Users?startIndex=30&count=2").2, ["u30", "u31"], "any place");
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let (status, body) = pair.ask("GET", &format!("/Users?cursor={cursor}&count=50"), None);
        assert_eq!(status, 200, "{body}");
        seen.extend(body["Resources"].as_array().expect("resources").iter().map(|one| text(one, "/userName")));
        match body["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen, all);
    assert_eq!(pair.ask("GET", "/Users?cursor=nonsense", None).1["scimType"], "invalidCursor");
    let without = pair.ask("GET", "/Users?attributes=title&count=1", None).1;
    assert!(without["Resources"][0].get("userName").is_none() && without["Resources"][0]["title"] == "odd", "{without}");
    // What is written is seen at once, although places of pages are remembered.
    assert_eq!(pair.ask("POST", "/Users", Some(&json!({ "userName": "last" }))).0, 201);
    assert_eq!(pair.list("/Users?startIndex=61&count=7").2, ["last"]);
}

fn filters_are_asked_of_the_backend() {
    let pair = Pair::new("", &[]);
    pair.users(1..=30);
    let asked = |filter: &str| {
        let mut query = String::new();
        for byte in filter.bytes() {
            // Writing to a string cannot fail.
            let _ = write!(query, "%{byte:02x}");
        }
        pair.ask("GET", &format!("/Users?filter={query}"), None)
    };
    let total = |filter: &str| asked(filter).1["totalResults"].clone();
    assert_eq!((total("userName eq \"U7\""), total("userName eq \"nobody\"")), (json!(1), json!(0)));
    assert_eq!(total("userName eq \"u7\" and title eq \"odd\""), 1);
    assert_eq!(total("userName eq \"u7\" and title eq \"even\""), 0);
    let (status, many) = asked("title eq \"odd\"");
    assert_eq!((status, &many["scimType"]), (400, &json!("tooMany")), "spec section 5.5: {many}");
    // What no backend is asked is looked for among all.
    assert_eq!(total("userName sw \"u1\""), 11);
    assert_eq!(total("not (title eq \"odd\")"), 15);
    let (_, page) = pair.ask("GET", "/Users?startIndex=9&count=5&filter=userName%20sw%20%22u1%22", None);
    assert_eq!((&page["totalResults"], page["Resources"].as_array().map(Vec::len)), (&json!(11), Some(3)));
    for wrong in ["userName eq", "(((", "title eq 1 1"] {
        assert_eq!(asked(wrong).1["scimType"], "invalidFilter", "{wrong}");
    }
    // A filter is translated, never spliced.
    assert_eq!(total("userName eq \"x\\\" or userName pr or userName eq \\\"y\""), 0);
}

fn patches_go_through_their_mappings() {
    let write = r#"{ "user": { "mappings": [
        { "sourcePath": "$", "targetPath": "$" },
        { "type": "remove", "targetPath": "$.id" }, { "type": "remove", "targetPath": "$.meta" },
        { "sourceVariable": "entityIdTargetSystem", "targetPath": "$.id", "optional": true },
        { "sourcePath": "$.schemas", "targetPath": "$.schemas", "preserveArrayWithSingleElement": true, "scope": "patchEntity" },
        { "sourcePath": "$.Operations", "targetPath": "$.Operations", "preserveArrayWithSingleElement": true, "scope": "patchEntity" }
    ] } }"#;
    let more = "write-transformation = \"write.json\"";
    let pair = Pair::new(more, &[("write.json", write)]);
    pair.users(1..=1);
    let id = text(&pair.ask("GET", "/Users", None).1, "/Resources/0/id");
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{ "op": "replace", "path": "title", "value": "patched" }] });
    let (status, patched) = pair.ask("PATCH", &format!("/Users/{id}"), Some(&patch));
    assert_eq!((status, &patched["title"]), (200, &json!("patched")), "{patched}");
    let log = pair.directory.log();
    assert!(log.contains("method=PATCH"), "the backend was patched, not written whole: {log}");
}

fn a_backend_that_is_gone() {
    let Pair { proxy, directory, _places } = Pair::new("", &[]);
    let ask = || proxy.request(TOKEN, "GET", "/scim/backend/Users", None);
    assert_eq!(ask().0, 200);
    directory.kill();
    let (status, body) = ask();
    assert_eq!((status, &body["status"]), (503, &json!("503")), "{body}");
    let (status, _) = http::exchange(proxy.address, "GET", "/health/ready", &[], "").expect("an answer");
    assert_eq!(status, 200, "the process itself is well");
}

fn a_proxy_takes_no_part_in_runs() {
    let place = Place::with_manifest(&manifest("http://127.0.0.1:9/scim", "")).with_environment("SCIM_TOKEN", TOKEN);
    let checked = place.command(&["check", MANIFEST]);
    checked.assert_code(1).assert_output(&["mapping    backend: ok", "connection backend: error[backend.unavailable]"]);
    place.write(MANIFEST, manifest("http://127.0.0.1:9/scim", "transformation = \"x.json\""));
    place
        .command(&["serve", MANIFEST])
        .assert_code(2)
        .assert_error(&["error[manifest.misplaced-key]", "read-transformation and write-transformation"]);
}
