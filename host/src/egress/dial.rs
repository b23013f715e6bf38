//! A byte stream to a granted endpoint, for protocols other than HTTP.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::audit::AuditLine;
use super::connect::{Connector, Wire};
use super::error::{EgressError, Phase, root_cause};
use super::origin::Endpoint;
use super::tls::Inside;

/// How a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Bytes as they are; [`Stream::start_tls`] may follow.
    Plain,
    /// TLS from the first byte.
    Tls,
}

/// The most one read gives, whatever was asked for: the number comes from a component.
const LARGEST_READ: usize = 64 * 1024;

/// How long a polite goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// A connection to an endpoint. Its audit line is written when it is dropped. After an error it is closed.
pub struct Stream {
    wire: Option<Wire>,
    endpoint: Endpoint,
    connector: Connector,
    between_bytes: Duration,
    line: AuditLine,
    _permit: OwnedSemaphorePermit,
}

impl Stream {
    pub(super) async fn open(
        connector: &Connector,
        endpoint: Endpoint,
        security: Security,
        between_bytes: Duration,
        mut line: AuditLine,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, EgressError> {
        let inside = (security == Security::Tls).then_some(Inside::Stream);
        match connector.connect(&endpoint.host, endpoint.port, inside).await {
            Ok(wire) => {
                line.connected();
                Ok(Self { wire: Some(wire), endpoint, connector: connector.clone(), between_bytes, line, _permit: permit })
            }
            Err(error) => {
                line.failed(&error);
                Err(error)
            }
        }
    }

    /// Between one and `most` bytes; none: the other side has closed. Waits at most [`super::Limits::between_bytes`].
    pub async fn read(&mut self, most: usize) -> Result<Bytes, EgressError> {
        let most = most.clamp(1, LARGEST_READ);
        let mut buffer = BytesMut::with_capacity(most);
        let wire = self.wire.as_mut().ok_or_else(|| closed(&self.endpoint))?;
        let result = timeout(self.between_bytes, wire.take(most as u64).read_buf(&mut buffer)).await;
        self.line.received += self.judge(result)? as u64;
        Ok(buffer.freeze())
    }

    /// Send all of these bytes. Each piece the other side takes has [`super::Limits::between_bytes`].
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), EgressError> {
        loop {
            let wire = self.wire.as_mut().ok_or_else(|| closed(&self.endpoint))?;
            if bytes.is_empty() {
                let result = timeout(self.between_bytes, wire.flush()).await;
                return self.judge(result);
            }
            let result = timeout(self.between_bytes, wire.write(bytes)).await;
            let written = self.judge(result)?;
            self.line.sent.fetch_add(written as u64, Ordering::Relaxed);
            bytes = &bytes[written..];
        }
    }

    /// From here on TLS, the certificate checked against the endpoint's host. Bytes that arrived before and were not read make it fail:
    /// anyone on the way may have sent them, and a component would take them for protected ones.
    pub async fn start_tls(&mut self) -> Result<(), EgressError> {
        let result = match self.wire.take() {
            None => Err(closed(&self.endpoint)),
            Some(Wire::Tls(_)) => Err(EgressError::request("the connection is secured already")),
            Some(Wire::Plain(tcp)) if has_unread(&tcp) => {
                Err(EgressError::request(format!("{} sent bytes after its consent to StartTLS and before TLS; closed", self.endpoint)))
            }
            Some(Wire::Plain(tcp)) => self.connector.upgrade(&self.endpoint, tcp).await,
        };
        self.wire = Some(result.inspect_err(|error| self.line.failed(error))?);
        Ok(())
    }

    /// Say goodbye and close. Dropping the stream closes it as well, less politely.
    pub async fn close(mut self) {
        if let Some(mut wire) = self.wire.take() {
            // Whatever comes of it, the connection is gone afterwards.
            let _ = timeout(GOODBYE, wire.shutdown()).await;
        }
    }

    /// The bytes themselves, counted. Without a limit of time: that is the caller's.
    fn wire(&mut self) -> std::io::Result<&mut Wire> {
        self.wire.as_mut().ok_or_else(|| std::io::ErrorKind::NotConnected.into())
    }

    /// Turn a timed operation's result into ours; an error closes the connection.
    fn judge<T>(&mut self, result: Result<std::io::Result<T>, tokio::time::error::Elapsed>) -> Result<T, EgressError> {
        let place = self.endpoint.to_string();
        let error = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => self.connector.broken(place, &root_cause(&error)),
            Err(_) => EgressError::TimedOut { place, phase: Phase::BetweenBytes, after: self.between_bytes },
        };
        self.wire = None;
        self.line.failed(&error);
        Err(error)
    }
}

/// For the host's own protocols, whose libraries want a stream.
impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(self.wire()?).poll_read(context, buffer);
        self.line.received += (buffer.filled().len() - before) as u64;
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(self.wire()?).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            self.line.sent.fetch_add(*count as u64, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(self.wire()?).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(self.wire()?).poll_shutdown(context)
    }
}

fn closed(endpoint: &Endpoint) -> EgressError {
    EgressError::Protocol { place: endpoint.to_string(), reason: "the connection is closed".into() }
}

/// Asks the kernel, not tokio, which only knows about bytes it was told of. Bytes that arrive later are read as TLS and break the handshake.
fn has_unread(tcp: &TcpStream) -> bool {
    socket2::SockRef::from(tcp).peek(&mut [MaybeUninit::uninit(); 1]).is_ok_and(|read| read > 0)
}
