//! The fills in progress: an invalidation of their target, or a purge of what they store, makes them outdated.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use crate::keys::TargetKey;
use crate::store::{NewResponse, Purge};

/// With more purges than this since the first of them began, all fills are outdated.
const MAX_PURGES: usize = 10_000;

/// Whether each fill is outdated, by target.
#[derive(Debug, Default)]
pub(super) struct FillsInProgress {
    targets: HashMap<TargetKey, Vec<Weak<Begun>>>,
    /// The purges so far.
    purged: u64,
    /// Those since the first fill in progress began, by number.
    purges: VecDeque<(u64, Outdated)>,
    /// How many fills began after so many purges.
    begun: BTreeMap<u64, usize>,
}

/// What is outdated, which a fill knows at its end whether it stores.
#[derive(Debug)]
enum Outdated {
    Purged(Purge),
    /// The targets of a base, if they answer each other.
    Base(TargetKey),
}

/// The beginning of a fill.
#[derive(Debug)]
pub(super) struct Begun {
    is_outdated: AtomicBool,
    /// The purges before it.
    purged: u64,
}

impl FillsInProgress {
    pub(super) fn begin(&mut self, target: TargetKey) -> Arc<Begun> {
        let begun = Arc::new(Begun {
            is_outdated: AtomicBool::new(false),
            purged: self.purged,
        });
        let fills = self.targets.entry(target).or_default();
        fills.push(Arc::downgrade(&begun));
        *self.begun.entry(self.purged).or_default() += 1;
        begun
    }

    pub(super) fn end(&mut self, target: TargetKey, begun: &Arc<Begun>) {
        if let Some(fills) = self.targets.get_mut(&target) {
            fills.retain(|fill| !std::ptr::eq(fill.as_ptr(), Arc::as_ptr(begun)));
            if fills.is_empty() {
                self.targets.remove(&target);
            }
        }
        if let Some(fills) = self.begun.get_mut(&begun.purged) {
            *fills -= 1;
            if *fills == 0 {
                self.begun.remove(&begun.purged);
            }
        }
        let first = self.begun.keys().next().copied().unwrap_or(u64::MAX);
        while self.purges.front().is_some_and(|(at, _)| *at <= first) {
            self.purges.pop_front();
        }
    }

    /// Makes the fills of a target outdated, or of the targets of a base.
    pub(super) fn invalidate(&mut self, target: TargetKey) {
        self.outdate(target);
        self.remember(Outdated::Base(target));
    }

    /// Makes the fills of a target outdated.
    pub(super) fn outdate(&mut self, target: TargetKey) {
        for fill in self.targets.remove(&target).unwrap_or_default() {
            if let Some(fill) = fill.upgrade() {
                fill.is_outdated.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Makes the fills outdated that store what is purged, which is known at their end.
    pub(super) fn purge(&mut self, purge: &Purge) {
        self.remember(Outdated::Purged(purge.clone()));
    }

    fn remember(&mut self, outdated: Outdated) {
        if self.begun.is_empty() {
            return;
        }
        self.purged += 1;
        self.purges.push_back((self.purged, outdated));
        if self.purges.len() > MAX_PURGES {
            for target in self.targets.keys().copied().collect::<Vec<_>>() {
                self.outdate(target);
            }
            self.purges.clear();
        }
    }

    /// Whether what a fill stores was invalidated or purged since it began.
    pub(super) fn is_outdated(&self, begun: &Begun, response: &NewResponse) -> bool {
        let mut later = self.purges.iter().rev();
        let mut later = later.by_ref().take_while(|(at, _)| *at > begun.purged);
        begun.is_outdated.load(Ordering::Relaxed)
            || later.any(|(_, outdated)| match outdated {
                Outdated::Purged(purge) => purge.selects(response),
                Outdated::Base(base) => {
                    let own = response.equivalence.as_ref();
                    own.is_some_and(|own| own.base == *base)
                }
            })
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = &TargetKey> {
        self.targets.keys()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method, StatusCode, Uri};

    use super::*;
    use crate::Salt;
    use crate::engine::StoredResponse;
    use crate::policy::{ExchangeTimes, Policy, RequestHead, ResponseHead};

    #[test]
    fn purges_are_remembered_while_a_fill_is_in_progress_and_not_without_end() {
        let (salt, policy) = (Salt::random(), Policy::default());
        let target = Uri::from_static("http://example.org/");
        let request = RequestHead::new(Method::GET, target.clone(), HeaderMap::new());
        let head = ResponseHead::new(StatusCode::OK, HeaderMap::new(), &policy);
        let times = ExchangeTimes {
            requested_at: store_core::Timestamp::default(),
            received_at: store_core::Timestamp::default(),
        };
        let stored = StoredResponse::new(&request, head, times, 0, salt, &policy).unwrap();
        let response = NewResponse::new(request, &stored, &policy);
        let key = salt.target_key(&target);
        let (one, other) = (
            Purge::host("example.org").unwrap(),
            Purge::host("example.com").unwrap(),
        );

        let mut fills = FillsInProgress::default();
        fills.purge(&one);
        let (first, second) = (fills.begin(key), fills.begin(key));
        assert!(!fills.is_outdated(&first, &response));
        fills.purge(&one);
        let third = fills.begin(key);
        assert!(fills.is_outdated(&first, &response));
        assert!(!fills.is_outdated(&third, &response));
        for fill in [&first, &second] {
            fills.end(key, fill);
        }
        assert!(fills.purges.is_empty());
        for _ in 0..MAX_PURGES {
            fills.purge(&other);
        }
        assert!(!fills.is_outdated(&third, &response));
        fills.purge(&other);
        assert!(fills.is_outdated(&third, &response) && fills.purges.is_empty());
        fills.end(key, &third);
        assert!(fills.begun.is_empty() && fills.targets.is_empty());
    }
}
