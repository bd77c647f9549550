//! Persistent cache, single flight and rate limiting for clients of rate-limited APIs: contracts,
//! algorithms, and the pipeline over them.
//!
//! A backend crate (`store-memory`, `store-sqlite`, `store-dynamodb`) implements the contracts and
//! re-exports what applications need of this crate. Nothing here does I/O; what waits needs a Tokio
//! runtime whose timer is enabled.
//!
//! | to | use |
//! |---|---|
//! | cache values of a type, each computed once per process | [`TypedCache`] |
//! | the same over all processes, refreshed before it expires and served stale when it cannot be loaded | [`layer::ReadThrough`] |
//! | wait for a permit of a rate limit | [`RateLimiter`], [`Limit`], [`Acquire`] |
//! | do work once over all processes | [`DedupeStoreExt::run_once`] |
//! | do work by one holder at a time over all processes | [`AdvisoryLock`], with a [`FencingToken`] |
//! | all of it for requests to an API, equal ones sent once over all processes | [`Pipeline`], [`pipeline::Request`] |
//! | hand a backend's stores on | [`Stores`] |
//! | build readable keys | [`KeyBuilder`] |
//! | add a behaviour to a store | [`layer`] |
//! | write a backend | [`CacheStore`], [`DedupeStore`], [`RateLimitStore`], [`backend`] |
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use store_core::pipeline::{Failure, Fetched, Request};
//! use store_core::{DAY, HOUR, Key, Limit, Pipeline, Resource};
//! use store_memory::MemoryRateLimitStore;
//!
//! let limits = MemoryRateLimitStore::new(Limit::new(200, HOUR));
//! let pipeline = Pipeline::new(store_memory::stores().with_rate_limit(limits));
//!
//! let issues = Resource::new("issues")?;
//! let request = Request::new(Key::new("comics:issue/4000-1")?, &issues);
//! let answer = pipeline
//!     .run(request, async |_attempt| {
//!         let body = "{}"; // send the request here
//!         Ok::<_, Failure>(Fetched::new(body).fresh_for(HOUR).stale_for(DAY))
//!     })
//!     .await?;
//! println!("{} bytes, {}", answer.body.len(), answer.outcome.as_str());
//! # Ok(())
//! # }
//! ```

mod adaptive;
pub mod backend;
mod cache;
mod change_feed;
mod clock;
mod codec;
mod dedupe;
mod error;
mod forward;
mod hash;
mod key;
pub mod layer;
mod limiter;
mod lock;
mod options;
mod page;
pub mod pipeline;
pub mod prelude;
mod priority;
mod random;
mod rate_limit;
mod resource;
mod stores;
mod tag;
mod time;
mod ttl;
mod typed;
mod wait;
mod write_queue;

#[rustfmt::skip]
pub use {
    adaptive::{Activity, ActivityLevel, AdaptiveConfig, Allocation, Partition, Trend, calculate},
    cache::{CacheStats, CacheStore, CacheStoreExt, Entry, EntryInfo, FillToken, Lookup, NewEntry, Removal, SetOutcome},
    change_feed::{ChangeFeed, Changed, Changes, FeedPosition},
    clock::{Clock, ManualClock, Sleep, SystemClock},
    codec::{Bincode, Codec, Json},
    dedupe::{DedupeStats, DedupeStore, DedupeStoreExt, EndOutcome, FencingToken, Heartbeat, JobId, JobInfo, JobOutcome, JobResult, JobState, Ownership, Registration, RunOnceError, RunOnceOptions},
    error::{BoxError, Error, ErrorChain, ErrorKind, Result},
    hash::request_hash,
    key::{Key, KeyBuilder, MAX_KEY_BYTES, Scope, Selection},
    limiter::{AcquireError, RateLimitStoreExt, RateLimiter, RateLimiterOptions},
    lock::{AdvisoryLock, HeldLock, LockError, LockOptions},
    options::{CacheOptions, DedupeOptions, RateLimitOptions, StoreOptions},
    page::{Page, PageRequest},
    pipeline::{Outcome, Pipeline},
    priority::Priority,
    random::{Random, SystemRandom},
    rate_limit::{Acquire, AdaptiveMetrics, AdaptiveStatus, Attempt, Claim, Decision, Limit, Permit, Policy, RateLimitStats, RateLimitStore, Reason, ResourceConfig, ResourceInfo, Status},
    resource::Resource,
    stores::Stores,
    tag::Tag,
    time::{DAY, HOUR, MINUTE, SECOND, Timestamp},
    ttl::Ttl,
    typed::{LoadError, TypedCache},
    wait::{Wait, WaitEvent, WaitId, WaitObserver, WaitReason},
    write_queue::{Delivery, DeliveryOutcome, QueuedKey, QueuedWrite, Receipt, Received, WriteQueue, WriteQueueOptions, WriteQueueStats, WriteSequence},
};
