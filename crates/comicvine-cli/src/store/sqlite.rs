//! Stores in one SQLite file that any number of processes share.

use std::fs;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use directories::ProjectDirs;
use indicatif::HumanBytes;
use serde_json::json;
use store_core::Stores;
use store_sqlite::{CacheOptions, SqliteDatabase, StoreOptions};

use super::{Backend, Keeper, LONGEST_ANSWER_BYTES, Size, Sweep, unusable};
use crate::failure::Failure;
use crate::output;
use crate::progress::spinner;

const HELP: &str = "--db or COMIC_VINE_DB_PATH names the database file, and --store or COMIC_VINE_STORE \
                    any store";

pub(super) async fn open(path: &Path, sweep: Sweep) -> Result<Backend, Failure> {
    let db = open_database(path).await?;
    let cache = CacheOptions::default().with_max_entry_bytes(LONGEST_ANSWER_BYTES);
    let options = StoreOptions::default().with_cache(cache);
    let options = match sweep {
        Sweep::Themselves => options,
        Sweep::OnRequest => options.without_cleanup(),
    };
    Ok(Backend {
        stores: store_sqlite::stores_with(&db, options),
        keeper: Box::new(File { db, sweep }),
    })
}

/// Opens the file and brings its schema up to date, so that an unusable file is told at once.
pub(crate) async fn open_database(path: &Path) -> Result<SqliteDatabase, Failure> {
    let db = SqliteDatabase::open(path)
        .await
        .map_err(|error| Failure::setting(error).with_help(HELP))?;
    if let Err(error) = store_sqlite::migrate(&db).await {
        let what = format!("the database {}", path.display());
        return Err(unusable(what, error, HELP));
    }
    let is_read_only = db.write(|transaction| Ok(transaction.is_readonly("main")?));
    if is_read_only.await.map_err(Failure::failed)? {
        return Err(Failure::usage(format!(
            "the database {} is read-only; allow writing to the file and its directory, or name \
             another with --db",
            path.display()
        )));
    }
    Ok(db)
}

/// The file that is used if none is named.
pub(super) fn default_path() -> Result<PathBuf, Failure> {
    let dirs = ProjectDirs::from("", "", "comicvine").ok_or_else(|| {
        Failure::usage("there is no home directory to keep the database in; name a file with --db")
    })?;
    let folder = dirs.data_dir();
    fs::create_dir_all(folder).map_err(|error| {
        Failure::usage(format!(
            "cannot create {}: {error}; name a database file elsewhere with --db",
            folder.display()
        ))
    })?;
    Ok(folder.join("comics.db"))
}

struct File {
    db: SqliteDatabase,
    sweep: Sweep,
}

#[async_trait]
impl Keeper for File {
    async fn size(&self) -> Result<Option<Size>, Failure> {
        let size = self.db.size().await.map_err(Failure::failed)?;
        Ok(Some(Size {
            of: "file",
            json: json!({
                "bytes": size.bytes(), "free_bytes": size.free_bytes(), "wal_bytes": size.wal_bytes,
            }),
            rows: vec![
                ("file", HumanBytes(size.bytes()).to_string()),
                ("of it free", HumanBytes(size.free_bytes()).to_string()),
                ("write-ahead log", HumanBytes(size.wal_bytes).to_string()),
            ],
        }))
    }

    async fn vacuum(&self) -> Result<String, Failure> {
        let working = spinner("rebuilding the file");
        let vacuumed = self.db.vacuum().await;
        working.finish_and_clear();
        let vacuumed = vacuumed.map_err(Failure::failed)?;
        let (before, now) = (vacuumed.bytes_before, vacuumed.bytes_after);
        Ok(format!(
            "{} before, {} now",
            HumanBytes(before),
            HumanBytes(now)
        ))
    }

    async fn check(&self) -> Result<String, Failure> {
        let working = spinner("reading the whole file");
        let report = self.db.check().await;
        working.finish_and_clear();
        let report = report.map_err(Failure::failed)?;
        if report.is_ok() {
            return Ok("the file is whole".to_owned());
        }
        for damage in &report.damage {
            output::line(damage)?;
        }
        for reference in &report.broken_references {
            output::line(&reference.to_string())?;
        }
        Err(Failure::Unmet(
            "the file is damaged; move it away and put a backup in its place, or start afresh: it is \
             a cache"
                .to_owned(),
        ))
    }

    async fn backup(&self, path: &Path) -> Result<String, Failure> {
        let working = spinner("copying");
        let copied = self.db.backup(path).await;
        working.finish_and_clear();
        copied.map_err(Failure::setting)?;
        Ok(format!("copied to {}", path.display()))
    }

    fn after_cleanup(&self) -> &'static str {
        "`comicvine cache vacuum` gives their room back to the disk"
    }

    async fn close(&self, stores: &Stores) -> Result<(), Failure> {
        if self.sweep == Sweep::Themselves
            && let Err(error) = swept(stores).await
        {
            tracing::warn!(%error, "cannot sweep what has expired");
        }
        self.db.close().await.map_err(Failure::failed)
    }
}

async fn swept(stores: &Stores) -> store_core::Result<()> {
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
