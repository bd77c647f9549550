//! Demand of users in slots of time, and what a share of the limit was calculated from.

use serde::{Deserialize, Serialize};
use store_core::{Activity, AdaptiveConfig, Allocation, Timestamp, calculate};

use super::millis;

/// Slots per monitoring window: 20 seconds each, of the default 15 minutes.
const SLOTS: i64 = 45;

/// Requests, admitted and denied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Demand {
    /// The slots' length in milliseconds.
    width: i64,
    /// Requests of users by the number of their slot, the oldest first.
    #[serde(with = "slots")]
    slots: Vec<(i64, u64)>,
    last_user: Option<Timestamp>,
    is_background_seen: bool,
}

impl Demand {
    /// Counts requests made at about `at`.
    pub(crate) fn count(
        &mut self,
        config: &AdaptiveConfig,
        users: u64,
        background: u64,
        at: Timestamp,
    ) {
        self.is_background_seen |= background > 0;
        if users == 0 {
            return;
        }
        self.cut(config);
        self.last_user = self.last_user.max(Some(at));
        let slot = at.as_millis().div_euclid(self.width);
        match self.slots.binary_search_by_key(&slot, |(slot, _)| *slot) {
            Ok(found) => self.slots[found].1 += users,
            Err(place) => self.slots.insert(place, (slot, users)),
        }
    }

    /// Makes the slots as long as this monitoring window wants them.
    fn cut(&mut self, config: &AdaptiveConfig) {
        let width = (millis(config.monitoring_window) + SLOTS - 1) / SLOTS;
        if width == self.width {
            return;
        }
        let before = std::mem::take(&mut self.slots);
        for (slot, users) in before {
            let slot = (slot * self.width).div_euclid(width);
            match self.slots.last_mut() {
                Some(last) if last.0 == slot => last.1 += users,
                _ => self.slots.push((slot, users)),
            }
        }
        self.width = width;
    }

    /// Drops what the monitoring window has passed.
    pub(crate) fn forget(&mut self, config: &AdaptiveConfig, now: Timestamp) {
        let since = (now - config.monitoring_window).as_millis();
        self.slots
            .retain(|(slot, _)| (slot + 1) * self.width > since);
        if self.slots.is_empty() {
            self.width = 0;
        }
    }

    /// Moves requests of the future to now: the clock was set back.
    pub(crate) fn restamp(&mut self, now: Timestamp) {
        self.last_user = self.last_user.map(|at| at.min(now));
        if self.width == 0 {
            return;
        }
        let newest = now.as_millis().div_euclid(self.width);
        let ahead = self.slots.partition_point(|(slot, _)| *slot < newest);
        let users = self.slots.drain(ahead..).map(|(_, users)| users).sum();
        if users > 0 {
            self.slots.push((newest, users));
        }
    }

    pub(crate) fn activity(&self, config: &AdaptiveConfig, now: Timestamp) -> Activity {
        let mut activity = Activity::default();
        for (slot, users) in &self.slots {
            let at = Timestamp::from_millis(slot * self.width);
            activity.add_users(now, config, at, *users);
        }
        activity.last_user = self.last_user;
        activity.background_seen = self.is_background_seen;
        activity
    }
}

/// Slots as they are stored, in few bytes: each by its distance from the one before.
mod slots {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(slots: &[(i64, u64)], to: S) -> Result<S::Ok, S::Error> {
        let mut before = 0;
        to.collect_seq(slots.iter().map(|(slot, users)| {
            let distance = slot.wrapping_sub(std::mem::replace(&mut before, *slot));
            (distance, users)
        }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<(i64, u64)>, D::Error> {
        let mut slots = Vec::<(i64, u64)>::deserialize(from)?;
        let mut before = 0_i64;
        for (slot, _) in &mut slots {
            before = before.wrapping_add(*slot);
            *slot = before;
        }
        Ok(slots)
    }
}

/// What the share in force was calculated from; the same numbers give the same share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Basis {
    at: Timestamp,
    /// Of which monitoring window, in milliseconds.
    window: i64,
    activity: Activity,
}

impl Basis {
    pub(crate) fn new(demand: &Demand, config: &AdaptiveConfig, now: Timestamp) -> Self {
        Self {
            at: now,
            window: millis(config.monitoring_window),
            activity: demand.activity(config, now),
        }
    }

    /// Whether the share is still in force.
    pub(crate) fn holds(&self, config: &AdaptiveConfig, now: Timestamp) -> bool {
        let is_current = self.at <= now && now < self.until(config);
        is_current && self.window == millis(config.monitoring_window)
    }

    /// When the share is recalculated.
    pub(crate) fn until(&self, config: &AdaptiveConfig) -> Timestamp {
        self.at + config.recalculation_interval
    }

    pub(crate) fn allocation(&self, limit: u32, config: &AdaptiveConfig) -> Allocation {
        calculate(self.at, limit, &self.activity, config)
    }
}

#[cfg(test)]
mod tests {
    use store_core::{DAY, MINUTE, SECOND};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn demand_and_basis_come_back_as_they_were_written() {
        let config = AdaptiveConfig::default();
        let mut demand = Demand::default();
        for minute in 0..10 {
            demand.count(&config, 3, 1, NOW + MINUTE * minute);
        }
        let basis = Basis::new(&demand, &config, NOW + MINUTE * 9);
        let stored = postcard::to_allocvec(&(&demand, &basis)).unwrap();
        let read: (Demand, Basis) = postcard::from_bytes(&stored).unwrap();
        assert_eq!(read, (demand, basis));
    }

    #[test]
    fn demand_leaves_the_monitoring_window() {
        let config = AdaptiveConfig::default();
        let mut demand = Demand::default();
        demand.count(&config, 12, 0, NOW);
        let users = |demand: &Demand, now| demand.activity(&config, now).users_in_window;
        assert_eq!(users(&demand, NOW + MINUTE * 14), 12);
        assert_eq!(users(&demand, NOW + MINUTE * 16), 0);
        demand.forget(&config, NOW + MINUTE * 16);
        assert!(demand.slots.is_empty());
        assert_eq!(demand.last_user, Some(NOW));
    }

    #[test]
    fn users_of_the_future_are_users_of_now_once_the_clock_was_set_back() {
        let config = AdaptiveConfig::default();
        let mut demand = Demand::default();
        demand.count(&config, 5, 0, NOW);
        demand.count(&config, 1, 0, NOW - DAY);
        demand.restamp(NOW - DAY + SECOND);
        let activity = demand.activity(&config, NOW - DAY + MINUTE);
        assert_eq!(activity.users_in_window, 6);
        assert_eq!(activity.last_user, Some(NOW - DAY + SECOND));
    }

    #[test]
    fn a_longer_monitoring_window_keeps_what_was_counted() {
        let (short, long) = (
            AdaptiveConfig::default(),
            AdaptiveConfig::default().with_monitoring_window(MINUTE * 60),
        );
        let mut demand = Demand::default();
        for minute in 0..10 {
            demand.count(&short, 2, 0, NOW + MINUTE * minute);
        }
        demand.count(&long, 1, 0, NOW + MINUTE * 10);
        let activity = demand.activity(&long, NOW + MINUTE * 10);
        assert_eq!(activity.users_in_window, 21);
        assert!(demand.slots.len() <= 9);
    }
}
