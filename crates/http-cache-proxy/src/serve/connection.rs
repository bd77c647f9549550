//! A client's connection: HTTP/1 or HTTP/2, by its first bytes or by what TLS has agreed on.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

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

use crate::exchange::{Client, Proxy};
use crate::metrics::Metrics;
use crate::record::Record;
use crate::socket::{SharedSocket, Stream};

/// Requests at the same time on one connection of HTTP/2; RFC 9113, section 6.5.2, recommends no fewer.
const MAX_STREAMS: u32 = 100;
/// Bytes of the fields of a request over HTTP/2, with 32 for each.
const MAX_HEADER_LIST_BYTES: u32 = 32 * 1024;
/// Bytes of an answer over HTTP/2 that wait for the client.
const MAX_SEND_BYTES: usize = 128 * 1024;
/// How often a client of HTTP/2 is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How clients' connections are served.
///
/// Against a client that opens streams only to reset them, h2 counts those that were not served yet, 20 at most, and
/// those that it had to reset itself, of which hyper allows 1,024.
pub(super) fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // HTTP/1 without a timer: the socket knows how long a client may take.
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
    let (tls, bounds) = (routing.tls.clone(), routing.bounds);
    let (watcher, builder, proxy) = (graceful.watcher(), builder.clone(), Arc::clone(proxy));
    let open = proxy.metrics().map(Metrics::connected);
    tokio::spawn(async move {
        let stream = match tls {
            None => Stream::Plain(stream),
            Some(tls) => {
                let clock = *proxy.clock();
                tokio::select! {
                    accepted = TlsAcceptor::from(tls).accept(stream) => match accepted {
                        Ok(stream) => Stream::Tls(Box::new(stream)),
                        // The client does not speak TLS, or does not trust the certificate.
                        Err(_) => return,
                    },
                    () = clock.sleep(bounds.head) => return,
                }
            }
        };
        let socket = SharedSocket::new(stream, &bounds);
        let io = TokioIo::new(socket.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let (proxy, socket) = (Arc::clone(&proxy), socket.clone());
            // Boxed: hyper keeps room for it in each connection, idle ones too, and it is by far the largest part.
            Box::pin(
                async move { Ok::<_, Infallible>(respond(&proxy, request, socket, client).await) },
            )
        });
        let connection = builder.serve_connection(io, service).into_owned();
        // The client went away, or does not speak HTTP: there is nobody to tell.
        let _gone = watcher.watch(connection).await;
        drop(open);
    });
}

async fn respond(
    proxy: &Arc<Proxy>,
    request: Request<Incoming>,
    socket: SharedSocket,
    client: SocketAddr,
) -> http::Response<Body> {
    let routing = proxy.routing();
    let log = routing.has_access_log.then(|| proxy.redaction());
    let record = Record::begin(proxy, log, (&socket, client), &request);
    let version = request.version();
    let client = Client { socket, version };
    record.of(proxy.respond(&routing, request, client).await)
}
