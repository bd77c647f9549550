//! Requests to the origin.

mod connector;
mod protocols;
mod public;
mod tcp;

use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use http_cache_db::cache::Body;
use http_cache_db::policy::{end_to_end, is_safe};
use http_cache_db::{Clock, ErrorChain, SystemClock};
use hyper::body::Incoming;
use hyper::ext::on_informational;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::client::legacy::{self, Builder, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::sync::oneshot;

use self::connector::{Connector, Traffic};
use self::tcp::{NotPublic, Tcp};
use crate::allow::AllowList;
use crate::config::TIMEOUT;
use crate::error::Error;
use crate::observed::Observed;
use crate::serve::report;
use crate::timed::{Stalled, Unstalled};

pub(crate) use self::protocols::{Protocols, Upstreams};
pub(crate) use self::public::is_public;

/// Idle connections are closed before usual servers close them, which would lose a request on its way.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// How often an origin of HTTP/2 is asked whether it is still there,
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// and how long it may take to say so.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// What an answer over HTTP/2 may be ahead of its client, in bytes.
const STREAM_WINDOW: u32 = 256 * 1024;
/// The same for all answers of a connection: 250 slow clients leave something for others.
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;
/// Bytes of the fields of an answer over HTTP/2, with 32 for each.
const MAX_HEADER_LIST_BYTES: u32 = 64 * 1024;

/// The connections to the origin. Nothing is sent twice, but for requests that no byte was sent of, and those that
/// change nothing and went over a connection that the origin closed.
#[derive(Clone)]
pub(crate) struct Upstream {
    client: Client<Connector, Body>,
    /// Its connections are used once.
    fresh: Client<Connector, Body>,
    timeout: Duration,
    clock: SystemClock,
}

/// The version that an answer was received in, among its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceivedIn(pub(crate) Version);

/// Why the origin gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// It could not be reached, or broke off.
    Unreachable,
    /// It took longer than the timeout.
    TimedOut,
    /// The body of the request broke off, or is not well-formed.
    BrokenRequest,
    /// The body of the request made no progress for the timeout.
    StalledRequest,
    /// Its address may not be reached.
    Refused,
}

impl NoAnswer {
    pub(crate) const ALL: [Self; 5] = [
        Self::Unreachable,
        Self::TimedOut,
        Self::BrokenRequest,
        Self::StalledRequest,
        Self::Refused,
    ];

    /// A word for it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timeout",
            Self::BrokenRequest => "broken request",
            Self::StalledRequest => "stalled request",
            Self::Refused => "refused",
        }
    }

    /// That in [`Self::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// TLS by the operating system's root certificates.
