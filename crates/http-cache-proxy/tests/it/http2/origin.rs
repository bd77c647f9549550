//! Origins that speak HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use http_cache_db::cache::Body;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{address, connect, get, run, runtime};
use crate::running::{Proxy, command};
use crate::tls::certificate;

/// Starts an origin that answers with what it was asked, and a trailer.
fn start(tls: Option<ServerConfig>) -> SocketAddr {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        runtime().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            send.send(listener.local_addr().unwrap()).unwrap();
            let tls = tls.map(|tls| TlsAcceptor::from(Arc::new(tls)));
            while let Ok((stream, _)) = listener.accept().await {
                let tls = tls.clone();
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream).await,
                            Err(error) => panic!("{error}"),
                        },
                    }
                });
            }
        });
    });
    receive.recv().unwrap()
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let connection = http2::Builder::new(TokioExecutor::new());
    let _gone = connection
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .await;
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let fields = request
        .headers()
        .keys()
        .map(|name| name.as_str().to_owned());
    let mut fields: Vec<_> = fields.collect();
    fields.sort();
    let (method, target, version) = (request.method(), request.uri(), request.version());
    let first = format!("{method} {target} {version:?} {fields:?}");
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let text = Full::new(Bytes::from(format!("{first} {}", body.len())));
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "1".parse().unwrap());
    let body = text.with_trailers(async { Some(Ok(trailers)) });
    let response = Response::builder().header("cache-control", "max-age=60");
    Ok(response.body(Body::new(body)).unwrap())
}

#[test]
fn origin_is_asked_without_tls_if_the_settings_say_so() {
    let origin = start(None);
    let proxy = Proxy::start(&format!("http://{origin}"), &["--http2"]);
    let first = proxy.get("/a?b");
    let expected = format!("GET http://{origin}/a?b HTTP/2.0 [\"via\"] 0");
    assert!(first.body.contains(&expected), "{first:?}");
    let via = first.field("via").unwrap_or_default();
    assert!(via.starts_with("2 http-cache-proxy-"), "{via}");
    let hit = proxy.get("/a?b");
    assert!(hit.cache_status().starts_with("hit"), "{hit:?}");
    // Of unknown length, and with fields that HTTP/2 does not have.
    let request = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n\
                   Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let answer = proxy.exchange(request);
    assert!(answer.contains("HTTP/2.0 [\"via\"] 5"), "{answer}");
}

#[test]
fn trailers_pass_from_the_origin_to_the_client() {
    let origin = start(None);
    let proxy = Proxy::start(&format!("http://{origin}"), &["--http2"]);
    run(async {
        let mut client = connect(address(&proxy)).await;
        let answer = client.send_request(get("http://a/")).await.unwrap();
        let body = answer.into_body().collect().await.unwrap();
        let trailers = body.trailers().unwrap();
        assert_eq!(trailers.get("x-sum").unwrap(), "1");
        assert!(body.to_bytes().starts_with(b"GET http://"));
    });
}

#[test]
fn tls_agrees_on_the_version() {
    let made = certificate();
    let mut tls = made.server();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let origin = start(Some(tls));
    let url = format!("https://localhost:{}", origin.port());
    let start = |arguments: &[&str]| {
        let fixed = ["--origin", &url, "--memory", "--listen", "127.0.0.1:0"];
        let mut command = command(&[&fixed, arguments].concat());
        command.env("SSL_CERT_FILE", made.folder.path().join("roots.pem"));
        Proxy::start_command(command)
    };
    let answer = start(&["--http2"]).get("/");
    assert!(answer.body.contains("HTTP/2.0"), "{answer:?}");
    // The origin speaks nothing else.
    assert_eq!(start(&[]).get("/").status(), 502);
}
