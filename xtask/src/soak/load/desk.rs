//! What the tasks of a worker share: the time, and where to tell what happened.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{Clock as _, ErrorKind, SystemClock, Timestamp};

use crate::error::Error;
use crate::soak::offset::OffsetClock;

use super::dice::Dice;
use super::journal::{Entry, Journal};

/// A call this long is told of even if it went well.
const LONG: Duration = Duration::from_secs(1);
/// How long a task waits at most after a store failed.
const RESPITE: Duration = Duration::from_millis(30);

/// A store of the three.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(in crate::soak) enum Role {
    Limits,
    Cache,
    Jobs,
}

/// One step of a task, if it failed or took long.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::soak) struct Call {
    pub(in crate::soak) role: Role,
    pub(in crate::soak) millis: u64,
    /// What kind of failure it was, if it was one.
    pub(in crate::soak) failure: Option<String>,
}

/// Whether a store may fail for reasons that pass.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(in crate::soak) enum Failures {
    /// Any ends the worker.
    Fatal,
    /// They are told of, and the task goes on.
    Told,
}

/// When a request for several resources is counted on each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::soak) enum Counting {
    /// At the moment that the permit tells.
    AtOnce,
    /// Between the call and that moment.
    OneByOne,
}

#[derive(Debug)]
pub(in crate::soak) struct Desk {
    /// The time as it is, the same for all processes.
    pub(in crate::soak) clock: SystemClock,
    /// The time as this worker's stores take it to be.
    pub(in crate::soak) local: OffsetClock,
    pub(in crate::soak) counting: Counting,
    failures: Failures,
    journal: Journal,
    ends_at: Timestamp,
}

impl Desk {
    pub(in crate::soak) fn new(journal: Journal, ends_at: Timestamp) -> Self {
        Self {
            clock: SystemClock::new(),
            local: OffsetClock::default(),
            counting: Counting::AtOnce,
            failures: Failures::Fatal,
            journal,
            ends_at,
        }
    }

    pub(in crate::soak) fn with_local(mut self, local: OffsetClock) -> Self {
        self.local = local;
        self
    }

    pub(in crate::soak) fn with_counting(mut self, counting: Counting) -> Self {
        self.counting = counting;
        self
    }

    pub(in crate::soak) fn with_failures(mut self, failures: Failures) -> Self {
        self.failures = failures;
        self
    }

    /// A journal in `path`.
    pub(in crate::soak) fn journal(path: &Path) -> Result<Journal, Error> {
        Journal::create(path)
    }

    pub(in crate::soak) fn is_open(&self) -> bool {
        self.clock.now() < self.ends_at
    }

    pub(in crate::soak) fn millis(&self) -> i64 {
        self.clock.now().as_millis()
    }

    pub(in crate::soak) fn tell(&self, entry: &Entry) -> Result<(), Error> {
        self.journal.write(entry)
    }

    pub(in crate::soak) async fn pause(&self, duration: Duration) {
        self.clock.sleep_until(self.clock.now() + duration).await;
    }

    /// Waits for one step of a task. What failed for a reason that may pass is told, if that is
    /// allowed, and is no error then.
    pub(in crate::soak) async fn step(
        &self,
        role: Role,
        dice: &Dice,
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
            self.tell(&Entry::Call(Call {
                role,
                millis: u64::try_from(taken.as_millis()).unwrap_or(u64::MAX),
                failure,
            }))?;
        }
        if has_failed {
            self.pause(dice.up_to(RESPITE)).await;
        }
        Ok(())
    }
}

/// What is told of a wait for a permit whose deadline came before any answer.
pub(in crate::soak) const GAVE_UP: &str = "no answer by the deadline";

/// Whether the queue in front of the limiter ended the wait.
fn has_given_up(error: &store_core::Error) -> bool {
    error.kind() == ErrorKind::Timeout && error.backend() == "limiter"
}
