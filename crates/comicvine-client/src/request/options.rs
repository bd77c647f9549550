//! The options that every request has.

/// Adds the setters of the common options to a request builder.
macro_rules! request_options {
    () => {
        /// The priority class of the caller. Users go before background callers and may use the share
        /// of the budget that is reserved for them. Default: user if awaited, background if streamed.
        pub const fn priority(mut self, priority: store_core::Priority) -> Self {
            self.options.priority = Some(priority);
            self
        }

        /// The longest wait of one request: for a permit of the rate limiter, for the same request of
        /// another caller, and for another attempt. Default: the client's, 1 minute.
        pub const fn max_wait(mut self, max_wait: std::time::Duration) -> Self {
            self.options.max_wait = Some(max_wait);
            self
        }

        /// How the request uses the cache. Default: the client's.
        pub const fn cache_mode(mut self, mode: $crate::CacheMode) -> Self {
            self.options.cache = Some(mode);
            self
        }

        /// Fetches again even if a fresh response is cached, and caches the new one; short for
        /// [`CacheMode::Refresh`]($crate::CacheMode::Refresh).
        pub const fn refresh(self) -> Self {
            self.cache_mode($crate::CacheMode::Refresh)
        }
    };
}
pub(super) use request_options;
