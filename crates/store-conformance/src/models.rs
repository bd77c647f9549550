//! Model-based tests: random sequences of calls, checked against a plain in-memory model.
//!
//! A model is a few maps. It gives the exact answer that the contract promises, or its bounds where
//! the contract leaves a choice (after the clock was set back, say). A failing sequence is shrunk
//! until every call in it matters.
//!
//! The sequences are the same in every run. `PROPTEST_CASES` asks for more of them,
//! `PROPTEST_RNG_SEED` for others.

#![expect(
    clippy::expect_used,
    reason = "a model fails by panicking, with the shortest sequence that it fails on"
)]
#![expect(
    clippy::future_not_send,
    reason = "a sequence runs in one task, on the thread of its test"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "what is compared reads better without references"
)]

mod cache;
mod dedupe;
mod rate_limit;
mod runner;

pub use cache::cache;
pub use dedupe::dedupe;
pub use rate_limit::rate_limit;
