//! Admissions of closed buckets: how many, and when they were made at the latest.
//!
//! What must stay true: an entry's `to` is never before any of its admissions, so that none leaves a
//! window too early, and entries are ordered by it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::backend::window::AdmissionLog;
use store_core::{Priority, Result, Timestamp};

/// Admissions that leave a window together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// None of them was made before this.
    pub(crate) from: Timestamp,
    /// None of them was made after this.
    pub(crate) to: Timestamp,
    pub(crate) count: u32,
    /// Those of them that were of the background.
    pub(crate) background: u32,
}

impl Entry {
    const fn of(&self, class: Option<Priority>) -> u32 {
        match class {
            None => self.count,
            Some(Priority::Background) => self.background,
            Some(Priority::User) => self.count.saturating_sub(self.background),
        }
    }
}

/// Entries, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<StoredEntry>", from = "Vec<StoredEntry>")]
pub(crate) struct History(Vec<Entry>);

/// An entry as it is stored, in few bytes: milliseconds from the end of the entry before, milliseconds that it
/// stands for, admissions, those of the background.
type StoredEntry = (u64, u64, u32, u32);

impl From<History> for Vec<StoredEntry> {
    fn from(history: History) -> Self {
        let mut before = 0;
        let stored = history.0.into_iter().map(|entry| {
            let to = entry.to.as_millis();
            let distance = to.wrapping_sub(std::mem::replace(&mut before, to));
            let span = to.wrapping_sub(entry.from.as_millis());
            let numbers = (distance.cast_unsigned(), span.cast_unsigned());
            (numbers.0, numbers.1, entry.count, entry.background)
        });
        stored.collect()
    }
}

impl From<Vec<StoredEntry>> for History {
    fn from(stored: Vec<StoredEntry>) -> Self {
        let mut to = 0_i64;
        let entries = stored
            .into_iter()
            .map(|(distance, span, count, background)| {
                to = to.wrapping_add(distance.cast_signed());
                Entry {
                    from: Timestamp::from_millis(to.wrapping_sub(span.cast_signed())),
                    to: Timestamp::from_millis(to),
                    count,
                    background,
                }
            });
        Self(entries.collect())
    }
}

/// How coarse entries may become: by this many parts of the smallest span that still holds them.
#[derive(Clone, Debug)]
pub(crate) struct Grain {
    pub(crate) spans: Vec<Duration>,
    pub(crate) buckets: u32,
    pub(crate) skew: Duration,
}

impl Grain {
    /// The longest stretch of time that an entry which ends at `to` may stand for.
    fn longest(&self, to: Timestamp, now: Timestamp) -> Duration {
        let holding = self.spans.iter();
        let holding = holding.filter(|span| to + **span + self.skew > now);
        holding
            .min()
            .map_or(Duration::ZERO, |span| whole_millis(*span / self.buckets))
    }
}

