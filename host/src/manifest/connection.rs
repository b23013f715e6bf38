//! How the host authenticates: from `[systems.x.auth]` or from the reference's property names (spec/connectors.md section 1.1), never from both.

use super::auth::{Assertion, Auth, ClientAuthentication, Grant, OAuth2};
use super::fields::Fields;
use super::forms;
use super::problem::{Place, Problems};
use super::properties::Connection;
use crate::registry::description::Description;
use crate::secret::SecretSource;

const TOKEN_URL: &str = "OAuth2TokenServiceURL";
const SCOPE: &str = "OAuth2TokenScope";
const STYLE: &str = "AuthType";
const CLIENT_ID: &str = "client_id";
const JWT_SUBJECT: &str = "jwt.subject";
const JWT_SCOPE: &str = "jwt.scope";

/// The keys of `[systems.x.auth]` that only an assertion needs.
const OF_ASSERTIONS: [&str; 5] = ["private-key", "algorithm", "key-id", "certificate", "audience"];

/// The credentials of a system. `Auth::None` where something about them is wrong; then there is a problem.
pub(super) fn auth(system: &Fields, description: Option<&Description>, connection: &Connection, problems: &mut Problems) -> Auth {
    transport(connection, problems);
    let Some(table) = system.table("auth") else { return from_properties(system, connection, problems) };
    if let Some(description) = description.filter(|description| !description.speaks_http()) {
        let message = format!("{} is for HTTP, which the plugin \"{}\" does not speak", table.title, description.id);
        problems.error("manifest.auth-without-http", table.at, message, "credentials of other protocols are properties of the plugin");
    }
    if let Some((name, at)) = first_credential(connection) {
        let message = format!("property \"{name}\" and {} both say how to authenticate", table.title);
        problems.error("manifest.auth-twice", at, message, "leave one of them out");
        return Auth::None;
    }
    from_table(system, table, problems).unwrap_or(Auth::None)
}

/// Nothing where a key is missing or wrong, which the check has said or is said here.
fn from_table(system: &Fields, table: &Fields, problems: &mut Problems) -> Option<Auth> {
    Some(match table.text("type")? {
        "basic" => Auth::Basic { user: table.text("user")?.to_owned(), password: table.secret("password")?.clone() },
        "bearer" => Auth::Bearer { token: table.secret("token")?.clone() },
        "client-certificate" => {
            demand_certificate(system, table.place("type"), "type = \"client-certificate\"", problems)?;
            Auth::ClientCertificate
        }
        "oauth2-client-credentials" => {
            let client = client(system, table, problems);
            let grant = Grant::ClientCredentials { client_id: table.text("client-id")?.to_owned(), client: client? };
            Auth::OAuth2(Box::new(OAuth2 { token_url: forms::http_url(table.text("token-url")?).ok()?, scope: scope(table), grant }))
        }
        "oauth2-jwt-bearer" => {
            let assertion = assertion(table, "type = \"oauth2-jwt-bearer\"", problems);
            let (issuer, subject) = (table.text("issuer")?.to_owned(), table.text("subject").map(ToOwned::to_owned));
            let grant = Grant::JwtBearer { issuer, subject, assertion: assertion? };
            Auth::OAuth2(Box::new(OAuth2 { token_url: forms::http_url(table.text("token-url")?).ok()?, scope: scope(table), grant }))
        }
        _ => return None,
    })
}

fn scope(table: &Fields) -> Option<String> {
    table.text("scope").map(ToOwned::to_owned)
}

/// How an OAuth client proves who it is; the keys that its style has no use for are told.
fn client(system: &Fields, table: &Fields, problems: &mut Problems) -> Option<ClientAuthentication> {
    let style = table.text("style")?;
    let asked = format!("style = \"{style}\"");
    let foreign: &[&str] = match style {
        "basic" | "form" => &OF_ASSERTIONS,
        "private-key-jwt" => &["client-secret"],
        _ => &["client-secret", "private-key", "algorithm", "key-id", "certificate", "audience"],
    };
    for name in foreign.iter().filter(|name| table.is_written(name)) {
        let message = format!("key \"{name}\" in {} means nothing where {asked}", table.title);
        problems.error("manifest.misplaced-key", table.place(name), message, "leave it out, or choose another style");
    }
    Some(match style {
        "private-key-jwt" => ClientAuthentication::PrivateKeyJwt(assertion(table, &asked, problems)?),
        "certificate" => {
            demand_certificate(system, table.place("style"), &asked, problems)?;
            ClientAuthentication::Certificate
        }
        _ => {
            let secret = demand_secret(table, "client-secret", &asked, problems)?;
            if style == "form" { ClientAuthentication::FormBody(secret) } else { ClientAuthentication::BasicHeader(secret) }
        }
    })
}

fn assertion(table: &Fields, asked: &str, problems: &mut Problems) -> Option<Assertion> {
    let text = |name| table.text(name).map(ToOwned::to_owned);
    Some(Assertion {
        key: demand_secret(table, "private-key", asked, problems)?,
        key_id: text("key-id"),
        certificate: table.secret("certificate").cloned(),
        algorithm: text("algorithm"),
        audience: text("audience"),
    })
}

