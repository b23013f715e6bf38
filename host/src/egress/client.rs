//! The HTTP client of one system: hyper's pool over the checking connector.
//!
//! Every system has its own, so a connection opened under one system's grants is never used under another's. Redirects are not followed: an
//! answer that asks for one is an answer, and what the component does about it is a new request through the door.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

use super::body::{Outgoing, Upload};
use super::connect::Connector;
use super::error::{EgressError, Phase, root_cause};

/// Shorter than what servers commonly keep, so that a request rarely meets a connection that is just being closed.
const IDLE_IN_POOL: Duration = Duration::from_secs(15);
const IDLE_PER_HOST: usize = 16;
/// Finds out that an HTTP/2 connection is dead before requests wait on it.
const PING: Duration = Duration::from_secs(20);

pub(super) struct Client {
    connector: Connector,
    inner: hyper_util::client::legacy::Client<Connector, Outgoing>,
}

impl Client {
    pub(super) fn new(connector: Connector) -> Self {
        let inner = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_IN_POOL)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .http2_keep_alive_interval(PING)
            .http2_keep_alive_timeout(PING)
            .build(connector.clone());
        Self { connector, inner }
    }

    /// Send and wait for the answer's headers. The clock of `first_byte` starts anew as long as the body makes progress.
    pub(super) async fn request(
        &self,
        request: Request<Outgoing>,
        place: &str,
        upload: &Arc<Upload>,
        first_byte: Duration,
    ) -> Result<Response<Incoming>, EgressError> {
        let mut answer = std::pin::pin!(self.inner.request(request));
        loop {
            let before = upload.sent();
            match timeout(first_byte, &mut answer).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => return Err(upload.cut_off().unwrap_or_else(|| self.translate(&error, place))),
                Err(_) if upload.sent() != before => {}
                Err(_) => return Err(EgressError::TimedOut { place: place.to_owned(), phase: Phase::FirstByte, after: first_byte }),
            }
        }
    }

    fn translate(&self, error: &hyper_util::client::legacy::Error, place: &str) -> EgressError {
        EgressError::within(error).unwrap_or_else(|| self.connector.broken(place.to_owned(), &root_cause(error)))
    }
}
