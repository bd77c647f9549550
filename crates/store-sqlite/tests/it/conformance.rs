//! The conformance suite of all backends, on a file and in memory.

use std::sync::Arc;

use sqlite_database::Result as DatabaseResult;
use store_conformance::{Boxed, Harness, Setup, WriteQueueHarness, async_trait};
use store_core::{
    CacheStore, DedupeStore, Error, ErrorKind, RateLimitStore, Result, WriteQueue,
    WriteQueueOptions,
};
use store_sqlite::{
    SqliteCacheStore, SqliteDatabase, SqliteDedupeStore, SqliteRateLimitStore, SqliteWriteQueue,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Opens the file for each handle, as another process would.
pub(crate) struct File {
    folder: TempDir,
}

impl File {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self { folder }
    }

    pub(crate) async fn open(&self) -> Result<SqliteDatabase> {
        opened(SqliteDatabase::open(self.folder.path().join("stores.db")).await)
    }
}

/// Shares one in-memory database among all handles.
#[derive(Default)]
struct Memory {
    database: OnceCell<SqliteDatabase>,
}

impl Memory {
    async fn open(&self) -> Result<SqliteDatabase> {
        let open = async || opened(SqliteDatabase::in_memory().await);
        self.database.get_or_try_init(open).await.cloned()
    }
}

fn opened(database: DatabaseResult<SqliteDatabase>) -> Result<SqliteDatabase> {
    database
        .map_err(|error| Error::new(ErrorKind::Unavailable, "sqlite", "open").with_source(error))
}

macro_rules! harness {
    ($name:ident) => {
        #[async_trait]
        impl Harness for $name {
            async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
                let options = setup.cache_options();
                let database = self.open().await?;
                Ok(Arc::new(SqliteCacheStore::with_options(&database, options)))
            }

            async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
                let options = setup.dedupe_options();
                let database = self.open().await?;
                Ok(Arc::new(SqliteDedupeStore::with_options(
                    &database, options,
                )))
            }

            async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
                let options = setup.rate_limit_options();
                let database = self.open().await?;
                Ok(Arc::new(SqliteRateLimitStore::with_options(
                    &database, options,
                )))
            }
        }

        #[async_trait]
        impl WriteQueueHarness for $name {
            async fn write_queue(&self, options: WriteQueueOptions) -> Result<Arc<dyn WriteQueue>> {
                let database = self.open().await?;
                let queue = SqliteWriteQueue::with_options(&database, "books", options);
                Ok(Arc::new(queue))
            }
        }
    };
}

harness!(File);
harness!(Memory);

mod file {
    use super::File;
    store_conformance::conformance!(File::new());
    store_conformance::models!(File::new());

    mod write_queue {
        use super::*;
        store_conformance::write_queue_conformance!(File::new());
    }
}

mod memory {
    use super::Memory;
    store_conformance::conformance!(Memory::default());

    mod write_queue {
        use super::*;
        store_conformance::write_queue_conformance!(Memory::default());
    }
}

mod boxed {
    use super::{Boxed, Memory};
    store_conformance::conformance!(Boxed(Memory::default()));
}
