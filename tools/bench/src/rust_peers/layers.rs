//! The cache in memory, or in a file, behind layers.

use store_compression::Compression;
use store_core::Scope;
use store_core::layer::{CacheBuilder, CircuitBreakerOptions, RoutedOptions, TieredOptions};
use store_encryption::{Encryption, EncryptionKey, EncryptionKeys};
use store_sqlite::{SqliteCacheStore, SqliteDatabase};

use super::contender::Contender;
use super::memory::{store, through};
use super::trial::Trial;
use crate::error::Error;
use crate::figures::Figures;

fn encryption() -> Encryption {
    Encryption::new(EncryptionKeys::new(1, EncryptionKey::from_bytes([7; 32])))
}

/// A file, with the options of copies that follow it.
async fn file(trial: &Trial) -> Result<(SqliteCacheStore, TieredOptions), Error> {
    let database = SqliteDatabase::open(&trial.folder.join("bench.db")).await?;
    store_sqlite::migrate(&database).await?;
    let file = SqliteCacheStore::new(&database);
    let options = TieredOptions::default().with_feed(file.clone());
    Ok((file, options))
}

pub(super) async fn run(trial: &Trial) -> Result<Vec<Figures>, Error> {
    let memory = store(trial);
    let cache = || CacheBuilder::new(memory.clone());
    let breaker = CircuitBreakerOptions::default;
    let scope = || Scope::new("bench");
    match trial.contender {
        Contender::Traced => through(trial, cache().traced("bench").build()).await,
        Contender::CircuitBreaker => {
            through(trial, cache().circuit_breaker(breaker()).build()).await
        }
        Contender::Scoped => through(trial, cache().scoped(scope()?).build()).await,
        Contender::Routed => {
            let replicas = vec![memory.clone()];
            let routed = cache().routed(replicas, RoutedOptions::default());
            through(trial, routed.build()).await
        }
        Contender::Compressed => {
            through(trial, cache().transformed(Compression::default()).build()).await
        }
        Contender::Encrypted => through(trial, cache().transformed(encryption()).build()).await,
        Contender::TieredFile => {
            let (file, options) = file(trial).await?;
            let tiered = CacheBuilder::new(file).tiered(memory.clone(), options);
            through(trial, tiered.build()).await
        }
        _ => {
            let (file, options) = file(trial).await?;
            let all = CacheBuilder::new(file)
                .traced("bench")
                .circuit_breaker(breaker())
                .transformed(encryption())
                .transformed(Compression::default())
                .tiered(memory.clone(), options)
                .scoped(scope()?);
            through(trial, all.build()).await
        }
    }
}
