//! How long responses stay fresh in the cache.

use std::time::Duration;

use store_core::{DAY, HOUR};

/// How long responses are served from the cache without fetching them again, by kind of request.
///
/// The API sends no caching headers. Resources are edited all the time, but rarely the same one twice
/// a day, and frequent requests soon exhaust the hourly budget.
///
/// ```
/// use comicvine_client::Freshness;
/// use store_core::{DAY, HOUR};
///
/// let freshness = Freshness::default().with_list(HOUR);
/// assert_eq!((freshness.detail, freshness.list), (DAY, HOUR));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Freshness {
    /// One resource. Default: 1 day.
    pub detail: Duration,
    /// A page of a list: new resources appear in it. Default: 6 hours.
    pub list: Duration,
    /// A page of a search. Default: 1 day.
    pub search: Duration,
    /// The API's table of types. Default: 7 days.
    pub types: Duration,
    /// How much longer a response is kept, to be served stale while the budget is exhausted or the API
    /// unavailable. Zero for not at all. Default: 30 days.
    pub stale: Duration,
    /// How long a "not found" is cached; the cached resource, if any, is removed. Default: zero, not
    /// at all, because a resource may be created at any time.
    pub not_found: Duration,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            detail: DAY,
            list: HOUR * 6,
            search: DAY,
            types: DAY * 7,
            stale: DAY * 30,
            not_found: Duration::ZERO,
        }
    }
}

impl Freshness {
    /// Sets how long one resource stays fresh.
    #[must_use]
    pub const fn with_detail(mut self, detail: Duration) -> Self {
        self.detail = detail;
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
}
