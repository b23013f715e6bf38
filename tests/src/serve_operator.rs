//! What an operator sees of and does to a process that serves: metrics, and another manifest without a restart.

use serde_json::json;

use crate::http;
use crate::place::{MANIFEST, Place};
use crate::serve::place;
use crate::serving::{OTHER, PEOPLE, Serving, TOKEN};
use crate::trials;

trials![metrics_for_the_operator_alone, another_manifest_is_taken_if_it_is_right];

/// The token `pvs_token-of-the-tests-operator`.
const OPERATOR: &str =
    "[serve.tokens.operator]\nsha256 = \"c70c6bae3549333663a0ee3a4efaa830e1f95ceadad8a5f4a2b360221c63111e\"\nrole = \"operator\"\n";
const OPERATORS: &str = "pvs_token-of-the-tests-operator";

fn metrics(serving: &Serving, token: &str) -> (u16, String) {
    let authorization = format!("Bearer {token}");
    http::exchange(serving.address, "GET", "/metrics", &[("Authorization", authorization.as_str())], "").expect("an answer")
}

fn metrics_for_the_operator_alone() {
    let place = place();
    place.write(MANIFEST, format!("{PEOPLE}\n{OPERATOR}"));
    let serving = Serving::start(&place);
    assert_eq!(serving.people("POST", "/Users", Some(&json!({ "userName": "ada" }))).0, 201);
    assert_eq!(serving.people("GET", "/Users/nobody", None).0, 404);
    assert_eq!(serving.request("wrong", "GET", "/scim/people/Users", None).0, 401);
    let (status, text) = metrics(&serving, OPERATORS);
    assert_eq!(status, 200);
    for line in [
        "provisor_requests_total{service=\"people\",method=\"POST\",status=\"201\"} 1",
        "provisor_requests_total{service=\"people\",method=\"GET\",status=\"404\"} 1",
        "provisor_requests_total{service=\"-\",method=\"GET\",status=\"401\"} 1",
        "provisor_request_seconds_count{service=\"people\"} 2",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert_eq!((metrics(&serving, TOKEN).0, metrics(&serving, "wrong").0), (403, 401));
    assert_eq!(serving.request(OPERATORS, "GET", "/scim/people/Users", None).0, 403, "an operator is no client");
    let made = place.command(&["token", "second operator"]);
    made.assert_code(0).assert_error(&["[serve.tokens.\"second operator\"]", "role = \"operator\""]);
}

/// SIGHUP, and what is logged of it.
#[track_caller]
fn reload(serving: &Serving, place: &Place, manifest: &str, said: &str) {
    place.write(MANIFEST, manifest);
    serving.hang_up();
    let begun = std::time::Instant::now();
    while !serving.log().contains(said) {
        assert!(begun.elapsed().as_secs() < 60, "{said:?} is not in the log:\n{}", serving.log());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn another_manifest_is_taken_if_it_is_right() {
    let place = place();
    let serving = Serving::start(&place);
    assert_eq!(serving.people("POST", "/Users", Some(&json!({ "userName": "ada" }))).0, 201);
    // A wrong one: the old one goes on, and the log says why.
    reload(&serving, &place, &PEOPLE.replace("role = \"scim-client\"", "role = \"scim-clinet\""), "manifest.wrong-value");
    assert_eq!(serving.people("GET", "/Users", None).1["totalResults"], 1);
    // Without the stranger, and with a third directory.
    let without = PEOPLE.split("[serve.tokens.stranger]").next().expect("a first part").replace("[\"people\"]", "[\"people\", \"third\"]");
    reload(&serving, &place, &format!("{without}\n[directories.third]\nfile = \"third.db\"\n"), "serve.reloaded");
    assert_eq!(serving.request(OTHER, "GET", "/scim/other/Users", None).0, 401);
    assert_eq!(serving.request(TOKEN, "GET", "/scim/third/Users", None).0, 200);
    assert_eq!(serving.people("GET", "/Users", None).1["totalResults"], 1, "what stayed is what it was");
    serving.stop().assert_code(0);
}
