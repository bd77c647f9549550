//! The keys that tasks of this process wait for, and the one task that looks at them after commits.
//!
//! Without it every waiter would read its own row after every commit of anybody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use sqlite_database::{ChangeWatch, SqliteDatabase};
use store_core::local::JobSignals;
use store_core::{JobId, Key};
use tokio::sync::Notify;

/// Who waits for which job.
#[derive(Debug)]
pub(super) struct Waiters {
    database: SqliteDatabase,
    signals: JobSignals,
    state: Mutex<State>,
    nobody: Notify,
}

#[derive(Debug, Default)]
struct State {
    counts: HashMap<(Key, JobId), usize>,
    is_watched: bool,
}

/// A waiter's place; leaving is dropping it.
#[derive(Debug)]
pub(super) struct Place {
    waiters: Arc<Waiters>,
    job: (Key, JobId),
}

impl Waiters {
    pub(super) fn new(database: SqliteDatabase, signals: JobSignals) -> Arc<Self> {
        Arc::new(Self {
            database,
            signals,
            state: Mutex::default(),
            nobody: Notify::new(),
        })
    }

    /// From here on, a commit that ends the job wakes those who watch its key.
    pub(super) fn join(self: &Arc<Self>, key: &Key, job: &JobId) -> Place {
        let job = (key.clone(), *job);
        let mut state = self.state();
        *state.counts.entry(job.clone()).or_default() += 1;
        if !state.is_watched {
            state.is_watched = true;
            // Made before the waiter looks for the first time, so that no commit falls between.
            let changes = self.database.watch_changes();
            tokio::spawn(Arc::clone(self).watch(changes));
        }
        drop(state);
        Place {
            waiters: Arc::clone(self),
            job,
        }
    }

    async fn watch(self: Arc<Self>, mut changes: ChangeWatch) {
        // However this task ends, the next waiter starts another.
        let mut end = WatchEnd(Some(Arc::clone(&self)));
        loop {
            tokio::select! {
                () = changes.changed() => {}
                () = self.nobody.notified() => {}
            }
            let jobs: Vec<_> = {
                let mut state = self.state();
                if state.counts.is_empty() {
                    // At once, and not when the task is dropped: somebody may come between.
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
                    // Waiters look for themselves and report what they meet.
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

/// The keys whose job is no longer the one that is waited for, or no longer in progress.
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

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.waiters.state();
        if let Some(count) = state.counts.get_mut(&self.job) {
            *count -= 1;
            if *count == 0 {
                state.counts.remove(&self.job);
            }
        }
        if state.counts.is_empty() {
            self.waiters.nobody.notify_one();
        }
    }
}

struct WatchEnd(Option<Arc<Waiters>>);

impl Drop for WatchEnd {
    fn drop(&mut self) {
        if let Some(waiters) = &self.0 {
            waiters.state().is_watched = false;
        }
    }
}
