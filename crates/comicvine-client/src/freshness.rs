//! How long responses stay fresh in the cache.

use std::time::Duration;

use store_core::{DAY, HOUR, MINUTE};

use crate::kind::ResourceKind;

/// All kinds, with or without a model.
const KINDS: usize = ResourceKind::Chat as usize + 1;

/// How long responses are served from the cache without fetching them again.
///
/// The API sends no caching headers. A resource tells when it was last changed (`date_last_updated`), and what has
/// not changed for years will not change tomorrow: it stays fresh for a tenth of the time since its last change, at
/// least [`detail`](Self::detail) and at most [`settled`](Self::settled). A kind can have a time of its own.
///
/// ```
/// use comicvine_client::{Freshness, ResourceKind};
/// use store_core::{DAY, HOUR};
///
/// let freshness = Freshness::default().with_list(HOUR).with_kind(ResourceKind::Power, DAY * 90);
/// assert_eq!((freshness.detail, freshness.list), (HOUR * 12, HOUR));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Freshness {
    /// One resource that was changed lately, or that does not tell when. Default: 12 hours.
    pub detail: Duration,
    /// One resource that was not changed for long. Default: 14 days.
    pub settled: Duration,
    /// A page of a list: new resources appear in it. Default: 6 hours.
    pub list: Duration,
    /// A page of a search. Default: 1 day.
    pub search: Duration,
    /// The API's table of types. Default: 7 days.
    pub types: Duration,
    /// An image: another upload has another URL. Default: 30 days.
    pub image: Duration,
    /// How much longer a response is kept, to be served stale while the budget is exhausted or the API
    /// unavailable. Zero for not at all. Default: 30 days.
    pub stale: Duration,
    /// How long a "not found" is cached; the cached resource, if any, is removed. Zero for not at all.
    /// Default: 10 minutes, because a resource may be created at any time.
    pub not_found: Duration,
    /// The times of kinds that have one of their own, for one resource of the kind.
    kinds: [Option<Duration>; KINDS],
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            detail: HOUR * 12,
            settled: DAY * 14,
            list: HOUR * 6,
            search: DAY,
            types: DAY * 7,
            image: DAY * 30,
            stale: DAY * 30,
            not_found: MINUTE * 10,
            kinds: [None; KINDS],
        }
    }
}

impl Freshness {
    /// Sets how long one resource stays fresh that was changed lately.
    #[must_use]
    pub const fn with_detail(mut self, detail: Duration) -> Self {
        self.detail = detail;
        self
    }

    /// Sets how long one resource stays fresh that was not changed for long.
    #[must_use]
    pub const fn with_settled(mut self, settled: Duration) -> Self {
        self.settled = settled;
        self
    }

    /// Sets how long one resource of a kind stays fresh, whenever it was changed.
    #[must_use]
    pub const fn with_kind(mut self, kind: ResourceKind, fresh_for: Duration) -> Self {
        self.kinds[kind as usize] = Some(fresh_for);
        self
    }

    /// Sets how long a page of a list stays fresh.
    #[must_use]
    pub const fn with_list(mut self, list: Duration) -> Self {
        self.list = list;
        self
    }

    /// Sets how long a page of a search stays fresh.
    #[must_use]
    pub const fn with_search(mut self, search: Duration) -> Self {
        self.search = search;
        self
    }

    /// Sets how long the table of types stays fresh.
    #[must_use]
    pub const fn with_types(mut self, types: Duration) -> Self {
        self.types = types;
        self
    }

    /// Sets how long an image stays fresh.
    #[must_use]
    pub const fn with_image(mut self, image: Duration) -> Self {
        self.image = image;
        self
    }

    /// Sets how much longer a response is kept to be served stale.
    #[must_use]
    pub const fn with_stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// Sets how long a "not found" is cached.
    #[must_use]
    pub const fn with_not_found(mut self, not_found: Duration) -> Self {
        self.not_found = not_found;
        self
    }

    /// How long one resource stays fresh that was last changed `age` ago, if that is known.
    pub(crate) fn of_resource(&self, kind: ResourceKind, age: Option<Duration>) -> Duration {
        if let Some(fresh_for) = self.kinds[kind as usize] {
            return fresh_for;
        }
        let share = age.map_or(Duration::ZERO, |age| age / 10);
        share.min(self.settled).max(self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_stays_fresh_for_a_tenth_of_its_age_within_bounds() {
        let freshness = Freshness::default();
        let fresh_for = |age| freshness.of_resource(ResourceKind::Issue, age);
        assert_eq!(fresh_for(None), HOUR * 12);
        assert_eq!(fresh_for(Some(HOUR)), HOUR * 12);
        assert_eq!(fresh_for(Some(DAY * 30)), DAY * 3);
        assert_eq!(fresh_for(Some(DAY * 3_650)), DAY * 14);
    }

    #[test]
    fn kind_with_a_time_of_its_own_has_no_other() {
        let freshness = Freshness::default().with_kind(ResourceKind::Power, HOUR);
        let of = |kind| freshness.of_resource(kind, Some(DAY * 3_650));
        assert_eq!(
            (of(ResourceKind::Power), of(ResourceKind::Origin)),
            (HOUR, DAY * 14)
        );
    }
}
