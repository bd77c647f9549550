//! What was written here a short while ago.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::key::Key;

/// The most keys that are remembered as written here. While there are more, the primary answers every lookup.
const MAX_WRITTEN: usize = 10_000;

/// What was written here within the window, by the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Written {
    until: HashMap<Key, Duration>,
    order: VecDeque<(Duration, Key)>,
    everything_until: Duration,
}

impl Written {
    pub(super) fn has(&mut self, key: &Key, now: Duration) -> bool {
        self.remove_old(now);
        now < self.everything_until || self.until.contains_key(key)
    }

    pub(super) fn add(&mut self, keys: &[Key], now: Duration, until: Duration) {
        self.remove_old(now);
        for key in keys {
            self.until.insert(key.clone(), until);
            self.order.push_back((until, key.clone()));
        }
        if self.order.len() > MAX_WRITTEN {
            self.add_everything(until);
        }
    }

    pub(super) fn add_everything(&mut self, until: Duration) {
        self.everything_until = self.everything_until.max(until);
        self.until.clear();
        self.order.clear();
    }

    fn remove_old(&mut self, now: Duration) {
        while let Some((until, key)) = self.order.front()
            && *until <= now
        {
            if self.until.get(key) == Some(until) {
                self.until.remove(key);
            }
            self.order.pop_front();
        }
    }
}
