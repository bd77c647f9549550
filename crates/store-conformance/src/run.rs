//! Running cases, and tasks within them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use store_core::{Clock, Error, ErrorKind, ManualClock, Result, SystemClock};
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, yield_now};

/// Longer than any case takes on the slowest machine; a case that hangs fails instead.
const CASE_TIMEOUT: Duration = Duration::from_mins(1);

/// Runs one case on a runtime with several threads.
///
/// # Errors
/// The case's own, and `Timeout` if it hangs.
pub fn run(case: impl Future<Output = Result<()>>) -> Result<()> {
    block_on(case)?
}

/// Runs a future to its end on a runtime with several threads.
///
/// # Errors
/// `Timeout` if it hangs, `Unavailable` if the runtime does not start.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .map_err(|source| failed(ErrorKind::Unavailable, "start").with_source(source))?;
    runtime.block_on(async {
        match tokio::time::timeout(CASE_TIMEOUT, future).await {
            Ok(output) => Ok(output),
            Err(_) => Err(failed(ErrorKind::Timeout, "case")),
        }
    })
}

fn failed(kind: ErrorKind, operation: &'static str) -> Error {
    Error::new(kind, "conformance", operation)
}

/// Runs the tasks concurrently; their results are in the order of the tasks.
pub(crate) async fn run_concurrently<T, F>(tasks: impl IntoIterator<Item = F>) -> Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let handles: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut results = Vec::with_capacity(handles.len());
    for handle in handles {
        results.push(task_result(handle).await?);
    }
    Ok(results)
}

/// The result of a spawned task.
pub(crate) async fn task_result<T>(task: JoinHandle<Result<T>>) -> Result<T> {
    task.await
        .map_err(|source| failed(ErrorKind::Unavailable, "task").with_source(source))?
}

/// Advances the clock in steps until the task is done: a waiter may read the clock at any time,
/// and one of another process may have to poll the storage.
pub(crate) async fn advance_until_done<T>(
    clock: &ManualClock,
    step: Duration,
    task: JoinHandle<Result<T>>,
) -> Result<T> {
    while !task.is_finished() {
        let_others_run().await;
        if !task.is_finished() {
            clock.advance(step);
        }
    }
    task_result(task).await
}

/// Polls `condition` until it returns a value, without advancing the store's clock: what a dropped
/// caller leaves behind may be undone in the background.
pub(crate) async fn eventually<T>(condition: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    loop {
        if let Some(value) = condition().await? {
            return Ok(value);
        }
        let_others_run().await;
    }
}

/// Lets every other task run, and other threads for a moment.
pub(crate) async fn let_others_run() {
    for _ in 0..16 {
        yield_now().await;
    }
    let real = SystemClock::new();
    real.sleep_until(real.now() + Duration::from_millis(1))
        .await;
}

/// Polls a future once, as a caller does that is about to drop it; its output if it was ready.
pub(crate) fn poll_once<T>(future: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
