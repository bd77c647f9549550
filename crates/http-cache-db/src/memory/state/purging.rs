//! Purges: what they select, and what becomes of it.

use std::collections::BTreeSet;

use store_core::Timestamp;

use super::State;
use crate::keys::Salt;
use crate::store::{Equivalence, Purge, ResponseId, Selector};

impl State {
    /// Yields how many responses were removed, or became stale.
    pub(in crate::memory) fn purge(&mut self, purge: &Purge, salt: Salt, now: Timestamp) -> u64 {
        self.fills.purge(purge);
        for selector in purge.selectors() {
            if let Selector::Url(url) = selector {
                self.index.equivalents.forget(Equivalence::base(url, salt));
            }
        }
        let selectors = purge.selectors().iter();
        let selected = selectors.flat_map(|selector| self.selected(selector, salt));
        let selected: BTreeSet<_> = selected.collect();
        // What is on its way to take the place of such a response, or confirms it, may not have what selects it.
        for id in &selected {
            if let Some(stored) = self.responses.get(id) {
                self.fills.outdate(stored.target);
            }
        }
        if purge.is_soft() {
            let became_stale = selected.into_iter().filter(|id| self.make_stale(*id, now));
            return became_stale.count() as u64;
        }
        self.remove_all(selected.into_iter().collect())
    }

    /// Whether the response was not stale by a purge before.
    fn make_stale(&mut self, id: ResponseId, now: Timestamp) -> bool {
        let Some(stored) = self.responses.get_mut(&id) else {
            return false;
        };
        let was_purged = stored.head.stale_since.is_some();
        stored.head.stale_since.get_or_insert(now);
        !was_purged
    }

    fn selected(&self, selector: &Selector, salt: Salt) -> Vec<ResponseId> {
        match selector {
            Selector::Url(url) => self.ids(salt.target_key(url)),
            Selector::Tag(tag) => self.index.of_tag(tag).collect(),
            Selector::Host(domain) => self.index.of_path(domain, "").collect(),
            Selector::Prefix(prefix) => {
                let of_path = self.index.of_path(&prefix.domain, &prefix.path);
                let is_under = |id: &ResponseId| {
                    let stored = self.responses.get(id);
                    stored.is_some_and(|stored| stored.base.has_path_of(prefix))
                };
                of_path.filter(is_under).collect()
            }
            Selector::Everything => self.responses.keys().copied().collect(),
        }
    }
}
