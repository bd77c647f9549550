//! One request on its way: permits, attempts, and what is left behind for others.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use crate::cache::{FillToken, NewEntry, SetOutcome};
use crate::codec::record::{StoredAnswer, StoredRefusal};
use crate::dedupe::{DedupeStore, Heartbeat, JobResult, Ownership};
use crate::pipeline::{
    Answer, Failure, Fetched, Inner, Keep, Outcome, PipelineError, Request, Retry, SharedError,
};
use crate::priority::Priority;
use crate::rate_limit::{Acquire, Decision, Permit};
use crate::resource::Resource;
use crate::time::Timestamp;
use crate::ttl::Ttl;

pub(super) struct Flight<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) request: &'a Request,
    pub(super) deadline: Timestamp,
    /// When the fill began, as the cache counts.
    pub(super) token: Option<FillToken>,
}

impl Flight<'_> {
    /// Sends the request, as the owner of its job if there is de-duplication, and shares the end.
    pub(super) async fn fetch<E, F, R>(
        &self,
        job: Option<(&dyn DedupeStore, Ownership)>,
        fetch: &F,
    ) -> Result<Answer, PipelineError<E>>
    where
        E: SharedError,
        F: Fn(u32) -> R + Send + Sync,
        R: Future<Output = Result<Fetched, Failure<E>>> + Send,
    {
        let Some((dedupe, owner)) = job else {
            let fetched = self.attempts(None, fetch).await?;
            let (record, _) = self.keep(fetched).await;
            return Ok(record.into_answer(Outcome::Fetched));
        };
        let heartbeats = Heartbeats::start(self.inner, &owner);
        match self.attempts(Some(owner.demand()), fetch).await {
            Ok(fetched) => {
                let (record, kept) = self.keep(fetched).await;
                let result = match kept {
                    Kept::InCache => JobResult::NotShared,
                    Kept::Nowhere => record
                        .encode()
                        .map_or(JobResult::NotShared, JobResult::Value),
                };
                if let Err(error) = dedupe.complete(owner, result).await {
                    warn!(key = %self.request.key, %error, "those who joined must ask again");
                }
                drop(heartbeats);
                Ok(record.into_answer(Outcome::Fetched))
            }
            Err(PipelineError::Fetch(error)) => {
                if let Err(error) = dedupe.fail(owner, &error.to_shared()).await {
                    warn!(key = %self.request.key, %error, "those who joined must ask again");
                }
                Err(PipelineError::Fetch(error))
            }
            // Those who joined have deadlines of their own: dropping the ownership lets one of them
            // take over.
            Err(
                refused @ (PipelineError::Denied { .. }
                | PipelineError::TimedOut
                | PipelineError::Limiter(_)),
            ) => Err(refused),
        }
    }

    /// Ends a job that turned out to be done: the answer is in the cache.
    pub(super) async fn settle_unshared(&self, dedupe: &dyn DedupeStore, owner: Ownership) {
        if let Err(error) = dedupe.complete(owner, JobResult::NotShared).await {
            warn!(key = %self.request.key, %error, "those who joined must ask again");
        }
    }

    async fn attempts<E, F, R>(
        &self,
        demand: Option<watch::Receiver<Priority>>,
        fetch: &F,
    ) -> Result<Fetched, PipelineError<E>>
    where
        E: SharedError,
        F: Fn(u32) -> R + Send + Sync,
        R: Future<Output = Result<Fetched, Failure<E>>> + Send,
    {
        let clock = &self.inner.clock;
        let mut attempt = 0;
        loop {
            let permit = SentPermit(self.permit(demand.clone()).await?);
            self.inner.counters.attempted();
            let failure = match fetch(attempt).await {
                Ok(fetched) => return Ok(fetched),
                Err(failure) => failure,
            };
            if failure.nothing_sent {
                permit.give_back();
            } else {
                drop(permit);
            }
            self.cool_down(&failure.cooldowns).await;
            let resume_at = match failure.retry {
                Retry::After(wait) if attempt < self.inner.max_retries => clock.now() + wait,
                Retry::After(_) | Retry::Never => {
                    self.keep_refusal(&failure).await;
                    return Err(PipelineError::Fetch(failure.error));
                }
            };
            if resume_at > self.deadline {
                return Err(PipelineError::Fetch(failure.error));
            }
            clock.sleep_until(resume_at).await;
            attempt += 1;
        }
    }

    async fn permit<E>(
        &self,
        demand: Option<watch::Receiver<Priority>>,
    ) -> Result<Option<Permit>, PipelineError<E>> {
        let mut claims = self.request.claims.iter().cloned();
        let (Some(budget), Some(first)) = (&self.inner.shared_budget, claims.next()) else {
            return Ok(None);
        };
        let mut acquire = Acquire::of(first).priority(self.request.priority);
        acquire.claims.extend(claims);
        let began = self.inner.clock.monotonic();
        let asked = budget
            .acquire_wait(acquire.clone(), self.deadline, demand.clone())
            .await;
        let decision = match (asked, &self.inner.local_budget) {
            (Err(error), Some(local)) => {
                warn!(%error, "the local budget stands in for the rate limiter");
                local.acquire_wait(acquire, self.deadline, demand).await
            }
            (asked, _) => asked,
        };
        match decision {
            Ok(Decision::Granted(permit)) => {
                if self.inner.clock.monotonic().saturating_sub(began) >= NOTICEABLE {
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

    async fn cool_down(&self, cooldowns: &[(Resource, Duration)]) {
        let Some(budget) = &self.inner.shared_budget else {
            return;
        };
        for (resource, duration) in cooldowns {
            let until = self.inner.clock.now() + *duration;
            match budget.store().set_cooldown(resource, until).await {
                Ok(until) => {
                    self.inner.counters.cooled_down();
                    debug!(%resource, %until, "cooling down");
                }
                Err(error) => warn!(%resource, %error, "a cooldown is lost"),
            }
        }
    }

    async fn keep_refusal<E: SharedError>(&self, failure: &Failure<E>) {
        let Some(cache) = self.inner.cache.as_ref() else {
            return;
        };
        if failure.keep.is_zero() {
            return;
        }
        let now = self.inner.clock.now();
        let refusal = StoredRefusal {
            refused_at: now,
            until: now + failure.keep,
            text: failure.error.to_shared(),
        };
        let stored = async {
            let mut entry = NewEntry::new(self.request.key.clone(), refusal.encode()?)
                .with_ttl(Ttl::After(failure.keep));
            entry.token = self.token;
            cache.set(entry).await
        };
        if let Err(error) = stored.await {
            warn!(key = %self.request.key, %error, "not kept");
        }
    }

    async fn keep(&self, fetched: Fetched) -> (StoredAnswer, Kept) {
        let now = self.inner.clock.now();
        let (fresh, stale) = match fetched.keep {
            Keep::For { fresh, stale } => (fresh, stale),
            Keep::No => (Duration::ZERO, Duration::ZERO),
        };
        let record = StoredAnswer {
            fetched_at: now,
            fresh_until: now + fresh,
            body: fetched.body,
        };
        let lifetime = fresh.saturating_add(stale);
        let Some(cache) = self.inner.cache.as_ref().filter(|_| !lifetime.is_zero()) else {
            return (record, Kept::Nowhere);
        };
        let stored = async {
            let mut entry = NewEntry::new(self.request.key.clone(), record.encode()?)
                .with_ttl(Ttl::After(lifetime))
                .with_tags(fetched.tags);
            entry.token = self.token;
            cache.set(entry).await
        };
        let kept = match stored.await {
            // Those who joined look for what is fresh.
            Ok(SetOutcome::Stored) if fresh.is_zero() => Kept::Nowhere,
            Ok(SetOutcome::Stored) => Kept::InCache,
            Ok(SetOutcome::Outdated) => {
                debug!(key = %self.request.key, "invalidated while it was fetched: not kept");
                Kept::Nowhere
            }
            Err(error) => {
                warn!(key = %self.request.key, %error, "not kept");
                Kept::Nowhere
            }
        };
        (record, kept)
    }
}

/// Where those who joined find an answer.
enum Kept {
    InCache,
    Nowhere,
}

/// A wait shorter than this is the store's own latency.
const NOTICEABLE: Duration = Duration::from_millis(2);

/// A permit under which something is being sent: a caller that is dropped in the middle keeps it
/// used, because the request may have reached the server.
struct SentPermit(Option<Permit>);

impl SentPermit {
    fn give_back(mut self) {
        if let Some(permit) = self.0.take() {
            permit.give_back();
        }
    }
}

impl Drop for SentPermit {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.commit();
        }
    }
}

/// Renews an owner's lease until dropped, and so passes on what joiners raise the priority to.
struct Heartbeats(JoinHandle<()>);

impl Heartbeats {
    fn start(inner: &Arc<Inner>, owner: &Ownership) -> Self {
        let inner = Arc::clone(inner);
        let (key, job, lease) = (owner.key().clone(), *owner.job(), owner.lease());
        Self(tokio::spawn(async move {
            let Some(dedupe) = &inner.dedupe else { return };
            loop {
                inner.clock.sleep_until(inner.clock.now() + lease / 3).await;
                match dedupe.heartbeat(&key, &job).await {
                    Ok(Heartbeat::Renewed(_)) => {}
                    Ok(Heartbeat::Fenced) => {
                        debug!(%key, "another owner took over");
                        return;
                    }
                    Err(error) => warn!(%key, %error, "a heartbeat is lost"),
                }
            }
        }))
    }
}

impl Drop for Heartbeats {
    fn drop(&mut self) {
        self.0.abort();
    }
}
