//! The periodic background cleanup of a store.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use store_core::{Clock, ErrorKind, Result, SystemClock};
use tokio::runtime;
use tokio::task::AbortHandle;

use crate::error::TransactionError;

/// The most bytes of values that one step removes: every page of a long value is written, so that rows
/// alone bound no transaction.
pub(crate) const STEP_BYTES: u64 = 4 * 1024 * 1024;

/// How long one step removes rows: how long a row takes depends on the disk and on what else runs. The commit, which
/// writes the pages of all of them, comes on top.
const STEP_TIME: Duration = Duration::from_millis(5);

/// The shortest and the longest pause after a step, which is otherwise as long as the step: a transaction right after
/// another leaves writers of other processes, which ask for the lock every fraction of a millisecond, little chance to
/// get it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// What one step of a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// The values, jobs or admissions that were removed. Rows that nobody asks for are not counted.
    pub(crate) removed: u64,
    /// Whether there may be more to remove.
    pub(crate) has_more: bool,
}

/// A store whose unneeded rows can be removed.
pub(crate) trait Cleanup: Send + Sync + 'static {
    /// Removes some of the rows that are not needed any more, in transactions of bounded length.
    fn sweep(&self) -> impl Future<Output = Result<Step>> + Send;

    /// Sweeps once; pauses if there is more to remove.
    fn sweep_and_pause(&self) -> impl Future<Output = Result<Step>> + Send {
        async {
            let real = SystemClock::new();
            let began = real.monotonic();
            let step = self.sweep().await?;
            if step.has_more {
                let taken = real.monotonic().saturating_sub(began);
                real.sleep(taken.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
            }
            Ok(step)
        }
    }

    /// Sweeps until something that counts was removed, or nothing is left; returns how much.
    fn cleanup(&self) -> impl Future<Output = Result<u64>> + Send {
        async {
            loop {
                let step = self.sweep_and_pause().await?;
                if step.removed > 0 || !step.has_more {
                    return Ok(step.removed);
                }
            }
        }
    }
}

/// The time of one step, which begins when it has the lock.
pub(crate) struct StepTime<'a>(Option<(&'a dyn Clock, Duration)>);

impl<'a> StepTime<'a> {
    pub(crate) fn start(clock: &'a dyn Clock) -> Self {
        Self(Some((clock, clock.monotonic() + STEP_TIME)))
    }

    /// Of a step that is bounded by its rows alone.
    pub(crate) const fn unlimited() -> Self {
        Self(None)
    }

    fn is_over(&self) -> bool {
        self.0.is_some_and(|(clock, end)| clock.monotonic() >= end)
    }

    /// Removes `rows` one after another while there is time, at least one of them; returns the sum of what `remove`
    /// returns, and how many rows it was called for.
    pub(crate) fn remove_each<T>(
        &self,
        rows: &[T],
        mut remove: impl FnMut(&T) -> Result<u64, TransactionError>,
    ) -> Result<(u64, usize), TransactionError> {
        let mut removed = 0;
        for (at, row) in rows.iter().enumerate() {
            if at > 0 && self.is_over() {
                return Ok((removed, at));
            }
            removed += remove(row)?;
        }
        Ok((removed, rows.len()))
    }
}

/// The first of `found`, each with its length in bytes, that one step may remove; and whether it may
/// be all of them, given that at most `batch` were asked for.
pub(crate) fn one_step<T>(found: impl IntoIterator<Item = (T, u64)>, batch: u32) -> (Vec<T>, bool) {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    for (item, length) in found {
        if bytes >= STEP_BYTES {
            return (taken, true);
        }
        bytes += length;
        taken.push(item);
    }
    let has_more = taken.len() >= batch as usize;
    (taken, has_more)
}

/// The background task of a store; dropping this aborts it.
#[derive(Debug)]
pub(crate) struct CleanupTask {
    interval: Option<Duration>,
    task: Mutex<Option<AbortHandle>>,
    is_stopped: AtomicBool,
}

impl CleanupTask {
    /// A task that has not started; without an interval it never does.
    pub(crate) const fn new(interval: Option<Duration>) -> Self {
        Self {
            interval,
            task: Mutex::new(None),
            is_stopped: AtomicBool::new(false),
        }
    }

    /// Starts the task unless it runs, if there is a tokio runtime and an interval.
    ///
    /// It ends with the runtime of the call that has started it; the next call starts another.
    pub(crate) fn start<S: Cleanup>(&self, store: &Arc<S>, clock: &Arc<dyn Clock>) {
        let (Some(interval), Ok(mut task)) = (self.interval, self.task.try_lock()) else {
            return;
        };
        if self.is_stopped.load(Ordering::Acquire)
            || task.as_ref().is_some_and(|task| !task.is_finished())
        {
            return;
        }
        if let Ok(runtime) = runtime::Handle::try_current() {
            let run = run_every(interval, Arc::clone(clock), Arc::downgrade(store));
            *task = Some(runtime.spawn(run).abort_handle());
        }
    }

