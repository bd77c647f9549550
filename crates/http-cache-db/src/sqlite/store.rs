//! [`SqliteStore`]: a store in a file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use sqlite_database::{AccessMode, CreateMode, SqliteDatabase};
use store_core::{Clock, Error, ErrorKind, MINUTE, Result};

use super::cleanup::{self, CleanupReport};
use super::content::{Compressor, give_up};
use super::error::{BACKEND, store_error};
use super::fill::SqliteFill;
use super::open::Opened;
use super::options::SqliteStoreOptions;
use super::read::{Reader, find_content};
use super::recovery::{self, Recovery};
use super::remove::{
    Removed, log_purge, of_content, of_target, remove_responses, remove_unreadable,
};
use super::verify::VerifyReport;
use super::{evict, invalidations, remove, report, statistics, verify};
use crate::events::{Event, Events};
use crate::keys::{Salt, TargetKey};
use crate::record::ContentHash;
use crate::store::{
    ContentId, Counts, Evicted, Fill, Health, Hit, ResponseId, ResponseStore, StoredBody, Variant,
    Version,
};

/// The responses of one transaction.
const PER_WRITE: u32 = 500;
/// Of the allowed bytes, the part that is free after an eviction: a sixteenth.
const ROOM_SHARE: u64 = 16;

/// Stored responses in a file, shared by all processes that open it. Clones share the file.
///
/// ```
/// use http::Uri;
/// use http_cache_db::{SqliteStore, SqliteStoreOptions};
/// use http_cache_db::store::ResponseStore;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("cache.db");
/// let store = SqliteStore::open(&path, SqliteStoreOptions::default()).await?;
/// let target = store.salt().target_key(&Uri::from_static("http://example.org/"));
/// assert!(store.variants(target).await?.is_empty());
/// store.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteStore {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) path: Option<PathBuf>,
    pub(super) options: SqliteStoreOptions,
    pub(super) compressor: Compressor,
    reader: Arc<Reader>,
    opened: RwLock<Arc<Opened>>,
    is_closed: AtomicBool,
    pub(super) recovery: Recovery,
    /// When the last cleanup began, in milliseconds.
    cleaned_at: AtomicI64,
}

impl SqliteStore {
    /// Opens the file at `path`, and creates it if there is none. The folder must exist.
    ///
    /// # Errors
    /// `Unavailable`, `ReadOnly` or `StorageFull` if the file cannot be used; `Busy` if another process keeps it
    /// locked; `SchemaNewer` if a newer program wrote it. A damaged file is renamed to `NAME.damaged-1`, or
    /// the next number that is free, and a new one is begun.
    pub async fn open(path: impl AsRef<Path>, options: SqliteStoreOptions) -> Result<Self> {
        Self::start(Some(path.as_ref().to_owned()), options).await
    }

    /// A store in memory, with the tables and views of a file.
    ///
    /// # Errors
    /// `Unavailable` if no thread can be started.
    pub async fn in_memory(options: SqliteStoreOptions) -> Result<Self> {
        Self::start(None, options).await
    }

    /// Opens the file at `path`, which must exist with the schema of this program: it is neither created, nor
    /// migrated, nor set aside if it is damaged.
    ///
    /// # Errors
    /// `SchemaMissing` if the schema is missing or older; `SchemaNewer` if it is newer; otherwise as
    /// [`open`](Self::open).
    pub async fn open_existing(
        path: impl AsRef<Path>,
        mut options: SqliteStoreOptions,
    ) -> Result<Self> {
        let path = path.as_ref();
        options.database = options.database.with_create(CreateMode::Never);
        let opened = Opened::open_existing(path, &options).await?;
        Ok(Self::new(Some(path.to_owned()), options, opened))
    }

    /// Opens the file at `path` to look at it, also while others write it. What would write fails with the kind
    /// `ReadOnly`.
    ///
    /// # Errors
    /// As [`open_existing`](Self::open_existing).
    pub async fn open_read_only(path: impl AsRef<Path>) -> Result<Self> {
        let mut options = SqliteStoreOptions::default();
        options.database = options.database.with_access(AccessMode::ReadOnly);
        Self::open_existing(path, options).await
    }

    async fn start(path: Option<PathBuf>, options: SqliteStoreOptions) -> Result<Self> {
        let opened = recovery::open(path.as_deref(), &options).await;
        let opened = opened.map_err(|error| store_error(error, "open"))?;
        Ok(Self::new(path, options, opened))
    }

