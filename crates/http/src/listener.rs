//! Starting and stopping listeners: what actix-web's own `HttpServer` does, with [`Transport`] between connections and the
//! library.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_server::{Server, ServerBuilder, ServerHandle};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::Error;
use actix_web::dev::{AppConfig, ServiceResponse};
use gathering_auth::ClientCertificate;
use tokio::net::{TcpSocket, TcpStream};

use crate::connections::{ConnectionGuard, ConnectionRegistry, ResponseBody, Stream, Transport};
use crate::tls::{Acceptor, Tls};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// How many bytes of an answer the library collects before it writes them. Its buffer has 8 KiB, and one more piece of a body
/// would double it.
const WRITE_BUFFER: usize = 4 * 1024;

/// How long a connection that was told to close may take to do so.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({source}); stop what uses it, or choose another address with {key}")]
pub struct BindError {
    /// The key of the configuration that the address comes from.
    pub key: &'static str,
    pub address: SocketAddr,
    pub source: io::Error,
}

/// An address that the service has bound. Connections to it wait until a listener is started on it.
#[derive(Debug)]
pub struct BoundAddress {
    key: &'static str,
    address: SocketAddr,
    socket: TcpListener,
}

impl BoundAddress {
    /// Binds an address; port 0 stands for any free port. `key` is where it comes from in the configuration. Needs a tokio
    /// runtime.
    pub fn bind(key: &'static str, address: SocketAddr) -> Result<Self, BindError> {
        let bound = || {
            let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(BACKLOG)?.into_std()?;
            Ok((socket.local_addr()?, socket))
        };
        let (address, socket) = bound().map_err(|source| BindError { key, address, source })?;
        Ok(Self { key, address, socket })
    }
}

#[derive(Clone)]
pub(crate) struct ListenerSettings {
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) workers: usize,
    pub(crate) shutdown_grace: Duration,
    pub(crate) connections: Arc<ConnectionRegistry>,
}

/// A listener that was started. It answers while [`run`](Self::run) is polled.
pub struct Listener {
    server: Server,
    address: SocketAddr,
    is_encrypted: bool,
    connections: Arc<ConnectionRegistry>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Stops a listener that somebody else runs.
#[derive(Clone)]
pub struct StopHandle {
    server: ServerHandle,
    connections: Arc<ConnectionRegistry>,
}

impl fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopHandle").finish_non_exhaustive()
    }
}

impl StopHandle {
    /// Has each connection close with its next answer, so that clients go elsewhere. New ones are still accepted.
    pub fn drain(&self) {
        self.connections.drain();
    }

    /// Accepts no more calls, and waits for those in progress as long as `shutdown_grace` allows.
    pub fn stop(&self) -> impl Future<Output = ()> + use<> {
        self.drain();
        self.server.stop(true)
    }
}

impl Listener {
    /// The scheme, `http` or `https`, and the address.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_encrypted { "https" } else { "http" }, self.address)
    }

    /// The address with its actual port, also if any free one was asked for.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn stop_handle(&self) -> StopHandle {
        StopHandle { server: self.server.handle(), connections: Arc::clone(&self.connections) }
    }

    /// Ends when the listener is stopped.
    pub async fn run(self) -> io::Result<()> {
        tokio::select! {
            ended = self.server => ended,
            () = self.connections.keep_sweeping() => Ok(()),
        }
    }
}

/// Starts a listener. Each of its threads has a runtime of its own and an application that `application` makes. Needs a
/// tokio runtime.
pub(crate) fn start<F, I, S>(
    bound: BoundAddress,
    settings: ListenerSettings,
    application: F,
) -> Result<Listener, BindError>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, actix_http::Request>,
    S: ServiceFactory<actix_http::Request, Config = AppConfig, Response = ServiceResponse<ResponseBody>>
        + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
{
    let BoundAddress { key, address, socket } = bound;
    let failed = |source| BindError { key, address, source };
    let ListenerSettings { tls, workers, shutdown_grace, connections } = settings;
    let acceptor =
        tls.map(|tls| tls.acceptor()).transpose().map_err(|error| failed(io::Error::other(error)))?;
    let is_encrypted = acceptor.is_some();
    let builder = ServerBuilder::new()
        .workers(workers.max(1))
        // The registry limits connections; over its own limit the library would stop accepting.
        .max_concurrent_connections(usize::MAX >> 1)
        .shutdown_timeout(shutdown_grace.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX))
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let registry = Arc::clone(&connections);
    let server = builder.listen(key, socket, move || {
        let (registry, acceptor, stopping) = (Arc::clone(&registry), acceptor.clone(), stopping.clone());
        let application = application().into_factory().map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            // A client that has gone is not waited for. So one that closes its side before the answer gets none.
            .h1_allow_half_closed(false)
            .h1_write_buffer_size(WRITE_BUFFER)
            .local_addr(address)
            .on_connect_ext(|transport: &Transport, data| {
                data.insert(Rc::clone(transport.call_state()));
                if let Some(certificate) = transport.io().client_certificate() {
                    data.insert(ClientCertificate::parse(certificate));
                }
            })
            .finish(map_config(application, |()| AppConfig::default()));
        fn_service(move |socket: TcpStream| accept(socket, registry.admit(), acceptor.clone())).and_then(http)
    });
    let server = server.map_err(failed)?.run();
    Ok(Listener { server, address, is_encrypted, connections })
}

/// Prepares a connection for the library, if it was admitted and unless the registry closes it meanwhile.
async fn accept(
    socket: TcpStream,
    guard: Option<ConnectionGuard>,
    acceptor: Option<Acceptor>,
) -> Result<(Transport, Protocol, Option<SocketAddr>), DispatchError> {
    let guard = guard.ok_or(DispatchError::DisconnectTimeout)?;
    // Answers are written in pieces; none is to wait until the one before is acknowledged.
    socket.set_nodelay(true).map_err(DispatchError::Io)?;
    let peer = socket.peer_addr().ok();
    let stream = tokio::select! {
        stream = Stream::open(socket, acceptor) => stream,
        () = guard.closed() => Err(io::ErrorKind::ConnectionAborted.into()),
    };
    Ok((Transport::new(stream.map_err(DispatchError::Io)?, guard), Protocol::Http1, peer))
}
