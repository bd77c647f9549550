//! Purges: on demand, and those that the origin asks for.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
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

    /// Purges on behalf of an answer. Nothing stored answers anybody while that takes longer than requests wait, or until
    /// it has succeeded if it fails: which responses are selected, the store alone knows.
    pub(super) async fn purge_by_origin(&self, purge: Purge) {
        let mut purging = self.start_purge(purge.clone());
        match self.patience().bound(&mut purging).await {
            Some(true) => {}
            Some(false) => {
                self.shared.invalid.purge_failed(purge);
            }
            None => {
                let mark = self.shared.invalid.purge_failed(purge);
                let cache = self.clone();
                tokio::spawn(async move {
                    if purging.await {
                        cache.shared.invalid.purged(mark);
                    }
                });
            }
        }
    }

    /// Purges again what could not be purged, unless that is being done. Yields whether it has succeeded by now.
    pub(super) async fn purge_again(&self, purges: Vec<(Mark, Purge)>) -> bool {
        let Ok(alone) = Arc::clone(&self.shared.purging).try_lock_owned() else {
            return false;
        };
        let cache = self.clone();
        let purging = tokio::spawn(async move {
            let _alone = alone;
            for (mark, purge) in purges {
                if !cache.start_purge(purge).await {
                    return false;
                }
                cache.shared.invalid.purged(mark);
            }
            true
        });
        let done = self.patience().bound(purging).await;
        done.is_some_and(Result::unwrap_or_default)
    }

    /// A purge that goes on if nobody waits for it; whether it succeeds. A failure is told.
    fn start_purge(&self, purge: Purge) -> BoxFuture<'static, bool> {
        let cache = self.clone();
        let purging = tokio::spawn(async move {
            let purged = cache.purge(&purge).await;
            if let Err(error) = &purged {
                cache.tell_failed_purge(error);
            }
            purged.is_ok()
        });
        async move { purging.await.unwrap_or_default() }.boxed()
    }

    fn tell_failed_purge(&self, error: &store_core::Error) {
        let text = || ErrorChain(error).to_string();
        self.events().emit(|| Event::DeleteError { error: text() });
        self.events().emit_failure(|| Event::Error {
            operation: error.operation(),
            error: text(),
        });
    }
}
