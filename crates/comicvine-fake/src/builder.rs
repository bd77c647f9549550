//! How a fake server is set up.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use store_core::{Clock, SystemClock};
use tokio::net::TcpListener;

use crate::catalog::{Catalog, Recorded, Seeded};
use crate::error::Error;
use crate::fingerprint::KeyFingerprint;
use crate::inject::Injections;
use crate::limits::{Limiter, Limits};
use crate::server::FakeServer;
use crate::service::Service;

/// Sets up a [`FakeServer`]; every setting has a default.
#[derive(Clone, Debug)]
#[must_use]
pub struct FakeServerBuilder {
    listen: SocketAddr,
    source: Source,
    limits: Limits,
    latency: Duration,
    retry_after: Option<Duration>,
    clock: Option<Arc<dyn Clock>>,
    keys: HashSet<KeyFingerprint>,
}

#[derive(Clone, Debug)]
enum Source {
    Seeded { seed: u64 },
    Recorded { dir: PathBuf },
}

impl Default for FakeServerBuilder {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            source: Source::Seeded { seed: 1 },
            limits: Limits::default(),
            latency: Duration::ZERO,
            retry_after: None,
            clock: None,
            keys: HashSet::new(),
        }
    }
}

impl FakeServerBuilder {
    /// The address to listen on. Default: 127.0.0.1 on a free port.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Answers from the recorded responses below `dir` in the place of the invented catalogue.
    pub fn recordings(mut self, dir: impl Into<PathBuf>) -> Self {
        self.source = Source::Recorded { dir: dir.into() };
        self
    }

    /// Answers from the catalogue that this seed makes. Default: the one of seed 1.
    pub fn seed(mut self, seed: u64) -> Self {
        self.source = Source::Seeded { seed };
        self
    }

    /// The limits to enforce. Default: those of the real API, see [`Limits`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Time that every answer of the API takes. Default: none.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// What requests over a limit are told to wait (`Retry-After`, whole seconds). Default: nothing,
    /// as by the real API.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The clock that limits and delays go by. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Accepts this API key, and no others but those accepted so far. Default: any but an empty
    /// one. Only the key's fingerprint is kept.
    pub fn accept_key(mut self, key: &str) -> Self {
        self.keys.insert(KeyFingerprint::of(key));
        self
    }

    /// Starts the server; it serves until it is stopped or dropped.
    ///
    /// # Errors
    /// [`Error::Listen`] when the address cannot be had, [`Error::Recordings`] and
    /// [`Error::NoRecordings`] when there is nothing to answer from.
    pub async fn start(self) -> Result<FakeServer, Error> {
        let catalog: Box<dyn Catalog> = match self.source {
            Source::Seeded { seed } => Box::new(Seeded::new(seed)),
            Source::Recorded { dir } => Box::new(load(dir).await?),
        };
        let failed = |source| Error::Listen {
            address: self.listen,
            source,
        };
        let listener = TcpListener::bind(self.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let clock = self
            .clock
            .unwrap_or_else(|| Arc::new(SystemClock::default()));
        let service = Service {
            limiter: Limiter::new(Arc::clone(&clock), self.limits),
            clock,
            catalog,
            injections: Injections::default(),
            latency: Mutex::new(self.latency),
            retry_after: self.retry_after,
            keys: self.keys,
        };
        Ok(FakeServer::serve(listener, address, Arc::new(service)))
    }
}

async fn load(dir: PathBuf) -> Result<Recorded, Error> {
    let named = dir.clone();
    match tokio::task::spawn_blocking(move || Recorded::load(&dir)).await {
        Ok(loaded) => loaded,
        Err(stopped) => Err(Error::Recordings {
            dir: named,
            source: stopped.into(),
        }),
    }
}
