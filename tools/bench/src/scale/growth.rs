//! The cost of a call on files of growing size.

use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use store_core::{
    Acquire, CacheOptions, CacheStore as _, DedupeOptions, DedupeStore as _, HOUR, Key, Limit,
    Priority, RateLimitOptions, RateLimitStore as _, Resource, Result,
};
use store_sqlite::{SqliteCacheStore, SqliteDatabase, SqliteDedupeStore, SqliteRateLimitStore};

use super::content::{entry, fill};
use crate::cases::MANY;
use crate::error::Error;
use crate::figures::{Figures, measure};
use crate::ours::{scattered, spread};

/// The size of a file: so many entries, resources that were used, and jobs in flight.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Growth {
    pub(crate) file: PathBuf,
    pub(crate) entries: u64,
    /// Timed calls.
    pub(crate) calls: u64,
}

/// What calls cost at one size.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Grown {
    pub(crate) get: Figures,
    pub(crate) set: Figures,
    pub(crate) acquire: Figures,
    pub(crate) register: Figures,
}

/// Fills the file and measures each call, one after another.
pub(crate) async fn run(growth: &Growth) -> std::result::Result<Grown, Error> {
    let database = SqliteDatabase::open(&growth.file).await?;
    let stores = Stores::over(&database);
    let (size, calls) = (growth.entries, growth.calls);
    fill(&stores.cache, 0..size, |number| Ok(entry(key(number)?))).await?;
    let stores = Arc::new(stores);
    let filling = Arc::clone(&stores);
    let acquire = Arc::new(move |number| {
        let stores = Arc::clone(&filling);
        async move { stores.acquire(number).await }
    });
    spread(MANY, 0..size, &acquire).await?;
    let filling = Arc::clone(&stores);
    let register = Arc::new(move |number| {
        let stores = Arc::clone(&filling);
        async move { stores.register(number).await }
    });
    spread(MANY, 0..size, &register).await?;
    let grown = Grown {
        get: measure(calls, async |number| {
            let key = key(scattered(number) % size)?;
            std::hint::black_box(stores.cache.get(&key).await?);
            Ok(())
        })
        .await?,
        set: measure(calls, async |number| {
            let key = key(scattered(number) % size)?;
            stores.cache.set(entry(key)).await?;
            Ok(())
        })
        .await?,
        acquire: measure(calls, async |number| {
            Ok(stores.acquire(scattered(number) % size).await?)
        })
        .await?,
        register: measure(calls, async |number| {
            Ok(stores.register(size + number).await?)
        })
        .await?,
    };
    database.close().await?;
    Ok(grown)
}

#[derive(Debug)]
struct Stores {
    cache: SqliteCacheStore,
    limits: SqliteRateLimitStore,
    dedupe: SqliteDedupeStore,
}

impl Stores {
    /// No sweeps, and leases that outlast the run: what is measured is the call.
    fn over(database: &SqliteDatabase) -> Self {
        let cache = CacheOptions::default().with_cleanup_interval(None);
        let limits = RateLimitOptions::default()
            .with_default_config(Limit::new(1_000_000, HOUR))
            .with_cleanup_interval(None);
        let dedupe = DedupeOptions::default()
            .with_lease(HOUR)
            .with_cleanup_interval(None);
        Self {
            cache: SqliteCacheStore::with_options(database, cache),
            limits: SqliteRateLimitStore::with_options(database, limits),
            dedupe: SqliteDedupeStore::with_options(database, dedupe),
        }
    }

    async fn acquire(&self, number: u64) -> Result<()> {
        let resource = Resource::new(format!("bench-{number}"))?;
        drop(
            self.limits
                .try_acquire(Acquire::one(&resource).user())
                .await?,
        );
        Ok(())
    }

    async fn register(&self, number: u64) -> Result<()> {
        let key = key(number)?;
        let registration = self.dedupe.register_or_join(&key, Priority::User).await?;
        // Dropped, it would give up its job.
        mem::forget(registration);
        Ok(())
    }
}

fn key(number: u64) -> Result<Key> {
    Key::new(format!("bench:{number}"))
}
