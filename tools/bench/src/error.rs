//! What can stop a benchmark, and what to do about it.
//!
//! `Display` never prints a source; `ErrorChain` prints the whole chain, once, in `main`.

use std::io;
use std::path::Path;

/// Why a benchmark came to no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{action} {path}")]
    File {
        action: &'static str,
        path: String,
        source: io::Error,
    },
    #[error("start or end {process}")]
    Process { process: String, source: io::Error },
    #[error("start the async runtime")]
    Runtime { source: io::Error },
    #[error("a task of this process was lost")]
    LostTask { source: tokio::task::JoinError },
    #[error("talk to the process that started this one; jobs are not started by hand")]
    NoParent { source: io::Error },
    #[error(
        "a build for development would measure the compiler's settings: use `cargo xtask bench`"
    )]
    NotReleased,
    #[error("start `{program}`: install Node.js 20 or later, which brings npm, and run this again")]
    NoNode {
        program: &'static str,
        source: io::Error,
    },
    #[error("Node.js {found} is too old for the peer: install version 20 or later")]
    OldNode { found: String },
    #[error(
        "`npm install` failed with its output above; it needs the package registry, and a C++ \
         compiler where no prebuilt better-sqlite3 fits"
    )]
    NoPackages,
    #[error("{who} failed at `{work}`; its output is above")]
    Broken { who: &'static str, work: String },
    #[error("{who} answered `{work}` with something else than a measurement")]
    Unreadable {
        who: &'static str,
        work: String,
        source: serde_json::Error,
    },
    #[error("a value that was stored is not there, or a request within its limit was refused")]
    Missing,
    #[error("a peer")]
    Peer {
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("a waiter was not admitted")]
    NotAdmitted { source: store_core::AcquireError },
    #[error("bare SQLite")]
    Sqlite(#[from] sqlite_database::rusqlite::Error),
    #[error(transparent)]
    Database(#[from] sqlite_database::Error),
    #[error(transparent)]
    Store(#[from] store_core::Error),
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
