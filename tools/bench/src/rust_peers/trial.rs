//! One contender's work in a process of its own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::contender::Contender;
use super::{files, layers, limiter, memory};
use crate::error::Error;
use crate::figures::Figures;

/// Who works, and how much.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Trial {
    pub(crate) contender: Contender,
    /// Entries, or resources, that are there before the first timed call.
    pub(crate) entries: u64,
    /// Timed calls.
    pub(crate) calls: u64,
    /// Where files go.
    pub(crate) folder: PathBuf,
}

/// What each call of the contender's group costs.
pub(crate) async fn run(trial: &Trial) -> Result<Vec<Figures>, Error> {
    match trial.contender {
        Contender::OurMemory => memory::ours(trial).await,
        Contender::Moka => memory::moka(trial).await,
        Contender::QuickCache => memory::quick_cache(trial).await,
        Contender::Foyer => memory::foyer(trial).await,
        Contender::OurLimiter => limiter::ours(trial).await,
        Contender::Governor => limiter::governor(trial).await,
        Contender::LeakyBucket => limiter::leaky_bucket(trial).await,
        Contender::OurFile => files::ours(trial).await,
        Contender::RedbSynced => files::redb(trial, redb::Durability::Immediate).await,
        Contender::RedbUnsynced => files::redb(trial, redb::Durability::None).await,
        Contender::Fjall => files::fjall(trial).await,
        Contender::Traced
        | Contender::CircuitBreaker
        | Contender::Scoped
        | Contender::Routed
        | Contender::Compressed
        | Contender::Encrypted
        | Contender::TieredFile
        | Contender::AllLayers => layers::run(trial).await,
    }
}
