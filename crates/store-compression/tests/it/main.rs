//! Compressed caches from outside.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation is how a test fails"
)]

mod conformance;
mod values;
