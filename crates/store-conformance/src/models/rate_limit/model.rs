//! The model of a rate limiter: a list of all admissions.
//!
//! An admission that is in the future because the clock was set back counts as made now. Which "now"
//! depends on when the store reads its clock, so the model keeps the earliest and the latest time of
//! each; otherwise they are the same. A store that counts in buckets of time may let an admission
//! count for longer than its window, by its resolution, which is added to the latest time.

use std::time::Duration;

use store_core::{Limit, Priority, ResourceConfig, SECOND, Timestamp};

use super::step::RequestSpec;

#[derive(Debug)]
pub(super) struct Model {
    defaults: Vec<ResourceConfig>,
    configured: Vec<Option<ResourceConfig>>,
    /// How much longer than its window the store may count an admission, by resource.
    resolutions: Vec<Duration>,
    cooldowns: Vec<Option<Cooldown>>,
    admissions: Vec<Admission>,
    denials: Vec<Denial>,
    /// The number of requests admitted.
    count: u64,
}

#[derive(Clone, Debug)]
struct Admission {
    number: u64,
    resource: usize,
    earliest: Timestamp,
    latest: Timestamp,
    /// The longest window that it was ever counted in.
    retention: Duration,
    /// Whether it was ever outside every window, so that the store may have removed it.
    has_expired: bool,
}

#[derive(Clone, Copy, Debug)]
struct Cooldown {
    until: Timestamp,
    /// Whether it has ever ended.
    has_ended: bool,
}

/// A denial that a handle may repeat for a second.
#[derive(Debug)]
pub(super) struct Denial {
    pub(super) handle: usize,
    pub(super) resource: usize,
    pub(super) permits: u32,
    pub(super) binds_users: bool,
    pub(super) at: Timestamp,
    pub(super) retry_at: Timestamp,
}

/// Which of the possible times of an admission.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    Earliest,
    Latest,
}

impl Model {
    pub(super) fn new(defaults: Vec<ResourceConfig>, resolutions: Vec<Duration>) -> Self {
        Self {
            resolutions,
            configured: vec![None; defaults.len()],
            cooldowns: vec![None; defaults.len()],
            defaults,
            admissions: Vec::new(),
            denials: Vec::new(),
            count: 0,
        }
    }

    pub(super) fn config(&self, resource: usize) -> &ResourceConfig {
        let configured = self.configured[resource].as_ref();
        configured.unwrap_or(&self.defaults[resource])
    }

    pub(super) fn configured(&self, resource: usize) -> Option<&ResourceConfig> {
        self.configured[resource].as_ref()
    }

    /// The times that the store counts the admissions from, newest first.
    fn counted_times(&self, resource: usize, bound: Bound, now: Timestamp) -> Vec<Timestamp> {
        let mut times = self.admission_times(resource, bound, now);
        if let Bound::Latest = bound {
            for at in &mut times {
                *at = *at + self.resolutions[resource];
            }
        }
        times
    }

    /// The times of the admissions, newest first.
    fn admission_times(&self, resource: usize, bound: Bound, now: Timestamp) -> Vec<Timestamp> {
        let own = self.admissions.iter().filter(|it| it.resource == resource);
        let mut times: Vec<_> = match bound {
            Bound::Earliest => own
                .filter(|it| !it.has_expired)
                .map(|it| it.earliest)
                .collect(),
            Bound::Latest => own.map(|it| it.latest.min(now)).collect(),
        };
        times.sort();
        times.reverse();
        times
    }

    /// How many of the times are in the window that ends now.
    fn count_in_window(times: &[Timestamp], window: Duration, now: Timestamp) -> usize {
        times.iter().filter(|at| now < **at + window).count()
    }

    /// When `permits` more fit into the limit; `None` if they do now.
    fn full_until(
        times: &[Timestamp],
        limit: Limit,
        permits: u32,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let free = (limit.count() - permits) as usize;
        // All but `free` of those in the window have to leave it.
        let last_to_leave = times.get(free)?;
        (now < *last_to_leave + limit.span()).then(|| *last_to_leave + limit.span())
    }

