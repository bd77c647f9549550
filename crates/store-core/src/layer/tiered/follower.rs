//! Reading the feed, so that copies whose values have changed are dropped before one is served.
//!
//! One caller reads the feed at a time; the others wait for it and use what it has found, if it began late enough for
//! them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tracing::{debug, warn};

use super::copies::Copies;
use super::copy_header::nanos;
use super::options::TieredOptions;
use crate::cache::CacheStore;
use crate::change_feed::{ChangeFeed, FeedPosition};
use crate::clock::Clock;
use crate::error::Error;
use crate::layer::within::within;

/// How long a feed is left alone after it has failed, at least and by the time that the failure took: while it is
/// down, lookups cost what the outer store costs.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(100);
const PAUSE_BY_TIME_TAKEN: u32 = 4;

#[derive(Debug)]
pub(super) struct Follower {
    feed: Arc<dyn ChangeFeed>,
    max_age: Duration,
    timeout: Duration,
    clock: Arc<dyn Clock>,
    /// When the last reading that succeeded began, in nanoseconds of the monotonic clock, and 1; 0 if there is none.
    read_at: AtomicU64,
    /// The number of readings that have begun.
    begun: AtomicU64,
    state: Mutex<FeedState>,
}

/// What whoever reads the feed needs.
#[derive(Debug, Default)]
struct FeedState {
    position: Option<FeedPosition>,
    last: Option<Reading>,
    /// No reading begins before this on the monotonic clock.
    not_before: Duration,
}

impl FeedState {
    /// Logs a failure; without an error the feed did not answer. Of several in a row the first is a warning.
    fn log(&self, error: Option<&Error>) {
        let error = error.map(tracing::field::display);
        if self.last.is_none_or(|last| last.has_succeeded) {
            warn!(
                error,
                "the feed of changes has failed or does not answer; the outer store is asked"
            );
        } else {
            debug!(error, "the feed of changes still fails");
        }
    }
}

/// A reading of the feed that has ended.
#[derive(Clone, Copy, Debug)]
struct Reading {
    number: u64,
    has_succeeded: bool,
}

impl Follower {
    pub(super) fn new(feed: Arc<dyn ChangeFeed>, options: &TieredOptions) -> Self {
        Self {
            feed,
            max_age: options.max_feed_age,
            timeout: options.feed_timeout,
            clock: Arc::clone(&options.clock),
            read_at: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// Whether the feed was ever read.
    pub(super) fn has_read(&self) -> bool {
        self.read_at.load(Ordering::SeqCst) > 0
    }

    /// Whether a lookup that began at `began` may have a copy without a further reading.
    pub(super) fn is_current(&self, began: Duration) -> bool {
        match self.read_at.load(Ordering::SeqCst).checked_sub(1) {
            Some(read_at) => began.saturating_sub(Duration::from_nanos(read_at)) < self.max_age,
            None => false,
        }
    }

    /// Reads the feed, unless that has been done by now; `false` if it cannot be read.
    pub(super) async fn refresh<I: CacheStore>(&self, began: Duration, copies: &Copies<I>) -> bool {
        let asked = self.begun.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        self.is_current(began) || self.read_after(asked, &mut state, copies).await
    }

    /// Drops the copies of all that has changed before this call; `false` if the feed cannot be read.
    pub(super) async fn catch_up<I: CacheStore>(&self, copies: &Copies<I>) -> bool {
        let asked = self.begun.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        self.read_after(asked, &mut state, copies).await
    }

    /// Reads the feed, unless a reading that began later than the one numbered `asked` has ended.
    async fn read_after<I: CacheStore>(
        &self,
        asked: u64,
        state: &mut FeedState,
        copies: &Copies<I>,
    ) -> bool {
        if let Some(last) = state.last
            && last.number > asked
        {
            return last.has_succeeded;
        }
        let at = self.clock.monotonic();
        if at < state.not_before {
            return false;
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        // Callers who give up before the timeout would hand a feed that hangs on to each other.
        state.not_before = at.saturating_add(PAUSE_AFTER_FAILURE);
        let read = within(
            &*self.clock,
            self.timeout,
            self.feed.changes_since(state.position),
        );
        let has_succeeded = match read.await {
            Some(Ok(changes)) => {
                copies.apply(&changes.changed).await;
                // From here on, and not earlier: a call that was dropped before has to be repeated.
                state.position = Some(changes.next);
                self.read_at
                    .store(nanos(at).saturating_add(1), Ordering::SeqCst);
                true
            }
            Some(Err(error)) => {
                state.log(Some(&error));
                false
            }
            None => {
                state.log(None);
                false
            }
        };
        state.not_before = if has_succeeded {
            Duration::ZERO
        } else {
            let now = self.clock.monotonic();
            let pause = now.saturating_sub(at).saturating_mul(PAUSE_BY_TIME_TAKEN);
            now.saturating_add(pause.max(PAUSE_AFTER_FAILURE))
        };
        state.last = Some(Reading {
            number,
            has_succeeded,
        });
        has_succeeded
    }
}
