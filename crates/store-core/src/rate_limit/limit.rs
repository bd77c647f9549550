//! What a resource allows: counts per window, and how the two classes share them.

use std::time::Duration;

use crate::adaptive::AdaptiveConfig;
use crate::error::{Error, Result};
use crate::time::{HOUR, MINUTE};

/// At most `count` admissions in any window of this length, both ends of time considered: no
/// half-open window `(t - window, t]` ever holds more.
///
/// ```
/// use store_core::{HOUR, Limit};
///
/// let path = Limit::new(200, HOUR);
/// assert_eq!((path.count, path.window), (200, HOUR));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    /// The most admissions in one window. Zero is refused when the limit is used.
    pub count: u32,
    /// The window's length; counted in whole milliseconds, rounded up.
    pub window: Duration,
}

impl Limit {
    /// `count` per `window`.
    #[must_use]
    pub const fn new(count: u32, window: Duration) -> Self {
        Self { count, window }
    }

    /// The original packages' default for plain limiting: 60 per minute.
    pub const SEED_DEFAULT: Self = Self::new(60, MINUTE);
    /// The original packages' default for adaptive limiting: 200 per hour.
    pub const SEED_ADAPTIVE_DEFAULT: Self = Self::new(200, HOUR);

    fn check(&self) -> Result<()> {
        if self.count == 0 {
            return Err(Error::invalid(
                "limit",
                "must admit at least one per window",
            ));
        }
        if self.window.is_zero() {
            return Err(Error::invalid("limit", "needs a window longer than zero"));
        }
        Ok(())
    }
}

/// How user and background requests share the limits of a resource.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Policy {
    /// No difference between the two. The default.
    #[default]
    Fixed,
    /// Part of the first limit is kept from the background, as much as recent users call for.
    Adaptive(AdaptiveConfig),
}

/// Everything that holds for one resource.
///
/// ```
/// use store_core::{AdaptiveConfig, HOUR, Limit, ResourceConfig, SECOND};
///
/// let config = ResourceConfig::from(Limit::new(200, HOUR))
///     .with_limit(Limit::new(1, SECOND))
///     .adaptive(AdaptiveConfig::default());
/// assert_eq!(config.limits.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ResourceConfig {
    /// The limits, all of which must allow an admission. The first is the one that is shared
    /// between users and background. Not empty.
    pub limits: Vec<Limit>,
    /// How users and background share the first limit. Default: [`Policy::Fixed`].
    pub policy: Policy,
}

impl ResourceConfig {
    /// Adds a limit that must hold as well.
    #[must_use]
    pub fn with_limit(mut self, limit: Limit) -> Self {
        self.limits.push(limit);
        self
    }

    /// Shares the first limit between users and background by recent activity.
    #[must_use]
    pub fn adaptive(mut self, config: AdaptiveConfig) -> Self {
        self.policy = Policy::Adaptive(config);
        self
    }

    /// The first limit, which users and background share.
    ///
    /// # Errors
    /// `InvalidInput` if there is none.
    pub fn shared_limit(&self) -> Result<Limit> {
        self.limits
            .first()
            .copied()
            .ok_or_else(|| Error::invalid("resource config", "needs at least one limit"))
    }

    /// How long an admission matters: the longest window.
    #[must_use]
    pub fn longest_window(&self) -> Duration {
        let windows = self.limits.iter().map(|limit| limit.window);
        windows.fold(Duration::ZERO, Duration::max)
    }

    /// Checks the whole configuration; backends do so before they use it.
    ///
    /// # Errors
    /// `InvalidInput` naming what is wrong.
    pub fn check(&self) -> Result<()> {
        self.shared_limit()?;
        for limit in &self.limits {
            limit.check()?;
        }
        match &self.policy {
            Policy::Fixed => Ok(()),
            Policy::Adaptive(config) => config.check(),
        }
    }
}

impl From<Limit> for ResourceConfig {
    fn from(limit: Limit) -> Self {
        Self {
            limits: vec![limit],
            policy: Policy::Fixed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_admit_nothing_are_refused() {
        assert!(ResourceConfig::from(Limit::new(0, HOUR)).check().is_err());
        assert!(
            ResourceConfig::from(Limit::new(1, Duration::ZERO))
                .check()
                .is_err()
        );
        let mut none = ResourceConfig::from(Limit::SEED_DEFAULT);
        none.limits.clear();
        assert!(none.check().is_err());
    }
}
