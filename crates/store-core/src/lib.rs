//! Contracts, pipeline and algorithms for persistent, shared API stores.
//!
//! A backend implements three contracts: [`CacheStore`], [`DedupeStore`], [`RateLimitStore`]. An
//! application bundles them as [`Stores`] and calls the [`Pipeline`], which answers from the cache,
//! joins a request in flight, or sends one within the limits. Nothing here does I/O.

mod adaptive;
mod cache;
mod clock;
mod codec;
mod dedupe;
mod error;
mod forward;
mod hash;
mod key;
pub mod local;
mod page;
pub mod pipeline;
mod priority;
mod queue;
mod random;
pub mod rate_limit;
mod resource;
mod stores;
mod tag;
mod time;
mod ttl;
mod typed;

pub use adaptive::{
    Activity, ActivityLevel, AdaptiveConfig, Allocation, Partition, Trend, calculate,
};
pub use cache::{
    CacheStats, CacheStore, CacheStoreExt, Entry, EntryInfo, FillToken, Lookup, NewEntry, Removal,
    SetOutcome,
};
pub use clock::{Clock, ManualClock, Sleep, SystemClock};
pub use codec::{Bincode, Codec, Json};
pub use dedupe::{
    DedupeStats, DedupeStore, Heartbeat, JobId, JobInfo, JobOutcome, JobResult, JobState,
    Ownership, Registration, Settlement,
};
pub use error::{Error, ErrorKind, Result};
pub use hash::request_hash;
pub use key::{Key, MAX_KEY_BYTES, Scope, Selection};
pub use page::{Page, PageRequest};
pub use pipeline::{Outcome, Pipeline};
pub use priority::Priority;
pub use queue::{AcquireQueue, QueueOptions};
pub use random::{Random, SeededRandom, SystemRandom};
pub use rate_limit::{
    Acquire, AdaptiveMetrics, AdaptiveStatus, Claim, Decision, Demand, Limit, Permit, Policy,
    RateLimitStats, RateLimitStore, RateLimitStoreExt, Reason, ResourceConfig, ResourceInfo,
    Status,
};
pub use resource::Resource;
pub use stores::Stores;
pub use tag::Tag;
pub use time::{DAY, HOUR, MINUTE, SECOND, Timestamp};
pub use ttl::Ttl;
pub use typed::TypedCache;
