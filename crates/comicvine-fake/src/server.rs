//! A running server.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::builder::FakeServerBuilder;
use crate::counts::Counts;
use crate::inject::Injection;
use crate::limits::Limits;
use crate::resource::Kind;
use crate::service::{ConnectionReset, Service};

/// The time that busy connections get to finish when the server stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// A fake of the Comic Vine API over HTTP on loopback, until it is stopped or dropped.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use comicvine_fake::{FakeServer, Fault, Injection, Limits};
///
/// let server = FakeServer::builder().limits(Limits::unlimited()).start().await?;
/// assert!(server.base_url().ends_with("/api/"));
/// server.inject(Injection::new(Fault::RateLimited));
/// // Point a client at `server.base_url()`.
/// assert_eq!(server.counts().total().requests(), 0);
/// server.stop().await;
/// # Ok::<(), comicvine_fake::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FakeServer {
    address: SocketAddr,
    base_url: String,
    service: Arc<Service>,
    stopping: watch::Sender<Phase>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    Stopping,
}

impl FakeServer {
    /// A builder with the real API's limits and a generated catalogue.
    pub fn builder() -> FakeServerBuilder {
        FakeServerBuilder::default()
    }

    pub(crate) fn serve(listener: TcpListener, address: SocketAddr, service: Arc<Service>) -> Self {
        let (stopping, phase) = watch::channel(Phase::Serving);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&service), phase));
        Self {
            address,
            base_url: format!("http://{address}/api/"),
            service,
            stopping,
            accepting,
        }
    }

    /// The base URL of the API, such as `http://127.0.0.1:34567/api/`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.service.limiter.counts()
    }

    /// The ids that exist as details, by path (`issue`), in the order of paths.
    #[must_use]
    pub fn detail_ids(&self) -> Vec<(String, Vec<u64>)> {
        let ids = Kind::all().map(|kind| {
            let ids = self.service.catalog.detail_ids(kind);
            (kind.spec().detail.to_owned(), ids)
        });
        let mut ids: Vec<_> = ids.filter(|(_, ids)| !ids.is_empty()).collect();
        ids.sort();
        ids
    }

    /// Sets all counts to zero. The rate limit windows stay.
    pub fn reset_counts(&self) {
        self.service.limiter.reset_counts();
    }

    /// Removes all counts, rate limit windows and pending faults. Limits and latency stay.
    pub fn reset(&self) {
        self.service.limiter.reset();
        self.service.injections.clear();
    }

    /// Injects a fault into the next requests, after the faults already injected.
    pub fn inject(&self, injection: Injection) {
        self.service.injections.add(injection);
    }

    /// Removes the pending faults.
    pub fn clear_injections(&self) {
        self.service.injections.clear();
    }

    /// The current limits.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.service.limiter.limits()
    }

    /// Sets the limits. Requests accepted before count against the new ones.
    pub fn set_limits(&self, limits: Limits) {
        self.service.limiter.set_limits(limits);
    }

    /// Sets the delay of every API response.
    pub fn set_latency(&self, latency: Duration) {
        self.service.set_latency(latency);
    }

    /// Stops accepting connections, and waits up to a second for responses in progress.
    ///
    /// # Cancel safety
    /// If dropped early, all connections are closed at once.
    pub async fn stop(mut self) {
        self.stopping.send_replace(Phase::Stopping);
        // An error means that the task panicked, which stopped it as well.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        // The task owns the connections, so they end with it.
        self.accepting.abort();
    }
}

impl fmt::Debug for FakeServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FakeServer")
            .field("base_url", &self.base_url)
            .field("limits", &self.limits())
            .finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, service: Arc<Service>, mut phase: watch::Receiver<Phase>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that failed before it was accepted is the client's problem.
                if let Ok((stream, _)) = accepted {
                    let service = Arc::clone(&service);
                    connections.spawn(connection(stream, service, phase.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
            _ = phase.changed() => break,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}

async fn connection(stream: TcpStream, service: Arc<Service>, mut phase: watch::Receiver<Phase>) {
    // Small responses must not wait for acknowledgements; without the option they are only slower.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { service.call(request).await }
    });
    // Without a timer an idle connection stays open indefinitely, as spaced requests need.
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    let served = tokio::select! {
        served = &mut connection => Some(served),
        _ = phase.changed() => None,
    };
    let served = if let Some(served) = served {
        served
    } else {
        Pin::new(&mut connection).graceful_shutdown();
        (&mut connection).await
    };
    if served.is_err_and(|error| is_reset(&error)) {
        // Without lingering, closing the socket resets the connection.
        let _ = connection.into_parts().io.inner().set_zero_linger();
    }
}

fn is_reset(error: &hyper::Error) -> bool {
    error
        .source()
        .is_some_and(<dyn Error>::is::<ConnectionReset>)
}
