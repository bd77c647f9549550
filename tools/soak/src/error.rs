//! What can stop a soak.
//!
//! `Display` never prints a source; `ErrorChain` prints the whole chain, once, in `main`.

use std::io;
use std::path::Path;
use std::process::ExitStatus;

/// Why a soak failed or came to no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{action} {path}")]
    File {
        action: &'static str,
        path: String,
        source: io::Error,
    },
    #[error("start {what}")]
    Start {
        what: &'static str,
        source: io::Error,
    },
    #[error("delete the table {table}")]
    DeleteTable { table: String, source: io::Error },
    #[error("start the async runtime")]
    Runtime { source: io::Error },
    #[error(transparent)]
    Database(#[from] sqlite_database::Error),
    #[error(transparent)]
    Store(#[from] store_core::Error),
    #[error(transparent)]
    Acquire(store_core::AcquireError),
    #[error("worker {number}: {what}")]
    Worker {
        number: usize,
        what: &'static str,
        source: io::Error,
    },
    #[error("worker {number} ended with {status}; its output is above")]
    WorkerEnded { number: usize, status: ExitStatus },
    #[error("{what} ended with {status}; its output is above")]
    Program {
        what: &'static str,
        status: ExitStatus,
    },
    #[error("a task of this worker was lost")]
    LostTask { source: tokio::task::JoinError },
    #[error("talk to the process that started this one; workers are not started by hand")]
    NoParent { source: io::Error },
    #[error("{failed} of {runs} run(s) failed, marked above")]
    Soak { failed: usize, runs: usize },
    #[error(transparent)]
    TableSetup(#[from] store_dynamodb::setup::SetupError),
    #[error(transparent)]
    Fake(#[from] comicvine_fake::Error),
    #[error(transparent)]
    Emulator(#[from] dynamodb_local::Error),
}

impl From<store_core::AcquireError> for Error {
    fn from(error: store_core::AcquireError) -> Self {
        match error {
            store_core::AcquireError::Store(error) => Self::Store(error),
            denied @ (store_core::AcquireError::Denied { .. } | _) => Self::Acquire(denied),
        }
    }
}

impl Error {
    /// What could not be done to a file or a folder, for `map_err`.
    pub(crate) fn file(
        action: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File {
            action,
            path: path.as_ref().display().to_string(),
            source,
        }
    }
}
