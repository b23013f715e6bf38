use bytes::Bytes;
use http::Method;
use proptest::{prelude::*, test_runner::TestRunner};
use rusqlite::params_from_iter;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::scim::{Filter, Request, Response, answer, evaluate};

struct Place {
    _folder: TempDir,
    directory: Directory,
}

const BADGE: &str = r#"{"id":"urn:example:2.0:Badge","attributes":[
    {"name":"number","uniqueness":"server","caseExact":true},{"name":"floors","type":"integer","multiValued":true},{"name":"since","type":"dateTime"},
    {"name":"weight","type":"decimal"}]}"#;

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let badge = Arc::new(Schema::parse(BADGE).unwrap());
    let directory = Directory::open(&folder.path().join("people.db"), &[badge], &[]).unwrap();
    Place { _folder: folder, directory }
}

impl Place {
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        self.ask_if(method, path, body, None).await
    }

    async fn ask_if(&self, method: &str, path: &str, body: Option<Value>, if_match: Option<&str>) -> Response {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request {
            method: method.parse::<Method>().unwrap(),
            path: path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            if_match: if_match.map(str::to_owned),
            if_none_match: None,
            body: body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string())),
            base: "https://x/scim/people".to_owned(),
        };
        answer(&self.directory, &request).await
    }

    #[track_caller]
    fn expect(response: Response, status: u16) -> Value {
        assert_eq!(response.status, status, "{response:?}");
        response.body.unwrap_or_default()
    }

    async fn user(&self, name: &str) -> String {
        let made = Self::expect(self.ask("POST", "/Users", Some(json!({ "userName": name }))).await, 201);
        made["id"].as_str().unwrap().to_owned()
    }

    async fn found(&self, query: &str) -> Vec<String> {
        let body = Self::expect(self.ask("GET", query, None).await, 200);
        let list = body["Resources"].as_array().unwrap();
        list.iter().map(|one| one["userName"].as_str().or(one["displayName"].as_str()).unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_user_lives() {
    let place = place();
    let ada = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "Ada", "password": "secret", "active": true });
    let made = Place::expect(place.ask("POST", "/Users", Some(ada)).await, 201);
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["meta"]["location"], format!("https://x/scim/people/Users/{id}"));
    assert_eq!((&made["meta"]["version"], made.get("password")), (&json!("W/\"1\""), None));
    let again = place.ask("POST", "/Users", Some(json!({ "userName": "ADA" }))).await;
    assert_eq!((again.status, &again.body.unwrap()["scimType"]), (409, &json!("uniqueness")));
    let path = format!("/Users/{id}");
    let title = json!({ "Operations": [{ "op": "replace", "path": "title", "value": "Countess" }] });
    let patched = Place::expect(place.ask("PATCH", &path, Some(title.clone())).await, 200);
    assert_eq!((&patched["title"], &patched["meta"]["version"]), (&json!("Countess"), &json!("W/\"2\"")));
    let same = Place::expect(place.ask("PATCH", &path, Some(title)).await, 200);
    assert_eq!(same["meta"], patched["meta"], "nothing changed");
    let put = json!({ "userName": "ada", "nickName": "A" });
    Place::expect(place.ask_if("PUT", &path, Some(put.clone()), Some("W/\"1\"")).await, 412);
    let now = Place::expect(place.ask_if("PUT", &path, Some(put), Some("\"2\"")).await, 200);
    assert_eq!((now.get("title"), &now["nickName"], &now["meta"]["created"]), (None, &json!("A"), &made["meta"]["created"]));
    assert!(now["meta"]["lastModified"].as_str() > patched["meta"]["lastModified"].as_str());
    Place::expect(place.ask("DELETE", &path, None).await, 204);
    Place::expect(place.ask("GET", &path, None).await, 404);
    Place::expect(place.ask("DELETE", &path, None).await, 404);
    place.user("ada").await;
}

