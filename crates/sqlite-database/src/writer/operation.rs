//! Type-erased queued operations.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rusqlite::Transaction;
use tokio::sync::oneshot;

use crate::busy::Deadline;
use crate::error::{Error, ErrorKind, Result};
use crate::transaction::TransactionMode;

/// A queued operation: run once inside a transaction, answered once after its commit.
pub(super) trait Operation: Send {
    /// The moment up to which it waits for the write lock.
    fn deadline(&self) -> Deadline;

    /// The mode of the transaction that it needs for itself; `None` shares an immediate one with others.
    fn alone_in(&self) -> Option<TransactionMode>;

    /// Runs the operation and stores its result.
    fn run(&mut self, transaction: &Transaction<'_>) -> Result<()>;

    /// Sends the result to the caller; `outcome` includes that of the commit.
    fn reply(self: Box<Self>, outcome: Result<()>);
}

/// Replies; catches a panic in the destructor of a result without a receiver.
pub(super) fn reply(operation: Box<dyn Operation>, outcome: Result<()>) {
    let replied = catch_unwind(AssertUnwindSafe(|| operation.reply(outcome)));
    if let Err(panic) = replied {
        tracing::error!(error = %panicked(panic.as_ref()), "a result panicked when dropped");
    }
}

/// Runs `f` and converts a panic into an error for its caller.
pub(super) fn run_caught<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    // The transaction or savepoint of `f` is rolled back, so no partial change outlives the panic.
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

/// The error of an operation that comes after the end.
pub(super) fn closed() -> Error {
    Error::closed("write")
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::new(
        ErrorKind::Internal,
        "write",
        format!("the operation panicked: {message}"),
    )
}

/// An operation whose caller awaits the result.
pub(super) struct Awaited<T, F> {
    f: Option<F>,
    value: Option<T>,
    deadline: Deadline,
    alone_in: Option<TransactionMode>,
    caller: oneshot::Sender<Result<T>>,
}

impl<T, F> Awaited<T, F> {
    pub(super) fn new(f: F, deadline: Deadline, caller: oneshot::Sender<Result<T>>) -> Self {
        Self {
            f: Some(f),
            value: None,
            deadline,
            alone_in: None,
            caller,
        }
    }

    /// The same in a transaction of its own.
    pub(super) fn alone(mut self, mode: TransactionMode) -> Self {
        self.alone_in = Some(mode);
        self
    }
}

impl<T, F> Operation for Awaited<T, F>
where
    T: Send,
    F: FnOnce(&Transaction<'_>) -> Result<T> + Send,
{
    fn deadline(&self) -> Deadline {
        self.deadline
    }

    fn alone_in(&self) -> Option<TransactionMode> {
        self.alone_in
    }

    fn run(&mut self, transaction: &Transaction<'_>) -> Result<()> {
        if let Some(f) = self.f.take() {
            self.value = Some(run_caught(|| f(transaction))?);
        }
        Ok(())
    }

    fn reply(self: Box<Self>, outcome: Result<()>) {
        let Self { value, caller, .. } = *self;
        let answer = outcome.and_then(|()| value.ok_or_else(closed));
        // If the caller is gone, the result is dropped here.
        drop(caller.send(answer));
    }
}

/// An operation without a receiver; a failure is logged.
pub(super) struct Detached<F> {
    f: Option<F>,
    deadline: Deadline,
    name: Arc<str>,
}

impl<F> Detached<F> {
    pub(super) fn new(f: F, deadline: Deadline, name: Arc<str>) -> Self {
        Self {
            f: Some(f),
            deadline,
            name,
        }
    }
}

impl<F> Operation for Detached<F>
where
    F: FnOnce(&Transaction<'_>) -> Result<()> + Send,
{
    fn deadline(&self) -> Deadline {
        self.deadline
    }

    fn alone_in(&self) -> Option<TransactionMode> {
        None
    }

    fn run(&mut self, transaction: &Transaction<'_>) -> Result<()> {
        self.f
            .take()
            .map_or(Ok(()), |f| run_caught(|| f(transaction)))
    }

    fn reply(self: Box<Self>, outcome: Result<()>) {
        if let Err(error) = outcome {
            tracing::warn!(database = %self.name, %error, "a detached write failed");
        }
    }
}
