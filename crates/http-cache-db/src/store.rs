//! Where responses are kept: [`ResponseStore`], whose methods are whole operations.
//!
//! [`MemoryStore`](crate::MemoryStore) and [`SqliteStore`](crate::SqliteStore) pass the same tests. The verbs
//! under the names of the JavaScript package `http-cache-store`, which this crate descends from:
//!
//! | there | here |
//! |---|---|
//! | `connect`, `disconnect`, `connected` | the store's `open`; [`close`](ResponseStore::close), [`is_open`](ResponseStore::is_open) |
//! | `store_request_response`, `store_cache_entry`, `store_body` | [`begin`](ResponseStore::begin), [`Fill::append`], [`Fill::commit`] |
//! | `get_cached_response`, `get_cache_entry_by_request` | [`variants`](ResponseStore::variants), [`body`](ResponseStore::body), [`chunk`](ResponseStore::chunk) |
//! | `body_exists`, `get_body_by_hash` | [`find_content`](ResponseStore::find_content), then [`body`](ResponseStore::body) |
//! | `delete_cached_response`, `delete_cache_entry` | [`invalidate`](ResponseStore::invalidate) a target, [`purge`](ResponseStore::purge) what has something in common, [`remove`](ResponseStore::remove) one response |
//! | `delete_body` | [`release`](ResponseStore::release) |
//! | `clear_cache` | [`clear`](ResponseStore::clear) |
//! | `update_cache_entry_access_time` | [`record_hits`](ResponseStore::record_hits) |
//! | `count_files`, `count_requests`, `count_responses`, `count_cache_entries_by_url` | [`counts`](ResponseStore::counts), the length of [`variants`](ResponseStore::variants) |
//! | `get_cache_entry_stored_at_timestamps_by_url` | [`history`](ResponseStore::history) |
//! | `check_health` | [`health`](ResponseStore::health) |
//! | `run_query` | `http-cache-proxy db query`, or any SQLite client on the views |
//! | `emit_cache_event`, `on` | [`events`](ResponseStore::events) |

#[cfg(test)]
pub(crate) mod cases;
mod equivalence;
mod filling;
mod purge;
mod report;
mod response;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Uri};
use store_core::{Result, Timestamp};

use crate::events::Events;
use crate::keys::{Salt, TargetKey};

pub use crate::record::ContentHash;
pub use crate::tags::{Tag, Tags};
pub use equivalence::Equivalence;
pub(crate) use filling::{FillingBytes, Share};
pub(crate) use purge::Selector;
pub use purge::{InvalidPurge, Purge};
pub(crate) use report::shortened;
pub use report::{Counts, Evicted, Health, Hit, Version};
pub use response::{ContentId, NewResponse, ResponseId, StoredBody, Variant};

/// The most responses of one target. More variants than this are mostly values that no second request has.
pub(crate) const MAX_VARIANTS: usize = 64;

/// A store of responses. Every method is a whole operation; all may be called concurrently, also by other
/// processes on the same file.
#[async_trait]
pub trait ResponseStore: fmt::Debug + Send + Sync {
    /// The salt of this store's keys.
    fn salt(&self) -> Salt;

    /// Who hears of what happens here. A call that fails tells of nothing: its caller has the error. What a store fails
    /// to do by itself, it tells as [`Event::Error`](crate::events::Event::Error).
    fn events(&self) -> &Events;

    /// The length in bytes of the longest body that is stored.
    fn max_body_bytes(&self) -> u64;

    /// The stored responses of a target, in no particular order.
    ///
    /// # Errors
    /// If the store cannot be read. A single response that cannot be read is left out.
    async fn variants(&self, target: TargetKey) -> Result<Vec<Variant>>;

    /// The target whose stored responses may answer this one, because they differ only in parts of the query that do
    /// not matter to them, with the value of `No-Vary-Search` that says so. It may be this target itself, and may have no
    /// response with this value any more.
    ///
    /// A response counts by its [`equivalence`](NewResponse::equivalence) until its [base](Equivalence::base) is
    /// [invalidated](Self::invalidate) or a URL of it is [purged](Purge::url).
    ///
    /// # Errors
    /// If the store cannot be read.
    async fn find_equivalent(&self, target: &Uri) -> Result<Option<(TargetKey, String)>>;

    /// A stored body; `None` if it is gone or damaged.
    ///
    /// # Errors
    /// If the store cannot be read.
    async fn body(&self, content: ContentId) -> Result<Option<StoredBody>>;

    /// The chunk of a [chunked](StoredBody::Chunked) body at this index; `None` if it is gone or damaged.
    ///
    /// # Errors
    /// If the store cannot be read.
    async fn chunk(&self, content: ContentId, index: u64) -> Result<Option<Bytes>>;

    /// The stored body with this hash.
    ///
    /// # Errors
    /// If the store cannot be read.
    async fn find_content(&self, hash: &ContentHash) -> Result<Option<ContentId>>;

    /// Begins to store a response to a request for a target.
    ///
    /// Begin before the origin is asked, so that what is [invalidated](Self::invalidate) or [purged](Self::purge)
    /// meanwhile is not stored.
    ///
    /// # Errors
    /// If the store cannot be read.
    async fn begin(&self, target: TargetKey) -> Result<Box<dyn Fill>>;

