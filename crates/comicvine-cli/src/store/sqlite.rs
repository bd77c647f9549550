//! Stores in one SQLite file, shared by processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use comicvine_client::MAX_ENTRY_BYTES;
use directories::ProjectDirs;
use indicatif::HumanBytes;
use serde_json::json;
use sqlite_database::{AccessMode, CreateMode, DatabaseOptions, MigrationState};
use store_core::Stores;
use store_core::layer::Tiered;
use store_memory::MemoryCacheStore;
use store_sqlite::{COMPONENTS, CacheOptions, SqliteCacheStore, SqliteDatabase, StoreOptions};

use crate::error::Error;
use crate::output;
use crate::progress::spinner;

use super::backend::{Backend, Purpose, cannot_use};
use super::maintenance::{Maintenance, Size};

const HELP: &str = "--db or COMIC_VINE_DB_PATH names the database file, and --store or COMIC_VINE_STORE \
                    any store";

/// With `is_tiered`, copies in memory come before the cache where the API is asked.
pub(super) async fn open(path: &Path, purpose: Purpose, is_tiered: bool) -> Result<Backend, Error> {
    let db = match purpose {
        Purpose::Requests => open_database(path).await?,
        Purpose::Maintenance => {
            ensure_current(path).await?;
            open_database(path).await?
        }
        Purpose::Inspection => {
            ensure_current(path).await?;
            open_to_look(path).await?
        }
        // What is wrong with the file, if anything, is reported by opening it for requests.
        Purpose::Limits if ensure_current(path).await.is_err() => open_database(path).await?,
        Purpose::Limits => open_to_look(path).await?,
    };
    let cache = CacheOptions::default().with_max_entry_bytes(MAX_ENTRY_BYTES);
    let options = StoreOptions::default().with_cache(cache.clone());
    let options = match purpose {
        Purpose::Requests => options,
        Purpose::Maintenance | Purpose::Inspection | Purpose::Limits => options.without_cleanup(),
    };
    let mut stores = store_sqlite::stores_with(&db, options);
    if is_tiered && purpose == Purpose::Requests {
        let file = SqliteCacheStore::with_options(&db, cache);
        stores = stores.with_cache(Tiered::following(MemoryCacheStore::new(), file));
    }
    Ok(Backend {
        stores,
        maintenance: Box::new(File { db, purpose }),
    })
}

/// Fails unless the file is there.
pub(super) fn ensure_exists(path: &Path) -> Result<(), Error> {
    if path.try_exists()? {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the database {} does not exist; name another with --db, or create it with a command that asks the API, such \
         as `comicvine get`",
        path.display()
    )))
}

/// Fails unless the file is there with the schema of this program. Opened only for reading, it stays as it is.
async fn ensure_current(path: &Path) -> Result<(), Error> {
    ensure_exists(path)?;
    let shown = path.display();
    let options = DatabaseOptions::default().with_access(AccessMode::ReadOnly);
    let db = SqliteDatabase::open_with(path, options).await;
    let db = db.map_err(|error| Error::config(error).with_help(HELP))?;
    let mut is_current = true;
    // The queue of writes is not shown here, and only in files of programs that use one.
    let [cache, dedupe, rate_limit, _queue] = COMPONENTS;
    for component in [cache, dedupe, rate_limit] {
        let migrations = db.migration_status(component).await;
        let migrations = migrations.map_err(Error::config)?;
        // A newer schema is reported by what opens the file next.
        is_current &= migrations
            .iter()
            .all(|migration| migration.state != MigrationState::Pending);
    }
    db.close().await.map_err(Error::failed)?;
    if is_current {
        return Ok(());
    }
    Err(Error::usage(format!(
        "the database {shown} has an older schema, or another program's; `comicvine db plan --db {shown}` shows \
         what would change, and `comicvine db up --db {shown}` migrates it"
    )))
}

/// Opens a file with the schema of this program for reading only.
async fn open_to_look(path: &Path) -> Result<SqliteDatabase, Error> {
    let options = DatabaseOptions::default().with_access(AccessMode::ReadOnly);
    let opened = SqliteDatabase::open_with(path, options).await;
    opened.map_err(|error| Error::config(error).with_help(HELP))
}

/// Removes the empty log that a handle for reading only leaves beside a file that nobody else has open.
async fn remove_log(path: &Path) {
    let options = DatabaseOptions::default()
        .with_create(CreateMode::Never)
        .with_busy_timeout(Duration::ZERO);
    // Whoever has it open, or may write it, removes it later.
    if let Ok(db) = SqliteDatabase::open_with(path, options).await {
        let _ = db.close().await;
    }
}

