//! Options of a routed cache.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::time::SECOND;

/// Options of a [`Routed`](super::Routed).
///
/// ```
/// use store_core::SECOND;
/// use store_core::layer::RoutedOptions;
///
/// let options = RoutedOptions::default().with_read_your_writes(SECOND * 30);
/// assert_eq!(options.read_your_writes, SECOND * 30);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RoutedOptions {
    /// How long what was written here is read from the primary. Default: 5 seconds.
    pub read_your_writes: Duration,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
}

impl Default for RoutedOptions {
    fn default() -> Self {
        Self {
            read_your_writes: SECOND * 5,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

impl RoutedOptions {
    /// Sets [`read_your_writes`](Self::read_your_writes).
    #[must_use]
    pub fn with_read_your_writes(mut self, window: Duration) -> Self {
        self.read_your_writes = window;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}
