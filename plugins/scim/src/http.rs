//! What the protocol needs from a network: start a request, take whichever answer arrives next.

use sdk::Failure;
use std::time::SystemTime;

/// The largest answer that is read: a page of resources, or one group with all its members.
pub const MAX_ANSWER: usize = 64 << 20;
/// What is read of the answer to a request that failed; the rest is cut off, for only a sentence of it goes into the message.
pub const MAX_ERROR: usize = 1 << 20;

/// The methods SCIM uses (RFC 7644 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As in the request line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One request. `Authorization` is not among the headers: the host adds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    /// Absolute, with everything that needs it percent-encoded.
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Vec<u8>>,
}

/// The whole answer to one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case; values that are not UTF-8 are left out.
    pub headers: Vec<(String, String)>,
    /// At most [`MAX_ANSWER`] bytes, [`MAX_ERROR`] where the status is not 2xx.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// 2xx: the server did what was asked.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// A network on which several requests can be under way.
pub trait Http {
    /// Send the request; its answer carries the same number. Errors come out of `finished`.
    fn start(&mut self, number: usize, request: Request);

    /// Wait for any request under way and return its number with the answer, whatever its status, or with what kept it from arriving:
    /// `unavailable`, `timed-out`, `forbidden` (the host refused the request) or `rejected` (the answer is too large). `None` where nothing is under way.
    fn finished(&mut self) -> Option<(usize, Result<Answer, Failure>)>;

    /// The time of day, for a `Retry-After` that names a date.
    fn now(&self) -> SystemTime;
}
