//! Wake-ups between the tasks of one process that share a job.
//!
//! A backend tells [`JobSignals`] what it has committed; waiters of the same process hear of it
//! without asking the store. Entries live as long as somebody watches or owns the key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::dedupe::JobId;
use crate::key::Key;
use crate::priority::Priority;

/// The jobs that tasks of this process own or wait for. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct JobSignals {
    jobs: Arc<Mutex<HashMap<Key, Signal>>>,
}

#[derive(Debug)]
struct Signal {
    changed: watch::Sender<()>,
    owner: Option<(JobId, watch::Sender<Priority>)>,
}

impl Signal {
    fn is_idle(&self) -> bool {
        let owned = self
            .owner
            .as_ref()
            .is_some_and(|(_, demand)| demand.receiver_count() > 0);
        self.changed.receiver_count() == 0 && !owned
    }
}

impl JobSignals {
    /// Announces an owner in this process; the receiver shows what joiners raise its priority to.
    #[must_use]
    pub fn own(&self, key: &Key, job: JobId, priority: Priority) -> watch::Receiver<Priority> {
        let (demand, raised) = watch::channel(priority);
        let mut jobs = self.lock();
        jobs.retain(|_, signal| !signal.is_idle());
        let signal = jobs.entry(key.clone()).or_insert_with(Signal::new);
        signal.owner = Some((job, demand));
        // A new owner means that the former job is over for those who still wait for it.
        signal.changed.send_replace(());
        raised
    }

    /// Raises the priority of `job` if its owner is in this process.
    pub fn raise(&self, key: &Key, job: &JobId, priority: Priority) {
        if let Some(Signal {
            owner: Some((owned, demand)),
            ..
        }) = self.lock().get(key)
            && owned == job
        {
            demand.send_if_modified(|current| {
                let higher = priority > *current;
                *current = priority.max(*current);
                higher
            });
        }
    }

    /// Watches for changes of `key`'s job.
    #[must_use]
    pub fn watch(&self, key: &Key) -> JobWatch {
        let mut jobs = self.lock();
        let signal = jobs.entry(key.clone()).or_insert_with(Signal::new);
        JobWatch {
            changed: signal.changed.subscribe(),
        }
    }

    /// Wakes everyone who watches `key`.
    pub fn notify(&self, key: &Key) {
        let mut jobs = self.lock();
        if let Some(signal) = jobs.get(key) {
            signal.changed.send_replace(());
            if signal.is_idle() {
                jobs.remove(key);
            }
        }
    }

    /// Wakes everyone.
    pub fn notify_all(&self) {
        for signal in self.lock().values() {
            signal.changed.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Signal>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signal {
    fn new() -> Self {
        Self {
            changed: watch::Sender::new(()),
            owner: None,
        }
    }
}

/// A place in front of one job. It misses no change that is made after it was created.
#[derive(Debug)]
pub struct JobWatch {
    changed: watch::Receiver<()>,
}

impl JobWatch {
    /// Completes at the next change, or at once if there was one since the last call.
    pub async fn changed(&mut self) {
        if self.changed.changed().await.is_err() {
            // Nobody can announce anything any more; the caller's other wake-ups decide.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

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

    #[test]
    fn priority_rises_for_the_current_owner_only_and_never_falls() {
        let random = SeededRandom::new(1);
        let (old, new) = (JobId::random(&random), JobId::random(&random));
        let signals = JobSignals::default();
        let demand = signals.own(&key(), new, Priority::Background);
        signals.raise(&key(), &old, Priority::User);
        assert_eq!(*demand.borrow(), Priority::Background);
        signals.raise(&key(), &new, Priority::User);
        signals.raise(&key(), &new, Priority::Background);
        assert_eq!(*demand.borrow(), Priority::User);
    }

    #[test]
    fn nothing_is_kept_for_keys_that_nobody_waits_for() {
        let signals = JobSignals::default();
        let random = SeededRandom::new(1);
        drop(signals.own(&key(), JobId::random(&random), Priority::User));
        drop(signals.watch(&key()));
        signals.notify(&key());
        assert!(signals.lock().is_empty());
    }
}
