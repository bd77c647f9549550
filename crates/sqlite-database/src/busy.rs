//! The busy handler: short sleeps of varying length up to a timeout.
//!
//! SQLite's own busy timeout backs off to 100 ms, which starves one of two busy processes for
//! seconds. Sleeps of 50 to 225 µs keep both going; their order depends on the process id, so that
//! two processes do not run in lockstep. No clock is read: the sleeps are added up.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use crate::error::{ErrorKind, Result};

const SHORTEST_MICROS: u64 = 50;
const STEP_MICROS: u64 = 25;
const STEPS: u64 = 8;
/// How much longer than requested a short sleep takes; Linux's timer slack alone is 50 µs.
const OVERSHOOT_MICROS: u64 = 60;

thread_local! {
    // rusqlite takes a plain function as busy handler, so the timeout cannot be captured. SQLite
    // calls the handler on the waiting thread.
    static TIMEOUT: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Runs `work` with the busy timeout of [`busy_handler`] set to `timeout`.
pub(crate) fn with_busy_timeout<T>(timeout: Duration, work: impl FnOnce() -> T) -> T {
    struct Restore(Duration);
    impl Drop for Restore {
        fn drop(&mut self) {
            TIMEOUT.set(self.0);
        }
    }
    let _restore = Restore(TIMEOUT.replace(timeout));
    work()
}

/// The busy handler of every `rusqlite` connection.
pub(crate) fn busy_handler(attempt: i32) -> bool {
    let attempt = u64::try_from(attempt).unwrap_or(u64::MAX);
    pause(attempt, TIMEOUT.get())
}

/// Repeats `work` while it fails with [`ErrorKind::Busy`], for steps of which no busy handler covers all.
///
/// The busy handler does not wait meanwhile: each repetition would wait for the whole timeout.
pub(crate) fn retry_while_busy<T>(
    timeout: Duration,
    mut work: impl FnMut() -> Result<T>,
) -> Result<T> {
    let mut attempt = 0;
    loop {
        match with_busy_timeout(Duration::ZERO, &mut work) {
            Err(error) if error.kind() == ErrorKind::Busy && pause(attempt, timeout) => {
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// Sleeps and returns `true`, or returns `false` once the timeout is used up.
fn pause(attempt: u64, timeout: Duration) -> bool {
    let salt = u64::from(std::process::id());
    if slept_before(attempt, salt) >= timeout {
        return false;
    }
    thread::sleep(Duration::from_micros(pause_micros(attempt, salt)));
    true
}

fn pause_micros(attempt: u64, salt: u64) -> u64 {
    // 3 and 8 share no factor: eight attempts in a row take eight different pauses.
    SHORTEST_MICROS + STEP_MICROS * ((attempt % STEPS * 3 + salt) % STEPS)
}

fn slept_before(attempt: u64, salt: u64) -> Duration {
    let round: u64 = (0..STEPS).map(|step| pause_micros(step, salt)).sum();
    let rest: u64 = (0..attempt % STEPS)
        .map(|step| pause_micros(step, salt))
        .sum();
    let overshoot = attempt.saturating_mul(OVERSHOOT_MICROS);
    Duration::from_micros(
        (attempt / STEPS)
            .saturating_mul(round)
            .saturating_add(rest + overshoot),
    )
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
    fn slept_time_adds_up_the_pauses() {
        for attempt in 0..40 {
            let pauses: u64 = (0..attempt)
                .map(|n| pause_micros(n, 7) + OVERSHOOT_MICROS)
                .sum();
            assert_eq!(slept_before(attempt, 7), Duration::from_micros(pauses));
        }
    }

    #[test]
    fn the_timeout_ends_with_the_work() {
        with_busy_timeout(Duration::from_secs(1), || {
            with_busy_timeout(Duration::ZERO, || assert!(!busy_handler(0)));
            assert!(busy_handler(0));
        });
        assert!(!busy_handler(0));
    }
}
