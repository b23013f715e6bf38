//! How the host authenticates: from `[systems.x.auth]` or from the reference's property names (spec/connectors.md section 1.1), never from both.

use super::fields::Fields;
use super::forms;
use super::model::{Auth, ClientAuthentication};
use super::problem::{Place, Problems};
use super::properties::Connection;
use crate::registry::description::Description;
use crate::secret::SecretSource;

const TOKEN_URL: &str = "OAuth2TokenServiceURL";
const SCOPE: &str = "OAuth2TokenScope";
const STYLE: &str = "AuthType";

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
    from_table(table).unwrap_or(Auth::None)
}

/// Nothing where a key is missing or wrong, which the check has said.
fn from_table(table: &Fields) -> Option<Auth> {
    Some(match table.text("type")? {
        "basic" => Auth::Basic { user: table.text("user")?.to_owned(), password: table.secret("password")?.clone() },
        "bearer" => Auth::Bearer { token: table.secret("token")?.clone() },
        "oauth2-client-credentials" => Auth::OAuth2ClientCredentials {
            token_url: forms::http_url(table.text("token-url")?).ok()?,
            client_id: table.text("client-id")?.to_owned(),
            client_secret: table.secret("client-secret")?.clone(),
            scope: table.text("scope").map(ToOwned::to_owned),
            style: if table.text("style") == Some("form") { ClientAuthentication::FormBody } else { ClientAuthentication::BasicHeader },
        },
        _ => return None,
    })
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
        let help = "add the certificate authority to the trust store of the machine and leave TrustAll out";
        problems.error("manifest.not-supported", at, "property \"TrustAll\" = true: server certificates are always checked", help);
    }
}

/// The first property, by place, that says anything about credentials.
fn first_credential(connection: &Connection) -> Option<(&'static str, Place)> {
    let texts = ["Authentication", "User", TOKEN_URL, SCOPE, STYLE, "client_id"];
    let written = texts.iter().filter_map(|name| connection.texts.get(name).map(|(at, _)| (*name, *at)));
    written.chain(connection.password.as_ref().map(|(at, _)| ("Password", *at))).min_by_key(|(_, at)| *at)
}

fn from_properties(system: &Fields, connection: &Connection, problems: &mut Problems) -> Auth {
    let Some((first, first_at)) = first_credential(connection) else { return Auth::None };
    let written = |name| connection.texts.get(name).map(|(at, text): &(Place, String)| (*at, text.as_str()));
    if let Some((at, _)) = written("client_id") {
        let message = "property \"client_id\": tokens fetched with a client certificate are not part of this version";
        problems.error("manifest.not-in-this-version", at, message, "use User and Password with OAuth2TokenServiceURL");
        return Auth::None;
    }
    match written("Authentication") {
        Some((at, "ClientCertificateAuthentication")) => {
            let message = "property \"Authentication\": client certificates are not part of this version";
            problems.error("manifest.not-in-this-version", at, message, "use \"BasicAuthentication\" or \"NoAuthentication\"");
            return Auth::None;
        }
        Some((_, "NoAuthentication")) => {
            let password = connection.password.as_ref().map(|(at, _)| ("Password", *at));
            let others = ["User", TOKEN_URL, SCOPE, STYLE].into_iter().filter_map(|name| written(name).map(|(at, _)| (name, at)));
            for (name, at) in others.chain(password) {
                let message = format!("property \"{name}\" is without effect where Authentication is \"NoAuthentication\"");
                problems.warning("manifest.without-effect", at, message, "write \"BasicAuthentication\" or leave it out");
            }
            return Auth::None;
        }
        _ => {}
    }
    let user = written("User").map(|(_, user)| user.to_owned());
    let password = connection.password.as_ref().map(|(_, source)| source.clone());
    // A value that was written and is wrong has its own problem and is not called missing.
    let was_written = |name: &str| system.properties("properties").iter().any(|property| property.name == name);
    for (name, missing) in [("User", user.is_none()), ("Password", password.is_none())] {
        if missing && !was_written(name) {
            let message = format!("property \"{name}\" is missing in {}: \"{first}\" asks for it", system.title);
            problems.error("manifest.missing-property", first_at, message, example(name));
        }
    }
    let token_url = match written(TOKEN_URL).map(|(at, text)| (at, forms::http_url(text))) {
        Some((_, Ok(url))) => Some(url),
        Some((at, Err(right))) => {
            problems.error("manifest.wrong-property", at, format!("property \"{TOKEN_URL}\" is not right"), right);
            return Auth::None;
        }
        None => None,
    };
    if token_url.is_none() {
        for name in [SCOPE, STYLE] {
            if let Some((at, _)) = written(name) {
                let message = format!("property \"{name}\" is without effect without {TOKEN_URL}");
                problems.warning("manifest.without-effect", at, message, "");
            }
        }
    }
    let style = if written(STYLE).is_some_and(|(_, style)| style == "Form") {
        ClientAuthentication::FormBody
    } else {
        ClientAuthentication::BasicHeader
    };
    let scope = written(SCOPE).map(|(_, scope)| scope.to_owned()).filter(|scope| !scope.trim().is_empty());
    with(user, password, token_url, scope, style).unwrap_or(Auth::None)
}

fn with(
    user: Option<String>,
    password: Option<SecretSource>,
    token_url: Option<url::Url>,
    scope: Option<String>,
    style: ClientAuthentication,
) -> Option<Auth> {
    let (user, password) = (user?, password?);
    Some(match token_url {
        None => Auth::Basic { user, password },
        Some(token_url) => Auth::OAuth2ClientCredentials { token_url, client_id: user, client_secret: password, scope, style },
    })
}

fn example(name: &str) -> &'static str {
    if name == "User" { "add User = \"name\"" } else { "add Password = { env = \"NAME\" }" }
}
