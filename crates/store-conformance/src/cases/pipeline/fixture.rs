//! A pipeline with its upstream, shared by the pipeline cases.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use store_core::backend::SeededRandom;
use store_core::pipeline::{Answer, Failure, Fetched, PipelineError, Request, SharedError};
use store_core::{
    CacheStore, Claim, DedupeStore, HOUR, Key, Limit, ManualClock, Pipeline, Priority,
    RateLimitStore, Resource, Result, Stores, Timestamp,
};

use tokio::task::JoinHandle;

use super::probed_jobs::ProbedJobs;
use crate::run::eventually;
use crate::{Harness, Setup};

/// An error of the simulated upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UpstreamError {
    /// A temporary failure.
    Down,
    /// A refusal until this moment.
    Until(Timestamp),
    /// A final answer.
    Gone,
}

impl std::fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_shared())
    }
}

impl SharedError for UpstreamError {
    fn to_shared(&self) -> String {
        match self {
            Self::Down => "down".to_owned(),
            Self::Until(at) => at.as_millis().to_string(),
            Self::Gone => "gone".to_owned(),
        }
    }

    fn from_shared(text: &str) -> Self {
        match text.parse().map(Timestamp::from_millis) {
            Ok(at) => Self::Until(at),
            Err(_) if text == "gone" => Self::Gone,
            Err(_) => Self::Down,
        }
    }

    fn allows_stale(&self) -> bool {
        *self == Self::Down
    }

    fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        None
    }

    fn retry_at(&self) -> Option<Timestamp> {
        match self {
            Self::Until(at) => Some(*at),
            Self::Down | Self::Gone => None,
        }
    }
}

pub(super) type RunResult = Result<Answer, PipelineError<UpstreamError>>;

/// A pipeline over its own handles of the stores, and a counter of the requests sent upstream.
#[derive(Clone)]
pub(super) struct Fixture {
    pub(super) clock: ManualClock,
    pub(super) cache: Arc<dyn CacheStore>,
    pub(super) dedupe: Arc<ProbedJobs>,
    pub(super) rate_limit: Arc<dyn RateLimitStore>,
    pub(super) pipeline: Pipeline,
    pub(super) sent: Arc<AtomicU32>,
}

impl Fixture {
    pub(super) async fn open(harness: &dyn Harness, setup: &Setup) -> Result<Self> {
        let jobs = ProbedJobs::new(harness.dedupe(setup).await?);
        Self::open_with(harness, setup, jobs).await
    }

    pub(super) async fn open_with(
        harness: &dyn Harness,
        setup: &Setup,
        jobs: ProbedJobs,
    ) -> Result<Self> {
        let dedupe = Arc::new(jobs);
        let (cache, rate_limit) = (
            harness.cache(setup).await?,
            harness.rate_limit(setup).await?,
        );
        let stores = Stores {
            cache: Some(Arc::clone(&cache)),
            dedupe: Some(Arc::clone(&dedupe) as Arc<dyn DedupeStore>),
            rate_limit: Some(Arc::clone(&rate_limit)),
        };
        let pipeline = Pipeline::builder(stores)
            .clock(setup.clock.clone())
            .random(SeededRandom::new(1))
            .build();
        Ok(Self {
            clock: setup.clock.clone(),
            cache,
            dedupe,
            rate_limit,
            pipeline,
            sent: Arc::default(),
        })
    }

    /// Waits until so many callers wait for a fetch that they joined.
    pub(super) async fn wait_for_joined(&self, callers: usize) -> Result<()> {
        eventually(async || Ok((self.dedupe.joined() == callers).then_some(()))).await
    }

    /// Runs the request against an upstream that answers each attempt with `answer(attempt)`.
    pub(super) async fn run(
        &self,
        request: Request,
        answer: impl Fn(u32) -> Result<Fetched, Failure<UpstreamError>> + Send + Sync,
    ) -> RunResult {
        self.pipeline
            .run(request, async |attempt| {
                self.sent.fetch_add(1, Ordering::SeqCst);
                answer(attempt)
            })
            .await
    }

    /// Runs the request against an upstream that answers `body`, fresh for an hour.
    pub(super) async fn get(&self, request: Request, body: &'static str) -> RunResult {
        self.run(request, |_| Ok(fresh(body))).await
    }

    /// Spawns [`Self::get`] as a task.
    pub(super) fn spawn_get(
        &self,
        request: Request,
        body: &'static str,
    ) -> JoinHandle<Result<RunResult>> {
        let fixture = self.clone();
        tokio::spawn(async move { Ok(fixture.get(request, body).await) })
    }

    pub(super) fn sent(&self) -> u32 {
        self.sent.load(Ordering::SeqCst)
    }

    pub(super) async fn used(&self) -> Result<u32> {
        let claim = claim()?;
        let status = self.rate_limit.status(&claim, Priority::User).await?;
        Ok(status.used)
    }
}

pub(super) fn fresh(body: &'static str) -> Fetched {
    Fetched::new(body).fresh_for(HOUR)
}

pub(super) fn key() -> Result<Key> {
    Key::new("comics:issue/4000-1")
}

pub(super) fn resource() -> Result<Resource> {
    Resource::new("issue")
}

pub(super) fn claim() -> Result<Claim> {
    Ok(Claim::new(resource()?))
}

/// A request that counts against one resource and does not wait.
pub(super) fn request() -> Result<Request> {
    Ok(Request::new(key()?, claim()?)
        .with_priority(Priority::Background)
        .with_max_wait(Duration::ZERO))
}

/// One admission per hour.
pub(super) fn one_per_hour() -> Setup {
    Setup::default().with_config(Limit::new(1, HOUR))
}
