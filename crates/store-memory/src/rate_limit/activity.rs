//! The activity on one resource, in buckets of a second or more.

use std::collections::VecDeque;
use std::time::Duration;

use store_core::{Activity, AdaptiveConfig, Priority, SECOND, Timestamp};

/// The most buckets that a monitoring window is divided into.
const MAX_BUCKETS: u32 = 900;

#[derive(Debug, Default)]
pub(super) struct ActivityLog {
    /// The bucket that is counted in, here and not behind a pointer: mostly a request needs no other.
    newest: Option<Bucket>,
    older: VecDeque<Bucket>,
    last_user: Option<Timestamp>,
    last_background: Option<Timestamp>,
}

/// Requests of users that were made from `from` on.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    from: Timestamp,
    users: u64,
}

impl ActivityLog {
    pub(super) fn count(&mut self, config: &AdaptiveConfig, priority: Priority, now: Timestamp) {
        match priority {
            Priority::Background => self.last_background = Some(now),
            Priority::User => {
                self.last_user = Some(now);
                self.count_user(config, now);
            }
        }
    }

    fn count_user(&mut self, config: &AdaptiveConfig, now: Timestamp) {
        // Mostly the first comparison tells; the width of a bucket takes a division.
        let width = || SECOND.max(config.monitoring_window / MAX_BUCKETS);
        if let Some(newest) = &mut self.newest
            && (now < newest.from + SECOND || now < newest.from + width())
        {
            newest.users += 1;
            return;
        }
        let newest = Bucket {
            from: now,
            users: 1,
        };
        self.older.extend(self.newest.replace(newest));
        while let Some(oldest) = self.older.front()
            && oldest.from + config.monitoring_window <= now
        {
            self.older.pop_front();
        }
    }

    /// Moves activity of the future to now: the clock was set back.
    pub(super) fn clamp_future(&mut self, now: Timestamp) {
        let newest_first = self.newest.iter_mut().chain(self.older.iter_mut().rev());
        for bucket in newest_first.take_while(|bucket| bucket.from > now) {
            bucket.from = now;
        }
        self.last_user = self.last_user.map(|at| at.min(now));
        self.last_background = self.last_background.map(|at| at.min(now));
    }

    pub(super) fn activity(&self, config: &AdaptiveConfig, now: Timestamp) -> Activity {
        let mut activity = Activity::default();
        activity.background_seen = self.last_background.is_some();
        for bucket in self.older.iter().chain(&self.newest) {
            activity.add_users(now, config, bucket.from, bucket.users);
        }
        activity.last_user = self.last_user;
        activity
    }

    /// Whether the last request is older than `age`.
    pub(super) fn is_older_than(&self, age: Duration, now: Timestamp) -> bool {
        let last = self.last_user.max(self.last_background);
        last.is_none_or(|last| now.since(last) > age)
    }
}

#[cfg(test)]
mod tests {
    use store_core::{DAY, HOUR};

    use super::*;

    #[test]
    fn users_of_the_future_are_users_of_now_once_the_clock_was_set_back() {
        let config = AdaptiveConfig::default();
        let before = Timestamp::from_millis(1_700_000_000_000);
        let now = before - DAY;
        let mut log = ActivityLog::default();
        log.count(&config, Priority::User, before);
        log.clamp_future(now);
        let later = log.activity(&config, now + HOUR);
        assert_eq!((later.users_in_window, later.last_user), (0, Some(now)));
    }

    #[test]
    fn a_monitoring_window_takes_few_buckets_however_many_users_ask() {
        let config = AdaptiveConfig::default();
        let start = Timestamp::from_millis(0);
        let mut log = ActivityLog::default();
        for millis in (0..4_000_000).step_by(200) {
            log.count(
                &config,
                Priority::User,
                start + Duration::from_millis(millis),
            );
        }
        assert!(log.older.len() < 900);
        let now = start + Duration::from_millis(3_999_800);
        assert_eq!(log.activity(&config, now).users_in_window, 900 * 5);
    }
}
