//! The log of admissions of one resource, in the order they were made.
//!
//! Invariants: `all` is the two classes merged, if they are kept apart, ordered by id and so by time, and no admission lies in
//! the future after [`Log::clamp_future`].

use std::collections::VecDeque;
use std::time::Duration;

use store_core::backend::window::AdmissionLog;
use store_core::{Priority, Result, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Admission {
    id: u64,
    at: Timestamp,
    class: Priority,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    all: VecDeque<Admission>,
    /// Kept only where the classes do not share alike.
    by_class: Option<Box<ByClass>>,
}

#[derive(Debug, Default)]
struct ByClass {
    user: VecDeque<Admission>,
    background: VecDeque<Admission>,
}

impl ByClass {
    const fn of_mut(&mut self, class: Priority) -> &mut VecDeque<Admission> {
        match class {
            Priority::User => &mut self.user,
            Priority::Background => &mut self.background,
        }
    }
}

impl Log {
    /// Keeps the classes apart from now on.
    pub(super) fn split(&mut self) {
        if self.by_class.is_none() {
            let mut by_class = Box::<ByClass>::default();
            for admission in &self.all {
                by_class.of_mut(admission.class).push_back(*admission);
            }
            self.by_class = Some(by_class);
        }
    }

    pub(super) fn push(&mut self, id: u64, class: Priority, at: Timestamp) {
        let admission = Admission { id, at, class };
        self.all.push_back(admission);
        if let Some(by_class) = &mut self.by_class {
            by_class.of_mut(class).push_back(admission);
        }
    }

    pub(super) fn remove(&mut self, id: u64, class: Priority) {
        remove_from(&mut self.all, id);
        if let Some(by_class) = &mut self.by_class {
            remove_from(by_class.of_mut(class), id);
        }
    }

    /// The admissions, and those of each class if they are kept apart.
    fn logs(&mut self) -> impl Iterator<Item = &mut VecDeque<Admission>> {
        let by_class = self.by_class.as_deref_mut().into_iter();
        let by_class = by_class.flat_map(|it| [&mut it.user, &mut it.background]);
        std::iter::once(&mut self.all).chain(by_class)
    }

    /// Moves admissions of the future to now: the clock was set back, and they must neither let too
    /// many in nor block longer than a window.
    pub(super) fn clamp_future(&mut self, now: Timestamp) {
        if self.newest().is_none_or(|newest| newest <= now) {
            return;
        }
        for admissions in self.logs() {
            let newest_first = admissions.iter_mut().rev();
            for admission in newest_first.take_while(|admission| admission.at > now) {
                admission.at = now;
            }
        }
    }

    /// The number of admissions of a class, or of both, in a span that ends now.
    pub(super) fn count(&self, class: Option<Priority>, span: Duration, now: Timestamp) -> usize {
        let admissions = self.of(class);
        let counted = |admissions: &VecDeque<Admission>| {
            admissions.len() - admissions.partition_point(|admission| admission.at + span <= now)
        };
        admissions.map_or(0, counted)
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
            for admissions in self.logs() {
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

    /// Those of one class are `None` unless they are kept apart.
    fn of(&self, class: Option<Priority>) -> Option<&VecDeque<Admission>> {
        let by_class = self.by_class.as_deref();
        match class {
            None => Some(&self.all),
            Some(Priority::User) => by_class.map(|it| &it.user),
            Some(Priority::Background) => by_class.map(|it| &it.background),
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
        if class.is_some() {
            self.split();
        }
        let nth = self.of(class).and_then(|admissions| {
            let index = admissions.len().checked_sub(nth as usize)?;
            admissions.get(index)
        });
        Ok(nth.map(|admission| admission.at))
    }
}
