//! SCIM requests (RFC 7644 section 3) to calls of a [`Backend`]. Knows nothing of HTTP beyond methods, status codes and four headers, nor who is asking.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::{
    backend::{Backend, List, Listed, Page, Precondition, Resource, weak},
    bulk, discovery,
    error::{ScimError, ScimType},
    evaluate, patch,
    projection::Projection,
    schema::ResourceType,
    search::{self, Search},
};

/// The schema of a list.
pub const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// A request below the service's base URL.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    /// The path's segments, decoded; none of them is empty.
    pub path: Vec<String>,
    /// Decoded.
    pub query: Vec<(String, String)>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub body: Bytes,
    /// Where the service is, for `location`: `https://host/scim/people`, without a slash at its end.
    pub base: String,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    pub status: u16,
    pub body: Option<Value>,
    pub location: Option<String>,
    pub etag: Option<String>,
    /// Of a 405: what would have been allowed.
    pub allow: Option<&'static str>,
}

impl Response {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body: Some(body), ..Self::default() }
    }
}

impl From<ScimError> for Response {
    fn from(error: ScimError) -> Self {
        Self { status: error.status, body: Some(error.body()), ..Self::default() }
    }
}

/// Answer a request; whatever goes wrong is an answer, too.
pub async fn answer(backend: &dyn Backend, request: &Request) -> Response {
    if request.path.first().is_some_and(|segment| segment == "Bulk") {
        return if request.path.len() > 1 {
            no_such_path(request).into()
        } else if request.method == Method::POST {
            bulk::answer(backend, request).await.unwrap_or_else(Response::from)
        } else {
            not_allowed("POST")
        };
    }
    one(backend, request).await
}

/// Everything but a bulk request, so what a bulk request can hold.
pub(super) async fn one(backend: &dyn Backend, request: &Request) -> Response {
    route(backend, request).await.unwrap_or_else(Response::from)
}

async fn route(backend: &dyn Backend, request: &Request) -> Result<Response, ScimError> {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let (catalogue, base, method) = (backend.catalogue(), &request.base, &request.method);
    match path[..] {
        ["Me", ..] => Err(ScimError::new(501, "a token of this service is no user: there is no /Me")),
        ["ServiceProviderConfig" | "ResourceTypes" | "Schemas", ..] if *method != Method::GET => Ok(not_allowed("GET")),
        // RFC 7644 section 4.
        ["ServiceProviderConfig" | "ResourceTypes" | "Schemas", ..]
            if request.query.iter().any(|(name, _)| name.eq_ignore_ascii_case("filter")) =>
        {
            Err(ScimError::new(403, "a filter cannot be used here"))
        }
        ["ServiceProviderConfig"] => Ok(Response::ok(discovery::service_provider_config(catalogue, base))),
        ["ResourceTypes"] => Ok(Response::ok(discovery::resource_types(catalogue, base))),
        ["ResourceTypes", name] => discovery::one_resource_type(catalogue, base, name).map(Response::ok),
        ["Schemas"] => Ok(Response::ok(discovery::schemas(catalogue, base))),
        ["Schemas", id] => discovery::one_schema(catalogue, base, id).map(Response::ok),
        [] | [".search"] => {
            let types = &catalogue.types;
            let search = match (path.is_empty(), method) {
                (true, &Method::GET) => Search::of_query(&request.query, catalogue)?,
                (false, &Method::POST) => Search::of_body(&parsed(&request.body)?, catalogue)?,
                (true, _) => return Ok(not_allowed("GET")),
                (false, _) => return Ok(not_allowed("POST")),
            };
            everywhere(backend, types, search, base).await
        }
        [endpoint] | [endpoint, ".search"] => {
            let of = catalogue.at(endpoint).ok_or_else(|| no_such_path(request))?.clone();
            match (path.len() == 1, method) {
                (true, &Method::GET) => list(backend, of, Search::of_query(&request.query, catalogue)?, base).await,
                (true, &Method::POST) => create(backend, &of, request).await,
                (true, _) => Ok(not_allowed("GET, POST")),
                (false, &Method::POST) => list(backend, of, Search::of_body(&parsed(&request.body)?, catalogue)?, base).await,
                (false, _) => Ok(not_allowed("POST")),
            }
        }
        [endpoint, id] => {
            let of = catalogue.at(endpoint).ok_or_else(|| no_such_path(request))?.clone();
            resource(backend, &of, id, request).await
        }
        _ => Err(no_such_path(request)),
    }
}

