//! How the host authenticates, as the manifest says it.

use url::Url;

use crate::secret::SecretSource;

/// How the host authenticates the plugin's HTTP requests.
#[derive(Clone, Debug)]
pub enum Auth {
    None,
    /// RFC 7617.
    Basic {
        user: String,
        password: SecretSource,
    },
    /// RFC 6750.
    Bearer {
        token: SecretSource,
    },
    /// The client certificate of [`super::Tls`], which is there then.
    ClientCertificate,
    OAuth2(Box<OAuth2>),
}

/// A token that the host fetches.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    pub token_url: Url,
    /// Separated by spaces; none: the parameter is not sent.
    pub scope: Option<String>,
    pub grant: Grant,
}

#[derive(Clone, Debug)]
pub enum Grant {
    /// RFC 6749 section 4.4.
    ClientCredentials { client_id: String, client: ClientAuthentication },
    /// RFC 7523 section 2.1. No subject: the assertion names none.
    JwtBearer { issuer: String, subject: Option<String>, assertion: Assertion },
}

/// How a token request says who the client is.
#[derive(Clone, Debug)]
pub enum ClientAuthentication {
    /// A secret in the header (RFC 6749 section 2.3.1).
    BasicHeader(SecretSource),
    /// A secret in the form.
    FormBody(SecretSource),
    /// RFC 7523 section 2.2.
    PrivateKeyJwt(Assertion),
    /// RFC 8705 section 2.1: the certificate of [`super::Tls`], which is there then.
    Certificate,
}

/// What signed assertions are made of.
#[derive(Clone, Debug)]
pub struct Assertion {
    pub key: SecretSource,
    pub key_id: Option<String>,
    pub certificate: Option<SecretSource>,
    /// A name of RFC 7518 that the table of keys lists; none: by the key.
    pub algorithm: Option<String>,
    /// None: the token endpoint.
    pub audience: Option<String>,
}

impl Auth {
    /// The same with every secret's source changed.
    pub(super) fn map(self, change: &dyn Fn(&SecretSource) -> SecretSource) -> Self {
        let assertion = |assertion: Assertion| Assertion {
            key: change(&assertion.key),
            certificate: assertion.certificate.as_ref().map(change),
            ..assertion
        };
        match self {
            Self::None => Self::None,
            Self::ClientCertificate => Self::ClientCertificate,
            Self::Basic { user, password } => Self::Basic { user, password: change(&password) },
            Self::Bearer { token } => Self::Bearer { token: change(&token) },
            Self::OAuth2(oauth2) => {
                let OAuth2 { token_url, scope, grant } = *oauth2;
                let grant = match grant {
                    Grant::ClientCredentials { client_id, client } => {
                        let client = match client {
                            ClientAuthentication::BasicHeader(secret) => ClientAuthentication::BasicHeader(change(&secret)),
                            ClientAuthentication::FormBody(secret) => ClientAuthentication::FormBody(change(&secret)),
                            ClientAuthentication::PrivateKeyJwt(signed) => ClientAuthentication::PrivateKeyJwt(assertion(signed)),
                            ClientAuthentication::Certificate => ClientAuthentication::Certificate,
                        };
                        Grant::ClientCredentials { client_id, client }
                    }
                    Grant::JwtBearer { issuer, subject, assertion: signed } => {
                        Grant::JwtBearer { issuer, subject, assertion: assertion(signed) }
                    }
                };
                Self::OAuth2(Box::new(OAuth2 { token_url, scope, grant }))
            }
        }
    }
}
