//! Many requests in one (RFC 7644 section 3.7).
//!
//! Operations run in their order, except that one which refers to another's `bulkId` waits for it. Those that wait for each other, or for one that failed, fail with 409.

use std::collections::HashMap;

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value, json};

use super::{
    backend::Backend,
    discovery::{BULK_OPERATIONS, BULK_PAYLOAD},
    error::{ScimError, ScimType},
    service::{self, Request, Response},
};

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
const REFERENCE: &str = "bulkId:";

struct Operation {
    method: Method,
    bulk_id: Option<String>,
    path: String,
    version: Option<String>,
    data: Value,
    /// The bulk ids it refers to.
    refers: Vec<String>,
}

pub(super) async fn answer(backend: &dyn Backend, request: &Request) -> Result<Response, ScimError> {
    if request.body.len() > BULK_PAYLOAD {
        return Err(ScimError::new(413, format!("a bulk request has at most {BULK_PAYLOAD} bytes")));
    }
    let body: Value = serde_json::from_slice(&request.body).map_err(|error| syntax(format!("the body is not JSON: {error}")))?;
    let (operations, fail_on_errors) = read(&body)?;
    let mut results: Vec<Option<Value>> = vec![None; operations.len()];
    // What became of an operation with a bulk id: the new id, or nothing.
    let mut known: HashMap<String, Option<String>> = HashMap::new();
    let mut errors = 0;
    'all: loop {
        let mut progress = false;
        for (index, operation) in operations.iter().enumerate() {
            if results[index].is_some() || !operation.refers.iter().all(|id| known.contains_key(id)) {
                continue;
            }
            progress = true;
            let (result, id) = carry_out(backend, request, operation, &known).await;
            let failed = result["status"].as_str().is_none_or(|status| status >= "400");
            results[index] = Some(result);
            if let Some(bulk_id) = &operation.bulk_id {
                known.insert(bulk_id.clone(), id);
            }
            errors += usize::from(failed);
            if fail_on_errors.is_some_and(|most| errors >= most) {
                break 'all;
            }
        }
        if !progress {
            break;
        }
    }
    let stopped = fail_on_errors.is_some_and(|most| errors >= most);
    let results: Vec<Value> = results
        .into_iter()
        .zip(&operations)
        .filter_map(|(result, operation)| match result {
            // They refer to each other, or to what is not there.
            None if !stopped => Some(operation.result(&ScimError::new(409, "it refers to a bulkId that cannot be resolved").into())),
            result => result,
        })
        .collect();
    Ok(Response::ok(json!({ "schemas": [BULK_RESPONSE], "Operations": results })))
}

fn syntax(detail: impl Into<String>) -> ScimError {
    ScimError::bad(ScimType::InvalidSyntax, detail)
}