fn no_such_path(request: &Request) -> ScimError {
    ScimError::new(404, format!("there is nothing at /{}", request.path.join("/")))
}

fn not_allowed(allow: &'static str) -> Response {
    let error = ScimError::new(405, format!("this can be done here: {allow}"));
    Response { allow: Some(allow), ..error.into() }
}

fn parsed(body: &Bytes) -> Result<Value, ScimError> {
    serde_json::from_slice(body).map_err(|error| ScimError::bad(ScimType::InvalidSyntax, format!("the body is not JSON: {error}")))
}

async fn create(backend: &dyn Backend, of: &Arc<ResourceType>, request: &Request) -> Result<Response, ScimError> {
    let projection = search::projection(&request.query)?;
    let types = &backend.catalogue().types;
    let made = backend.create(of, parsed(&request.body)?).await?;
    Ok(Response { status: 201, ..shown(made, of, types, &projection, &request.base) })
}

async fn resource(backend: &dyn Backend, of: &Arc<ResourceType>, id: &str, request: &Request) -> Result<Response, ScimError> {
    let projection = search::projection(&request.query)?;
    let types = &backend.catalogue().types;
    let precondition = Precondition { if_match: tags(request.if_match.as_deref()) };
    match request.method {
        Method::GET => {
            let found = backend.get(of, id, &projection).await?;
            let shown = shown(found, of, types, &projection, &request.base);
            let known = tags(request.if_none_match.as_deref());
            if shown.etag.as_ref().is_some_and(|etag| known.iter().any(|tag| tag == "*" || weak(tag) == weak(etag))) {
                return Ok(Response { status: 304, body: None, ..shown });
            }
            Ok(shown)
        }
        Method::PUT => {
            let now = backend.replace(of, id, parsed(&request.body)?, &precondition).await?;
            Ok(shown(now, of, types, &projection, &request.base))
        }
        Method::PATCH if backend.catalogue().patching => {
            let operations = patch::operations(&parsed(&request.body)?)?;
            let now = backend.patch(of, id, &operations, &precondition, &projection).await?;
            Ok(now.map_or(Response { status: 204, ..Response::default() }, |now| shown(now, of, types, &projection, &request.base)))
        }
        Method::DELETE => {
            backend.delete(of, id, &precondition).await?;
            Ok(Response { status: 204, ..Response::default() })
        }
        _ if backend.catalogue().patching => Ok(not_allowed("GET, PUT, PATCH, DELETE")),
        _ => Ok(not_allowed("GET, PUT, DELETE")),
    }
}

