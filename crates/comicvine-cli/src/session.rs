//! What every command needs: the key, the stores, the client.

use std::sync::Arc;

use comicvine_client::{ApiKey, Budget, ComicVine};
use store_core::{CacheStore, DedupeStore, RateLimitStore, Stores};

use crate::cli::Global;
use crate::failure::Failure;
use crate::store::{Backend, Keeper, Sweep};

const KEY_FILE_HELP: &str = "--api-key-file names a text file that holds the key and nothing else";

/// Open stores and a client on them.
pub(crate) struct Session {
    pub(crate) comics: ComicVine,
    backend: Backend,
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
        let backend = Backend::open(global, Sweep::Themselves).await?;
        let comics = ComicVine::builder(key)
            .stores(backend.stores.clone())
            .budget(budget)
            .max_wait(global.max_wait)
            .user_agent(concat!("comicvine-cli/", env!("CARGO_PKG_VERSION")));
        let comics = match &global.base_url {
            Some(url) => comics.base_url(url),
            None => comics,
        };
        let comics = comics.build()?;

        Ok(Self { comics, backend })
    }

    /// Leaves the stores in order, and passes on what became of the command.
    pub(crate) async fn close(self, done: Result<(), Failure>) -> Result<(), Failure> {
        let Backend { stores, keeper } = self.backend;
        done.and(keeper.close(&stores).await)
    }
}

/// Open stores without a client: what looks after them needs no key.
pub(crate) struct Shelf {
    pub(crate) cache: Arc<dyn CacheStore>,
    pub(crate) dedupe: Arc<dyn DedupeStore>,
    pub(crate) rate_limit: Arc<dyn RateLimitStore>,
    pub(crate) keeper: Box<dyn Keeper>,
    stores: Stores,
}

impl Shelf {
    /// Opens the stores that `global` names.
    pub(crate) async fn open(global: &Global) -> Result<Self, Failure> {
        let Backend { stores, keeper } = Backend::open(global, Sweep::OnRequest).await?;
        let Stores {
            cache: Some(cache),
            dedupe: Some(dedupe),
            rate_limit: Some(rate_limit),
        } = stores.clone()
        else {
            return Err(Failure::Unmet(
                "one of the three stores is missing".to_owned(),
            ));
        };
        Ok(Self {
            cache,
            dedupe,
            rate_limit,
            keeper,
            stores,
        })
    }

    /// Leaves the stores in order, and passes on what became of the command.
    pub(crate) async fn close(self, done: Result<(), Failure>) -> Result<(), Failure> {
        done.and(self.keeper.close(&self.stores).await)
    }
}
