//! Contracts, pipeline and algorithms for persistent, shared API stores.

mod clock;
mod random;
mod time;

pub use clock::{Clock, ManualClock, Sleep, SystemClock};
pub use random::{Random, SeededRandom, SystemRandom};
pub use time::{DAY, HOUR, MINUTE, SECOND, Timestamp};
