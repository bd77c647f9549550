//! Wake-ups between the tasks of one process that share a job.
//!
//! A backend reports its commits to [`JobSignals`]; waiters of the same process are woken without
//! asking the store, and get the owner's result whatever its length. Entries live as long as
//! somebody watches or owns the key.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use crate::dedupe::{JobId, JobOutcome, JobResult};
use crate::key::Key;
use crate::priority::Priority;
use crate::time::Timestamp;

/// The jobs that tasks of this process own or wait for. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct JobSignals {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    jobs: HashMap<Key, Signal>,
    /// Every key of `jobs`, by its number, in the order in which they are looked at.
    looked_at: VecDeque<(Key, u64)>,
    last_number: u64,
    /// Results that are too long for the store, and when they expire.
    values: HashMap<JobId, (Bytes, Timestamp)>,
    /// The same jobs, in the order in which they ended.
    expiries: VecDeque<(JobId, Timestamp)>,
}

/// How many keys are looked at for each new one: more than one, so that idle ones become fewer.
const LOOKS: usize = 2;

#[derive(Debug)]
struct Signal {
    /// Told apart from an earlier signal of the same key.
    number: u64,
    changed: watch::Sender<()>,
    owner: Option<(JobId, watch::Sender<Priority>)>,
}

impl Signal {
    fn is_idle(&self) -> bool {
        let is_owned = self
            .owner
            .as_ref()
            .is_some_and(|(_, priority)| priority.receiver_count() > 0);
        self.changed.receiver_count() == 0 && !is_owned
    }
}

impl State {
    /// The signal of `key`, new if there is none.
    fn signal(&mut self, key: &Key) -> &mut Signal {
        if !self.jobs.contains_key(key) {
            self.remove_some_idle();
            self.last_number += 1;
            self.looked_at.push_back((key.clone(), self.last_number));
        }
        let number = self.last_number;
        let signal = self.jobs.entry(key.clone());
        signal.or_insert_with(|| Signal::new(number))
    }

    /// Removes what is idle of the next few keys.
    fn remove_some_idle(&mut self) {
        for _ in 0..LOOKS {
            let Some((key, number)) = self.looked_at.pop_front() else {
                return;
            };
            match self.jobs.get(&key).filter(|signal| signal.number == number) {
                Some(signal) if signal.is_idle() => _ = self.jobs.remove(&key),
                Some(_) => self.looked_at.push_back((key, number)),
                None => {}
            }
        }
    }
}

impl JobSignals {
    /// Registers an owner of this process; the receiver shows what joiners raise its priority to.
    #[must_use]
    pub fn own(&self, key: &Key, job: JobId, priority: Priority) -> watch::Receiver<Priority> {
        let (raise, raised) = watch::channel(priority);
        let mut state = self.lock();
        let signal = state.signal(key);
        signal.owner = Some((job, raise));
        // A new owner means that the former job is over for those who still wait for it.
        signal.changed.send_replace(());
        raised
    }

    /// Raises the priority of `job` if its owner is in this process.
    pub fn raise(&self, key: &Key, job: &JobId, priority: Priority) {
        if let Some(Signal {
            owner: Some((owned, raise)),
            ..
        }) = self.lock().jobs.get(key)
            && owned == job
        {
            raise.send_if_modified(|current| {
                let is_higher = priority > *current;
                *current = priority.max(*current);
                is_higher
            });
        }
    }

    /// Watches for changes of `key`'s job.
    #[must_use]
    pub fn watch(&self, key: &Key) -> JobWatch {
        JobWatch {
            changed: self.lock().signal(key).changed.subscribe(),
        }
    }

    /// Wakes everyone who watches `key`.
    pub fn notify(&self, key: &Key) {
        let mut state = self.lock();
        if let Some(signal) = state.jobs.get(key) {
            signal.changed.send_replace(());
            if signal.is_idle() {
                state.jobs.remove(key);
            }
        }
    }

    /// Wakes everyone.
    pub fn notify_all(&self) {
        for signal in self.lock().jobs.values() {
            signal.changed.send_replace(());
        }
    }

    /// The part of a job's result that the store takes: a value of more than `limit` bytes is kept for the
    /// tasks of this process until `expires_at` instead. Call it before the store ends the job.
    #[must_use]
    pub fn keep_long_value(
        &self,
        job: JobId,
        result: JobResult,
        limit: usize,
        expires_at: Timestamp,
    ) -> JobResult {
        match result {
            JobResult::Value(value) if value.len() > limit => {
                let mut state = self.lock();
                state.values.insert(job, (value, expires_at));
                state.expiries.push_back((job, expires_at));
                JobResult::NotShared
            }
            JobResult::Value(_) | JobResult::NotShared => result,
        }
    }

    /// The outcome of `job` for the tasks of this process, of which the store has `stored`.
    #[must_use]
    pub fn outcome(&self, job: &JobId, stored: JobOutcome) -> JobOutcome {
        if stored != JobOutcome::NotShared {
            return stored;
        }
        let state = self.lock();
        let kept = state.values.get(job).map(|(value, _)| value.clone());
        kept.map_or(stored, JobOutcome::Value)
    }

