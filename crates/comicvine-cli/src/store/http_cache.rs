//! Answers in the file of an HTTP cache, beside a store that has the rest: budgets and jobs stay where other programs
//! look for them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use comicvine_client::MAX_ENTRY_BYTES;
use http_cache_db::store::ResponseStore;
use http_cache_db::{SqliteStore, SqliteStoreOptions, ValueCache};
use indicatif::HumanBytes;
use serde_json::json;
use sqlite_database::{AccessMode, CreateMode};
use store_core::layer::Tiered;
use store_core::{CacheOptions, ErrorKind, MINUTE, Stores};
use store_memory::MemoryCacheStore;

use crate::error::Error;
use crate::options::GlobalOptions;
use crate::output;
use crate::progress::spinner;

use super::backend::{Backend, Purpose, cannot_use};
use super::maintenance::{Maintenance, Size};

/// What a vacuum may spend on compressing what programs had no time for.
const RECOMPRESSION: Duration = MINUTE;
const VARIABLE: &str = "COMIC_VINE_HTTP_CACHE";
const HELP: &str = "--http-cache or COMIC_VINE_HTTP_CACHE names the file of an HTTP cache; without it, the store keeps \
                    the answers";

/// The file that `global` or the environment names.
pub(super) fn path(global: &GlobalOptions) -> Option<PathBuf> {
    let of_environment = || std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let given = global.http_cache.clone();
    given.or_else(|| of_environment().map(PathBuf::from))
}

/// `backend`, with its answers in the file at `path`. With `is_tiered`, copies in memory come before it, where the API is
/// asked.
pub(super) async fn over(
    backend: Backend,
    path: &Path,
    purpose: Purpose,
    is_tiered: bool,
) -> Result<Backend, Error> {
    let file = open(path, purpose).await?;
    let values = values(&file, purpose);
    let stores = if is_tiered && purpose == Purpose::Requests {
        let tiered = Tiered::new(MemoryCacheStore::new(), values);
        backend.stores.with_cache(tiered)
    } else {
        backend.stores.with_cache(values)
    };
    Ok(Backend {
        stores,
        maintenance: Box::new(HttpCacheFile {
            file,
            path: path.to_owned(),
            others: backend.maintenance,
        }),
    })
}

/// Fails unless the file is there.
pub(super) fn ensure_exists(path: &Path) -> Result<(), Error> {
    if path.try_exists()? {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the file {} does not exist; name another with --http-cache, or create it with a command that asks the API, \
         such as `comicvine get`",
        path.display()
    )))
}

async fn open(path: &Path, purpose: Purpose) -> Result<SqliteStore, Error> {
    if matches!(purpose, Purpose::Maintenance | Purpose::Inspection) {
        ensure_exists(path)?;
    }
    let options = SqliteStoreOptions::default();
    let database = options.database.clone();
    let opened = if purpose == Purpose::Inspection {
        let options = options.with_database(database.with_access(AccessMode::ReadOnly));
        SqliteStore::open_existing(path, options).await
    } else {
        let create = match purpose {
            Purpose::Requests | Purpose::Limits => CreateMode::IfMissing,
            Purpose::Maintenance | Purpose::Inspection => CreateMode::Never,
        };
        SqliteStore::open(path, options.with_database(database.with_create(create))).await
    };
    opened.map_err(|error| {
        let shown = path.display();
        let help = if error.kind() == ErrorKind::SchemaMissing {
            format!("if it is a cache of an earlier version, `comicvine cache cleanup --http-cache {shown}` migrates it")
        } else {
            HELP.to_owned()
        };
        cannot_use(format!("the HTTP cache {shown}"), error, help)
    })
}

fn values(file: &SqliteStore, purpose: Purpose) -> ValueCache {
    let options = CacheOptions::default().with_max_entry_bytes(MAX_ENTRY_BYTES);
    file.values(match purpose {
        Purpose::Requests => options,
        Purpose::Maintenance | Purpose::Inspection | Purpose::Limits => {
            options.with_cleanup_interval(None)
        }
    })
}

struct HttpCacheFile {
    file: SqliteStore,
    path: PathBuf,
    /// Maintenance of the store that has the rest.
    others: Box<dyn Maintenance>,
}

#[async_trait]
impl Maintenance for HttpCacheFile {
    async fn size(&self) -> Result<Option<Size>, Error> {
        let bytes = self.file.health().await.map_err(Error::failed)?.used_bytes;
        let mut size = self.others.size().await?.unwrap_or(Size {
            name: "file",
            json: json!({}),
            rows: Vec::new(),
        });
        size.json["http_cache_bytes"] = bytes.into();
        size.rows
            .push(("HTTP cache", HumanBytes(bytes).to_string()));
        Ok(Some(size))
    }

    async fn vacuum(&self) -> Result<String, Error> {
        let working = spinner("compressing the HTTP cache");
        let database = self.file.database().map_err(Error::failed)?;
        let before = database.size().await.map_err(Error::failed)?.bytes();
        let recompressed = self.file.recompress(RECOMPRESSION).await;
        working.set_message("rebuilding the HTTP cache");
        let vacuumed = self.file.vacuum().await;
        working.finish_and_clear();
        recompressed.map_err(Error::failed)?;
        let now = vacuumed.map_err(Error::failed)?.bytes_after;
        Ok(format!(
            "the HTTP cache: {} before, {} now",
            HumanBytes(before),
            HumanBytes(now)
        ))
    }

    async fn check(&self) -> Result<String, Error> {
        let working = spinner("reading the HTTP cache");
        let report = self.file.verify().await;
        working.finish_and_clear();
        let report = report.map_err(Error::failed)?;
        if report.is_ok() {
            return Ok(format!(
                "the HTTP cache is intact: {} bodies",
                report.bodies
            ));
        }
        for damage in &report.damage {
            output::print_line(damage)?;
        }
        for (what, count) in &report.violations {
            output::print_line(&format!("{what}: {count}"))?;
        }
        let damaged = report.damaged_bodies.len();
        if damaged > 0 {
            output::print_line(&format!("bodies that are not what was stored: {damaged}"))?;
        }
        Err(Error::CheckFailed(format!(
            "the HTTP cache {} is damaged; a damaged answer is never served, and the file may be deleted: it is a cache",
            self.path.display()
        )))
    }

    async fn backup(&self, path: &Path) -> Result<String, Error> {
        let working = spinner("copying");
        let database = self.file.database().map_err(Error::failed)?;
        let copied = database.backup(path).await;
        working.finish_and_clear();
        copied.map_err(Error::config)?;
        Ok(format!("copied the HTTP cache to {}", path.display()))
    }

    fn after_cleanup(&self) -> &'static str {
        self.others.after_cleanup()
    }

    async fn close(&self, stores: &Stores) -> Result<(), Error> {
        self.others.close(stores).await?;
        if let Some(cache) = &stores.cache {
            cache.close().await.map_err(Error::failed)?;
        }
        self.file.close().await.map_err(Error::failed)
    }
}
