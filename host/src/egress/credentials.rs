//! What the host adds to a system's requests so that the component never holds a key.
//!
//! | kind | header |
//! | --- | --- |
//! | `Basic` | `Authorization: Basic ...` (RFC 7617) |
//! | `Bearer` | `Authorization: Bearer ...` (RFC 6750), the token as the secret gives it |
//! | `OAuth2` | `Authorization: Bearer ...`, the token fetched and renewed by the host; see `oauth` and `token_request` |
//!
//! A client certificate is no header: see `identity`. Passwords and fixed tokens are fetched when the first request needs them and are kept until the process ends;
//! keys, certificates and the secrets of OAuth clients are fetched again when they are needed again.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use tokio::sync::OnceCell;

use super::error::EgressError;
use super::oauth::{TokenCache, TokenFetch};
use super::token_request::OAuth2;
use crate::secret::{Secret, SecretSource};

/// The credentials of one system, as configured.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// The user name must not contain a colon (RFC 7617 section 2).
    Basic {
        user: String,
        password: SecretSource,
    },
    Bearer {
        token: SecretSource,
    },
    OAuth2(Box<OAuth2>),
}

/// The credentials in use.
pub(super) struct Authenticator {
    system: String,
    kind: Kind,
}

enum Kind {
    Fixed { credentials: Fixed, header: OnceCell<HeaderValue> },
    OAuth2(Box<TokenCache>),
}

enum Fixed {
    Basic { user: String, password: SecretSource },
    Bearer { token: SecretSource },
}

/// A header, and which token it carries where it can be renewed.
pub(super) struct Authorization {
    pub(super) header: HeaderValue,
    /// For [`Authenticator::renew`].
    pub(super) generation: Option<u64>,
}

impl Authenticator {
    pub(super) fn new(system: &str, credentials: Credentials) -> Self {
        let fixed = |credentials| Kind::Fixed { credentials, header: OnceCell::new() };
        let kind = match credentials {
            Credentials::Basic { user, password } => fixed(Fixed::Basic { user, password }),
            Credentials::Bearer { token } => fixed(Fixed::Bearer { token }),
            Credentials::OAuth2(settings) => Kind::OAuth2(Box::new(TokenCache::new(system, *settings))),
        };
        Self { system: system.to_owned(), kind }
    }

    /// How tokens are had, where they are.
    pub(super) fn oauth(&self) -> Option<&OAuth2> {
        match &self.kind {
            Kind::Fixed { .. } => None,
            Kind::OAuth2(cache) => Some(cache.settings()),
        }
    }

    pub(super) fn is_renewable(&self) -> bool {
        matches!(self.kind, Kind::OAuth2(_))
    }

    /// The header for the next request. Concurrent callers wait for one fetch.
    pub(super) async fn authorization(&self, fetch: &TokenFetch<'_>) -> Result<Authorization, EgressError> {
        match &self.kind {
            Kind::Fixed { credentials, header } => {
                let header = header.get_or_try_init(|| self.fixed(credentials)).await?.clone();
                Ok(Authorization { header, generation: None })
            }
            Kind::OAuth2(cache) => cache.authorization(fetch).await,
        }
    }

    /// The server did not accept the token of this generation: forget it, unless it has been replaced meanwhile. Whether it is worth trying
    /// again.
    pub(super) async fn renew(&self, generation: u64) -> bool {
        match &self.kind {
            Kind::Fixed { .. } => false,
            Kind::OAuth2(cache) => cache.renew(generation).await,
        }
    }

    /// The server did not accept the renewed token either.
    pub(super) async fn renewal_was_useless(&self) {
        if let Kind::OAuth2(cache) = &self.kind {
            cache.renewal_was_useless().await;
        }
    }

    async fn fixed(&self, credentials: &Fixed) -> Result<HeaderValue, EgressError> {
        match credentials {
            Fixed::Basic { user, password } => {
                let password = password.resolve().await.map_err(|error| EgressError::secret(&self.system, "the password", &error))?;
                basic(&self.system, user, &password)
            }
            Fixed::Bearer { token } => {
                let token = token.resolve().await.map_err(|error| EgressError::secret(&self.system, "the token", &error))?;
                bearer(&self.system, token.expose())
            }
        }
    }
}

pub(super) fn basic(system: &str, user: &str, password: &Secret) -> Result<HeaderValue, EgressError> {
    if user.contains(':') {
        return Err(EgressError::Credentials { system: system.to_owned(), reason: "a user name cannot contain a colon (RFC 7617)".into() });
    }
    sensitive(system, &format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose()))))
}

pub(super) fn bearer(system: &str, token: &str) -> Result<HeaderValue, EgressError> {
    sensitive(system, &format!("Bearer {token}"))
}

/// A header value that prints as `Sensitive` and is left out of HTTP/2's header compression.
fn sensitive(system: &str, text: &str) -> Result<HeaderValue, EgressError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| EgressError::Credentials {
        system: system.to_owned(),
        reason: "the secret contains a line break or another character no header can carry".into(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        // The example of RFC 7617 section 2.
        let header = basic("s", "Aladdin", &Secret::from("open sesame")).unwrap();
        assert_eq!(header, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(format!("{header:?}"), "Sensitive");
        assert!(basic("s", "a:b", &Secret::from("x")).is_err());
        let error = bearer("s", "hunter2\nX-Evil: 1").unwrap_err().to_string();
        assert!(error.starts_with("egress.credentials") && !error.contains("hunter2"), "{error}");
    }
}
