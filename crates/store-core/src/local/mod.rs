//! What backends keep in the process beside their store: wake-ups and remembered denials.

mod denials;
mod jobs;

pub use denials::{Denials, Uncounted};
pub use jobs::{JobSignals, JobWatch};
