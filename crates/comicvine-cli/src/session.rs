//! What every command needs: the key, the database, the client.

use std::error::Error as StdError;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use comicvine_client::{ApiKey, Budget, ComicVine};
use directories::ProjectDirs;
use store_core::Stores;
use store_sqlite::{
    CacheOptions, SqliteCacheStore, SqliteDatabase, SqliteDedupeStore, SqliteRateLimitStore,
    StoreOptions,
};

use crate::cli::Global;
use crate::failure::Failure;

/// An open database and a client on it.
pub(crate) struct Session {
    pub(crate) comics: ComicVine,
    db: SqliteDatabase,
    stores: Stores,
}

impl Session {
    /// Opens everything that `global` asks for, under the limits of the real API.
    pub(crate) async fn open(global: &Global) -> Result<Self, Failure> {
        Self::open_within(global, Budget::default()).await
    }

    /// Opens everything that `global` asks for, under other limits.
    pub(crate) async fn open_within(global: &Global, budget: Budget) -> Result<Self, Failure> {
        let key = match &global.api_key_file {
            Some(path) => ApiKey::from_file(path)
                .map_err(|error| Failure::setting(error).with_help(KEY_FILE_HELP))?,
            None => ApiKey::from_env()?,
        };
        let path = database_path(global)?;
        let db = open_database(&path).await?;
        let stores = store_sqlite::stores_with(&db, store_options());
        let comics = ComicVine::builder(key)
            .stores(stores.clone())
            .budget(budget)
            .max_wait(global.max_wait)
            .user_agent(concat!("comicvine-cli/", env!("CARGO_PKG_VERSION")));
        let comics = match &global.base_url {
            Some(url) => comics.base_url(url),
            None => comics,
        };
        let comics = comics.build()?;

        Ok(Self { comics, db, stores })
    }

    /// Sweeps what has expired, closes the file, and passes on what became of the command.
    pub(crate) async fn close(self, done: Result<(), Failure>) -> Result<(), Failure> {
        if let Err(error) = self.sweep().await {
            tracing::warn!(%error, "cannot sweep what has expired");
        }
        let closed = self.db.close().await.map_err(Failure::failed);
        done.and(closed)
    }

    async fn sweep(&self) -> store_core::Result<()> {
        if let Some(cache) = &self.stores.cache {
            cache.cleanup().await?;
        }
        if let Some(dedupe) = &self.stores.dedupe {
            dedupe.cleanup().await?;
        }
        if let Some(rate_limit) = &self.stores.rate_limit {
            rate_limit.cleanup().await?;
        }
        Ok(())
    }
}

/// An open database without a client: what looks after the file needs no key.
pub(crate) struct Shelf {
    pub(crate) db: SqliteDatabase,
    pub(crate) cache: SqliteCacheStore,
    pub(crate) dedupe: SqliteDedupeStore,
    pub(crate) rate_limit: SqliteRateLimitStore,
}

impl Shelf {
    /// Opens the file that `global` names.
    pub(crate) async fn open(global: &Global) -> Result<Self, Failure> {
        let db = open_database(&database_path(global)?).await?;
        let options = store_options().without_cleanup();
        Ok(Self {
            cache: SqliteCacheStore::with_options(&db, options.cache),
            dedupe: SqliteDedupeStore::with_options(&db, options.dedupe),
            rate_limit: SqliteRateLimitStore::with_options(&db, options.rate_limit),
            db,
        })
    }

    /// Closes the file and passes on what became of the command.
    pub(crate) async fn close(self, done: Result<(), Failure>) -> Result<(), Failure> {
        let closed = self.db.close().await.map_err(Failure::failed);
        done.and(closed)
    }
}

const KEY_FILE_HELP: &str = "--api-key-file names a text file that holds the key and nothing else";

/// Opens the file and brings its schema up to date, so that an unusable file is told at once.
pub(crate) async fn open_database(path: &Path) -> Result<SqliteDatabase, Failure> {
    let db = SqliteDatabase::open(path)
        .await
        .map_err(|error| Failure::setting(error).with_help(DATABASE_HELP))?;
    if let Err(error) = store_sqlite::migrate(&db).await {
        return Err(unusable(path, error));
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

/// A database that cannot be used is a setting to change; one that is busy may pass.
fn unusable(path: &Path, error: store_core::Error) -> Failure {
    let is_passing = error.is_retryable();
    let unusable = UnusableDatabase {
        path: path.to_owned(),
        source: error,
    };
    let failure = if is_passing {
        Failure::failed(unusable)
    } else {
        Failure::setting(unusable)
    };
    failure.with_help(DATABASE_HELP)
}

/// The database cannot be brought up to date.
#[derive(Debug)]
struct UnusableDatabase {
    path: PathBuf,
    source: store_core::Error,
}

impl fmt::Display for UnusableDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot use the database {}", self.path.display())
    }
}

impl StdError for UnusableDatabase {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}

const DATABASE_HELP: &str = "--db or COMIC_VINE_DB_PATH names the database file";

/// Answers may be as long as the client takes them.
fn store_options() -> StoreOptions {
    const LONGEST_ANSWER_BYTES: usize = 16 * 1024 * 1024 + 1024;
    let cache = CacheOptions::default().with_max_entry_bytes(LONGEST_ANSWER_BYTES);
    StoreOptions::default().with_cache(cache)
}

fn database_path(global: &Global) -> Result<PathBuf, Failure> {
    match &global.db {
        Some(path) => Ok(path.clone()),
        None => default_path(),
    }
}

fn default_path() -> Result<PathBuf, Failure> {
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
