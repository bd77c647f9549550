//! A cache in a program: [`HttpCache`] does what the [engine](crate::engine) decides, with any
//! [store](crate::store::ResponseStore) and any [`Origin`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use http::{Request, Response};
//! use http_cache_db::MemoryStore;
//! use http_cache_db::cache::{Body, HttpCache};
//! use http_cache_db::engine::CacheStatus;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let cache = HttpCache::new(Arc::new(MemoryStore::new(64 * 1024 * 1024)));
//! let origin = |_request: Request<Body>| async {
//!     // Send the request here.
//!     let response = Response::builder().header("cache-control", "max-age=60");
//!     response.body(Body::full("one"))
//! };
//!
//! let ask = || Request::get("http://example.org/issues").body(Body::empty());
//! let first = cache.handle(ask()?, &origin).await?;
//! assert_eq!(first.into_body().bytes().await?, "one");
//!
//! let second = cache.handle(ask()?, &origin).await?;
//! let status = second.extensions().get::<CacheStatus>().ok_or("no status")?;
//! assert!(status.to_string().starts_with("http-cache;hit;ttl="));
//! assert_eq!(second.into_body().bytes().await?, "one");
//! # Ok(())
//! # }
//! ```

mod ask;
mod body;
mod chained;
mod chunks;
mod collapse;
mod exchange;
mod find;
mod handle;
mod hits;
mod invalid;
mod keep;
mod origin;
mod patience;
mod recorder;
mod recording;
mod serve;
mod settle;
mod target;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use store_core::{Clock, Result, SECOND, SystemClock};

pub use body::Body;
pub use origin::{Origin, Redirected, SentAt};

use self::collapse::Flights;
use self::handle::Validations;
use self::hits::Hits;
use self::invalid::InvalidTargets;
use self::patience::Patience;
use crate::events::{Event, Events};
use crate::policy::{Mode, Policy};
use crate::redaction::Redaction;
use crate::store::{Hit, ResponseStore};

const NAME: &str = "http-cache";
const PATIENCE: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = SECOND.saturating_mul(10);

/// A cache by RFC 9111 in front of any origin. Clones are cheap and share what is stored; each may have its own
/// settings.
#[derive(Clone, Debug)]
pub struct HttpCache {
    settings: Arc<Settings>,
    shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
struct Settings {
    policy: Arc<Policy>,
    name: String,
    clock: Arc<dyn Clock>,
    redaction: Redaction,
    sends_status: bool,
    patience: Duration,
    longest_wait: Option<Duration>,
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn ResponseStore>,
    flights: Arc<Flights>,
    validations: Arc<Validations>,
    invalid: InvalidTargets,
    hits: Hits,
}

impl HttpCache {
    /// A cache of one user over this store.
    #[must_use]
    pub fn new(store: Arc<dyn ResponseStore>) -> Self {
        let settings = Settings {
            policy: Arc::new(Policy::new(Mode::Private)),
            name: NAME.to_owned(),
            clock: Arc::new(SystemClock::new()),
            redaction: Redaction::default(),
            sends_status: true,
            patience: PATIENCE,
            longest_wait: Some(LONGEST_WAIT),
        };
        let shared = Shared {
            store,
            flights: Arc::default(),
            validations: Arc::default(),
            invalid: InvalidTargets::default(),
            hits: Hits::default(),
        };
        Self {
            settings: Arc::new(settings),
            shared: Arc::new(shared),
        }
    }

    /// Sets the rules. A [`Policy`] among the extensions of a request takes their place for that request.
    ///
    /// Default: those of a cache that serves one user.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        self.with(|settings| settings.policy = Arc::new(policy))
    }

    /// Sets the name in `Cache-Status`, a token of RFC 9651. Default: `http-cache`.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        self.with(|settings| settings.name = name.into())
    }

    /// Sets the source of time. Default: that of the operating system.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        self.with(|settings| settings.clock = clock)
    }

    /// Sets which parameters of targets are secret. Default: those that commonly are.
    #[must_use]
    pub fn with_redaction(self, redaction: Redaction) -> Self {
        self.with(|settings| settings.redaction = redaction)
    }

    /// Sends no field `Cache-Status`; the status is still among the extensions of a response.
    #[must_use]
    pub fn without_cache_status_header(self) -> Self {
        self.with(|settings| settings.sends_status = false)
    }

    /// Sets how long a request, or a part of a body, waits for the store before it goes on without. Default: 500
    /// ms.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        self.with(|settings| settings.patience = patience)
    }

    /// Sets how long a request waits for the answer to an equal one before it goes to the origin itself. Default:
    /// 10 s.
    ///
    /// The answer is there for others once its body was read to the end: whoever keeps one unread and asks again
    /// waits for itself.
    #[must_use]
    pub fn with_collapsing(self, longest_wait: Duration) -> Self {
        self.with(|settings| settings.longest_wait = Some(longest_wait))
    }

    /// Lets no request wait for another.
    #[must_use]
    pub fn without_collapsing(self) -> Self {
        self.with(|settings| settings.longest_wait = None)
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// Where the responses are kept.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ResponseStore> {
        &self.shared.store
    }

    /// Who hears of what happens in the cache and its store.
    #[must_use]
    pub fn events(&self) -> &Events {
        self.store().events()
    }

    /// Writes the uses of stored responses that were counted since they were last written, which happens by itself
    /// every 500 uses, and at a use five seconds after the last time.
    ///
    /// # Errors
    /// If they cannot be written; they are lost then.
    pub async fn flush(&self) -> Result<()> {
        let hits = &self.shared.hits;
        let _flushing = hits.flushing.lock().await;
        let pending = hits.take(self.settings.clock.monotonic());
        if pending.is_empty() {
            return Ok(());
        }
        self.store().record_hits(pending).await
    }

    /// Writes what is pending, and closes the store.
    ///
    /// # Errors
    /// If something cannot be written. The store is closed anyway.
    pub async fn close(&self) -> Result<()> {
        let flushed = self.flush().await;
        self.store().close().await?;
        flushed
    }

    fn count(&self, hit: Hit) {
        let hits = &self.shared.hits;
        let is_due = hits.add(hit, self.settings.clock.monotonic());
        if !is_due || hits.flushing.try_lock().is_err() {
            return;
        }
        let cache = self.clone();
        tokio::spawn(async move {
            if let Err(error) = cache.flush().await {
                cache.events().emit(|| Event::Error {
                    operation: error.operation(),
                    error: store_core::ErrorChain(&error).to_string(),
                });
            }
        });
    }

    #[cfg(feature = "tower")]
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.settings.clock
    }

    #[cfg(feature = "reqwest")]
    pub(crate) fn policy(&self) -> &Policy {
        &self.settings.policy
    }

    fn patience(&self) -> Patience {
        Patience::new(Arc::clone(&self.settings.clock), self.settings.patience)
    }
}
