//! A held lock as the work sees it: its token, and whether its lease still runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::dedupe::{Beat, FencingToken, Ownership};
use crate::layer::within;

/// A lock while its work runs. Clones tell the same.
///
/// Whether the lease still runs is told without asking the store: by the monotonic clock of this process
/// and the answers to the heartbeats. So a holder that was stopped knows as soon as it goes on. What it
/// does between that answer and a write is covered by the [`token`](Self::token) alone.
#[derive(Clone, Debug)]
pub struct HeldLock {
    token: FencingToken,
    clock: Arc<dyn Clock>,
    state: watch::Receiver<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Until then, by the monotonic clock, unless it is renewed.
    Held { until: Duration },
    /// Another holder may have it.
    Over,
}

impl HeldLock {
    /// The number of this holder, greater than that of every earlier one.
    #[must_use]
    pub const fn token(&self) -> FencingToken {
        self.token
    }

    /// Whether the lease is known to run; not after the work has ended.
    ///
    /// It goes by the monotonic clock, which on Linux stands still while the host is suspended, and stores go by the wall
    /// clock: after a suspension, or a step of that clock, only the next renewal shows that the lock is lost. The
    /// token is what protects then, too.
    #[must_use]
    pub fn is_held(&self) -> bool {
        !self.left().is_zero()
    }

    /// Completes when the lease has lapsed without a renewal, or another has taken over. Work that should
    /// end then waits for both:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use store_core::{AdvisoryLock, Key};
    /// # let jobs = store_memory::MemoryDedupeStore::new();
    /// # let lock = AdvisoryLock::new(jobs, Key::new("lock:report")?);
    /// # async fn write_report(_token: store_core::FencingToken) {}
    /// let is_written = lock
    ///     .with_lock(async |held| {
    ///         tokio::select! {
    ///             () = write_report(held.token()) => true,
    ///             () = held.lost() => false,
    ///         }
    ///     })
    ///     .await?;
    /// assert!(is_written);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// It can be dropped and called again.
    pub async fn lost(&self) {
        let mut state = self.state.clone();
        loop {
            state.mark_unchanged();
            let left = self.left();
            if left.is_zero() {
                return;
            }
            // A closed channel has its last state.
            let _changed = within(&*self.clock, left, state.changed()).await;
        }
    }

    /// How long the lease runs unless it is renewed.
    fn left(&self) -> Duration {
        match *self.state.borrow() {
            State::Held { until } => until.saturating_sub(self.clock.monotonic()),
            State::Over => Duration::ZERO,
        }
    }
}

/// The lease of a held lock; over when dropped.
#[derive(Debug)]
pub(super) struct Lease {
    length: Duration,
    state: watch::Sender<State>,
}

impl Lease {
    /// A lease that runs from this monotonic time on, and what the work sees of it.
    pub(super) fn new(
        owner: &Ownership,
        since: Duration,
        clock: Arc<dyn Clock>,
    ) -> (Self, HeldLock) {
        let length = owner.lease();
        let until = since.saturating_add(length);
        let (sender, state) = watch::channel(State::Held { until });
        let lease = Self {
            length,
            state: sender,
        };
        let held = HeldLock {
            token: owner.token(),
            clock,
            state,
        };
        (lease, held)
    }

    pub(super) fn beat(&self, beat: Beat) {
        self.state.send_replace(match beat {
            Beat::Renewed { asked_at } => State::Held {
                until: asked_at.saturating_add(self.length),
            },
            Beat::Fenced => State::Over,
        });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.state.send_replace(State::Over);
    }
}
