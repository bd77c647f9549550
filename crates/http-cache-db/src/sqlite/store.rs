//! [`SqliteStore`]: a store in a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlite_database::{AccessMode, CreateMode, SqliteDatabase, VacuumReport};
use store_core::Result;

use super::cleanup::{self, CleanupReport, READING};
use super::compressor::Compressor;
use super::error::store_error;
use super::open::Opened;
use super::options::SqliteStoreOptions;
use super::reader::Reader;
use super::recompress::{self, RecompressReport};
use super::shared::Shared;
use super::verify::{self, VerifyReport};
use super::{maintenance, recovery, train};
use crate::events::Event;

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

impl SqliteStore {
    /// Opens the file at `path`, and creates it if there is none. The folder must exist.
    ///
    /// # Errors
    /// `Unavailable`, `ReadOnly` or `StorageFull` if the file cannot be used; `Busy` if another process keeps it
    /// locked; `SchemaNewer` if a newer program wrote it; `InvalidInput` if the file is no cache: no database, or one
    /// with tables of another program. A damaged cache is renamed to `NAME.damaged-1`, or the next number that is
    /// free, and a new one is begun.
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
        let shown = path
            .as_ref()
            .map_or(":memory:".into(), |path| path.display().to_string());
        options.events.emit(|| Event::Connected { path: shown });
        options.events.emit(|| Event::Ready);
        Self {
            shared: Arc::new(Shared::new(path, options, opened)),
        }
    }

    /// The database, for queries of your own; see the views in `docs/http-cache.md`.
    ///
    /// # Errors
    /// `Closed` after [`close`](crate::store::ResponseStore::close).
    pub fn database(&self) -> Result<SqliteDatabase> {
        Ok(self.shared.opened("database")?.database.clone())
    }

    /// Removes what nothing needs any more, in short transactions: rows of removed responses, bodies without a
    /// response, header pairs without a row; and returns free pages to the file system. The store does that by itself
    /// once a minute while it is used, and the header pairs once an hour.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn cleanup(&self) -> Result<CleanupReport> {
        let opened = self.shared.opened("cleanup")?;
        let run = async {
            let header_pairs = cleanup::sweep_pairs(&opened).await?;
            let report = cleanup::run(&opened, self.shared.options.clock.now(), READING).await?;
            Ok(CleanupReport {
                header_pairs: header_pairs + report.header_pairs,
                ..report
            })
        };
        maintenance::logged(&self.shared, &opened, "cleanup", run, |report| {
            Some(report.to_json())
        })
        .await
    }

    /// Trains dictionaries for hosts that have enough bodies, and compresses bodies again, slower and shorter, for at
    /// most `budget`; it goes on where the last call stopped. The store does that by itself, a second of each minute
    /// ([`recompress_after`](SqliteStoreOptions::recompress_after)).
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn recompress(&self, budget: Duration) -> Result<RecompressReport> {
        let opened = self.shared.opened("recompress")?;
        let run = async {
            let dictionaries = train::train(&self.shared, &opened).await?;
            let now = self.shared.options.clock.now();
            let report = recompress::run(&self.shared, &opened, now, budget).await?;
            Ok(RecompressReport {
                dictionaries,
                ..report
            })
        };
        maintenance::logged(&self.shared, &opened, "recompress", run, |report| {
            Some(report.to_json())
        })
        .await
    }

    /// Checks the file: its pages, what must hold between its rows, and every body against its hash. Reads all of
    /// it.
    ///
    /// # Errors
    /// If the file cannot be read at all; what is wrong is reported.
    pub async fn verify(&self) -> Result<VerifyReport> {
        let opened = self.shared.opened("verify")?;
        // With a reader of its own: what is checked is not changed.
        let Compressor { codecs, clock, .. } = self.shared.compressor.clone();
        let reader = Arc::new(Reader::quiet(codecs, clock));
        let run = verify::run(&opened, &reader);
        maintenance::logged(&self.shared, &opened, "verify", run, |report| {
            // A damaged file is not written to.
            report.damage.is_empty().then(|| report.to_json())
        })
        .await
    }

    /// Writes the file anew without free space; other writers wait meanwhile.
    ///
    /// # Errors
    /// If the file cannot be written, or a copy of it does not fit on the disk.
    pub async fn vacuum(&self) -> Result<VacuumReport> {
        let opened = self.shared.opened("vacuum")?;
        let run = opened.database.vacuum();
        maintenance::logged(&self.shared, &opened, "vacuum", run, |report| {
            let (before, after) = (report.bytes_before, report.bytes_after);
            Some(json!({"bytes_before": before, "bytes_after": after}))
        })
        .await
    }
}
