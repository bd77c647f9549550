//! In-process stores, which end with the command.

use std::path::Path;

use async_trait::async_trait;
use comicvine_client::MAX_ENTRY_BYTES;
use store_core::Stores;
use store_memory::{CacheOptions, StoreOptions};

use crate::error::Error;

use super::backend::Backend;
use super::maintenance::{Maintenance, Size};

pub(super) fn open() -> Backend {
    let cache = CacheOptions::default().with_max_entry_bytes(MAX_ENTRY_BYTES);
    Backend {
        stores: store_memory::stores_with(StoreOptions::default().with_cache(cache)),
        maintenance: Box::new(Memory),
    }
}

struct Memory;

fn unsupported(operation: &str) -> Error {
    Error::usage(format!(
        "memory:// ends with this command, so there is nothing to {operation}; name a file, such as \
         sqlite://comics.db"
    ))
}

#[async_trait]
impl Maintenance for Memory {
    async fn size(&self) -> Result<Option<Size>, Error> {
        Ok(None)
    }

    async fn vacuum(&self) -> Result<String, Error> {
        Err(unsupported("compact"))
    }

    async fn check(&self) -> Result<String, Error> {
        Err(unsupported("check"))
    }

    async fn backup(&self, _path: &Path) -> Result<String, Error> {
        Err(unsupported("copy"))
    }

    fn after_cleanup(&self) -> &'static str {
        "their memory is free"
    }

    async fn close(&self, _stores: &Stores) -> Result<(), Error> {
        Ok(())
    }
}
