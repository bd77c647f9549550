//! Caches in a file: get and set entries that are there, one transaction for each set.

use std::path::Path;

use bytes::Bytes;
use redb::{ReadableDatabase as _, TableDefinition};
use store_core::{CacheOptions, CacheStore as _, Key};
use store_sqlite::{SqliteCacheStore, SqliteDatabase};

use super::trial::Trial;
use crate::error::Error;
use crate::figures::{Figures, measure};
use crate::ours::scattered;
use crate::scale::{VALUE, entry, fill};

const TABLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("cache");
/// Entries that redb writes together when it is filled.
const BATCH: u64 = 50_000;

async fn work(
    trial: &Trial,
    get: impl AsyncFn(u64) -> Result<bool, Error>,
    set: impl AsyncFn(u64) -> Result<(), Error>,
) -> Result<Vec<Figures>, Error> {
    let (get, set, entries) = (&get, &set, trial.entries);
    let gets = measure(trial.calls, async |number| {
        let is_there = get(scattered(number) % entries).await?;
        is_there.then_some(()).ok_or(Error::Missing)
    });
    let gets = gets.await?;
    let sets = measure(trial.calls, async |number| {
        set(scattered(number) % entries).await
    });
    Ok(vec![gets, sets.await?])
}

fn key(number: u64) -> String {
    format!("bench:{number}")
}

pub(super) async fn ours(trial: &Trial) -> Result<Vec<Figures>, Error> {
    let database = SqliteDatabase::open(trial.folder.join("cache.db")).await?;
    let options = CacheOptions::default().with_cleanup_interval(None);
    let cache = SqliteCacheStore::with_options(&database, options);
    fill(&cache, 0..trial.entries, |number| {
        Ok(entry(Key::new(key(number))?))
    })
    .await?;
    let figures = work(
        trial,
        async |number| {
            let found = cache.get(&Key::new(key(number))?).await?;
            Ok(std::hint::black_box(found).hit().is_some())
        },
        async |number| {
            cache.set(entry(Key::new(key(number))?)).await?;
            Ok(())
        },
    )
    .await;
    database.close().await?;
    figures
}

pub(super) async fn redb(
    trial: &Trial,
    durability: redb::Durability,
) -> Result<Vec<Figures>, Error> {
    let database = fill_redb(&trial.folder.join("cache.redb"), trial.entries).map_err(peer)?;
    let get = |number: u64| -> Result<bool, redb::Error> {
        let table = database.begin_read()?.open_table(TABLE)?;
        let value = table.get(key(number).as_str())?;
        // As all others give it: a value that outlives the transaction.
        let value = value.map(|value| Bytes::copy_from_slice(value.value()));
        Ok(std::hint::black_box(value).is_some())
    };
    let set = |number: u64| -> Result<(), redb::Error> {
        let mut transaction = database.begin_write()?;
        transaction.set_durability(durability)?;
        let value: &[u8] = &[b'x'; VALUE];
        transaction
            .open_table(TABLE)?
            .insert(key(number).as_str(), value)?;
        Ok(transaction.commit()?)
    };
    work(
        trial,
        async |number| get(number).map_err(peer),
        async |number| set(number).map_err(peer),
    )
    .await
}

fn fill_redb(path: &Path, entries: u64) -> Result<redb::Database, redb::Error> {
    let database = redb::Database::create(path)?;
    let mut start = 0;
    while start < entries {
        let end = entries.min(start + BATCH);
        let transaction = database.begin_write()?;
        {
            let mut table = transaction.open_table(TABLE)?;
            for number in start..end {
                let value: &[u8] = &[b'x'; VALUE];
                table.insert(key(number).as_str(), value)?;
            }
        }
        transaction.commit()?;
        start = end;
    }
    Ok(database)
}

pub(super) async fn fjall(trial: &Trial) -> Result<Vec<Figures>, Error> {
    let database = fjall::Database::builder(trial.folder.join("fjall"))
        .open()
        .map_err(peer)?;
    let keyspace = database
        .keyspace("cache", fjall::KeyspaceCreateOptions::default)
        .map_err(peer)?;
    let set = |number: u64| keyspace.insert(key(number), [b'x'; VALUE]).map_err(peer);
    for number in 0..trial.entries {
        set(number)?;
    }
    work(
        trial,
        async |number| {
            let found = keyspace.get(key(number)).map_err(peer)?;
            Ok(std::hint::black_box(found).is_some())
        },
        async |number| set(number),
    )
    .await
}

fn peer(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Peer {
        source: Box::new(source),
    }
}
