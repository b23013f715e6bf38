//! What a [`crate::scim_sink::Sink`] keeps, and what SCIM does with it.
//!
//! A user's `userName` is unique, as in RFC 7643. A group's `displayName` is not: there a second create of the same group is answered 201, and only a client that
//! looks first keeps from making two.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::scim_sink::{Answered, Asked};

/// What clients have written.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    /// How many creates were answered with 201, or would have been if anybody had still listened.
    pub creates: usize,
    /// `Users/17` -> document, with its id.
    pub resources: BTreeMap<String, Value>,
    /// `Users/17` -> when it was changed, in minutes of the sink's own time.
    changed: BTreeMap<String, usize>,
    minutes: usize,
}

impl Kept {
    /// What a server as it should be does with a request.
    pub(crate) fn usual(&mut self, asked: &Asked<'_>) -> Answered {
        let path = asked.path;
        let (status, answer) = match asked.method {
            "GET" if path == "ServiceProviderConfig" => {
                (200, Some(json!({ "patch": { "supported": false }, "filter": { "supported": true } })))
            }
            "GET" if self.resources.contains_key(path) => (200, Some(self.dated(path))),
            "GET" if path.contains('/') => (404, None),
            "GET" => (200, Some(self.list(path, asked.query))),
            "POST" => self.create(path, asked.document()),
            "PUT" if self.resources.contains_key(path) => {
                let mut document = asked.document();
                document["id"] = path.rsplit('/').next().into();
                self.keep(path, document.clone());
                (200, Some(document))
            }
            "PATCH" if self.resources.contains_key(path) => {
                self.patch(path, &asked.document());
                (204, None)
            }
            "DELETE" if self.resources.remove(path).is_some() => (204, None),
            _ => (404, None),
        };
        (status, String::new(), answer)
    }

    pub(crate) fn create(&mut self, collection: &str, mut document: Value) -> (u16, Option<Value>) {
        let taken = |resource: &Value| resource["userName"] == document["userName"];
        if collection == "Users" && self.of(collection).any(|(_, resource)| taken(resource)) {
            let error = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "409", "scimType": "uniqueness" });
            return (409, Some(error));
        }
        self.creates += 1;
        let id = format!("{:06}", self.creates);
        document["id"] = id.as_str().into();
        self.keep(&format!("{collection}/{id}"), document.clone());
        (201, Some(document))
    }

    /// The operations that clients send (RFC 7644 section 3.5.2).
    pub(crate) fn patch(&mut self, path: &str, body: &Value) {
        let mut resource = self.resources[path].clone();
        for operation in body["Operations"].as_array().expect("operations") {
            let op = operation["op"].as_str().expect("an operation has a name").to_ascii_lowercase();
            apply(&mut resource, &op, operation["path"].as_str().unwrap_or_default(), &operation["value"]);
        }
        self.keep(path, resource);
    }

    /// A list in pages of at most `cap`, asked for with `startIndex` or with `cursor`; a cursor names the last resource that was sent.
    pub(crate) fn page(&self, asked: &Asked<'_>, cap: usize) -> Answered {
        let mut list = self.list(asked.path, asked.query);
        let all = list["Resources"].as_array().expect("resources").clone();
        let number = |name| parameter(asked.query, name).and_then(|text| text.parse::<usize>().ok());
        let count = number("count").unwrap_or(cap).min(cap);
        let after = |cursor: String| all.iter().take_while(|resource| resource["id"].as_str().is_some_and(|id| *id <= *cursor)).count();
        let cursor = parameter(asked.query, "cursor");
        let first = cursor.clone().map_or_else(|| number("startIndex").unwrap_or(1) - 1, after);
        let page: Vec<Value> = all.iter().skip(first).take(count).cloned().collect();
        if cursor.is_some() && first + page.len() < all.len() {
            list["nextCursor"] = page.last().expect("a page has resources")["id"].clone();
        }
        list["Resources"] = page.into();
        (200, String::new(), Some(list))
    }

    pub(crate) fn keep(&mut self, path: &str, document: Value) {
        self.minutes += 1;
        self.changed.insert(path.to_owned(), self.minutes);
        self.resources.insert(path.to_owned(), document);
    }

    fn last_modified(&self, path: &str) -> String {
        let minutes = self.changed[path];
        format!("2026-01-01T{:02}:{:02}:00Z", minutes / 60, minutes % 60)
    }

    /// A resource as it is answered to a GET.
    pub(crate) fn dated(&self, path: &str) -> Value {
        let mut document = self.resources[path].clone();
        document["meta"] = json!({ "lastModified": self.last_modified(path) });
        document
    }

    /// The resources of `Users` or `Groups`, by path.
    pub(crate) fn of(&self, collection: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.resources.iter().filter(move |(path, _)| path.split_once('/').is_some_and(|(of, _)| of == collection))
    }

    /// Those that `filter=<attribute> eq "<value>"`, or `meta.lastModified gt "<time>"`, is true for; all of them without one.
    pub(crate) fn list(&self, collection: &str, query: &str) -> Value {
        let filter = parameter(query, "filter");
        let matches = |path: &str, document: &Value| match filter.as_deref() {
            None => true,
            Some(filter) => {
                if let Some((_, time)) = filter.split_once(" gt ") {
                    return *self.last_modified(path) > *time.trim_matches('"');
                }
                let (attribute, value) = filter.split_once(" eq ").expect("only eq and gt are asked for");
                document[attribute] == serde_json::from_str::<Value>(value).expect("a value is JSON")
            }
        };
        let resources: Vec<Value> =
            self.of(collection).filter(|(path, document)| matches(path, document)).map(|(path, _)| self.dated(path)).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": resources.len(), "startIndex": 1,
            "itemsPerPage": resources.len(), "Resources": resources,
        })
    }
}

/// The parameter of a query, decoded.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(decoded)
}

/// One operation. Paths are names, names with dots, attributes of extensions, and `members[value eq "..."]`.
fn apply(resource: &mut Value, op: &str, path: &str, value: &Value) {
    if path.is_empty() {
        value.as_object().expect("attributes").iter().for_each(|(name, value)| resource[name] = value.clone());
        return;
    }
    if path == "members" || path.starts_with("members[") {
        if resource["members"].is_null() {
            resource["members"] = json!([]);
        }
        let members = resource["members"].as_array_mut().expect("members are a list");
        let id = path.strip_prefix("members[value eq \"").and_then(|rest| rest.strip_suffix("\"]"));
        match (op, id) {
            ("add", None) => members.extend(value.as_array().expect("values").iter().cloned()),
            ("replace", None) => members.clone_from(value.as_array().expect("values")),
            ("remove", Some(id)) => members.retain(|member| member["value"] != id),
            ("remove", None) => {
                let gone: Vec<&Value> = value.as_array().expect("values").iter().map(|member| &member["value"]).collect();
                members.retain(|member| !gone.contains(&&member["value"]));
            }
            other => panic!("no operation on members: {other:?}"),
        }
        return;
    }
    let (place, names) = match path.rsplit_once(':') {
        Some((schema, names)) => (&mut resource[schema], names),
        None => (resource, path),
    };
    let place = names.split('.').fold(place, |place, name| &mut place[name]);
    *place = if op == "remove" { Value::Null } else { value.clone() };
}

/// Percent-encoding undone (RFC 3986 section 2.1).
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("two digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
                rest = after;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
