//! Advisory locks: work that one holder of a name does at a time, over all processes.

mod error;
mod held;
mod options;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

pub use self::error::LockError;
pub use self::held::HeldLock;
pub use self::options::LockOptions;

use self::held::Lease;
use crate::backend::Deadline;
use crate::dedupe::{
    DedupeStore, EndOutcome, JobEnd, JobResult, Ownership, Registration, end_job,
    hold_observed_lease,
};
use crate::key::Key;
use crate::layer::within;
use crate::priority::Priority;

/// A lock of a name, for all tasks, processes and hosts that share the store: whoever holds it runs its
/// work, the others wait or are refused. It is advisory: it binds only those who ask for it.
///
/// The holder has a lease, that of the store
/// ([`DedupeOptions::lease`](crate::DedupeOptions::lease), 10 seconds by default), and renews it while
/// the work runs, however long. The lock is free again when the work ends, with a value or an error,
/// panics or is dropped; after a crash when the lease has lapsed.
///
/// No lease can bind a holder that was stopped, or that blocks its thread, for longer than the lease: it
/// goes on where it was, beside its successor. So the work is handed a [`HeldLock`], whose
/// [`token`](HeldLock::token) rises from holder to holder, and what it writes to refuses a lesser one; see
/// [`FencingToken`](crate::FencingToken).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::{AdvisoryLock, Key, LockError};
/// use store_memory::MemoryDedupeStore;
///
/// let lock = AdvisoryLock::new(MemoryDedupeStore::new(), Key::new("lock:report")?);
/// let other = lock.clone();
/// lock.with_lock(async |held| {
///     println!("writing with token {}", held.token());
///     let refused = other.try_with_lock(async |_held| ()).await;
///     assert!(matches!(refused, Err(LockError::Held { .. })));
/// })
/// .await?;
/// other.try_with_lock(async |_held| ()).await?;
/// # Ok(())
/// # }
/// ```
///
/// Clones, in one process, wait in the order of their calls, and one of them at a time asks the store.
/// Whoever waits elsewhere, or calls [`try_with_lock`](Self::try_with_lock), may come first. While work is not polled, or
/// blocks its thread, beyond its lease, others elsewhere take over, and clones in this process go on waiting for it.
///
/// A lock is a job of its name in the [`DedupeStore`]: it also excludes
/// [`run_once`](crate::DedupeStoreExt::run_once) of the same key, so give locks a scope of their own. The
/// work must not ask for the lock that it holds.
#[derive(Clone, Debug)]
pub struct AdvisoryLock {
    store: Arc<dyn DedupeStore>,
    name: Key,
    options: LockOptions,
    /// Of the clones in this process, the one that asks the store or holds the lock.
    turn: Arc<Semaphore>,
}

impl AdvisoryLock {
    /// The lock of this name with default options.
    #[must_use]
    pub fn new(store: impl DedupeStore, name: Key) -> Self {
        Self::with_options(store, name, LockOptions::default())
    }

    /// The lock of this name.
    #[must_use]
    pub fn with_options(store: impl DedupeStore, name: Key, options: LockOptions) -> Self {
        Self {
            store: Arc::new(store),
            name,
            options,
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &Key {
        &self.name
    }

    /// Waits for the lock, at most [`LockOptions::max_wait`], and runs `work` while it is held.
    ///
    /// The heartbeats are part of the calling task: work that blocks its thread for longer than the lease
    /// loses it; move that to `spawn_blocking`.
    ///
    /// # Cancel safety
    /// Dropped while it waits, it leaves the queue; dropped while it works, it releases the lock.
    ///
    /// # Errors
    /// [`LockError::Held`] if another holder has it at the end of the wait; [`LockError::Lost`] if the work
    /// has ended, but not within its lease; [`LockError::Store`] if the store failed before the work
    /// began.
    pub async fn with_lock<F, R>(&self, work: F) -> Result<R::Output, LockError>
    where
        F: FnOnce(HeldLock) -> R + Send,
        R: Future + Send,
    {
        let clock = &*self.options.clock;
        let deadline = Deadline::after(self.options.max_wait, clock);
        // Without it: the time is over, and the store is asked once.
        let _turn = self.turn(deadline.left(clock)).await;
        self.hold(deadline, work).await
    }

    /// Runs `work` if nobody holds the lock, and waits for nobody.
    ///
    /// # Cancel safety
    /// As [`with_lock`](Self::with_lock).
    ///
    /// # Errors
    /// As [`with_lock`](Self::with_lock), with [`LockError::Held`] at once.
    pub async fn try_with_lock<F, R>(&self, work: F) -> Result<R::Output, LockError>
    where
        F: FnOnce(HeldLock) -> R + Send,
        R: Future + Send,
    {
        let now = Deadline::after(Duration::ZERO, &*self.options.clock);
        self.hold(now, work).await
    }

    async fn turn(&self, most: Duration) -> Option<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.turn).acquire_owned();
        within(&*self.options.clock, most, turn).await?.ok()
    }

    /// Becomes the holder; also the monotonic time from which on it has the lease.
    async fn acquire(&self, deadline: Deadline) -> Result<(Ownership, Duration), LockError> {
        let clock = &*self.options.clock;
        loop {
            let asked_at = clock.monotonic();
            // The lowest priority, so that whoever waits has nothing to raise.
            let registered = self
                .store
                .register_or_join(&self.name, Priority::Background)
                .await?;
            let job = match registered {
                Registration::Owner(owner) => return Ok((owner, asked_at)),
                Registration::Joined(job) => job,
            };
            let left = deadline.left(clock);
            if left.is_zero() {
                let lease_left = self.store.lease_left(&self.name).await?;
                let lease_left = lease_left.unwrap_or_default();
                return Err(LockError::Held { lease_left });
            }
            let _ended = self.store.wait_for(&self.name, &job, left).await?;
        }
    }

    async fn hold<F, R>(&self, deadline: Deadline, work: F) -> Result<R::Output, LockError>
    where
        F: FnOnce(HeldLock) -> R + Send,
        R: Future + Send,
    {
        let (store, clock) = (&*self.store, &*self.options.clock);
        // Dropped here, by a panic or with this future, it lets go of the lock: after the work, which is
        // dropped before it.
        let (mut owner, since) = self.acquire(deadline).await?;
        let (lease, held) = Lease::new(&owner, since, Arc::clone(&self.options.clock));
        let seen = held.clone();
        let on_beat = |beat| lease.beat(beat);
        let value = hold_observed_lease(store, clock, &owner, on_beat, work(held)).await;
        let was_held = seen.is_held();
        drop(lease);
        let end = JobEnd::Completed(JobResult::NotShared);
        match end_job(store, clock, &mut owner, &end).await {
            Ok(EndOutcome::Ended) => Ok(value),
            Ok(EndOutcome::Fenced) => Err(LockError::Lost),
            Err(error) => {
                warn!(name = %self.name, %error, "a lock stays until its lease lapses");
                if was_held {
                    Ok(value)
                } else {
                    Err(LockError::Lost)
                }
            }
        }
    }
}
