//! The admission decision over an exact log of admissions.
//!
//! Backends that keep every admission implement [`AdmissionLog`] and decide alike, to the millisecond.

use std::num::NonZeroU32;

use crate::adaptive::{Allocation, Partition};
use crate::error::{Error, Result};
use crate::priority::Priority;
use crate::rate_limit::{
    AdaptiveStatus, Claim, Decision, Limit, Policy, Reason, ResourceConfig, Status,
};
use crate::resource::Resource;
use crate::time::Timestamp;

/// The admissions of one resource, none of them in the future.
pub trait AdmissionLog {
    /// When the `nth` newest admission was made, counted from 1: of one class, or of both.
    ///
    /// # Errors
    /// The kinds of a backend that does not work, as of [`RateLimitStore`](crate::RateLimitStore).
    fn nth_newest(&mut self, class: Option<Priority>, nth: u32) -> Result<Option<Timestamp>>;
}

/// The rules of one resource at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The resource.
    pub resource: &'a Resource,
    /// Its limits.
    pub config: &'a ResourceConfig,
    /// The allocation of its first limit and when it is recalculated, if it is shared.
    pub allocation: Option<(&'a Allocation, Timestamp)>,
    /// The end of the cooldown in force, if there is one.
    pub cooldown_until: Option<Timestamp>,
}

/// A denial: when another attempt may succeed, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// When another attempt may succeed.
    pub retry_at: Timestamp,
    /// The reason, with the resource that denied.
    pub reason: Reason,
}

impl Denial {
    /// Of two denials the one with the later `retry_at`; of equals the first.
    #[must_use]
    pub fn later(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) if other.retry_at > one.retry_at => Some(other),
            (Some(one), _) => Some(one),
            (None, other) => other,
        }
    }
}

impl From<Denial> for Decision {
    fn from(Denial { retry_at, reason }: Denial) -> Self {
        Self::Denied { retry_at, reason }
    }
}

