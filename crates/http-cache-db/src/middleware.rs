//! The cache as a part of a client or a server, and a rate limit below it.
//!
//! | in | use | feature |
//! |---|---|---|
//! | a tower client, or a server such as axum | `tower::HttpCacheLayer` | `tower` |
//! | a client of reqwest | `reqwest::HttpCacheMiddleware` | `reqwest` |
//! | anything else | [`HttpCache::handle`](crate::HttpCache::handle) with an [`Origin`](crate::cache::Origin) | |
//!
//! [`RateLimited`] makes any origin take a permit for each request that it sends, so that stored responses are used
//! before the rate limit; both middlewares take [`Permits`] for that.

mod permits;
mod rate_limited;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(feature = "tower")]
pub mod tower;

pub use permits::Permits;
pub use rate_limited::{RateLimited, RateLimitedError};
