//! The state of one resource: config, admissions, activity, allocation, cooldown.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use store_core::backend::window::{Denial, Rules};
use store_core::{
    AdaptiveConfig, Allocation, Claim, DAY, Policy, Priority, Resource, ResourceConfig, Result,
    Status, Timestamp, calculate,
};

use super::activity::ActivityLog;
use super::admissions::Log;
use crate::moment::{DRIFT, Moment};

/// After this long without a request nobody needs the activity of a resource that classes share, or a
/// cooldown that was not cleared.
const IDLE_AFTER: Duration = DAY;

/// The end of a cooldown, by both clocks: set back, the wall clock must not prolong it.
#[derive(Clone, Copy, Debug)]
struct Cooldown {
    until: Timestamp,
    ends_at: Duration,
}

impl Cooldown {
    fn new(until: Timestamp, at: Moment) -> Self {
        Self {
            until,
            ends_at: at.monotonic.saturating_add(until.since(at.now)),
        }
    }

    fn follow(&mut self, at: Moment) {
        let latest = at.now + self.ends_at.saturating_sub(at.monotonic);
        if self.until > latest + DRIFT {
            self.until = latest;
        }
    }
}

#[derive(Debug)]
pub(super) struct ResourceState {
    /// The config that was set for the resource.
    config: Option<Arc<ResourceConfig>>,
    /// The last claim's config, if it had one.
    claimed: Option<Box<ResourceConfig>>,
    log: Log,
    /// The moment of the last request; nothing was counted after it.
    followed: Timestamp,
    /// When the last admission was made, on the monotonic clock.
    last_admission: Duration,
    /// The longest span and the largest count of all configs so far. Claims under different limits
    /// share the log, so no shorter span may remove what a longer one still counts.
    keep: Duration,
    most: usize,
    activity: ActivityLog,
    /// Boxed, because most resources have none and stay small.
    allocation: Option<Box<CurrentAllocation>>,
    cooldown: Option<Cooldown>,
    priority_mode_activations: u64,
}

/// The allocation of the first limit, when it was calculated, and from what.
#[derive(Clone, Debug)]
struct CurrentAllocation {
    allocation: Allocation,
    calculated_at: Timestamp,
    limit: u32,
    config: AdaptiveConfig,
}

impl CurrentAllocation {
    fn due_at(&self) -> Timestamp {
        self.calculated_at + self.config.recalculation_interval
    }

    /// The allocation at `now`: the previous one, or a new one if that is due; `None` if the limit is
    /// not shared.
    fn at<'a>(
        before: Option<&'a Self>,
        activity_log: &ActivityLog,
        config: &ResourceConfig,
        now: Timestamp,
    ) -> Option<Cow<'a, Self>> {
        let Policy::Adaptive(adaptive) = config.policy() else {
            return None;
        };
        let limit = config.shared_limit().count();
        if let Some(before) = before.filter(|before| before.is_valid(limit, adaptive, now)) {
            return Some(Cow::Borrowed(before));
        }
        let activity = activity_log.activity(adaptive, now);
        Some(Cow::Owned(Self {
            allocation: calculate(now, limit, &activity, adaptive),
            calculated_at: now,
            limit,
            config: adaptive.clone(),
        }))
    }

    fn is_valid(&self, limit: u32, config: &AdaptiveConfig, now: Timestamp) -> bool {
        // A calculation of the future means that the clock was set back.
        let is_current = self.calculated_at <= now && now < self.due_at();
        is_current && self.limit == limit && self.config == *config
    }

    /// The rules of `resource` under this allocation.
    fn rules<'a>(
        current: Option<&'a Self>,
        resource: &'a Resource,
        config: &'a ResourceConfig,
        cooldown_until: Option<Timestamp>,
    ) -> Rules<'a> {
        Rules {
            resource,
            config,
            allocation: current.map(|current| (&current.allocation, current.due_at())),
            cooldown_until,
        }
    }
}

impl ResourceState {
    pub(super) fn new(default: &ResourceConfig) -> Self {
        let mut state = Self {
            config: None,
            claimed: None,
            log: Log::default(),
            followed: Timestamp::MIN,
            last_admission: Duration::ZERO,
            keep: Duration::ZERO,
            most: 0,
            activity: ActivityLog::default(),
            allocation: None,
            cooldown: None,
            priority_mode_activations: 0,
        };
        state.keep_for(default);
        state
    }