    pub(crate) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = &*task {
            task.abort();
        }
    }
}

impl Drop for CleanupTask {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sweeps `store` after each `interval`, until it is dropped or closed, or its database is closed.
async fn run_every<S: Cleanup>(interval: Duration, clock: Arc<dyn Clock>, store: Weak<S>) {
    loop {
        clock.sleep(interval).await;
        loop {
            let Some(store) = store.upgrade() else { return };
            match store.sweep_and_pause().await {
                Ok(Step { has_more: true, .. }) => {}
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Closed => return,
                Err(error) => {
                    tracing::warn!(%error, "a cleanup failed; it is retried at the next interval");
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use store_core::{Error, ManualClock};

    use super::*;
    use crate::error::BACKEND;

    /// A store whose second cleanup finds its database closed.
    #[derive(Default)]
    struct ClosingStore {
        cleanups: AtomicU32,
    }

    impl Cleanup for ClosingStore {
        async fn sweep(&self) -> Result<Step> {
            let kind = match self.cleanups.fetch_add(1, Ordering::Relaxed) {
                0 => ErrorKind::Busy,
                1 => ErrorKind::Closed,
                _ => panic!("a cleanup of a closed database"),
            };
            Err(Error::new(kind, BACKEND, "cleanup"))
        }
    }

    /// A store whose cleanups are counted.
    #[derive(Default)]
    struct CountingStore(AtomicU32);

    impl Cleanup for CountingStore {
        async fn sweep(&self) -> Result<Step> {
            self.0.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(Step::default())
        }
    }

    #[test]
    fn the_task_is_started_again_in_another_runtime_until_it_is_stopped() {
        let runtime = || tokio::runtime::Builder::new_current_thread().build();
        let store = Arc::new(CountingStore::default());
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let cleanup = CleanupTask::new(Some(Duration::ZERO));
        let is_cleaned_up = || {
            let before = store.0.load(Ordering::Relaxed);
            let called = async {
                cleanup.start(&store, &clock);
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
            };
            runtime().expect("a runtime").block_on(called);
            store.0.load(Ordering::Relaxed) > before
        };
        assert!(is_cleaned_up());
        assert!(is_cleaned_up(), "the first runtime has ended");
        cleanup.stop();
        assert!(!is_cleaned_up());
    }

    /// A store whose first two steps remove only rows that are not counted; the third finds it closed.
    #[derive(Default)]
    struct FullStore {
        steps: AtomicU32,
    }

    impl Cleanup for FullStore {
        async fn sweep(&self) -> Result<Step> {
            match self.steps.fetch_add(1, Ordering::Relaxed) {
                0 | 1 => Ok(Step {
                    removed: 0,
                    has_more: true,
                }),
                _ => Err(Error::new(ErrorKind::Closed, BACKEND, "cleanup")),
            }
        }
    }

    #[tokio::test]
    async fn a_sweep_goes_on_while_there_is_more_whatever_is_counted() {
        let store = Arc::new(FullStore::default());
        let clock = ManualClock::default();
        let minute = Duration::from_mins(1);
        let task = run_every(minute, Arc::new(clock.clone()), Arc::downgrade(&store));
        let both = async { tokio::join!(task, async { clock.advance(minute) }) };
        let swept = tokio::time::timeout(minute, both).await;
        swept.expect("the sweep waits for the next interval");
        assert_eq!(store.steps.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_step_ends_with_its_time_and_removes_one_row_at_least() {
        let clock = ManualClock::default();
        let time = StepTime::start(&clock);
        let take = |rows: &[u64], each: Duration| {
            time.remove_each(rows, |row| {
                clock.advance(each);
                Ok(*row)
            })
        };
        assert_eq!(take(&[1, 2, 4], Duration::ZERO).unwrap(), (7, 3));
        assert_eq!(take(&[1, 2, 4], STEP_TIME / 2).unwrap(), (3, 2));
        assert_eq!(take(&[4, 2, 1], STEP_TIME).unwrap(), (4, 1));
        assert_eq!(take(&[], STEP_TIME).unwrap(), (0, 0));
    }

    #[tokio::test]
    async fn others_have_time_between_the_steps_of_one_cleanup() {
        let real = SystemClock::new();
        let closed = FullStore::default().cleanup().await;
        assert_eq!(closed.unwrap_err().kind(), ErrorKind::Closed);
        assert!(real.monotonic() >= SHORTEST_PAUSE * 2);
    }

    #[tokio::test]
    async fn the_task_outlives_other_errors_and_ends_when_the_database_is_closed() {
        let store = Arc::new(ClosingStore::default());
        let clock = Arc::new(ManualClock::default());
        run_every(Duration::ZERO, clock, Arc::downgrade(&store)).await;
        assert_eq!(store.cleanups.load(Ordering::Relaxed), 2);
    }
}