/// A key that is needed because of another one.
fn demand_secret(table: &Fields, name: &'static str, asked: &str, problems: &mut Problems) -> Option<SecretSource> {
    let secret = table.secret(name);
    if secret.is_none() && !table.is_wrong(name) {
        let message = format!("key \"{name}\" is missing in {}, which {asked} asks for", table.title);
        problems.error("manifest.missing-key", table.at, message, format!("add {name} = {{ file = \"secrets/{name}\" }}"));
    }
    secret.cloned()
}

/// Something asks for a client certificate: there has to be one.
fn demand_certificate(system: &Fields, at: Place, asked: &str, problems: &mut Problems) -> Option<()> {
    let tls = system.table("tls");
    if tls.is_some_and(|tls| tls.secret("certificate").is_some()) {
        return Some(());
    }
    if !system.is_wrong("tls") && !tls.is_some_and(|tls| tls.is_wrong("certificate")) {
        let message = format!("{asked} in {} asks for a client certificate, and there is none", system.title);
        let table = system.title.trim_matches(['[', ']']);
        let help = format!("add certificate = {{ file = \"client.pem\" }} and key = {{ file = \"client.key\" }} to [{table}.tls]");
        problems.error("manifest.missing-certificate", at, message, help);
    }
    None
}

/// The properties that say how to connect and not how to authenticate.
fn transport(connection: &Connection, problems: &mut Problems) {
    let written = |name| connection.texts.get(name).map(|(at, text): &(Place, String)| (*at, text.as_str()));
    if let Some((at, kind)) = written("Type").filter(|(_, kind)| *kind != "HTTP") {
        let message = format!("property \"Type\" = \"{kind}\": the plugin speaks HTTP");
        problems.error("manifest.not-supported", at, message, "write \"HTTP\", leave it out, or choose another connector");
    }
    if let Some((at, _)) = written("ProxyType").filter(|(_, kind)| *kind == "OnPremise") {
        let help = "write \"Internet\" and the system's own address as URL; a private address is granted with networks under grants";
        problems.error(
            "manifest.not-supported",
            at,
            "property \"ProxyType\" = \"OnPremise\": there is no tunnel, the host connects directly",
            help,
        );
    }
    if let Some((at, _)) = written("CloudConnectorLocationId") {
        let message = "property \"CloudConnectorLocationId\" is without effect: there is no tunnel, the host connects directly";
        problems.warning("manifest.without-effect", at, message, "");
    }
    if let Some((at, _)) = written("TrustAll").filter(|(_, trust)| *trust == "true") {
        let help =
            "name the PEM file of the server's certificate authority as authorities in the system's tls table, and leave TrustAll out";
        problems.error("manifest.not-supported", at, "property \"TrustAll\" = true: server certificates are always checked", help);
    }
}

/// The first property, by place, that says anything about credentials.
fn first_credential(connection: &Connection) -> Option<(&'static str, Place)> {
    let texts = ["Authentication", "User", TOKEN_URL, SCOPE, STYLE, CLIENT_ID, JWT_SUBJECT, JWT_SCOPE];
    let written = texts.iter().filter_map(|name| connection.texts.get(name).map(|(at, _)| (*name, *at)));
    written.chain(connection.password.as_ref().map(|(at, _)| ("Password", *at))).min_by_key(|(_, at)| *at)
}

/// | written | means |
/// | --- | --- |
/// | `User`, `Password` | basic |
/// | and `OAuth2TokenServiceURL` | OAuth 2.0 client credentials |
/// | and `jwt.subject` or `jwt.scope` | the JWT bearer grant: `User` issues, `Password` is the private key |
/// | `Authentication` = `ClientCertificateAuthentication` | the client certificate |
/// | `client_id`, `OAuth2TokenServiceURL` | a token fetched with the client certificate |
fn from_properties(system: &Fields, connection: &Connection, problems: &mut Problems) -> Auth {
    let Some((first, first_at)) = first_credential(connection) else { return Auth::None };
    let mut reference = Reference { system, connection, problems };
    let authentication = reference.written("Authentication");
    if let Some((_, "NoAuthentication")) = authentication {
        let others = ["User", "Password", TOKEN_URL, SCOPE, STYLE, CLIENT_ID, JWT_SUBJECT, JWT_SCOPE];
        reference.without_effect(&others, "where Authentication is \"NoAuthentication\"", "write \"BasicAuthentication\" or leave it out");
        return Auth::None;
    }
    let token_url = match reference.written(TOKEN_URL).map(|(at, text)| (at, forms::http_url(text))) {
        Some((_, Ok(url))) => Some(url),
        Some((at, Err(right))) => {
            reference.problems.error("manifest.wrong-property", at, format!("property \"{TOKEN_URL}\" is not right"), right);
            if reference.written(CLIENT_ID).is_none() && authentication.is_none_or(|(_, kind)| kind == "BasicAuthentication") {
                reference.user_and_password(first, first_at);
            }
            return Auth::None;
        }
        None => None,
    };
    let certificate = authentication.filter(|(_, kind)| *kind == "ClientCertificateAuthentication");
    let auth = match (certificate.or(reference.written(CLIENT_ID)), token_url) {
        (Some((at, _)), token_url) => reference.certificate(at, token_url),
        (None, None) => {
            reference.without_effect(&[SCOPE, STYLE, JWT_SUBJECT, JWT_SCOPE], &format!("without {TOKEN_URL}"), "");
            reference.user_and_password(first, first_at).map(|(user, password)| Auth::Basic { user, password })
        }
        (None, Some(token_url)) => reference.token(first, first_at, token_url),
    };
    auth.unwrap_or(Auth::None)
}

