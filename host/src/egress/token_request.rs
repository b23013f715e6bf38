//! The request for a token, and who we are in it.
//!
//! | grant | client | form | header |
//! | --- | --- | --- | --- |
//! | `client_credentials` (RFC 6749 section 4.4) | `Basic` | | `Authorization: Basic` |
//! | | `Form` | `client_id`, `client_secret` | |
//! | | `PrivateKeyJwt` (RFC 7523 section 2.2) | `client_id`, `client_assertion` | |
//! | | `Certificate` (RFC 8705 section 2.1) | `client_id` | |
//! | `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523 section 2.1) | | `assertion` | |

use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Full};
use secrecy::zeroize::Zeroizing;
use url::form_urlencoded::Serializer;

use super::assertion::{Claims, SigningKey, new_id};
use super::body::{Outgoing, Upload};
use super::error::EgressError;
use crate::secret::{Secret, SecretSource};

/// How a token is had.
#[derive(Debug, Clone)]
pub struct OAuth2 {
    /// `OAuth2TokenServiceURL`. Naming it is the grant for the host's own token requests; components do not gain access to it.
    pub token_url: Uri,
    pub grant: Grant,
    /// `OAuth2TokenScope`: scopes separated by spaces, sent only if there are any.
    pub scope: Option<String>,
}

/// What a token is given for.
#[derive(Debug, Clone)]
pub enum Grant {
    ClientCredentials {
        client_id: String,
        client: ClientAuthentication,
    },
    JwtBearer {
        issuer: String,
        /// On whose behalf; absent where the server takes it from the issuer.
        subject: Option<String>,
        /// Absent: the token endpoint.
        audience: Option<String>,
        signing: SigningKey,
    },
}

/// How a client proves who it is.
#[derive(Debug, Clone)]
pub enum ClientAuthentication {
    /// A secret in the header `Authorization` (RFC 6749 section 2.3.1).
    Basic(SecretSource),
    /// A secret in the form.
    Form(SecretSource),
    PrivateKeyJwt {
        /// Absent: the token endpoint.
        audience: Option<String>,
        signing: SigningKey,
    },
    /// The client certificate of the connection.
    Certificate,
}

impl OAuth2 {
    /// What signs, where something is signed.
    pub(super) fn signing(&self) -> Option<&SigningKey> {
        match &self.grant {
            Grant::JwtBearer { signing, .. }
            | Grant::ClientCredentials { client: ClientAuthentication::PrivateKeyJwt { signing, .. }, .. } => Some(signing),
            Grant::ClientCredentials { .. } => None,
        }
    }
}

/// A request that has not been sent.
pub(super) struct TokenRequest {
    pairs: Vec<(&'static str, String)>,
    /// The secret or the signed assertion: what must not be repeated, whatever the server says.
    pub(super) secret: Option<Secret>,
    /// The name of the secret in the form, where it goes there.
    secret_in: Option<&'static str>,
    authorization: Option<HeaderValue>,
}

impl TokenRequest {
    /// Fetches the secret, or signs with the key. Both are fetched each time: a token is asked for rarely, and they may have been replaced.
    pub(super) async fn make(system: &str, settings: &OAuth2, now: SystemTime) -> Result<Self, EgressError> {
        let mut request = Self { pairs: Vec::new(), secret: None, secret_in: None, authorization: None };
        let scope = settings.scope.as_deref().filter(|scope| !scope.is_empty());
        let endpoint = settings.token_url.to_string();
        match &settings.grant {
            Grant::ClientCredentials { client_id, client } => {
                request.pairs.push(("grant_type", "client_credentials".into()));
                if !matches!(client, ClientAuthentication::Basic(_)) {
                    request.pairs.push(("client_id", client_id.clone()));
                }
                match client {
                    ClientAuthentication::Basic(source) => {
                        let secret = client_secret(system, source).await?;
                        request.authorization = Some(basic(client_id, &secret)?);
                        request.secret = Some(secret);
                    }
                    ClientAuthentication::Form(source) => {
                        request.secret = Some(client_secret(system, source).await?);
                        request.secret_in = Some("client_secret");
                    }
                    ClientAuthentication::PrivateKeyJwt { audience, signing } => {
                        let audience = audience.as_deref().unwrap_or(&endpoint);
                        let claims = Claims { issuer: client_id, subject: Some(client_id), audience, scope: None };
                        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                        request.pairs.push(("client_assertion_type", kind.into()));
                        request.secret = Some(assertion(system, signing, &claims, now).await?);
                        request.secret_in = Some("client_assertion");
                    }
                    ClientAuthentication::Certificate => {}
                }
            }
            Grant::JwtBearer { issuer, subject, audience, signing } => {
                let audience = audience.as_deref().unwrap_or(&endpoint);
                let claims = Claims { issuer, subject: subject.as_deref(), audience, scope };
                request.pairs.push(("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".into()));
                request.secret = Some(assertion(system, signing, &claims, now).await?);
                request.secret_in = Some("assertion");
            }
        }
        request.pairs.extend(scope.map(|scope| ("scope", scope.to_owned())));
        Ok(request)
    }

    /// As it is sent.
    pub(super) fn compose(&self, to: &Uri, upload: Arc<Upload>) -> Request<Outgoing> {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(&self.pairs);
        if let (Some(name), Some(secret)) = (self.secret_in, &self.secret) {
            form.append_pair(name, secret.expose());
        }
        let body = Full::new(Bytes::from(form.finish())).map_err(|never| match never {}).boxed_unsync();
        let mut request = Request::new(Outgoing::new(body, upload));
        *request.method_mut() = Method::POST;
        request.uri_mut().clone_from(to);
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        request
    }
}

async fn client_secret(system: &str, source: &SecretSource) -> Result<Secret, EgressError> {
    source.resolve().await.map_err(|error| EgressError::secret(system, "the client secret", &error))
}

async fn assertion(system: &str, signing: &SigningKey, claims: &Claims<'_>, now: SystemTime) -> Result<Secret, EgressError> {
    let id = new_id().map_err(|reason| EgressError::Credentials { system: system.to_owned(), reason })?;
    signing.assertion(system, claims, now, &id).await.map(|signed| Secret::from(&*signed))
}

/// Id and secret as they are: RFC 6749 section 2.3.1 wants both form-encoded first, but UAA servers, whose client ids contain `!` and `|`, do not decode.
fn basic(client_id: &str, secret: &Secret) -> Result<HeaderValue, EgressError> {
    let pair = Zeroizing::new(format!("{client_id}:{}", secret.expose()));
    let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", *encoded)).map_err(EgressError::request)?;
    value.set_sensitive(true);
    Ok(value)
}
