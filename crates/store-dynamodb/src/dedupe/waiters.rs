//! The jobs that tasks of this process wait for, and the one task that polls them.
//!
//! Without it every waiter would read its own item again and again. What it reads it hands on, so that a
//! result is fetched once for a process. While nobody waits, nothing is asked.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store_core::{DedupeOptions, Error, ErrorKind, JobId, JobOutcome, Key, Timestamp};
use tokio::sync::{Notify, watch};
use tracing::debug;

use super::job::{Job, JobView, Lease, ReadContext};
use super::jobs::{Session, item_key};
use crate::error::BACKEND;
use crate::item::{Item, ItemKey};
use crate::ops::AdaptiveDelayCalculator;
use crate::options::Settings;
use crate::table::DynamoDbTable;

const OPERATION: &str = "wait_for";
/// How many questions in a row may fail, each sent several times by the client, before the waiters are
/// told.
const TRIES: u32 = 5;

/// Who waits for which job.
#[derive(Debug)]
pub(super) struct Waiters {
    table: DynamoDbTable,
    options: Arc<Settings<DedupeOptions>>,
    state: Mutex<State>,
    /// Wakes the task that asks: something is wanted, or nobody is left.
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    seats: HashMap<(Key, JobId), Seat>,
    is_asked_for: bool,
    wanted: Wanted,
}

/// When the table is polled next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    /// When it is time.
    #[default]
    Later,
    /// There is a new waiter.
    Soon,
    /// There is reason to believe that something has changed.
    Now,
}

/// All who wait for one job.
#[derive(Debug)]
struct Seat {
    waiting: usize,
    news: watch::Sender<Option<JobUpdate>>,
    /// What was last seen, and when by the monotonic clock it was first seen like that.
    lease: Option<(Lease, Duration)>,
}

/// Update of a job for its waiters.
#[derive(Clone, Debug)]
pub(super) enum JobUpdate {
    Ended(JobOutcome),
    Failed(Arc<Error>),
}

/// A registered waiter; dropping it unregisters.
#[derive(Debug)]
pub(super) struct Waiter {
    waiters: Arc<Waiters>,
    job: (Key, JobId),
    news: watch::Receiver<Option<JobUpdate>>,
}

impl Waiters {
    pub(super) fn new(table: DynamoDbTable, options: Arc<Settings<DedupeOptions>>) -> Arc<Self> {
        Arc::new(Self {
            table,
            options,
            state: Mutex::default(),
            wake: Notify::new(),
        })
    }

    /// From here on, what this process does to the job is told.
    pub(super) fn join(self: &Arc<Self>, key: &Key, job: &JobId) -> Waiter {
        let job = (key.clone(), *job);
        let mut state = self.state();
        let seat = state.seats.entry(job.clone()).or_insert_with(|| Seat {
            waiting: 0,
            news: watch::Sender::new(None),
            lease: None,
        });
        // Those who came before may have been told of a failure since.
        seat.news.send_if_modified(|news| {
            let is_failure = matches!(news, Some(JobUpdate::Failed(_)));
            if is_failure {
                *news = None;
            }
            false
        });
        seat.waiting += 1;
        let news = seat.news.subscribe();
        drop(state);
        Waiter {
            waiters: Arc::clone(self),
            job,
            news,
        }
    }

    /// Tells those who wait for the job.
    pub(super) fn tell(&self, key: &Key, job: &JobId, outcome: JobOutcome) {
        self.state()
            .tell(&(key.clone(), *job), JobUpdate::Ended(outcome));
    }

    /// Somebody else's job of this key may be over: looks at once, if anybody waits for one.
    pub(super) fn look_again(&self, key: &Key, but: &JobId) {
        let mut state = self.state();
        let is_waited_for = |(name, job): &(Key, JobId)| name == key && job != but;
        if state.seats.keys().any(is_waited_for) {
            state.wanted = Wanted::Now;
            self.wake.notify_one();
        }
    }

    /// Looks at all jobs at once.
    pub(super) fn look_at_all(&self) {
        let mut state = self.state();
        if !state.seats.is_empty() {
            state.wanted = Wanted::Now;
            self.wake.notify_one();
        }
    }

    /// Tells everybody that the store is closed.
    pub(super) fn close(&self) {
        let closed = Error::new(ErrorKind::Closed, BACKEND, OPERATION);
        self.state().fail(&Arc::new(closed));
    }

