//! A circuit breaker before a cache.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::breaker::{
    Breaker, Change, CircuitBreakerOptions, CircuitStatus, Class, Health,
};
use crate::cache::{
    CacheStats, CacheStore, EntryInfo, FillToken, Lookup, NewEntry, Removal, SetOutcome,
};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Selection};
use crate::layer::within;
use crate::page::{Page, PageRequest};
use crate::tag::Tag;

/// Stops asking a cache that is down: after failures in a row every call fails at once with
/// [`ErrorKind::CircuitOpen`], and one call at a time tries again, soon and then after growing pauses.
///
/// A call that ends with `Unavailable`, `Timeout` or `Throttled` is a failure; calls that were under way together
/// are one failure. Any other error shows that the store answers. By default one failure opens the circuit, so that
/// a store that is down costs its timeout once. Listings, statistics, removals of a whole selection and
/// cleanups are refused as well, and do not count: they may ask more of a store than its users do.
///
/// A store that neither answers nor fails is down all the same: [`with_timeout`](Self::with_timeout) makes it a failure.
///
/// It costs a lock per call, and with a timeout a timer for each that has to wait. Place it directly around the store that
/// may fail, within what can do without that store. The DynamoDB stores have one of their own for each table.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::layer::{CircuitBreaker, CircuitState};
/// use store_core::{CacheStore, Key};
/// use store_memory::MemoryCacheStore;
///
/// let cache = CircuitBreaker::new(MemoryCacheStore::new());
/// cache.get(&Key::new("issue:1")?).await?;
/// assert_eq!(cache.status().state, CircuitState::Closed);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CircuitBreaker<S> {
    store: S,
    breaker: Arc<Breaker>,
    /// `Duration::MAX`: none.
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl<S: CacheStore> CircuitBreaker<S> {
    /// A breaker that the first failure opens.
    #[must_use]
    pub fn new(store: S) -> Self {
        let options = CircuitBreakerOptions::default().with_failure_threshold(1);
        Self::with_options(store, options, SystemClock::new())
    }

    /// A breaker with options, and a clock.
    #[must_use]
    pub fn with_options(store: S, options: CircuitBreakerOptions, clock: impl Clock) -> Self {
        Self {
            store,
            breaker: Arc::new(Breaker::new(options)),
            timeout: Duration::MAX,
            clock: Arc::new(clock),
        }
    }

    /// Sets how long a call may take, by the monotonic clock. One that takes longer is dropped and fails with
    /// [`ErrorKind::Timeout`], which opens the circuit as any failure does; whether a write took effect is not known
    /// then. Listings, statistics, removals of a whole selection, cleanups and the closing take as long as they take.
    ///
    /// Default: none. The SQLite and DynamoDB stores have limits of their own, which end a call at a place where less is
    /// in doubt; and one that is shorter than a slow but healthy answer would take a store that works for one that is
    /// down. Set it for a store without a limit, well above the time of its longest call.
    ///
    /// ```
    /// use store_core::SECOND;
    /// use store_core::layer::CircuitBreaker;
    /// use store_memory::MemoryCacheStore; // stands for a server
    ///
    /// let cache = CircuitBreaker::new(MemoryCacheStore::new()).with_timeout(SECOND * 2);
    /// ```
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The state of the circuit, which clones share.
    #[must_use]
    pub fn status(&self) -> CircuitStatus {
        self.breaker.status(self.clock.monotonic())
    }

    /// Closes the circuit and clears its count of failures.
    pub fn reset(&self) {
        self.breaker.reset();
    }

    async fn call<T>(
        &self,
        class: Class,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let admitted = self.breaker.admit(class, self.clock.monotonic());
        let pass = admitted.map_err(|refusal| {
            let detail = format!(
                "the store failed before and was not asked; the next attempt is in {} ms; the last failure: {}",
                refusal.retry_after.as_millis(),
                refusal.cause,
            );
            Error::new(ErrorKind::CircuitOpen, "circuit breaker", operation)
                .with_retry_after(refusal.retry_after)
                .with_detail(detail)
        })?;
        let answer = call.await;
        let health = answer.as_ref().err().map_or(Health::Answered, health);
        let cause = || match &answer {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        match pass.report(health, self.clock.monotonic(), cause) {
            Change::None => {}
            Change::Opened(pause) => {
                tracing::warn!(
                    ?pause,
                    cause = cause(),
                    "circuit opened: the store is not asked"
                );
            }
            Change::Closed => tracing::info!("circuit closed: the store answers again"),
        }
        answer
    }

    async fn foreground<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let bounded = async {
            let answer = within(&*self.clock, self.timeout, call).await;
            answer.unwrap_or_else(|| Err(self.timed_out(operation)))
        };
        self.call(Class::Foreground, operation, bounded).await
    }

    async fn housekeeping<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.call(Class::Housekeeping, operation, call).await
    }

    fn timed_out(&self, operation: &'static str) -> Error {
        let detail = format!(
            "no answer within {} ms, and what was to be written may have been; look why the store is slow, or set a \
             longer limit with `CircuitBreaker::with_timeout`",
            self.timeout.as_millis(),
        );
        Error::new(ErrorKind::Timeout, "circuit breaker", operation).with_detail(detail)
    }
}

fn health(error: &Error) -> Health {
    match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Throttled => Health::Failing,
        // Another breaker has refused it.
        ErrorKind::CircuitOpen => Health::Unknown,
        ErrorKind::InvalidInput
        | ErrorKind::TooLarge
        | ErrorKind::Busy
        | ErrorKind::Corrupt
        | ErrorKind::SchemaNewer
        | ErrorKind::SchemaMissing
        | ErrorKind::ReadOnly
        | ErrorKind::StorageFull
        | ErrorKind::Codec
        | ErrorKind::Closed => Health::Answered,
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: CacheStore> CacheStore for CircuitBreaker<S> {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        self.foreground("get", self.store.get(key)).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        self.foreground("get_many", self.store.get_many(keys)).await
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        self.foreground("set", self.store.set(entry)).await
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        self.foreground("set_many", self.store.set_many(entries))
            .await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.foreground("fill_token", self.store.fill_token()).await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        self.foreground("delete", self.store.delete(key)).await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        self.housekeeping("clear", self.store.clear(selection))
            .await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        self.foreground("invalidate_tags", self.store.invalidate_tags(tags))
            .await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.housekeeping("list", self.store.list(page)).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.housekeeping("stats", self.store.stats()).await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.housekeeping("cleanup", self.store.cleanup()).await
    }

    /// Closes the store whatever the state of the circuit is.
    async fn close(&self) -> Result<()> {
        self.store.close().await
    }

    fn stored_key(&self, key: &Key) -> Result<Key> {
        self.store.stored_key(key)
    }
}
