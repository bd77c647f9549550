//! What a command works with: the client and its stores, or the stores alone.

use std::sync::Arc;
use std::time::Duration;

use comicvine_client::{ApiKey, CacheMode, ComicVine, InvalidApiKey};
use store_core::{CacheStore, DedupeStore, RateLimitStore, Stores};
use tokio::task::spawn_blocking;

use crate::error::Error;
use crate::options::GlobalOptions;
use crate::platform_keyring::Keyring;
use crate::progress::{Progress, SessionProgress};
use crate::store::{self, Backend, Maintenance, Purpose};

/// A connection that takes longer has little chance.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

const USER_AGENT: &str = concat!("comicvine-cli/", env!("CARGO_PKG_VERSION"));

const KEY_FILE_HELP: &str = "--api-key-file names a text file that holds only the key";

/// A client and its open stores.
pub(crate) struct Session {
    pub(crate) comics: ComicVine,
    pub(crate) progress: SessionProgress,
    backend: Backend,
}

impl Session {
    /// Opens the stores and builds the client, both as `global` says.
    pub(crate) async fn open(global: &GlobalOptions) -> Result<Self, Error> {
        Self::open_for(global, Purpose::Requests).await
    }

    /// As [`open`](Self::open), the stores for `purpose`.
    pub(crate) async fn open_for(global: &GlobalOptions, purpose: Purpose) -> Result<Self, Error> {
        let key = match &global.api_key_file {
            Some(path) => ApiKey::from_file(path)
                .map_err(|error| Error::config(error).with_help(KEY_FILE_HELP))?,
            // What is cached needs no key.
            None if global.offline => ApiKey::from_env().or_else(|_| ApiKey::new("offline"))?,
            None => key_of_environment_or_keyring().await?,
        };
        let budget = global.budget()?;
        let backend = store::open(global, purpose).await?;
        let progress = SessionProgress::default();
        let waits = Progress::clone(&progress);
        let comics = ComicVine::builder(key)
            .stores(backend.stores.clone())
            .max_wait(global.max_wait)
            .timeout(global.timeout)
            .connect_timeout(global.timeout.min(CONNECT_TIMEOUT))
            .budget(budget)
            .user_agent(global.user_agent.as_deref().unwrap_or(USER_AGENT))
            .on_wait(move |event| waits.on_wait(event));
        let comics = match &global.base_url {
            Some(url) => comics.base_url(url),
            None => comics,
        };
        let comics = match &global.proxy {
            Some(url) => comics.proxy(url),
            None => comics,
        };
        let comics = if global.offline {
            comics.cache_mode(CacheMode::Only)
        } else {
            comics
        };
        let comics = comics.build()?;

        Ok(Self {
            comics,
            progress,
            backend,
        })
    }

    /// Closes the stores and returns `result`, or the error of closing.
    pub(crate) async fn close(self, result: Result<(), Error>) -> Result<(), Error> {
        let Backend {
            stores,
            maintenance,
        } = self.backend;
        result.and(maintenance.close(&stores).await)
    }
}

/// The key in the environment, else that in the platform's keyring.
async fn key_of_environment_or_keyring() -> Result<ApiKey, Error> {
    match ApiKey::from_env() {
        Err(absent @ InvalidApiKey::NotSet) => {
            let read = spawn_blocking(|| Keyring::open()?.key()).await;
            match read.map_err(Error::failed)? {
                Ok(Some(key)) => Ok(key),
                // Whoever has no keyring, or nothing in it, sets the variable.
                Ok(None) | Err(_) => Err(absent.into()),
            }
        }
        key => Ok(key?),
    }
}

/// Open stores without a client, which needs no API key.
pub(crate) struct OpenStores {
    pub(crate) cache: Arc<dyn CacheStore>,
    pub(crate) dedupe: Arc<dyn DedupeStore>,
    pub(crate) rate_limit: Arc<dyn RateLimitStore>,
    pub(crate) maintenance: Box<dyn Maintenance>,
    stores: Stores,
}

impl OpenStores {
    /// Opens the stores that `global` names.
    pub(crate) async fn open(global: &GlobalOptions, purpose: Purpose) -> Result<Self, Error> {
        Self::of(store::open(global, purpose).await?)
    }

    /// Opens the stores that `global` names, with the answers that the store itself has, to look at them.
    pub(crate) async fn open_without_http_cache(global: &GlobalOptions) -> Result<Self, Error> {
        Self::of(store::open_without_http_cache(global, Purpose::Inspection).await?)
    }

    fn of(backend: Backend) -> Result<Self, Error> {
        let Backend {
            stores,
            maintenance,
        } = backend;
        let Stores {
            cache: Some(cache),
            dedupe: Some(dedupe),
            rate_limit: Some(rate_limit),
        } = stores.clone()
        else {
            return Err(Error::CheckFailed(
                "one of the three stores is missing".to_owned(),
            ));
        };
        Ok(Self {
            cache,
            dedupe,
            rate_limit,
            maintenance,
            stores,
        })
    }

    /// Closes the stores and returns `result`, or the error of closing.
    pub(crate) async fn close(self, result: Result<(), Error>) -> Result<(), Error> {
        result.and(self.maintenance.close(&self.stores).await)
    }
}