    pub(super) fn config(&self) -> Option<&Arc<ResourceConfig>> {
        self.config.as_ref()
    }

    pub(super) fn set_config(&mut self, config: ResourceConfig) {
        self.keep_for(&config);
        self.config = Some(Arc::new(config));
    }

    /// Keeps admissions as long, and as many, as `config` counts.
    fn keep_for(&mut self, config: &ResourceConfig) {
        self.keep = self.keep.max(config.longest_span());
        let counts = config.limits().iter().map(|limit| limit.count() as usize);
        self.most = counts.fold(self.most, usize::max);
    }

    /// Prepares a decision: follows the clock, removes what no window holds, recalculates if due.
    pub(super) fn prepare(&mut self, claim: &Claim, config: &ResourceConfig, at: Moment) {
        let now = at.now;
        if let Some(claimed) = &claim.config
            && self.claimed.as_deref() != Some(claimed)
        {
            self.claimed = Some(Box::new(claimed.clone()));
        }
        self.keep_for(config);
        self.follow(at);
        // As many as a limit counts stay, however old: they still count should the clock have leapt
        // ahead and be set back.
        self.log.remove_old(self.keep, self.most, usize::MAX, now);
        self.recalculate(config, now);
    }

    fn recalculate(&mut self, config: &ResourceConfig, now: Timestamp) {
        let before = self.allocation.as_deref();
        let was_priority = before.is_some_and(|before| before.allocation.is_priority_mode());
        match CurrentAllocation::at(before, &self.activity, config, now) {
            Some(Cow::Owned(fresh)) => {
                let is_priority = fresh.allocation.is_priority_mode();
                self.priority_mode_activations += u64::from(is_priority && !was_priority);
                self.allocation = Some(Box::new(fresh));
            }
            Some(Cow::Borrowed(_)) => {}
            None => self.allocation = None,
        }
    }

    /// Follows a clock that was set back.
    fn follow(&mut self, at: Moment) {
        if at.now < self.followed {
            self.log.clamp_future(at.now);
            self.activity.clamp_future(at.now);
        }
        self.followed = at.now;
        if let Some(cooldown) = &mut self.cooldown {
            cooldown.follow(at);
        }
    }

    fn cooldown_until(&self) -> Option<Timestamp> {
        self.cooldown.map(|cooldown| cooldown.until)
    }

