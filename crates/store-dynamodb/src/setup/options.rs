//! Options and progress of the set-up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use store_core::{Clock, MINUTE, SystemClock};

use super::Step;
use crate::setters::setters;

type Listener = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Options of [`create_or_verify`](super::create_or_verify).
///
/// ```
/// use store_dynamodb::setup::{Repair, SetupOptions};
///
/// let options = SetupOptions::default().with_repair(Repair::InPlace);
/// assert_eq!(options.ready_timeout.as_secs(), 300);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct SetupOptions {
    /// Whether an existing table may be changed. Default: [`Repair::Nothing`].
    pub repair: Repair,
    /// Longest wait for the table and its indexes to become active. Default: 5 min; adding an index to a large
    /// table takes longer.
    pub ready_timeout: Duration,
    /// Clock that measures the waits. Default: the system clock.
    pub clock: Arc<dyn Clock>,
    listener: Option<Listener>,
}

impl Default for SetupOptions {
    fn default() -> Self {
        Self {
            repair: Repair::default(),
            ready_timeout: MINUTE * 5,
            clock: Arc::new(SystemClock::new()),
            listener: None,
        }
    }
}

impl SetupOptions {
    setters! {
        constant:
        with_repair repair: Repair,
        with_ready_timeout ready_timeout: Duration,
    }
    setters! { shared: with_clock clock: Clock }

    /// Sets a callback for progress events; it is called from the set-up task and must not block.
    #[must_use]
    pub fn with_progress(mut self, listener: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    pub(super) fn notify(&self, progress: &Progress) {
        if let Some(listener) = &self.listener {
            listener(progress);
        }
    }
}

impl fmt::Debug for SetupOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetupOptions")
            .field("repair", &self.repair)
            .field("ready_timeout", &self.ready_timeout)
            .finish_non_exhaustive()
    }
}

/// Whether an existing table may be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// Verify only.
    #[default]
    Nothing,
    /// Fix what can be fixed while the table serves: time to live, point-in-time recovery, a missing index.
    InPlace,
}

/// Progress event of a set-up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A step has started.
    Started(Step),
    /// The table is not ready yet.
    Waiting {
        /// Status, such as `CREATING`.
        status: String,
        /// Time waited so far.
        waited: Duration,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(step) => step.fmt(f),
            Self::Waiting { status, waited } => {
                write!(
                    f,
                    "waiting for the table ({status}, {} s)",
                    waited.as_secs()
                )
            }
        }
    }
}
