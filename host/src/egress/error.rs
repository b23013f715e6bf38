//! What can go wrong on the way out, with stable codes.
//!
//! Two readers: [`EgressError`]'s text is for the operator (it names the system, the place and what to do) and [`ErrorKind`] is what a
//! component is told. No text here carries a secret, a query string or a body.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::address::AddressClass;
use super::origin::{Endpoint, Origin};
use crate::secret::{SecretError, SecretSource};

/// A grant, a URL or an endpoint that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct GrantError {
    /// The text that was meant, quoted and cut.
    what: String,
    reason: String,
}

impl GrantError {
    pub(super) fn new(text: &str, reason: &str) -> Self {
        Self { what: quoted(text), reason: reason.to_owned() }
    }

    /// For texts that may hold a password.
    pub(super) fn without_text(reason: &str) -> Self {
        Self { what: "this address".to_owned(), reason: reason.to_owned() }
    }

    /// The same complaint about the text this part was taken from.
    pub(super) fn within(self, text: &str) -> Self {
        Self { what: quoted(text), ..self }
    }
}

/// The text in quotation marks, control characters escaped, at most 200 characters of it: part of it comes from components.
pub(super) fn quoted(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// The step that did not finish in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Resolving the name, connecting, the TLS handshake.
    Connect,
    /// From the last byte of the request to the first of the answer.
    FirstByte,
    /// Between two pieces of an answer, or of a dialled stream.
    BetweenBytes,
    /// The request as a whole.
    Total,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection",
            Self::FirstByte => "no answer",
            Self::BetweenBytes => "no further bytes",
            Self::Total => "not finished",
        })
    }
}

/// Which of the two directions was too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Request,
    Response,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Response => "response",
        })
    }
}

/// Why a request or a connection did not come to be, or broke off. Cheap to clone: it travels through hyper as a source error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EgressError {
    #[error(
        "egress.origin-not-granted: system \"{system}\" may not reach {origin}. To grant it add to the manifest:\n{}",
        grant(system, "http", origin)
    )]
    OriginNotGranted { system: String, origin: Origin },

    #[error(
        "egress.endpoint-not-granted: system \"{system}\" may not dial {endpoint}. To grant it add to the manifest:\n{}",
        grant(system, "dial", endpoint)
    )]
    EndpointNotGranted { system: String, endpoint: Endpoint },

    /// Every address the name has is refused; the first of them is named.
    #[error(
        "egress.address-refused: system \"{system}\" may not connect to {host}: its address {address} is {class}. To grant it add to the \
         manifest:\n{}",
        grant(system, "networks", &ipnet::IpNet::from(*address))
    )]
    AddressRefused { system: String, host: String, address: IpAddr, class: AddressClass },

    /// The request makes no sense, or says something only the host may say.
    #[error("egress.request: {reason}")]
    Request { reason: String },

    #[error("egress.resolve: the name {host} cannot be resolved: {reason}")]
    Resolve { host: String, reason: String },

    #[error("egress.connect: cannot connect to {place}: {reason}")]
    Connect { place: String, reason: String, refused: bool },

    #[error("egress.tls: no secure connection to {place}: {reason}")]
    Tls { place: String, reason: String },

    #[error("egress.timed-out: {place}: {phase} after {} s", after.as_secs_f32())]
    TimedOut { place: String, phase: Phase, after: Duration },

    #[error("egress.too-large: the {direction} of {place} is larger than {limit} bytes")]
    TooLarge { place: String, direction: Direction, limit: u64 },

    #[error(
        "egress.too-many: system \"{system}\" has {limit} requests or connections open already; a component must finish or drop some first"
    )]
    TooMany { system: String, limit: usize },

    #[error("egress.credentials: no credentials for system \"{system}\": {reason}")]
    Credentials { system: String, reason: String },

    /// A certificate or key of the operator's that is no good.
    #[error("egress.certificate: system \"{system}\": the {what} ({source_name}) cannot be used: {reason}")]
    Certificate { system: String, what: &'static str, source_name: String, reason: String },

    #[error("egress.protocol: the exchange with {place} broke off: {reason}")]
    Protocol { place: String, reason: String },
}

/// What a component is told: enough to map onto the error codes of `wasi:http` and the kinds of `failure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Not granted.
    Denied,
    /// Granted, but the address behind the name is not.
    AddressDenied,
    /// The request itself is wrong.
    Invalid,
    Dns,
    /// The other side does not accept connections.
    Refused,
    Unreachable,
    Tls,
    ConnectTimeout,
    ResponseTimeout,
    RequestSize,
    ResponseSize,
    /// Too much at once.
    Limit,
    /// The host could not get the credentials.
    Credentials,
    /// The connection broke off or spoke nonsense.
    Protocol,
}

