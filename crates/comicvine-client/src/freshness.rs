//! How long answers stay fresh in the cache.

use std::time::Duration;

use store_core::{DAY, HOUR};

/// How long answers are given from the cache without asking again, by kind of request.
///
/// The API sends no hints of its own. People edit resources all the time, but rarely the same one
/// twice in a day; and an hour's budget is soon spent on asking too often.
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
    /// How much longer an answer is kept for when there is no better: the budget is used up, or the
    /// API is out of order. Default: 30 days.
    pub stale: Duration,
    /// How long a resource that the API says is not there is not asked for again. What was kept of it
    /// is dropped. Default: zero, each call asks: a resource may be made at any time.
    pub missing: Duration,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            detail: DAY,
            list: HOUR * 6,
            search: DAY,
            types: DAY * 7,
            stale: DAY * 30,
            missing: Duration::ZERO,
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

    /// Sets how much longer an answer is kept for when there is no better; zero for not at all.
    #[must_use]
    pub const fn with_stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// Sets how long a resource that is not there is not asked for again.
    #[must_use]
    pub const fn with_missing(mut self, missing: Duration) -> Self {
        self.missing = missing;
        self
    }
}
