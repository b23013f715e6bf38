//! What the server says it can do: `ServiceProviderConfig` (RFC 7643 section 5, RFC 9865 section 4).

use crate::{connection::Connection, exchange, http::Http};
use sdk::Kind;
use serde::Deserialize;
use std::rc::Rc;

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Supported {
    #[serde(default)]
    supported: bool,
}

/// The limits of bulk requests.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bulk {
    #[serde(default)]
    pub supported: bool,
    pub max_operations: Option<usize>,
    /// In bytes.
    pub max_payload_size: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Pagination {
    #[serde(default)]
    cursor: bool,
}

/// The parts that change what this connector does, or that it tells. What is not said is not known.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Config {
    patch: Option<Supported>,
    filter: Option<Supported>,
    bulk: Option<Bulk>,
    pagination: Option<Pagination>,
}

impl Config {
    /// Read the body of an answer; `None` for anything else, such as a page for people.
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(body).ok().filter(|config| config.patch.is_some() || config.filter.is_some())
    }

    /// The server's answer, asked for once while the connector is open. A server that has none is taken for one that says nothing.
    pub fn of(connection: &Connection, http: &mut impl Http) -> Rc<Self> {
        if let Some(config) = &*connection.config.borrow() {
            return config.clone();
        }
        let answer = exchange::get(http, connection.base.endpoint("ServiceProviderConfig"), &connection.headers(None));
        let passing = matches!(&answer, Err(failure) if matches!(failure.kind, Kind::Unavailable | Kind::TimedOut | Kind::RateLimited(_)));
        let config = Rc::new(answer.ok().and_then(|answer| Self::read(&answer.body)).unwrap_or_default());
        if !passing {
            *connection.config.borrow_mut() = Some(config.clone());
        }
        config
    }

    /// The lists can be read by cursor.
    pub fn cursors(&self) -> bool {
        self.pagination.is_some_and(|pagination| pagination.cursor)
    }

    /// What the server says of bulk requests, if anything.
    pub const fn bulk(&self) -> Option<Bulk> {
        self.bulk
    }

    /// For people: `patch yes, filter no`.
    pub fn words(&self) -> String {
        let says = |supported: Option<Supported>| if supported.is_some_and(|s| s.supported) { "yes" } else { "no" };
        format!("patch {}, filter {}", says(self.patch), says(self.filter))
    }
}
