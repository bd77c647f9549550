//! Purges: on demand, and those that the origin asks for.

use store_core::{ErrorChain, Result};

use super::HttpCache;
use super::invalid::Mark;
use crate::events::Event;
use crate::store::Purge;

impl HttpCache {
    /// Removes the stored responses that a purge selects, or makes them stale if it is [soft](Purge::soft). Answers
    /// that are on their way from the origin still reach their clients, and are not stored. Yields how many responses
    /// were removed or became stale.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use http_cache_db::{HttpCache, MemoryStore};
    /// use http_cache_db::store::{Purge, Tag};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = HttpCache::new(Arc::new(MemoryStore::new(64 * 1024 * 1024)));
    /// cache.purge(&Purge::url("https://example.org/issues/7")?).await?;
    /// cache.purge(&Purge::prefix("https://example.org/issues/")?.soft()).await?;
    /// cache.purge(&Purge::tags(Tag::new("volume-7"))).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the store cannot be written. Some of the responses may still be there: purge again.
    pub async fn purge(&self, purge: &Purge) -> Result<u64> {
        let responses = self.store().purge(purge).await?;
        self.events().emit(|| Event::Purged { responses });
        Ok(responses)
    }

    /// Purges on behalf of an answer. If that fails, nothing stored answers anybody until it has succeeded: which
    /// responses are selected, the store alone knows.
    pub(super) async fn purge_by_origin(&self, purge: Purge) {
        if let Err(error) = self.try_purge(&purge).await {
            self.shared.invalid.purge_failed(purge);
            self.purge_failed(&error);
        }
    }

    /// Purges again what could not be purged. Yields whether that succeeded.
    pub(super) async fn purge_again(&self, purges: Vec<(Mark, Purge)>) -> bool {
        for (mark, purge) in purges {
            if let Err(error) = self.try_purge(&purge).await {
                self.purge_failed(&error);
                return false;
            }
            self.shared.invalid.purged(mark);
        }
        true
    }

    async fn try_purge(&self, purge: &Purge) -> Result<u64> {
        self.patience().wait("purge", self.purge(purge)).await
    }

    fn purge_failed(&self, error: &store_core::Error) {
        let text = || ErrorChain(error).to_string();
        self.events().emit(|| Event::DeleteError { error: text() });
        self.events().emit_failure(|| Event::Error {
            operation: error.operation(),
            error: text(),
        });
    }
}
