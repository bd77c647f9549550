//! The single writer of a database in this process, with group commit.
//!
//! An operation runs on the caller's thread while the writer is idle and uncontended. Otherwise it
//! is queued, and the writer thread commits the queued operations in one transaction. Invariants:
//!
//! - A thread that locks the connection runs at most one transaction before it unlocks it.
//! - Operations leave the queue only under the connection's lock, so an empty queue and an unlocked
//!   connection mean that every earlier operation has committed.
//! - Replies are sent, and results without a receiver dropped, without any lock held: the destructor
//!   of a result may queue further operations.

mod group;
mod growth;
mod operation;
mod queue;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, Transaction};
use tokio::sync::{oneshot, watch};

pub(crate) use self::growth::Growth;
use self::operation::{Awaited, Detached, closed};
use self::queue::Queue;
use crate::busy::Deadline;
use crate::checkpoint::{self, Checkpointer};
use crate::error::{Error, ErrorKind, Result};
use crate::options::{DatabaseOptions, Execution};
use crate::transaction::TransactionMode;

/// The most operations per transaction: enough to amortise a commit, few enough that other
/// processes are not starved.
const MAX_GROUP: usize = 64;
/// How long a caller's thread waits for another process's lock before the operation is queued.
const INLINE_BUSY_TIMEOUT: Duration = Duration::from_millis(1);

/// The writer of one database: a connection, a queue and a thread.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
}

#[derive(Debug)]
struct Shared {
    name: Arc<str>,
    options: Arc<DatabaseOptions>,
    /// `None` once closed.
    connection: Mutex<Option<Connection>>,
    queue: Queue,
    /// Whether the last group had several operations: then a shared commit is cheaper than one on
    /// each caller's thread.
    is_contended: AtomicBool,
    growth: Growth,
    checkpointer: Checkpointer,
}

/// The outcome of an attempt to run on the caller's thread.
enum InlineAttempt<T, F> {
    Done(Result<T>),
    /// The writer is busy; the operation has not started.
    Busy(F),
}

impl Writer {
    pub(crate) fn start(
        name: Arc<str>,
        options: Arc<DatabaseOptions>,
        connection: Connection,
        growth: Growth,
        checkpointer: Checkpointer,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            name,
            options,
            connection: Mutex::new(Some(connection)),
            queue: Queue::default(),
            is_contended: AtomicBool::new(false),
            growth,
            checkpointer,
        });
        let (stop, stopped) = watch::channel(false);
        let worker = Arc::clone(&shared);
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || {
                worker.run();
                stop.send_replace(true);
            })
            .map_err(|error| Error::from_kind(ErrorKind::Unavailable, "open").with_source(error))?;
        Ok(Self { shared, stopped })
    }

    pub(crate) async fn write<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let deadline = self.shared.deadline();
        let f = match self.shared.options.execution {
            Execution::CallerThread => {
                match self
                    .shared
                    .run_inline(TransactionMode::Immediate, f, deadline)
                {
                    InlineAttempt::Done(outcome) => return outcome,
                    InlineAttempt::Busy(f) => f,
                }
            }
            Execution::Background => f,
        };
        self.enqueue(|reply| Awaited::new(f, deadline, reply)).await
    }

    /// Runs `f` in a transaction of its own.
    pub(crate) async fn write_alone<T, F>(&self, mode: TransactionMode, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let deadline = self.shared.deadline();
        let f = match (self.shared.options.execution, mode) {
            (Execution::CallerThread, TransactionMode::Immediate | TransactionMode::Exclusive) => {
                match self.shared.run_inline(mode, f, deadline) {
                    InlineAttempt::Done(outcome) => return outcome,
                    InlineAttempt::Busy(f) => f,
                }
            }
            // It may have to wait for the lock in the middle, which is for the writer's thread.
            (Execution::CallerThread, TransactionMode::Deferred) | (Execution::Background, _) => f,
        };
        self.enqueue(|reply| Awaited::new(f, deadline, reply).alone(mode))
            .await
    }

    async fn enqueue<T, F>(
        &self,
        operation: impl FnOnce(oneshot::Sender<Result<T>>) -> Awaited<T, F>,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.shared
            .queue
            .push(Box::new(operation(reply)))
            .map_err(|_refused| closed())?;
        answer.await.map_err(|_lost| closed())?
    }

    pub(crate) fn write_detached<F>(&self, f: F)
    where
        F: FnOnce(&Transaction<'_>) -> Result<()> + Send + 'static,
    {
        let operation = Detached::new(f, self.shared.deadline(), Arc::clone(&self.shared.name));
        if self.shared.queue.push(Box::new(operation)).is_err() {
            tracing::debug!(database = %self.shared.name, "closed before a detached write");
        }
    }

    /// Rejects new operations; the thread finishes the queue and closes the connection.
    pub(crate) fn stop(&self) {
        self.shared.queue.close();
    }

    /// Waits until the thread has closed the connection.
    pub(crate) async fn stopped(&self) {
        let mut stopped = self.stopped.clone();
        // An error means that the thread has ended.
        let _gone = stopped.wait_for(|stopped| *stopped).await;
    }
}

impl Shared {
    fn run_inline<T, F>(
        &self,
        mode: TransactionMode,
        f: F,
        deadline: Deadline,
    ) -> InlineAttempt<T, F>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T>,
    {
        if self.is_contended.load(Ordering::Relaxed) || !self.queue.is_idle() {
            return InlineAttempt::Busy(f);
        }
        let mut guard = match self.connection.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(guard)) => guard.into_inner(),
            Err(TryLockError::WouldBlock) => return InlineAttempt::Busy(f),
        };
        let Some(connection) = guard.as_mut() else {
            return InlineAttempt::Done(Err(closed()));
        };
        let deadline = deadline.min(Deadline::after(INLINE_BUSY_TIMEOUT));
        let transaction = match group::begin(connection, mode, deadline) {
            Ok(transaction) => transaction,
            Err(error) if error.kind() == ErrorKind::Busy => return InlineAttempt::Busy(f),
            Err(error) => return InlineAttempt::Done(Err(error)),
        };
        let (outcome, value) =
            group::run_alone(transaction, f, &self.growth, self.options.busy_timeout);
        self.checkpointer.request_if_due(connection);
        drop(guard);
        InlineAttempt::Done(outcome.and_then(|()| value.ok_or_else(closed)))
    }

    fn run(&self) {
        while self.queue.wait() {
            let mut guard = self.connection();
            let Some(connection) = guard.as_mut() else {
                break;
            };
            let mut operations = self.queue.take_group(MAX_GROUP);
            let timeout = self.options.busy_timeout;
            let outcomes = group::commit(connection, &mut operations, &self.growth, timeout);
            self.queue.put_back(operations.split_off(outcomes.len()));
            self.checkpointer.request_if_due(connection);
            self.is_contended
                .store(operations.len() > 1, Ordering::Relaxed);
            drop(guard);
            for (operation, outcome) in operations.into_iter().zip(outcomes) {
                operation::reply(operation, outcome);
            }
        }
        // A checkpoint that is still running would block the final one.
        self.checkpointer.stop();
        let connection = self.connection().take();
        if let Some(connection) = connection {
            checkpoint::truncate(&connection);
        }
    }

    /// The moment up to which an operation that begins now waits for the write lock.
    fn deadline(&self) -> Deadline {
        Deadline::after(self.options.busy_timeout)
    }

    fn connection(&self) -> MutexGuard<'_, Option<Connection>> {
        // Operations run under `catch_unwind`, so a poisoned lock holds a connection without a
        // transaction.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
