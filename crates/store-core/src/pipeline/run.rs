//! One request that is sent: its permits, its attempts, and its stored answer.

use std::time::Duration;

use tokio::sync::watch;
use tracing::{debug, warn};

use super::answer::{Answer, CachePolicy, Fetched, Outcome};
use super::failure::{Failure, PipelineError, Retry, SharedError};
use super::inner::Inner;
use super::probe::Probe;
use super::request::Request;
use crate::backend::Deadline;
use crate::cache::{FillToken, NewEntry, SetOutcome};
use crate::codec::record::{StoredAnswer, StoredFailure};
use crate::dedupe::{DedupeStore, JobEnd, JobResult, Ownership, end_job, hold_lease};
use crate::error::{Error, ErrorKind};
use crate::priority::Priority;
use crate::rate_limit::{Acquire, Decision, Permit, Reason};
use crate::resource::Resource;
use crate::time::Timestamp;
use crate::ttl::Ttl;
use crate::wait::{ObservedWait, WaitReason};

pub(super) struct Run<'a> {
    pub(super) inner: &'a Inner,
    pub(super) request: &'a Request,
    pub(super) deadline: Deadline,
    /// The cache's token for the fill, if there is a cache that works.
    pub(super) token: Option<FillToken>,
}

impl Run<'_> {
    /// Sends the request without a job, for this caller alone.
    pub(super) async fn fetch<E, F, R>(
        &self,
        wait: &mut ObservedWait<'_>,
        fetch: &F,
    ) -> Result<Answer, PipelineError<E>>
    where
        E: SharedError,
        F: Fn(u32) -> R + Send + Sync,
        R: Future<Output = Result<Fetched, Failure<E>>> + Send,
    {
        let (fetched, asked_at) = self.attempts(None, wait, fetch).await?;
        let (record, _) = self.store_answer(fetched, asked_at).await;
        Ok(record.into_answer(Outcome::Fetched))
    }

    /// Sends the request as the owner of its job, and shares the result.
    pub(super) async fn fetch_as_owner<E, F, R>(
        &self,
        dedupe: &dyn DedupeStore,
        mut owner: Ownership,
        wait: &mut ObservedWait<'_>,
        fetch: &F,
    ) -> Result<Answer, PipelineError<E>>
    where
        E: SharedError,
        F: Fn(u32) -> R + Send + Sync,
        R: Future<Output = Result<Fetched, Failure<E>>> + Send,
    {
        let work = async {
            let priority = Some(owner.priority());
            let (fetched, asked_at) = self.attempts(priority, wait, fetch).await?;
            Ok(self.store_answer(fetched, asked_at).await)
        };
        let result = hold_lease(dedupe, &*self.inner.clock, &owner, work).await;
        match result {
            Ok((record, location)) => {
                let shared = match location {
                    Location::Cache => JobResult::NotShared,
                    Location::Nowhere => record
                        .encode()
                        .map_or(JobResult::NotShared, JobResult::Value),
                };
                self.end(dedupe, &mut owner, JobEnd::Completed(shared))
                    .await;
                Ok(record.into_answer(Outcome::Fetched))
            }
            Err(PipelineError::Fetch(error)) => {
                self.end(dedupe, &mut owner, JobEnd::Failed(error.to_shared()))
                    .await;
                Err(PipelineError::Fetch(error))
            }
            // Those who joined have deadlines of their own: dropping the ownership lets one of them
            // take over.
            Err(error) => Err(error),
        }
    }

    /// Ends a job whose answer was in the cache already.
    pub(super) async fn end_from_cache(&self, dedupe: &dyn DedupeStore, mut owner: Ownership) {
        let end = JobEnd::Completed(JobResult::NotShared);
        self.end(dedupe, &mut owner, end).await;
    }

    async fn end(&self, dedupe: &dyn DedupeStore, owner: &mut Ownership, end: JobEnd) {
        if let Err(error) = end_job(dedupe, &*self.inner.clock, owner, &end).await {
            warn!(key = %self.request.key, %error, "those who joined must ask again");
        }
    }

    /// What an attempt fetched, and when that attempt began.
    async fn attempts<E, F, R>(
        &self,
        priority: Option<watch::Receiver<Priority>>,
        wait: &mut ObservedWait<'_>,
        fetch: &F,
    ) -> Result<(Fetched, Timestamp), PipelineError<E>>
    where
        E: SharedError,
        F: Fn(u32) -> R + Send + Sync,
        R: Future<Output = Result<Fetched, Failure<E>>> + Send,
    {
        let clock = &self.inner.clock;
        let (mut attempt, mut retries) = (0, 0);
        loop {
            let permit = self.permit(priority.clone(), wait).await?;
            let Some(mut probe) = self.probe(permit.as_ref()).await else {
                if let Some(permit) = permit {
                    permit.give_back();
                }
                continue;
            };
            wait.end();
            self.inner.counters.attempted();
            let asked_at = clock.now();
            let failure = match probe.hold(fetch(attempt)).await {
                Ok(fetched) => {
                    probe.succeed().await;
                    return Ok((fetched, asked_at));
                }
                Err(failure) => failure,
            };
            probe.fail(&failure).await;
            if let Some(permit) = permit
                && failure.nothing_sent
            {
                permit.give_back();
            }
            self.cool_down(&failure.cooldowns).await;
            let longest = failure
                .cooldowns
                .iter()
                .max_by_key(|(_, duration)| duration);
            let (pause, reason) = match failure.retry {
                Retry::After(pause) if retries < self.inner.max_retries => {
                    retries += 1;
                    (pause, WaitReason::Retry)
                }
                // The cooldown holds here, too, if the store could not take it.
                Retry::AfterCooldowns => longest.map_or_else(
                    || (Duration::ZERO, WaitReason::Retry),
                    |(resource, duration)| {
                        let cooldown = Reason::Cooldown(resource.clone());
                        (*duration, WaitReason::Denied(cooldown))
                    },
                ),
                Retry::After(_) | Retry::Never => {
                    self.store_failure(&failure).await;
                    return Err(PipelineError::Fetch(failure.error));
                }
            };
            if pause > self.deadline.left(&**clock) {
                return Err(PipelineError::Fetch(failure.error));
            }
            wait.tell(Some(clock.now() + pause), reason);
            clock.sleep(pause).await;
            attempt += 1;
        }
    }

    /// A permit for one attempt; `None` for an unlimited request.
    async fn permit<E>(
        &self,
        priority: Option<watch::Receiver<Priority>>,
        wait: &mut ObservedWait<'_>,
    ) -> Result<Option<Permit>, PipelineError<E>> {
        let mut claims = self.request.claims().iter().cloned();
        let Some(first) = claims.next() else {
            return Ok(None);
        };
        let Some(limiter) = &self.inner.limiter else {
            return Err(PipelineError::Limiter(no_limiter(first.resource.as_str())));
        };
        let mut acquire = Acquire::of(first).priority(self.request.priority);
        acquire.claims.extend(claims);
        let began = self.inner.clock.monotonic();
        let asked = limiter
            .acquire_until(acquire.clone(), self.deadline, priority.clone(), wait)
            .await;
        let decision = match (asked, &self.inner.fallback_limiter) {
            (Err(error), Some(fallback)) => {
                warn!(%error, "the fallback limiter replaces the rate limiter");
                let asked = fallback
                    .acquire_until(acquire, self.deadline, priority, wait)
                    .await;
                asked.map(without_lapsed)
            }
            (asked, _) => asked,
        };
        match decision {
            Ok(Decision::Granted(permit)) => {
                if self.inner.clock.monotonic().saturating_sub(began) >= MIN_WAIT {
                    self.inner.counters.waited();
                }
                Ok(Some(permit))
            }
            Ok(Decision::Denied { retry_at, reason }) => {
                Err(PipelineError::Denied { retry_at, reason })
            }
            Err(error) => Err(PipelineError::Limiter(error)),
        }
    }

    /// The probe that the permit calls for; `None` if somebody else probes: then nothing may be sent.
    async fn probe(&self, permit: Option<&Permit>) -> Option<Probe<'_>> {
        let clock = &*self.inner.clock;
        match (&self.inner.limiter, permit) {
            (Some(limiter), Some(permit)) => Probe::begin(&**limiter.store(), clock, permit).await,
            _ => Some(Probe::none(clock)),
        }
    }

    async fn cool_down(&self, cooldowns: &[(Resource, Duration)]) {
        let Some(limiter) = &self.inner.limiter else {
            return;
        };
        for (resource, duration) in cooldowns {
            let until = self.inner.clock.now() + *duration;
            match limiter.store().set_cooldown(resource, until).await {
                Ok(until) => {
                    self.inner.counters.cooled_down();
                    debug!(%resource, %until, "cooling down");
                }
                Err(error) => warn!(%resource, %error, "a cooldown is not stored"),
            }
        }
    }

    async fn store_failure<E: SharedError>(&self, failure: &Failure<E>) {
        let Some(cache) = self.inner.cache.as_ref() else {
            return;
        };
        if failure.cache_for.is_zero() {
            return;
        }
        let now = self.inner.clock.now();
        let record = StoredFailure {
            failed_at: now,
            fresh_until: now + failure.cache_for,
            error: failure.error.to_shared(),
        };
        let stored = async {
            let mut entry = NewEntry::unconditional(self.request.key.clone(), record.encode()?)
                .with_ttl(Ttl::After(failure.cache_for));
            entry.token = self.token;
            cache.set(entry).await
        };
        if let Err(error) = stored.await {
            warn!(key = %self.request.key, %error, "not cached");
        }
    }

    async fn store_answer(
        &self,
        fetched: Fetched,
        asked_at: Timestamp,
    ) -> (StoredAnswer, Location) {
        let now = self.inner.clock.now();
        let (fresh_for, stale_for) = match fetched.cache {
            CachePolicy::Store {
                fresh_for,
                stale_for,
            } => (fresh_for, stale_for),
            CachePolicy::NoStore => (Duration::ZERO, Duration::ZERO),
        };
        let record = StoredAnswer {
            fetched_at: asked_at,
            fresh_until: now + fresh_for,
            body: fetched.body,
        };
        let lifetime = fresh_for.saturating_add(stale_for);
        let Some(cache) = self.inner.cache.as_ref().filter(|_| !lifetime.is_zero()) else {
            return (record, Location::Nowhere);
        };
        let stored = async {
            let mut entry = NewEntry::unconditional(self.request.key.clone(), record.encode()?)
                .with_ttl(Ttl::After(lifetime))
                .with_tags(fetched.tags);
            entry.token = self.token;
            cache.set(entry).await
        };
        let location = match stored.await {
            // Joiners use fresh answers only.
            Ok(SetOutcome::Stored) if fresh_for.is_zero() => Location::Nowhere,
            Ok(SetOutcome::Stored) => Location::Cache,
            Ok(SetOutcome::Outdated) => {
                debug!(key = %self.request.key, "invalidated while it was fetched: not cached");
                Location::Nowhere
            }
            Err(error) => {
                warn!(key = %self.request.key, %error, "not cached");
                Location::Nowhere
            }
        };
        (record, location)
    }
}

/// A permit of another store than the one that cooldowns are kept in.
fn without_lapsed(decision: Decision) -> Decision {
    match decision {
        Decision::Granted(mut permit) => {
            permit.set_lapsed_cooldowns(Vec::new());
            Decision::Granted(permit)
        }
        denied @ Decision::Denied { .. } => denied,
    }
}

fn no_limiter(resource: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, "pipeline", "acquire")
        .with_key(resource)
        .with_detail(
            "the request counts against a limit, but the pipeline has no rate limiter; \
             give it one, or make the request with Request::unlimited",
        )
}

/// Where those who joined find an answer.
enum Location {
    Cache,
    Nowhere,
}

/// A wait shorter than this is the store's own latency.
const MIN_WAIT: Duration = Duration::from_millis(2);