    fn new(path: Option<PathBuf>, options: SqliteStoreOptions, opened: Arc<Opened>) -> Self {
        let (codecs, events) = (options.codecs.clone(), options.events.clone());
        let clock = Arc::clone(&options.clock);
        let shown = path
            .as_ref()
            .map_or(":memory:".into(), |path| path.display().to_string());
        events.emit(|| Event::Connected { path: shown });
        events.emit(|| Event::Ready);
        let shared = Shared {
            path,
            reader: Arc::new(Reader::new(
                codecs.clone(),
                events.clone(),
                Arc::clone(&clock),
            )),
            compressor: Compressor {
                codecs,
                events,
                clock,
            },
            opened: RwLock::new(opened),
            is_closed: AtomicBool::new(false),
            recovery: Recovery::default(),
            cleaned_at: AtomicI64::new(options.clock.now().as_millis()),
            options,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The database, for queries of your own; see the views in `docs/http-cache.md`.
    ///
    /// # Errors
    /// `Closed` after [`close`](ResponseStore::close).
    pub fn database(&self) -> Result<SqliteDatabase> {
        Ok(self.shared.opened("database")?.database.clone())
    }

    /// Removes what nothing needs any more, in short transactions: rows of removed responses, bodies without a
    /// response, header pairs without a row; and returns free pages to the file system. The store does all but
    /// the header pairs by itself, at most once a minute.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn cleanup(&self) -> Result<CleanupReport> {
        let opened = self.shared.opened("cleanup")?;
        let report = async {
            let header_pairs = cleanup::sweep_pairs(&opened).await?;
            let report = cleanup::run(&opened, self.shared.options.clock.now()).await?;
            Ok(CleanupReport {
                header_pairs,
                ..report
            })
        };
        report
            .await
            .map_err(|error| self.shared.error(error, "cleanup"))
    }
}

impl SqliteStore {
    /// Checks the file: its pages, what must hold between its rows, and every body against its hash. Reads all of
    /// it.
    ///
    /// # Errors
    /// If the file cannot be read at all; what is wrong is reported.
    pub async fn verify(&self) -> Result<VerifyReport> {
        let opened = self.shared.opened("verify")?;
        // With a reader of its own: what is checked is not changed.
        let Compressor { codecs, clock, .. } = self.shared.compressor.clone();
        let reader = Arc::new(Reader::new(codecs, Events::default(), clock));
        let report = verify::run(&opened, &reader).await;
        report.map_err(|error| self.shared.error(error, "verify"))
    }
}

impl Shared {
    pub(super) fn opened(&self, operation: &'static str) -> Result<Arc<Opened>> {
        if self.is_closed() {
            return Err(Error::new(ErrorKind::Closed, BACKEND, operation));
        }
        Ok(self.current())
    }

