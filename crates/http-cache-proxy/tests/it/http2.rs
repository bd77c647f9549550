//! Clients that speak HTTP/2.

mod abuse;
mod origin;
mod tls;

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::origin::{Origin, field, response};
use crate::routing::{config, origin_named};
use crate::running::{Proxy, TIMEOUT};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What is done, or a failure after a time.
fn run<T>(future: impl Future<Output = T>) -> T {
    runtime().block_on(async { tokio::time::timeout(TIMEOUT, future).await.unwrap() })
}

fn address(proxy: &Proxy) -> SocketAddr {
    proxy.connect().peer_addr().unwrap()
}

/// A client on a connection of its own.
async fn client<S>(stream: S) -> SendRequest<Full<Bytes>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connecting = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (client, connection) = connecting.unwrap();
    tokio::spawn(async move {
        let _gone = connection.await;
    });
    client
}

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    client(TcpStream::connect(address).await.unwrap()).await
}

fn get(target: &str) -> Request<Full<Bytes>> {
    Request::get(target).body(Full::default()).unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn cache_status(response: &Response<Incoming>) -> String {
    let status = response.headers().get("cache-status").unwrap();
    status.to_str().unwrap().to_owned()
}

#[test]
fn both_versions_are_served_from_one_cache() {
    let origin = origin_named("one");
    let proxy = Proxy::start(&origin.url(), &[]);
    assert!(proxy.get("/").cache_status().ends_with("stored"));
    run(async {
        let mut client = connect(address(&proxy)).await;
        let request = get("http://a.example/");
        let hit = client.send_request(request).await.unwrap();
        assert_eq!(hit.version(), Version::HTTP_2);
        assert!(cache_status(&hit).contains(";hit;"), "{hit:?}");
        assert_eq!(text(hit).await, "one");
        let miss = client.send_request(get("http://a.example/new")).await;
        assert!(cache_status(&miss.unwrap()).ends_with("stored"));
    });
    assert!(proxy.get("/new").cache_status().starts_with("hit"));
    let requests = origin.requests();
    let via = |index: usize| field(&requests[index], "via").unwrap().to_owned();
    assert!(via(0).starts_with("1.1 ") && via(1).starts_with("2 "));
    let host = field(&requests[1], "host").map(|host| format!("http://{host}"));
    assert_eq!(host, Some(origin.url()));
}

#[test]
fn fields_of_a_connection_stay_on_it() {
    let fields = [
        "Connection: X-Hop, close",
        "Keep-Alive: timeout=5",
        "X-Hop: 1",
        "X-End: 1",
    ];
    let origin = Origin::answering(response("200 OK", &fields, "one"));
    let proxy = Proxy::start(&origin.url(), &[]);
    run(async {
        let mut client = connect(address(&proxy)).await;
        let mut request = get("http://a/");
        let fields = request.headers_mut();
        fields.insert("te", "trailers".parse().unwrap());
        fields.append("cookie", "a=1".parse().unwrap());
        fields.append("cookie", "b=2".parse().unwrap());
        let answer = client.send_request(request).await.unwrap();
        for name in ["connection", "keep-alive", "transfer-encoding", "x-hop"] {
            assert!(!answer.headers().contains_key(name), "{name}: {answer:?}");
        }
        assert!(answer.headers().contains_key("x-end"));
        assert_eq!(text(answer).await, "one");
    });
    let request = &origin.requests()[0];
    assert_eq!(field(request, "te"), None);
    assert_eq!(field(request, "cookie"), Some("a=1; b=2"));
}

#[test]
fn slow_request_holds_up_no_other() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let origin = Origin::start(move |head| {
        if head.starts_with("GET /slow") {
            let _dropped = released.lock().unwrap().recv();
        }
        response("200 OK", &[], "one")
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    run(async {
        let mut client = connect(address(&proxy)).await;
        let slow = tokio::spawn(client.send_request(get("http://a/slow")));
        let fast = client.send_request(get("http://a/fast")).await.unwrap();
        assert_eq!(fast.status(), 200);
        assert!(!slow.is_finished());
        drop(release);
        assert_eq!(text(slow.await.unwrap().unwrap()).await, "one");
    });
}

#[test]
fn interim_response_does_not_reach_into_the_frames() {
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    let origin = Origin::answering(format!("{early}{}", response("200 OK", &[], "one")));
    let proxy = Proxy::start(&origin.url(), &[]);
    run(async {
        let mut client = connect(address(&proxy)).await;
        for _ in 0..3 {
            let answer = client.send_request(get("http://a/")).await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(text(answer).await, "one");
        }
    });
}

#[test]
fn body_of_a_request_is_framed_anew() {
    let origin = Origin::start(|head| {
        let length = field(head, "content-length").unwrap_or("none");
        response("200 OK", &[], length)
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    run(async {
        let mut client = connect(address(&proxy)).await;
        let request = Request::post("http://a/").body(Full::from("hello"));
        let answer = client.send_request(request.unwrap()).await.unwrap();
        assert_eq!(text(answer).await, "5");
    });
}

#[test]
fn authority_chooses_the_origin() {
    let (one, other) = (origin_named("one"), origin_named("other"));
    let (_folder, file) = config(&format!(
        "[[origins]]\norigin = \"{}\"\nhost = \"one.example\"\n\
         [[origins]]\norigin = \"{}\"\nhost = \"other.example\"",
        one.url(),
        other.url()
    ));
    let proxy = Proxy::start_with(&["--config", file.to_str().unwrap()]);
    run(async {
        let mut client = connect(address(&proxy)).await;
        for (host, status, body) in [
            ("one.example", 200, "one"),
            ("other.example:8080", 200, "other"),
            (
                "third.example",
                421,
                "No origin is configured for this host.\n",
            ),
        ] {
            let request = get(&format!("http://{host}/"));
            let answer = client.send_request(request).await.unwrap();
            assert_eq!(answer.status(), status, "{host}");
            assert_eq!(text(answer).await, body);
        }
        // RFC 9113, section 8.3.1.
        let mut request = get("http://one.example/");
        let host = "other.example".parse().unwrap();
        request.headers_mut().insert("host", host);
        let answer = client.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 400);
    });
}

#[test]
fn request_in_progress_ends_before_the_program() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let origin = Origin::start(move |_| {
        let _dropped = released.lock().unwrap().recv();
        response("200 OK", &[], "late")
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    run(async {
        let mut client = connect(address(&proxy)).await;
        let slow = tokio::spawn(client.send_request(get("http://a/")));
        while origin.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        proxy.signal("TERM");
        drop(release);
        assert_eq!(text(slow.await.unwrap().unwrap()).await, "late");
    });
    assert_eq!(proxy.ended().0, Some(0));
}
