//! The same work the way it is done without an engine: the document into `serde_json::Value`, every mapping written out in Rust by hand, the result printed. No
//! transformation is interpreted here, which flatters it.

use std::hint::black_box;

use serde_json::{Map, Value};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A page of users, or the page with one big group.
pub(crate) fn apply(entity_type: &str, page: &[String]) {
    black_box(documents(entity_type, black_box(page)));
}

pub(crate) fn documents(entity_type: &str, page: &[String]) -> Vec<String> {
    let map = if entity_type == "group" { group } else { user };
    page.iter().map(|document| map(&serde_json::from_str(document).expect("JSON")).to_string()).collect()
}

/// A member at the end of these keys.
fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The texts under `value` of the elements that pass.
fn values(list: &Value, key: &str, passes: impl Fn(&Value) -> bool) -> Vec<Value> {
    list.as_array().into_iter().flatten().filter(|element| passes(element)).filter_map(|element| element.get(key).cloned()).collect()
}

/// A list of one element is the element; an empty one is nothing.
fn collapsed(mut list: Vec<Value>) -> Option<Value> {
    if list.len() > 1 { Some(list.into()) } else { list.pop() }
}

fn group(group: &Value) -> Value {
    let mut out = group.clone();
    let members = values(&group["members"], "value", |_| true);
    let object = out.as_object_mut().expect("an object");
    object.remove("id");
    object.remove("members");
    let members: Vec<Value> = members.into_iter().map(|id| Value::Object(Map::from_iter([("value".to_owned(), id)]))).collect();
    object.insert("members".to_owned(), members.into());
    out
}

fn user(user: &Value) -> Value {
    let mut out = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(key.to_owned(), value);
        }
    };
    let copy = |key: &str| user.get(key).cloned();
    set("schemas", Some(vec!["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE].into()));
    set("externalId", copy("externalId"));
    set("userName", Some(text(&user["userName"]).to_lowercase().into()));
    set("name", copy("name"));
    set("givenName", at(user, &["name", "givenName"]).cloned());
    set("familyName", at(user, &["name", "familyName"]).map(|name| text(name).to_uppercase().into()));
    for key in ["displayName", "nickName", "profileUrl", "title"] {
        set(key, copy(key));
    }
    set("userType", Some(copy("userType").unwrap_or_else(|| "employee".into())));
    set("language", user.get("preferredLanguage").map(|language| text(language).chars().take(2).collect::<String>().into()));
    set("locale", copy("locale"));
    set("timezone", copy("timezone"));
    match user.get("active") {
        Some(Value::Bool(true)) => set("status", Some("ACTIVE".into())),
        Some(Value::Bool(false)) => set("status", Some("INACTIVE".into())),
        _ => {}
    }
    set("emails", copy("emails"));
    let emails = &user["emails"];
    let is = |key: &'static str, wanted: &'static str| move |element: &Value| element.get(key).is_some_and(|value| value == wanted);
    set("mail", collapsed(values(emails, "value", |email| email.get("primary") == Some(&Value::Bool(true)))));
    set("mailAddresses", Some(values(emails, "value", |_| true).into()));
    set("privateMail", collapsed(values(emails, "value", is("type", "home"))));
    let phones = &user["phoneNumbers"];
    let mut phone = Map::new();
    if let Some(number) = collapsed(values(phones, "value", is("type", "work"))) {
        phone.insert("value".to_owned(), number);
    }
    phone.insert("type".to_owned(), "work".into());
    set("phoneNumbers", Some(vec![Value::Object(phone)].into()));
    set("mobile", collapsed(values(phones, "value", is("type", "mobile"))).map(|number| text(&number).replace('-', " ").into()));
    let mut address = Map::new();
    for (from, to) in [("locality", "city"), ("country", "country")] {
        if let Some(value) = user["addresses"].get(0).and_then(|address| address.get(from)) {
            address.insert(to.to_owned(), value.clone());
        }
    }
    set("address", Some(address.into()));
    let groups = &user["groups"];
    let named = values(groups, "display", |_| true).into_iter();
    let named = named.map(|name| Value::Object(Map::from_iter([("value".to_owned(), format!("HR_{}", text(&name)).into())])));
    set("groups", Some(named.collect::<Vec<_>>().into()));
    if !values(groups, "display", |group| text(&group["display"]).starts_with("Admin")).is_empty() {
        set("administrator", Some(true.into()));
    }
    let mut enterprise = Map::new();
    for key in ["employeeNumber", "department"] {
        if let Some(value) = at(user, &[ENTERPRISE, key]) {
            enterprise.insert(key.to_owned(), value.clone());
        }
    }
    set(ENTERPRISE, Some(enterprise.into()));
    set("managerId", at(user, &[ENTERPRISE, "manager", "value"]).map(|id| format!("{}:hr", text(id)).into()));
    set("meta", at(user, &["meta", "location"]).map(|place| Value::Object(Map::from_iter([("location".to_owned(), place.clone())]))));
    Value::Object(out)
}