fn whole_millis(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

impl History {
    pub(crate) fn push(&mut self, entry: Entry) {
        if entry.count > 0 {
            let at = self.0.partition_point(|other| other.to <= entry.to);
            self.0.insert(at, entry);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Drops at most `most` admissions that lie `keep` or longer back; how many it were.
    pub(crate) fn forget(&mut self, keep: Duration, most: u64, now: Timestamp) -> u64 {
        let mut forgotten = 0;
        for entry in &mut self.0 {
            if entry.to + keep > now {
                break;
            }
            let left = u32::try_from(most - forgotten).unwrap_or(u32::MAX);
            let part = entry.count.min(left);
            entry.count -= part;
            entry.background = entry.background.min(entry.count);
            forgotten += u64::from(part);
        }
        self.0.retain(|entry| entry.count > 0);
        forgotten
    }

    /// Puts neighbours together as far as `grain` allows.
    pub(crate) fn coarsen(&mut self, grain: &Grain, now: Timestamp) {
        let mut coarse: Vec<Entry> = Vec::with_capacity(self.0.len());
        for entry in self.0.drain(..) {
            match coarse.last_mut() {
                Some(last)
                    if entry.to.since(last.from.min(entry.from))
                        <= grain.longest(entry.to, now) =>
                {
                    last.from = last.from.min(entry.from);
                    last.to = entry.to;
                    last.count += entry.count;
                    last.background += entry.background;
                }
                _ => coarse.push(entry),
            }
        }
        self.0 = coarse;
    }

    /// Moves what lies in the future to now: the clock was set back.
    pub(crate) fn restamp(&mut self, now: Timestamp) {
        for entry in &mut self.0 {
            entry.from = entry.from.min(now);
            entry.to = entry.to.min(now);
        }
        let mut ahead = Entry {
            from: now,
            to: now,
            ..Entry::default()
        };
        self.0.retain(|entry| {
            let is_now = entry.to == now;
            if is_now {
                ahead.from = ahead.from.min(entry.from);
                ahead.count += entry.count;
                ahead.background += entry.background;
            }
            !is_now
        });
        self.push(ahead);
    }

    /// Takes back admissions out of the first entry that `is_theirs` and has as many of the class;
    /// whether there was one.
    pub(crate) fn take_back(
        &mut self,
        permits: u32,
        class: Priority,
        is_theirs: impl Fn(&Entry) -> bool,
    ) -> bool {
        let mut entries = self.0.iter_mut();
        let found = entries.find(|entry| is_theirs(entry) && entry.of(Some(class)) >= permits);
        let Some(entry) = found else { return false };
        entry.count -= permits;
        if class == Priority::Background {
            entry.background -= permits;
        }
        self.0.retain(|entry| entry.count > 0);
        true
    }
}

/// The admissions of a resource as the decision sees them: each counts until its span and the
/// clocks' skew have passed.
#[derive(Debug)]
pub(crate) struct Log<'a> {
    history: &'a [Entry],
    /// The admissions of the bucket that is not over.
    current: Entry,
    skew: Duration,
}

impl<'a> Log<'a> {
    pub(crate) fn new(history: &'a History, current: Entry, skew: Duration) -> Self {
        Self {
            history: &history.0,
            current,
            skew,
        }
    }

    /// How many still count in a span of this length: of one class, or of both.
    pub(crate) fn count(&self, class: Option<Priority>, span: Duration, now: Timestamp) -> u32 {
        let all = self.history.iter().chain([&self.current]);
        let counting = all.filter(|entry| entry.to + self.skew + span > now);
        counting.fold(0, |sum: u32, entry| sum.saturating_add(entry.of(class)))
    }
}

impl AdmissionLog for Log<'_> {
    fn nth_newest(&mut self, class: Option<Priority>, nth: u32) -> Result<Option<Timestamp>> {
        let newer = self
            .history
            .partition_point(|entry| entry.to <= self.current.to);
        let (older, newer) = self.history.split_at(newer);
        let mut newest_first = newer
            .iter()
            .rev()
            .chain([&self.current])
            .chain(older.iter().rev());
        let mut left = nth;
        let found = newest_first.find(|entry| {
            let count = entry.of(class);
            let is_it = count >= left;
            left = left.saturating_sub(count);
            is_it
        });
        Ok(found.map(|entry| entry.to + self.skew))
    }
}

#[cfg(test)]
mod tests {
    use store_core::{MINUTE, SECOND};

    use super::*;

    fn entry(from: i64, to: i64, count: u32, background: u32) -> Entry {
        Entry {
            from: at(from),
            to: at(to),
            count,
            background,
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }

    fn history(entries: &[Entry]) -> History {
        let mut history = History::default();
        for entry in entries {
            history.push(*entry);
        }
        history
    }

    #[test]
    fn entries_come_back_as_they_were_written() {
        let written = history(&[
            entry(0, 0, 1, 0),
            entry(10, 25, 300, 300),
            entry(20, 1_000, 7, 3),
        ]);
        let stored = postcard::to_allocvec(&written).unwrap();
        let read: History = postcard::from_bytes(&stored).unwrap();
        assert_eq!(read, written);
    }

    #[test]
    fn the_nth_newest_is_found_in_both_classes() {
        let history = history(&[entry(0, 0, 2, 1), entry(5, 9, 3, 3)]);
        let mut log = Log::new(&history, entry(10, 20, 1, 0), Duration::ZERO);
        let mut nth = |class, nth| {
            let found = log.nth_newest(class, nth).unwrap();
            found.map(|found| found.since(at(0)).as_millis())
        };
        let all: Vec<_> = (1..=7).map(|n| nth(None, n)).collect();
        let expected = [Some(20), Some(9), Some(9), Some(9), Some(0), Some(0), None];
        assert_eq!(all, expected);
        let users: Vec<_> = (1..=3).map(|n| nth(Some(Priority::User), n)).collect();
        assert_eq!(users, [Some(20), Some(0), None]);
        let background = nth(Some(Priority::Background), 4);
        assert_eq!(background, Some(0));
    }

    #[test]
    fn entries_are_put_together_within_the_smallest_span_that_holds_them() {
        let grain = Grain {
            spans: vec![SECOND, MINUTE],
            buckets: 10,
            skew: Duration::ZERO,
        };
        let fine: Vec<_> = (0..40).map(|n| entry(n * 100, n * 100, 1, 0)).collect();
        let mut coarse = history(&fine);
        coarse.coarsen(&grain, at(4_000));
        for entry in &coarse.0 {
            let most = if entry.to + SECOND > at(4_000) {
                100
            } else {
                6_000
            };
            assert!(entry.to.since(entry.from).as_millis() <= most, "{entry:?}");
        }
        let total: u32 = coarse.0.iter().map(|entry| entry.count).sum();
        assert_eq!(total, 40);
        assert!(coarse.0.len() < 12, "{coarse:?}");
        let once = coarse.clone();
        coarse.coarsen(&grain, at(4_000));
        assert_eq!(coarse, once, "and no further");
    }

    #[test]
    fn what_lies_ahead_counts_as_made_now() {
        let mut history = history(&[entry(0, 10, 1, 0), entry(20, 60, 2, 1), entry(70, 80, 4, 0)]);
        history.restamp(at(50));
        assert_eq!(history.0, [entry(0, 10, 1, 0), entry(20, 50, 6, 1)]);
    }

    #[test]
    fn no_more_is_forgotten_than_asked() {
        let mut history = history(&[entry(0, 10, 5, 5), entry(20, 60, 2, 1)]);
        assert_eq!(history.forget(SECOND, 3, at(1_010)), 3);
        assert_eq!(history.0[0], entry(0, 10, 2, 2));
        assert_eq!(history.forget(SECOND, u64::MAX, at(1_059)), 2);
        assert_eq!(history.0, [entry(20, 60, 2, 1)]);
    }

    #[test]
    fn permits_are_taken_back_where_they_were_counted() {
        let mut history = history(&[entry(0, 10, 2, 0), entry(20, 30, 2, 2)]);
        let theirs = |entry: &Entry| entry.from <= at(20) && at(20) <= entry.to;
        assert!(!history.take_back(1, Priority::User, theirs));
        assert!(history.take_back(2, Priority::Background, theirs));
        assert_eq!(history.0, [entry(0, 10, 2, 0)]);
    }
}
