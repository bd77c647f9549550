//! A granted permit: used from the moment it is granted, unless it is given back.

use std::fmt;

use crate::resource::Resource;
use crate::time::Timestamp;

/// Permission to send one request, counted from the moment it was granted.
///
/// Dropping a permit changes nothing: granted means used. Call [`give_back`](Self::give_back) if
/// nothing was sent.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::{HOUR, Limit, RateLimitStoreExt, Resource};
/// use store_memory::MemoryRateLimitStore;
///
/// let limiter = MemoryRateLimitStore::new(Limit::new(1, HOUR)).limiter();
/// let issues = Resource::new("issues")?;
/// let permit = limiter.acquire(&issues).await?;
/// permit.give_back(); // nothing was sent
/// let _permit = limiter.acquire(&issues).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a granted permit is used even if it is dropped; give it back if nothing is sent"]
pub struct Permit {
    admitted_at: Timestamp,
    lapsed_cooldowns: Vec<(Resource, Timestamp)>,
    refund: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Permit {
    pub(crate) fn new(
        admitted_at: Timestamp,
        refund: impl FnOnce() + Send + Sync + 'static,
    ) -> Self {
        Self {
            admitted_at,
            lapsed_cooldowns: Vec::new(),
            refund: Some(Box::new(refund)),
        }
    }

    /// A permit without a refund, in place of one that was delivered or refunded.
    pub(crate) const fn given_back() -> Self {
        Self {
            admitted_at: Timestamp::MIN,
            lapsed_cooldowns: Vec::new(),
            refund: None,
        }
    }

    pub(crate) fn set_lapsed_cooldowns(&mut self, lapsed: Vec<(Resource, Timestamp)>) {
        self.lapsed_cooldowns = lapsed;
    }

    pub(crate) fn refund(&mut self) {
        if let Some(refund) = self.refund.take() {
            refund();
        }
    }

    /// The moment at which the limiter counts this admission.
    #[must_use]
    pub const fn admitted_at(&self) -> Timestamp {
        self.admitted_at
    }

    /// The claimed resources whose cooldown is over and was not cleared, each with its end: nobody knows
    /// yet whether the server accepts requests again. Whoever moves the end of such a cooldown ahead
    /// ([`RateLimitStore::move_cooldown`](crate::RateLimitStore::move_cooldown)) probes for all; a
    /// pipeline does that by itself.
    #[must_use]
    pub fn lapsed_cooldowns(&self) -> &[(Resource, Timestamp)] {
        &self.lapsed_cooldowns
    }

    /// Takes the admission out of the window: nothing was sent.
    pub fn give_back(mut self) {
        self.refund();
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("admitted_at", &self.admitted_at)
            .finish_non_exhaustive()
    }
}
