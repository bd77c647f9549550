//! One task per store that reads the awaited jobs after each commit and wakes their waiters.
//!
//! Without it every waiter would read its own row after every commit of any process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use sqlite_database::{ChangeWatch, SqliteDatabase};
use store_core::backend::JobSignals;
use store_core::{Error, ErrorKind, JobId, Key, Result};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::error::BACKEND;

/// The awaited jobs of this process, and the task that watches them.
#[derive(Debug)]
pub(super) struct JobWatcher {
    database: SqliteDatabase,
    signals: JobSignals,
    state: Mutex<State>,
    idle: Notify,
}

#[derive(Debug, Default)]
struct State {
    counts: HashMap<(Key, JobId), usize>,
    is_watched: bool,
}

/// The registration of a waiter; dropping it removes the waiter.
#[derive(Debug)]
pub(super) struct WaitGuard {
    watcher: Arc<JobWatcher>,
    job: (Key, JobId),
}

impl JobWatcher {
    pub(super) fn new(database: SqliteDatabase, signals: JobSignals) -> Arc<Self> {
        Arc::new(Self {
            database,
            signals,
            state: Mutex::default(),
            idle: Notify::new(),
        })
    }

    /// Registers a waiter: from here on, a commit that ends the job notifies its key. Fails outside a tokio
    /// runtime.
    pub(super) fn add(self: &Arc<Self>, key: &Key, job: &JobId) -> Result<WaitGuard> {
        let runtime = Handle::try_current().map_err(|error| {
            Error::new(ErrorKind::InvalidInput, BACKEND, "wait_for")
                .with_detail("there is no tokio runtime; call it inside one")
                .with_source(error)
        })?;
        let job = (key.clone(), *job);
        let mut state = self.state();
        *state.counts.entry(job.clone()).or_default() += 1;
        let was_watched = std::mem::replace(&mut state.is_watched, true);
        drop(state);
        if !was_watched {
            // Created before the waiter's first read, so that no commit is missed between them.
            let changes = self.database.watch_changes();
            // However this task ends, the next waiter starts a new one. A runtime that is shutting down
            // drops it before its first step.
            let end = WatchTaskGuard(Some(Arc::clone(self)));
            runtime.spawn(Arc::clone(self).watch(changes, end));
        }
        Ok(WaitGuard {
            watcher: Arc::clone(self),
            job,
        })
    }

    async fn watch(self: Arc<Self>, mut changes: ChangeWatch, mut end: WatchTaskGuard) {
        loop {
            tokio::select! {
                () = changes.changed() => {}
                () = self.idle.notified() => {}
            }
            let jobs: Vec<_> = {
                let mut state = self.state();
                if state.counts.is_empty() {
                    // Under the lock and not when the task is dropped: a waiter may come in between.
                    state.is_watched = false;
                    end.0 = None;
                    return;
                }
                state.counts.keys().cloned().collect()
            };
            let ended = self.database.read(move |db| Ok(ended(db, jobs)?)).await;
            match ended {
                Ok(ended) => ended.iter().for_each(|key| self.signals.notify(key)),
                Err(error) => {
                    // Waiters read for themselves and report the error.
                    self.signals.notify_all();
                    if !error.is_retryable() {
                        return;
                    }
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys whose awaited job was replaced or is no longer pending.
fn ended(db: &Connection, jobs: Vec<(Key, JobId)>) -> rusqlite::Result<Vec<Key>> {
    let mut pending = db.prepare_cached(
        "SELECT 1 FROM dedupe_jobs WHERE hash = ?1 AND job_id = ?2 AND status = 'pending'",
    )?;
    let mut ended = Vec::new();
    for (key, job) in jobs {
        if !pending.exists([key.as_str(), &job.to_string()])? {
            ended.push(key);
        }
    }
    Ok(ended)
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        let mut state = self.watcher.state();
        if let Some(count) = state.counts.get_mut(&self.job) {
            *count -= 1;
            if *count == 0 {
                state.counts.remove(&self.job);
            }
        }
        if state.counts.is_empty() {
            self.watcher.idle.notify_one();
        }
    }
}

/// Marks the task as ended when dropped.
struct WatchTaskGuard(Option<Arc<JobWatcher>>);

impl Drop for WatchTaskGuard {
    fn drop(&mut self) {
        if let Some(watcher) = &self.0 {
            watcher.state().is_watched = false;
        }
    }
}