    pub(super) fn current(&self) -> Arc<Opened> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&opened)
    }

    pub(super) fn replace(&self, opened: Arc<Opened>) -> Arc<Opened> {
        let mut current = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut current, opened)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// The error of an operation; if it says that the file is damaged or gone, the store gets another.
    pub(super) fn error(
        self: &Arc<Self>,
        error: sqlite_database::Error,
        operation: &'static str,
    ) -> Error {
        recovery::begin_if_needed(self, error.kind());
        let error = store_error(error, operation);
        self.options.events.emit(|| Event::Error {
            operation,
            error: error.to_string(),
        });
        error
    }

    /// Removes the bodies that reads have found damaged, with their responses.
    fn remove_damaged(&self, opened: &Opened) {
        if self.options.database.access == AccessMode::ReadOnly {
            return;
        }
        for content in self.reader.take_damaged() {
            let now = self.options.clock.now();
            opened.database.write_detached(move |tx| {
                let removed = remove_unreadable(tx, content.0, now)?;
                log_purge(tx, "damaged", removed, now)
            });
        }
    }

    fn removed(
        self: &Arc<Self>,
        result: Result<Removed, sqlite_database::Error>,
        operation: &'static str,
    ) -> Result<u64> {
        let events = &self.options.events;
        match result {
            Ok(Removed { responses: 0, .. }) => Ok(0),
            Ok(Removed { responses, .. }) => {
                events.emit(|| Event::DeleteSuccess { responses });
                Ok(responses)
            }
            Err(error) => {
                let error = self.error(error, operation);
                events.emit(|| Event::DeleteError {
                    error: error.to_string(),
                });
                Err(error)
            }
        }
    }

    /// Makes room if more than the allowed bytes are in use, and cleans up now and then. What fails here fails
    /// again where a caller hears of it.
    pub(super) async fn keep_within_bounds(self: &Arc<Self>, opened: &Arc<Opened>) {
        let max_bytes = self.options.max_bytes;
        let used = opened
            .database
            .read(evict::lasting_bytes)
            .await
            .unwrap_or_default();
        if used > max_bytes {
            let surplus = used - max_bytes + max_bytes / ROOM_SHARE;
            let _reported = self.evict(opened, surplus).await;
        }
        self.clean_up_if_due(opened);
    }

    async fn evict(self: &Arc<Self>, opened: &Opened, bytes: u64) -> Result<Evicted> {
        let mut evicted = Evicted::default();
        while evicted.bytes < bytes {
            let (rest, now) = (bytes - evicted.bytes, self.options.clock.now());
            let some = opened.database.write(move |tx| evict::evict(tx, rest, now));
            let evict::Step {
                evicted: some,
                has_more,
            } = some.await.map_err(|error| self.error(error, "evict"))?;
            evicted.responses += some.responses;
            evicted.versions += some.versions;
            evicted.bytes += some.bytes;
            if !has_more {
                break;
            }
        }
        let Evicted {
            responses,
            versions,
            bytes,
        } = evicted;
        if bytes > 0 {
            self.options.events.emit(|| Event::Evicted {
                responses,
                versions,
                bytes,
            });
        }
        Ok(evicted)
    }

    fn clean_up_if_due(self: &Arc<Self>, opened: &Arc<Opened>) {
        let now = self.options.clock.now();
        let last = self.cleaned_at.load(Ordering::Relaxed);
        let since = now.as_millis().saturating_sub(last).unsigned_abs();
        let due = u128::from(since) >= MINUTE.as_millis();
        let exchange = || {
            let claim = &self.cleaned_at;
            claim.compare_exchange(last, now.as_millis(), Ordering::Relaxed, Ordering::Relaxed)
        };
        if due && exchange().is_ok() {
            let (shared, opened) = (Arc::clone(self), Arc::clone(opened));
            tokio::spawn(async move {
                if let Err(error) = cleanup::run(&opened, now).await {
                    shared.error(error, "cleanup");
                }
            });
        }
    }
}

#[async_trait]
impl ResponseStore for SqliteStore {
    fn salt(&self) -> Salt {
        self.shared.current().salt
    }

    fn events(&self) -> &Events {
        &self.shared.options.events
    }

    fn max_body_bytes(&self) -> u64 {
        self.shared.options.longest_body()
    }

    async fn variants(&self, target: TargetKey) -> Result<Vec<Variant>> {
        let (shared, opened) = (&self.shared, self.shared.opened("variants")?);
        let found = opened
            .database
            .blocking_read(|db| shared.reader.variants(db, &opened, target));
        shared.remove_damaged(&opened);
        found.map_err(|error| shared.error(error, "variants"))
    }

    async fn body(&self, content: ContentId) -> Result<Option<StoredBody>> {
        let (shared, opened) = (&self.shared, self.shared.opened("body")?);
        let body = opened
            .database
            .blocking_read(|db| shared.reader.body(db, content));
        shared.remove_damaged(&opened);
        body.map_err(|error| shared.error(error, "body"))
    }

    async fn chunk(&self, content: ContentId, index: u64) -> Result<Option<Bytes>> {
        let (shared, opened) = (&self.shared, self.shared.opened("chunk")?);
        let chunk = opened
            .database
            .blocking_read(|db| shared.reader.chunk(db, content, index));
        shared.remove_damaged(&opened);
        chunk.map_err(|error| shared.error(error, "chunk"))
    }

    async fn find_content(&self, hash: &ContentHash) -> Result<Option<ContentId>> {
        let opened = self.shared.opened("find_content")?;
        let found = opened.database.blocking_read(|db| find_content(db, hash));
        found.map_err(|error| self.shared.error(error, "find_content"))
    }

    async fn begin(&self, target: TargetKey) -> Result<Box<dyn Fill>> {
        let opened = self.shared.opened("begin")?;
        let begun = opened.database.blocking_read(invalidations::count);
        let begun = begun.map_err(|error| self.shared.error(error, "begin"))?;
        Ok(Box::new(SqliteFill::new(
            Arc::clone(&self.shared),
            opened,
            target,
            begun,
        )))
    }

