//! The contracts for `Arc` and `Box` of a store. A method that is missing here does not compile.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::cache::{
    CacheStats, CacheStore, EntryInfo, FillToken, Lookup, NewEntry, Removal, SetOutcome,
};
use crate::change_feed::{ChangeFeed, Changes, FeedPosition};
use crate::dedupe::{
    DedupeStats, DedupeStore, EndOutcome, Heartbeat, JobId, JobInfo, JobOutcome, JobResult,
    Ownership, Registration,
};
use crate::error::Result;
use crate::key::{Key, Selection};
use crate::page::{Page, PageRequest};
use crate::priority::Priority;
use crate::rate_limit::{
    Acquire, Claim, Decision, RateLimitStats, RateLimitStore, ResourceConfig, ResourceInfo, Status,
};
use crate::resource::Resource;
use crate::tag::Tag;
use crate::time::Timestamp;
use crate::write_queue::{
    Delivery, DeliveryOutcome, QueuedKey, QueuedWrite, Received, WriteQueue, WriteQueueStats,
    WriteSequence,
};

/// Implements a contract for `Arc` and `Box` by calling what they point to.
macro_rules! forward {
    (
        $contract:ident {
            $(fn $method:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)+
            $(sync: fn $plain:ident($($given:ident: $type:ty),*) -> $output:ty;)*
        }
    ) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<S: $contract + ?Sized> $contract for Arc<S> {
            $(async fn $method(&self $(, $argument: $kind)*) -> $answer {
                (**self).$method($($argument),*).await
            })+

            $(fn $plain(&self $(, $given: $type)*) -> $output {
                (**self).$plain($($given),*)
            })*
        }

        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<S: $contract + ?Sized> $contract for Box<S> {
            $(async fn $method(&self $(, $argument: $kind)*) -> $answer {
                (**self).$method($($argument),*).await
            })+

            $(fn $plain(&self $(, $given: $type)*) -> $output {
                (**self).$plain($($given),*)
            })*
        }
    };
}

forward!(CacheStore {
    fn get(key: &Key) -> Result<Lookup>;
    fn get_many(keys: &[Key]) -> Result<Vec<Lookup>>;
    fn set(entry: NewEntry) -> Result<SetOutcome>;
    fn set_many(entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>>;
    fn fill_token() -> Result<FillToken>;
    fn delete(key: &Key) -> Result<Removal>;
    fn clear(selection: &Selection) -> Result<Removal>;
    fn invalidate_tags(tags: &[Tag]) -> Result<Removal>;
    fn list(page: &PageRequest) -> Result<Page<EntryInfo>>;
    fn stats() -> Result<CacheStats>;
    fn cleanup() -> Result<u64>;
    fn close() -> Result<()>;
    sync: fn stored_key(key: &Key) -> Result<Key>;
});

forward!(ChangeFeed {
    fn changes_since(position: Option<FeedPosition>) -> Result<Changes>;
});

forward!(DedupeStore {
    fn register_or_join(key: &Key, priority: Priority) -> Result<Registration>;
    fn wait_for(key: &Key, job: &JobId, timeout: Duration) -> Result<JobOutcome>;
    fn heartbeat(key: &Key, job: &JobId) -> Result<Heartbeat>;
    fn complete(owner: &mut Ownership, result: JobResult) -> Result<EndOutcome>;
    fn fail(owner: &mut Ownership, error: &str) -> Result<EndOutcome>;
    fn is_in_progress(key: &Key) -> Result<bool>;
    fn lease_left(key: &Key) -> Result<Option<Duration>>;
    fn list(page: &PageRequest) -> Result<Page<JobInfo>>;
    fn stats() -> Result<DedupeStats>;
    fn clear(selection: &Selection) -> Result<u64>;
    fn cleanup() -> Result<u64>;
    fn close() -> Result<()>;
});

forward!(RateLimitStore {
    fn try_acquire(request: Acquire) -> Result<Decision>;
    fn record(request: Acquire) -> Result<()>;
    fn status(claim: &Claim, priority: Priority) -> Result<Status>;
    fn reset(resource: &Resource) -> Result<()>;
    fn clear() -> Result<()>;
    fn set_cooldown(resource: &Resource, until: Timestamp) -> Result<Timestamp>;
    fn cooldown(resource: &Resource) -> Result<Option<Timestamp>>;
    fn clear_cooldown(resource: &Resource, seen: Timestamp) -> Result<()>;
    fn move_cooldown(resource: &Resource, seen: Timestamp, until: Timestamp) -> Result<bool>;
    fn set_resource_config(resource: &Resource, config: ResourceConfig) -> Result<()>;
    fn resource_config(resource: &Resource) -> Result<Option<ResourceConfig>>;
    fn list(page: &PageRequest) -> Result<Page<ResourceInfo>>;
    fn stats() -> Result<RateLimitStats>;
    fn cleanup() -> Result<u64>;
    fn close() -> Result<()>;
    sync: fn record_activity(request: &Acquire) -> ();
    sync: fn resolution(span: Duration) -> Duration;
});

forward!(WriteQueue {
    fn push(key: &Key, value: Bytes) -> Result<WriteSequence>;
    fn newest(keys: &[Key]) -> Result<Vec<Option<QueuedWrite>>>;
    fn receive(limit: NonZeroUsize) -> Result<Received>;
    fn renew(delivery: &Delivery) -> Result<DeliveryOutcome>;
    fn acknowledge(delivery: &Delivery) -> Result<DeliveryOutcome>;
    fn postpone(delivery: &Delivery, pause: Duration) -> Result<DeliveryOutcome>;
    fn list(page: &PageRequest) -> Result<Page<QueuedKey>>;
    fn stats() -> Result<WriteQueueStats>;
});