    /// Removes the responses of a target, and makes fills of it that have begun store nothing. Yields how many
    /// were removed. Of a [base](Equivalence::base), nothing is removed: its targets are no longer
    /// [equivalent](Self::find_equivalent).
    ///
    /// # Errors
    /// If the store cannot be written. The responses may still be there.
    async fn invalidate(&self, target: TargetKey) -> Result<u64>;

    /// Removes the responses that a purge selects, or makes them stale from now on if it is [soft](Purge::soft), and
    /// makes fills of such that have begun store nothing. Yields how many responses were removed or became stale.
    ///
    /// A response is stale until it is [freshened](Fill::freshen), or another takes its place. When this returns, no
    /// response that was stored before answers as if it were still valid; while it runs, some may.
    ///
    /// # Errors
    /// If the store cannot be written. Some of the responses may still be there.
    async fn purge(&self, purge: &Purge) -> Result<u64>;

    /// Removes one response. Yields whether it was there.
    ///
    /// # Errors
    /// If the store cannot be written.
    async fn remove(&self, response: ResponseId) -> Result<bool>;

    /// Removes a body with all responses that have it: it is damaged. Yields how many responses had it.
    ///
    /// # Errors
    /// If the store cannot be written.
    async fn release(&self, content: ContentId) -> Result<u64>;

    /// Removes everything. Yields how many responses were removed.
    ///
    /// # Errors
    /// If the store cannot be written.
    async fn clear(&self) -> Result<u64>;

    /// Frees at least so many bytes, if there are so many: older versions of bodies first, then responses that
    /// were not used since they were last looked at (SIEVE).
    ///
    /// # Errors
    /// If the store cannot be written.
    async fn evict(&self, bytes: u64) -> Result<Evicted>;

    /// Counts uses and misses. Collect them and call this now and then: it writes.
    ///
    /// # Errors
    /// If the store cannot be written.
    async fn record_hits(&self, hits: Vec<Hit>) -> Result<()>;

    /// How much is stored.
    ///
    /// # Errors
    /// If the store cannot be read.
    async fn counts(&self) -> Result<Counts>;

    /// The bodies that a target has had, latest first. Those before the current ones are kept as far as the
    /// store's options say.
    ///
    /// # Errors
    /// If the store cannot be read.
    async fn history(&self, target: TargetKey) -> Result<Vec<Version>>;

    /// The body that a target had at a time: of several variants, that which was stored last. `None` if nothing was stored
    /// then, or is not kept.
    ///
    /// # Errors
    /// If the store cannot be read.
    async fn version_at(&self, target: TargetKey, at: Timestamp) -> Result<Option<Version>> {
        let history = self.history(target).await?;
        Ok(history
            .into_iter()
            .find(|version| version.was_current_at(at)))
    }

    /// Until when requests for a target do not wait for each other, as a process has found: its answers serve nobody
    /// else (Varnish calls that a hit-for-miss). Asked before a request to the origin, never for a hit.
    ///
    /// Default: nothing is known, which is right for a store of one process.
    ///
    /// # Errors
    /// If the store cannot be read.
    async fn hit_for_miss(&self, _target: TargetKey) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    /// Remembers for all processes [until when](Self::hit_for_miss) that is; `None` forgets it. Of many targets, those of
    /// which it was said first are forgotten.
    ///
    /// # Errors
    /// If the store cannot be written.
    async fn set_hit_for_miss(&self, _target: TargetKey, _until: Option<Timestamp>) -> Result<()> {
        Ok(())
    }

    /// Whether the store answers, and its size.
    ///
    /// # Errors
    /// If it does not.
    async fn health(&self) -> Result<Health>;

    /// Whether [`close`](Self::close) was not called yet.
    fn is_open(&self) -> bool;

    /// Writes what is pending and closes. Later calls fail with the kind `Closed`.
    ///
    /// # Errors
    /// If what is pending cannot be written.
    async fn close(&self) -> Result<()>;
}

/// A response that is being stored. Nothing of it is seen before [`commit`](Self::commit); dropped, it leaves
/// nothing.
#[async_trait]
#[must_use = "a dropped fill stores nothing"]
pub trait Fill: fmt::Debug + Send {
    /// Says which fields come with the body, before any of it: how it is compressed depends on them.
    fn describe(&mut self, headers: &HeaderMap);

    /// Adds to the body.
    ///
    /// # Errors
    /// If it cannot be kept. `TooLarge` if the body is longer than [`max_body_bytes`](ResponseStore::max_body_bytes),
    /// or all fills in progress have too many bytes. Drop the fill then.
    async fn append(&mut self, bytes: Bytes) -> Result<()>;

    /// The length of the body so far, in bytes.
    fn body_len(&self) -> u64;

    /// Stores the response with the body that was added. It takes the place of those it
    /// [replaces](crate::engine::StoredHead::replaces), and of none that arrived later.
    ///
    /// `None` if it is not stored: it was invalidated or purged since the fill began, or a later response is stored.
    ///
    /// # Errors
    /// If the store cannot be written; what was stored before is still there.
    async fn commit(self: Box<Self>, response: NewResponse) -> Result<Option<ResponseId>>;

    /// Gives the stored response `id` a new head: it was freshened. Its body `content` is not written.
    ///
    /// `false` if nothing was changed: the response is gone, has another body by now, or was invalidated or purged since
    /// the fill began.
    ///
    /// # Errors
    /// If the store cannot be written.
    async fn freshen(
        self: Box<Self>,
        id: ResponseId,
        content: ContentId,
        response: NewResponse,
    ) -> Result<bool>;
}
