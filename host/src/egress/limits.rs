//! How long and how much: the limits of one system's way out.

use std::num::NonZeroU32;
use std::time::Duration;

/// Applied to every request and connection of one system. Sizes are bytes on the wire of the body; headers have hyper's own bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Resolving the name, connecting to one of its addresses and the TLS handshake, together.
    pub connect: Duration,
    /// Without progress of the request body: until the answer's headers.
    pub first_byte: Duration,
    /// Between two pieces of an answer; for a dialled stream, one read or one write.
    pub between_bytes: Duration,
    /// One HTTP request from its start to the end of its answer, a renewed token and a repetition included.
    pub total: Duration,
    pub request_bytes: u64,
    pub response_bytes: u64,
    /// HTTP requests and dialled streams open at once.
    pub concurrent: usize,
    /// HTTP requests a second, over all instances of the plugin; further ones wait. Absent: no bound.
    pub requests_per_second: Option<NonZeroU32>,
    /// HTTP requests at once; further ones wait. Absent: `concurrent`, beyond which they are refused.
    pub concurrency: Option<usize>,
    /// The largest request that is kept in memory while it is sent, so that it can be sent again with a renewed token.
    pub replay_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_mins(1),
            between_bytes: Duration::from_mins(1),
            total: Duration::from_mins(15),
            request_bytes: 32 << 20,
            response_bytes: 256 << 20,
            concurrent: 64,
            requests_per_second: None,
            concurrency: None,
            replay_bytes: 1 << 20,
        }
    }
}

/// What a component asks for with one request. It can only shorten what the operator allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Patience {
    pub first_byte: Option<Duration>,
    pub between_bytes: Option<Duration>,
}

impl Limits {
    pub(super) fn first_byte_within(&self, patience: Patience) -> Duration {
        patience.first_byte.map_or(self.first_byte, |asked| asked.min(self.first_byte))
    }

    pub(super) fn between_bytes_within(&self, patience: Patience) -> Duration {
        patience.between_bytes.map_or(self.between_bytes, |asked| asked.min(self.between_bytes))
    }
}
