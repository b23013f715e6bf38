//! A request: where it goes, who may, what is answered.
//!
//! | path | is |
//! | --- | --- |
//! | `/scim/NAME/...` | SCIM 2.0 of the service with this name |
//! | `/ipsproxy/service/api/v1/scim/NAME/...` | the same, where clients of the reference look for it |
//! | `/health/live`, `/health/ready` | [`super::health`] |
//! | `/metrics` | [`super::metrics`], for operators |
//!
//! A path is taken apart at its slashes before anything in it is decoded, so an encoded slash is part of an id and `..` is a name that nothing has.

use std::{net::SocketAddr, time::Instant};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION, WWW_AUTHENTICATE},
};
use http_body_util::Full;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::{Process, Shared, access, health, metrics};
use crate::{
    manifest::TokenRole,
    scim::{self, ScimError},
};

/// Where services are, as the segments before their name.
const ROOTS: [&[&str]; 2] = [&["scim"], &["ipsproxy", "service", "api", "v1", "scim"]];

const SCIM_JSON: &str = "application/scim+json";

pub(super) async fn answer(process: &Process, request: Request<Incoming>, peer: SocketAddr) -> Response<Full<Bytes>> {
    let began = Instant::now();
    let shared = process.now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut asked = Asked::default();
    let response = route(process, &shared, request, &mut asked).await;
    process.metrics.answered(asked.service.as_deref(), &method, response.status(), began.elapsed());
    log(&method, &path, asked.client.as_deref(), peer, response.status(), began);
    response
}

/// What is known of a request once it is answered.
#[derive(Default)]
struct Asked {
    /// The token's name.
    client: Option<String>,
    /// One that is there, and that the client may ask.
    service: Option<String>,
}

/// One line a request: never a header, a query or a body.
fn log(method: &Method, path: &str, client: Option<&str>, peer: SocketAddr, status: StatusCode, began: Instant) {
    let path = &path[..path.floor_char_boundary(200)];
    let (client, milliseconds) = (client.unwrap_or("-"), u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
    let status = status.as_u16();
    match status {
        401 | 403 => {
            tracing::warn!(target: "provisor::access", %method, path, client, %peer, status, milliseconds, "denied");
        }
        500.. => tracing::error!(target: "provisor::access", %method, path, client, %peer, status, milliseconds, "failed"),
        _ => tracing::info!(target: "provisor::access", %method, path, client, %peer, status, milliseconds, "answered"),
    }
}

async fn route(process: &Process, shared: &Shared, request: Request<Incoming>, asked: &mut Asked) -> Response<Full<Bytes>> {
    let path: Vec<&str> = request.uri().path().trim_start_matches('/').split('/').collect();
    if let ["health", what @ ("live" | "ready")] = path[..] {
        return if request.method() == Method::GET {
            let fine = what == "live" || health::ready(process, shared).await;
            let status = if fine { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            json_response(status, "application/json", json!({ "status": if fine { "ok" } else { "unavailable" } }).to_string())
        } else {
            error(&ScimError::new(405, "GET asks for the health"))
        };
    }
    let Some(token) = shared.access.token(request.headers()) else {
        let mut response = error(&ScimError::new(401, "a token of this service is needed: Authorization: Bearer ..."));
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"provisor\""));
        return response;
    };
    asked.client = Some(token.name.clone());
    if let ["metrics"] = path[..] {
        return match (&token.role, request.method()) {
            (TokenRole::Operator, &Method::GET) => json_response(StatusCode::OK, metrics::OPEN_METRICS, process.metrics.text()),
            (TokenRole::Operator, _) => error(&ScimError::new(405, "GET asks for the metrics")),
            _ => error(&ScimError::new(403, "metrics are for operators")),
        };
    }
    let Some((root, rest)) = ROOTS.iter().find_map(|root| path.strip_prefix(*root).map(|rest| (*root, rest))) else {
        return error(&ScimError::new(404, "there is nothing at this path; services are below /scim"));
    };
    let Some(segments) = decoded(rest) else { return error(&ScimError::new(400, "the path is not UTF-8 or has an empty part")) };
    // Whether there is such a service is nobody's business who may not use it.
    let Some((name, below)) = segments.split_first().filter(|(name, _)| access::may_use(token, name)) else {
        return error(&ScimError::new(403, "this token is not for that service"));
    };
    let Some(service) = shared.services.get(name) else { return error(&ScimError::new(404, "there is no such service")) };
    asked.service = Some(name.clone());
    let base = format!("{}/{}/{}", shared.url, root.join("/"), path[root.len()]);
    let work = async {
        let request = scim_request(shared, request, below.to_vec(), base).await?;
        Ok::<_, ScimError>(scim::answer(&**service, &request.0).await)
    };
    match tokio::time::timeout(shared.settings.request_timeout, work).await {
        Ok(Ok(response)) => scim_response(&response),
        Ok(Err(refused)) => error(&refused),
        Err(_) => error(&ScimError::new(408, "the request took too long")),
    }
}

/// The segments as they are meant; the last may be empty, as a path may end in a slash.
fn decoded(path: &[&str]) -> Option<Vec<String>> {
    let path = match path {
        [rest @ .., ""] => rest,
        all => all,
    };
    path.iter().map(|segment| percent_decode_str(segment).decode_utf8().ok().filter(|text| !text.is_empty()).map(String::from)).collect()
}

/// The request, and the memory that its body takes.
async fn scim_request(
    shared: &Shared,
    request: Request<Incoming>,
    path: Vec<String>,
    base: String,
) -> Result<(scim::Request, super::body::Body<'_>), ScimError> {
    let (head, body) = request.into_parts();
    let body = shared.bodies.read(body).await?;
    if !body.bytes.is_empty() && !is_json(&head.headers) {
        return Err(ScimError::new(415, format!("a body is {SCIM_JSON} or application/json")));
    }
    let header = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let request = scim::Request {
        method: head.method.clone(),
        path,
        query,
        if_match: header(IF_MATCH),
        if_none_match: header(IF_NONE_MATCH),
        body: body.bytes.clone(),
        base,
    };
    Ok((request, body))
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return true };
    let essence = text.split(';').next().unwrap_or_default().trim();
    [SCIM_JSON, "application/json"].iter().any(|known| essence.eq_ignore_ascii_case(known))
}

fn scim_response(response: &scim::Response) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = response.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut answer = json_response(status, SCIM_JSON, text);
    let headers = [(LOCATION, &response.location), (ETAG, &response.etag)];
    for (name, value) in headers {
        if let Some(value) = value.as_ref().and_then(|value| HeaderValue::from_str(value).ok()) {
            answer.headers_mut().insert(name, value);
        }
    }
    if let Some(allow) = response.allow {
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    }
    answer
}

fn error(error: &ScimError) -> Response<Full<Bytes>> {
    scim_response(&error.clone().into())
}

fn json_response(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let has_body = !text.is_empty();
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    if has_body {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    // What is answered is about people; nothing on the way keeps it.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
