//! Requests to the origin.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderMap, Request, Response, header};
use http_cache_db::cache::Body;
use http_cache_db::policy::end_to_end;
use http_cache_db::{Clock, ErrorChain, SystemClock};
use hyper::ext::on_informational;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::observed::Observed;
use crate::serve::report;
use crate::timed::Unstalled;

/// Idle connections are closed before usual servers close them, which would lose a request on its way.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The connections to the origin. Nothing is sent twice, but for requests that no byte was sent of.
#[derive(Clone)]
pub(crate) struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    timeout: Duration,
    clock: SystemClock,
}

/// Why the origin gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// It could not be reached, or broke off.
    Unreachable,
    /// It took longer than the timeout.
    TimedOut,
}

/// TLS by the operating system's root certificates.
fn tls(scheme: &Scheme) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = if *scheme == Scheme::HTTPS {
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
    pub(crate) fn new(scheme: &Scheme, timeout: Duration) -> Result<Self, Error> {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(scheme).map_err(Error::Tls)?)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        Ok(Self {
            client,
            timeout,
            clock: SystemClock::new(),
        })
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
        // Dropped with the body: when it has been sent, or is lost.
        let (sending, sent) = oneshot::channel::<()>();
        let mut request = request.map(|body| {
            Body::new(Observed::new(body, move |_: &Bytes| {
                let _held = &sending;
            }))
        });
        if let Some(interim) = interim {
            on_informational(&mut request, move |response| {
                interim(response.status(), &end_to_end(response.headers().clone()));
            });
        }
        let late = async {
            // The client may take its time to send the body.
            let _ended = sent.await;
            self.clock
                .sleep_until(self.clock.now() + self.timeout)
                .await;
        };
        let response = tokio::select! {
            response = self.client.request(request) => response.map_err(|error| {
                report(&format_args!("no answer of the origin: {}", ErrorChain(&error)));
                NoAnswer::Unreachable
            })?,
            () = late => return Err(NoAnswer::TimedOut),
        };
        if response.status().is_informational() {
            // Nothing asked for another protocol.
            return Err(NoAnswer::Unreachable);
        }
        let unstalled = |body| Unstalled::new(body, self.clock, self.timeout);
        Ok(response.map(|body| Body::new(unstalled(body))))
    }
}
