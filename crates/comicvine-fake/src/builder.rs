//! The builder of a fake server.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use store_core::{Clock, SystemClock};
use tokio::net::TcpListener;

use crate::catalog::{Catalog, Recorded, Seeded};
use crate::error::Error;
use crate::images::Images;
use crate::inject::Injections;
use crate::key_fingerprint::KeyFingerprint;
use crate::limits::{Limiter, Limits};
use crate::server::FakeServer;
use crate::service::Service;

/// A builder of a [`FakeServer`]. Every setting has a default.
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
    serves_images: bool,
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
            serves_images: false,
        }
    }
}

impl FakeServerBuilder {
    /// The address to listen on. Default: 127.0.0.1 on a free port.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Serves the recorded responses below `dir` instead of a generated catalogue.
    pub fn recordings(mut self, dir: impl Into<PathBuf>) -> Self {
        self.source = Source::Recorded { dir: dir.into() };
        self
    }

    /// Serves the catalogue generated from this seed. Default: 1.
    pub fn seed(mut self, seed: u64) -> Self {
        self.source = Source::Seeded { seed };
        self
    }

    /// The limits to enforce. Default: the real API's, see [`Limits`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The delay of every API response. Default: zero.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// The `Retry-After` header of responses over a limit, rounded up to whole seconds. Default: none,
    /// like the real API.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The clock of limits and delays. Default: the system's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Accepts this API key; repeat it for more keys. Default: any key that is not empty. Only the
    /// key's fingerprint is kept.
    pub fn accept_key(mut self, key: &str) -> Self {
        self.keys.insert(KeyFingerprint::of(key));
        self
    }

    /// Serves images as well: their URLs in responses lead to this server, which has the same picture for each of
    /// them. Default: the URLs lead to the real site.
    pub const fn serve_images(mut self) -> Self {
        self.serves_images = true;
        self
    }

    /// Starts the server. It serves until it is stopped or dropped.
    ///
    /// # Errors
    /// [`Error::Listen`] if the address cannot be bound, [`Error::Recordings`] if the folder cannot be
    /// read, [`Error::NoRecordings`] if it has no recorded response.
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
            images: self.serves_images.then(|| Images::at(address)),
        };
        Ok(FakeServer::serve(listener, address, Arc::new(service)))
    }
}

async fn load(dir: PathBuf) -> Result<Recorded, Error> {
    let folder = dir.clone();
    match tokio::task::spawn_blocking(move || Recorded::load(&dir)).await {
        Ok(loaded) => loaded,
        Err(panicked) => Err(Error::Recordings {
            dir: folder,
            source: panicked.into(),
        }),
    }
}
