//! The constants that the parts of the demo share.

use std::time::Duration;

/// The real limits are 200 per path and hour and one per second. These have the same shape, a burst at
/// the pace of the spacing and then a wait, in seconds instead of an hour.
pub(crate) const PATH_LIMIT: u32 = 25;
pub(crate) const WINDOW: Duration = Duration::from_secs(5);
pub(crate) const SPACING: Duration = Duration::from_millis(10);
/// How much longer than the spacing workers wait between two calls: a busy machine may delay one of them by this
/// much, and the demo is to show no refusal.
pub(crate) const SPACING_GUARD: Duration = Duration::from_millis(75);

/// How many requests each worker has in flight.
pub(crate) const TASKS: usize = 32;

/// An API key that only the demo's own server accepts.
pub(crate) const KEY: &str = "demo";
