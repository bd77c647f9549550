//! What an application calls: cache, then join, then limit, then fetch.
//!
//! - A fresh answer in the cache is returned without asking anybody else, cooldown or not.
//! - Otherwise one caller owns the request and the others join it; a new owner looks into the cache
//!   again, because the previous one may just have filled it.
//! - Every attempt on the wire takes a permit of its own before anything is sent.
//! - A failure is not cached, unless it says for how long it holds.
//! - A failing cache or de-duplication costs a fetch, a wait that fails for a moment not even that; a
//!   failing limiter refuses, because sending without one gets keys banned.

mod answer;
mod counters;
mod failure;
mod flight;
mod request;

use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, warn};

pub use crate::codec::record::StoredAnswer;
pub use answer::{Answer, Fetched, Keep, Outcome};
pub use counters::PipelineStats;
pub use failure::{Failure, PipelineError, Retry, SharedError};
pub use request::{CacheUse, Request};

use crate::cache::{CacheStore, FillToken, Lookup};
use crate::clock::{Clock, SystemClock};
use crate::codec::record::StoredRefusal;
use crate::dedupe::{DedupeStore, JobId, JobOutcome, Registration};
use crate::error::Error;
use crate::key::Key;
use crate::queue::{AcquireQueue, QueueOptions};
use crate::random::{Random, SystemRandom};
use crate::rate_limit::RateLimitStore;
use crate::stores::Stores;
use crate::time::Timestamp;

use counters::Counters;
use flight::Flight;

/// How a pipeline behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PipelineOptions {
    /// How often a failed attempt is repeated if its failure allows it. Default: 2.
    pub max_retries: u32,
    /// How waiting for a permit is done.
    pub queue: QueueOptions,
    /// A limiter of this process alone that stands in when the shared one fails. Default: none,
    /// requests are refused then.
    pub local_budget: Option<Arc<dyn RateLimitStore>>,
}

impl Default for PipelineOptions {
    fn default() -> Self {
        Self {
            max_retries: 2,
            queue: QueueOptions::default(),
            local_budget: None,
        }
    }
}

impl PipelineOptions {
    /// Sets how often a failed attempt is repeated.
    #[must_use]
    pub const fn with_max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets how waiting for a permit is done.
    #[must_use]
    pub fn with_queue(mut self, queue: QueueOptions) -> Self {
        self.queue = queue;
        self
    }

    /// Sets a limiter that stands in when the shared one fails.
    #[must_use]
    pub fn with_local_budget(mut self, store: impl RateLimitStore) -> Self {
        self.local_budget = Some(Arc::new(store));
        self
    }
}

/// Cache, de-duplication and rate limiting in the order that makes them safe. Clones share it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::pipeline::{Failure, Fetched, Outcome, Pipeline, Request};
/// use store_core::{HOUR, Key, Stores};
///
/// let pipeline = Pipeline::new(Stores::none());
/// let request = Request::new(Key::new("comics:issue/4000-1")?);
/// let answer = pipeline
///     .run(request, async |_attempt| {
///         Ok::<_, Failure<String>>(Fetched::new("{}").fresh_for(HOUR))
///     })
///     .await
///     .map_err(|error| error.to_string())?;
/// assert_eq!(answer.outcome, Outcome::Fetched);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    cache: Option<Arc<dyn CacheStore>>,
    dedupe: Option<Arc<dyn DedupeStore>>,
    shared_budget: Option<AcquireQueue>,
    local_budget: Option<AcquireQueue>,
    clock: Arc<dyn Clock>,
    max_retries: u32,
    counters: Counters,
}

