//! The long-running host: HTTP in, answers out.
//!
//! ```text
//! listen --> tls --> hyper --> answer: path, access (token, role), body (bounded) --> scim::answer --> Backend
//!                                 '--> health                                    '--> log, one line a request
//! ```
//!
//! hyper is used directly: there are three kinds of paths, and which resource types there are below them is data of each service, so a router has nothing to do.
//!
//! Whoever connects is bounded before anything is known about it: connections, the time and size of a request's head (here), then, only for who has a token, the time and
//! size of its body (`body`). A client that does not take its answer is given up by the system (`TCP_USER_TIMEOUT`).

mod access;
mod answer;
mod body;
mod health;
mod listen;
mod metrics;
#[cfg(test)]
mod tests;
mod tls;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, atomic::AtomicBool},
};

use tokio_rustls::rustls::ServerConfig;

use crate::{manifest::Serve, scim::Backend, secret::SecretError};

pub use access::new_token;
pub use listen::{Reloader, Server};

/// What is served, by name.
pub type Services = BTreeMap<String, Arc<dyn Backend>>;

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("it cannot listen on {address}: {reason}; is it another program's, or another machine's?")]
    Listen { address: SocketAddr, reason: String },
    #[error("the certificate {}: {reason}", path.display())]
    Certificate { path: PathBuf, reason: String },
    #[error(transparent)]
    Key(#[from] SecretError),
    #[error("the private key of {}: {reason}", path.display())]
    WrongKey { path: PathBuf, reason: String },
}

impl ServeError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "serve.listen",
            Self::Certificate { .. } => "serve.certificate",
            Self::Key(error) => error.code(),
            Self::WrongKey { .. } => "serve.key",
        }
    }
}

/// What all connections share, for as long as the process lives.
struct Process {
    /// What is served now; a request keeps what it began with.
    now: RwLock<Arc<Shared>>,
    metrics: metrics::Metrics,
    stopping: AtomicBool,
}

impl Process {
    fn now(&self) -> Arc<Shared> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What one manifest says.
struct Shared {
    settings: Serve,
    /// Without a slash at its end.
    url: String,
    access: access::Access,
    services: Services,
    bodies: body::Budget,
    tls: Option<Arc<ServerConfig>>,
}