#[tokio::test]
async fn members_come_and_go() {
    let place = place();
    let (ada, bob) = (place.user("ada").await, place.user("bob").await);
    let group = json!({ "displayName": "Staff", "members": [{ "value": ada }] });
    let made = Place::expect(place.ask("POST", "/Groups", Some(group)).await, 201);
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/Groups/{id}");
    assert_eq!(made["members"], json!([{ "value": ada, "type": "User", "$ref": format!("https://x/scim/people/Users/{ada}") }]));
    let only = |operation: Value| Some(json!({ "Operations": [operation] }));
    let add = json!({ "op": "add", "path": "members", "value": [{ "value": bob }, { "value": ada }] });
    let now = Place::expect(place.ask("PATCH", &path, only(add)).await, 200);
    assert_eq!(now["members"].as_array().unwrap().len(), 2);
    let user = Place::expect(place.ask("GET", &format!("/Users/{bob}"), None).await, 200);
    assert_eq!(
        user["groups"],
        json!([{ "value": id, "type": "direct", "display": "Staff", "$ref": format!("https://x/scim/people/Groups/{id}") }])
    );
    assert_eq!(place.found(&format!("/Groups?filter=members.value eq \"{bob}\"")).await, ["Staff"]);
    assert_eq!(place.found(&format!("/Users?filter=groups[value eq \"{id}\" and display sw \"ST\"]")).await, ["ada", "bob"]);
    let remove = json!({ "op": "remove", "path": format!("members[value eq \"{bob}\"]") });
    let now = Place::expect(place.ask("PATCH", &path, only(remove.clone())).await, 200);
    assert_eq!(now["members"].as_array().unwrap().len(), 1);
    let same = Place::expect(place.ask("PATCH", &path, only(remove)).await, 200);
    assert_eq!(same["meta"], now["meta"], "nobody was removed");
    let stranger = json!({ "op": "add", "value": { "members": [{ "value": "nobody" }] } });
    Place::expect(place.ask("PATCH", &path, only(stranger)).await, 400);
    let nested =
        Place::expect(place.ask("POST", "/Groups", Some(json!({ "displayName": "All", "members": [{ "value": id }] }))).await, 201);
    assert_eq!(nested["members"][0]["type"], "Group");
    Place::expect(place.ask("DELETE", &format!("/Users/{ada}"), None).await, 204);
    let after = Place::expect(place.ask("GET", &path, None).await, 200);
    assert!(after.get("members").is_none() && after["meta"]["version"] != now["meta"]["version"], "{after}");
    let put = json!({ "displayName": "Staff", "members": [{ "value": bob }, { "value": bob }] });
    let now = Place::expect(place.ask("PUT", &path, Some(put)).await, 200);
    assert_eq!(now["members"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let place = place();
    for (index, name) in ["dan", "Ada", "bob", "cyd", "eve"].into_iter().enumerate() {
        let mut user = json!({ "userName": name, "externalId": format!("X{index}") });
        if index != 2 {
            user["title"] = json!(format!("t{}", 9 - index));
        }
        Place::expect(place.ask("POST", "/Users", Some(user)).await, 201);
    }
    assert_eq!(place.found("/Users").await, ["dan", "Ada", "bob", "cyd", "eve"]);
    assert_eq!(place.found("/Users?sortBy=userName").await, ["Ada", "bob", "cyd", "dan", "eve"]);
    assert_eq!(place.found("/Users?sortBy=title&sortOrder=descending").await, ["bob", "dan", "Ada", "cyd", "eve"]);
    assert_eq!(place.found("/Users?sortBy=title&count=2&startIndex=4").await, ["dan", "bob"]);
    assert_eq!(place.found("/Users?filter=userName eq \"ADA\" or externalId eq \"X4\"").await, ["Ada", "eve"]);
    let body = Place::expect(place.ask("GET", "/Users?count=2&startIndex=5", None).await, 200);
    assert_eq!([&body["totalResults"], &body["startIndex"], &body["itemsPerPage"]], [5, 5, 1]);
    let body = Place::expect(place.ask("GET", "/Users?count=0", None).await, 200);
    assert_eq!((&body["totalResults"], &body["Resources"]), (&json!(5), &json!([])));
    for sort in ["", "&sortBy=userName"] {
        let (mut cursor, mut seen) = (String::new(), Vec::new());
        loop {
            let body = Place::expect(place.ask("GET", &format!("/Users?cursor={cursor}&count=2{sort}"), None).await, 200);
            seen.extend(body["Resources"].as_array().unwrap().iter().map(|one| one["userName"].as_str().unwrap().to_owned()));
            assert!(body.get("startIndex").is_none());
            match body.get("nextCursor") {
                Some(next) => cursor = next.as_str().unwrap().to_owned(),
                None => break,
            }
            let other = place.ask("GET", &format!("/Users?cursor={cursor}&filter=title pr"), None).await;
            assert_eq!(other.body.unwrap()["scimType"], "invalidCursor", "a cursor of another list");
        }
        seen.sort();
        assert_eq!(seen, ["Ada", "bob", "cyd", "dan", "eve"]);
    }
    let newest = Place::expect(place.ask("GET", "/Users?filter=userName eq \"cyd\"", None).await, 200);
    let since = newest["Resources"][0]["meta"]["lastModified"].as_str().unwrap();
    assert_eq!(place.found(&format!("/Users?filter=meta.lastModified gt \"{since}\"")).await, ["eve"]);
    let search = json!({ "schemas": [crate::scim::SEARCH_REQUEST], "filter": "userName sw \"a\"", "attributes": ["externalId"] });
    let body = Place::expect(place.ask("POST", "/.search", Some(search)).await, 200);
    assert_eq!((&body["totalResults"], &body["Resources"][0]["externalId"]), (&json!(1), &json!("X1")));
    assert!(body["Resources"][0].get("userName").is_none());
    for (query, scim_type) in [
        ("/Users?filter=shoe eq 1", "invalidFilter"),
        ("/Users?filter=userName eq", "invalidFilter"),
        ("/Users?sortBy=shoe", "invalidPath"),
        ("/Users?cursor=nonsense", "invalidCursor"),
        ("/Users?count=many", "invalidCount"),
        ("/Users?attributes=a&excludedAttributes=b", "invalidValue"),
    ] {
        let refused = place.ask("GET", query, None).await;
        assert_eq!((refused.status, &refused.body.unwrap()["scimType"]), (400, &json!(scim_type)), "{query}");
    }
}

#[tokio::test]
async fn many_at_once() {
    let place = place();
    let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
        { "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "Staff", "members": [{ "value": "bulkId:ada" }] } },
        { "method": "POST", "path": "/Users", "bulkId": "ada", "data": { "userName": "ada" } },
        { "method": "POST", "path": "/Users", "bulkId": "again", "data": { "userName": "ADA" } },
        { "method": "PATCH", "path": "/Users/bulkId:ada", "data": { "Operations": [{ "op": "add", "path": "title", "value": "Countess" }] } },
        { "method": "DELETE", "path": "/Users/nobody" },
        { "method": "POST", "path": "/Groups", "bulkId": "h", "data": { "displayName": "H", "members": [{ "value": "bulkId:again" }] } },
        { "method": "POST", "path": "/Groups", "bulkId": "i", "data": { "displayName": "I", "members": [{ "value": "bulkId:j" }] } },
        { "method": "POST", "path": "/Groups", "bulkId": "j", "data": { "displayName": "J", "members": [{ "value": "bulkId:i" }] } },
    ] });
    let body = Place::expect(place.ask("POST", "/Bulk", Some(bulk)).await, 200);
    let statuses: Vec<&str> = body["Operations"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["201", "201", "409", "200", "404", "409", "409", "409"], "{body}");
    assert_eq!(place.found("/Groups?filter=members pr").await, ["Staff"]);
    assert_eq!(place.found("/Users?filter=title pr").await, ["ada"]);
    let stops = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "failOnErrors": 1, "Operations": [
        { "method": "DELETE", "path": "/Users/nobody" }, { "method": "POST", "path": "/Users", "bulkId": "x", "data": { "userName": "x" } },
    ] });
    let body = Place::expect(place.ask("POST", "/Bulk", Some(stops)).await, 200);
    assert_eq!(body["Operations"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_group_of_a_hundred_thousand() {
    let place = place();
    let ids: Vec<String> = place
        .directory
        .store
        .change(|connection| {
            connection.execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001)
                 INSERT INTO resource (id, type, document, created, modified, version) SELECT 'u' || i, 'User', '{\"userName\":\"u' || i || '\"}', 1, i, 1 FROM n",
            )?;
            Ok((1..=100_001).map(|index| format!("u{index}")).collect())
        })
        .await
        .unwrap();
    let members: Vec<Value> = ids[..100_000].iter().map(|id| json!({ "value": id })).collect();
    let made = Place::expect(place.ask("POST", "/Groups", Some(json!({ "displayName": "All", "members": members }))).await, 201);
    let path = format!("/Groups/{}", made["id"].as_str().unwrap());
    let begun = std::time::Instant::now();
    for operation in [
        json!({ "op": "add", "path": "members", "value": [{ "value": "u100001" }] }),
        json!({ "op": "remove", "path": "members[value eq \"u7\"]" }),
    ] {
        let patched = place.ask("PATCH", &path, Some(json!({ "Operations": [operation] }))).await;
        assert_eq!(patched.status, 204, "a hundred thousand members are not sent back: {:?}", patched.body.map(|_| "a body"));
    }
    assert!(begun.elapsed().as_secs() < 5, "one member costs one row");
    let whole = Place::expect(place.ask("GET", &path, None).await, 200);
    assert_eq!(whole["members"].as_array().unwrap().len(), 100_000);
    let without = Place::expect(place.ask("GET", &format!("{path}?excludedAttributes=members"), None).await, 200);
    assert!(without.get("members").is_none());
    let remove_all = json!({ "Operations": [{ "op": "remove", "path": "members[value pr]" }] });
    assert_eq!(Place::expect(place.ask("PATCH", &path, Some(remove_all)).await, 200).get("members"), None);
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let error = Directory::open(&path, &[], &[]).err().expect("a refusal");
    assert_eq!(error.code(), "directory.open");
    assert!(error.to_string().contains("not the file of a directory"), "{error}");
}

