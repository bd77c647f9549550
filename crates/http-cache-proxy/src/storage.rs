//! Where the responses are kept: in memory, or in a file, with copies in memory if these are asked for.

use std::path::Path;
use std::sync::Arc;

use http_cache_db::events::Events;
use http_cache_db::store::ResponseStore;
use http_cache_db::{MemoryStore, SqliteStore, SqliteStoreOptions};

use crate::config::{Config, Place};
use crate::error::Error;

/// Opens the store that the settings name; what happens to it is told to `events`.
pub(crate) async fn open(config: &Config, events: Events) -> Result<Arc<dyn ResponseStore>, Error> {
    match &config.place {
        Place::Memory { max_bytes } => {
            Ok(Arc::new(MemoryStore::new(*max_bytes).with_events(events)))
        }
        Place::File {
            path,
            max_bytes,
            max_versions,
            memory_bytes,
        } => {
            ensure_folder(path)?;
            let options = SqliteStoreOptions::default()
                .with_max_bytes(*max_bytes)
                .with_max_versions(*max_versions)
                .with_memory_bytes(*memory_bytes)
                .with_redaction(config.redaction.clone())
                .with_events(events);
            let store = SqliteStore::open(path, options).await;
            let store = store.map_err(|source| Error::OpenStore {
                path: path.clone(),
                source: Box::new(source),
            })?;
            Ok(Arc::new(store))
        }
    }
}

fn ensure_folder(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(Error::NoFolder {
                folder: folder.to_owned(),
            })
        }
        _ => Ok(()),
    }
}