impl EgressError {
    /// The stable code, which also starts the text.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OriginNotGranted { .. } => "egress.origin-not-granted",
            Self::EndpointNotGranted { .. } => "egress.endpoint-not-granted",
            Self::AddressRefused { .. } => "egress.address-refused",
            Self::Request { .. } => "egress.request",
            Self::Resolve { .. } => "egress.resolve",
            Self::Connect { .. } => "egress.connect",
            Self::Tls { .. } => "egress.tls",
            Self::TimedOut { .. } => "egress.timed-out",
            Self::TooLarge { .. } => "egress.too-large",
            Self::TooMany { .. } => "egress.too-many",
            Self::Credentials { .. } => "egress.credentials",
            Self::Certificate { .. } => "egress.certificate",
            Self::Protocol { .. } => "egress.protocol",
        }
    }

    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::OriginNotGranted { .. } | Self::EndpointNotGranted { .. } => ErrorKind::Denied,
            Self::AddressRefused { .. } => ErrorKind::AddressDenied,
            Self::Request { .. } => ErrorKind::Invalid,
            Self::Resolve { .. } => ErrorKind::Dns,
            Self::Connect { refused: true, .. } => ErrorKind::Refused,
            Self::Connect { refused: false, .. } => ErrorKind::Unreachable,
            Self::Tls { .. } => ErrorKind::Tls,
            Self::TimedOut { phase: Phase::Connect, .. } => ErrorKind::ConnectTimeout,
            Self::TimedOut { .. } => ErrorKind::ResponseTimeout,
            Self::TooLarge { direction: Direction::Request, .. } => ErrorKind::RequestSize,
            Self::TooLarge { direction: Direction::Response, .. } => ErrorKind::ResponseSize,
            Self::TooMany { .. } => ErrorKind::Limit,
            Self::Credentials { .. } | Self::Certificate { .. } => ErrorKind::Credentials,
            Self::Protocol { .. } => ErrorKind::Protocol,
        }
    }

    /// The lines that would grant what was refused; nothing for any other error.
    pub fn manifest_lines(&self) -> Option<String> {
        match self {
            Self::OriginNotGranted { system, origin } => Some(grant(system, "http", origin)),
            Self::EndpointNotGranted { system, endpoint } => Some(grant(system, "dial", endpoint)),
            Self::AddressRefused { system, address, .. } => Some(grant(system, "networks", &ipnet::IpNet::from(*address))),
            _ => None,
        }
    }

    pub(super) fn request(reason: impl fmt::Display) -> Self {
        Self::Request { reason: reason.to_string() }
    }

    pub(super) fn secret(system: &str, what: &str, error: &SecretError) -> Self {
        Self::Credentials { system: system.to_owned(), reason: format!("{what}: {error}") }
    }

    pub(super) fn certificate(system: &str, what: &'static str, source: &SecretSource, reason: String) -> Self {
        Self::Certificate { system: system.to_owned(), what, source_name: source.to_string(), reason }
    }

    /// The error this room put into a foreign error, if it is one of ours.
    pub(super) fn within(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref::<Self>().cloned())
    }
}

/// What the innermost error says: the outer ones of hyper only repeat that something went wrong.
pub(super) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map(ToString::to_string).unwrap_or_default()
}

/// The lines of the manifest for one grant.
fn grant(system: &str, key: &str, value: &impl fmt::Display) -> String {
    format!("[{}.grants]\n{key} = [\"{value}\"]", table_of(system))
}

/// The table of a system in the manifest: `systems.hr`.
pub fn table_of(system: &str) -> String {
    let bare = !system.is_empty() && system.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    // TOML quotes a key as JSON quotes a string.
    if bare { format!("systems.{system}") } else { format!("systems.{}", serde_json::Value::from(system)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_the_lines_to_add() {
        let error = EgressError::OriginNotGranted { system: "hr".into(), origin: "https://other.example.com".parse().unwrap() };
        assert_eq!(
            error.to_string(),
            "egress.origin-not-granted: system \"hr\" may not reach https://other.example.com. To grant it add to the manifest:\n\
             [systems.hr.grants]\nhttp = [\"https://other.example.com\"]"
        );
        let error = EgressError::AddressRefused {
            system: "HR 1.0".into(),
            host: "localhost".into(),
            address: "127.0.0.1".parse().unwrap(),
            class: AddressClass::Loopback,
        };
        assert!(error.to_string().starts_with(error.code()));
        assert_eq!(error.manifest_lines().unwrap(), "[systems.\"HR 1.0\".grants]\nnetworks = [\"127.0.0.1/32\"]");
        let error = EgressError::EndpointNotGranted { system: "dir".into(), endpoint: "[::1]:389".parse().unwrap() };
        assert_eq!(error.manifest_lines().unwrap(), "[systems.dir.grants]\ndial = [\"[::1]:389\"]");
    }

    #[test]
    fn a_components_text_is_quoted_and_cut() {
        let error = GrantError::new(&format!("a\nb{}", "x".repeat(1000)), "no").to_string();
        assert!(error.starts_with("\"a\\nbxx") && error.len() < 250, "{error}");
    }
}
