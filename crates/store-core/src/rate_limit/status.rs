//! Status and statistics of rate-limited resources.

use std::time::Duration;

use crate::adaptive::Allocation;
use crate::rate_limit::Limit;
use crate::resource::Resource;
use crate::time::Timestamp;

/// The status of a resource for one priority class.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// When this was read.
    pub as_of: Timestamp,
    /// The first limit of the resource.
    pub limit: Limit,
    /// Admissions in the limit's current window.
    pub used: u32,
    /// How many more requests of the class would be admitted now, by every limit of the resource and
    /// by its share of the first; zero during a cooldown or a pause.
    pub remaining: u32,
    /// When `remaining` next rises; now if nothing is used and nothing denies.
    pub reset_at: Timestamp,
    /// When the window will be empty if nothing else is admitted, or now if it is.
    pub full_reset_at: Timestamp,
    /// The earliest time at which a request of this class is admitted.
    pub available_at: Timestamp,
    /// The end of the cooldown in force, if there is one.
    pub cooldown_until: Option<Timestamp>,
    /// How the limit is shared between the classes, if it is.
    pub adaptive: Option<AdaptiveStatus>,
}

impl Status {
    /// The status of a resource without admissions.
    #[must_use]
    pub const fn unused(limit: Limit, now: Timestamp) -> Self {
        Self {
            as_of: now,
            limit,
            used: 0,
            remaining: limit.count(),
            reset_at: now,
            full_reset_at: now,
            available_at: now,
            cooldown_until: None,
            adaptive: None,
        }
    }

    /// How long a request of this class would have to wait.
    #[must_use]
    pub fn wait_time(&self) -> Duration {
        self.available_at.since(self.as_of)
    }
}

/// How a limit is shared between users and background at the moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AdaptiveStatus {
    /// The allocation in force.
    pub allocation: Allocation,
    /// Requests of users in the monitoring window, denied ones included.
    pub recent_user_activity: u64,
}

impl AdaptiveStatus {
    /// How a limit is shared.
    #[must_use]
    pub const fn new(allocation: Allocation, recent_user_activity: u64) -> Self {
        Self {
            allocation,
            recent_user_activity,
        }
    }
}

/// A listed resource.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ResourceInfo {
    /// The resource.
    pub resource: Resource,
    /// Its status for the background, the class that is denied first.
    pub status: Status,
}

impl ResourceInfo {
    /// A listed resource.
    #[must_use]
    pub const fn new(resource: Resource, status: Status) -> Self {
        Self { resource, status }
    }
}

/// Counts over all resources.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RateLimitStats {
    /// Admissions that still count in some window.
    pub total_requests: u64,
    /// Resources with such admissions.
    pub unique_resources: u64,
    /// Resources that admit no background request right now.
    pub rate_limited_resources: Vec<Resource>,
    /// Figures over the resources whose limit is shared, if there are any.
    pub adaptive: Option<AdaptiveMetrics>,
}

/// Figures over the resources whose limit is shared between users and background.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AdaptiveMetrics {
    /// Requests of users per monitoring window, averaged over the resources.
    pub average_user_activity: f64,
    /// The share of its own capacity that the background uses, 0 to 1.
    pub background_utilization: f64,
    /// How often an allocation put users first (high activity or a pause).
    pub priority_mode_activations: u64,
}

impl AdaptiveMetrics {
    /// Figures over the resources whose limit is shared.
    #[must_use]
    pub const fn new(
        average_user_activity: f64,
        background_utilization: f64,
        priority_mode_activations: u64,
    ) -> Self {
        Self {
            average_user_activity,
            background_utilization,
            priority_mode_activations,
        }
    }
}

impl RateLimitStats {
    /// Counts over all resources.
    #[must_use]
    pub const fn new(
        total_requests: u64,
        unique_resources: u64,
        rate_limited_resources: Vec<Resource>,
        adaptive: Option<AdaptiveMetrics>,
    ) -> Self {
        Self {
            total_requests,
            unique_resources,
            rate_limited_resources,
            adaptive,
        }
    }
}
