//! Queued operations, with their result types erased.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rusqlite::Transaction;
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};

/// One queued operation: run once inside a transaction, answered once after its commit.
pub(super) trait Operation: Send {
    /// Runs and keeps the result.
    fn run(&mut self, transaction: &Transaction<'_>) -> Result<()>;

    /// Answers the caller; `outcome` includes that of the commit.
    fn reply(self: Box<Self>, outcome: Result<()>);
}

/// Answers, surviving a panic in the destructor of a result that nobody waits for.
pub(super) fn reply(operation: Box<dyn Operation>, outcome: Result<()>) {
    let replied = catch_unwind(AssertUnwindSafe(|| operation.reply(outcome)));
    if let Err(panic) = replied {
        tracing::error!(error = %panicked(panic.as_ref()), "a result panicked when dropped");
    }
}

/// Runs `f`, turning a panic into an error so that it stays with its own caller.
pub(super) fn run_caught<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    // The transaction or savepoint that `f` worked in is rolled back, so nothing half-done
    // outlives the panic.
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
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

/// An operation whose caller waits.
pub(super) struct Pending<T, F> {
    f: Option<F>,
    value: Option<T>,
    caller: oneshot::Sender<Result<T>>,
}

impl<T, F> Pending<T, F> {
    pub(super) fn new(f: F, caller: oneshot::Sender<Result<T>>) -> Self {
        Self {
            f: Some(f),
            value: None,
            caller,
        }
    }
}

impl<T, F> Operation for Pending<T, F>
where
    T: Send,
    F: FnOnce(&Transaction<'_>) -> Result<T> + Send,
{
    fn run(&mut self, transaction: &Transaction<'_>) -> Result<()> {
        if let Some(f) = self.f.take() {
            self.value = Some(run_caught(|| f(transaction))?);
        }
        Ok(())
    }

    fn reply(self: Box<Self>, outcome: Result<()>) {
        let Self { value, caller, .. } = *self;
        let answer = outcome.and_then(|()| value.ok_or_else(super::closed));
        // A caller that is gone leaves the result to its destructor, here and now.
        drop(caller.send(answer));
    }
}

/// An operation that nobody waits for.
pub(super) struct Detached<F> {
    f: Option<F>,
    subject: Arc<str>,
}

impl<F> Detached<F> {
    pub(super) fn new(f: F, subject: Arc<str>) -> Self {
        Self {
            f: Some(f),
            subject,
        }
    }
}

impl<F> Operation for Detached<F>
where
    F: FnOnce(&Transaction<'_>) -> Result<()> + Send,
{
    fn run(&mut self, transaction: &Transaction<'_>) -> Result<()> {
        self.f
            .take()
            .map_or(Ok(()), |f| run_caught(|| f(transaction)))
    }

    fn reply(self: Box<Self>, outcome: Result<()>) {
        if let Err(error) = outcome {
            tracing::warn!(database = %self.subject, %error, "a detached write failed");
        }
    }
}