#[tokio::test]
async fn schemas_of_the_operators() {
    let place = place();
    let badge = |name: &str, number: &str| json!({ "userName": name, "urn:example:2.0:Badge": { "number": number, "floors": [1, 7] } });
    Place::expect(place.ask("POST", "/Users", Some(badge("ada", "A1"))).await, 201);
    assert_eq!(place.ask("POST", "/Users", Some(badge("bob", "A1"))).await.status, 409);
    Place::expect(place.ask("POST", "/Users", Some(badge("bob", "a1"))).await, 201);
    assert_eq!(place.found("/Users?filter=urn:example:2.0:Badge:number eq \"a1\"").await, ["bob"]);
    assert_eq!(place.found("/Users?filter=floors gt 6").await, ["ada", "bob"]);
    let schemas = Place::expect(place.ask("GET", "/Schemas/urn:example:2.0:Badge", None).await, 200);
    assert_eq!(schemas["attributes"][0]["uniqueness"], "server");
}

/// What filters compare in the test below.
fn resources() -> Vec<Value> {
    let enterprise = crate::scim::schema::ENTERPRISE_USER;
    vec![
        json!({ "userName": "Ada", "active": true, "title": "", "emails": [{ "value": "A@x", "type": "work", "primary": true }, { "value": "b@x" }] }),
        json!({ "userName": "bob", "active": false, "name": { "familyName": "Ä%_'\"b" }, "emails": [{ "value": "b@x", "type": "Home" }] }),
        json!({ "userName": "c", "displayName": "ADA", "externalId": "Ada", enterprise: { "division": "x", "manager": { "value": "ada" } } }),
        json!({ "userName": "ß", "title": "Ada", "urn:example:2.0:Badge": { "number": "7", "floors": [1, 10], "since": "2026-01-01T00:00:00Z", "weight": 1.5 } }),
    ]
}

