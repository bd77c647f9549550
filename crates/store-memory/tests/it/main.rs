//! The memory stores from outside.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation is how a test fails"
)]

mod bounds;
mod clocks;
mod conformance;
mod defaults;
mod examples;
mod layers;
mod limiter;
mod lock;
mod most_used;
mod patterns;
mod pipeline;
mod read_through;
mod routed;
mod run_once;
mod tiered;
mod tower_layer;
mod typed_cache;
mod waits;
mod write_behind;
mod write_queue;
