//! The way to the network of a system: what the manifest says, as the door takes it.

use std::{str::FromStr, sync::Arc};

use super::SetupError;
use crate::{
    egress::{
        self, Algorithm, ClientAuthentication, ClientCertificate, Credentials, Door, DoorSettings, Egress, Endpoint, ExtraHeaders, Grant,
        GrantError, OAuth2, Origin, Policy, SigningKey, TlsSettings, parse_network, table_of,
    },
    manifest::{self, Auth, System},
    registry::description::{Capability, Description, Reference},
};

/// The way to the network of a system whose plugin asks for one.
pub(super) fn door(egress: &Egress, system: &System, description: &Description) -> Result<Option<Arc<Door>>, SetupError> {
    let asks = description.capabilities.iter().any(|wish| matches!(wish, Capability::Http(_) | Capability::Dial(_)));
    if !asks {
        return Ok(None);
    }
    let wrong = |message: String| SetupError::Grant { system: system.name.clone(), message };
    let policy = Policy {
        origins: parsed::<Origin>(&system.origins).map_err(wrong)?,
        endpoints: parsed::<Endpoint>(&system.endpoints).map_err(wrong)?,
        networks: system
            .grants
            .networks
            .iter()
            .map(|text| parse_network(text).map_err(|error| wrong(error.to_string())))
            .collect::<Result<_, _>>()?,
    };
    // Credentials go to the places of the operator's own properties, not to what a plugin names by itself.
    let mut backend = Vec::new();
    for wish in &description.capabilities {
        if let Capability::Http(Reference::Property(name)) = wish
            && let Some(url) = system.properties.get(name)
        {
            backend.push(Origin::of_url(url).map_err(|error| wrong(error.to_string()))?);
        }
    }
    let mut backend_endpoints = Vec::new();
    for wish in &description.capabilities {
        if let Capability::Dial(Reference::Property(name)) = wish
            && let Some(url) = system.properties.get(name)
        {
            // What is not read as one is no grant either.
            backend_endpoints.extend(Endpoint::of_url(url));
        }
    }
    let credentials = credentials(&system.auth).map_err(wrong)?;
    let headers = ExtraHeaders::parse(system.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())))
        .map_err(|error| wrong(error.to_string()))?;
    Ok(Some(egress.door(DoorSettings {
        system: system.name.clone(),
        plugin: system.connector.clone(),
        policy,
        backend,
        backend_endpoints,
        credentials,
        tls: tls(&format!("[{}.tls]", table_of(&system.name)), &system.tls),
        headers,
        limits: egress::Limits {
            requests_per_second: system.limits.requests_per_second,
            concurrency: system.limits.concurrency,
            ..egress::Limits::default()
        },
    })))
}

fn parsed<T: FromStr<Err = GrantError>>(texts: &[String]) -> Result<Vec<T>, String> {
    texts.iter().map(|text| text.parse().map_err(|error: GrantError| error.to_string())).collect()
}

fn credentials(auth: &Auth) -> Result<Option<Credentials>, String> {
    Ok(Some(match auth {
        // The certificate is the connection's.
        Auth::None | Auth::ClientCertificate => return Ok(None),
        Auth::Basic { user, password } => Credentials::Basic { user: user.clone(), password: password.clone() },
        Auth::Bearer { token } => Credentials::Bearer { token: token.clone() },
        Auth::OAuth2(oauth2) => Credentials::OAuth2(Box::new(oauth2_client(oauth2)?)),
    }))
}

fn oauth2_client(manifest::OAuth2 { token_url, scope, grant }: &manifest::OAuth2) -> Result<OAuth2, String> {
    Ok(OAuth2 {
        token_url: token_url.as_str().parse().map_err(|error| format!("the token URL {token_url} cannot be used: {error}"))?,
        grant: match grant {
            manifest::Grant::ClientCredentials { client_id, client } => {
                Grant::ClientCredentials { client_id: client_id.clone(), client: authentication(client) }
            }
            manifest::Grant::JwtBearer { issuer, subject, assertion } => Grant::JwtBearer {
                issuer: issuer.clone(),
                subject: subject.clone(),
                audience: assertion.audience.clone(),
                signing: signing(assertion),
            },
        },
        scope: scope.clone(),
    })
}

fn authentication(client: &manifest::ClientAuthentication) -> ClientAuthentication {
    match client {
        manifest::ClientAuthentication::BasicHeader(secret) => ClientAuthentication::Basic(secret.clone()),
        manifest::ClientAuthentication::FormBody(secret) => ClientAuthentication::Form(secret.clone()),
        manifest::ClientAuthentication::PrivateKeyJwt(assertion) => {
            ClientAuthentication::PrivateKeyJwt { audience: assertion.audience.clone(), signing: signing(assertion) }
        }
        manifest::ClientAuthentication::Certificate => ClientAuthentication::Certificate,
    }
}

fn signing(assertion: &manifest::Assertion) -> SigningKey {
    SigningKey {
        key: assertion.key.clone(),
        key_id: assertion.key_id.clone(),
        certificate: assertion.certificate.clone(),
        algorithm: assertion.algorithm.as_deref().and_then(Algorithm::named),
    }
}

/// The TLS settings of a table of the manifest.
pub(super) fn tls(table: &str, tls: &manifest::Tls) -> TlsSettings {
    TlsSettings {
        machine_authorities: tls.machine_authorities,
        authorities: tls.authorities.clone(),
        identity: tls.certificate.as_ref().map(|manifest::ClientCertificate { certificate, key }| ClientCertificate {
            certificate: certificate.clone(),
            key: key.clone(),
        }),
        ..TlsSettings::new(table)
    }
}