/// The properties of the reference, while they are understood.
struct Reference<'a> {
    system: &'a Fields,
    connection: &'a Connection,
    problems: &'a mut Problems,
}

impl<'a> Reference<'a> {
    fn written(&self, name: &str) -> Option<(Place, &'a str)> {
        self.connection.texts.get(name).map(|(at, text)| (*at, text.as_str()))
    }

    fn scope(&self, name: &str) -> Option<String> {
        self.written(name).map(|(_, scope)| scope.to_owned()).filter(|scope| !scope.trim().is_empty())
    }

    fn without_effect(&mut self, names: &[&str], why: &str, help: &str) {
        let password = self.connection.password.as_ref().map(|(at, _)| *at);
        for name in names {
            let at = if *name == "Password" { password } else { self.written(name).map(|(at, _)| at) };
            if let Some(at) = at {
                self.problems.warning("manifest.without-effect", at, format!("property \"{name}\" is without effect {why}"), help);
            }
        }
    }

    fn missing(&mut self, name: &str, at: Place, asked: &str, help: &str) {
        // A value that was written and is wrong has its own problem and is not called missing.
        if !self.system.properties("properties").iter().any(|property| property.name == name) {
            let message = format!("property \"{name}\" is missing in {}: \"{asked}\" asks for it", self.system.title);
            self.problems.error("manifest.missing-property", at, message, help);
        }
    }

    fn user_and_password(&mut self, asked: &str, at: Place) -> Option<(String, SecretSource)> {
        let user = self.written("User").map(|(_, user)| user.to_owned());
        let password = self.connection.password.as_ref().map(|(_, source)| source.clone());
        if user.is_none() {
            self.missing("User", at, asked, "add User = \"name\"");
        }
        if password.is_none() {
            self.missing("Password", at, asked, "add Password = { env = \"NAME\" }");
        }
        Some((user?, password?))
    }

    /// The client certificate alone, or to fetch a token with.
    fn certificate(&mut self, at: Place, token_url: Option<url::Url>) -> Option<Auth> {
        let why = "where the client certificate says who the host is";
        self.without_effect(&["User", "Password", STYLE, JWT_SUBJECT, JWT_SCOPE], why, "leave it out");
        let asked = if self.written(CLIENT_ID).is_some() { CLIENT_ID } else { "Authentication" };
        let certificate = demand_certificate(self.system, at, &format!("property \"{asked}\""), self.problems);
        let Some(token_url) = token_url else {
            if asked == CLIENT_ID {
                self.missing(TOKEN_URL, at, CLIENT_ID, "add the URL of the token endpoint");
                return None;
            }
            self.without_effect(&[SCOPE], &format!("without {TOKEN_URL}"), "");
            return certificate.map(|()| Auth::ClientCertificate);
        };
        let Some((_, client_id)) = self.written(CLIENT_ID) else {
            self.missing(CLIENT_ID, at, TOKEN_URL, "add the client's id, or leave OAuth2TokenServiceURL out");
            return None;
        };
        let grant = Grant::ClientCredentials { client_id: client_id.to_owned(), client: ClientAuthentication::Certificate };
        certificate.map(|()| Auth::OAuth2(Box::new(OAuth2 { token_url, scope: self.scope(SCOPE), grant })))
    }

    /// A token for a secret, or for an assertion.
    fn token(&mut self, asked: &str, at: Place, token_url: url::Url) -> Option<Auth> {
        let (user, password) = self.user_and_password(asked, at)?;
        if self.written(JWT_SUBJECT).is_some() || self.written(JWT_SCOPE).is_some() {
            self.without_effect(&[SCOPE, STYLE], "where a signed assertion asks for the token", "the scopes are those of jwt.scope");
            let subject = self.scope(JWT_SUBJECT);
            let assertion = Assertion { key: password, key_id: None, certificate: None, algorithm: None, audience: None };
            let grant = Grant::JwtBearer { issuer: user, subject, assertion };
            return Some(Auth::OAuth2(Box::new(OAuth2 { token_url, scope: self.scope(JWT_SCOPE), grant })));
        }
        let form = self.written(STYLE).is_some_and(|(_, style)| style == "Form");
        let client = if form { ClientAuthentication::FormBody(password) } else { ClientAuthentication::BasicHeader(password) };
        let grant = Grant::ClientCredentials { client_id: user, client };
        Some(Auth::OAuth2(Box::new(OAuth2 { token_url, scope: self.scope(SCOPE), grant })))
    }
}
