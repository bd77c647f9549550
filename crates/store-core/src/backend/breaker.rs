//! A circuit breaker: after a number of consecutive failures it opens, and lets one request at a time probe
//! the service, soon and then after growing pauses.
//!
//! Only signs that the service is overloaded or unreachable count as failures. A refusal for cause, such as
//! a failed condition, shows that it works. Requests that were under way together and fail are one failure:
//! however many there are, they tell of one moment. Housekeeping is refused like everything else, but does not
//! count: it may ask more of the table than users do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::time::MINUTE;

/// How long the circuit stays open at first; each pause after a failed probe is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Retry delay while another request probes the service.
const WHILE_TRYING: Duration = Duration::from_millis(100);

/// Options of a circuit breaker.
///
/// ```
/// use store_core::backend::breaker::CircuitBreakerOptions;
///
/// let options = CircuitBreakerOptions::default();
/// assert_eq!((options.failure_threshold, options.recovery_timeout.as_secs()), (5, 60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitBreakerOptions {
    /// Number of consecutive failures, each after all its retries and of a request that began after the failure
    /// before it, that open the circuit. Default: 5.
    pub failure_threshold: u32,
    /// The longest pause before one request probes the service. The first pause is 250 ms, and each after a failed
    /// probe is twice as long. Default: 60 s.
    pub recovery_timeout: Duration,
    /// Whether the breaker is active. Default: `true`.
    pub enabled: bool,
}

impl Default for CircuitBreakerOptions {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            recovery_timeout: MINUTE,
            enabled: true,
        }
    }
}

impl CircuitBreakerOptions {
    /// Sets [`failure_threshold`](Self::failure_threshold).
    #[must_use]
    pub const fn with_failure_threshold(mut self, failures: u32) -> Self {
        self.failure_threshold = failures;
        self
    }

    /// Sets [`recovery_timeout`](Self::recovery_timeout).
    #[must_use]
    pub const fn with_recovery_timeout(mut self, longest_pause: Duration) -> Self {
        self.recovery_timeout = longest_pause;
        self
    }

    /// Options of a disabled breaker: every request is sent.
    #[must_use]
    pub fn disabled() -> Self {
        Self {
            enabled: false,
            ..Self::default()
        }
    }
}

/// Who waits for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Somebody who uses a store.
    Foreground,
    /// Whoever clears, cleans up, frees space or lists.
    Housekeeping,
}

/// State of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CircuitState {
    /// Requests are sent.
    Closed,
    /// Requests fail with [`ErrorKind::CircuitOpen`](crate::ErrorKind::CircuitOpen).
    Open,
    /// One request may probe the service.
    HalfOpen,
}

/// Status of a circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitStatus {
    /// Current state.
    pub state: CircuitState,
    /// Number of consecutive failures.
    pub failures: u32,
    /// Time until the next request may be sent; `None` if it may be sent now.
    pub retry_after: Option<Duration>,
}

/// What a request came to, as far as it tells about the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered; what, does not matter.
    Answered,
    /// Too much was asked of it, it failed, or it could not be reached.
    Failing,
    /// The request was not sent, or says nothing about the service.
    Unknown,
}

/// What changed with a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// The circuit is open, for so long at least.
    Opened(Duration),
    /// The circuit is closed again.
    Closed,
}

/// A request that may not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// How long to wait before the next try.
    pub retry_after: Duration,
    /// The failure that opened the circuit.
    pub cause: Arc<str>,
}

/// A circuit breaker. Time is an argument.
#[derive(Debug)]
pub struct Breaker {
    options: CircuitBreakerOptions,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    failures: u32,
    /// When the last failure was counted: what began before it tells of the same moment.
    failed_at: Duration,
    /// The message of the last failure.
    cause: Arc<str>,
    /// The last pause; zero while closed.
    pause: Duration,
    /// Counts changes of state, so that what was sent before one does not count after it.
    generation: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    /// Until the monotonic clock shows this.
    Open(Duration),
    /// A request is out that decides.
    Trying,
}

/// Permission to send one request. Dropped without a report, it says nothing about the service, and the
/// next request may try instead.
#[derive(Debug)]
pub struct Pass<'a> {
    breaker: &'a Breaker,
    generation: u64,
    began: Duration,
    class: Class,
    is_trial: bool,
}

