//! Conveniences over the store of a limiter.

use std::time::Duration;

use async_trait::async_trait;

use super::{RateLimiter, RateLimiterOptions};
use crate::error::Result;
use crate::priority::Priority;
use crate::rate_limit::{Claim, RateLimitStore};
use crate::resource::Resource;

/// Conveniences over any [`RateLimitStore`].
#[async_trait]
pub trait RateLimitStoreExt: RateLimitStore {
    /// A limiter over this store that waits up to a minute for a permit.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use store_core::{Limit, RateLimitStoreExt, Resource, SECOND};
    /// use store_memory::MemoryRateLimitStore;
    ///
    /// let limiter = MemoryRateLimitStore::new(Limit::new(2, SECOND)).limiter();
    /// let permit = limiter.acquire(&Resource::new("issues")?).await?;
    /// println!("admitted at {}", permit.admitted_at());
    /// # Ok(())
    /// # }
    /// ```
    fn limiter(self) -> RateLimiter
    where
        Self: Sized,
    {
        RateLimiter::new(self)
    }

    /// A limiter over this store.
    fn limiter_with(self, options: RateLimiterOptions) -> RateLimiter
    where
        Self: Sized,
    {
        RateLimiter::with_options(self, options)
    }

    /// Whether a request of this class would be admitted now: for display, not for decisions. Only
    /// [`RateLimitStore::try_acquire`] admits.
    ///
    /// # Errors
    /// The kinds of [`RateLimitStore::status`].
    async fn can_proceed(&self, resource: &Resource, priority: Priority) -> Result<bool> {
        Ok(self.wait_time(resource, priority).await?.is_zero())
    }

    /// How long a request of this class would have to wait without other requests.
    ///
    /// # Errors
    /// The kinds of [`RateLimitStore::status`].
    async fn wait_time(&self, resource: &Resource, priority: Priority) -> Result<Duration> {
        let claim = Claim::new(resource.clone());
        Ok(self.status(&claim, priority).await?.wait_time())
    }
}

impl<S: RateLimitStore + ?Sized> RateLimitStoreExt for S {}
