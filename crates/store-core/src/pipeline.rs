//! The pipeline that an application calls: cache, join, limit, fetch.
//!
//! - A fresh answer in the cache is returned without a permit and a request, cooldown or not.
//! - Otherwise one caller owns the request and the others join it; a new owner looks into the cache
//!   again, because the previous one may just have filled it.
//! - Every attempt on the wire takes a permit of its own before anything is sent.
//! - A failure is not cached, unless it says for how long.
//! - A failing cache or de-duplication costs a fetch, and a wait that fails briefly not even that; a
//!   failing limiter denies, because sending without one gets keys banned.

mod answer;
mod builder;
mod failure;
mod inner;
mod probe;
mod request;
mod run;
mod stats;
#[cfg(feature = "tower")]
pub mod tower;

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tracing::{debug, warn};

pub use crate::codec::record::StoredAnswer;
pub use answer::{Answer, CachePolicy, Fetched, Outcome};
pub use builder::PipelineBuilder;
pub use failure::{Failure, PipelineError, Retry, SharedError};
pub use request::{CacheMode, Request};
pub use stats::PipelineStats;

use crate::backend::Deadline;
use crate::cache::{CacheStore, FillToken, Lookup};
use crate::clock::Clock;
use crate::codec::record::StoredFailure;
use crate::dedupe::{DedupeStore, JobId, JobOutcome, Registration};
use crate::error::{Error, ErrorKind};
use crate::key::Key;
use crate::limiter::RateLimiter;
use crate::rate_limit::RateLimitStore;
use crate::stores::Stores;
use crate::time::Timestamp;
use crate::wait::{ObservedWait, WaitReason};

use inner::Inner;
use run::Run;

/// Cache, de-duplication and rate limiting in the order that makes them safe. Clones share it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::pipeline::{Failure, Fetched, Outcome, Pipeline, Request};
/// use store_core::{HOUR, Key, Resource};
///
/// let pipeline = Pipeline::new(store_memory::stores());
/// let issues = Resource::new("issues")?;
/// let request = Request::new(Key::new("comics:issue/4000-1")?, &issues);
/// let answer = pipeline
///     .run(request, async |_attempt| {
///         Ok::<_, Failure>(Fetched::new("{}").fresh_for(HOUR))
///     })
///     .await?;
/// assert_eq!(answer.outcome, Outcome::Fetched);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline {
    inner: Arc<Inner>,
}

impl Pipeline {
    /// A pipeline over `stores` with default options.
    #[must_use]
    pub fn new(stores: Stores) -> Self {
        Self::builder(stores).build()
    }

    /// A builder of a pipeline over `stores`.
    #[must_use]
    pub fn builder(stores: Stores) -> PipelineBuilder {
        PipelineBuilder::new(stores)
    }

    /// The store of the limiter, if there is one.
    #[must_use]
    pub fn rate_limit(&self) -> Option<&Arc<dyn RateLimitStore>> {
        self.inner.limiter.as_ref().map(RateLimiter::store)
    }

