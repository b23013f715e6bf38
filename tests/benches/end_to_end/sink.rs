//! A SCIM server that costs as little as it can: documents in memory, one thread, connections kept open. It answers what the connector `scim` asks and no more.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A server, until the process ends.
pub(crate) struct Sink {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

/// What clients have written.
#[derive(Default)]
struct Kept {
    count: u64,
    /// Path of the resource -> document.
    documents: HashMap<String, Bytes>,
}

impl Sink {
    pub(crate) fn start() -> Self {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let (of_thread, (bound, address)) = (kept.clone(), std::sync::mpsc::channel());
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                bound.send(listener.local_addr().expect("an address")).expect("somebody waits");
                loop {
                    let (stream, _) = listener.accept().await.expect("a connection");
                    let _ = stream.set_nodelay(true);
                    let kept = of_thread.clone();
                    tokio::spawn(async move {
                        let service = service_fn(|request| answer(request, &kept));
                        // The client hangs up when it likes.
                        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                    });
                }
            });
        });
        Self { address: address.recv().expect("the server started"), kept }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many resources there are.
    pub(crate) fn resources(&self) -> u64 {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).documents.len() as u64
    }
}

async fn answer(request: Request<Incoming>, kept: &Mutex<Kept>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // A request that broke off is not answered: its connection is gone.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    let path = head.uri.path();
    let known = kept.documents.contains_key(path);
    Ok(match head.method {
        Method::POST => {
            kept.count += 1;
            let id = kept.count;
            kept.documents.insert(format!("{path}/{id}"), body);
            resource(StatusCode::CREATED, id)
        }
        Method::PUT if known => {
            kept.documents.insert(path.to_owned(), body);
            resource(StatusCode::OK, path.rsplit('/').next().unwrap_or_default())
        }
        Method::DELETE if known => {
            kept.documents.remove(path);
            respond(StatusCode::NO_CONTENT, Bytes::new())
        }
        Method::GET => list(&kept, path, head.uri.query().unwrap_or_default()),
        _ => respond(StatusCode::NOT_FOUND, Bytes::new()),
    })
}

/// The shortest document that tells the id.
fn resource(status: StatusCode, id: impl std::fmt::Display) -> Response<Full<Bytes>> {
    respond(status, format!(r#"{{"id":"{id}"}}"#).into())
}

/// The resources whose attribute has the value of `filter=<attribute> eq "<value>"`; all of them without one.
fn list(kept: &Kept, collection: &str, query: &str) -> Response<Full<Bytes>> {
    let filter = query.split('&').find_map(|pair| pair.strip_prefix("filter=")).map(|text| text.replace("%20", " ").replace("%22", "\""));
    let wanted = filter.as_deref().and_then(|filter| filter.split_once(" eq "));
    let resources: Vec<Value> = kept
        .documents
        .iter()
        .filter_map(|(path, document)| {
            let id = path.strip_prefix(collection)?.strip_prefix('/')?;
            let mut document: Value = serde_json::from_slice(document).ok()?;
            document["id"] = id.into();
            let hit =
                |(attribute, value): (&str, &str)| serde_json::from_str::<Value>(value).is_ok_and(|value| document[attribute] == value);
            wanted.is_none_or(hit).then_some(document)
        })
        .collect();
    let list = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": resources.len(), "Resources": resources,
    });
    respond(StatusCode::OK, list.to_string().into())
}

fn respond(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/scim+json"));
    response
}
