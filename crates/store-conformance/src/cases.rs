//! The cases, one list per role. A case is a claim about a contract: it opens its own store, advances
//! its own clock, and returns the first unexpected error.

#![expect(clippy::expect_used, reason = "a case fails by panicking")]

pub mod cache;
pub mod dedupe;
pub mod pipeline;
pub mod rate_limit;
pub mod write_queue;
