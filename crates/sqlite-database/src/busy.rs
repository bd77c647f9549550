//! The busy handler: short sleeps of varying length up to a deadline.
//!
//! SQLite's own busy timeout backs off to 100 ms, which starves one of two busy processes for
//! seconds. Sleeps of 50 to 225 µs keep both going; their order depends on the process id, so that
//! two processes do not run in lockstep. The deadline is a moment and not a sum of sleeps: on a busy
//! machine each sleep takes longer than it was asked to, and a call waits at several places.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{ErrorKind, Result};

const SHORTEST_MICROS: u64 = 50;
const STEP_MICROS: u64 = 25;
const STEPS: u64 = 8;

/// The moment up to which a call waits for locks of other connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// The longest wait; the end of time is no `Instant`.
    const LONGEST: Duration = Duration::from_hours(24 * 365);

    pub(crate) fn after(timeout: Duration) -> Self {
        Self(now() + timeout.min(Self::LONGEST))
    }

    /// The time that is left; zero once it has passed.
    pub(crate) fn remaining(self) -> Duration {
        self.0.saturating_duration_since(now())
    }

    pub(crate) fn has_passed(self) -> bool {
        self.remaining().is_zero()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "bounds waits for locks of the operating system, which no test's clock drives"
)]
fn now() -> Instant {
    Instant::now()
}

thread_local! {
    // rusqlite takes a plain function as busy handler, so the deadline cannot be captured. SQLite
    // calls the handler on the waiting thread. `None` does not wait.
    static DEADLINE: Cell<Option<Deadline>> = const { Cell::new(None) };
}

/// Runs `work` with waits that end after `timeout`, or at the deadline that applies already.
pub(crate) fn with_busy_timeout<T>(timeout: Duration, work: impl FnOnce() -> T) -> T {
    with_deadline(Deadline::after(timeout), work)
}

/// Runs `work` with waits that end at `deadline`, or at an earlier one that applies already.
pub(crate) fn with_deadline<T>(deadline: Deadline, work: impl FnOnce() -> T) -> T {
    let outer = DEADLINE.get();
    with(
        Some(outer.map_or(deadline, |outer| outer.min(deadline))),
        work,
    )
}

/// Runs `work` without waiting.
pub(crate) fn without_waiting<T>(work: impl FnOnce() -> T) -> T {
    with(Some(Deadline::after(Duration::ZERO)), work)
}

fn with<T>(deadline: Option<Deadline>, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<Deadline>);
    impl Drop for Restore {
        fn drop(&mut self) {
            DEADLINE.set(self.0);
        }
    }
    let _restore = Restore(DEADLINE.replace(deadline));
    work()
}

/// The busy handler of every `rusqlite` connection.
pub(crate) fn busy_handler(attempt: i32) -> bool {
    let attempt = u64::try_from(attempt).unwrap_or(u64::MAX);
    DEADLINE
        .get()
        .is_some_and(|deadline| pause(attempt, deadline))
}

/// Repeats `work` while it fails with [`ErrorKind::Busy`], for steps of which no busy handler covers all.
///
/// The busy handler does not wait meanwhile: each repetition would wait for the whole timeout.
pub(crate) fn retry_while_busy<T>(
    timeout: Duration,
    mut work: impl FnMut() -> Result<T>,
) -> Result<T> {
    with_busy_timeout(timeout, || {
        let mut attempt = 0;
        loop {
            match without_waiting(&mut work) {
                Err(error) if error.kind() == ErrorKind::Busy && busy_handler(attempt) => {
                    attempt += 1;
                }
                result => return result,
            }
        }
    })
}

/// Sleeps and returns `true`, or returns `false` once the deadline has passed.
fn pause(attempt: u64, deadline: Deadline) -> bool {
    let remaining = deadline.remaining();
    if remaining.is_zero() {
        return false;
    }
    let salt = u64::from(std::process::id());
    thread::sleep(remaining.min(Duration::from_micros(pause_micros(attempt, salt))));
    true
}

fn pause_micros(attempt: u64, salt: u64) -> u64 {
    // 3 and 8 share no factor: eight attempts in a row take eight different pauses.
    SHORTEST_MICROS + STEP_MICROS * ((attempt % STEPS * 3 + salt) % STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_between_50_and_225_micros_and_vary_by_process() {
        let schedule = |salt| (0..STEPS).map(move |attempt| pause_micros(attempt, salt));
        for salt in 0..STEPS {
            let mut pauses: Vec<_> = schedule(salt).collect();
            pauses.sort_unstable();
            assert_eq!(pauses, [50, 75, 100, 125, 150, 175, 200, 225]);
        }
        assert_ne!(
            schedule(1).collect::<Vec<_>>(),
            schedule(2).collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_timeout_ends_with_the_work() {
        with_busy_timeout(Duration::from_mins(1), || {
            without_waiting(|| assert!(!busy_handler(0)));
            assert!(busy_handler(0));
        });
        assert!(!busy_handler(0));
    }

    #[test]
    fn a_step_of_a_call_does_not_wait_beyond_the_call() {
        let call = Deadline::after(Duration::from_millis(1));
        with_deadline(call, || {
            with_busy_timeout(Duration::from_mins(1), || {
                let waits = (0..100_000)
                    .take_while(|attempt| busy_handler(*attempt))
                    .count();
                assert!(waits > 0 && call.has_passed(), "{waits} waits");
            });
        });
    }
}