impl Rules<'_> {
    /// The denial of `permits` requests of this class; `None` if they can be admitted now.
    ///
    /// # Errors
    /// `InvalidInput` if they can never be admitted, and the kinds of
    /// [`AdmissionLog::nth_newest`].
    pub fn denial(
        &self,
        log: &mut impl AdmissionLog,
        permits: NonZeroU32,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Option<Denial>> {
        let mut denial = self.cooldown_denial(now);
        for limit in self.config.limits() {
            let Some(spare) = limit.count().checked_sub(permits.get()) else {
                let detail = format!(
                    "{permits} permits at once never fit into a limit of {}; ask for fewer",
                    limit.count()
                );
                return Err(Error::invalid("try_acquire", detail).with_key(self.resource.as_str()));
            };
            // `permits` more fit iff the admission that would become the one too many is gone.
            if let Some(at) = log.nth_newest(None, spare + 1)?
                && at + limit.span() > now
            {
                let full = Denial {
                    retry_at: at + limit.span(),
                    reason: Reason::WindowFull(self.resource.clone()),
                };
                denial = Denial::later(denial, Some(full));
            }
        }
        let own = match priority {
            Priority::User => self.user_denial(log, permits, now)?,
            Priority::Background => self.background_denial(log, permits, now)?,
        };
        Ok(Denial::later(denial, own))
    }

    /// How many more requests of this class would be admitted now.
    ///
    /// # Errors
    /// The kinds of [`AdmissionLog::nth_newest`].
    pub fn remaining(
        &self,
        log: &mut impl AdmissionLog,
        priority: Priority,
        now: Timestamp,
    ) -> Result<u32> {
        let counts = self.config.limits().iter().map(Limit::count);
        // If `n` permits are admitted, so are fewer: a binary search finds the most.
        let (mut admitted, mut most) = (0, counts.min().unwrap_or_default());
        while let Some(permits) = NonZeroU32::new(most - (most - admitted) / 2)
            && admitted < most
        {
            if self.denial(log, permits, priority, now)?.is_none() {
                admitted = permits.get();
            } else {
                most = permits.get() - 1;
            }
        }
        Ok(admitted)
    }

    /// When [`remaining`](Self::remaining), which is `remaining` now, rises without further requests; `now` if
    /// it is as high as it gets.
    ///
    /// # Errors
    /// The kinds of [`AdmissionLog::nth_newest`].
    fn remaining_rises_at(
        &self,
        log: &mut impl AdmissionLog,
        remaining: u32,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Timestamp> {
        let more = NonZeroU32::MIN.saturating_add(remaining);
        // More than a whole limit never fits.
        if self
            .config
            .limits()
            .iter()
            .any(|limit| more.get() > limit.count())
        {
            return Ok(now);
        }
        let denial = self.denial(log, more, priority, now)?;
        Ok(denial.map_or(now, |denial| denial.retry_at))
    }

    /// The status for callers of this class. `used` counts the admissions in the window of the shared
    /// limit, `users` the users' requests in the monitoring window, if the limit is shared.
    ///
    /// # Errors
    /// The kinds of [`AdmissionLog::nth_newest`].
    pub fn status(
        &self,
        log: &mut impl AdmissionLog,
        used: u32,
        users: Option<u64>,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Status> {
        let limit = self.config.shared_limit();
        let mut status = Status::unused(limit, now);
        status.used = used;
        status.remaining = self.remaining(log, priority, now)?;
        status.cooldown_until = self.cooldown_until.filter(|until| *until > now);
        if let Some(denial) = self.denial(log, NonZeroU32::MIN, priority, now)? {
            status.available_at = denial.retry_at;
        }
        if used > 0 {
            let newest = log.nth_newest(None, 1)?;
            status.full_reset_at = newest.map_or(now, |newest| newest + limit.span());
        }
        if used > 0 || status.remaining == 0 {
            status.reset_at = self.remaining_rises_at(log, status.remaining, priority, now)?;
        }
        if let (Some((allocation, _)), Some(users)) = (self.allocation, users) {
            status.adaptive = Some(AdaptiveStatus::new(allocation.clone(), users));
        }
        Ok(status)
    }

    fn cooldown_denial(&self, now: Timestamp) -> Option<Denial> {
        let until = self.cooldown_until.filter(|until| *until > now)?;
        Some(Denial {
            retry_at: until,
            reason: Reason::Cooldown(self.resource.clone()),
        })
    }

    fn background_denial(
        &self,
        log: &mut impl AdmissionLog,
        permits: NonZeroU32,
        now: Timestamp,
    ) -> Result<Option<Denial>> {
        let Some((allocation, recalculate_at)) = self.allocation else {
            return Ok(None);
        };
        if allocation.background_paused {
            return Ok(Some(Denial {
                retry_at: recalculate_at,
                reason: Reason::Paused(self.resource.clone()),
            }));
        }
        let share = (Priority::Background, allocation.background_max);
        let full_until = self.share_full_until(log, share, permits, recalculate_at, now)?;
        Ok(full_until.map(|retry_at| Denial {
            retry_at,
            reason: Reason::Reserved(self.resource.clone()),
        }))
    }

    fn user_denial(
        &self,
        log: &mut impl AdmissionLog,
        permits: NonZeroU32,
        now: Timestamp,
    ) -> Result<Option<Denial>> {
        let Some((allocation, recalculate_at)) = self.allocation.filter(|_| self.is_strict())
        else {
            return Ok(None);
        };
        // The share may be zero while there are no users, but one who comes back must get in.
        let share = (Priority::User, allocation.user_reserved.max(1));
        let full_until = self.share_full_until(log, share, permits, recalculate_at, now)?;
        Ok(full_until.map(|retry_at| Denial {
            retry_at,
            reason: Reason::ShareUsed(self.resource.clone()),
        }))
    }

    fn is_strict(&self) -> bool {
        match self.config.policy() {
            Policy::Fixed => false,
            Policy::Adaptive(config) => config.partition == Partition::Strict,
        }
    }

    /// When the share of a class will fit `permits`; `None` if it does now. A recalculation may
    /// enlarge the share at any time.
    fn share_full_until(
        &self,
        log: &mut impl AdmissionLog,
        (class, most): (Priority, u32),
        permits: NonZeroU32,
        recalculate_at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let Some(spare) = most.checked_sub(permits.get()) else {
            return Ok(Some(recalculate_at));
        };
        let window = self.config.shared_limit().span();
        let blocking = log.nth_newest(Some(class), spare + 1)?;
        Ok(blocking
            .filter(|at| *at + window > now)
            .map(|at| recalculate_at.min(at + window)))
    }
}

/// Checks that a request names each resource once, and at least one.
///
/// # Errors
/// `InvalidInput` naming the resource.
pub fn check_claims(claims: &[Claim]) -> Result<()> {
    if claims.is_empty() {
        return Err(Error::invalid("try_acquire", "needs at least one claim"));
    }
    for (at, claim) in claims.iter().enumerate() {
        if claims[..at]
            .iter()
            .any(|earlier| earlier.resource == claim.resource)
        {
            return Err(Error::invalid(
                "try_acquire",
                "claims a resource twice; ask for more permits instead",
            )
            .with_key(claim.resource.as_str()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rate_limit::Limit;

    /// Admissions of one class, oldest first.
    struct Log(Vec<(Timestamp, Priority)>);

    impl AdmissionLog for Log {
        fn nth_newest(&mut self, class: Option<Priority>, nth: u32) -> Result<Option<Timestamp>> {
            let mut of_class = self
                .0
                .iter()
                .rev()
                .filter(|(_, priority)| class.is_none_or(|class| class == *priority));
            Ok(of_class.nth(nth as usize - 1).map(|(at, _)| *at))
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn denial(log: &mut Log, config: &ResourceConfig, permits: u32, now: i64) -> Option<i64> {
        let resource = Resource::new("issues").unwrap();
        let rules = Rules {
            resource: &resource,
            config,
            allocation: None,
            cooldown_until: None,
        };
        let permits = NonZeroU32::new(permits).unwrap();
        let denial = rules.denial(log, permits, Priority::User, at(now)).unwrap();
        denial.map(|denial| denial.retry_at.as_millis())
    }

    #[test]
    fn the_window_is_open_at_its_old_end() {
        let config = ResourceConfig::from(Limit::new(1, Duration::from_millis(100)));
        let mut log = Log(vec![(at(1_000), Priority::User)]);
        assert_eq!(denial(&mut log, &config, 1, 1_099), Some(1_100));
        assert_eq!(denial(&mut log, &config, 1, 1_100), None);
    }

    // covers("F12")
    #[test]
    fn an_overfull_window_is_waited_out_to_the_slot_that_counts() {
        let config = ResourceConfig::from(Limit::new(2, Duration::from_millis(100)));
        let log = [10, 20, 30, 40].map(|millis| (at(millis), Priority::User));
        assert_eq!(denial(&mut Log(log.into()), &config, 1, 50), Some(130));
        assert_eq!(denial(&mut Log(log.into()), &config, 2, 50), Some(140));
    }

    #[test]
    fn the_tightest_limit_decides() {
        let config = ResourceConfig::from(Limit::new(2, Duration::from_secs(1)))
            .with_limit(Limit::new(1, Duration::from_millis(10)));
        let mut log = Log(vec![(at(0), Priority::User)]);
        assert_eq!(denial(&mut log, &config, 1, 5), Some(10));
        log.0.push((at(10), Priority::User));
        assert_eq!(denial(&mut log, &config, 1, 15), Some(1_000));
    }
}
