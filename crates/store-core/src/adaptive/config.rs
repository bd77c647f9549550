//! The configuration of the adaptive calculation.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::time::{MINUTE, SECOND};

/// Which classes are limited to their share of the window. The window as a whole never holds more
/// than the limit.
///
/// ```
/// use store_core::{AdaptiveConfig, HOUR, Limit, Partition, ResourceConfig};
///
/// let strict = AdaptiveConfig::default().with_partition(Partition::Strict);
/// let config = ResourceConfig::from(Limit::new(200, HOUR)).adaptive(strict);
/// # assert!(config.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Partition {
    /// Only the background: users may use whatever is free. The default.
    #[default]
    Reserve,
    /// Both, as in the original packages: users get their reserve and no more, though at least one
    /// admission per window, which shows that there are users again.
    Strict,
}

impl Partition {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes what it asks about by reference"
    )]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The settings of the adaptive calculation: when it reserves capacity for users, and how much.
///
/// ```
/// use store_core::AdaptiveConfig;
/// let config = AdaptiveConfig::default().with_min_user_reserved(10);
/// assert_eq!(config.high_activity_threshold, 10);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AdaptiveConfig {
    /// How far back activity counts. Default: 15 minutes.
    pub monitoring_window: Duration,
    /// From this many user requests on, activity is high. Default: 10.
    pub high_activity_threshold: u64,
    /// From this many user requests on, activity is moderate. Default: 3.
    pub moderate_activity_threshold: u64,
    /// How long an allocation stays in force. Default: 30 seconds.
    pub recalculation_interval: Duration,
    /// After this long without users the background may use the whole limit. Default: 30 minutes.
    pub sustained_inactivity_threshold: Duration,
    /// Whether the background pauses while high activity still rises. Default: yes.
    pub background_pause_on_increasing_trend: bool,
    /// The most by which activity multiplies the users' share. Default: 2.
    pub max_user_scaling: f64,
    /// The least that is reserved for users. Default: 5.
    pub min_user_reserved: u32,
    /// Which classes are limited to their share. Default: only the background.
    // Left out where it is the default, so that stored configs stay as they were.
    #[serde(skip_serializing_if = "Partition::is_default")]
    pub partition: Partition,
}

impl Default for AdaptiveConfig {
    fn default() -> Self {
        Self {
            monitoring_window: MINUTE * 15,
            high_activity_threshold: 10,
            moderate_activity_threshold: 3,
            recalculation_interval: SECOND * 30,
            sustained_inactivity_threshold: MINUTE * 30,
            background_pause_on_increasing_trend: true,
            max_user_scaling: 2.0,
            min_user_reserved: 5,
            partition: Partition::Reserve,
        }
    }
}

impl AdaptiveConfig {
    /// Sets how far back activity counts.
    #[must_use]
    pub const fn with_monitoring_window(mut self, window: Duration) -> Self {
        self.monitoring_window = window;
        self
    }

    /// Sets from how many user requests on activity is moderate, and high.
    #[must_use]
    pub const fn with_thresholds(mut self, moderate: u64, high: u64) -> Self {
        self.moderate_activity_threshold = moderate;
        self.high_activity_threshold = high;
        self
    }

    /// Sets how long an allocation stays in force.
    #[must_use]
    pub const fn with_recalculation_interval(mut self, interval: Duration) -> Self {
        self.recalculation_interval = interval;
        self
    }

    /// Sets after how long without users the background may use the whole limit.
    #[must_use]
    pub const fn with_sustained_inactivity_threshold(mut self, threshold: Duration) -> Self {
        self.sustained_inactivity_threshold = threshold;
        self
    }

    /// Lets the background go on while high activity still rises.
    #[must_use]
    pub const fn without_background_pause(mut self) -> Self {
        self.background_pause_on_increasing_trend = false;
        self
    }

    /// Sets the most by which activity multiplies the users' share.
    #[must_use]
    pub const fn with_max_user_scaling(mut self, scaling: f64) -> Self {
        self.max_user_scaling = scaling;
        self
    }

    /// Sets the least that is reserved for users.
    #[must_use]
    pub const fn with_min_user_reserved(mut self, reserved: u32) -> Self {
        self.min_user_reserved = reserved;
        self
    }

    /// Sets which classes are limited to their share.
    #[must_use]
    pub const fn with_partition(mut self, partition: Partition) -> Self {
        self.partition = partition;
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |detail| Err(Error::invalid("adaptive config", detail));
        if self.moderate_activity_threshold >= self.high_activity_threshold {
            return wrong("the moderate threshold must be below the high one");
        }
        if self.monitoring_window.is_zero() || self.recalculation_interval.is_zero() {
            return wrong("monitoring window and recalculation interval must be longer than zero");
        }
        if !(self.max_user_scaling.is_finite() && self.max_user_scaling >= 1.0) {
            return wrong("the users' scaling must be a number of at least 1");
        }
        Ok(())
    }
}
