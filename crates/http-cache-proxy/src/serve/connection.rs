//! A client's connection.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_cache_db::cache::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpStream;

use crate::access_log::Line;
use crate::exchange::{Client, Proxy};
use crate::observed::Observed;
use crate::socket::SharedSocket;

/// Serves a client until it leaves, or until a graceful shutdown and the end of its exchange.
pub(super) fn serve(
    graceful: &GracefulShutdown,
    proxy: &Arc<Proxy>,
    stream: TcpStream,
    client: SocketAddr,
) {
    // Without it, small answers may wait for the client's acknowledgement.
    let _unsupported = stream.set_nodelay(true);
    let socket = SharedSocket::new(stream, proxy.routing().timeout);
    let proxy = Arc::clone(proxy);
    let io = TokioIo::new(socket.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (proxy, socket) = (Arc::clone(&proxy), socket.clone());
        async move { Ok::<_, std::convert::Infallible>(respond(&proxy, request, socket, client).await) }
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
