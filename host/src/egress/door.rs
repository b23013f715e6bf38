//! The door of one system: every request and every connection its components make goes through here.
//!
//! In this order: is the place granted; is the request one a component may make; are there too many already; the operator's headers and
//! credentials; and then, inside the connector, is the address granted.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::audit::{Audit, AuditLine, Refusal, place};
use super::body::{BoxError, Outgoing, ResponseBody, ResponseBounds, Upload};
use super::certificate::Certificate;
use super::client::Client;
use super::connect::Connector;
use super::credentials::{Authenticator, Authorization, Credentials};
use super::dial::{Security, Stream};
use super::error::{Direction, EgressError, Phase, quoted};
use super::headers::{ExtraHeaders, clean, declared_length};
use super::limits::{Limits, Patience};
use super::oauth::TokenFetch;
use super::origin::{Endpoint, Origin, Scheme};
use super::pace::Pace;
use super::policy::Policy;
use super::tls::{Machine, Tls, TlsSettings};
use super::token_request::OAuth2;

/// What makes a door.
pub struct DoorSettings {
    /// The system's name in the manifest.
    pub system: String,
    /// The component's id, for the audit.
    pub plugin: String,
    pub policy: Policy,
    /// The origins that get the credentials and the extra headers: those of the system's own backend, usually of its property `URL`. Empty
    /// = none gets them. An origin that is granted besides them is reached without.
    pub backend: Vec<Origin>,
    /// The endpoints of the system's own backend: there the client certificate is shown, as it is to `backend`.
    pub backend_endpoints: Vec<Endpoint>,
    pub credentials: Option<Credentials>,
    pub tls: TlsSettings,
    pub headers: ExtraHeaders,
    pub limits: Limits,
}

/// A certificate of the operator's and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateInUse {
    pub what: &'static str,
    pub certificate: Certificate,
}

/// One system's way out. Made by [`super::Egress::door`].
pub struct Door {
    system: Arc<str>,
    policy: Arc<Policy>,
    backend: Vec<Origin>,
    authenticator: Option<Authenticator>,
    headers: ExtraHeaders,
    limits: Limits,
    connector: Connector,
    client: Client,
    audit: Arc<Audit>,
    open: Arc<Semaphore>,
    pace: Pace,
}

/// A request that may be sent, perhaps twice.
struct Outbound {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    /// Whether it gets the system's credentials.
    authenticated: bool,
    permit: OwnedSemaphorePermit,
}

impl Door {
    pub(super) fn new(machine: Arc<Machine>, settings: DoorSettings) -> Self {
        let DoorSettings { system, plugin, policy, backend, backend_endpoints, credentials, tls, headers, limits } = settings;
        let authenticator = credentials.map(|credentials| Authenticator::new(&system, credentials));
        let (system, policy): (Arc<str>, _) = (system.into(), Arc::new(policy));
        let token_url = authenticator.as_ref().and_then(Authenticator::oauth).and_then(|oauth| Origin::of_uri(&oauth.token_url).ok());
        let origins = backend.iter().cloned().chain(token_url).filter(|origin| origin.scheme == Scheme::Https);
        let identified = origins.map(|Origin { host, port, .. }| Endpoint { host, port }).chain(backend_endpoints).collect();
        let tls = Arc::new(Tls::new(system.clone(), tls, machine));
        let connector = Connector { system: system.clone(), policy: policy.clone(), tls, identified, timeout: limits.connect };
        Self {
            audit: Arc::new(Audit::new(system.clone(), plugin.into())),
            client: Client::new(connector.clone()),
            open: Arc::new(Semaphore::new(limits.concurrent)),
            pace: Pace::new(limits.requests_per_second, limits.concurrency),
            system,
            policy,
            backend,
            authenticator,
            headers,
            limits,
            connector,
        }
    }