    async fn invalidate(&self, target: TargetKey) -> Result<u64> {
        let (opened, now) = (
            self.shared.opened("invalidate")?,
            self.shared.options.clock.now(),
        );
        let removed = opened.database.write(move |tx| {
            invalidations::remember(tx, target, now)?;
            let responses = of_target(tx, target.as_bytes())?;
            let removed = remove_responses(tx, &responses, now)?;
            log_purge(tx, "invalidate", removed, now)?;
            Ok(removed)
        });
        self.shared.removed(removed.await, "invalidate")
    }

    async fn remove(&self, response: ResponseId) -> Result<bool> {
        let (opened, now) = (
            self.shared.opened("remove")?,
            self.shared.options.clock.now(),
        );
        let removed = opened.database.write(move |tx| {
            let removed = remove_responses(tx, &[response.0], now)?;
            log_purge(tx, "remove", removed, now)?;
            Ok(removed)
        });
        Ok(self.shared.removed(removed.await, "remove")? > 0)
    }

    async fn release(&self, content: ContentId) -> Result<u64> {
        let opened = self.shared.opened("release")?;
        let mut released = 0;
        loop {
            let now = self.shared.options.clock.now();
            let removed = opened.database.write(move |tx| {
                let responses = of_content(tx, content.0, PER_WRITE)?;
                let removed = remove_responses(tx, &responses, now)?;
                give_up(tx, content)?;
                log_purge(tx, "release", removed, now)?;
                Ok(removed)
            });
            match self.shared.removed(removed.await, "release")? {
                0 => return Ok(released),
                responses => released += responses,
            }
        }
    }

    async fn clear(&self) -> Result<u64> {
        let opened = self.shared.opened("clear")?;
        let now = self.shared.options.clock.now();
        let mut responses = 0;
        loop {
            let hidden = opened.database.write(move |tx| {
                invalidations::remember_all(tx)?;
                let responses = remove::hide(tx, PER_WRITE)?;
                let hidden = Removed {
                    responses,
                    bytes: 0,
                };
                log_purge(tx, "clear", hidden, now)?;
                Ok(hidden)
            });
            match self.shared.removed(hidden.await, "clear")? {
                0 => break,
                hidden => responses += hidden,
            }
        }
        let cleaned = cleanup::run(&opened, now).await;
        cleaned.map_err(|error| self.shared.error(error, "clear"))?;
        self.shared
            .options
            .events
            .emit(|| Event::Destroyed { responses });
        Ok(responses)
    }

    async fn evict(&self, bytes: u64) -> Result<Evicted> {
        let opened = self.shared.opened("evict")?;
        self.shared.evict(&opened, bytes).await
    }

    async fn record_hits(&self, hits: Vec<Hit>) -> Result<()> {
        let opened = self.shared.opened("record_hits")?;
        let counted = opened
            .database
            .write(move |tx| statistics::record(tx, &hits));
        let counted = counted
            .await
            .map_err(|error| self.shared.error(error, "record_hits"))?;
        for (response, hits) in counted {
            self.shared
                .options
                .events
                .emit(|| Event::Accessed { response, hits });
        }
        self.shared.clean_up_if_due(&opened);
        Ok(())
    }

    async fn counts(&self) -> Result<Counts> {
        let opened = self.shared.opened("counts")?;
        let counts = opened.database.long_read(report::counts).await;
        counts.map_err(|error| self.shared.error(error, "counts"))
    }

    async fn history(&self, target: TargetKey) -> Result<Vec<Version>> {
        let opened = self.shared.opened("history")?;
        let history = opened
            .database
            .read(move |db| report::history(db, target))
            .await;
        history.map_err(|error| self.shared.error(error, "history"))
    }

    async fn health(&self) -> Result<Health> {
        let opened = self.shared.opened("health")?;
        let clock = &self.shared.options.clock;
        let asked_at = clock.monotonic();
        let used_bytes = opened.database.read(evict::used_bytes).await;
        Ok(Health {
            used_bytes: used_bytes.map_err(|error| self.shared.error(error, "health"))?,
            max_bytes: self.shared.options.max_bytes,
            latency: clock.monotonic().saturating_sub(asked_at),
        })
    }

    fn is_open(&self) -> bool {
        !self.shared.is_closed.load(Ordering::Acquire)
    }

    async fn close(&self) -> Result<()> {
        if self.shared.is_closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let closed = self.shared.current().database.close().await;
        self.shared.options.events.emit(|| Event::Disconnected);
        closed.map_err(|error| store_error(error, "close"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::store_cases!(
        SqliteStore::in_memory(
            SqliteStoreOptions::default()
                .with_max_versions(2)
                .with_max_bytes(1 << 20)
        )
        .await
        .unwrap()
    );
}
