//! What stands between the cache and its origin.
//!
//! [`RateLimited`] makes any origin take a permit for each request that it sends, so that stored responses are used
//! before the rate limit.

mod permits;
mod rate_limited;

pub use permits::Permits;
pub use rate_limited::{RateLimited, RateLimitedError};