    pub(super) fn is_impossible(&self, spec: &RequestSpec) -> bool {
        let mut limits = spec
            .resources
            .iter()
            .flat_map(|it| self.config(*it).limits());
        limits.any(|limit| limit.count() < spec.permits)
    }

    /// Until when a possible request of a user is denied. The background may have to wait longer.
    pub(super) fn denied_until(
        &self,
        spec: &RequestSpec,
        bound: Bound,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let mut longest = None;
        for resource in &spec.resources {
            longest = longest.max(self.cooldown(*resource, now));
            let times = self.counted_times(*resource, bound, now);
            for limit in self.config(*resource).limits() {
                longest = longest.max(Self::full_until(&times, *limit, spec.permits, now));
            }
        }
        longest
    }

    /// Whether the denial may repeat one of the same handle from less than a second ago.
    pub(super) fn is_repeated_denial(
        &self,
        handle: usize,
        spec: &RequestSpec,
        retry_at: Timestamp,
        now: Timestamp,
    ) -> bool {
        self.denials.iter().any(|denial| {
            denial.handle == handle
                && denial.retry_at == retry_at
                && denial.permits == spec.permits
                && spec.resources.contains(&denial.resource)
                && (denial.binds_users || spec.priority == Priority::Background)
                && denial.at <= now
                && now < denial.at + SECOND
        })
    }

    pub(super) fn record_denial(&mut self, denial: Denial) {
        self.denials.push(denial);
    }

    /// Notes that the store has read the request's resources: no admission is in the future any more.
    pub(super) fn clamp_future(&mut self, spec: &RequestSpec, now: Timestamp) {
        for resource in &spec.resources {
            let longest = self.config(*resource).longest_span();
            self.extend_retention(*resource, longest);
            for admission in &mut self.admissions {
                if admission.resource == *resource {
                    admission.latest = admission.latest.min(now);
                }
            }
        }
    }

    fn extend_retention(&mut self, resource: usize, window: Duration) {
        for admission in &mut self.admissions {
            if admission.resource == resource && !admission.has_expired {
                admission.retention = admission.retention.max(window);
            }
        }
    }

    /// Admits a request and returns its number.
    pub(super) fn admit(&mut self, spec: &RequestSpec, now: Timestamp) -> u64 {
        self.clamp_future(spec, now);
        self.count += 1;
        for resource in &spec.resources {
            let admission = Admission {
                number: self.count,
                resource: *resource,
                earliest: now,
                latest: now,
                retention: self.config(*resource).longest_span(),
                has_expired: false,
            };
            let all = std::iter::repeat_n(admission, spec.permits as usize);
            self.admissions.extend(all);
        }
        self.count
    }

    pub(super) fn give_back(&mut self, number: u64) {
        // The store may have removed it, though it may be in a window again since the clock was set back.
        self.admissions
            .retain(|it| it.number != number || it.has_expired);
    }

    pub(super) fn reset(&mut self, resource: usize) {
        self.admissions.retain(|it| it.resource != resource);
    }

    pub(super) fn clear(&mut self) {
        self.admissions.clear();
        self.cooldowns.fill(None);
    }

    /// Sets the config of a resource, and the resolution of the store under it.
    pub(super) fn configure(
        &mut self,
        resource: usize,
        config: ResourceConfig,
        resolution: Duration,
    ) {
        self.extend_retention(resource, config.longest_span());
        self.resolutions[resource] = self.resolutions[resource].max(resolution);
        self.configured[resource] = Some(config);
    }

    /// The least and the greatest count in the first limit's window.
    pub(super) fn used(&self, resource: usize, now: Timestamp) -> (u32, u32) {
        let window = self.config(resource).limits()[0].span();
        let count =
            |bound| Self::count_in_window(&self.counted_times(resource, bound, now), window, now);
        let count = |bound| u32::try_from(count(bound)).expect("there are few");
        (count(Bound::Earliest), count(Bound::Latest))
    }