fn a_filter() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec![
        "userName",
        "title",
        "active",
        "displayName",
        "externalId",
        "name.familyName",
        "name",
        "emails",
        "emails.value",
        "emails.type",
        "emails.primary",
        "division",
        "manager.value",
        "number",
        "floors",
        "since",
        "weight",
        "nickName",
        "schemas",
        "phoneNumbers",
    ]);
    let inner = prop::sample::select(vec!["value", "type", "primary", "display"]);
    let operator = prop::sample::select(vec!["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    let value = prop::sample::select(vec![
        r#""ada""#,
        r#""Ada""#,
        r#""b@x""#,
        r#""@""#,
        r#""""#,
        r#""x""#,
        r#""ä%_'\"B""#,
        r#""%""#,
        r#""work""#,
        r#""7""#,
        r#""2026-01-01T01:00:00+01:00""#,
        r#""2025-12-31T00:00:00Z""#,
        "true",
        "false",
        "null",
        "1",
        "7",
        "1.5",
        "10.0",
        "-1",
        r#""ß""#,
    ]);
    let compare = (path.clone(), operator.clone(), value.clone()).prop_map(|(path, operator, value)| format!("{path} {operator} {value}"));
    let bracketed = (inner, operator, value).prop_map(|(path, operator, value)| format!("{path} {operator} {value}"));
    let leaf = prop_oneof![
        4 => compare,
        1 => path.prop_map(|path| format!("{path} pr")),
        2 => (bracketed.clone(), prop::sample::select(vec!["and", "or", "and not"]), bracketed).prop_map(|(a, word, b)| format!("emails[{a} {word} ({b})]")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(vec!["and", "or"]), inner.clone()).prop_map(|(a, word, b)| format!("({a} {word} {b})")),
            inner.prop_map(|filter| format!("not ({filter})")),
        ]
    })
}

