//! An HTTP proxy in front of a DynamoDB server that injects the faults of a network and a busy service, with given
//! probabilities and reproducibly.
//!
//! Emulators have no capacity that ends, lose no response and have no conflicts; AWS does all of it.

mod answers;
mod batches;
mod faults;
mod service;
mod state;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub use faults::{FaultCounts, Faults};

use self::service::{Hangup, Service};
use self::state::State;

/// An HTTP proxy on loopback that injects faults; dropping it closes it and its connections.
///
/// With the same seed the n-th request gets the same fault, whatever happened to the others. A request gets at
/// most one fault.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use dynamodb_local::{FaultProxy, Faults};
///
/// let upstream = dynamodb_local::endpoint()?;
/// let proxy = FaultProxy::start(&upstream, 7, Faults::each(0.05)).await?;
/// // … point a client at proxy.url() …
/// assert_eq!(proxy.fault_counts().total(), 0);
/// # Ok(())
/// # }
/// ```
pub struct FaultProxy {
    url: String,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts a proxy on a free port, on the caller's Tokio runtime, to an `upstream` such as
    /// `http://127.0.0.1:8000`.
    ///
    /// # Errors
    /// The error of binding a port.
    pub async fn start(upstream: &str, seed: u64, faults: Faults) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let upstream = upstream.trim_start_matches("http://");
        let upstream = upstream.trim_end_matches('/').to_owned();
        let state = Arc::new(State::new(upstream, seed, faults));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self {
            url,
            state,
            accepting,
        })
    }

    /// URL of the proxy, such as `http://127.0.0.1:34567`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sets the faults from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state.set_faults(faults);
    }

    /// Sets the faults for `duration`, after which the previous ones apply again.
    pub fn set_faults_for(&self, faults: Faults, duration: Duration) {
        self.state.set_faults_for(faults, duration);
    }

    /// Number of requests so far and of the faults injected into them.
    #[must_use]
    pub fn fault_counts(&self) -> FaultCounts {
        self.state.fault_counts()
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        // Else finished connections would accumulate.
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        connections.spawn(serve(stream, Arc::clone(&state)));
    }
}

/// Serves one connection.
async fn serve(stream: TcpStream, state: Arc<State>) {
    // An answer is one small write; waiting for a fuller packet only costs.
    stream.set_nodelay(true).ok();
    let service = Arc::new(Service::new(state));
    let answering = Arc::clone(&service);
    let answer = service_fn(move |request| {
        let service = Arc::clone(&answering);
        let answer: Pin<Box<dyn Future<Output = Result<_, Hangup>> + Send>> =
            Box::pin(async move { service.answer(request).await });
        answer
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    poll_fn(|context| connection.poll_without_shutdown(context))
        .await
        .ok();
    let stream = connection.into_parts().io.into_inner();
    if service.is_reset() {
        // The other side then sees a reset instead of an end.
        stream.set_zero_linger().ok();
    }
}
