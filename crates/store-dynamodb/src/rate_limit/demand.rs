//! Demand of users in slots of time, and what a share of the limit was calculated from.

use std::time::Duration;

use store_core::{Activity, AdaptiveConfig, Allocation, Error, Timestamp, calculate};

use super::varint::{Reader, put, put_moment};

/// Slots per monitoring window: 20 seconds each, of the default 15 minutes.
const SLOTS: i64 = 45;

/// Requests, admitted and refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Demand {
    /// The slots' length in milliseconds.
    width: i64,
    /// Requests of users by the number of their slot, the oldest first.
    slots: Vec<(i64, u64)>,
    last_user: Option<Timestamp>,
    is_background_seen: bool,
}

fn millis(duration: Duration) -> i64 {
    (Timestamp::default() + duration).as_millis()
}

impl Demand {
    /// Counts requests made at about `at`.
    pub(super) fn count(
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
    pub(super) fn forget(&mut self, config: &AdaptiveConfig, now: Timestamp) {
        let since = (now - config.monitoring_window).as_millis();
        self.slots
            .retain(|(slot, _)| (slot + 1) * self.width > since);
        if self.slots.is_empty() {
            self.width = 0;
        }
    }

    /// Moves requests of the future to now: the clock was set back.
    pub(super) fn restamp(&mut self, now: Timestamp) {
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

    pub(super) fn activity(&self, config: &AdaptiveConfig, now: Timestamp) -> Activity {
        let mut activity = Activity::default();
        for (slot, users) in &self.slots {
            let at = Timestamp::from_millis(slot * self.width);
            activity.add_users(now, config, at, *users);
        }
        activity.last_user = self.last_user;
        activity.background_seen = self.is_background_seen;
        activity
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>, base: Timestamp) {
        let marks = u64::from(self.is_background_seen) | u64::from(self.last_user.is_some()) << 1;
        put(out, marks);
        if let Some(at) = self.last_user {
            put_moment(out, base, at);
        }
        put(out, self.slots.len() as u64);
        if self.slots.is_empty() {
            return;
        }
        put(out, self.width.unsigned_abs());
        let mut before = base.as_millis().div_euclid(self.width);
        for (slot, users) in self.slots.iter().rev() {
            super::varint::put_signed(out, before - slot);
            put(out, *users);
            before = *slot;
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>, base: Timestamp) -> Result<Self, Error> {
        let marks = reader.number()?;
        let mut demand = Self {
            is_background_seen: marks & 1 == 1,
            ..Self::default()
        };
        if marks & 2 == 2 {
            demand.last_user = Some(reader.moment(base)?);
        }
        let slots = reader.number()?;
        if slots == 0 {
            return Ok(demand);
        }
        demand.width = reader.millis()?.max(1);
        let mut before = base.as_millis().div_euclid(demand.width);
        for _ in 0..slots {
            before = before.saturating_sub(reader.signed()?);
            demand.slots.push((before, reader.number()?));
        }
        demand.slots.reverse();
        Ok(demand)
    }
}

/// What the share in force was calculated from; the same numbers give the same share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Basis {
    pub(super) at: Timestamp,
    /// Of which monitoring window, in milliseconds.
    window: i64,
    activity: Activity,
}

impl Basis {
    pub(super) fn new(demand: &Demand, config: &AdaptiveConfig, now: Timestamp) -> Self {
        Self {
            at: now,
            window: millis(config.monitoring_window),
            activity: demand.activity(config, now),
        }
    }

    /// Whether the share is still in force.
    pub(super) fn holds(&self, config: &AdaptiveConfig, now: Timestamp) -> bool {
        let is_current = self.at <= now && now < self.until(config);
        is_current && self.window == millis(config.monitoring_window)
    }

    /// When the share is recalculated.
    pub(super) fn until(&self, config: &AdaptiveConfig) -> Timestamp {
        self.at + config.recalculation_interval
    }

    pub(super) fn allocation(&self, limit: u32, config: &AdaptiveConfig) -> Allocation {
        calculate(self.at, limit, &self.activity, config)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>, base: Timestamp) {
        let Activity {
            users_in_window,
            users_in_last_third,
            users_in_middle_third,
            last_user,
            background_seen,
            ..
        } = self.activity;
        put_moment(out, base, self.at);
        put(out, self.window.unsigned_abs());
        put(
            out,
            u64::from(background_seen) | u64::from(last_user.is_some()) << 1,
        );
        put(out, users_in_window);
        put(out, users_in_last_third);
        put(out, users_in_middle_third);
        if let Some(at) = last_user {
            put_moment(out, base, at);
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>, base: Timestamp) -> Result<Self, Error> {
        let (at, window) = (reader.moment(base)?, reader.millis()?);
        let marks = reader.number()?;
        let mut activity = Activity::default();
        activity.background_seen = marks & 1 == 1;
        activity.users_in_window = reader.number()?;
        activity.users_in_last_third = reader.number()?;
        activity.users_in_middle_third = reader.number()?;
        if marks & 2 == 2 {
            activity.last_user = Some(reader.moment(base)?);
        }
        Ok(Self {
            at,
            window,
            activity,
        })
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
        let mut out = Vec::new();
        demand.encode(&mut out, NOW + MINUTE * 9);
        basis.encode(&mut out, NOW + MINUTE * 9);
        let mut reader = Reader::new(&out);
        let read = Demand::decode(&mut reader, NOW + MINUTE * 9).unwrap();
        assert_eq!(read, demand);
        assert_eq!(Basis::decode(&mut reader, NOW + MINUTE * 9).unwrap(), basis);
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
