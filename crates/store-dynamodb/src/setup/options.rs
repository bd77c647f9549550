//! How a table is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use store_core::{Clock, MINUTE, SystemClock};

use super::Step;

type Listener = Arc<dyn Fn(&Progress) + Send + Sync>;

/// How a table is set up.
///
/// ```
/// use store_dynamodb::setup::{Mend, SetupOptions};
///
/// let options = SetupOptions::default().with_mend(Mend::InPlace);
/// assert_eq!(options.patience.as_secs(), 300);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct SetupOptions {
    /// Whether an existing table may be changed. Default: [`Mend::Nothing`].
    pub mend: Mend,
    /// How long to wait for the table to be ready. Default: 5 min; adding an index to a large table
    /// takes longer.
    pub patience: Duration,
    /// What the wait is measured by. Default: the system's clock.
    pub clock: Arc<dyn Clock>,
    listener: Option<Listener>,
}

impl Default for SetupOptions {
    fn default() -> Self {
        Self {
            mend: Mend::default(),
            patience: MINUTE * 5,
            clock: Arc::new(SystemClock::new()),
            listener: None,
        }
    }
}

impl SetupOptions {
    /// Sets [`mend`](Self::mend).
    #[must_use]
    pub const fn with_mend(mut self, mend: Mend) -> Self {
        self.mend = mend;
        self
    }

    /// Sets [`patience`](Self::patience).
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Has `listener` told what is being done, as it is done.
    #[must_use]
    pub fn with_progress(mut self, listener: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    pub(super) fn tell(&self, progress: &Progress) {
        if let Some(listener) = &self.listener {
            listener(progress);
        }
    }
}

impl fmt::Debug for SetupOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetupOptions")
            .field("mend", &self.mend)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// Whether an existing table may be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mend {
    /// It is looked at only.
    #[default]
    Nothing,
    /// What can be put right while the table serves: time to live, point-in-time recovery, the index.
    InPlace,
}

/// What is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// This begins.
    Begun(Step),
    /// The table is not ready yet.
    Waiting {
        /// What the service says of it, such as `CREATING`.
        status: String,
        /// For how long it has been waited for.
        waited: Duration,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begun(step) => step.fmt(f),
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
