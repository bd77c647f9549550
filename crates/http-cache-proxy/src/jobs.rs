//! The jobs of all proxies on one file: of equal requests, one of one process asks the origin.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_cache_db::ErrorChain;
use store_sqlite::{DedupeOptions, DedupeStore, Error, SqliteDatabase, SqliteDedupeStore, open};

use crate::config::Place;
use crate::serve::report;

/// After this time, another process takes over what one was asking for when it was killed: well within the longest wait
/// for the answer to an equal request.
const LEASE: Duration = Duration::from_secs(3);
/// What the name of the file ends with, after that of the cache.
const SUFFIX: &str = "-jobs";

/// The open file of jobs.
#[derive(Debug)]
pub(crate) struct Jobs {
    database: SqliteDatabase,
    store: SqliteDedupeStore,
}

impl Jobs {
    /// Opens the file beside that of the responses. `None` if these are in memory, or it cannot be used: then each process asks
    /// for itself.
    pub(crate) async fn open(place: &Place) -> Option<Self> {
        let Place::File { path, .. } = place else {
            return None;
        };
        let path = beside(path);
        match Self::open_file(&path).await {
            Ok(jobs) => Some(jobs),
            Err(error) => {
                report(&format_args!(
                    "warning: {} cannot be used, and several proxies on one cache file each ask the origin for \
                     themselves; remove it, and start this proxy again: {}",
                    path.display(),
                    ErrorChain(&error)
                ));
                None
            }
        }
    }

    async fn open_file(path: &Path) -> Result<Self, Error> {
        let database = open(path).await?;
        let options = DedupeOptions::default().with_lease(LEASE);
        let store = SqliteDedupeStore::with_options(&database, options);
        let jobs = Self { database, store };
        // What cannot be used is to be found now, and not by each request.
        match jobs.store.cleanup().await {
            Ok(_) => Ok(jobs),
            Err(error) => {
                jobs.close().await;
                Err(error)
            }
        }
    }

    pub(crate) fn store(&self) -> Arc<dyn DedupeStore> {
        Arc::new(self.store.clone())
    }

    pub(crate) async fn close(&self) {
        // Nothing of worth is in it any more.
        let _closed = self.store.close().await;
        let _closed = self.database.close().await;
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SUFFIX);
    name.into()
}
