//! Work on tokio's blocking threads, and the errors of what a runtime loses.

use tokio::runtime::Handle;
use tokio::task::JoinError;

use crate::error::{Error, ErrorKind, Result};

/// Runs `work` on tokio's blocking threads.
pub(crate) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let runtime = Handle::try_current().map_err(Error::no_runtime)?;
    runtime
        .spawn_blocking(work)
        .await
        .unwrap_or_else(|lost| Err(lost_task(lost)))
}

/// The error of a task that was lost.
pub(crate) fn lost_task(lost: JoinError) -> Error {
    if lost.is_cancelled() {
        return Error::no_runtime(lost);
    }
    Error::new(ErrorKind::Internal, "read", "the operation panicked").with_source(lost)
}