fn tls(is_used: bool) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = if is_used {
        config.with_platform_verifier()?
    } else {
        // Plain http must work on a machine without root certificates.
        config.with_root_certificates(RootCertStore::empty())
    };
    Ok(config.with_no_client_auth())
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Upstream {
    /// The way to any address. `has_tls` is whether an origin is asked over TLS.
    fn new(protocols: Protocols, has_tls: bool) -> Result<Self, Error> {
        Self::over(Tcp { allowed: None }, protocols, has_tls)
    }

    /// The way to public addresses and those of the list, without TLS.
    pub(crate) fn guarded(allowed: Arc<AllowList>) -> Result<Self, Error> {
        let allowed = Some(allowed);
        Self::over(Tcp { allowed }, Protocols::Http1, false)
    }

    fn over(tcp: Tcp, protocols: Protocols, has_tls: bool) -> Result<Self, Error> {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(has_tls).map_err(Error::Tls)?)
            .https_or_http();
        let connector = Connector(match protocols {
            Protocols::Http1 => connector.enable_http1().wrap_connector(tcp),
            Protocols::Http2 => connector.enable_http2().wrap_connector(tcp),
            Protocols::Negotiated => connector.enable_all_versions().wrap_connector(tcp),
        });
        let mut client = Client::builder(TokioExecutor::new());
        client
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            // A connection that is dead is left, although requests keep it from being idle.
            .http2_keep_alive_interval(PING_INTERVAL)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .http2_only(protocols == Protocols::Http2)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_max_header_list_size(MAX_HEADER_LIST_BYTES);
        let build = |builder: &Builder| builder.build(connector.clone());
        Ok(Self {
            client: build(&client),
            fresh: build(client.pool_max_idle_per_host(0)),
            timeout: TIMEOUT,
            clock: SystemClock::new(),
        })
    }

    /// Sets how long the origin may take to begin its answer, and either side may stall. Default: 30 s.
    pub(crate) const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends a request; `interim` is called for each 1xx that comes before the answer, with its end-to-end
    /// fields.
    pub(crate) async fn send(
        &self,
        mut request: Request<Body>,
        interim: Option<impl Fn(http::StatusCode, &HeaderMap) + Send + Sync + 'static>,
    ) -> Result<Response<Body>, NoAnswer> {
        // Host is that of the target, and the length that of the body. `Expect` is between two hops; the server
        // answers it.
        for name in [header::HOST, header::CONTENT_LENGTH, header::EXPECT] {
            request.headers_mut().remove(name);
        }
        // Without it, hyper sends no body of unknown length with a GET.
        if request.body().size_hint().exact().is_none() {
            let chunked = HeaderValue::from_static("chunked");
            request
                .headers_mut()
                .insert(header::TRANSFER_ENCODING, chunked);
        }
        if let Some(interim) = interim {
            on_informational(&mut request, move |response| {
                let mut headers = end_to_end(response.headers().clone());
                // There is no content (RFC 9110, section 8.6).
                headers.remove(header::CONTENT_LENGTH);
                interim(response.status(), &headers);
            });
        }
        let again = repeated(&request);
        // Why the body of the request broke off.
        let broken = Arc::new(OnceLock::new());
        let breaks = Arc::clone(&broken);
        let mut request = request.map(|body| {
            let body = Unstalled::new(body, self.clock, self.timeout);
            Body::new(body.map_err(move |error| {
                breaks.get_or_init(|| match error.downcast_ref() {
                    Some(Stalled) => NoAnswer::StalledRequest,
                    None => NoAnswer::BrokenRequest,
                });
                error
            }))
        });
        let connection = capture_connection(&mut request);
        let answer = match (self.attempt(&self.client, request).await, again) {
            (Err(Some(_)), Some(again)) if came_too_late(&connection) => {
                self.attempt(&self.fresh, again).await
            }
            (answer, _) => answer,
        };
        let mut response = answer.map_err(|failure| match failure {
            Some(error) => {
                if let Some(broken) = broken.get() {
                    return *broken;
                }
                if is_refused(&error) {
                    return NoAnswer::Refused;
                }
                report(&format_args!(
                    "no answer of the origin: {}",
                    ErrorChain(&error)
                ));
                NoAnswer::Unreachable
            }
            None => NoAnswer::TimedOut,
        })?;
        if response.status().is_informational() {
            // Nothing asked for another protocol.
            return Err(NoAnswer::Unreachable);
        }
        let version = ReceivedIn(response.version());
        response.extensions_mut().insert(version);
        let unstalled = |body| Unstalled::new(body, self.clock, self.timeout);
        Ok(response.map(|body| Body::new(unstalled(body))))
    }

    /// Sends a request. The error is `None` if the answer takes longer than the timeout.
    async fn attempt(
        &self,
        client: &Client<Connector, Body>,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Option<legacy::Error>> {
        let has_body = !request.body().is_end_stream();
        // Dropped with the body: when it has been sent, or is lost.
        let (sending, sent) = oneshot::channel::<()>();
        let request = request.map(|body| {
            Body::new(Observed::new(body, move |_: &Bytes| {
                let _held = &sending;
            }))
        });
        let late = async {
            // The client may take its time to send a body.
            if has_body {
                let _ended = sent.await;
            }
            self.clock.sleep(self.timeout).await;
        };
        tokio::select! {
            response = client.request(request) => response.map_err(Some),
            () = late => Err(None),
        }
    }
}

/// Whether a connection was not made because no address of the host may be reached.
fn is_refused(error: &legacy::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The request once more, if it may be sent twice.
fn repeated(request: &Request<Body>) -> Option<Request<Body>> {
    if !is_safe(request.method()) || !request.body().is_end_stream() {
        return None;
    }
    let mut again = Request::new(Body::empty());
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    *again.extensions_mut() = request.extensions().clone();
    Some(again)
}

/// Whether the origin may have closed the connection before the request came.
fn came_too_late(connection: &CaptureConnection) -> bool {
    let connected = connection.connection_metadata();
    let mut extras = http::Extensions::new();
    if let Some(connected) = &*connected {
        connected.get_extras(&mut extras);
    }
    extras
        .get::<Traffic>()
        .is_some_and(Traffic::may_have_come_too_late)
}
