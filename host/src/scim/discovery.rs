//! `/ServiceProviderConfig`, `/ResourceTypes` and `/Schemas` (RFC 7644 section 4): what a client can find out by itself.

use serde_json::{Value, json};

use super::{
    backend::Catalogue,
    error::ScimError,
    patch::MOST_OPERATIONS,
    schema::{ResourceType, Schema},
    service::LIST_RESPONSE,
};

const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// The most operations of one bulk request.
pub const BULK_OPERATIONS: usize = 100;
/// The largest bulk request, in bytes.
pub const BULK_PAYLOAD: usize = 1 << 20;

pub(super) fn service_provider_config(catalogue: &Catalogue, base: &str) -> Value {
    let supported = |is: bool| json!({ "supported": is });
    let mut config = json!({
        "schemas": [CONFIG],
        "patch": supported(catalogue.patching),
        "bulk": { "supported": true, "maxOperations": BULK_OPERATIONS.min(MOST_OPERATIONS), "maxPayloadSize": BULK_PAYLOAD },
        "filter": { "supported": true, "maxResults": catalogue.most },
        "changePassword": supported(false),
        "sort": supported(catalogue.sorting),
        "etag": supported(catalogue.etags),
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Bearer token", "description": "A token of this service in the header Authorization (RFC 6750)",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750", "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig") },
    });
    config["pagination"] = json!({
        "cursor": catalogue.cursors, "index": true, "defaultPaginationMethod": "index",
        "defaultPageSize": catalogue.default_count, "maxPageSize": catalogue.most,
    });
    config
}

fn resource_type(of: &ResourceType, base: &str) -> Value {
    let extensions: Vec<Value> = of.extensions.iter().map(|schema| json!({ "schema": schema.id, "required": false })).collect();
    json!({
        "schemas": [RESOURCE_TYPE], "id": of.name, "name": of.name, "endpoint": format!("/{}", of.endpoint), "description": of.description,
        "schema": of.schema.id, "schemaExtensions": extensions,
        "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", of.name) },
    })
}

fn schema(of: &Schema, base: &str) -> Value {
    let mut value = json!(of);
    value["schemas"] = json!([SCHEMA]);
    value["meta"] = json!({ "resourceType": "Schema", "location": format!("{base}/Schemas/{}", of.id) });
    value
}

pub(super) fn resource_types(catalogue: &Catalogue, base: &str) -> Value {
    list(&catalogue.types.iter().map(|of| resource_type(of, base)).collect::<Vec<_>>())
}

pub(super) fn one_resource_type(catalogue: &Catalogue, base: &str, name: &str) -> Result<Value, ScimError> {
    let found = catalogue.types.iter().find(|of| of.name.eq_ignore_ascii_case(name));
    found.map(|of| resource_type(of, base)).ok_or_else(|| ScimError::not_found("resource type", name))
}

pub(super) fn schemas(catalogue: &Catalogue, base: &str) -> Value {
    let mut all: Vec<&Schema> = Vec::new();
    for of in catalogue.types.iter().flat_map(|of| of.schemas()) {
        if !all.iter().any(|known| known.id == of.id) {
            all.push(of);
        }
    }
    list(&all.into_iter().map(|of| schema(of, base)).collect::<Vec<_>>())
}

pub(super) fn one_schema(catalogue: &Catalogue, base: &str, id: &str) -> Result<Value, ScimError> {
    let found = catalogue.types.iter().flat_map(|of| of.schemas()).find(|of| of.id.eq_ignore_ascii_case(id));
    found.map(|of| schema(of, base)).ok_or_else(|| ScimError::not_found("schema", id))
}

fn list(resources: &[Value]) -> Value {
    json!({
        "schemas": [LIST_RESPONSE], "totalResults": resources.len(), "itemsPerPage": resources.len(), "startIndex": 1, "Resources": resources,
    })
}
