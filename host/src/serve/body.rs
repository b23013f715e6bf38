//! The body of a request, bounded in size and, over all requests, in memory.

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::scim::{ScimError, ScimType};

/// A body up to this size is taken at once; larger ones share a budget.
const SMALL: u64 = 256 << 10;
/// How many of the largest bodies there may be at a time.
const LARGE_AT_ONCE: usize = 4;

/// Memory for large bodies, in KiB.
pub(super) struct Budget {
    largest: u64,
    left: Semaphore,
}

/// A body, and the memory it was given.
pub(super) struct Body<'b> {
    pub bytes: Bytes,
    /// Given back when the request is answered: what a body is parsed into is larger than the body.
    _permit: Option<SemaphorePermit<'b>>,
}

impl Budget {
    pub(super) fn new(largest: u64) -> Self {
        let permits = usize::try_from(largest >> 10).unwrap_or(usize::MAX).saturating_mul(LARGE_AT_ONCE).clamp(1, Semaphore::MAX_PERMITS);
        Self { largest, left: Semaphore::new(permits) }
    }

    /// Read it all. What says beforehand that it is too large is refused before it is sent.
    pub(super) async fn read(&self, body: Incoming) -> Result<Body<'_>, ScimError> {
        let too_large = || ScimError::new(413, format!("a request has at most {} bytes here", self.largest));
        let (announced, exact) = (body.size_hint().lower(), body.size_hint().exact());
        if announced > self.largest {
            return Err(too_large());
        }
        let size = exact.unwrap_or(self.largest);
        let permit = if size > SMALL {
            let kilobytes = u32::try_from(size.div_ceil(1024)).unwrap_or(u32::MAX);
            Some(self.left.acquire_many(kilobytes).await.map_err(|_| ScimError::internal())?)
        } else {
            None
        };
        let limit = usize::try_from(self.largest).unwrap_or(usize::MAX);
        match Limited::new(body, limit).collect().await {
            Ok(collected) => Ok(Body { bytes: collected.to_bytes(), _permit: permit }),
            Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
            Err(_) => Err(ScimError::bad(ScimType::InvalidSyntax, "the body did not arrive whole")),
        }
    }
}
