//! Parts for those who write a backend: how guards are made, the decision over a log of admissions,
//! and what a process keeps beside its store.
//!
//! Applications need nothing of this. It follows the backends of this workspace: a minor release may
//! change it, where the rest of the crate changes with a major one only.

pub mod breaker;
mod configs;
mod deadline;
mod denials;
mod guards;
mod signals;
mod sums;
pub mod window;

pub use crate::cache::FillMark;
pub use crate::change_feed::FeedMark;
pub use crate::dedupe::JobEnd;
pub use crate::random::SeededRandom;
pub use crate::write_queue::{ensure_room, next_sequence};
pub use configs::DefaultConfigs;
pub use deadline::Deadline;
pub use denials::{Activity, Denials, Removals};
pub use guards::{Undelivered, end_ownership, new_ownership, new_permit, with_lapsed_cooldowns};
pub use signals::{JobSignals, JobWatch};
pub use sums::AdaptiveSums;
