//! Running cases, and tasks within them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use store_core::{Clock, Error, ErrorKind, ManualClock, Result, SystemClock};
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, yield_now};

/// Longer than any case takes on the slowest machine; a case that hangs fails instead.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs one case on a runtime with real parallelism.
///
/// # Errors
/// The case's own, and `Timeout` if it hangs.
pub fn run(case: impl Future<Output = Result<()>>) -> Result<()> {
    block_on(case)?
}

/// Runs something to its end on a runtime with real parallelism.
///
/// # Errors
/// `Timeout` if it hangs.
pub(crate) fn block_on<T>(case: impl Future<Output = T>) -> Result<T> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .map_err(|source| failed(ErrorKind::Unavailable, "start").with_source(source))?;
    runtime.block_on(async {
        match tokio::time::timeout(PATIENCE, case).await {
            Ok(outcome) => Ok(outcome),
            Err(_) => Err(failed(ErrorKind::Timeout, "case")),
        }
    })
}

fn failed(kind: ErrorKind, operation: &'static str) -> Error {
    Error::new(kind, "conformance", operation)
}

/// Runs the tasks at the same time and returns what they return, in their order.
pub(crate) async fn together<T, F>(tasks: impl IntoIterator<Item = F>) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let handles: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut outcomes = Vec::with_capacity(handles.len());
    for handle in handles {
        outcomes.push(outcome(handle).await?);
    }
    Ok(outcomes)
}

/// What a spawned task returned.
pub(crate) async fn outcome<T>(task: JoinHandle<Result<T>>) -> Result<T> {
    task.await
        .map_err(|source| failed(ErrorKind::Unavailable, "task").with_source(source))?
}

/// Lets time pass in steps until the task is done: a waiter may look at the clock whenever it likes,
/// and one of another process may have to look at the storage.
pub(crate) async fn drive<T>(
    clock: &ManualClock,
    step: Duration,
    task: JoinHandle<Result<T>>,
) -> Result<T> {
    while !task.is_finished() {
        breathe().await;
        if !task.is_finished() {
            clock.advance(step);
        }
    }
    outcome(task).await
}

/// Asks again until the answer is there, without letting the store's time pass: what a dropped
/// caller leaves behind may be undone in the background.
pub(crate) async fn eventually<T>(ask: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        breathe().await;
    }
}

/// Lets every other task run, and other threads for a moment.
pub(crate) async fn breathe() {
    for _ in 0..16 {
        yield_now().await;
    }
    let real = SystemClock::new();
    real.sleep_until(real.now() + Duration::from_millis(1))
        .await;
}

/// Polls for a caller that goes away; whether there was an answer, which nobody hears.
pub(crate) fn poll_once<T>(future: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> bool {
    future
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}
