//! What can happen.

use std::time::Duration;

use crate::policy::NotStorable;
use crate::store::{ContentId, ResponseId};

/// Something that happened. URLs are redacted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Event {
    /// A store was opened.
    Connected { path: String },
    /// It can be used: its schema is there.
    Ready,
    /// It was closed.
    Disconnected,
    /// Everything in it was removed.
    Destroyed { responses: u64 },
    /// An operation of the store failed; requests are answered by the origin. A cache tells of what it has called for,
    /// and a store of what it does by itself, such as a cleanup: whoever calls a store without a cache has its error.
    Error {
        operation: &'static str,
        error: String,
    },
    /// A stored response answered.
    CacheHit {
        url: String,
        response: ResponseId,
        age: Duration,
    },
    /// The origin was asked.
    CacheMiss { url: String },
    /// A stored response could not be read; the origin was asked.
    CacheError { url: String, error: String },
    /// A response was stored.
    StoreSuccess {
        url: String,
        response: ResponseId,
        bytes: u64,
        stored_bytes: u64,
    },
    /// A response could not be stored.
    StoreError { url: String, error: String },
    /// A response is not stored because of what it or its request says.
    NotStored { url: String, reason: NotStorable },
    /// The responses of a target could not be read.
    GetError { error: String },
    /// Responses were removed.
    DeleteSuccess { responses: u64 },
    /// Responses could not be removed.
    DeleteError { error: String },
    /// A body was compressed.
    CompressionComplete {
        codec: String,
        original_bytes: u64,
        compressed_bytes: u64,
        duration: Duration,
    },
    /// A body could not be compressed, and is stored as it is.
    CompressionError { codec: String, error: String },
    /// A body was decompressed.
    DecompressionComplete {
        codec: String,
        original_bytes: u64,
        compressed_bytes: u64,
        duration: Duration,
    },
    /// A body is damaged, or its codec is not registered: a miss.
    DecompressionError {
        codec: String,
        content: ContentId,
        error: String,
    },
    /// Uses of stored responses were counted.
    Accessed { response: ResponseId, hits: u64 },
    /// A response was stored whose body so many versions have now. That a body has fewer, after a removal, is not told.
    ReferenceCountChanged {
        content: ContentId,
        reference_count: i64,
    },
    /// A response got another body than it had.
    VersionCreated { response: ResponseId, version: u64 },
    /// A stale response answered.
    ServedStale {
        url: String,
        response: ResponseId,
        age: Duration,
    },
    /// The origin confirmed a stored response.
    Revalidated { url: String, response: ResponseId },
    /// A request waited for the answer to another one.
    Collapsed { url: String },
    /// Responses were removed to make room.
    Evicted {
        responses: u64,
        versions: u64,
        bytes: u64,
    },
    /// The responses of a target became invalid.
    Invalidated { url: String, responses: u64 },
    /// What a purge selects was removed, or became stale.
    Purged { responses: u64 },
    /// The file was damaged: it was renamed, and a new one was begun.
    SetAside { path: String },
    /// This stream was too slow, and lost so many events.
    Lost { events: u64 },
}
