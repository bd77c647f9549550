//! Every admission, in a list that is searched by brute force.
//!
//! An admission that lies in the future because the clock was set back counts as made now. Which
//! "now" that is depends on when the store looked, so the model keeps the earliest and the latest
//! time of each; without such a clock they are the same. A store that counts in buckets of time may
//! let an admission count for longer than its window, by as much as it tells; that is added to the
//! latest time.

use std::time::Duration;

use store_core::{Limit, Priority, ResourceConfig, SECOND, Timestamp};

use super::step::Ask;

#[derive(Debug)]
pub(super) struct Model {
    unstated: Vec<ResourceConfig>,
    stated: Vec<Option<ResourceConfig>>,
    /// By how much the store may count an admission of the resource for longer than its window.
    late: Vec<Duration>,
    cooldowns: Vec<Option<Cooldown>>,
    admissions: Vec<Admission>,
    denials: Vec<Denial>,
    /// How many requests were admitted.
    count: u64,
}

#[derive(Clone, Debug)]
struct Admission {
    number: u64,
    resource: usize,
    earliest: Timestamp,
    latest: Timestamp,
    /// The longest window that it was ever under.
    keep: Duration,
    /// Whether there was a moment at which no window held it, so that it may be forgotten.
    is_outlived: bool,
}

#[derive(Clone, Copy, Debug)]
struct Cooldown {
    until: Timestamp,
    /// Whether there was a moment at which it had ended.
    has_ended: bool,
}

/// A refusal that a handle may repeat for a second.
#[derive(Debug)]
pub(super) struct Denial {
    pub(super) handle: usize,
    pub(super) resource: usize,
    pub(super) permits: u32,
    pub(super) binds_users: bool,
    pub(super) at: Timestamp,
    pub(super) retry_at: Timestamp,
}

/// Which of the times that an admission may have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edge {
    Earliest,
    Latest,
}

impl Model {
    pub(super) fn new(unstated: Vec<ResourceConfig>, late: Vec<Duration>) -> Self {
        Self {
            late,
            stated: vec![None; unstated.len()],
            cooldowns: vec![None; unstated.len()],
            unstated,
            admissions: Vec::new(),
            denials: Vec::new(),
            count: 0,
        }
    }

    pub(super) fn config(&self, resource: usize) -> &ResourceConfig {
        let stated = self.stated[resource].as_ref();
        stated.unwrap_or(&self.unstated[resource])
    }

    pub(super) fn stated(&self, resource: usize) -> Option<&ResourceConfig> {
        self.stated[resource].as_ref()
    }

    /// When the admissions of a resource were made by the store's count, newest first.
    fn times(&self, resource: usize, edge: Edge, now: Timestamp) -> Vec<Timestamp> {
        let mut times = self.made(resource, edge, now);
        if let Edge::Latest = edge {
            for at in &mut times {
                *at = *at + self.late[resource];
            }
        }
        times
    }

    /// When they were made.
    fn made(&self, resource: usize, edge: Edge, now: Timestamp) -> Vec<Timestamp> {
        let own = self.admissions.iter().filter(|it| it.resource == resource);
        let mut times: Vec<_> = match edge {
            Edge::Earliest => own
                .filter(|it| !it.is_outlived)
                .map(|it| it.earliest)
                .collect(),
            Edge::Latest => own.map(|it| it.latest.min(now)).collect(),
        };
        times.sort();
        times.reverse();
        times
    }

    /// How many of the times a window holds that ends now.
    fn held(times: &[Timestamp], window: Duration, now: Timestamp) -> usize {
        times.iter().filter(|at| now < **at + window).count()
    }

    /// When `permits` more fit into the limit, if they do not now.
    fn full_until(
        times: &[Timestamp],
        limit: Limit,
        permits: u32,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let room = (limit.count - permits) as usize;
        // All but `room` of those in the window have to leave it.
        let last_to_leave = times.get(room)?;
        (now < *last_to_leave + limit.window).then(|| *last_to_leave + limit.window)
    }

    pub(super) fn is_impossible(&self, ask: &Ask) -> bool {
        let mut limits = ask.resources.iter().flat_map(|it| &self.config(*it).limits);
        limits.any(|limit| limit.count < ask.permits)
    }

    /// Until when a possible request of a user is refused. The background may have to wait longer.
    pub(super) fn refusal(&self, ask: &Ask, edge: Edge, now: Timestamp) -> Option<Timestamp> {
        let mut longest = None;
        for resource in &ask.resources {
            longest = longest.max(self.cooldown(*resource, now));
            let times = self.times(*resource, edge, now);
            for limit in &self.config(*resource).limits {
                longest = longest.max(Self::full_until(&times, *limit, ask.permits, now));
            }
        }
        longest
    }

    /// Whether the refusal may be one of the same handle and of less than a second ago, repeated.
    pub(super) fn is_repeated(
        &self,
        handle: usize,
        ask: &Ask,
        retry_at: Timestamp,
        now: Timestamp,
    ) -> bool {
        self.denials.iter().any(|denial| {
            denial.handle == handle
                && denial.retry_at == retry_at
                && denial.permits == ask.permits
                && ask.resources.contains(&denial.resource)
                && (denial.binds_users || ask.priority == Priority::Background)
                && denial.at <= now
                && now < denial.at + SECOND
        })
    }

    pub(super) fn deny(&mut self, denial: Denial) {
        self.denials.push(denial);
    }

    /// The store has looked at the request's resources: nothing lies in the future any more.
    pub(super) fn obey(&mut self, ask: &Ask, now: Timestamp) {
        for resource in &ask.resources {
            let longest = self.config(*resource).longest_window();
            self.keep(*resource, longest);
            for admission in &mut self.admissions {
                if admission.resource == *resource {
                    admission.latest = admission.latest.min(now);
                }
            }
        }
    }

