//! What applications need; the backend crates re-export it, so that an application depends on its
//! backend only.

#[doc(no_inline)]
pub use crate::pipeline::{
    Answer, CacheMode, CachePolicy, Failure, Fetched, PipelineError, Request, Retry,
};
#[doc(no_inline)]
pub use crate::{
    Acquire, AcquireError, AdaptiveConfig, AdvisoryLock, Bincode, BoxError, CacheOptions,
    CacheStore, CacheStoreExt, Claim, Clock, DAY, Decision, DedupeOptions, DedupeStore,
    DedupeStoreExt, Delivery, Error, ErrorKind, FencingToken, FillToken, HOUR, HeldLock,
    JobOutcome, JobResult, Json, Key, KeyBuilder, Limit, LoadError, LockError, LockOptions, Lookup,
    MINUTE, ManualClock, NewEntry, Outcome, Partition, Permit, Pipeline, Policy, Priority, Random,
    RateLimitOptions, RateLimitStore, RateLimitStoreExt, RateLimiter, RateLimiterOptions, Reason,
    Registration, Resource, ResourceConfig, Result, RunOnceError, RunOnceOptions, SECOND, Scope,
    Selection, SetOutcome, Status, StoreOptions, Stores, Tag, Timestamp, Ttl, TypedCache, Wait,
    WaitEvent, WaitId, WaitObserver, WaitReason, WriteQueue, WriteQueueOptions,
};