impl Pipeline {
    /// A pipeline over `stores` with the system's clock and default options.
    #[must_use]
    pub fn new(stores: Stores) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        Self::with(stores, &clock, &random, PipelineOptions::default())
    }

    /// A pipeline over `stores` with everything stated.
    #[must_use]
    pub fn with(
        stores: Stores,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
        options: PipelineOptions,
    ) -> Self {
        let queue = |store| {
            let (clock, random) = (Arc::clone(clock), Arc::clone(random));
            AcquireQueue::new(store, clock, random, options.queue.clone())
        };
        let inner = Inner {
            cache: stores.cache,
            dedupe: stores.dedupe,
            shared_budget: stores.rate_limit.map(queue),
            local_budget: options.local_budget.map(queue),
            max_retries: options.max_retries,
            counters: Counters::default(),
            clock: Arc::clone(clock),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The limiter that every process shares, if there is one.
    #[must_use]
    pub fn rate_limit(&self) -> Option<&Arc<dyn RateLimitStore>> {
        self.inner.shared_budget.as_ref().map(AcquireQueue::store)
    }

    /// The cache, if there is one.
    #[must_use]
    pub fn cache(&self) -> Option<&Arc<dyn CacheStore>> {
        self.inner.cache.as_ref()
    }

    /// The clock that everything here goes by.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// What this pipeline has done since it was made.
    #[must_use]
    pub fn stats(&self) -> PipelineStats {
        self.inner.counters.read()
    }

    /// Answers one request.
    ///
    /// `fetch` is called with the attempt's number, from zero, once per attempt on the wire and
    /// only with leave to send; it must send at most one request per call.
    ///
    /// # Cancel safety
    /// A dropped call gives back what it holds: another caller takes its job over at once, and a
    /// permit is kept only if something may have been sent.
    ///
    /// # Errors
    /// [`PipelineError`]: the fetch failed (here or at the owner that was joined) and nothing stale
    /// is at hand, or there was no leave to send in time.
    pub async fn run<E, F, R>(&self, request: Request, fetch: F) -> Result<Answer, PipelineError<E>>
    where
        E: SharedError,
        F: Fn(u32) -> R + Send + Sync,
        R: Future<Output = Result<Fetched, Failure<E>>> + Send,
    {
        let counters = &self.inner.counters;
        counters.asked();
        let started = self.inner.clock.now();
        let deadline = started + request.max_wait;
        let found = self.look_up(&request, started).await;
        // What to fall back on, and when the fill that follows began.
        let (stale, token) = match found {
            Found::Fresh(record) => {
                return Ok(counters.answered(record.into_answer(Outcome::Hit)));
            }
            Found::Refused(refusal) => {
                let error = refused(&refusal);
                counters.failed(&error);
                return Err(error);
            }
            Found::Stale(record, token) => (Some(record), token),
            Found::Nothing(token) => (None, token),
        };
        let flight = Flight {
            inner: &self.inner,
            request: &request,
            deadline,
            token,
        };
        let result = match &self.inner.dedupe {
            Some(dedupe) => self.share(&**dedupe, &flight, started, &fetch).await,
            None => flight.fetch(None, &fetch).await,
        };
        match (result, stale) {
            (Ok(answer), _) => Ok(counters.answered(answer)),
            (Err(error), Some(record)) if error.allows_stale() => {
                debug!(key = %request.key, "answered from what is stale: {error}");
                Ok(counters.answered(record.into_answer(Outcome::Stale)))
            }
            (Err(error), _) => {
                counters.failed(&error);
                Err(error)
            }
        }
    }

    /// Joins the request in flight, or becomes its owner and sends it.
    async fn share<E, F, R>(
        &self,
        dedupe: &dyn DedupeStore,
        flight: &Flight<'_>,
        started: Timestamp,
        fetch: &F,
    ) -> Result<Answer, PipelineError<E>>
    where
        E: SharedError,
        F: Fn(u32) -> R + Send + Sync,
        R: Future<Output = Result<Fetched, Failure<E>>> + Send,
    {
        let key = &flight.request.key;
        let mut waits_lost = 0;
        let error = loop {
            match dedupe.register_or_join(key, flight.request.priority).await {
                Err(error) => break error,
                Ok(Registration::Owner(owner)) => {
                    // The previous owner may have filled the cache after this caller looked.
                    match self.look_up(flight.request, started).await {
                        Found::Fresh(record) => {
                            flight.settle_unshared(dedupe, owner).await;
                            return Ok(record.into_answer(Outcome::Hit));
                        }
                        Found::Refused(refusal) => {
                            flight.settle_unshared(dedupe, owner).await;
                            return Err(refused(&refusal));
                        }
                        Found::Stale(..) | Found::Nothing(_) => {}
                    }
                    return flight.fetch(Some((dedupe, owner)), fetch).await;
                }
                Ok(Registration::Joined(job)) => {
                    let left = flight.deadline.since(self.inner.clock.now());
                    match self.join(dedupe, key, &job, left).await {
                        Wait::Ended(ended) => {
                            return ended.map(|record| record.into_answer(Outcome::Joined));
                        }
                        Wait::Register => {}
                        // The owner is still at work, so the wait is worth another try or two.
                        Wait::Lost(error)
                            if error.is_retryable() && waits_lost < self.inner.max_retries =>
                        {
                            warn!(%key, %error, "waiting for a shared answer again");
                            waits_lost += 1;
                        }
                        Wait::Lost(error) => break error,
                    }
                }
            }
        };
        warn!(%key, %error, "sending without de-duplication");
        flight.fetch(None, fetch).await
    }

    /// Waits for a joined job.
    async fn join<E: SharedError>(
        &self,
        dedupe: &dyn DedupeStore,
        key: &Key,
        job: &JobId,
        left: Duration,
    ) -> Wait<E> {
        match dedupe.wait_for(key, job, left).await {
            Ok(JobOutcome::Value(bytes)) => match StoredAnswer::decode(&bytes) {
                Ok(record) => Wait::Ended(Ok(record)),
                Err(error) => {
                    warn!(%key, %error, "a shared answer cannot be read");
                    Wait::Register
                }
            },
            Ok(JobOutcome::NotShared) => {
                let now = self.inner.clock.now();
                match self.read_cache(key).await {
                    Found::Fresh(record) | Found::Stale(record, _) if record.fresh_until > now => {
                        Wait::Ended(Ok(record))
                    }
                    Found::Refused(refusal) => Wait::Ended(Err(refused(&refusal))),
                    Found::Fresh(_) | Found::Stale(..) | Found::Nothing(_) => Wait::Register,
                }
            }
            Ok(JobOutcome::OwnerFailed(shared)) => {
                Wait::Ended(Err(PipelineError::Fetch(E::from_shared(&shared))))
            }
            Ok(JobOutcome::Lapsed) => Wait::Register,
            Ok(JobOutcome::TimedOut) => Wait::Ended(Err(PipelineError::TimedOut)),
            Err(error) => Wait::Lost(error),
        }
    }

    /// What the cache holds, as far as `request` may use it. A forced refresh takes only what was
    /// fetched after it began.
    async fn look_up(&self, request: &Request, started: Timestamp) -> Found {
        let found = self.read_cache(&request.key).await;
        match (found, request.cache) {
            (Found::Fresh(record), CacheUse::Refresh) if record.fetched_at <= started => {
                let token = self.fill_token().await;
                Found::Stale(record, token)
            }
            (Found::Refused(refusal), CacheUse::Refresh) if refusal.refused_at <= started => {
                Found::Nothing(self.fill_token().await)
            }
            (found, CacheUse::Read | CacheUse::Refresh) => found,
        }
    }

    async fn read_cache(&self, key: &Key) -> Found {
        let Some(cache) = &self.inner.cache else {
            return Found::Nothing(None);
        };
        match cache.get(key).await {
            Ok(Lookup::Hit(entry)) => match StoredAnswer::decode(&entry.value) {
                Ok(record) if record.fresh_until > self.inner.clock.now() => Found::Fresh(record),
                Ok(record) => Found::Stale(record, self.fill_token().await),
                Err(error) => {
                    if let Some(refusal) = StoredRefusal::decode(&entry.value) {
                        return if refusal.until > self.inner.clock.now() {
                            Found::Refused(refusal)
                        } else {
                            Found::Nothing(self.fill_token().await)
                        };
                    }
                    warn!(%key, %error, "a cached answer cannot be read");
                    Found::Nothing(self.fill_token().await)
                }
            },
            Ok(Lookup::Miss(token)) => Found::Nothing(Some(token)),
            Err(error) => {
                warn!(%key, %error, "going on without the cache");
                Found::Nothing(None)
            }
        }
    }

    async fn fill_token(&self) -> Option<FillToken> {
        let cache = self.inner.cache.as_ref()?;
        cache.fill_token().await.ok()
    }
}

fn refused<E: SharedError>(refusal: &StoredRefusal) -> PipelineError<E> {
    PipelineError::Fetch(E::from_shared(&refusal.text))
}

/// What came of waiting for a job that was joined.
enum Wait<E> {
    /// It ended.
    Ended(Result<StoredAnswer, PipelineError<E>>),
    /// Its owner is gone or left nothing behind: the caller is to register again.
    Register,
    /// The store failed, so nobody knows.
    Lost(Error),
}

/// What the cache holds.
enum Found {
    Fresh(StoredAnswer),
    /// What was asked for is known not to be there.
    Refused(StoredRefusal),
    Stale(StoredAnswer, Option<FillToken>),
    Nothing(Option<FillToken>),
}
