//! What can stop a benchmark.
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
    #[error("start or end {program}")]
    Process { program: String, source: io::Error },
    #[error("{program} does not listen after ten seconds; its output is above")]
    NotListening { program: String },
    #[error("start the async runtime")]
    Runtime { source: io::Error },
    #[error("a task of this process was lost")]
    LostTask(#[from] tokio::task::JoinError),
    #[error(
        "a build for development would measure the compiler's settings: use `cargo xtask bench http-cache`"
    )]
    NotReleased,
    #[error("{store} has no entry or another body for {url}")]
    WrongBody { store: &'static str, url: String },
    #[error("{store} did not store {url}")]
    NotStored { store: &'static str, url: String },
    #[error("an entry of the corpus is no HTTP message")]
    Message(#[from] http::Error),
    #[error("an entry of the corpus has no URL")]
    Url(#[from] url::ParseError),
    #[error("the peer: {0}")]
    Peer(String),
    #[error("a body of the corpus cannot be compressed")]
    Codec(#[from] http_cache_db::codec::CodecError),
    #[error(transparent)]
    Store(#[from] store_core::Error),
    #[error(transparent)]
    Database(#[from] sqlite_database::Error),
    #[error("the connection to {program}")]
    Connection { program: String, source: io::Error },
    #[error("{program} answered {answer}")]
    Answer { program: String, answer: String },
    #[error("aims were missed")]
    Missed,
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
