//! Time as an input: the only place that asks the operating system for it.
//!
//! Stores and algorithms take a [`Clock`], so that a test can stop time, move it and make it jump.

use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use crate::time::Timestamp;

/// The future that [`Clock::sleep_until`] returns.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A source of time.
///
/// # Behavior
/// - `now` is the wall clock, which other processes share and which may jump either way.
/// - `monotonic` never goes backwards and means nothing outside this process.
/// - `sleep_until` returns once `now` has reached the given time, or as much monotonic time has passed
///   as was missing at its start, in case `now` was set back; dropping it is free.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The wall-clock time.
    fn now(&self) -> Timestamp;

    /// Time passed since some fixed moment in this process' life.
    fn monotonic(&self) -> Duration;

    /// Completes when the wall clock reaches `at`, at once if it already has; if it is set back
    /// meanwhile, when as much time has passed as was missing.
    fn sleep_until(&self, at: Timestamp) -> Sleep<'_>;

    /// Completes when so much monotonic time has passed, wherever the wall clock is set. Whoever waits for
    /// a length of time sleeps like this: between a reading of the wall clock and a sleep until a moment on
    /// it, the clock may be set back, and the sleep is longer by as much.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        let until = self.monotonic().saturating_add(duration);
        Box::pin(async move {
            loop {
                let left = until.saturating_sub(self.monotonic());
                if left.is_zero() {
                    return;
                }
                let mut woken = self.sleep_until(self.now() + left);
                let mut looks = pin!(tokio::time::sleep(left.min(LONGEST_NAP)));
                poll_fn(|context| {
                    if woken.as_mut().poll(context).is_ready() {
                        return Poll::Ready(());
                    }
                    looks.as_mut().poll(context)
                })
                .await;
            }
        })
    }
}

/// The operating system's clock.
///
/// ```
/// use store_core::{Clock, SystemClock, Timestamp};
///
/// let clock = SystemClock::new();
/// assert!(clock.now() > Timestamp::from_millis(1_600_000_000_000));
/// assert!(clock.monotonic() <= clock.monotonic());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

/// A sleeper looks at the wall clock at least this often, so that a clock set forward wakes it.
const LONGEST_NAP: Duration = Duration::from_secs(1);

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
        (**self).sleep_until(at)
    }

    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        (**self).sleep(duration)
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from(SystemTime::now())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
        // Set back, the wall clock would get there late; it may also run a little behind.
        let slept_by = (self.monotonic() + LONGEST_NAP).saturating_add(at.since(self.now()));
        Box::pin(async move {
            loop {
                let left = at.since(self.now());
                if left.is_zero() || self.monotonic() >= slept_by {
                    return;
                }
                tokio::time::sleep(left.min(LONGEST_NAP)).await;
            }
        })
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock that moves only by calls, for tests. Clones share one time.
///
/// ```
/// use std::time::Duration;
/// use store_core::{Clock, ManualClock, Timestamp};
///
/// let clock = ManualClock::at(Timestamp::from_millis(1_000));
/// clock.advance(Duration::from_secs(2));
/// assert_eq!(clock.now(), Timestamp::from_millis(3_000));
/// clock.set_wall(Timestamp::from_millis(500)); // somebody set the computer's clock back
/// assert_eq!(clock.monotonic(), Duration::from_secs(2));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    reading: Arc<Mutex<Reading>>,
    moved: watch::Sender<()>,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    wall: Timestamp,
    monotonic: Duration,
}

impl ManualClock {
    /// A stopped clock that shows `wall`.
    #[must_use]
    pub fn at(wall: Timestamp) -> Self {
        Self {
            reading: Arc::new(Mutex::new(Reading {
                wall,
                monotonic: Duration::ZERO,
            })),
            moved: watch::Sender::new(()),
        }
    }

    /// Lets `duration` pass and wakes the sleepers whose time has come.
    pub fn advance(&self, duration: Duration) {
        self.change(|reading| {
            reading.wall = reading.wall + duration;
            reading.monotonic = reading.monotonic.saturating_add(duration);
        });
    }

    /// Sets the wall clock, in either direction, without time passing.
    pub fn set_wall(&self, wall: Timestamp) {
        self.change(|reading| reading.wall = wall);
    }

    /// How many sleepers wait for this clock to move.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.moved.receiver_count()
    }

    fn read(&self) -> Reading {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Completes once the clock has moved to where it need not sleep.
    fn sleep_while(&self, is_early: impl Fn(Reading) -> bool) -> impl Future<Output = ()> {
        let mut moved = self.moved.subscribe();
        async move {
            while is_early(self.read()) {
                // The sender lives in `self`, so this cannot fail while we borrow it.
                if moved.changed().await.is_err() {
                    return;
                }
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut Reading)) {
        change(&mut self.reading.lock().unwrap_or_else(PoisonError::into_inner));
        self.moved.send_replace(());
    }
}

impl Default for ManualClock {
    /// Starts at 1 700 000 000 000 ms (14 November 2023), away from every edge.
    fn default() -> Self {
        Self::at(Timestamp::from_millis(1_700_000_000_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.read().wall
    }

    fn monotonic(&self) -> Duration {
        self.read().monotonic
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
        let slept_by = self.monotonic().saturating_add(at.since(self.now()));
        Box::pin(self.sleep_while(move |reading| reading.wall < at && reading.monotonic < slept_by))
    }

    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        let until = self.monotonic().saturating_add(duration);
        Box::pin(self.sleep_while(move |reading| reading.monotonic < until))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn sleeper_wakes_when_its_time_comes_and_not_before() {
        let clock = ManualClock::default();
        let due = clock.now() + Duration::from_secs(5);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep_until(due).await;
                clock.now()
            }
        });
        while clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(4));
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        assert_eq!(sleeper.await.ok(), Some(due));
    }

    #[tokio::test]
    async fn a_clock_set_forward_shortens_no_sleep_of_a_length() {
        let clock = ManualClock::default();
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(5)).await }
        });
        let asleep = async || {
            while clock.sleepers() == 0 {
                tokio::task::yield_now().await;
            }
        };
        asleep().await;
        clock.set_wall(clock.now() + Duration::from_hours(1));
        asleep().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(5));
        assert!(sleeper.await.is_ok());
    }

    /// A clock that is written against the contract's required methods only, and is set back by an hour
    /// between a reading and the sleep that follows from it.
    #[derive(Debug, Default)]
    struct SetBackWhenRead {
        system: SystemClock,
        readings: AtomicU32,
    }

    impl Clock for SetBackWhenRead {
        fn now(&self) -> Timestamp {
            let set_back = match self.readings.fetch_add(1, Ordering::Relaxed) {
                0 => Duration::ZERO,
                _ => Duration::from_hours(1),
            };
            self.system.now() - set_back
        }

        fn monotonic(&self) -> Duration {
            self.system.monotonic()
        }

        #[expect(clippy::disallowed_methods, reason = "this is a clock")]
        fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
            Box::pin(async move { tokio::time::sleep(at.since(self.now())).await })
        }
    }

    #[tokio::test]
    async fn a_clock_set_back_before_it_sleeps_prolongs_no_sleep_of_a_length() {
        let clock = SetBackWhenRead::default();
        let slept = clock.sleep(Duration::from_millis(20));
        assert!(
            tokio::time::timeout(Duration::from_mins(1), slept)
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn system_clock_does_not_wake_early() {
        let clock = SystemClock::new();
        let due = clock.now() + Duration::from_millis(15);
        clock.sleep_until(due).await;
        assert!(clock.now() >= due);
    }
}
