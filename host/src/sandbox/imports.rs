//! The host's side of `log`, `secret`, `dial` and `relations`. Each one answers from the instance's [`Authority`](super::Authority) and from nothing else.

use super::bindings::imports::provisor::connector as contract;
use super::instance::Context;
pub(super) use contract::log;
use contract::{
    dial::Security,
    failure::{Failure, Kind},
    relations::Lookup,
};

use crate::egress;

/// Bytes one `dial.read` may ask for; a guest that wants more asks again.
const MOST_PER_READ: u32 = 1 << 20;
/// Connections one instance may have open at once.
const MAX_CONNECTIONS: usize = 16;

// Interfaces of types only; the bindings want to see that nothing is missing.
impl contract::failure::Host for Context {}
impl contract::settings::Host for Context {}
impl contract::entity::Host for Context {}

impl log::Host for Context {
    async fn write(&mut self, level: log::Level, message: String, entity: Option<String>) {
        self.log.say(level, &message, entity.as_deref());
    }
}

impl contract::secret::Host for Context {
    async fn get(&mut self, name: String) -> Result<String, Failure> {
        let system = &self.authority.system;
        let Some(source) = self.authority.secrets.get(&name) else {
            let message = format!("secret {name:?} is not granted to system {system:?}");
            tracing::warn!(target: "provisor::audit", system, "{message}; to grant it add to the manifest:\n[systems.{system}.grants.secrets]\n\"{name}\" = {{ env = \"...\" }}");
            return Err(Failure { kind: Kind::Forbidden, message });
        };
        match source.resolve().await {
            Ok(secret) => {
                tracing::info!(target: "provisor::audit", system, secret = %name, "secret handed to the plugin");
                Ok(secret.expose().to_owned())
            }
            Err(error) => Err(Failure { kind: Kind::InvalidSettings, message: error.to_string() }),
        }
    }
}

impl contract::relations::Host for Context {
    async fn find(&mut self, lookups: Vec<Lookup>) -> Vec<Option<String>> {
        match &self.authority.relations {
            Some(relations) => relations.find(lookups).await,
            None => vec![None; lookups.len()],
        }
    }
}

impl contract::dial::Host for Context {
    async fn connect(&mut self, endpoint: String, security: Security) -> Result<u32, Failure> {
        let Some(door) = self.authority.door.clone() else {
            let message = format!("the network is not granted to system {:?}", self.authority.system);
            return Err(Failure { kind: Kind::Forbidden, message });
        };
        if self.connections.len() >= MAX_CONNECTIONS {
            return Err(Failure { kind: Kind::Rejected, message: format!("more than {MAX_CONNECTIONS} connections at once; close some") });
        }
        let security = match security {
            Security::Plain => egress::Security::Plain,
            Security::Tls => egress::Security::Tls,
        };
        let stream = door.connect(&endpoint, security).await.map_err(|error| failure(&error))?;
        self.next_connection += 1;
        self.connections.insert(self.next_connection, stream);
        Ok(self.next_connection)
    }

    async fn read(&mut self, connection: u32, most: u32) -> Result<Vec<u8>, Failure> {
        let most = most.clamp(1, MOST_PER_READ) as usize;
        Ok(self.connection(connection)?.read(most).await.map_err(|error| failure(&error))?.to_vec())
    }

    async fn write(&mut self, connection: u32, bytes: Vec<u8>) -> Result<(), Failure> {
        self.connection(connection)?.write_all(&bytes).await.map_err(|error| failure(&error))
    }

    async fn start_tls(&mut self, connection: u32) -> Result<(), Failure> {
        self.connection(connection)?.start_tls().await.map_err(|error| failure(&error))
    }

    async fn close(&mut self, connection: u32) {
        if let Some(stream) = self.connections.remove(&connection) {
            stream.close().await;
        }
    }
}

impl Context {
    fn connection(&mut self, number: u32) -> Result<&mut egress::Stream, Failure> {
        self.connections
            .get_mut(&number)
            .ok_or_else(|| Failure { kind: Kind::Rejected, message: format!("there is no connection {number} in this instance") })
    }
}

fn failure(error: &egress::EgressError) -> Failure {
    use egress::ErrorKind;
    let kind = match error.kind() {
        ErrorKind::Denied | ErrorKind::AddressDenied => Kind::Forbidden,
        ErrorKind::ConnectTimeout | ErrorKind::ResponseTimeout => Kind::TimedOut,
        ErrorKind::Credentials => Kind::Unauthenticated,
        ErrorKind::Invalid | ErrorKind::RequestSize | ErrorKind::ResponseSize => Kind::Rejected,
        ErrorKind::Dns | ErrorKind::Refused | ErrorKind::Unreachable | ErrorKind::Tls | ErrorKind::Limit | ErrorKind::Protocol => {
            Kind::Unavailable
        }
    };
    Failure { kind, message: error.to_string() }
}