fn get<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    object.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn read(body: &Value) -> Result<(Vec<Operation>, Option<usize>), ScimError> {
    let named = |id: &Value| id.as_str().is_some_and(|id| id.eq_ignore_ascii_case(BULK_REQUEST));
    if !get(body, "schemas").and_then(Value::as_array).is_some_and(|schemas| schemas.iter().any(named)) {
        return Err(syntax(format!("schemas does not name {BULK_REQUEST}")));
    }
    let list = get(body, "Operations").and_then(Value::as_array).ok_or_else(|| syntax("Operations is missing or no list"))?;
    if list.len() > BULK_OPERATIONS {
        return Err(ScimError::new(413, format!("a bulk request has at most {BULK_OPERATIONS} operations")));
    }
    let fail_on_errors = match get(body, "failOnErrors") {
        None | Some(Value::Null) => None,
        Some(value) => Some(
            value
                .as_u64()
                .and_then(|most| usize::try_from(most).ok())
                .filter(|most| *most > 0)
                .ok_or_else(|| syntax("failOnErrors is a positive integer"))?,
        ),
    };
    let mut operations: Vec<Operation> = Vec::with_capacity(list.len());
    for one in list {
        let text = |name: &str| get(one, name).and_then(Value::as_str);
        let method = match text("method").map(str::to_ascii_uppercase).as_deref() {
            Some("POST") => Method::POST,
            Some("PUT") => Method::PUT,
            Some("PATCH") => Method::PATCH,
            Some("DELETE") => Method::DELETE,
            _ => return Err(syntax("an operation's method is POST, PUT, PATCH or DELETE")),
        };
        let path = text("path").ok_or_else(|| syntax("an operation has no path"))?.to_owned();
        let bulk_id = text("bulkId").map(str::to_owned);
        if method == Method::POST && bulk_id.is_none() {
            return Err(syntax("an operation with POST needs a bulkId"));
        }
        if bulk_id.is_some() && operations.iter().any(|other| other.bulk_id == bulk_id) {
            return Err(syntax("a bulkId stands twice"));
        }
        let data = get(one, "data").cloned().unwrap_or(Value::Null);
        if data.is_null() && method != Method::DELETE {
            return Err(syntax("an operation other than DELETE needs data"));
        }
        let mut refers = Vec::new();
        references(&data, &mut refers);
        refers.extend(path.split('/').filter_map(|segment| segment.strip_prefix(REFERENCE)).map(str::to_owned));
        operations.push(Operation { method, bulk_id, path, version: text("version").map(str::to_owned), data, refers });
    }
    Ok((operations, fail_on_errors))
}

fn references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.extend(text.strip_prefix(REFERENCE).map(str::to_owned)),
        Value::Array(list) => list.iter().for_each(|value| references(value, into)),
        Value::Object(object) => object.values().for_each(|value| references(value, into)),
        _ => {}
    }
}

/// Put the ids in the place of the references.
fn resolved(value: &Value, known: &HashMap<String, Option<String>>) -> Option<Value> {
    Some(match value {
        Value::String(text) => match text.strip_prefix(REFERENCE) {
            Some(id) => Value::String(known.get(id).cloned().flatten()?),
            None => value.clone(),
        },
        Value::Array(list) => Value::Array(list.iter().map(|value| resolved(value, known)).collect::<Option<_>>()?),
        Value::Object(object) => {
            Value::Object(object.iter().map(|(name, value)| Some((name.clone(), resolved(value, known)?))).collect::<Option<Map<_, _>>>()?)
        }
        _ => value.clone(),
    })
}

async fn carry_out(
    backend: &dyn Backend,
    request: &Request,
    operation: &Operation,
    known: &HashMap<String, Option<String>>,
) -> (Value, Option<String>) {
    let path: Option<Vec<String>> = operation
        .path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| match segment.strip_prefix(REFERENCE) {
            Some(id) => known.get(id).cloned().flatten(),
            None => Some(percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()),
        })
        .collect();
    let response = match (path, resolved(&operation.data, known)) {
        (Some(path), Some(data)) if !path.is_empty() && path.iter().all(|segment| segment != ".search") => {
            let request = Request {
                method: operation.method.clone(),
                path,
                query: Vec::new(),
                if_match: operation.version.clone(),
                if_none_match: None,
                body: Bytes::from(data.to_string()),
                base: request.base.clone(),
            };
            service::one(backend, &request).await
        }
        (Some(_), Some(_)) => ScimError::bad(ScimType::InvalidPath, "the path of an operation is /Users, /Users/id or the like").into(),
        _ => ScimError::new(409, "it refers to a bulkId whose operation failed").into(),
    };
    let id = response.body.as_ref().filter(|_| response.status < 400).and_then(|body| body.get("id")?.as_str().map(str::to_owned));
    (operation.result(&response), id)
}

impl Operation {
    fn result(&self, response: &Response) -> Value {
        let mut result = json!({ "method": self.method.as_str(), "status": response.status.to_string() });
        for (name, value) in [("bulkId", &self.bulk_id), ("version", &response.etag), ("location", &response.location)] {
            if let Some(value) = value {
                result[name] = value.as_str().into();
            }
        }
        if response.status >= 400
            && let Some(body) = &response.body
        {
            result["response"] = body.clone();
        }
        result
    }
}
