//! Limits: counts per window, and how the two priority classes share them.

use std::time::Duration;

use crate::adaptive::AdaptiveConfig;
use crate::error::{Error, Result};
use crate::time::{HOUR, MINUTE};

/// At most `count` admissions in any window of a given length: a sliding window, not a token bucket. All of them
/// may be admitted at once; a second limit, such as one a second, spaces them.
///
/// No half-open interval `(t - span, t]` ever holds more admissions, where the [`span`](Self::span)
/// is the window plus its guard. This is exact by the moments at which the limiter admits
/// ([`Permit::admitted_at`](crate::Permit::admitted_at)). The server sees a request later, by as much
/// as scheduling and network delay it, and delays differ: without a guard, admissions at the end of
/// one window and at the start of the next may arrive within one window of the server. A
/// [guard](Self::with_guard) as long as the largest difference of two delays makes the limit hold
/// there, too.
///
/// ```
/// use store_core::{HOUR, Limit};
///
/// const PATH: Limit = Limit::new(200, HOUR);
/// assert_eq!((PATH.count(), PATH.window(), PATH.span()), (200, HOUR, HOUR));
/// ```
///
/// A limit that admits nothing does not compile as a constant, and panics otherwise; use
/// [`Limit::try_new`] for numbers that come from outside:
///
/// ```compile_fail
/// # use store_core::{HOUR, Limit};
/// const NONE: Limit = Limit::new(0, HOUR);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    count: u32,
    window: Duration,
    guard: Duration,
}

impl Limit {
    /// 60 per minute: the default of the limiters in memory and in SQLite.
    pub const SIXTY_PER_MINUTE: Self = Self::new(60, MINUTE);
    /// 200 per hour: the default of the adaptive limiters in SQLite and in DynamoDB, and what Comic Vine
    /// allows per path.
    pub const TWO_HUNDRED_PER_HOUR: Self = Self::new(200, HOUR);

    /// At most `count` per `window`; windows count in whole milliseconds, rounded up.
    ///
    /// # Panics
    /// If `count` or `window` is zero; in a constant that is a compile error.
    #[must_use]
    pub const fn new(count: u32, window: Duration) -> Self {
        assert!(count > 0, "a limit must admit at least one per window");
        assert!(!window.is_zero(), "a limit needs a window longer than zero");
        Self {
            count,
            window,
            guard: Duration::ZERO,
        }
    }

    /// At most `count` per `window`, from numbers that are not known to be valid.
    ///
    /// ```
    /// use store_core::{ErrorKind, HOUR, Limit};
    ///
    /// assert_eq!(Limit::try_new(200, HOUR)?, Limit::new(200, HOUR));
    /// let refused = Limit::try_new(0, HOUR).map_err(|error| error.kind());
    /// assert_eq!(refused, Err(ErrorKind::InvalidInput));
    /// # Ok::<(), store_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` if `count` or `window` is zero.
    pub fn try_new(count: u32, window: Duration) -> Result<Self> {
        if count == 0 {
            return Err(Error::invalid(
                "limit",
                "must admit at least one per window",
            ));
        }
        if window.is_zero() {
            return Err(Error::invalid("limit", "needs a window longer than zero"));
        }
        Ok(Self::new(count, window))
    }

    /// Lengthens the span in which an admission counts by `guard`, which should be as long as the
    /// delays between admission and arrival at the server may differ. Default: zero.
    ///
    /// ```
    /// use std::time::Duration;
    /// use store_core::{Limit, SECOND};
    ///
    /// let spacing = Limit::new(1, SECOND).with_guard(Duration::from_millis(50));
    /// assert_eq!(spacing.window(), SECOND);
    /// assert_eq!(spacing.span(), Duration::from_millis(1_050));
    /// ```
    #[must_use]
    pub const fn with_guard(mut self, guard: Duration) -> Self {
        self.guard = guard;
        self
    }

    /// Sets the guard to a share of the window: 0.005 is half a percent. A share below zero, or one
    /// that is not a number, is zero; one that no duration can hold is the longest duration.
    ///
    /// ```
    /// use std::time::Duration;
    /// use store_core::{HOUR, Limit};
    ///
    /// let path = Limit::new(200, HOUR).with_guard_share(0.005);
    /// assert_eq!(path.guard(), Duration::from_secs(18));
    /// ```
    #[must_use]
    pub fn with_guard_share(self, share: f64) -> Self {
        let seconds = self.window.as_secs_f64() * share;
        let guard = Duration::try_from_secs_f64(seconds);
        let otherwise = if seconds > 0.0 {
            Duration::MAX
        } else {
            Duration::ZERO
        };
        self.with_guard(guard.unwrap_or(otherwise))
    }

    /// The most admissions in one span; at least one.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The window's length as the server counts it; longer than zero.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// What is added to the window to cover delays between admission and arrival.
    #[must_use]
    pub const fn guard(&self) -> Duration {
        self.guard
    }

    /// How long an admission counts: the window plus its guard.
    #[must_use]
    pub const fn span(&self) -> Duration {
        self.window.saturating_add(self.guard)
    }
}

/// How user and background requests share the limits of a resource.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Policy {
    /// Both classes are treated alike. The default.
    #[default]
    Fixed,
    /// Part of the first limit is reserved for users, as much as recent user activity calls for.
    Adaptive(AdaptiveConfig),
}

/// The limits of one resource and how its priority classes share them.
///
/// ```
/// use store_core::{AdaptiveConfig, HOUR, Limit, ResourceConfig, SECOND};
///
/// let config = ResourceConfig::from(Limit::new(200, HOUR))
///     .with_limit(Limit::new(1, SECOND))
///     .adaptive(AdaptiveConfig::default());
/// assert_eq!(config.limits().len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceConfig {
    /// Not empty; the first is the shared one.
    limits: Vec<Limit>,
    policy: Policy,
}

impl ResourceConfig {
    /// Adds a limit that must hold as well. An adaptive policy never shares it: it shares the first.
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

    /// Sets how users and background share the first limit.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The limits, all of which must allow an admission; at least one.
    #[must_use]
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// How users and background share the first limit. Default: [`Policy::Fixed`].
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The first limit, which users and background share.
    #[must_use]
    pub fn shared_limit(&self) -> Limit {
        // The list is never empty; the fallback keeps this free of a panic.
        let first = self.limits.first();
        first.copied().unwrap_or(Limit::SIXTY_PER_MINUTE)
    }

    /// How long an admission matters: the longest [`Limit::span`].
    #[must_use]
    pub fn longest_span(&self) -> Duration {
        let spans = self.limits.iter().map(Limit::span);
        spans.fold(Duration::ZERO, Duration::max)
    }

    /// Checks the policy's figures; stores do so before they use a configuration.
    ///
    /// # Errors
    /// `InvalidInput` naming what is wrong.
    pub fn check(&self) -> Result<()> {
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
        assert!(Limit::try_new(0, HOUR).is_err());
        assert!(Limit::try_new(1, Duration::ZERO).is_err());
    }

    #[test]
    fn a_guard_share_that_no_duration_holds_errs_on_the_long_side() {
        let guard = |share| Limit::new(1, HOUR).with_guard_share(share).guard();
        assert_eq!(guard(-1.0), Duration::ZERO);
        assert_eq!(guard(f64::NAN), Duration::ZERO);
        assert_eq!(guard(f64::INFINITY), Duration::MAX);
    }
}
