//! The memory stores from outside.

mod bounds;
mod conformance;
mod defaults;
mod pipeline;
