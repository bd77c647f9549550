//! All that is known of one resource.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

use store_core::rate_limit::window::{Denial, Rules};
use store_core::{
    AdaptiveConfig, AdaptiveStatus, Allocation, Claim, DAY, Policy, Priority, Resource,
    ResourceConfig, Result, Status, Timestamp, calculate,
};

use super::activity::Demand;
use super::log::Log;

/// An idle resource is forgotten after this long without demand.
const IDLE_AFTER: Duration = DAY;

#[derive(Debug)]
pub(super) struct Ledger {
    /// What the store was told.
    stated: Option<ResourceConfig>,
    /// What holds otherwise: the last claim's, or the store's default.
    otherwise: ResourceConfig,
    log: Log,
    /// The longest window and the largest count that the log was ever asked for. Claims under
    /// different limits share it, so no shorter window may forget what a longer one still counts.
    keep: Duration,
    most: usize,
    demand: Demand,
    sharing: Option<Sharing>,
    cooldown_until: Option<Timestamp>,
    priority_mode_activations: u64,
}

/// How the first limit is shared, since when, and on what grounds.
#[derive(Clone, Debug)]
struct Sharing {
    allocation: Allocation,
    calculated_at: Timestamp,
    limit: u32,
    config: AdaptiveConfig,
}

impl Sharing {
    fn due_at(&self) -> Timestamp {
        self.calculated_at + self.config.recalculation_interval
    }

    /// What holds at `now`: what was calculated before, or a new calculation if that is due; none if
    /// the limit is not shared.
    fn at<'a>(
        before: Option<&'a Self>,
        demand: &Demand,
        config: &ResourceConfig,
        now: Timestamp,
    ) -> Option<Cow<'a, Self>> {
        let Policy::Adaptive(adaptive) = &config.policy else {
            return None;
        };
        let limit = config.limits.first()?.count;
        if let Some(before) = before.filter(|before| before.holds(limit, adaptive, now)) {
            return Some(Cow::Borrowed(before));
        }
        let activity = demand.activity(adaptive, now);
        Some(Cow::Owned(Self {
            allocation: calculate(now, limit, &activity, adaptive),
            calculated_at: now,
            limit,
            config: adaptive.clone(),
        }))
    }

    fn holds(&self, limit: u32, config: &AdaptiveConfig, now: Timestamp) -> bool {
        // A calculation of the future tells that the clock was set back.
        let is_current = self.calculated_at <= now && now < self.due_at();
        is_current && self.limit == limit && self.config == *config
    }

    /// The rules for `resource` under this sharing.
    fn rules<'a>(
        sharing: Option<&'a Self>,
        resource: &'a Resource,
        config: &'a ResourceConfig,
        cooldown_until: Option<Timestamp>,
    ) -> Rules<'a> {
        Rules {
            resource,
            config,
            allocation: sharing.map(|sharing| (&sharing.allocation, sharing.due_at())),
            cooldown_until,
        }
    }
}

impl Ledger {
    pub(super) fn new(default: &ResourceConfig) -> Self {
        let mut ledger = Self {
            stated: None,
            otherwise: default.clone(),
            log: Log::default(),
            keep: Duration::ZERO,
            most: 0,
            demand: Demand::default(),
            sharing: None,
            cooldown_until: None,
            priority_mode_activations: 0,
        };
        ledger.stretch(default);
        ledger
    }

    pub(super) fn stated(&self) -> Option<&ResourceConfig> {
        self.stated.as_ref()
    }

    pub(super) fn state(&mut self, config: ResourceConfig) {
        self.stretch(&config);
        self.stated = Some(config);
    }

    fn stretch(&mut self, config: &ResourceConfig) {
        self.keep = self.keep.max(config.longest_window());
        let counts = config.limits.iter().map(|limit| limit.count as usize);
        self.most = counts.fold(self.most, usize::max);
    }

    /// Gets ready to decide: obeys the clock, forgets what no window holds, recalculates if due.
    pub(super) fn prepare(&mut self, claim: &Claim, config: &ResourceConfig, now: Timestamp) {
        if let Some(claimed) = &claim.config
            && self.otherwise != *claimed
        {
            self.otherwise = claimed.clone();
        }
        self.stretch(config);
        self.obey(now);
        // As many as a limit counts stay, however old: should the clock have leapt ahead and be set
        // back, they are still known.
        self.log.forget(self.keep, self.most, usize::MAX, now);
        self.share(config, now);
    }

    fn share(&mut self, config: &ResourceConfig, now: Timestamp) {
        let before = self.sharing.as_ref();
        let was_priority = before.is_some_and(|before| before.allocation.is_priority_mode());
        match Sharing::at(before, &self.demand, config, now) {
            Some(Cow::Owned(fresh)) => {
                let is_priority = fresh.allocation.is_priority_mode();
                self.priority_mode_activations += u64::from(is_priority && !was_priority);
                self.sharing = Some(fresh);
            }
            Some(Cow::Borrowed(_)) => {}
            None => self.sharing = None,
        }
    }

    fn obey(&mut self, now: Timestamp) {
        self.log.obey(now);
        self.demand.obey(now);
    }