    /// The cache, if there is one.
    #[must_use]
    pub fn cache(&self) -> Option<&Arc<dyn CacheStore>> {
        self.inner.cache.as_ref()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Counters of this pipeline since it was made.
    #[must_use]
    pub fn stats(&self) -> PipelineStats {
        self.inner.counters.read()
    }

    /// Answers one request.
    ///
    /// `fetch` is called with the attempt's number, from zero, once per attempt on the wire and only
    /// with a permit; it must send at most one request per call.
    ///
    /// # Cancel safety
    /// A dropped call abandons its job, which another caller takes over at once; a permit that it was
    /// granted is used.
    ///
    /// # Errors
    /// [`PipelineError`]: the fetch failed (here or at the owner that was joined) and nothing stale
    /// is cached, or no permit could be had in time.
    pub async fn run<E, F, R>(&self, request: Request, fetch: F) -> Result<Answer, PipelineError<E>>
    where
        E: SharedError,
        F: Fn(u32) -> R + Send + Sync,
        R: Future<Output = Result<Fetched, Failure<E>>> + Send,
    {
        let counters = &self.inner.counters;
        counters.requested();
        let started = self.inner.clock.now();
        let deadline = Deadline::after(request.max_wait, &*self.inner.clock);
        let cached = self.look_up(&request, started).await;
        let (stale, token) = match cached {
            Cached::Fresh(record) => {
                return Ok(counters.answered(record.into_answer(Outcome::Hit)));
            }
            Cached::Failed(failure) => {
                let error = cached_failure(&failure);
                counters.failed(&error);
                return Err(error);
            }
            Cached::Stale(record, token) => (Some(record), token),
            Cached::Nothing(token) => (None, token),
        };
        let run = Run {
            inner: &self.inner,
            request: &request,
            deadline,
            token,
        };
        let mut wait = ObservedWait::new(self.inner.on_wait.as_ref(), request.claims());
        let result = match &self.inner.dedupe {
            Some(dedupe) => {
                self.share(&**dedupe, &run, started, &mut wait, &fetch)
                    .await
            }
            None => run.fetch(&mut wait, &fetch).await,
        };
        match (result, stale) {
            (Ok(answer), _) => Ok(counters.answered(answer)),
            (Err(error), Some(record)) if error.allows_stale() => {
                debug!(key = %request.key, "answered with a stale answer: {error}");
                Ok(counters.answered(record.into_answer(Outcome::Stale)))
            }
            (Err(error), _) => {
                counters.failed(&error);
                Err(error)
            }
        }
    }

    /// The cached answer to the requests with this key, fresh ([`Outcome::Hit`]) or stale
    /// ([`Outcome::Stale`]); `None` if there is none. Sends nothing and waits for nobody.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use store_core::pipeline::{Failure, Fetched, Outcome, Pipeline, Request};
    /// use store_core::{HOUR, Key};
    ///
    /// let pipeline = Pipeline::new(store_memory::stores());
    /// let key = Key::new("comics:issue/4000-1")?;
    /// assert!(pipeline.cached::<String>(&key).await?.is_none());
    ///
    /// let fetch = async |_attempt| Ok::<_, Failure<String>>(Fetched::new("{}").fresh_for(HOUR));
    /// pipeline.run(Request::unlimited(key.clone()), fetch).await?;
    /// let cached = pipeline.cached::<String>(&key).await?.expect("cached");
    /// assert_eq!(cached.outcome, Outcome::Hit);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PipelineError::Fetch`] with a cached failure.
    pub async fn cached<E: SharedError>(
        &self,
        key: &Key,
    ) -> Result<Option<Answer>, PipelineError<E>> {
        let counters = &self.inner.counters;
        counters.requested();
        let (record, outcome) = match self.read_cache(key).await {
            Cached::Fresh(record) => (record, Outcome::Hit),
            Cached::Stale(record, _) => (record, Outcome::Stale),
            Cached::Nothing(_) => return Ok(None),
            Cached::Failed(failure) => {
                let error = cached_failure(&failure);
                counters.failed(&error);
                return Err(error);
            }
        };
        Ok(Some(counters.answered(record.into_answer(outcome))))
    }

    /// Answers one request with a JSON answer, decoded as `T`.
    ///
    /// A cached answer that does not decode is a miss: it is fetched again and replaced.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use store_core::pipeline::{Failure, Fetched, Pipeline, Request};
    /// use store_core::{HOUR, Key, Resource};
    ///
    /// let pipeline = Pipeline::new(store_memory::stores());
    /// let request = Request::new(Key::new("comics:issue/4000-1")?, &Resource::new("issues")?);
    /// let answer = pipeline
    ///     .run_json::<Vec<u32>, _, _, _>(request, async |_attempt| {
    ///         Ok::<_, Failure>(Fetched::json(&[1, 2, 3])?.fresh_for(HOUR))
    ///     })
    ///     .await?;
    /// assert_eq!(answer.body, [1, 2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PipelineError`], as for [`run`](Self::run), and [`PipelineError::Decode`] if a new answer does not decode.
    pub async fn run_json<T, E, F, R>(
        &self,
        request: Request,
        fetch: F,
    ) -> Result<Answer<T>, PipelineError<E>>
    where
        T: DeserializeOwned + Send,
        E: SharedError,
        F: Fn(u32) -> R + Send + Sync,
        R: Future<Output = Result<Fetched, Failure<E>>> + Send,
    {
        let answer = self.run(request.clone(), &fetch).await?;
        match decode_json(&answer.body) {
            Ok(body) => Ok(answer.with_body(body)),
            Err(error) if answer.outcome != Outcome::Fetched => {
                warn!(key = %request.key, %error, "fetching again what does not decode");
                let again = request.with_cache_mode(CacheMode::Refresh);
                let answer = self.run(again, &fetch).await?;
                let body = decode_json(&answer.body).map_err(PipelineError::Decode)?;
                Ok(answer.with_body(body))
            }
            Err(error) => Err(PipelineError::Decode(error)),
        }
    }

    /// Joins the request in flight, or becomes its owner and sends it.
    async fn share<E, F, R>(
        &self,
        dedupe: &dyn DedupeStore,
        run: &Run<'_>,
        started: Timestamp,
        wait: &mut ObservedWait<'_>,
        fetch: &F,
    ) -> Result<Answer, PipelineError<E>>
    where
        E: SharedError,
        F: Fn(u32) -> R + Send + Sync,
        R: Future<Output = Result<Fetched, Failure<E>>> + Send,
    {
        let key = &run.request.key;
        let mut failed_waits = 0;
        let error = loop {
            let job_key = match self.job_key(key) {
                Ok(key) => key,
                Err(error) => break error,
            };
            match dedupe
                .register_or_join(&job_key, run.request.priority)
                .await
            {
                Err(error) => break error,
                Ok(Registration::Owner(owner)) => {
                    // The previous owner may have filled the cache after this caller looked.
                    match self.look_up(run.request, started).await {
                        Cached::Fresh(record) => {
                            run.end_from_cache(dedupe, owner).await;
                            return Ok(record.into_answer(Outcome::Hit));
                        }
                        Cached::Failed(failure) => {
                            run.end_from_cache(dedupe, owner).await;
                            return Err(cached_failure(&failure));
                        }
                        Cached::Stale(..) | Cached::Nothing(_) => {}
                    }
                    return run.fetch_as_owner(dedupe, owner, wait, fetch).await;
                }
                Ok(Registration::Joined(job)) => {
                    wait.tell(None, WaitReason::Joined);
                    let clock = &*self.inner.clock;
                    let left = run.deadline.left(clock);
                    match self.join::<E>(dedupe, key, (&job_key, &job), left).await {
                        // Fetched before a forced refresh began: its owner is done, so another begins.
                        Wait::Ended(Ok(record))
                            if run.request.cache_mode == CacheMode::Refresh
                                && record.fetched_at < started => {}
                        // The owner gave up at its own deadline; this caller may wait longer.
                        Wait::Ended(Err(PipelineError::Fetch(error)))
                            if error
                                .retry_at()
                                .is_some_and(|at| !run.deadline.is_before(at, clock))
                                && !run.deadline.is_over(clock) => {}
                        Wait::Ended(ended) => {
                            return ended.map(|record| record.into_answer(Outcome::Joined));
                        }
                        Wait::Register => {}
                        // The owner is still at work, so the wait is worth another try or two.
                        Wait::Failed(error)
                            if error.is_retryable() && failed_waits < self.inner.max_retries =>
                        {
                            warn!(%key, %error, "waiting for a shared answer again");
                            failed_waits += 1;
                        }
                        Wait::Failed(error) => break error,
                    }
                }
            }
        };
        warn!(%key, %error, "sending without de-duplication");
        run.fetch(wait, fetch).await
    }

    /// The key of the job that fetches `key`: what shares a de-duplication may be parts of one cache, with the same keys.
    fn job_key(&self, key: &Key) -> Result<Key, Error> {
        match &self.inner.cache {
            Some(cache) => cache.stored_key(key),
            None => Ok(key.clone()),
        }
    }

    /// Waits for a joined job.
    async fn join<E: SharedError>(
        &self,
        dedupe: &dyn DedupeStore,
        key: &Key,
        (job_key, job): (&Key, &JobId),
        left: Duration,
    ) -> Wait<E> {
        match dedupe.wait_for(job_key, job, left).await {
            Ok(JobOutcome::Value(bytes)) => match StoredAnswer::decode(&bytes) {
                Ok(record) => Wait::Ended(Ok(record)),
                Err(error) => {
                    warn!(%key, %error, "a shared answer cannot be decoded");
                    Wait::Register
                }
            },
            Ok(JobOutcome::NotShared) => {
                let now = self.inner.clock.now();
                match self.read_cache(key).await {
                    Cached::Fresh(record) | Cached::Stale(record, _) if record.is_fresh(now) => {
                        Wait::Ended(Ok(record))
                    }
                    Cached::Failed(failure) => Wait::Ended(Err(cached_failure(&failure))),
                    Cached::Fresh(_) | Cached::Stale(..) | Cached::Nothing(_) => Wait::Register,
                }
            }
            Ok(JobOutcome::OwnerFailed(shared)) => {
                Wait::Ended(Err(PipelineError::Fetch(E::from_shared(&shared))))
            }
            Ok(JobOutcome::Lapsed) => Wait::Register,
            Ok(JobOutcome::TimedOut) => Wait::Ended(Err(PipelineError::TimedOut)),
            Err(error) => Wait::Failed(error),
        }
    }

    /// The cached answer, if `request` may use it: a forced refresh takes only an answer that was
    /// fetched after it began.
    async fn look_up(&self, request: &Request, started: Timestamp) -> Cached {
        let cached = self.read_cache(&request.key).await;
        match (cached, request.cache_mode) {
            (Cached::Fresh(record), CacheMode::Refresh) if record.fetched_at <= started => {
                let token = self.fill_token().await;
                Cached::Stale(record, token)
            }
            (Cached::Failed(failure), CacheMode::Refresh) if failure.failed_at <= started => {
                Cached::Nothing(self.fill_token().await)
            }
            (cached, CacheMode::Use | CacheMode::Refresh) => cached,
        }
    }

    async fn read_cache(&self, key: &Key) -> Cached {
        let Some(cache) = &self.inner.cache else {
            return Cached::Nothing(None);
        };
        match cache.get(key).await {
            Ok(Lookup::Hit(entry)) => match StoredAnswer::decode(&entry.value) {
                Ok(record) if record.is_fresh(self.inner.clock.now()) => Cached::Fresh(record),
                Ok(record) => Cached::Stale(record, self.fill_token().await),
                Err(error) => {
                    if let Some(failure) = StoredFailure::decode(&entry.value) {
                        return if failure.is_fresh(self.inner.clock.now()) {
                            Cached::Failed(failure)
                        } else {
                            Cached::Nothing(self.fill_token().await)
                        };
                    }
                    warn!(%key, %error, "a cached answer cannot be decoded");
                    Cached::Nothing(self.fill_token().await)
                }
            },
            Ok(Lookup::Miss(token)) => Cached::Nothing(Some(token)),
            Err(error) => {
                warn!(%key, %error, "going on without the cache");
                Cached::Nothing(None)
            }
        }
    }

    async fn fill_token(&self) -> Option<FillToken> {
        let cache = self.inner.cache.as_ref()?;
        cache.fill_token().await.ok()
    }
}

fn decode_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body)
        .map_err(|source| Error::new(ErrorKind::Codec, "json", "decode").with_source(source))
}

fn cached_failure<E: SharedError>(failure: &StoredFailure) -> PipelineError<E> {
    PipelineError::Fetch(E::from_shared(&failure.error))
}

/// The result of waiting for a job that was joined.
enum Wait<E> {
    /// It ended.
    Ended(Result<StoredAnswer, PipelineError<E>>),
    /// Its owner is gone or shared nothing: the caller is to register again.
    Register,
    /// The store failed.
    Failed(Error),
}

/// The result of a cache lookup.
enum Cached {
    Fresh(StoredAnswer),
    /// A cached failure, still fresh.
    Failed(StoredFailure),
    Stale(StoredAnswer, Option<FillToken>),
    Nothing(Option<FillToken>),
}
