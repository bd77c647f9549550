//! What can stop a benchmark, and what to do about it.

use std::io;

/// Why a benchmark came to no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("start `{program}`: install Node.js 20 or later, which brings npm, and run this again")]
    NoNode {
        program: &'static str,
        source: io::Error,
    },
    #[error("Node.js {found} is too old for the peer: install version 20 or later")]
    OldNode { found: String },
    #[error(
        "`npm install` failed with what it says above; it needs the package registry, and a C++ \
         compiler where no prebuilt better-sqlite3 fits"
    )]
    NoPackages,
    #[error("{who} failed at `{work}`; what it said is above")]
    Broken { who: &'static str, work: String },
    #[error("{who} answered `{work}` with something else than a measurement")]
    Unreadable {
        who: &'static str,
        work: String,
        source: serde_json::Error,
    },
    #[error("bare SQLite")]
    Sqlite(#[from] sqlite_database::rusqlite::Error),
}
