//! Cases of [`Pipeline`] over the backend's stores.

mod failing;
mod limits;
mod sharing;
mod waiting;

pub use failing::*;
pub use limits::*;
pub use sharing::*;
pub use waiting::*;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use store_core::backend::SeededRandom;
use store_core::pipeline::{Answer, Failure, Fetched, PipelineError, Request, SharedError};
use store_core::{
    CacheStore, Claim, DedupeStore, HOUR, Key, Limit, ManualClock, Pipeline, Priority,
    RateLimitStore, Resource, Result, Stores,
};

use tokio::task::JoinHandle;

use crate::{Harness, Setup};

cases! {
    ($) pipeline_cases of pipeline;

    // sharing.rs
    equal_requests_in_flight_are_sent_once: covers("A22", "F3"),
    what_was_fetched_is_found_by_another_handle: covers("A20", "A22"),
    a_new_owner_checks_the_cache_first: covers("A22"),
    an_answer_that_is_stale_at_once_is_shared_all_the_same: covers("F36"),
    a_failure_is_shared_with_those_who_joined: covers("F36"),
    a_dropped_owner_is_replaced: covers("F36"),
    a_joiner_raises_the_priority_of_the_owner: covers("A17"),
    an_answer_invalidated_while_it_was_fetched_is_not_kept: covers("F48", "F63"),
    an_answer_too_large_to_keep_is_still_answered: covers("F40", "F49"),
    an_answer_too_large_to_keep_is_fetched_once_for_the_process: covers("F40"),
    a_refresh_asks_again_and_replaces: covers("A2"),

    // limits.rs
    a_fresh_hit_waits_for_no_limit_and_no_cooldown: covers("F27"),
    every_attempt_takes_a_permit: covers("F2"),
    an_attempt_that_sent_nothing_gives_its_permit_back: covers("F2"),
    a_request_that_cannot_be_sent_in_time_is_refused: covers("T16", "F11"),
    a_cooldown_of_one_request_applies_to_the_next: covers("F24", "F26", "T10"),
    a_caller_that_stops_waiting_leaves_nothing_behind: covers("F1"),
    a_request_without_claims_takes_no_permit: covers("F2"),

    // failing.rs
    failures_are_not_cached: covers("D12"),
    a_failure_is_kept_for_as_long_as_it_says: covers("D12"),
    a_stale_answer_stands_in_for_a_failure: covers("T3"),
    a_final_answer_is_not_replaced_by_a_stale_one: covers("T3"),
    a_failing_cache_costs_a_fetch: covers("F41"),
    a_failing_dedupe_costs_a_fetch: covers("F41"),
    a_failing_limiter_refuses: covers("F1"),
    a_limited_request_is_not_sent_without_a_limiter: covers("F1"),
    a_job_that_cannot_be_ended_at_once_is_ended_again: covers("F41"),

    // waiting.rs
    a_wait_that_fails_costs_a_fetch: covers("F41"),
    a_wait_that_fails_for_a_moment_goes_on: covers("F41"),
}

/// An error of the simulated upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
enum UpstreamError {
    /// A temporary failure.
    Down,
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
            Self::Gone => "gone".to_owned(),
        }
    }

    fn from_shared(text: &str) -> Self {
        if text == "gone" {
            Self::Gone
        } else {
            Self::Down
        }
    }

    fn allows_stale(&self) -> bool {
        *self == Self::Down
    }

    fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        None
    }
}

type RunResult = Result<Answer, PipelineError<UpstreamError>>;

/// A pipeline over its own handles of the stores, and a counter of the requests sent upstream.
#[derive(Clone)]
struct Fixture {
    clock: ManualClock,
    cache: Arc<dyn CacheStore>,
    dedupe: Arc<dyn DedupeStore>,
    rate_limit: Arc<dyn RateLimitStore>,
    pipeline: Pipeline,
    sent: Arc<AtomicU32>,
}

impl Fixture {
    async fn open(harness: &dyn Harness, setup: &Setup) -> Result<Self> {
        Self::open_with(harness, setup, harness.dedupe(setup).await?).await
    }

    async fn open_with(
        harness: &dyn Harness,
        setup: &Setup,
        dedupe: Arc<dyn DedupeStore>,
    ) -> Result<Self> {
        let (cache, rate_limit) = (
            harness.cache(setup).await?,
            harness.rate_limit(setup).await?,
        );
        let stores = Stores {
            cache: Some(Arc::clone(&cache)),
            dedupe: Some(Arc::clone(&dedupe)),
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

    /// Runs the request against an upstream that answers each attempt with `answer(attempt)`.
    async fn run(
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
    async fn get(&self, request: Request, body: &'static str) -> RunResult {
        self.run(request, |_| Ok(fresh(body))).await
    }

    /// Spawns [`Self::get`] as a task.
    fn spawn_get(&self, request: Request, body: &'static str) -> JoinHandle<Result<RunResult>> {
        let fixture = self.clone();
        tokio::spawn(async move { Ok(fixture.get(request, body).await) })
    }

    fn sent(&self) -> u32 {
        self.sent.load(Ordering::SeqCst)
    }

    async fn used(&self) -> Result<u32> {
        let claim = claim()?;
        let status = self.rate_limit.status(&claim, Priority::User).await?;
        Ok(status.used)
    }
}

fn fresh(body: &'static str) -> Fetched {
    Fetched::new(body).fresh_for(HOUR)
}

fn key() -> Result<Key> {
    Key::new("comics:issue/4000-1")
}

fn resource() -> Result<Resource> {
    Resource::new("issue")
}

fn claim() -> Result<Claim> {
    Ok(Claim::new(resource()?))
}

/// A request that counts against one resource and does not wait.
fn request() -> Result<Request> {
    Ok(Request::new(key()?, claim()?)
        .with_priority(Priority::Background)
        .with_max_wait(Duration::ZERO))
}

/// One admission per hour.
fn one_per_hour() -> Setup {
    Setup::default().with_config(Limit::new(1, HOUR))
}
