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
mod exact;
mod exchange;
mod find;
mod handle;
mod hits;
mod invalid;
mod jobs;
mod keep;
mod origin;
mod patience;
mod purge;
mod recorder;
mod recording;
mod serve;
mod settings;
mod settle;
mod target;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use store_core::Result;

pub use body::Body;
pub use origin::{Origin, Redirected, SentAt};

use self::collapse::Flights;
use self::handle::Validations;
use self::hits::{Due, FLUSH_INTERVAL, Hits};
use self::invalid::InvalidTargets;
use self::patience::Patience;
use self::settings::Settings;
use crate::events::{Event, Events};
use crate::store::{Hit, ResponseStore};

/// A cache by RFC 9111 in front of any origin. Clones are cheap and share what is stored; each may have its own
/// settings.
#[derive(Clone, Debug)]
pub struct HttpCache {
    settings: Arc<Settings>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn ResponseStore>,
    flights: Arc<Flights>,
    validations: Arc<Validations>,
    invalid: InvalidTargets,
    /// Held while purges that have failed are done again.
    purging: Arc<tokio::sync::Mutex<()>>,
    hits: Hits,
}

impl HttpCache {
    /// A cache of one user over this store.
    #[must_use]
    pub fn new(store: Arc<dyn ResponseStore>) -> Self {
        let shared = Shared {
            store,
            flights: Arc::default(),
            validations: Arc::default(),
            invalid: InvalidTargets::default(),
            purging: Arc::default(),
            hits: Hits::default(),
        };
        Self {
            settings: Arc::default(),
            shared: Arc::new(shared),
        }
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
    /// every 500 uses, and five seconds after the first that was not written.
    ///
    /// # Errors
    /// If they cannot be written; they are lost then.
    pub async fn flush(&self) -> Result<()> {
        let hits = &self.shared.hits;
        let _flushing = hits.flushing.lock().await;
        let pending = hits.take();
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
        let due = hits.add(hit);
        if due == Due::WithFirst || (due == Due::Now && hits.flushing.try_lock().is_err()) {
            return;
        }
        // Who drops the cache does not keep it for that.
        let (settings, shared) = (Arc::clone(&self.settings), Arc::downgrade(&self.shared));
        tokio::spawn(async move {
            if due == Due::Later {
                settings.clock.sleep(FLUSH_INTERVAL).await;
            }
            let Some(shared) = shared.upgrade() else {
                return;
            };
            let cache = Self { settings, shared };
            if let Err(error) = cache.flush().await {
                cache.events().emit_failure(|| Event::Error {
                    operation: error.operation(),
                    error: store_core::ErrorChain(&error).to_string(),
                });
            }
        });
    }

    fn patience(&self) -> Patience {
        Patience::new(Arc::clone(&self.settings.clock), self.settings.patience)
    }
}
