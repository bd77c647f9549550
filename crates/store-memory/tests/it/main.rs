//! The memory stores from outside.

mod bounds;
mod clocks;
mod conformance;
mod defaults;
mod examples;
mod layers;
mod limiter;
mod pipeline;
mod read_through;
mod run_once;
mod tower_layer;
mod typed_cache;
mod waits;
