//! A client's connection: HTTP/1 or HTTP/2, by its first bytes or by what TLS has agreed on.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_cache_db::Clock;
use http_cache_db::cache::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::access_log::Line;
use crate::exchange::{Client, Proxy};
use crate::observed::Observed;
use crate::socket::{SharedSocket, Stream};

/// Requests at the same time on one connection of HTTP/2; RFC 9113, section 6.5.2, recommends no fewer.
const MAX_STREAMS: u32 = 100;
/// Bytes of the fields of a request over HTTP/2, with 32 for each.
const MAX_HEADER_LIST_BYTES: u32 = 32 * 1024;
/// Bytes of an answer over HTTP/2 that wait for the client.
const MAX_SEND_BYTES: usize = 128 * 1024;
/// How often a client of HTTP/2 is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a client has for its first request, TLS included; hyper gives as long to the head of each.
const FIRST_REQUEST: Duration = Duration::from_secs(30);

/// How clients' connections are served.
///
/// Against a client that opens streams only to reset them, h2 counts those that were not served yet, 20 at most, and
/// those that it had to reset itself, of which hyper allows 1,024.
pub(super) fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .max_send_buf_size(MAX_SEND_BYTES)
        .keep_alive_interval(PING_INTERVAL);
    builder
}

/// Serves a client until it leaves, or until a graceful shutdown and the end of its exchanges.
pub(super) fn serve(
    graceful: &GracefulShutdown,
    builder: &Builder<TokioExecutor>,
    proxy: &Arc<Proxy>,
    stream: TcpStream,
    client: SocketAddr,
) {
    // Without it, small answers may wait for the client's acknowledgement.
    let _unsupported = stream.set_nodelay(true);
    let routing = proxy.routing();
    let (tls, timeout) = (routing.tls.clone(), routing.timeout);
    let (watcher, builder, proxy) = (graceful.watcher(), builder.clone(), Arc::clone(proxy));
    tokio::spawn(async move {
        let has_begun = Arc::new(AtomicBool::new(false));
        let begun = Arc::clone(&has_begun);
        let clock = *proxy.clock();
        let served = async move {
            let stream = match tls {
                None => Stream::Plain(stream),
                // The client may not speak TLS, or not trust the certificate.
                Some(tls) => match TlsAcceptor::from(tls).accept(stream).await {
                    Ok(stream) => Stream::Tls(Box::new(stream)),
                    Err(_) => return,
                },
            };
            let socket = SharedSocket::new(stream, timeout);
            let io = TokioIo::new(socket.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                begun.store(true, Ordering::Relaxed);
                let (proxy, socket) = (Arc::clone(&proxy), socket.clone());
                async move { Ok::<_, Infallible>(respond(&proxy, request, socket, client).await) }
            });
            let connection = builder.serve_connection(io, service).into_owned();
            // The client went away, or does not speak HTTP: there is nobody to tell.
            let _gone = watcher.watch(connection).await;
        };
        // Neither TLS nor the first bytes of a version have a timeout of their own.
        let late = async move {
            clock.sleep(FIRST_REQUEST).await;
            if has_begun.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = served => {}
            () = late => {}
        }
    });
}

async fn respond(
    proxy: &Arc<Proxy>,
    request: Request<Incoming>,
    socket: SharedSocket,
    client: SocketAddr,
) -> http::Response<Body> {
    let routing = proxy.routing();
    let line = routing.has_access_log.then(|| {
        let (method, target) = (request.method(), request.uri());
        Line::new(proxy.clock(), client, method, target, proxy.redaction())
    });
    let version = request.version();
    let client = Client { socket, version };
    let response = proxy.respond(&routing, request, client).await;
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
