//! Sums over the adaptive resources of a store.

use crate::rate_limit::{AdaptiveMetrics, AdaptiveStatus};

/// Sums over the resources whose limit is shared, for [`AdaptiveMetrics`].
///
/// ```
/// use store_core::backend::AdaptiveSums;
///
/// assert!(AdaptiveSums::default().metrics().is_none());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AdaptiveSums {
    resources: u64,
    users: u64,
    background_used: u64,
    background_max: u64,
    activations: u64,
}

impl AdaptiveSums {
    /// Adds a resource: its status, the background admissions in its window, and
    /// how often an allocation put users first.
    pub fn add(&mut self, status: &AdaptiveStatus, background_used: u64, activations: u64) {
        self.resources += 1;
        self.users += status.recent_user_activity;
        self.background_used += background_used;
        self.background_max += u64::from(status.allocation.background_max);
        self.activations += activations;
    }

    /// The metrics; `None` without resources.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of requests are far below 2^53"
    )]
    pub fn metrics(self) -> Option<AdaptiveMetrics> {
        let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        (self.resources > 0).then(|| {
            AdaptiveMetrics::new(
                share(self.users, self.resources),
                share(self.background_used, self.background_max).min(1.0),
                self.activations,
            )
        })
    }
}