/// Opens the file and brings its schema up to date.
async fn open_database(path: &Path) -> Result<SqliteDatabase, Error> {
    let db = SqliteDatabase::open(path)
        .await
        .map_err(|error| Error::config(error).with_help(HELP))?;
    if let Err(error) = store_sqlite::migrate(&db).await {
        let what = format!("the database {}", path.display());
        return Err(cannot_use(what, error, HELP));
    }
    Ok(db)
}

/// The database file if none is named. Where a missing one is created, so is its directory.
pub(super) fn default_path(purpose: Purpose) -> Result<PathBuf, Error> {
    let dirs = ProjectDirs::from("", "", "comicvine").ok_or_else(|| {
        Error::usage("there is no home directory for the database file; name a file with --db")
    })?;
    let folder = dirs.data_dir();
    if matches!(purpose, Purpose::Requests | Purpose::Limits) {
        fs::create_dir_all(folder).map_err(|error| {
            Error::usage(format!(
                "cannot create {}: {error}; name a database file elsewhere with --db",
                folder.display()
            ))
        })?;
    }
    Ok(folder.join("comics.db"))
}

struct File {
    db: SqliteDatabase,
    purpose: Purpose,
}

#[async_trait]
impl Maintenance for File {
    async fn size(&self) -> Result<Option<Size>, Error> {
        let size = self.db.size().await.map_err(Error::failed)?;
        Ok(Some(Size {
            name: "file",
            json: json!({
                "bytes": size.bytes(), "free_bytes": size.free_bytes(), "wal_bytes": size.wal_bytes,
            }),
            rows: vec![
                ("file", HumanBytes(size.bytes()).to_string()),
                (
                    "free space in the file",
                    HumanBytes(size.free_bytes()).to_string(),
                ),
                ("write-ahead log", HumanBytes(size.wal_bytes).to_string()),
            ],
        }))
    }

    async fn vacuum(&self) -> Result<String, Error> {
        let working = spinner("rebuilding the file");
        let vacuumed = self.db.vacuum().await;
        working.finish_and_clear();
        let vacuumed = vacuumed.map_err(Error::failed)?;
        let (before, now) = (vacuumed.bytes_before, vacuumed.bytes_after);
        Ok(format!(
            "{} before, {} now",
            HumanBytes(before),
            HumanBytes(now)
        ))
    }

    async fn check(&self) -> Result<String, Error> {
        let working = spinner("reading the whole file");
        let report = store_sqlite::check(&self.db).await;
        working.finish_and_clear();
        let report = report.map_err(Error::failed)?;
        if report.is_ok() {
            return Ok("the file is intact".to_owned());
        }
        for damage in &report.file.damage {
            output::print_line(damage)?;
        }
        for reference in &report.file.broken_references {
            output::print_line(&reference.to_string())?;
        }
        for (what, keys) in [
            ("value", &report.damaged_values),
            ("result", &report.damaged_jobs),
            ("queued write", &report.damaged_writes),
        ] {
            for key in keys {
                output::print_line(&format!("the {what} of {key} is not what was stored"))?;
            }
        }
        if report.file.is_ok() {
            return Err(Error::CheckFailed(
                "stored values are damaged; they are never served, and each is removed when it is asked for; a queued \
                 write stays and is not delivered"
                    .to_owned(),
            ));
        }
        Err(Error::CheckFailed(
            "the file is damaged; replace it with a backup, or delete it and start again: it is a cache, \
             unless a program of yours keeps queued writes in it"
                .to_owned(),
        ))
    }

    async fn backup(&self, path: &Path) -> Result<String, Error> {
        let working = spinner("copying");
        let copied = self.db.backup(path).await;
        working.finish_and_clear();
        copied.map_err(Error::config)?;
        Ok(format!("copied to {}", path.display()))
    }

    fn after_cleanup(&self) -> &'static str {
        "`comicvine cache vacuum` returns their space to the disk"
    }

    async fn close(&self, stores: &Stores) -> Result<(), Error> {
        if self.purpose == Purpose::Requests
            && let Err(error) = remove_expired(stores).await
        {
            tracing::warn!(%error, "cannot remove expired entries");
        }
        self.db.close().await.map_err(Error::failed)?;
        if matches!(self.purpose, Purpose::Inspection | Purpose::Limits)
            && let Some(path) = self.db.path()
        {
            remove_log(path).await;
        }
        Ok(())
    }
}

async fn remove_expired(stores: &Stores) -> store_core::Result<()> {
    if let Some(cache) = &stores.cache {
        cache.cleanup().await?;
    }
    if let Some(dedupe) = &stores.dedupe {
        dedupe.cleanup().await?;
    }
    if let Some(rate_limit) = &stores.rate_limit {
        rate_limit.cleanup().await?;
    }
    Ok(())
}
