//! Messages of the PostgreSQL protocol over a byte stream: whole ones in, whole ones out, and a bound on what a server may make us keep.

use bytes::{Buf as _, BytesMut};
use postgres_protocol::message::backend::Message;
use sdk::{Failure, Kind};

/// A connection to the server. Dropping it closes it.
pub trait Stream {
    /// Between one and `most` bytes; none: the server has closed the connection.
    fn read(&mut self, most: u32) -> Result<Vec<u8>, Failure>;
    /// Send all of these bytes.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure>;
    /// From here on TLS.
    fn start_tls(&mut self) -> Result<(), Failure>;
}

/// The largest message that is taken from a server: a row with a big document fits, a made-up length does not cost the instance its memory.
const MAX_MESSAGE: usize = 32 << 20;
/// What one read asks for.
const READ: u32 = 64 << 10;

/// A stream of messages.
pub struct Wire<S> {
    stream: S,
    inbox: BytesMut,
    /// What is to be sent with the next [`flush`](Self::flush).
    pub outbox: BytesMut,
}

impl<S: Stream> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, inbox: BytesMut::new(), outbox: BytesMut::new() }
    }

    /// Send what is in the outbox.
    pub fn flush(&mut self) -> Result<(), Failure> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        let sent = self.stream.write(&self.outbox);
        self.outbox.clear();
        sent
    }

    /// One byte that is no message: the answer to `SSLRequest`. Nothing behind it is taken in, so that nothing unprotected can pass for protected.
    pub fn byte(&mut self) -> Result<u8, Failure> {
        self.stream.read(1)?.first().copied().ok_or_else(closed)
    }

    pub fn start_tls(&mut self) -> Result<(), Failure> {
        if self.inbox.has_remaining() {
            return Err(broken("sent bytes before TLS began"));
        }
        self.stream.start_tls()
    }

    /// The next message, notices and reports of parameters left out.
    pub fn receive(&mut self) -> Result<Message, Failure> {
        loop {
            if let Some(length) = self.inbox.get(1..5).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).map(u32::from_be_bytes)
                && length as usize > MAX_MESSAGE
            {
                return Err(broken(&format!("sent a message of {length} bytes; {MAX_MESSAGE} are the most that is taken")));
            }
            match Message::parse(&mut self.inbox) {
                Ok(Some(Message::NoticeResponse(_) | Message::ParameterStatus(_) | Message::NotificationResponse(_))) => {}
                Ok(Some(message)) => return Ok(message),
                Ok(None) => {
                    let bytes = self.stream.read(READ)?;
                    if bytes.is_empty() {
                        return Err(closed());
                    }
                    self.inbox.extend_from_slice(&bytes);
                }
                Err(error) => return Err(broken(&error.to_string())),
            }
        }
    }
}

fn closed() -> Failure {
    Failure::unavailable("the database server closed the connection")
}

/// What came is not the protocol.
pub(crate) fn broken(what: &str) -> Failure {
    Failure::new(Kind::Unavailable, format!("the server does not keep to the PostgreSQL protocol: {what}"))
}
