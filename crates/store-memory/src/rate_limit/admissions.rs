//! The log of admissions of one resource, in the order they were made.
//!
//! Invariants: `all` is the two classes merged, ordered by id and so by time, and no admission lies in
//! the future after [`Log::clamp_future`].

use std::collections::VecDeque;
use std::time::Duration;

use store_core::backend::window::AdmissionLog;
use store_core::{Priority, Result, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Admission {
    id: u64,
    at: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    all: VecDeque<Admission>,
    user: VecDeque<Admission>,
    background: VecDeque<Admission>,
}

impl Log {
    pub(super) fn push(&mut self, id: u64, priority: Priority, at: Timestamp) {
        let admission = Admission { id, at };
        self.all.push_back(admission);
        self.class_mut(priority).push_back(admission);
    }

    pub(super) fn remove(&mut self, id: u64, priority: Priority) {
        remove_from(&mut self.all, id);
        remove_from(self.class_mut(priority), id);
    }

    /// Moves admissions of the future to now: the clock was set back, and they must neither let too
    /// many in nor block longer than a window.
    pub(super) fn clamp_future(&mut self, now: Timestamp) {
        for admissions in [&mut self.all, &mut self.user, &mut self.background] {
            let newest_first = admissions.iter_mut().rev();
            for admission in newest_first.take_while(|admission| admission.at > now) {
                admission.at = now;
            }
        }
    }

    /// The number of admissions of a class, or of both, in a span that ends now.
    pub(super) fn count(&self, class: Option<Priority>, span: Duration, now: Timestamp) -> usize {
        let admissions = self.of(class);
        admissions.len() - admissions.partition_point(|admission| admission.at + span <= now)
    }

    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.all.back().map(|admission| admission.at)
    }

    /// Removes at most `most` of the oldest admissions that are `keep` old or older, but leaves
    /// `at_least`; returns how many.
    pub(super) fn remove_old(
        &mut self,
        keep: Duration,
        at_least: usize,
        most: usize,
        now: Timestamp,
    ) -> usize {
        let mut removed = 0;
        while removed < most
            && self.all.len() > at_least
            && let Some(oldest) = self.all.front()
            && oldest.at + keep <= now
        {
            let id = oldest.id;
            for admissions in [&mut self.all, &mut self.user, &mut self.background] {
                if admissions.front().is_some_and(|first| first.id == id) {
                    admissions.pop_front();
                }
            }
            removed += 1;
        }
        removed
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn of(&self, class: Option<Priority>) -> &VecDeque<Admission> {
        match class {
            None => &self.all,
            Some(Priority::User) => &self.user,
            Some(Priority::Background) => &self.background,
        }
    }

    fn class_mut(&mut self, class: Priority) -> &mut VecDeque<Admission> {
        match class {
            Priority::User => &mut self.user,
            Priority::Background => &mut self.background,
        }
    }
}

fn remove_from(admissions: &mut VecDeque<Admission>, id: u64) {
    if let Ok(at) = admissions.binary_search_by_key(&id, |admission| admission.id) {
        admissions.remove(at);
    }
}

impl AdmissionLog for Log {
    fn nth_newest(&mut self, class: Option<Priority>, nth: u32) -> Result<Option<Timestamp>> {
        let admissions = self.of(class);
        let index = admissions.len().checked_sub(nth as usize);
        Ok(index.map(|index| admissions[index].at))
    }
}