    /// Removes the results that have expired, and those of `retention` or more in the future, which
    /// only a clock that was set back leaves behind.
    pub fn remove_expired_values(&self, now: Timestamp, retention: Duration) {
        let is_kept = |expires_at: Timestamp| now < expires_at && expires_at <= now + retention;
        let mut state = self.lock();
        while let Some((job, _)) = state.expiries.pop_front_if(|(_, at)| !is_kept(*at)) {
            if state.values.get(&job).is_some_and(|(_, at)| !is_kept(*at)) {
                state.values.remove(&job);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signal {
    fn new(number: u64) -> Self {
        Self {
            number,
            changed: watch::Sender::new(()),
            owner: None,
        }
    }
}

/// A watch on the job of one key. It misses no change that is made after it was created.
#[derive(Debug)]
pub struct JobWatch {
    changed: watch::Receiver<()>,
}

impl JobWatch {
    /// Completes at the next change, or at once if there was one since the last call.
    pub async fn changed(&mut self) {
        if self.changed.changed().await.is_err() {
            // The sender is gone; the caller's other wake-ups decide.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;
    use crate::time::SECOND;

    fn key() -> Key {
        Key::new("test:job").unwrap()
    }

    #[tokio::test]
    async fn a_change_between_watching_and_waiting_is_not_missed() {
        let signals = JobSignals::default();
        let mut watch = signals.watch(&key());
        signals.notify(&key());
        watch.changed().await;
    }

    #[tokio::test]
    async fn a_watch_waits_for_a_change_and_everyone_is_woken_at_once() {
        let signals = JobSignals::default();
        let other = Key::new("test:other").unwrap();
        let mut watches = [signals.watch(&key()), signals.watch(&other)];
        for watch in &mut watches {
            let polled = tokio::time::timeout(Duration::ZERO, watch.changed());
            assert!(polled.await.is_err());
        }
        signals.notify_all();
        for watch in &mut watches {
            watch.changed().await;
        }
    }

    #[test]
    fn a_value_is_kept_until_it_expires() {
        let signals = JobSignals::default();
        let job = JobId::random(&SeededRandom::new(1));
        let now = Timestamp::from_millis(10_000);
        let long = Bytes::from_static(b"long");
        let keep = || {
            let result = JobResult::Value(long.clone());
            signals.keep_long_value(job, result, 3, now + SECOND)
        };
        let outcome = || signals.outcome(&job, JobOutcome::NotShared);
        assert_eq!(keep(), JobResult::NotShared);
        signals.remove_expired_values(now, SECOND);
        assert_eq!(outcome(), JobOutcome::Value(long.clone()));
        signals.remove_expired_values(now + SECOND, SECOND);
        assert_eq!(outcome(), JobOutcome::NotShared);

        assert_eq!(keep(), JobResult::NotShared);
        signals.remove_expired_values(Timestamp::from_millis(0), SECOND);
        assert_eq!(outcome(), JobOutcome::NotShared);
    }

    #[test]
    fn a_value_that_the_store_takes_is_not_kept() {
        let signals = JobSignals::default();
        let job = JobId::random(&SeededRandom::new(1));
        let result = JobResult::Value(Bytes::from_static(b"fits"));
        let stored = signals.keep_long_value(job, result.clone(), 4, Timestamp::default() + SECOND);
        assert_eq!(stored, result);
        assert_eq!(
            signals.outcome(&job, JobOutcome::NotShared),
            JobOutcome::NotShared
        );
        assert_eq!(
            signals.outcome(&job, JobOutcome::Lapsed),
            JobOutcome::Lapsed
        );
    }

    #[test]
    fn priority_rises_for_the_current_owner_only_and_never_falls() {
        let random = SeededRandom::new(1);
        let (old, new) = (JobId::random(&random), JobId::random(&random));
        let signals = JobSignals::default();
        let mut priority = signals.own(&key(), new, Priority::Background);
        signals.raise(&key(), &old, Priority::User);
        assert_eq!(*priority.borrow(), Priority::Background);
        signals.raise(&key(), &new, Priority::User);
        assert!(priority.has_changed().unwrap());
        priority.mark_unchanged();
        for no_higher in [Priority::User, Priority::Background] {
            signals.raise(&key(), &new, no_higher);
            assert!(!priority.has_changed().unwrap());
        }
        assert_eq!(*priority.borrow(), Priority::User);
    }

    #[test]
    fn keys_that_are_owned_or_watched_are_kept() {
        let signals = JobSignals::default();
        let random = SeededRandom::new(1);
        let name = |number: u32| Key::new(format!("test:{number}")).unwrap();
        let own = |number| signals.own(&name(number), JobId::random(&random), Priority::User);
        let kept = || (0..4).filter(|number| signals.lock().jobs.contains_key(&name(*number)));
        let (owned, watched) = (own(0), signals.watch(&name(1)));
        let _third = own(2);
        assert!(kept().eq([0, 1, 2]));
        drop((owned, watched));
        let _fourth = own(3);
        assert!(kept().eq([2, 3]));
    }

    /// Of a hundred that went without a word, and of those that come and go since.
    #[test]
    fn idle_keys_become_fewer_with_each_new_one() {
        let signals = JobSignals::default();
        let random = SeededRandom::new(1);
        let name = |number: u32| Key::new(format!("test:{number}")).unwrap();
        let own = |number| signals.own(&name(number), JobId::random(&random), Priority::User);
        drop((0..100).map(own).collect::<Vec<_>>());
        let kept = own(100);
        for number in 101..201 {
            drop(own(number));
            signals.notify(&name(number));
        }
        let state = signals.lock();
        assert_eq!(state.jobs.len(), 1);
        assert!(state.looked_at.len() <= 8, "{}", state.looked_at.len());
        drop(kept);
    }

    #[test]
    fn nothing_is_kept_for_keys_that_nobody_waits_for() {
        let signals = JobSignals::default();
        let random = SeededRandom::new(1);
        drop(signals.own(&key(), JobId::random(&random), Priority::User));
        drop(signals.watch(&key()));
        signals.notify(&key());
        assert!(signals.lock().jobs.is_empty());
    }
}
