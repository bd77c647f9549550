//! The shared store as a worker opens it.

use comicvine_client::MAX_ENTRY_BYTES;
use store_core::Stores;
use store_core::layer::Tiered;
use store_memory::MemoryCacheStore;
use store_sqlite::{CacheOptions, SqliteCacheStore, SqliteDatabase, StoreOptions};

use crate::error::Error;
use crate::options::StoreOptions as StoreArguments;

/// Open stores, and the database to close if there is one.
pub(crate) struct OpenStores {
    pub(crate) stores: Stores,
    database: Option<SqliteDatabase>,
}

impl OpenStores {
    pub(crate) async fn open(arguments: &StoreArguments) -> Result<Self, Error> {
        #[cfg(feature = "dynamodb")]
        if let Some(table) = &arguments.table {
            let mut stores = open_table(table, arguments).await;
            if arguments.tiered
                && let Some(cache) = stores.cache.take()
            {
                stores = stores.with_cache(Tiered::new(MemoryCacheStore::new(), cache));
            }
            return Ok(Self {
                stores,
                database: None,
            });
        }
        let Some(path) = &arguments.db else {
            return Err(Error::usage("a worker needs --db or --table"));
        };
        let database = SqliteDatabase::open(path).await?;
        store_sqlite::migrate(&database).await?;
        let cache = CacheOptions::default().with_max_entry_bytes(MAX_ENTRY_BYTES);
        let options = StoreOptions::default().with_cache(cache.clone());
        let mut stores = store_sqlite::stores_with(&database, options);
        if arguments.tiered {
            let file = SqliteCacheStore::with_options(&database, cache);
            stores = stores.with_cache(Tiered::following(MemoryCacheStore::new(), file));
        }
        Ok(Self {
            stores,
            database: Some(database),
        })
    }

    pub(crate) async fn close(self) -> Result<(), Error> {
        match self.database {
            Some(database) => Ok(database.close().await?),
            None => Ok(()),
        }
    }
}

#[cfg(feature = "dynamodb")]
async fn open_table(table: &str, arguments: &StoreArguments) -> Stores {
    use store_dynamodb::{CacheOptions, DynamoDbTable, StoreOptions, TableOptions};

    let mut options = TableOptions::default().with_table(table);
    options.endpoint_url.clone_from(&arguments.endpoint_url);
    options.region.clone_from(&arguments.region);
    let table = DynamoDbTable::from_env(options).await;
    let cache = CacheOptions::default().with_max_entry_bytes(MAX_ENTRY_BYTES);
    store_dynamodb::stores_with(&table, StoreOptions::default().with_cache(cache))
}