/// `"1", W/"2"`
fn tags(header: Option<&str>) -> Vec<String> {
    header.unwrap_or_default().split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// A resource as it is answered: with its location, and what is wanted of it.
fn located(
    mut resource: Resource,
    of: &ResourceType,
    types: &[Arc<ResourceType>],
    projection: &Projection,
    base: &str,
) -> (Resource, Option<String>, Option<String>) {
    let location = resource.get("id").and_then(Value::as_str).map(|id| location(base, of, id));
    refer(&mut resource, of, types, base);
    let meta = resource.entry("meta").or_insert_with(|| json!({}));
    if meta.is_object() {
        meta["resourceType"] = of.name.as_str().into();
        if let Some(location) = &location {
            meta["location"] = location.as_str().into();
        }
    }
    let etag = meta.get("version").and_then(Value::as_str).map(str::to_owned);
    (projection.apply(resource, of), location, etag)
}

fn shown(resource: Resource, of: &ResourceType, types: &[Arc<ResourceType>], projection: &Projection, base: &str) -> Response {
    let (resource, location, etag) = located(resource, of, types, projection, base);
    Response { status: 200, body: Some(Value::Object(resource)), location, etag, allow: None }
}

/// `$ref` of members and of groups: where they are, for whoever asks here. A type nobody has here has no place.
fn refer(resource: &mut Resource, of: &ResourceType, types: &[Arc<ResourceType>], base: &str) {
    let name = if of.name == "Group" { "members" } else { "groups" };
    let Some(Value::Array(links)) = resource.get_mut(name) else { return };
    for link in links.iter_mut().filter_map(Value::as_object_mut) {
        let kind = if of.name == "Group" { link.get("type").and_then(Value::as_str) } else { Some("Group") };
        let place = kind.and_then(|kind| types.iter().find(|known| known.name == kind)).zip(link.get("value").and_then(Value::as_str));
        if let Some(place) = place.map(|(of, id)| location(base, of, id)) {
            link.insert("$ref".into(), place.into());
        }
    }
}

/// An id may hold anything, a slash too.
fn location(base: &str, of: &ResourceType, id: &str) -> String {
    let id = percent_encoding::utf8_percent_encode(id, PATH_SEGMENT);
    format!("{base}/{}/{id}", of.endpoint)
}

/// What RFC 3986 lets stand in a path segment stays; so does everything letters and digits.
const PATH_SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@')
    .remove(b'=')
    .remove(b',')
    .remove(b'+')
    .remove(b'!');

async fn list(backend: &dyn Backend, of: Arc<ResourceType>, search: Search, base: &str) -> Result<Response, ScimError> {
    let page = search.page.clone();
    let projection = search.projection.clone();
    let listed = listed(backend, &of, search).await?;
    let next = listed.next.clone();
    let (total, items) = (listed.total, listed.items.unwrap_or(listed.resources.len() as u64));
    let resources: Vec<Value> =
        listed.resources.into_iter().map(|one| Value::Object(located(one, &of, &backend.catalogue().types, &projection, base).0)).collect();
    Ok(Response::ok(list_response(&page, total, items, next, &resources)))
}

fn list_response(page: &Page, total: u64, items: u64, next: Option<String>, resources: &[Value]) -> Value {
    let mut body = json!({ "schemas": [LIST_RESPONSE], "totalResults": total, "itemsPerPage": items, "Resources": resources });
    if let Page::Index { start, .. } = page {
        body["startIndex"] = (*start).into();
    }
    if let Some(next) = next {
        body["nextCursor"] = next.into();
    }
    body
}

async fn listed(backend: &dyn Backend, of: &Arc<ResourceType>, search: Search) -> Result<Listed, ScimError> {
    if let Some(filter) = &search.filter {
        evaluate::check(filter, of)?;
    }
    if let Some(sort) = &search.sort
        && of.resolve(&sort.by).is_none()
        && !of.open
    {
        return Err(ScimError::bad(ScimType::InvalidPath, format!("{} has no attribute {} to sort by", of.name, sort.by)));
    }
    let Search { filter, sort, page, projection } = search;
    backend.list(&List { of: of.clone(), filter, sort, page, projection }).await
}

/// A list over all resource types, one after the other. A type that cannot have what the filter asks for has no hits. Not sorted across types, and paged by index.
async fn everywhere(backend: &dyn Backend, types: &[Arc<ResourceType>], search: Search, base: &str) -> Result<Response, ScimError> {
    let Page::Index { start, count } = search.page else {
        return Err(ScimError::bad(ScimType::InvalidCursor, "over all resource types there is only startIndex"));
    };
    let (mut resources, mut total, mut refused) = (Vec::new(), 0, Vec::new());
    for of in types {
        let left = count.saturating_sub(resources.len() as u64);
        let page = Page::Index { start: start.saturating_sub(total).max(1), count: if start > total { left } else { left.min(count) } };
        match listed(backend, of, Search { page, sort: None, ..search.clone() }).await {
            Ok(listed) => {
                total += listed.total;
                resources
                    .extend(listed.resources.into_iter().map(|one| Value::Object(located(one, of, types, &search.projection, base).0)));
            }
            Err(error) if error.scim_type == Some(ScimType::InvalidFilter) => refused.push(error),
            Err(error) => return Err(error),
        }
    }
    if refused.len() == types.len()
        && let Some(error) = refused.into_iter().next()
    {
        return Err(error);
    }
    let items = resources.len() as u64;
    Ok(Response::ok(list_response(&search.page, total, items, None, &resources)))
}
