//! A target in a cache.

use std::sync::Arc;

use futures_util::future::try_join;
use http::Uri;
use store_core::{Error, ErrorChain, Timestamp};

use super::HttpCache;
use super::collapse::VERDICT_LIFETIME;
use super::invalid::Invalid;
use super::patience::Patience;
use crate::events::Event;
use crate::keys::TargetKey;
use crate::store::{Equivalence, ResponseStore};

/// A target in a cache. Clones are cheap.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) cache: HttpCache,
    pub(super) uri: Uri,
    pub(super) key: TargetKey,
}

impl Target {
    pub(super) fn new(cache: &HttpCache, uri: Uri) -> Self {
        Self {
            key: cache.store().salt().target_key(&uri),
            cache: cache.clone(),
            uri,
        }
    }

    pub(super) fn store(&self) -> &Arc<dyn ResponseStore> {
        self.cache.store()
    }

    pub(super) fn patience(&self) -> Patience {
        self.cache.patience()
    }

    /// Tells the listeners; `event` gets the URL without its secrets.
    pub(super) fn emit(&self, event: impl FnOnce(String) -> Event) {
        let url = || self.cache.settings.redaction.of(&self.uri);
        self.cache.events().emit(|| event(url()));
    }

    /// Tells that an operation of the store failed, and by `event` what comes of it for this target.
    pub(super) fn failed(&self, error: &Error, event: impl FnOnce(String, String) -> Event) {
        let text = || ErrorChain(error).to_string();
        self.emit(|url| event(url, text()));
        self.cache.events().emit_failure(|| Event::Error {
            operation: error.operation(),
            error: text(),
        });
    }

    /// A response that may answer others was stored.
    pub(super) async fn stored(&self) {
        let was_useless = self.cache.shared.flights.stored(self.key);
        if was_useless && self.cache.settings.jobs.is_some() {
            self.set_hit_for_miss(None).await;
        }
    }

    /// Whether a process has found that waiting for the answer is of no use.
    pub(super) async fn is_hit_for_miss(&self) -> bool {
        let now = self.cache.settings.clock.now();
        let reading = self.store().hit_for_miss(self.key);
        match self.patience().wait("hit_for_miss", reading).await {
            // One of the distant future is from before the clock was set back.
            Ok(until) => until.is_some_and(|until| now < until && until <= now + VERDICT_LIFETIME),
            Err(error) => {
                self.failed(&error, |_, error| Event::GetError { error });
                false
            }
        }
    }

    /// Tells all processes until when waiting for the answer is of no use.
    pub(super) async fn set_hit_for_miss(&self, until: Option<Timestamp>) {
        let writing = self.store().set_hit_for_miss(self.key, until);
        let written = self.patience().wait("set_hit_for_miss", writing).await;
        if let Err(error) = written {
            self.failed(&error, |url, error| Event::StoreError { url, error });
        }
    }

    /// Whether stored responses may answer. Removes those that an earlier, failed invalidation has left.
    pub(super) async fn is_valid(&self) -> bool {
        let invalid = &self.cache.shared.invalid;
        match invalid.of(self.key) {
            None => true,
            Some(Invalid::Target) => self.invalidate().await,
            Some(Invalid::Purges(purges)) => {
                if !self.cache.purge_again(purges).await {
                    return false;
                }
                match invalid.of(self.key) {
                    None => true,
                    Some(Invalid::Target) => self.invalidate().await,
                    // More has failed meanwhile.
                    Some(Invalid::Purges(_) | Invalid::Everything(_)) => false,
                }
            }
            Some(Invalid::Everything(mark)) => {
                let cleared = self.patience().wait("clear", self.store().clear()).await;
                match cleared {
                    Ok(_) => invalid.cleared(mark),
                    Err(error) => self.failed(&error, |_, error| Event::DeleteError { error }),
                }
                invalid.of(self.key).is_none()
            }
        }
    }

    /// Removes the stored responses of the target, and lets those of no other target answer it. If that fails, they answer nobody until it has succeeded.
    pub(super) async fn invalidate(&self) -> bool {
        let invalid = &self.cache.shared.invalid;
        let mark = invalid.mark(self.key);
        let base = Equivalence::base(&self.uri, self.store().salt());
        let removing = async {
            let removing = self.store().invalidate(self.key);
            let (responses, _) = try_join(removing, self.store().invalidate(base)).await?;
            Ok(responses)
        };
        match self.patience().wait("invalidate", removing).await {
            Ok(responses) => {
                invalid.removed(self.key, mark);
                self.emit(|url| Event::Invalidated { url, responses });
                true
            }
            Err(error) => {
                self.failed(&error, |_, error| Event::DeleteError { error });
                false
            }
        }
    }
}