    /// Polls the table while there are waiters.
    async fn ask(self: Arc<Self>) {
        // However this task ends, nobody waits for it in vain.
        let mut end = AskingEnd(Some(Arc::clone(&self)));
        let clock = &self.options.clock;
        // A pause of nothing would be a loop without one.
        let shortest = self
            .options
            .tuning
            .poll_interval
            .max(Duration::from_millis(1));
        let intervals = || {
            let (longest, random) = (self.options.tuning.max_poll_interval, &self.options.random);
            AdaptiveDelayCalculator::drawing(shortest, longest, Arc::clone(random))
        };
        let mut interval = intervals();
        let mut failures = 0;
        // By the monotonic clock: the other one may be set back.
        let mut due = clock.monotonic() + interval.lengthened();
        loop {
            let (wanted, lapse) = {
                let mut state = self.state();
                if state.seats.is_empty() {
                    // At once, and not when the task is dropped: somebody may come between.
                    state.is_asked_for = false;
                    end.0 = None;
                    return;
                }
                let lapse = state.lapse(self.options.tuning.max_clock_skew);
                (std::mem::take(&mut state.wanted), lapse)
            };
            match wanted {
                Wanted::Later => {}
                Wanted::Soon => {
                    interval = intervals();
                    due = due.min(clock.monotonic() + shortest);
                }
                Wanted::Now => due = clock.monotonic(),
            }
            let left = due.saturating_sub(clock.monotonic());
            let has_lapsed = failures == 0 && lapse <= clock.now();
            if !left.is_zero() && !has_lapsed {
                tokio::select! {
                    () = self.wake.notified() => {}
                    () = clock.sleep(left) => {}
                    () = clock.sleep_until(lapse), if failures == 0 => {}
                }
                continue;
            }
            match self.ask_once().await {
                Ok(has_changed) => {
                    failures = 0;
                    if has_changed {
                        interval = intervals();
                    }
                }
                Err(error) if error.kind().is_retryable() && failures + 1 < TRIES => {
                    debug!(%error, "polling for jobs failed; trying again");
                    failures += 1;
                }
                Err(error) => {
                    failures = 0;
                    self.state().fail(&Arc::new(error));
                }
            }
            due = clock.monotonic() + interval.lengthened();
        }
    }