    /// The least and the greatest count in the longest window.
    pub(super) fn in_longest_window(&self, resource: usize, now: Timestamp) -> (u64, u64) {
        let window = self.config(resource).longest_span();
        let count = |bound| {
            Self::count_in_window(&self.counted_times(resource, bound, now), window, now) as u64
        };
        (count(Bound::Earliest), count(Bound::Latest))
    }

    pub(super) fn is_uncertain(&self, resource: usize, now: Timestamp) -> bool {
        self.admission_times(resource, Bound::Earliest, now) != {
            let longest = self.config(resource).longest_span();
            let mut latest = self.admission_times(resource, Bound::Latest, now);
            let sure = self.admission_times(resource, Bound::Earliest, now).len();
            // Expired admissions have no effect.
            while latest.len() > sure && latest.last().is_some_and(|at| *at + longest <= now) {
                latest.pop();
            }
            latest
        }
    }

    /// The most permits that a user may get at once.
    pub(super) fn remaining(&self, resource: usize, bound: Bound, now: Timestamp) -> u32 {
        let fits = |permits: &u32| {
            let spec = RequestSpec::of_user(resource, *permits);
            !self.is_impossible(&spec) && self.denied_until(&spec, bound, now).is_none()
        };
        (1..=u32::MAX).take_while(fits).last().unwrap_or(0)
    }

    /// When a user may get more than `remaining`, and when the first limit's window is empty.
    pub(super) fn resets(
        &self,
        resource: usize,
        remaining: u32,
        bound: Bound,
        now: Timestamp,
    ) -> (Timestamp, Timestamp) {
        let more = RequestSpec::of_user(resource, remaining + 1);
        let next = if self.is_impossible(&more) {
            None
        } else {
            self.denied_until(&more, bound, now)
        };
        let window = self.config(resource).limits()[0].span();
        let times = self.counted_times(resource, bound, now);
        let last = match Self::count_in_window(&times, window, now) {
            0 => now,
            _ => times[0] + window,
        };
        (next.unwrap_or(now), last)
    }

    /// The number of admissions that may be removed by now.
    pub(super) fn expired(&self, now: Timestamp) -> u64 {
        let has_expired = |it: &&Admission| it.has_expired || it.earliest + it.retention <= now;
        self.admissions.iter().filter(has_expired).count() as u64
    }

    pub(super) fn cooldown(&self, resource: usize, now: Timestamp) -> Option<Timestamp> {
        let until = self.cooldowns[resource].map(|cooldown| cooldown.until);
        until.filter(|until| now < *until)
    }

    pub(super) fn set_cooldown(&mut self, resource: usize, until: Timestamp) -> Timestamp {
        let before = self.cooldowns[resource].map(|cooldown| cooldown.until);
        let until = before.map_or(until, |before| before.max(until));
        self.cooldowns[resource] = Some(Cooldown {
            until,
            has_ended: false,
        });
        until
    }

    pub(super) fn remove_cooldown(&mut self, resource: usize) {
        self.cooldowns[resource] = None;
    }

    /// Notes the admissions and cooldowns that a store may remove at this time.
    pub(super) fn note_expired(&mut self, now: Timestamp) {
        for admission in &mut self.admissions {
            admission.has_expired |= admission.earliest + admission.retention <= now;
        }
        for cooldown in self.cooldowns.iter_mut().flatten() {
            cooldown.has_ended |= cooldown.until <= now;
        }
    }

    pub(super) fn set_back(&mut self, now: Timestamp) {
        for admission in &mut self.admissions {
            admission.earliest = admission.earliest.min(now);
        }
    }

    /// The resources whose cooldown had ended and is active again, unless the store has removed it.
    pub(super) fn active_again(&mut self, now: Timestamp) -> Vec<usize> {
        let mut active_again = Vec::new();
        for (resource, cooldown) in self.cooldowns.iter_mut().enumerate() {
            if let Some(cooldown) = cooldown
                && cooldown.has_ended
                && now < cooldown.until
            {
                cooldown.has_ended = false;
                active_again.push(resource);
            }
        }
        active_again
    }
}
