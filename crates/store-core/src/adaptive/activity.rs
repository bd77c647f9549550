//! The recent activity on a resource: the input of the calculation.

use serde::{Deserialize, Serialize};

use crate::adaptive::AdaptiveConfig;
use crate::time::{Timestamp, millis_ceil};

/// The requests of users and background for a resource, denied ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Activity {
    /// Requests of users in the monitoring window.
    pub users_in_window: u64,
    /// Requests of users in the window's last third.
    pub users_in_last_third: u64,
    /// Requests of users in the window's middle third.
    pub users_in_middle_third: u64,
    /// When a user last asked, however long ago.
    pub last_user: Option<Timestamp>,
    /// Whether the background ever asked.
    pub background_seen: bool,
}

/// The trend of user activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// No users in the last two thirds of the window.
    None,
    /// More than half as many again as in the third before.
    Increasing,
    /// Less than half as many as in the third before.
    Decreasing,
    /// Anything between.
    Stable,
}

/// The level of user activity, by the names of the original packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivityLevel {
    /// No request of a user in the monitoring window.
    Night,
    /// Fewer than the moderate threshold.
    Low,
    /// From the moderate threshold on.
    Moderate,
    /// From the high threshold on.
    High,
}

impl Activity {
    /// The level of user activity.
    ///
    /// ```
    /// use store_core::{Activity, ActivityLevel, AdaptiveConfig, Timestamp};
    ///
    /// let config = AdaptiveConfig::default();
    /// let now = Timestamp::from_millis(1_700_000_000_000);
    /// let mut activity = Activity::default();
    /// assert_eq!(activity.level(&config), ActivityLevel::Night);
    /// activity.add_users(now, &config, now, 3);
    /// assert_eq!(activity.level(&config), ActivityLevel::Moderate);
    /// ```
    #[must_use]
    pub const fn level(&self, config: &AdaptiveConfig) -> ActivityLevel {
        let requests = self.users_in_window;
        if requests >= config.high_activity_threshold {
            ActivityLevel::High
        } else if requests >= config.moderate_activity_threshold {
            ActivityLevel::Moderate
        } else if requests > 0 {
            ActivityLevel::Low
        } else {
            ActivityLevel::Night
        }
    }

    /// Counts requests by when they were made.
    pub fn from_requests(
        now: Timestamp,
        config: &AdaptiveConfig,
        user: impl IntoIterator<Item = Timestamp>,
        background: impl IntoIterator<Item = Timestamp>,
    ) -> Self {
        let mut activity = Self {
            background_seen: background.into_iter().next().is_some(),
            ..Self::default()
        };
        for at in user {
            activity.add_users(now, config, at, 1);
        }
        activity
    }

    /// Adds `count` requests of users made at `at`.
    pub fn add_users(
        &mut self,
        now: Timestamp,
        config: &AdaptiveConfig,
        at: Timestamp,
        count: u64,
    ) {
        if count == 0 {
            return;
        }
        self.last_user = self.last_user.max(Some(at));
        // Thirds are compared by thrice the age, so that no window is cut to a rounded third.
        let window = i128::from(millis_ceil(config.monitoring_window));
        let thrice_the_age = 3 * (i128::from(now.as_millis()) - i128::from(at.as_millis()));
        if thrice_the_age < window {
            self.users_in_last_third += count;
        } else if thrice_the_age < 2 * window {
            self.users_in_middle_third += count;
        }
        if thrice_the_age < 3 * window {
            self.users_in_window += count;
        }
    }

    /// The trend of user activity (row E1).
    #[must_use]
    pub const fn trend(&self) -> Trend {
        let (recent, previous) = (self.users_in_last_third, self.users_in_middle_third);
        if recent == 0 && previous == 0 {
            Trend::None
        } else if 2 * recent > 3 * previous {
            Trend::Increasing
        } else if 2 * recent < previous {
            Trend::Decreasing
        } else {
            Trend::Stable
        }
    }
}