#[test]
fn the_database_answers_what_the_filter_says() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = runtime.block_on(async {
        let place = place();
        for resource in resources() {
            Place::expect(place.ask("POST", "/Users", Some(resource)).await, 201);
        }
        place
    });
    let of = place.directory.catalogue.types[0].clone();
    let all = runtime.block_on(place.ask("GET", "/Users", None)).body.unwrap()["Resources"].as_array().unwrap().clone();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 3000,
        max_global_rejects: 200_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let checked = runner.run(&a_filter(), |text| {
        let filter = Filter::parse(&text).unwrap();
        prop_assume!(evaluate::check(&filter, &of).is_ok());
        let expected: Vec<String> = all
            .iter()
            .filter(|one| evaluate::holds(&filter, one.as_object().unwrap(), &of))
            .map(|one| one["userName"].as_str().unwrap().to_owned())
            .collect();
        let condition = (filter, of.clone());
        let found: Vec<String> = runtime
            .block_on(place.directory.store.read(move |connection| {
                let mut query = sql::Query::new("SELECT json_extract(r.document, '$.userName') FROM resource AS r WHERE ");
                sql::condition(&condition.0, &condition.1, &mut query);
                query.push(" ORDER BY r.seq");
                let mut statement = connection.prepare(&query.text)?;
                Ok(statement.query_map(params_from_iter(query.parameters), |row| row.get(0))?.collect::<Result<_, _>>()?)
            }))
            .unwrap();
        prop_assert_eq!(found, expected, "{}", text);
        Ok(())
    });
    checked.unwrap_or_else(|error| panic!("{error}"));
}
