//! A filter, or the path of a patch, of a SCIM client; and a resource to ask.

use provisor::scim::patch::{self, PatchPath};
use provisor::scim::{Filter, ResourceType, conform, evaluate};
use serde_json::{Value, json};

use crate::target::parts;

pub fn check(data: &[u8]) {
    let Some([text, document]) = parts(data) else { return };
    let user = ResourceType::user(&[]);
    let resource = serde_json::from_str(document).ok().and_then(|value: Value| conform::conform(value, &user).ok());
    if let Ok(filter) = Filter::parse(text) {
        let printed = filter.to_string();
        assert_eq!(Filter::parse(&printed).as_ref(), Ok(&filter), "what is printed reads as the same filter: {printed}");
        if let Some(resource) = &resource
            && evaluate::check(&filter, &user).is_ok()
        {
            let opposite = Filter::Not(Box::new(filter.clone()));
            assert_ne!(evaluate::holds(&filter, resource, &user), evaluate::holds(&opposite, resource, &user), "{filter}");
        }
    }
    if text.parse::<PatchPath>().is_ok()
        && let Some(resource) = resource
    {
        for (op, value) in [("add", json!("x")), ("replace", json!({ "value": "x" })), ("remove", Value::Null)] {
            let body = json!({ "Operations": [{ "op": op, "path": text, "value": value }] });
            let Ok(operations) = patch::operations(&body) else { continue };
            let (mut once, mut again) = (resource.clone(), resource.clone());
            let outcome = patch::apply(&mut once, &operations, &user);
            assert_eq!(outcome, patch::apply(&mut again, &operations, &user), "the same comes of the same");
            assert_eq!(once, again);
        }
    }
}
