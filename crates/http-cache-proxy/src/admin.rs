//! The endpoints of whoever operates the proxy, on a listener of their own: metrics, health, and purging.

mod access;
mod purge;

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_cache_db::cache::Body;
use http_cache_db::store::Health;
use http_cache_db::{Clock, SystemClock};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::exchange::Proxy;
use crate::plain::sentence;

pub(crate) use self::purge::by_method;

/// How long the store may take to say that it works.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a client may be idle, or take for the head of a request: there are few places.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// More connections wait until others end.
const MAX_CONNECTIONS: usize = 64;
/// The pause after the system refused a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const INDEX: &str = "\
GET  /metrics  figures for Prometheus
GET  /healthz  200 while this process lives
GET  /readyz   200 while the store answers, else 503; the origin is not asked
POST /purge    removes stored responses: a form or JSON with url, prefix, host, tag, or group and origin; soft=true keeps them, stale
";

/// The endpoints.
#[derive(Debug)]
struct Admin {
    proxy: Arc<Proxy>,
    /// Whether only programs of this machine can reach them.
    is_local: bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Index,
    Metrics,
    Healthz,
    Readyz,
    Purge,
}

impl Endpoint {
    fn of(path: &str) -> Option<Self> {
        match path {
            "/" => Some(Self::Index),
            "/metrics" => Some(Self::Metrics),
            "/healthz" => Some(Self::Healthz),
            "/readyz" => Some(Self::Readyz),
            "/purge" => Some(Self::Purge),
            _ => None,
        }
    }

    /// The methods that it has.
    const fn allowed(self) -> &'static str {
        match self {
            Self::Index | Self::Metrics | Self::Healthz | Self::Readyz => "GET, HEAD",
            Self::Purge => "POST",
        }
    }

    fn allows(self, method: &Method) -> bool {
        let mut methods = self.allowed().split(", ");
        methods.any(|allowed| allowed == method.as_str())
    }

    /// Whether the token is needed, if there is one. Probes of health send none.
    const fn is_guarded(self) -> bool {
        matches!(self, Self::Metrics | Self::Purge)
    }
}

/// Serves on a listener until the tasks are dropped, and says where it is.
pub(crate) fn start(
    (listener, address): (TcpListener, SocketAddr),
    proxy: Arc<Proxy>,
) -> JoinSet<()> {
    // Whoever closed standard output needs no address.
    let _closed = writeln!(
        std::io::stdout(),
        "the operator's endpoints are at http://{address}"
    );
    let mut tasks = JoinSet::new();
    if let Some(metrics) = proxy.metrics() {
        tasks.spawn(metrics.clone().keep_up());
    }
    let admin = Arc::new(Admin {
        proxy,
        is_local: address.ip().is_loopback(),
    });
    tasks.spawn(serve(listener, admin));
    tasks
}

async fn serve(listener: TcpListener, admin: Arc<Admin>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        // It is never closed.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            SystemClock::new().sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let admin = Arc::clone(&admin);
        tokio::spawn(async move {
            connection(stream, admin).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, admin: Arc<Admin>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let admin = Arc::clone(&admin);
        async move { Ok::<_, Infallible>(admin.respond(request).await) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    // The client went away, or does not speak HTTP: there is nobody to tell.
    let _gone = server.serve_connection(TokioIo::new(stream), service).await;
}

impl Admin {
    async fn respond(&self, request: Request<Incoming>) -> Response<Body> {
        let routing = self.proxy.routing();
        if let Some(refusal) = access::refusal(request.headers(), routing.token.is_some()) {
            return refusal;
        }
        let Some(endpoint) = Endpoint::of(request.uri().path()) else {
            let text = "There is no such endpoint; / lists them.\n";
            return sentence(StatusCode::NOT_FOUND, text);
        };
        if !endpoint.allows(request.method()) {
            let text = "The endpoint does not have this method.\n";
            let mut response = sentence(StatusCode::METHOD_NOT_ALLOWED, text);
            let allowed = HeaderValue::from_static(endpoint.allowed());
            response.headers_mut().insert(header::ALLOW, allowed);
            return response;
        }
        let is_allowed = match &routing.token {
            Some(token) => token.is_in(request.headers()),
            // It was taken away while this runs.
            None => self.is_local,
        };
        if endpoint.is_guarded() && !is_allowed {
            return access::unauthorized();
        }
        match endpoint {
            Endpoint::Index => sentence(StatusCode::OK, INDEX),
            Endpoint::Metrics => self.metrics().await,
            Endpoint::Healthz => sentence(StatusCode::OK, "alive\n"),
            Endpoint::Readyz => match self.health().await {
                Some(_) => sentence(StatusCode::OK, "ready\n"),
                None => sentence(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The store does not answer; standard error of the proxy says why.\n",
                ),
            },
            Endpoint::Purge => purge::by_form(&self.proxy, request).await,
        }
    }

    async fn metrics(&self) -> Response<Body> {
        let health = self.health().await;
        let metrics = self.proxy.metrics();
        let text = metrics.map_or_else(String::new, |metrics| metrics.render(health));
        let mut response = Response::new(Body::full(text));
        let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
        response
    }

    /// That of the store; `None` if it fails, or takes too long.
    async fn health(&self) -> Option<Health> {
        tokio::select! {
            health = self.proxy.cache().store().health() => health.ok(),
            () = self.proxy.clock().sleep(PATIENCE) => None,
        }
    }
}