    /// Send a request to an absolute `http` or `https` URI and wait for the headers of the answer. Redirects are answers.
    pub async fn send<B>(&self, request: Request<B>) -> Result<Response<ResponseBody>, EgressError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.send_within(request, Patience::default()).await
    }

    /// [`Self::send`] for a component that will not wait as long as it may.
    pub async fn send_within<B>(&self, request: Request<B>, patience: Patience) -> Result<Response<ResponseBody>, EgressError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        let to = place(request.uri());
        let mut line = self.audit.line(request.method().as_str(), to.clone());
        let (outbound, body) = match self.admit(request) {
            Ok(admitted) => admitted,
            Err(error) => {
                line.failed(&error);
                return Err(error);
            }
        };
        // Waiting for one's turn is no part of the request's time. Who waits has a place among the open requests, so the queue is as short as they are few.
        let turn = self.pace.turn().await;
        let deadline = Instant::now() + self.limits.total;
        let exchange = async {
            let response = self.exchange(&outbound, body, &to, patience, &line).await?;
            self.check_length(&response, &to)?;
            Ok((response, outbound.permit))
        };
        let late = || EgressError::TimedOut { place: to.clone(), phase: Phase::Total, after: self.limits.total };
        match timeout_at(deadline, exchange).await.unwrap_or_else(|_| Err(late())) {
            Ok((response, permit)) => {
                line.answered(response.status());
                let bounds = ResponseBounds {
                    limit: self.limits.response_bytes,
                    between_bytes: self.limits.between_bytes_within(patience),
                    total: self.limits.total,
                    deadline,
                };
                Ok(response.map(|incoming| ResponseBody::new(incoming, to, bounds, line, (permit, turn))))
            }
            Err(error) => {
                line.failed(&error);
                Err(error)
            }
        }
    }

    /// Connect to `host:port`, which must be granted word for word (after normalisation).
    pub async fn connect(&self, endpoint: &str, security: Security) -> Result<Stream, EgressError> {
        let admitted = endpoint.parse::<Endpoint>().map_err(EgressError::request).and_then(|endpoint| {
            if self.policy.allows_endpoint(&endpoint) {
                Ok((endpoint, self.permit()?))
            } else {
                Err(EgressError::EndpointNotGranted { system: self.system.to_string(), endpoint })
            }
        });
        match admitted {
            Ok((endpoint, permit)) => {
                let line = self.audit.line("DIAL", endpoint.to_string());
                Stream::open(&self.connector, endpoint, security, self.limits.between_bytes, line, permit).await
            }
            Err(error) => {
                self.audit.line("DIAL", quoted(endpoint)).failed(&error);
                Err(error)
            }
        }
    }

    /// What was refused so far, oldest first, equal ones counted; a bounded number of them.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.audit.refusals()
    }

    /// What the operator's certificates and keys are worth at this moment: those in use, and everything that is wrong with any. Asks no server.
    pub async fn check_certificates(&self, now: SystemTime) -> (Vec<CertificateInUse>, Vec<EgressError>) {
        let (identity, mut wrong) = self.connector.tls.check(now).await;
        let mut used: Vec<CertificateInUse> =
            identity.map(|certificate| CertificateInUse { what: "client certificate", certificate }).into_iter().collect();
        if let Some(signing) = self.authenticator.as_ref().and_then(Authenticator::oauth).and_then(OAuth2::signing) {
            match signing.check(&self.system, now).await {
                Ok(certificate) => {
                    used.extend(certificate.map(|certificate| CertificateInUse { what: "certificate of the assertions", certificate }));
                }
                Err(error) => wrong.push(error),
            }
        }
        (used, wrong)
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit, EgressError> {
        let refused = |_| EgressError::TooMany { system: self.system.to_string(), limit: self.limits.concurrent };
        self.open.clone().try_acquire_owned().map_err(refused)
    }

    /// Everything that can be said about a request before the network is touched.
    fn admit(&self, request: Request<UnsyncBoxBody<Bytes, BoxError>>) -> Result<(Outbound, UnsyncBoxBody<Bytes, BoxError>), EgressError> {
        let (parts, body) = request.into_parts();
        let origin = Origin::of_uri(&parts.uri).map_err(EgressError::request)?;
        if !self.policy.allows_origin(&origin) {
            return Err(EgressError::OriginNotGranted { system: self.system.to_string(), origin });
        }
        if parts.method == Method::CONNECT {
            return Err(EgressError::request("the method CONNECT opens a tunnel, which a component may not; use the interface dial"));
        }
        let mut headers = parts.headers;
        clean(&mut headers, &origin)?;
        if declared_length(&headers).or(body.size_hint().exact()).is_some_and(|length| length > self.limits.request_bytes) {
            let (place, limit) = (place(&parts.uri), self.limits.request_bytes);
            return Err(EgressError::TooLarge { place, direction: Direction::Request, limit });
        }
        let backend = self.backend.contains(&origin);
        let authenticated = backend && self.authenticator.is_some();
        if backend {
            self.headers.add_to(&mut headers, authenticated);
        }
        let uri = canonical(&origin, &parts.uri)?;
        Ok((Outbound { method: parts.method, uri, headers, authenticated, permit: self.permit()? }, body))
    }

    /// Send it; once more with a new token, if the server no longer knows the old one and the body is still at hand.
    async fn exchange(
        &self,
        outbound: &Outbound,
        body: UnsyncBoxBody<Bytes, BoxError>,
        to: &str,
        patience: Patience,
        line: &AuditLine,
    ) -> Result<Response<Incoming>, EgressError> {
        let authenticator = self.authenticator.as_ref().filter(|_| outbound.authenticated);
        let replay_bytes = if authenticator.is_some_and(Authenticator::is_renewable) { self.limits.replay_bytes } else { 0 };
        let first_byte = self.limits.first_byte_within(patience);
        let declared = declared_length(&outbound.headers);
        let upload =
            |replay_bytes| Arc::new(Upload::new(to.to_owned(), self.limits.request_bytes, declared, line.sent.clone(), replay_bytes));

        let authorization = self.authorization(authenticator).await?;
        let generation = authorization.as_ref().and_then(|authorization| authorization.generation);
        let first = upload(replay_bytes);
        let request = compose(outbound, authorization, Outgoing::new(body, first.clone()));
        let response = self.client.request(request, to, &first, first_byte).await?;

        let (Some(authenticator), Some(generation), StatusCode::UNAUTHORIZED) = (authenticator, generation, response.status()) else {
            return Ok(response);
        };
        if !authenticator.renew(generation).await {
            return Ok(response);
        }
        let Some(again) = first.replay() else { return Ok(response) };
        drop(response);
        let authorization = self.authorization(Some(authenticator)).await?;
        self.pace.next().await;
        let second = upload(0);
        let again = Full::new(again).map_err(|never| match never {}).boxed_unsync();
        let request = compose(outbound, authorization, Outgoing::new(again, second.clone()));
        let response = self.client.request(request, to, &second, first_byte).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            authenticator.renewal_was_useless().await;
        }
        Ok(response)
    }

    async fn authorization(&self, authenticator: Option<&Authenticator>) -> Result<Option<Authorization>, EgressError> {
        let Some(authenticator) = authenticator else { return Ok(None) };
        let fetch = TokenFetch { client: &self.client, audit: &self.audit, limits: &self.limits, pace: &self.pace };
        authenticator.authorization(&fetch).await.map(Some)
    }

    fn check_length(&self, response: &Response<Incoming>, to: &str) -> Result<(), EgressError> {
        let limit = self.limits.response_bytes;
        if response.body().size_hint().lower() > limit {
            return Err(EgressError::TooLarge { place: to.to_owned(), direction: Direction::Response, limit });
        }
        Ok(())
    }
}

/// The request as it is sent; an `Authorization` of the component's own is replaced.
fn compose(outbound: &Outbound, authorization: Option<Authorization>, body: Outgoing) -> Request<Outgoing> {
    let mut request = Request::new(body);
    request.method_mut().clone_from(&outbound.method);
    request.uri_mut().clone_from(&outbound.uri);
    request.headers_mut().clone_from(&outbound.headers);
    if let Some(authorization) = authorization {
        request.headers_mut().insert(header::AUTHORIZATION, authorization.header);
    }
    request
}

/// The URI with the origin as it was compared, so that nothing further down reads the host differently.
fn canonical(origin: &Origin, uri: &Uri) -> Result<Uri, EgressError> {
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    format!("{origin}{path}")
        .parse()
        .map_err(|error: http::uri::InvalidUri| EgressError::request(format!("{}: {error}", quoted(uri.path()))))
}
