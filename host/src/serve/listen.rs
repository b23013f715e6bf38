//! Accepting connections, and letting them go.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
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
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use super::{ServeError, Services, Shared, access::Access, answer, body::Budget, tls};
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
    tls: Option<Arc<ServerConfig>>,
    shared: Arc<Shared>,
}

impl Server {
    /// Listen; nobody is answered before [`Server::run`].
    pub async fn bind(settings: Serve, services: Services) -> Result<Self, ServeError> {
        let tls = match &settings.tls {
            Some(tls) => Some(tls::configuration(tls).await?),
            None => None,
        };
        let failed = |error: std::io::Error| ServeError::Listen { address: settings.listen, reason: error.to_string() };
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let shared = Shared {
            url: settings.url.clone().unwrap_or_else(|| format!("{scheme}://{address}")),
            access: Access::new(&settings.tokens),
            bodies: Budget::new(settings.max_body),
            stopping: AtomicBool::new(false),
            settings,
            services,
        };
        for (name, service) in &shared.services {
            service.served_at(&format!("{}/scim/{}", shared.url, name.replace(' ', "%20")));
        }
        Ok(Self { listener, tls, shared: Arc::new(shared) })
    }

    /// How clients reach it, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// Answer until `stop` ends; then let what is under way come to its end, up to half a minute.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(self.shared.settings.max_connections));
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
            let (shared, tls, watcher) = (self.shared.clone(), self.tls.clone(), graceful.watcher());
            tokio::spawn(async move {
                connection(shared, stream, peer, tls, watcher).await;
                drop(place);
            });
        }
        self.shared.stopping.store(true, Ordering::Relaxed);
        drop(self.listener);
        if tokio::time::timeout(FAREWELL, graceful.shutdown()).await.is_err() {
            tracing::warn!(code = "serve.farewell", "requests were still under way after {} s and are given up", FAREWELL.as_secs());
        }
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr, tls: Option<Arc<ServerConfig>>, watcher: Watcher) {
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(UNTAKEN));
    let Some(tls) = tls else {
        one(shared, TokioIo::new(stream), peer, false, watcher).await;
        return;
    };
    match tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(stream)) => {
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            one(shared, TokioIo::new(stream), peer, http2, watcher).await;
        }
        Ok(Err(error)) => tracing::debug!(%peer, code = "serve.handshake", "{error}"),
        Err(_) => tracing::debug!(%peer, code = "serve.handshake", "it took too long"),
    }
}

async fn one(shared: Arc<Shared>, io: impl Read + Write + Unpin + Send + 'static, peer: SocketAddr, http2: bool, watcher: Watcher) {
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(answer::answer(&shared, request, peer).await) }
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
