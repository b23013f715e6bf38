//! The single door to the network.
//!
//! Whatever a component sends leaves the host through the [`Door`] of its system, and so do the host's own token requests
//! and notifications. Nothing else in the host opens a connection.
//!
//! ```text
//! a component's request --> origin granted? --> headers, credentials --> name resolved, every address checked --> TLS --> bytes counted
//!                           policy, origin      headers, credentials,    connect, address, policy                 tls,    body
//!                                               oauth, token_request                                             identity
//! ```
//!
//! What must hold:
//! - Nothing is reachable unless it was granted by name, and nothing but public addresses unless their network was granted too.
//! - A connection goes to an address that was checked, never to a name.
//! - Connections, credentials, certificates and private authorities of one system are never used by another.
//! - No secret is in a log line, an error or a `Debug` output.
//! - Every request and connection leaves exactly one audit line, also if it was refused or abandoned.

mod address;
mod assertion;
mod audit;
mod body;
mod certificate;
mod client;
mod connect;
mod credentials;
mod dial;
mod door;
mod error;
mod headers;
mod identity;
mod limits;
mod oauth;
mod origin;
mod pace;
mod policy;
mod tls;
mod token_request;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use address::AddressClass;
pub use assertion::{Algorithm, SigningKey};
pub use audit::{AUDIT_TARGET, Refusal};
pub use body::ResponseBody;
pub use certificate::Certificate;
pub use credentials::Credentials;
pub use dial::{Security, Stream};
pub use door::{CertificateInUse, Door, DoorSettings};
pub use error::{Direction, EgressError, ErrorKind, GrantError, Phase, table_of};
pub use headers::ExtraHeaders;
pub use identity::ClientCertificate;
pub use limits::{Limits, Patience};
pub use origin::{Endpoint, Host, Origin, Scheme};
pub use policy::{Policy, parse_network};
pub use tls::TlsSettings;
pub use token_request::{ClientAuthentication, Grant, OAuth2};

/// What all doors share: the authorities this machine trusts. One per process.
#[derive(Default)]
pub struct Egress {
    machine: Arc<tls::Machine>,
}

impl Egress {
    /// The door of one system.
    pub fn door(&self, settings: DoorSettings) -> Arc<Door> {
        Arc::new(Door::new(self.machine.clone(), settings))
    }
}
