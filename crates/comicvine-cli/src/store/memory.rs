//! Stores that end with the command: for a look at the API that leaves nothing behind.

use std::path::Path;

use async_trait::async_trait;
use store_core::Stores;
use store_memory::{CacheOptions, StoreOptions};

use super::{Backend, Keeper, LONGEST_ANSWER_BYTES, Size};
use crate::failure::Failure;

pub(super) fn open() -> Backend {
    let cache = CacheOptions::default().with_max_entry_bytes(LONGEST_ANSWER_BYTES);
    Backend {
        stores: store_memory::stores_with(StoreOptions::default().with_cache(cache)),
        keeper: Box::new(Memory),
    }
}

struct Memory;

fn nothing_to(do_what: &str) -> Failure {
    Failure::usage(format!(
        "memory:// holds nothing beyond this command, so there is nothing to {do_what}; name a file, \
         such as sqlite://comics.db"
    ))
}

#[async_trait]
impl Keeper for Memory {
    async fn size(&self) -> Result<Option<Size>, Failure> {
        Ok(None)
    }

    async fn vacuum(&self) -> Result<String, Failure> {
        Err(nothing_to("compact"))
    }

    async fn check(&self) -> Result<String, Failure> {
        Err(nothing_to("check"))
    }

    async fn backup(&self, _path: &Path) -> Result<String, Failure> {
        Err(nothing_to("copy"))
    }

    fn after_cleanup(&self) -> &'static str {
        "their room is free"
    }

    async fn close(&self, _stores: &Stores) -> Result<(), Failure> {
        Ok(())
    }
}
