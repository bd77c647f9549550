//! The one writer of a database in this process.
//!
//! An operation runs on the caller's thread while the writer is idle and the last operation came
//! alone. Otherwise it queues, and the writer thread commits what has queued up in one transaction.
//! What must stay true:
//!
//! - Whoever holds the connection runs at most one transaction before letting go.
//! - The queue is only taken from under the connection's lock, so an empty queue and a free
//!   connection mean that every earlier operation has committed.
//! - Replies, and drops of results nobody waits for, happen without any lock held: a result may
//!   queue further operations when it drops.

mod group;
mod operation;
mod queue;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, Transaction};
use tokio::sync::{oneshot, watch};

use self::operation::{Detached, Pending};
use self::queue::Queue;
use crate::busy;
use crate::checkpoint::{self, Checkpointer};
use crate::error::{Error, ErrorKind, Result};
use crate::options::{DatabaseOptions, Execution};

/// Operations per transaction at most: enough to amortise a commit, few enough that other
/// processes get their turn.
const GROUP: usize = 64;
/// How long a caller's thread waits for another process before the writer thread takes over.
const INLINE_PATIENCE: Duration = Duration::from_millis(1);

/// The writer of one database: a connection, a queue and a thread.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
}

#[derive(Debug)]
struct Shared {
    subject: Arc<str>,
    options: Arc<DatabaseOptions>,
    /// `None` once closed.
    connection: Mutex<Option<Connection>>,
    queue: Queue,
    /// Several operations met at the last group: the next ones do better to meet again than to
    /// commit one by one on their callers' threads.
    is_crowded: AtomicBool,
    checkpointer: Checkpointer,
}

/// What became of an attempt to run on the caller's thread.
enum Inline<T, F> {
    Done(Result<T>),
    /// Somebody else is writing; the operation has not started.
    Occupied(F),
}

impl Writer {
    pub(crate) fn start(
        subject: Arc<str>,
        options: Arc<DatabaseOptions>,
        connection: Connection,
        checkpointer: Checkpointer,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            subject,
            options,
            connection: Mutex::new(Some(connection)),
            queue: Queue::default(),
            is_crowded: AtomicBool::new(false),
            checkpointer,
        });
        let (stop, stopped) = watch::channel(false);
        let worker = Arc::clone(&shared);
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                worker.work();
                stop.send_replace(true);
            })
            .map_err(|error| Error::of_kind(ErrorKind::Unavailable, "open").with_source(error))?;
        Ok(Self { shared, stopped })
    }

    pub(crate) async fn write<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let f = match self.shared.options.execution {
            Execution::CallerThread => match self.shared.run_inline(f) {
                Inline::Done(outcome) => return outcome,
                Inline::Occupied(f) => f,
            },
            Execution::Background => f,
        };
        let (reply, answer) = oneshot::channel();
        self.shared
            .queue
            .push(Box::new(Pending::new(f, reply)))
            .map_err(|_refused| closed())?;
        answer.await.map_err(|_lost| closed())?
    }

    pub(crate) fn write_detached<F>(&self, f: F)
    where
        F: FnOnce(&Transaction<'_>) -> Result<()> + Send + 'static,
    {
        let operation = Detached::new(f, Arc::clone(&self.shared.subject));
        if self.shared.queue.push(Box::new(operation)).is_err() {
            tracing::debug!(database = %self.shared.subject, "closed before a detached write");
        }
    }

    /// Refuses new operations; the thread finishes the queue and closes the connection.
    pub(crate) fn stop(&self) {
        self.shared.queue.close();
    }

    /// Waits until the thread has closed the connection.
    pub(crate) async fn stopped(&self) {
        let mut stopped = self.stopped.clone();
        // An error means that the thread is gone, which is what this waits for.
        let _gone = stopped.wait_for(|stopped| *stopped).await;
    }
}

fn closed() -> Error {
    Error::closed("write")
}

impl Shared {
    fn run_inline<T, F>(&self, f: F) -> Inline<T, F>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T>,
    {
        if self.is_crowded.load(Ordering::Relaxed) || !self.queue.is_idle() {
            return Inline::Occupied(f);
        }
        let mut lane = match self.connection.try_lock() {
            Ok(lane) => lane,
            Err(TryLockError::Poisoned(lane)) => lane.into_inner(),
            Err(TryLockError::WouldBlock) => return Inline::Occupied(f),
        };
        let Some(connection) = lane.as_mut() else {
            return Inline::Done(Err(closed()));
        };
        let patience = INLINE_PATIENCE.min(self.options.busy_timeout);
        let transaction = match group::begin(connection, patience) {
            Ok(transaction) => transaction,
            Err(error) if error.kind() == ErrorKind::Busy => return Inline::Occupied(f),
            Err(error) => return Inline::Done(Err(error)),
        };
        let (outcome, value) = group::run_alone(transaction, f, self.options.busy_timeout);
        self.look_at_wal(connection);
        drop(lane);
        Inline::Done(outcome.and_then(|()| value.ok_or_else(closed)))
    }

    fn work(&self) {
        while self.queue.wait() {
            let mut lane = self.connection();
            let Some(connection) = lane.as_mut() else {
                break;
            };
            let mut operations = self.queue.take(GROUP);
            let outcomes = group::commit(connection, &mut operations, self.options.busy_timeout);
            self.queue.give_back(operations.split_off(outcomes.len()));
            self.look_at_wal(connection);
            self.is_crowded
                .store(operations.len() > 1, Ordering::Relaxed);
            drop(lane);
            for (operation, outcome) in operations.into_iter().zip(outcomes) {
                operation::reply(operation, outcome);
            }
        }
        // A checkpoint that is still running would keep the last one from finishing.
        self.checkpointer.stop();
        let connection = self.connection().take();
        if let Some(connection) = connection {
            busy::wait_at_most(self.options.busy_timeout, || {
                checkpoint::truncate(&connection);
            });
        }
    }

    fn look_at_wal(&self, connection: &Connection) {
        if checkpoint::is_due(connection) {
            self.checkpointer.request();
        }
    }

    fn connection(&self) -> MutexGuard<'_, Option<Connection>> {
        // Operations run under `catch_unwind`; what is left behind is a connection without a
        // transaction.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