    /// Why `permits` cannot be admitted under `config`; none if they can.
    pub(super) fn refusal(
        &mut self,
        resource: &Resource,
        config: &ResourceConfig,
        permits: NonZeroU32,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Option<Denial>> {
        let sharing = Sharing::at(self.sharing.as_ref(), &self.demand, config, now);
        Sharing::rules(sharing.as_deref(), resource, config, self.cooldown_until).refusal(
            &mut self.log,
            permits,
            priority,
            now,
        )
    }

    pub(super) fn count_demand(
        &mut self,
        config: &ResourceConfig,
        priority: Priority,
        now: Timestamp,
    ) {
        // Counted under any policy, so that a policy that is changed later finds its history.
        if let Policy::Adaptive(adaptive) = &config.policy {
            self.demand.count(adaptive, priority, now);
        } else {
            self.demand.count(&AdaptiveConfig::default(), priority, now);
        }
    }

    pub(super) fn admit(
        &mut self,
        first_id: u64,
        permits: NonZeroU32,
        priority: Priority,
        now: Timestamp,
    ) {
        for offset in 0..u64::from(permits.get()) {
            self.log.push(first_id + offset, priority, now);
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

    /// Forgets everything but what the store was told.
    pub(super) fn clear(&mut self, default: &ResourceConfig) {
        let stated = self.stated.take();
        *self = Self::new(default);
        if let Some(config) = stated {
            self.state(config);
        }
    }

    /// Extends the cooldown; the one in force then.
    pub(super) fn set_cooldown(&mut self, until: Timestamp) -> Timestamp {
        let until = self
            .cooldown_until
            .map_or(until, |before| before.max(until));
        self.cooldown_until = Some(until);
        until
    }

    pub(super) fn cooldown(&self, now: Timestamp) -> Option<Timestamp> {
        self.cooldown_until.filter(|until| *until > now)
    }

    pub(super) fn clear_cooldown(&mut self, seen: Timestamp) {
        if self.cooldown_until == Some(seen) {
            self.cooldown_until = None;
        }
    }

    /// What holds when nobody claims anything.
    fn own_config(&self) -> ResourceConfig {
        self.stated.as_ref().unwrap_or(&self.otherwise).clone()
    }

    /// How the resource stands for background callers who claim nothing.
    pub(super) fn own_status(&mut self, resource: &Resource, now: Timestamp) -> Result<Status> {
        let config = self.own_config();
        self.status(resource, &config, Priority::Background, now)
    }

    pub(super) fn status(
        &mut self,
        resource: &Resource,
        config: &ResourceConfig,
        priority: Priority,
        now: Timestamp,
    ) -> Result<Status> {
        self.obey(now);
        let limit = config.shared_limit()?;
        let sharing = Sharing::at(self.sharing.as_ref(), &self.demand, config, now);
        let sharing = sharing.as_deref();
        let rules = Sharing::rules(sharing, resource, config, self.cooldown_until);
        let used = self.log.count(None, limit.window, now);

        let mut status = Status::unused(limit, now);
        status.used = u32::try_from(used).unwrap_or(u32::MAX);
        status.remaining = rules.remaining(&mut self.log, priority, now)?;
        let refusal = rules.refusal(&mut self.log, NonZeroU32::MIN, priority, now)?;
        status.available_at = refusal.map_or(now, |denial| denial.retry_at);
        status.cooldown_until = self.cooldown_until.filter(|until| *until > now);
        if let (Some(sharing), Policy::Adaptive(adaptive)) = (sharing, &config.policy) {
            let users = self.demand.activity(adaptive, now).users_in_window;
            let allocation = sharing.allocation.clone();
            status.adaptive = Some(AdaptiveStatus::new(allocation, users));
        }
        if used > 0 {
            let newest = self.log.newest();
            status.full_reset_at = newest.map_or(now, |newest| newest + limit.window);
        }
        if used > 0 || status.remaining == 0 {
            let log = &mut self.log;
            status.reset_at = rules.remaining_rises_at(log, status.remaining, priority, now)?;
        }
        Ok(status)
    }

    /// How many admissions still count in some window.
    pub(super) fn counted(&self, now: Timestamp) -> u64 {
        let window = self.own_config().longest_window();
        self.log.count(None, window, now) as u64
    }

    /// How many admissions of the background count in the first limit's window.
    pub(super) fn background_used(&self, now: Timestamp) -> u64 {
        let config = self.own_config();
        let window = config
            .limits
            .first()
            .map_or(Duration::ZERO, |limit| limit.window);
        self.log.count(Some(Priority::Background), window, now) as u64
    }

    pub(super) fn priority_mode_activations(&self) -> u64 {
        self.priority_mode_activations
    }

    /// Frees at most `most` admissions that no window holds; how many it were.
    pub(super) fn sweep(&mut self, most: usize, now: Timestamp) -> usize {
        self.log.forget(self.keep, 0, most, now)
    }

    /// Whether forgetting the resource changes nothing.
    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        self.stated.is_none()
            && self.cooldown(now).is_none()
            && self
                .log
                .newest()
                .is_none_or(|newest| newest + self.keep <= now)
            && self.demand.is_older_than(IDLE_AFTER, now)
    }
}
