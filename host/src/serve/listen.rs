//! Accepting connections, and letting them go.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{
    rt::{Read, Write},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;

use super::{Process, ServeError, Services, Shared, access::Access, answer, body::Budget, metrics::Metrics, tls};
use crate::manifest::Serve;

/// A request's head has to be there by then; so long may a connection be idle, too.
const HEAD: Duration = Duration::from_secs(15);
/// The largest head, and how many headers are in it.
const LARGEST_HEAD: u32 = 64 << 10;
const MOST_HEADERS: usize = 100;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Requests at once in one HTTP/2 connection.
const STREAMS: u32 = 64;
const PING: Duration = Duration::from_secs(20);
/// A client that takes nothing of its answer for so long is gone.
const UNTAKEN: Duration = Duration::from_mins(1);
/// How long requests that are under way are waited for at the end.
const FAREWELL: Duration = Duration::from_secs(30);

/// Something to connect to.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    process: Arc<Process>,
}

/// Gives a process that serves something else to serve.
#[derive(Clone)]
pub struct Reloader {
    address: SocketAddr,
    process: Arc<Process>,
}

impl Reloader {
    /// Serve this from the next request on. With an error everything stays as it was. The address and the number of connections are those the process began with.
    pub async fn take(&self, settings: Serve, services: Services) -> Result<(), ServeError> {
        let shared = Arc::new(shared(settings, services, self.address).await?);
        *self.process.now.write().unwrap_or_else(PoisonError::into_inner) = shared;
        self.process.metrics.reloaded(true);
        Ok(())
    }

    /// Note that another manifest was not taken.
    pub fn refused(&self) {
        self.process.metrics.reloaded(false);
    }

    /// What is served now, by name: what did not change need not be opened again.
    pub fn services(&self) -> Services {
        self.process.now().services.clone()
    }
}

/// What a manifest says, ready to be served at this address.
async fn shared(settings: Serve, services: Services, address: SocketAddr) -> Result<Shared, ServeError> {
    let tls = match &settings.tls {
        Some(tls) => Some(tls::configuration(tls).await?),
        None => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let shared = Shared {
        url: settings.url.clone().unwrap_or_else(|| format!("{scheme}://{address}")),
        access: Access::new(&settings.tokens),
        bodies: Budget::new(settings.max_body),
        tls,
        settings,
        services,
    };
    for (name, service) in &shared.services {
        service.served_at(&format!("{}/scim/{}", shared.url, name.replace(' ', "%20")));
    }
    Ok(shared)
}

impl Server {
    /// Listen; nobody is answered before [`Server::run`].
    pub async fn bind(settings: Serve, services: Services) -> Result<Self, ServeError> {
        let failed = |error: std::io::Error| ServeError::Listen { address: settings.listen, reason: error.to_string() };
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let now = RwLock::new(Arc::new(shared(settings, services, address).await?));
        let process = Process { now, metrics: Metrics::new(), stopping: AtomicBool::new(false) };
        Ok(Self { listener, address, process: Arc::new(process) })
    }

    /// For changing what is served while it runs.
    pub fn reloader(&self) -> Reloader {
        Reloader { address: self.address, process: self.process.clone() }
    }

    /// How clients reach it, without a slash at its end.
    pub fn url(&self) -> String {
        self.process.now().url.clone()
    }

    /// Answer until `stop` ends; then let what is under way come to its end, up to half a minute.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(self.process.now().settings.max_connections));
        tokio::pin!(stop);
        loop {
            // A place first: who finds none waits in the system's queue.
            let accepted = async {
                let place = places.clone().acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let (place, (stream, peer)) = tokio::select! {
                () = &mut stop => break,
                (place, accepted) = accepted => match accepted {
                    Ok(accepted) => (place, accepted),
                    Err(error) => {
                        // No file descriptors, most likely: trying at once again would only burn time.
                        tracing::warn!(code = "serve.accept", "{error}");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            let (process, watcher) = (self.process.clone(), graceful.watcher());
            tokio::spawn(async move {
                process.metrics.connections.inc();
                connection(process.clone(), stream, peer, watcher).await;
                process.metrics.connections.dec();
                drop(place);
            });
        }
        self.process.stopping.store(true, Ordering::Relaxed);
        drop(self.listener);
        if tokio::time::timeout(FAREWELL, graceful.shutdown()).await.is_err() {
            tracing::warn!(code = "serve.farewell", "requests were still under way after {} s and are given up", FAREWELL.as_secs());
        }
    }
}

async fn connection(process: Arc<Process>, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(UNTAKEN));
    let Some(tls) = process.now().tls.clone() else {
        one(process, TokioIo::new(stream), peer, false, watcher).await;
        return;
    };
    match tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(stream)) => {
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            one(process, TokioIo::new(stream), peer, http2, watcher).await;
        }
        Ok(Err(error)) => tracing::debug!(%peer, code = "serve.handshake", "{error}"),
        Err(_) => tracing::debug!(%peer, code = "serve.handshake", "it took too long"),
    }
}

async fn one(process: Arc<Process>, io: impl Read + Write + Unpin + Send + 'static, peer: SocketAddr, http2: bool, watcher: Watcher) {
    let service = service_fn(move |request| {
        let process = process.clone();
        async move { Ok::<_, Infallible>(answer::answer(&process, request, peer).await) }
    });
    let ended = if http2 {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_header_list_size(LARGEST_HEAD)
            .max_concurrent_streams(STREAMS)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .serve_connection(io, service);
        watcher.watch(connection).await
    } else {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(LARGEST_HEAD as usize)
            .max_headers(MOST_HEADERS)
            .serve_connection(io, service);
        watcher.watch(connection).await
    };
    if let Err(error) = ended {
        // A client that goes away, sends no HTTP or is too slow.
        tracing::debug!(%peer, code = "serve.connection", "{error}");
    }
}
