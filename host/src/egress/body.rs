//! Bodies on their way out and in: counted, bounded, and watched by the clock.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

use super::audit::AuditLine;
use super::error::{Direction, EgressError, Phase, root_cause};

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request's body: counted, and cut off where it gets larger than allowed.
pub(super) struct Outgoing {
    inner: UnsyncBoxBody<Bytes, BoxError>,
    upload: Arc<Upload>,
}

/// What is known about a body while another task sends it.
pub(super) struct Upload {
    place: String,
    limit: u64,
    /// What the header `Content-Length` says; hyper asks for no more than that.
    declared: Option<u64>,
    /// Of this body alone.
    sent: AtomicU64,
    /// Of the audit line: all attempts together.
    total: Arc<AtomicU64>,
    too_large: AtomicBool,
    replay: Mutex<Replay>,
}

/// The pieces sent so far, kept while they are few.
struct Replay {
    pieces: Option<Vec<Bytes>>,
    most: usize,
    complete: bool,
}

impl Upload {
    /// `replay_bytes`: how much to keep for sending it again; 0 if it never will be.
    pub(super) fn new(place: String, limit: u64, declared: Option<u64>, total: Arc<AtomicU64>, replay_bytes: usize) -> Self {
        let pieces = (replay_bytes > 0).then(Vec::new);
        let replay = Mutex::new(Replay { pieces, most: replay_bytes, complete: false });
        Self { place, limit, declared, sent: AtomicU64::new(0), total, too_large: AtomicBool::new(false), replay }
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The error of a body that was cut off: HTTP/2 loses it on its way through hyper.
    pub(super) fn cut_off(&self) -> Option<EgressError> {
        self.too_large.load(Ordering::Relaxed).then(|| self.too_large())
    }

    /// The whole body, if it was sent to its end and was small enough to be kept.
    pub(super) fn replay(&self) -> Option<Bytes> {
        let mut replay = self.replay.lock().unwrap_or_else(PoisonError::into_inner);
        let pieces = if replay.complete { replay.pieces.take()? } else { return None };
        let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
        for piece in &pieces {
            whole.extend_from_slice(piece);
        }
        Some(whole.freeze())
    }

    fn too_large(&self) -> EgressError {
        EgressError::TooLarge { place: self.place.clone(), direction: Direction::Request, limit: self.limit }
    }

    /// Count a piece and keep it, or say that it is one too many.
    fn take(&self, data: &Bytes) -> Result<(), EgressError> {
        let length = data.len() as u64;
        let sent = self.sent.fetch_add(length, Ordering::Relaxed) + length;
        if sent > self.limit {
            self.too_large.store(true, Ordering::Relaxed);
            return Err(self.too_large());
        }
        self.total.fetch_add(length, Ordering::Relaxed);
        let mut replay = self.replay.lock().unwrap_or_else(PoisonError::into_inner);
        if usize::try_from(sent).is_ok_and(|sent| sent <= replay.most) {
            replay.pieces.iter_mut().for_each(|pieces| pieces.push(data.clone()));
        } else {
            replay.pieces = None;
        }
        replay.complete |= self.declared == Some(sent);
        Ok(())
    }

    fn complete(&self) {
        self.replay.lock().unwrap_or_else(PoisonError::into_inner).complete = true;
    }

    fn forget(&self) {
        self.replay.lock().unwrap_or_else(PoisonError::into_inner).pieces = None;
    }
}

impl Outgoing {
    pub(super) fn new(inner: UnsyncBoxBody<Bytes, BoxError>, upload: Arc<Upload>) -> Self {
        // hyper does not ask a body for its end that says it has nothing more.
        if inner.is_end_stream() {
            upload.complete();
        }
        Self { inner, upload }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
            Some(Ok(frame)) => {
                match frame.data_ref() {
                    Some(data) => self.upload.take(data)?,
                    // Trailers are not kept, so such a request is not sent twice.
                    None => self.upload.forget(),
                }
                if self.inner.is_end_stream() {
                    self.upload.complete();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                self.upload.forget();
                Poll::Ready(Some(Err(error)))
            }
            None => {
                self.upload.complete();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer's body. Reading it may end in `egress.too-large`, `egress.timed-out` or `egress.protocol`; after an error there is nothing more.
/// Dropping it early closes the connection and is no error.
pub struct ResponseBody {
    /// Until the end or an error.
    open: Option<Open>,
    place: String,
    bounds: ResponseBounds,
    /// Set while waiting for the other side: the time a component takes between two reads is its own.
    waiting: bool,
    idle: Pin<Box<Sleep>>,
    deadline: Pin<Box<Sleep>>,
}

/// The place among the open requests, and that among those that may run at once.
pub(super) type Permits = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

struct Open {
    incoming: Incoming,
    line: AuditLine,
    /// The system's places for open requests: taken until the answer has ended.
    _permits: Permits,
}

/// The clocks and bounds of one answer.
pub(super) struct ResponseBounds {
    pub(super) limit: u64,
    pub(super) between_bytes: Duration,
    pub(super) total: Duration,
    pub(super) deadline: Instant,
}

impl ResponseBody {
    pub(super) fn new(incoming: Incoming, place: String, bounds: ResponseBounds, line: AuditLine, permits: Permits) -> Self {
        let idle = Box::pin(tokio::time::sleep(bounds.between_bytes));
        let deadline = Box::pin(tokio::time::sleep_until(bounds.deadline));
        Self { open: Some(Open { incoming, line, _permits: permits }), place, bounds, waiting: false, idle, deadline }
    }

    fn fail(&mut self, error: EgressError) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        if let Some(mut open) = self.open.take() {
            open.line.failed(&error);
        }
        Poll::Ready(Some(Err(error)))
    }

    fn timed_out(&mut self, phase: Phase, after: Duration) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        self.fail(EgressError::TimedOut { place: self.place.clone(), phase, after })
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = EgressError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, EgressError>>> {
        let this = &mut *self;
        let Some(open) = this.open.as_mut() else { return Poll::Ready(None) };
        if this.deadline.as_mut().poll(context).is_ready() {
            return this.timed_out(Phase::Total, this.bounds.total);
        }
        match Pin::new(&mut open.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                this.waiting = false;
                open.line.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                if open.line.received > this.bounds.limit {
                    let (place, limit) = (this.place.clone(), this.bounds.limit);
                    return this.fail(EgressError::TooLarge { place, direction: Direction::Response, limit });
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let (place, reason) = (this.place.clone(), root_cause(&error));
                this.fail(EgressError::Protocol { place, reason })
            }
            Poll::Ready(None) => {
                this.open = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                if !this.waiting {
                    this.waiting = true;
                    this.idle.as_mut().reset(Instant::now() + this.bounds.between_bytes);
                }
                ready!(this.idle.as_mut().poll(context));
                this.timed_out(Phase::BetweenBytes, this.bounds.between_bytes)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.open.as_ref().is_none_or(|open| open.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.open.as_ref().map_or_else(|| SizeHint::with_exact(0), |open| open.incoming.size_hint())
    }
}