impl Breaker {
    /// A closed circuit.
    #[must_use]
    pub fn new(options: CircuitBreakerOptions) -> Self {
        Self {
            options,
            inner: Mutex::new(Inner {
                state: State::Closed,
                failures: 0,
                failed_at: Duration::ZERO,
                cause: Arc::default(),
                pause: Duration::ZERO,
                generation: 0,
            }),
        }
    }

    /// Permission to send a request at `now`, or how long to wait. Housekeeping probes only what nobody else
    /// has probed for as long again as the circuit was open.
    ///
    /// # Errors
    /// [`Refusal`]: the circuit is open, or another request probes the service.
    pub fn admit(&self, class: Class, now: Duration) -> Result<Pass<'_>, Refusal> {
        let mut inner = self.lock();
        let refusal = |retry_after| {
            Err(Refusal {
                retry_after,
                cause: Arc::clone(&inner.cause),
            })
        };
        let grace = match class {
            Class::Foreground => Duration::ZERO,
            Class::Housekeeping => inner.pause,
        };
        let is_trial = match inner.state {
            _ if !self.options.enabled => false,
            State::Closed => false,
            State::Trying => return refusal(WHILE_TRYING),
            State::Open(until) if now < until + grace => {
                return refusal((until + grace).saturating_sub(now));
            }
            State::Open(_) => {
                inner.turn(State::Trying);
                true
            }
        };
        Ok(Pass {
            breaker: self,
            generation: inner.generation,
            began: now,
            class,
            is_trial,
        })
    }

    /// The status at `now`.
    #[must_use]
    pub fn status(&self, now: Duration) -> CircuitStatus {
        let inner = self.lock();
        let (state, retry_after) = match inner.state {
            State::Closed => (CircuitState::Closed, None),
            State::Trying => (CircuitState::HalfOpen, Some(WHILE_TRYING)),
            State::Open(until) if now < until => {
                (CircuitState::Open, Some(until.saturating_sub(now)))
            }
            State::Open(_) => (CircuitState::HalfOpen, None),
        };
        CircuitStatus {
            state,
            failures: inner.failures,
            retry_after,
        }
    }

    /// Closes the circuit.
    pub fn reset(&self) {
        let mut inner = self.lock();
        inner.close();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn close(&mut self) {
        self.failures = 0;
        self.pause = Duration::ZERO;
        self.turn(State::Closed);
    }

    /// Opens it for twice as long as the last time.
    fn open(&mut self, now: Duration, longest: Duration) -> Duration {
        self.pause = (self.pause * 2).max(FIRST_PAUSE).min(longest);
        self.turn(State::Open(now.saturating_add(self.pause)));
        self.pause
    }

    fn turn(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}

impl Pass<'_> {
    /// Says at `now` what the request came to; `cause` is the message of a failure.
    pub fn report(
        mut self,
        health: Health,
        now: Duration,
        cause: impl FnOnce() -> String,
    ) -> Change {
        let is_trial = std::mem::take(&mut self.is_trial);
        let is_housekeeping = self.class == Class::Housekeeping;
        let breaker = self.breaker;
        let options = breaker.options;
        let mut inner = breaker.lock();
        if !options.enabled || inner.generation != self.generation || (is_housekeeping && !is_trial)
        {
            return Change::None;
        }
        match health {
            Health::Failing if is_housekeeping => {
                inner.turn(State::Open(now));
                Change::None
            }
            Health::Answered => {
                inner.failures = 0;
                if !is_trial {
                    return Change::None;
                }
                inner.close();
                Change::Closed
            }
            Health::Failing => {
                let is_first = inner.failures == 0;
                if !is_trial && !is_first && self.began < inner.failed_at {
                    return Change::None;
                }
                inner.failures = inner.failures.saturating_add(1);
                inner.failed_at = now;
                inner.cause = cause().into();
                if !is_trial && inner.failures < options.failure_threshold {
                    return Change::None;
                }
                Change::Opened(inner.open(now, options.recovery_timeout))
            }
            Health::Unknown => {
                if is_trial {
                    inner.turn(State::Open(now));
                }
                Change::None
            }
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.is_trial {
            return;
        }
        let mut inner = self.breaker.lock();
        if inner.generation == self.generation {
            // Its time has come already: the next one tries.
            inner.turn(State::Open(Duration::ZERO));
        }
    }
}

#[cfg(test)]
mod tests;
