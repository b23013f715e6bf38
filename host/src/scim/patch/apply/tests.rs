use serde_json::json;

use super::super::operations;
use super::*;

const ENTERPRISE: &str = super::super::super::schema::ENTERPRISE_USER;

fn patched(resource: Value, operation: &Value) -> Result<Value, ScimError> {
    let Value::Object(mut resource) = resource else { unreachable!() };
    let operations = operations(&json!({ "Operations": [operation] }))?;
    apply(&mut resource, &operations, &ResourceType::user(&[])).map(|()| Value::Object(resource))
}

fn ada() -> Value {
    json!({
        "userName": "ada", "title": "Countess", "name": { "familyName": "Lovelace", "givenName": "Ada" },
        "emails": [{ "value": "w", "type": "work", "primary": true }, { "value": "h", "type": "home" }],
        ENTERPRISE: { "division": "engines" },
    })
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "the values are made where they are handed over")]
fn assert_at(operation: Value, pointer: &str, expected: Value) {
    let result = patched(ada(), &operation).unwrap_or_else(|error| panic!("{operation}: {error}"));
    assert_eq!(result.pointer(pointer).cloned().unwrap_or(Value::Null), expected, "{operation}: {result}");
}

#[test]
fn adding() {
    assert_at(json!({ "op": "add", "path": "nickName", "value": "A" }), "/nickName", json!("A"));
    assert_at(json!({ "op": "add", "path": "NICKNAME", "value": "A" }), "/nickName", json!("A"));
    assert_at(json!({ "op": "add", "path": "title", "value": "Lady" }), "/title", json!("Lady"));
    assert_at(json!({ "op": "add", "path": "name", "value": { "middleName": "K" } }), "/name/familyName", json!("Lovelace"));
    assert_at(json!({ "op": "add", "path": "name.middleName", "value": "K" }), "/name/middleName", json!("K"));
    let more = json!([{ "value": "x", "primary": true }, { "value": "h" }]);
    assert_at(json!({ "op": "add", "path": "emails", "value": more }), "/emails/2/value", json!("x"));
    assert_at(json!({ "op": "add", "path": "emails", "value": more }), "/emails/0/primary", json!(false));
    assert_at(json!({ "op": "add", "path": "emails", "value": more }), "/emails/3", Value::Null);
    assert_at(
        json!({ "op": "add", "path": "emails[type eq \"other\"].value", "value": "o" }),
        "/emails/2",
        json!({ "type": "other", "value": "o" }),
    );
    assert_at(
        json!({ "op": "add", "value": { "name.middleName": "K", "nickName": "A", "id": "9", "groups": [] } }),
        "/name/middleName",
        json!("K"),
    );
    assert_at(json!({ "op": "add", "value": { ENTERPRISE: { "department": "d" } } }), &format!("/{ENTERPRISE}/division"), json!("engines"));
    assert_at(
        json!({ "op": "add", "path": format!("{ENTERPRISE}:department"), "value": "d" }),
        &format!("/{ENTERPRISE}/department"),
        json!("d"),
    );
    assert_at(json!({ "op": "add", "path": ENTERPRISE, "value": { "department": "d" } }), &format!("/{ENTERPRISE}/department"), json!("d"));
}

#[test]
fn replacing() {
    assert_at(json!({ "op": "replace", "path": "emails", "value": [{ "value": "x" }] }), "/emails", json!([{ "value": "x" }]));
    assert_at(json!({ "op": "replace", "path": "emails[type eq \"WORK\"].value", "value": "x" }), "/emails/0/value", json!("x"));
    assert_at(
        json!({ "op": "replace", "path": "emails[type eq \"home\"]", "value": { "value": "x", "primary": true } }),
        "/emails/0/primary",
        json!(false),
    );
    assert_at(json!({ "op": "replace", "path": "emails[value pr].display", "value": "x" }), "/emails/1/display", json!("x"));
    assert_at(json!({ "op": "replace", "path": "emails.display", "value": "x" }), "/emails/1/display", json!("x"));
    assert_at(json!({ "op": "replace", "path": "title", "value": null }), "/title", Value::Null);
    assert_at(json!({ "op": "replace", "value": { "title": "x" } }), "/name/givenName", json!("Ada"));
    assert_at(json!({ "op": "replace", "path": "nickName", "value": "x" }), "/nickName", json!("x"));
}

#[test]
fn removing() {
    assert_at(json!({ "op": "remove", "path": "title" }), "/title", Value::Null);
    assert_at(json!({ "op": "remove", "path": "name.givenName" }), "/name", json!({ "familyName": "Lovelace" }));
    assert_at(json!({ "op": "remove", "path": "emails[type eq \"work\"]" }), "/emails", json!([{ "value": "h", "type": "home" }]));
    assert_at(json!({ "op": "remove", "path": "emails[value pr]" }), "/emails", Value::Null);
    assert_at(json!({ "op": "remove", "path": "emails[type eq \"work\"].primary" }), "/emails/0", json!({ "value": "w", "type": "work" }));
    assert_at(
        json!({ "op": "remove", "path": "emails", "value": [{ "value": "w" }] }),
        "/emails",
        json!([{ "value": "h", "type": "home" }]),
    );
    assert_at(json!({ "op": "remove", "path": "nickName" }), "/nickName", Value::Null);
    assert_at(json!({ "op": "remove", "path": ENTERPRISE }), &format!("/{ENTERPRISE}"), Value::Null);
}

#[test]
fn what_cannot_be_done_is_told() {
    for (operation, scim_type) in [
        (json!({ "op": "replace", "path": "id", "value": "9" }), ScimType::Mutability),
        (json!({ "op": "add", "path": "groups", "value": [] }), ScimType::Mutability),
        (json!({ "op": "add", "path": "meta.created", "value": "x" }), ScimType::Mutability),
        (json!({ "op": "add", "path": "shoe", "value": "9" }), ScimType::InvalidPath),
        (json!({ "op": "add", "path": "name.shoe", "value": "9" }), ScimType::InvalidPath),
        (json!({ "op": "replace", "path": "emails[type eq \"x\"].value", "value": "9" }), ScimType::NoTarget),
        (json!({ "op": "replace", "path": "emails[type eq \"work\"]", "value": "9" }), ScimType::InvalidValue),
        (json!({ "op": "remove", "path": "title[value pr]" }), ScimType::InvalidPath),
        (json!({ "op": "remove", "path": "emails[shoe pr]" }), ScimType::InvalidFilter),
    ] {
        assert_eq!(patched(ada(), &operation).unwrap_err().scim_type, Some(scim_type), "{operation}");
    }
}