    /// Asks for every job that is waited for and tells what has become of it; whether that was
    /// anything.
    async fn ask_once(&self) -> Result<bool, Error> {
        let jobs: Vec<(Key, JobId)> = self.state().open().map(|(job, _)| job.clone()).collect();
        let item_keys: HashSet<ItemKey> = jobs.iter().map(|(key, _)| item_key(key)).collect();
        if item_keys.is_empty() {
            return Ok(false);
        }
        let item_keys: Vec<ItemKey> = item_keys.into_iter().collect();
        // As of before it was asked: an answer that comes late must not make a lease look lapsed.
        let session = Session {
            requests: self.table.requests(OPERATION),
            options: &self.options,
        };
        let (terms, asked) = (session.terms(), self.options.clock.monotonic());
        let items = session.requests.batch_get(&item_keys).await?;
        let answered = self.options.clock.monotonic();
        let (mut has_changed, mut apart) = (false, Vec::new());
        for (key, id) in jobs {
            let look = look(items.get(&item_key(&key)).cloned(), &id, &terms);
            let mut state = self.state();
            has_changed |= match look {
                Ok(JobView::Apart) => {
                    apart.push((key, id));
                    true
                }
                Ok(JobView::Ended(outcome)) => state.tell(&(key, id), JobUpdate::Ended(outcome)),
                Ok(JobView::Pending(lease)) => {
                    let skew = self.options.tuning.max_clock_skew;
                    state.saw(&(key, id), lease, (asked, answered), skew)
                }
                Err(error) => state.tell(&(key, id), JobUpdate::Failed(Arc::new(error))),
            };
        }
        if !apart.is_empty() {
            let ids: Vec<JobId> = apart.iter().map(|(_, id)| *id).collect();
            let outcomes = session.read_apart(&ids).await?;
            for (job, outcome) in apart.iter().zip(outcomes) {
                self.state().tell(job, JobUpdate::Ended(outcome));
            }
        }
        Ok(has_changed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn look(item: Option<Item>, job: &JobId, terms: &ReadContext) -> Result<JobView, Error> {
    Ok(match item {
        Some(item) => Job::read(item)?.look(job, terms),
        None => JobView::Ended(JobOutcome::Lapsed),
    })
}

impl State {
    /// The jobs of which there is no news yet.
    fn open(&self) -> impl Iterator<Item = (&(Key, JobId), &Seat)> {
        let seats = self.seats.iter();
        seats.filter(|(_, seat)| seat.news.borrow().is_none())
    }

    /// When the first lease lapses, as far as is known; far away if none is.
    fn lapse(&self, skew: Duration) -> Timestamp {
        let leases = self.open().filter_map(|(_, seat)| seat.lease);
        let lapses = leases.map(|(lease, _)| lease.until + skew);
        lapses.min().unwrap_or(Timestamp::MAX)
    }

    /// Notes what a job looks like; a lease that nobody renews lapses even if the clock was set back.
    /// Whether it has.
    fn saw(
        &mut self,
        job: &(Key, JobId),
        lease: Lease,
        (asked, answered): (Duration, Duration),
        skew: Duration,
    ) -> bool {
        let Some(seat) = self.seats.get_mut(job) else {
            return false;
        };
        let since = match seat.lease {
            Some((seen, since)) if seen == lease => since,
            _ => answered,
        };
        seat.lease = Some((lease, since));
        asked.saturating_sub(since) >= lease.length + skew
            && self.tell(job, JobUpdate::Ended(JobOutcome::Lapsed))
    }

    /// Tells those who wait for the job, unless they know how it ended; whether it was news.
    fn tell(&mut self, job: &(Key, JobId), news: JobUpdate) -> bool {
        let Some(seat) = self.seats.get_mut(job) else {
            return false;
        };
        seat.news.send_if_modified(|known| {
            let is_news = !matches!(known, Some(JobUpdate::Ended(_)));
            if is_news {
                *known = Some(news);
            }
            is_news
        })
    }

    fn fail(&mut self, error: &Arc<Error>) {
        let jobs: Vec<_> = self.seats.keys().cloned().collect();
        for job in jobs {
            self.tell(&job, JobUpdate::Failed(Arc::clone(error)));
        }
    }
}

impl Waiter {
    /// What is known, unless nothing is.
    pub(super) fn known(&mut self) -> Option<JobUpdate> {
        self.news.borrow_and_update().clone()
    }

    /// Completes when there is something to know.
    pub(super) async fn changed(&mut self) {
        // The sender lives as long as this waiter.
        let _closed = self.news.changed().await;
    }

    /// Whether the job was seen in progress since somebody waits for it.
    pub(super) fn was_seen(&self) -> bool {
        let state = self.waiters.state();
        let seat = state.seats.get(&self.job);
        seat.is_some_and(|seat| seat.lease.is_some())
    }

    /// Has the table asked once more: this waiter does not stay much longer.
    pub(super) fn ask_now(&self) {
        self.waiters.look_at_all();
    }

    /// From here on the table is asked for the job, which looked like this.
    pub(super) fn watch(&self, lease: Option<Lease>) {
        let waiters = &self.waiters;
        let elapsed = waiters.options.clock.monotonic();
        let mut state = waiters.state();
        if let Some(lease) = lease {
            let skew = waiters.options.tuning.max_clock_skew;
            // The answer may be old by now, so it ends nothing that was seen before.
            state.saw(&self.job, lease, (Duration::ZERO, elapsed), skew);
        }
        state.wanted = state.wanted.max(Wanted::Soon);
        if state.is_asked_for {
            waiters.wake.notify_one();
        } else {
            state.is_asked_for = true;
            tokio::spawn(Arc::clone(waiters).ask());
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut state = self.waiters.state();
        if let Some(seat) = state.seats.get_mut(&self.job) {
            seat.waiting -= 1;
            if seat.waiting == 0 {
                state.seats.remove(&self.job);
            }
        }
        if state.seats.is_empty() {
            self.waiters.wake.notify_one();
        }
    }
}

struct AskingEnd(Option<Arc<Waiters>>);

impl Drop for AskingEnd {
    fn drop(&mut self) {
        if let Some(waiters) = &self.0 {
            let gone = Error::new(ErrorKind::Unavailable, BACKEND, OPERATION)
                .with_detail("the runtime that polled for jobs has shut down; wait again");
            let mut state = waiters.state();
            state.is_asked_for = false;
            state.fail(&Arc::new(gone));
        }
    }
}

/// One waiter's error for a shared failure.
pub(super) fn waiter_error(error: Arc<Error>, key: &Key) -> Error {
    let own = Error::new(error.kind(), BACKEND, OPERATION)
        .with_key(key.as_str())
        .with_detail("the job cannot be read");
    let own = match error.retry_after() {
        Some(wait) => own.with_retry_after(wait),
        None => own,
    };
    own.with_source(error)
}
