//! The listener, its connections, and their end.

use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_cache_db::cache::Body;
use http_cache_db::events::Events;
use http_cache_db::{Clock, Redaction};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

use crate::access_log::Line;
use crate::config::Config;
use crate::error::Error;
use crate::exchange::{Client, Proxy};
use crate::observed::Observed;
use crate::socket::SharedSocket;
use crate::storage;
use crate::warnings;

/// How long open exchanges may go on after a signal.
const GRACE: Duration = Duration::from_secs(10);
/// The pause after the system refused a connection, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until SIGINT or SIGTERM.
pub(crate) async fn run(config: Config) -> Result<(), Error> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let listen = |source| Error::Listen {
        address: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let events = Events::default();
    let _listener = warnings::listen(&events);
    let store = storage::open(&config, events).await?;
    let proxy = Arc::new(Proxy::new(&config, store)?);
    announce(address, &config);

    let graceful = GracefulShutdown::new();
    let log = config
        .has_access_log
        .then(|| Arc::new(config.redaction.clone()));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => connect(&graceful, &proxy, log.clone(), stream, client),
                Err(_) => pause(&proxy, ACCEPT_PAUSE).await,
            },
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = pause(&proxy, GRACE) => report(&"open exchanges were broken off"),
    }
    proxy.close().await
}

async fn pause(proxy: &Proxy, duration: Duration) {
    proxy.clock().sleep(duration).await;
}

fn announce(address: SocketAddr, config: &Config) {
    // Whoever closed standard output needs no address.
    let _closed = writeln!(
        std::io::stdout(),
        "listening on http://{address} for {}",
        config.origin.base
    );
    if !address.ip().is_loopback() {
        report(&format_args!(
            "warning: {address} can be reached from other hosts; anyone there can use this cache"
        ));
    }
}

fn connect(
    graceful: &GracefulShutdown,
    proxy: &Arc<Proxy>,
    log: Option<Arc<Redaction>>,
    stream: TcpStream,
    client: SocketAddr,
) {
    // Without it, small answers may wait for the client's acknowledgement.
    let _unsupported = stream.set_nodelay(true);
    let socket = SharedSocket::new(stream, proxy.timeout());
    let proxy = Arc::clone(proxy);
    let io = TokioIo::new(socket.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (proxy, socket, log) = (Arc::clone(&proxy), socket.clone(), log.clone());
        async move {
            Ok::<_, std::convert::Infallible>(respond(&proxy, request, socket, client, log).await)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(io, service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        // The client went away, or does not speak HTTP: there is nobody to tell.
        let _gone = connection.await;
    });
}

async fn respond(
    proxy: &Arc<Proxy>,
    request: Request<Incoming>,
    socket: SharedSocket,
    client: SocketAddr,
    log: Option<Arc<Redaction>>,
) -> http::Response<Body> {
    let line = log.map(|redaction| {
        let (method, target) = (request.method(), request.uri());
        Line::new(proxy.clock(), client, method, target, &redaction)
    });
    let version = request.version();
    let response = proxy.respond(request, Client { socket, version }).await;
    let Some(mut line) = line else {
        return response;
    };
    let cache_status = response
        .headers()
        .get_all("cache-status")
        .iter()
        .next_back();
    let cache_status = cache_status.and_then(|value| value.to_str().ok());
    line.answered(response.status().as_u16(), cache_status.unwrap_or("-"));
    response.map(|body| Body::new(Observed::new(body, move |data: &Bytes| line.sent(data))))
}

/// A line on standard error.
pub(crate) fn report(message: &dyn fmt::Display) {
    let _closed = writeln!(std::io::stderr(), "http-cache-proxy: {message}");
}
