//! What a proxy serves, from what its connector and its read transformation say.
//!
//! The host hands transformations on unread. What SCIM's side has to know of them - the endpoint, whether there is a condition, which attributes are taken as they are - is
//! looked up in those that are JSON in the mapping language; of any other the careful thing is assumed.

use std::sync::Arc;

use serde_json::Value;

use super::{Handled, ProxySpec, instances::Instances};
use crate::{
    manifest::MAPPING,
    pipeline::OpenError,
    scim::{Catalogue, ResourceType, Schema},
};

/// spec section 5.4.
const DEFAULT_PAGE: u64 = 25;
const LARGEST_PAGE: u64 = 100;

pub(super) async fn of(spec: &ProxySpec, instances: &Instances) -> Result<(Catalogue, Vec<Handled>), OpenError> {
    let mut reader = instances.try_mappers().await?;
    reader.demand_id()?;
    let mapped = reader.entity_types().await?;
    reader.keep();
    let texts: Vec<Option<Value>> = spec
        .read
        .elements
        .iter()
        .map(|element| if element.plugin.description().id == MAPPING { serde_json::from_str(&element.text).ok() } else { None })
        .collect();
    let (mut types, mut handled) = (Vec::new(), Vec::new());
    for entity in &spec.source.plugin.description().entity_types {
        if mapped.as_ref().is_some_and(|types| !types.contains(&entity.name)) {
            continue;
        }
        let of_type = |text: &Option<Value>| text.as_ref().and_then(|text| text.get(&entity.name)).cloned();
        let parts: Vec<Option<Value>> = texts.iter().map(of_type).collect();
        let endpoint = parts.iter().flatten().find_map(|part| part.get("scimEntityEndpoint")?.as_str().map(str::to_owned));
        types.push(Arc::new(resource_type(&entity.name, endpoint)));
        handled.push(Handled {
            entity: entity.clone(),
            conditional: parts.iter().any(|part| part.as_ref().is_none_or(|part| part.get("condition").is_some())),
            // Behind another element nothing is known to be as it was.
            plain: if let [Some(part)] = &parts[..] { plain(part) } else { Vec::new() },
        });
    }
    let catalogue =
        Catalogue { types, sorting: false, etags: false, patching: true, cursors: true, default_count: DEFAULT_PAGE, most: LARGEST_PAGE };
    Ok((catalogue, handled))
}

fn resource_type(entity_type: &str, endpoint: Option<String>) -> ResourceType {
    let known = match entity_type {
        "user" => ResourceType::user(&[]),
        "group" => ResourceType::group(&[]),
        other => {
            let mut letters = other.chars();
            let name: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
            let schema = Schema {
                id: format!("urn:ietf:params:scim:schemas:extension:provisor:2.0:{name}"),
                name: name.clone(),
                description: format!("{name}, as its transformation makes it"),
                attributes: Vec::new(),
            };
            ResourceType {
                endpoint: format!("{name}s"),
                description: name.clone(),
                name,
                schema: Arc::new(schema),
                extensions: Vec::new(),
                open: true,
            }
        }
    };
    ResourceType { open: true, endpoint: endpoint.unwrap_or(known.endpoint), ..known }
}

/// The mappings that only copy: without function, condition, scope. `$` to `$` copies every attribute under its own name, which is the pair of two empty names.
fn plain(part: &Value) -> Vec<(String, String)> {
    let mappings = part.get("mappings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut plain = Vec::new();
    for mapping in mappings {
        let text = |name: &str| mapping.get(name).and_then(Value::as_str).and_then(attribute);
        // What a later mapping writes is not what an earlier one copied.
        if let Some(target) = text("targetPath") {
            plain.retain(|(known, _): &(String, String)| *known != target && !target.is_empty());
            let copies = ["functions", "condition", "scope", "type", "ignore", "constant", "sourceVariable"]
                .iter()
                .all(|key| mapping.get(key).is_none());
            if let Some(source) = text("sourcePath").filter(|_| copies) {
                plain.push((target, source));
            } else {
                // Nothing is known of it any more, also not that everything was copied.
                plain.push((target, String::new()));
            }
        }
    }
    plain
}

/// `$.emails[0].value` to `emails[0].value`; `$` to nothing. Only what names one place.
fn attribute(path: &str) -> Option<String> {
    if path == "$" {
        return Some(String::new());
    }
    let name = path.strip_prefix("$.")?;
    let fine = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-[]".contains(c)) && !name.is_empty();
    fine.then(|| name.to_owned())
}
