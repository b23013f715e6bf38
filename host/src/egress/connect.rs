//! From a name to a connection: resolve, check every address, connect to a checked address only, TLS.
//!
//! The address that was checked is the address that is connected to: there is no second lookup in between that a name server could answer
//! differently (DNS rebinding). Absent on purpose: proxies from the environment, because a proxy would resolve the name itself, unchecked.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::client::TlsStream;

use super::address::AddressClass;
use super::error::{EgressError, Phase};
use super::origin::{Endpoint, Host, Origin, Scheme};
use super::policy::Policy;
use super::tls::{Inside, Tls, is_alert};

/// Opens connections for one system. Names are granted before it is asked; what it guards are addresses.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) system: Arc<str>,
    pub(super) policy: Arc<Policy>,
    pub(super) tls: Arc<Tls>,
    /// Where the client certificate is shown to a server that asks for it: the system's own backend and its token endpoint.
    pub(super) identified: Arc<[Endpoint]>,
    /// For one connection, all steps together.
    pub(super) timeout: Duration,
}

impl Connector {
    /// A connection to `host`, with TLS if `inside` says what is spoken in it.
    pub(super) async fn connect(&self, host: &Host, port: u16, inside: Option<Inside>) -> Result<Wire, EgressError> {
        let place = || format!("{host}:{port}");
        let work = async {
            let tcp = self.connect_tcp(host, port).await?;
            match inside {
                None => Ok(Wire::Plain(tcp)),
                Some(inside) => Ok(Wire::Tls(Box::new(self.tls.handshake(host, tcp, inside, self.identified(host, port)).await?))),
            }
        };
        let in_time = timeout(self.timeout, work).await;
        in_time.unwrap_or_else(|_| Err(EgressError::TimedOut { place: place(), phase: Phase::Connect, after: self.timeout }))
    }

    /// TLS over a connection that was plain so far.
    pub(super) async fn upgrade(&self, Endpoint { host, port }: &Endpoint, tcp: TcpStream) -> Result<Wire, EgressError> {
        let identified = self.identified(host, *port);
        match timeout(self.timeout, self.tls.handshake(host, tcp, Inside::Stream, identified)).await {
            Ok(stream) => Ok(Wire::Tls(Box::new(stream?))),
            Err(_) => Err(EgressError::TimedOut { place: host.to_string(), phase: Phase::Connect, after: self.timeout }),
        }
    }

    /// An exchange that broke off with this cause.
    pub(super) fn broken(&self, place: String, cause: &str) -> EgressError {
        if is_alert(cause) {
            return EgressError::Tls { place, reason: self.tls.advice(cause) };
        }
        EgressError::Protocol { place, reason: cause.to_owned() }
    }

    fn identified(&self, host: &Host, port: u16) -> bool {
        self.identified.iter().any(|place| place.host == *host && place.port == port)
    }

    /// The addresses are tried in the resolver's order (RFC 6724), each for its share of the time that is left.
    async fn connect_tcp(&self, host: &Host, port: u16) -> Result<TcpStream, EgressError> {
        let deadline = Instant::now() + self.timeout;
        let addresses = self.checked(host, resolve(host, port).await?)?;
        let mut last = None;
        for (index, address) in addresses.iter().enumerate() {
            let left = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let share = deadline.saturating_duration_since(Instant::now()) / left;
            match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => {
                    // Requests are written whole; waiting to fill a packet only delays their last piece.
                    let _ = tcp.set_nodelay(true);
                    return Ok(tcp);
                }
                Ok(Err(error)) => last = Some(error),
                Err(_) => last = Some(io::ErrorKind::TimedOut.into()),
            }
        }
        let error = last.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into());
        if error.kind() == io::ErrorKind::TimedOut {
            return Err(EgressError::TimedOut { place: format!("{host}:{port}"), phase: Phase::Connect, after: self.timeout });
        }
        let refused = error.kind() == io::ErrorKind::ConnectionRefused;
        Err(EgressError::Connect { place: format!("{host}:{port}"), reason: error.to_string(), refused })
    }

    /// The addresses that may be connected to. One refused address does not spoil the others; a name with refused addresses alone is refused.
    fn checked(&self, host: &Host, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, EgressError> {
        let mut refused: Option<(IpAddr, AddressClass)> = None;
        let mut open = Vec::with_capacity(addresses.len());
        for address in addresses {
            match self.policy.check_address(address.ip()) {
                Ok(()) => open.push(address),
                Err(class) => _ = refused.get_or_insert((address.ip().to_canonical(), class)),
            }
        }
        match refused {
            Some((address, class)) if open.is_empty() => {
                Err(EgressError::AddressRefused { system: self.system.to_string(), host: host.to_string(), address, class })
            }
            _ => Ok(open),
        }
    }
}

async fn resolve(host: &Host, port: u16) -> Result<Vec<SocketAddr>, EgressError> {
    let name = match host {
        Host::Address(address) => return Ok(vec![SocketAddr::new(*address, port)]),
        Host::Name(name) => name,
    };
    let failed = |reason: String| EgressError::Resolve { host: name.clone(), reason };
    let addresses: Vec<_> = tokio::net::lookup_host((name.as_str(), port)).await.map_err(|error| failed(error.to_string()))?.collect();
    if addresses.is_empty() { Err(failed("it has no address".into())) } else { Ok(addresses) }
}

/// hyper's client asks for a connection by URI; the door has granted its origin, or it is that of the token endpoint.
impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = EgressError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let origin = Origin::of_uri(&uri).map_err(EgressError::request)?;
            let inside = (origin.scheme == Scheme::Https).then_some(Inside::Http);
            connector.connect(&origin.host, origin.port, inside).await.map(TokioIo::new)
        })
    }
}

/// A connection, secured or not.
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        match self {
            Self::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => Connected::new().negotiated_h2(),
            _ => Connected::new(),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