    /// The denial of `permits` under `config`; `None` if they can be admitted.
    pub(super) fn denial(
        &mut self,
        resource: &Resource,
        config: &ResourceConfig,
        permits: NonZeroU32,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Option<Denial>> {
        let current =
            CurrentAllocation::at(self.allocation.as_deref(), &self.activity, config, now);
        CurrentAllocation::rules(current.as_deref(), resource, config, self.cooldown_until())
            .denial(&mut self.log, permits, priority, now)
    }

    pub(super) fn count_activity(
        &mut self,
        config: &ResourceConfig,
        priority: Priority,
        now: Timestamp,
    ) {
        // Counted under any policy, for a policy that is changed later.
        if let Policy::Adaptive(adaptive) = config.policy() {
            self.activity.count(adaptive, priority, now);
        } else {
            self.activity
                .count(&AdaptiveConfig::default(), priority, now);
        }
    }

    pub(super) fn admit(
        &mut self,
        first_id: u64,
        permits: NonZeroU32,
        priority: Priority,
        at: Moment,
    ) {
        self.last_admission = at.monotonic;
        for offset in 0..u64::from(permits.get()) {
            self.log.push(first_id + offset, priority, at.now);
        }
    }

    pub(super) fn refund(&mut self, first_id: u64, permits: NonZeroU32, priority: Priority) {
        for offset in 0..u64::from(permits.get()) {
            self.log.remove(first_id + offset, priority);
        }
    }

    pub(super) fn reset(&mut self) {
        self.log.clear();
    }

    /// Removes everything but the config that was set.
    pub(super) fn clear(&mut self, default: &ResourceConfig) {
        let config = self.config.take();
        *self = Self::new(default);
        if let Some(config) = config {
            self.keep_for(&config);
            self.config = Some(config);
        }
    }

    /// Extends the cooldown; returns the one in force then.
    pub(super) fn set_cooldown(&mut self, until: Timestamp, at: Moment) -> Timestamp {
        self.follow(at);
        let fresh = Cooldown::new(until, at);
        let before = self.cooldown.filter(|before| before.until >= until);
        let in_force = before.unwrap_or(fresh);
        self.cooldown = Some(in_force);
        in_force.until
    }

    pub(super) fn cooldown(&mut self, at: Moment) -> Option<Timestamp> {
        self.follow(at);
        self.cooldown_until().filter(|until| *until > at.now)
    }

    pub(super) fn clear_cooldown(&mut self, seen: Timestamp) {
        if self.cooldown_until() == Some(seen) {
            self.cooldown = None;
        }
    }

    /// Moves the end of the cooldown from `seen` to `until`; returns whether it did.
    pub(super) fn move_cooldown(&mut self, seen: Timestamp, until: Timestamp, at: Moment) -> bool {
        let is_seen = self.cooldown_until() == Some(seen);
        if is_seen {
            self.cooldown = Some(Cooldown::new(until, at));
        }
        is_seen
    }

    /// The end of a cooldown that is over and was not cleared.
    pub(super) fn lapsed_cooldown(&self, now: Timestamp) -> Option<Timestamp> {
        self.cooldown_until().filter(|until| *until <= now)
    }

    /// The config for callers without a claim of their own.
    fn own_config(&self, default: &ResourceConfig) -> ResourceConfig {
        let config = self.config.as_deref().or(self.claimed.as_deref());
        config.unwrap_or(default).clone()
    }

    /// The status for background callers without a claim of their own.
    pub(super) fn own_status(
        &mut self,
        resource: &Resource,
        default: &ResourceConfig,
        at: Moment,
    ) -> Result<Status> {
        let config = self.own_config(default);
        self.status(resource, &config, Priority::Background, at)
    }

    pub(super) fn status(
        &mut self,
        resource: &Resource,
        config: &ResourceConfig,
        priority: Priority,
        at: Moment,
    ) -> Result<Status> {
        let now = at.now;
        self.follow(at);
        let current =
            CurrentAllocation::at(self.allocation.as_deref(), &self.activity, config, now);
        let rules =
            CurrentAllocation::rules(current.as_deref(), resource, config, self.cooldown_until());
        let users = if let Policy::Adaptive(adaptive) = config.policy() {
            Some(self.activity.activity(adaptive, now).users_in_window)
        } else {
            None
        };
        let used = self.log.count(None, config.shared_limit().span(), now);
        let used = u32::try_from(used).unwrap_or(u32::MAX);
        rules.status(&mut self.log, used, users, priority, now)
    }

    /// The number of admissions that still count in some window.
    pub(super) fn counted(&self, default: &ResourceConfig, now: Timestamp) -> u64 {
        let window = self.own_config(default).longest_span();
        self.log.count(None, window, now) as u64
    }

    /// The number of background admissions in the span of the first limit.
    pub(super) fn background_used(&mut self, default: &ResourceConfig, now: Timestamp) -> u64 {
        let span = self.own_config(default).shared_limit().span();
        self.log.split();
        self.log.count(Some(Priority::Background), span, now) as u64
    }

    pub(super) fn priority_mode_activations(&self) -> u64 {
        self.priority_mode_activations
    }

    /// Removes at most `most` admissions that no window holds; returns how many.
    pub(super) fn cleanup(&mut self, most: usize, now: Timestamp) -> usize {
        self.log.remove_old(self.keep, 0, most, now)
    }

    /// When to see whether the resource is idle, on the monotonic clock.
    pub(super) fn idle_at(&self) -> Duration {
        self.last_admission.saturating_add(self.keep)
    }

    /// Whether removing the resource changes nothing: no window, cooldown or configuration needs it. By
    /// both clocks, because one that leapt ahead may be set back.
    pub(super) fn is_idle(&mut self, at: Moment) -> bool {
        self.follow(at);
        let is_shared = self.allocation.is_some();
        let newest = self.log.newest();
        self.config.is_none()
            && self.idle_at() <= at.monotonic
            && newest.is_none_or(|newest| newest + self.keep <= at.now)
            && self
                .cooldown_until()
                .is_none_or(|until| until + IDLE_AFTER <= at.now)
            && (!is_shared || self.activity.is_older_than(IDLE_AFTER, at.now))
    }
}
