//! How a store in a file is opened.

use std::sync::Arc;
use std::time::Duration;

use sqlite_database::{DatabaseOptions, Execution};
use store_core::{Clock, MINUTE, SystemClock};

use crate::codec::Codecs;
use crate::events::Events;
use crate::record::Validation;
use crate::redaction::Redaction;

/// Smaller than that of the other stores: a response's rows are a few hundred bytes.
const PAGE_BYTES: u32 = 4_096;
/// The part of the store that a single body may take.
const MAX_BODY_SHARE: u64 = 8;
/// The part of the store that all bodies may take that are arriving.
const FILLING_SHARE: u64 = 4;

/// Options of a [`SqliteStore`](crate::SqliteStore).
///
/// ```
/// use http_cache_db::SqliteStoreOptions;
///
/// let options = SqliteStoreOptions::default().with_max_bytes(64 * 1024 * 1024);
/// assert_eq!(options.max_versions, 10);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteStoreOptions {
    /// The bytes that responses may take in the file; beyond that, some are evicted. Bodies that are arriving in this
    /// process may take a quarter more, or a single one its length; what does not fit is not stored. Default: 1 GiB.
    pub max_bytes: u64,
    /// The length in bytes of the longest body that is stored. Default: an eighth of `max_bytes`.
    pub max_body_bytes: Option<u64>,
    /// The bytes that copies in memory may take, of responses in the file that were used lately. They are as current as the
    /// file is, whichever process changes it; a hit takes about a third of the time. Default: 0, none.
    pub memory_bytes: u64,
    /// How many older versions of a body are kept. Default: 10; a cache that serves several users should keep
    /// none.
    pub max_versions: u32,
    /// The codecs of bodies. Default: zstd for what gets shorter.
    pub codecs: Codecs,
    /// Whether bodies of a host that has many are compressed with what they have in common, if
    /// [`codecs`](Self::codecs) write Zstandard. Pieces of bodies stay in the dictionary while anything of the host is
    /// stored, and for up to an hour after that; clearing everything removes it. Default: yes.
    pub has_dictionaries: bool,
    /// After which time a body is compressed again, slower and shorter, in the background, if [`codecs`](Self::codecs)
    /// write Zstandard; a second of each minute is spent on it. `None`: never. Default: 10 minutes.
    pub recompress_after: Option<Duration>,
    /// What is not stored of targets and requests. Default: parameters and fields that commonly hold secrets.
    pub redaction: Redaction,
    /// The rules that records must keep to be stored. Default: those that the schema needs.
    pub validation: Validation,
    /// Who hears of what happens.
    pub events: Events,
    /// The clock. Default: that of the system.
    pub clock: Arc<dyn Clock>,
    /// Options of the file. Default: pages of 4,096 bytes, and nothing mapped into memory: a file that is cut off
    /// would end the process.
    pub database: DatabaseOptions,
}

impl Default for SqliteStoreOptions {
    fn default() -> Self {
        Self {
            max_bytes: 1 << 30,
            max_body_bytes: None,
            memory_bytes: 0,
            max_versions: 10,
            codecs: Codecs::default(),
            has_dictionaries: true,
            recompress_after: Some(MINUTE * 10),
            redaction: Redaction::default(),
            validation: Validation::default(),
            events: Events::default(),
            clock: Arc::new(SystemClock::new()),
            database: DatabaseOptions::default()
                .with_page_bytes(PAGE_BYTES)
                .with_execution(Execution::CallerThread),
        }
    }
}

impl SqliteStoreOptions {
    /// Sets [`max_bytes`](Self::max_bytes).
    #[must_use]
    pub const fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Sets [`max_body_bytes`](Self::max_body_bytes).
    #[must_use]
    pub const fn with_max_body_bytes(mut self, max_body_bytes: u64) -> Self {
        self.max_body_bytes = Some(max_body_bytes);
        self
    }

    /// Sets [`memory_bytes`](Self::memory_bytes).
    ///
    /// ```
    /// use http::Uri;
    /// use http_cache_db::store::ResponseStore;
    /// use http_cache_db::{SqliteStore, SqliteStoreOptions};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), http_cache_db::Error> {
    /// let options = SqliteStoreOptions::default().with_memory_bytes(64 * 1024 * 1024);
    /// let store = SqliteStore::in_memory(options).await?; // or `open("cache.db", options)`
    /// let target = store.salt().target_key(&Uri::from_static("http://example.org/"));
    /// assert!(store.variants(target).await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn with_memory_bytes(mut self, memory_bytes: u64) -> Self {
        self.memory_bytes = memory_bytes;
        self
    }

    /// Sets [`max_versions`](Self::max_versions).
    #[must_use]
    pub const fn with_max_versions(mut self, max_versions: u32) -> Self {
        self.max_versions = max_versions;
        self
    }

    /// Sets [`codecs`](Self::codecs).
    #[must_use]
    pub fn with_codecs(mut self, codecs: Codecs) -> Self {
        self.codecs = codecs;
        self
    }

    /// Sets [`has_dictionaries`](Self::has_dictionaries).
    #[must_use]
    pub const fn with_dictionaries(mut self, has_dictionaries: bool) -> Self {
        self.has_dictionaries = has_dictionaries;
        self
    }

    /// Sets [`recompress_after`](Self::recompress_after).
    #[must_use]
    pub const fn with_recompress_after(mut self, age: Option<Duration>) -> Self {
        self.recompress_after = age;
        self
    }

    /// Sets [`redaction`](Self::redaction).
    #[must_use]
    pub fn with_redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// Sets [`validation`](Self::validation).
    #[must_use]
    pub fn with_validation(mut self, validation: Validation) -> Self {
        self.validation = validation;
        self
    }

    /// Sets [`events`](Self::events).
    #[must_use]
    pub fn with_events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets [`database`](Self::database).
    #[must_use]
    pub fn with_database(mut self, database: DatabaseOptions) -> Self {
        self.database = database;
        self
    }

    pub(super) fn longest_body(&self) -> u64 {
        self.max_body_bytes
            .unwrap_or(self.max_bytes / MAX_BODY_SHARE)
    }

    /// The bytes of all bodies that are arriving.
    pub(super) fn most_filling(&self) -> u64 {
        self.longest_body().max(self.max_bytes / FILLING_SHARE)
    }
}