    fn keep(&mut self, resource: usize, window: Duration) {
        for admission in &mut self.admissions {
            if admission.resource == resource && !admission.is_outlived {
                admission.keep = admission.keep.max(window);
            }
        }
    }

    /// Counts a request and returns its number.
    pub(super) fn admit(&mut self, ask: &Ask, now: Timestamp) -> u64 {
        self.obey(ask, now);
        self.count += 1;
        for resource in &ask.resources {
            let admission = Admission {
                number: self.count,
                resource: *resource,
                earliest: now,
                latest: now,
                keep: self.config(*resource).longest_window(),
                is_outlived: false,
            };
            let all = std::iter::repeat_n(admission, ask.permits as usize);
            self.admissions.extend(all);
        }
        self.count
    }

    pub(super) fn give_back(&mut self, number: u64) {
        // What no window held any more may be beyond giving back, though the clock was set back since.
        self.admissions
            .retain(|it| it.number != number || it.is_outlived);
    }

    pub(super) fn reset(&mut self, resource: usize) {
        self.admissions.retain(|it| it.resource != resource);
    }

    pub(super) fn clear(&mut self) {
        self.admissions.clear();
        self.cooldowns.fill(None);
    }

    /// States a configuration, under which the store may be late by so much.
    pub(super) fn state(&mut self, resource: usize, config: ResourceConfig, late: Duration) {
        self.keep(resource, config.longest_window());
        self.late[resource] = self.late[resource].max(late);
        self.stated[resource] = Some(config);
    }

    /// The least and the most that the first limit's window holds.
    pub(super) fn used(&self, resource: usize, now: Timestamp) -> (u32, u32) {
        let window = self.config(resource).limits[0].window;
        let count = |edge| Self::held(&self.times(resource, edge, now), window, now);
        let count = |edge| u32::try_from(count(edge)).expect("there are few");
        (count(Edge::Earliest), count(Edge::Latest))
    }

    /// The least and the most that some window holds.
    pub(super) fn counted(&self, resource: usize, now: Timestamp) -> (u64, u64) {
        let window = self.config(resource).longest_window();
        let count = |edge| Self::held(&self.times(resource, edge, now), window, now) as u64;
        (count(Edge::Earliest), count(Edge::Latest))
    }

    pub(super) fn has_doubts(&self, resource: usize, now: Timestamp) -> bool {
        self.made(resource, Edge::Earliest, now) != {
            let longest = self.config(resource).longest_window();
            let mut latest = self.made(resource, Edge::Latest, now);
            let sure = self.made(resource, Edge::Earliest, now).len();
            // What is outlived at any edge is in nobody's way.
            while latest.len() > sure && latest.last().is_some_and(|at| *at + longest <= now) {
                latest.pop();
            }
            latest
        }
    }

    /// How many a user may have at once.
    pub(super) fn remaining(&self, resource: usize, edge: Edge, now: Timestamp) -> u32 {
        let fits = |permits: &u32| {
            let ask = Ask::of_user(resource, *permits);
            !self.is_impossible(&ask) && self.refusal(&ask, edge, now).is_none()
        };
        (1..=u32::MAX).take_while(fits).last().unwrap_or(0)
    }

    /// When a user may have more than `remaining`, and when the first limit's window is empty.
    pub(super) fn resets(
        &self,
        resource: usize,
        remaining: u32,
        edge: Edge,
        now: Timestamp,
    ) -> (Timestamp, Timestamp) {
        let more = Ask::of_user(resource, remaining + 1);
        let next = if self.is_impossible(&more) {
            None
        } else {
            self.refusal(&more, edge, now)
        };
        let window = self.config(resource).limits[0].window;
        let times = self.times(resource, edge, now);
        let last = match Self::held(&times, window, now) {
            0 => now,
            _ => times[0] + window,
        };
        (next.unwrap_or(now), last)
    }

    /// How many admissions may have been forgotten by now.
    pub(super) fn outlived(&self, now: Timestamp) -> u64 {
        let is_outlived = |it: &&Admission| it.is_outlived || it.earliest + it.keep <= now;
        self.admissions.iter().filter(is_outlived).count() as u64
    }

    pub(super) fn cooldown(&self, resource: usize, now: Timestamp) -> Option<Timestamp> {
        let until = self.cooldowns[resource].map(|cooldown| cooldown.until);
        until.filter(|until| now < *until)
    }

    pub(super) fn cool_down(&mut self, resource: usize, until: Timestamp) -> Timestamp {
        let before = self.cooldowns[resource].map(|cooldown| cooldown.until);
        let until = before.map_or(until, |before| before.max(until));
        self.cooldowns[resource] = Some(Cooldown {
            until,
            has_ended: false,
        });
        until
    }

    pub(super) fn forget_cooldown(&mut self, resource: usize) {
        self.cooldowns[resource] = None;
    }

    /// Notes what a store may forget at this time.
    pub(super) fn watch(&mut self, now: Timestamp) {
        for admission in &mut self.admissions {
            admission.is_outlived |= admission.earliest + admission.keep <= now;
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

    /// The resources whose cooldown had ended and has not any more, if it is still known.
    pub(super) fn revived(&mut self, now: Timestamp) -> Vec<usize> {
        let mut revived = Vec::new();
        for (resource, cooldown) in self.cooldowns.iter_mut().enumerate() {
            if let Some(cooldown) = cooldown
                && cooldown.has_ended
                && now < cooldown.until
            {
                cooldown.has_ended = false;
                revived.push(resource);
            }
        }
        revived
    }
}
