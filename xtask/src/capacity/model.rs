//! The item of one resource and the decision on it, as store-dynamodb makes it for one window that
//! nobody shares by class. All times are in microseconds.

use std::rc::Rc;

/// What is simulated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) processes: u32,
    /// Admissions in a window.
    pub(super) limit: u32,
    pub(super) window: i64,
    /// Permits that a process takes in one write; 1 is no lease.
    pub(super) lease: u32,
    /// How long a request takes.
    pub(super) round_trip: i64,
    /// How long it is run before it is measured, and how long it is measured.
    pub(super) warm_up: i64,
    pub(super) measured: i64,
    /// How long a process takes between an admission and its next request.
    pub(super) think: i64,
}

/// The store's defaults.
const BUCKETS: i64 = 60;
const SKEW: i64 = 20_000;

/// Admissions of a bucket that is over.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// None of them was made after this.
    to: i64,
    count: u32,
}

/// What does not change while the version stays.
#[derive(Debug, Default)]
struct Past {
    start: i64,
    history: Vec<Entry>,
}

/// A write, named by who made it; zero is none.
pub(super) type Mark = (u32, u64);

/// The item.
#[derive(Clone, Debug, Default)]
pub(super) struct Item {
    /// Zero before the first admission.
    version: u64,
    count: u32,
    /// Whether all of the current bucket were made at its start.
    is_exact: bool,
    leased: u32,
    /// The last writes, newest first.
    pub(super) marks: [Mark; 4],
    past: Rc<Past>,
}

/// A conditional write, and what it is to bring.
#[derive(Clone, Debug)]
pub(super) struct Write {
    version: u64,
    most: u32,
    pub(super) taken: u32,
    rolls: Option<Roll>,
    /// Whether the bucket has begun before.
    is_later: bool,
}

/// The end of a bucket and the beginning of another.
#[derive(Clone, Debug)]
struct Roll {
    seen_count: u32,
    seen_leased: u32,
    needs_exact: bool,
    past: Rc<Past>,
}

/// What a process does about what it has seen.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Take(Write),
    /// No admission before this.
    Refuse(i64),
}

impl Write {
    /// Whether it is likely to be refused if others write as well.
    pub(super) fn is_hard(&self, seen: &Item, terms: &Terms) -> bool {
        const FEW: u32 = 8;
        self.rolls.is_some() || terms.lease > 1 || self.most.saturating_sub(seen.count) < FEW
    }
}

fn width(terms: &Terms) -> i64 {
    terms.window / BUCKETS
}

impl Item {
    /// Decides a request for one permit.
    pub(super) fn decide(&self, terms: &Terms, local: i64) -> Step {
        let now = local.max(self.past.start);
        let until = self.past.start + width(terms);
        let is_over = self.version == 0 || now >= until;
        let counts = |to: i64| to + SKEW + terms.window > now;
        let to = if self.is_exact {
            self.past.start
        } else {
            until
        };
        let current = Entry {
            to: if is_over && !self.is_exact && self.leased == 0 {
                to.min(now + SKEW)
            } else {
                to
            },
            count: self.count,
        };
        let history = || self.past.history.iter().chain([&current]);
        let used: u32 = history()
            .filter(|it| counts(it.to))
            .map(|it| it.count)
            .sum();
        if used >= terms.limit {
            let mut left = used;
            let leaves = history().filter(|it| counts(it.to)).find(|it| {
                left -= it.count;
                left < terms.limit
            });
            let to = leaves.map_or(now, |entry| entry.to);
            return Step::Refuse(to + SKEW + terms.window);
        }
        let room = terms.limit - used;
        let lease = if terms.lease > 1 { terms.lease } else { 0 };
        let taken = lease.min(room / 2).max(1);
        let rolls = is_over.then(|| {
            let kept = history().filter(|it| it.count > 0 && counts(it.to));
            Roll {
                seen_count: self.count,
                seen_leased: self.leased,
                needs_exact: self.is_exact && self.count > 0,
                past: Rc::new(Past {
                    start: now,
                    history: kept.copied().collect(),
                }),
            }
        });
        Step::Take(Write {
            version: self.version,
            most: self.count + (room - taken),
            taken,
            rolls,
            is_later: now > self.past.start,
        })
    }

    /// Makes the write, if its condition holds.
    pub(super) fn write(&mut self, write: &Write, mark: Mark) -> bool {
        let holds = |roll: &Roll| {
            self.count >= roll.seen_count
                && self.leased == roll.seen_leased
                && (self.is_exact || !roll.needs_exact)
        };
        if self.version != write.version
            || self.count > write.most
            || !write.rolls.as_ref().is_none_or(holds)
        {
            return false;
        }
        let extra = write.taken - 1;
        self.count += write.taken;
        if let Some(roll) = &write.rolls {
            self.count -= roll.seen_count;
            self.version += 1;
            self.past = Rc::clone(&roll.past);
            self.leased = extra;
            self.is_exact = extra == 0;
        } else {
            self.leased += extra;
            self.is_exact &= extra == 0 && !write.is_later;
        }
        self.marks.rotate_right(1);
        self.marks[0] = mark;
        true
    }

    /// When the current bucket is over.
    pub(super) fn until(&self, terms: &Terms) -> i64 {
        self.past.start + width(terms)
    }

    #[cfg(test)]
    pub(super) fn used(&self, terms: &Terms, now: i64) -> u32 {
        let past = self.past.history.iter();
        let counting = past.filter(|it| it.to + SKEW + terms.window > now);
        counting.map(|it| it.count).sum::<u32>() + self.count
    }
}
