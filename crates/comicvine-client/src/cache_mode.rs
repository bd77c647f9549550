//! How a request uses the cache.

/// How a request uses the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheMode {
    /// A fresh response is returned from the cache; else the API is asked, and a stale one stands in only if that
    /// fails. The default.
    #[default]
    Fresh,
    /// Any response is returned from the cache. A stale one is fetched again in the background, with background
    /// priority, so that the next request finds a fresh one.
    StaleWhileRevalidate,
    /// Any response is returned from the cache, and nothing is ever sent: what is not cached is
    /// [`Error::NotCached`](crate::Error::NotCached).
    Only,
    /// The API is asked even if a fresh response is cached; the new one replaces it.
    Refresh,
}
