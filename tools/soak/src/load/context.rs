//! The clocks and the journal that the tasks of a worker share.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{Clock as _, ErrorKind, SystemClock, Timestamp};

use crate::error::Error;
use crate::offset::OffsetClock;

use super::events::{Call, Entry, GAVE_UP, Role};
use super::journal::Journal;
use super::rng::Rng;

/// A call this long is written down even if it went well.
const LONG: Duration = Duration::from_secs(1);
/// How long a task waits at most after a store failed.
const RETRY_PAUSE: Duration = Duration::from_millis(30);

/// Whether a store may fail for reasons that pass.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Failures {
    /// Any ends the worker.
    Fatal,
    /// They are written down, and the task goes on.
    Logged,
}

/// When a request for several resources is counted on each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Counting {
    /// At the moment that the permit names.
    AtOnce,
    /// Between the call and that moment.
    OneByOne,
}

/// The clocks, the journal and the end of one worker.
#[derive(Debug)]
pub(crate) struct Context {
    /// The time as it is, the same for all processes.
    pub(crate) clock: SystemClock,
    /// The time as this worker's stores take it to be.
    pub(crate) local: OffsetClock,
    pub(crate) counting: Counting,
    failures: Failures,
    journal: Journal,
    ends_at: Timestamp,
}

impl Context {
    pub(crate) fn new(journal: Journal, ends_at: Timestamp) -> Self {
        Self {
            clock: SystemClock::new(),
            local: OffsetClock::default(),
            counting: Counting::AtOnce,
            failures: Failures::Fatal,
            journal,
            ends_at,
        }
    }

    pub(crate) fn with_local(mut self, local: OffsetClock) -> Self {
        self.local = local;
        self
    }

    pub(crate) fn with_counting(mut self, counting: Counting) -> Self {
        self.counting = counting;
        self
    }

    pub(crate) fn with_failures(mut self, failures: Failures) -> Self {
        self.failures = failures;
        self
    }

    pub(crate) fn is_running(&self) -> bool {
        self.clock.now() < self.ends_at
    }

    pub(crate) fn millis(&self) -> i64 {
        self.clock.now().as_millis()
    }

    pub(crate) fn log(&self, entry: &Entry) -> Result<(), Error> {
        self.journal.write(entry)
    }

    pub(crate) async fn pause(&self, duration: Duration) {
        self.clock.sleep_until(self.clock.now() + duration).await;
    }

    /// Waits for one step of a task. A failure that may pass is written down, if
    /// failures are allowed, and is no error then.
    pub(crate) async fn step(
        &self,
        role: Role,
        rng: &Rng,
        step: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Error> {
        let began = self.clock.monotonic();
        let done = step.await;
        if self.failures == Failures::Fatal {
            return done;
        }
        let taken = self.clock.monotonic().saturating_sub(began);
        let failure = match done {
            Ok(()) => None,
            Err(Error::Store(error)) if has_given_up(&error) => Some(GAVE_UP.to_owned()),
            Err(Error::Store(error)) if error.is_retryable() => Some(error.kind().to_string()),
            Err(error) => return Err(error),
        };
        let has_failed = failure.is_some();
        if has_failed || taken >= LONG {
            self.log(&Entry::Call(Call {
                role,
                millis: u64::try_from(taken.as_millis()).unwrap_or(u64::MAX),
                failure,
            }))?;
        }
        if has_failed {
            self.pause(rng.up_to(RETRY_PAUSE)).await;
        }
        Ok(())
    }
}

/// Whether the limiter ended the wait before the store answered.
fn has_given_up(error: &store_core::Error) -> bool {
    error.kind() == ErrorKind::Timeout && error.backend() == "limiter"
}
