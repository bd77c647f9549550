//! What applications need; the backend crates re-export it, so that an application depends on its
//! backend only.

#[doc(no_inline)]
pub use crate::pipeline::{CacheMode, CachePolicy, Failure, Fetched, PipelineError, Request};
#[doc(no_inline)]
pub use crate::{
    Acquire, AcquireError, AdaptiveConfig, BoxError, CacheOptions, CacheStore, CacheStoreExt,
    Claim, Clock, DAY, Decision, DedupeOptions, DedupeStore, DedupeStoreExt, Error, ErrorKind,
    FillToken, HOUR, Key, Limit, LoadError, Lookup, MINUTE, NewEntry, Outcome, Permit, Pipeline,
    Priority, Random, RateLimitOptions, RateLimitStore, RateLimitStoreExt, RateLimiter,
    RateLimiterOptions, Reason, Resource, ResourceConfig, Result, RunOnceError, RunOnceOptions,
    SECOND, Scope, Selection, SetOutcome, Status, StoreOptions, Stores, Tag, Timestamp, Ttl,
    TypedCache,
};
