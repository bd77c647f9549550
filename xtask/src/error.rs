//! What can stop a chore.
//!
//! `Display` never prints a source; [`Chain`] prints the whole chain, once, in `main`.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitStatus;

/// Why a chore did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{action} {path}")]
    File {
        action: &'static str,
        path: String,
        source: io::Error,
    },
    #[error("start `{command}`")]
    Start { command: String, source: io::Error },
    #[error("`{command}` failed with {status}")]
    Failed { command: String, status: ExitStatus },
    #[error("read the answer of `cargo metadata`")]
    Metadata { source: serde_json::Error },
    #[error("parse {path}")]
    Toml {
        path: &'static str,
        source: toml::de::Error,
    },
    #[error("find the repository: no Cargo.toml with [workspace] at or above {from}")]
    NoRepository { from: String },
    #[error(
        "{path} names no test command: write `cargo test --workspace` on a line of a code block"
    )]
    NoTestCommand { path: &'static str },
    #[error("{count} finding(s), listed above")]
    Untidy { count: usize },
    #[error("step `{step}` failed; again with `cargo xtask ci {step}`")]
    Step { step: String, source: Box<Error> },
    #[error("start the async runtime")]
    Runtime { source: io::Error },
    #[error(transparent)]
    Database(#[from] sqlite_database::Error),
    #[error(transparent)]
    Store(#[from] store_core::Error),
    #[error("{path} does not exist; `up --create` makes a new database")]
    NoDatabase { path: String },
    #[error(
        "migration {version} of {component} was applied {how}; use the program that wrote the file"
    )]
    ForeignMigration {
        component: &'static str,
        version: i64,
        how: &'static str,
    },
    #[error(
        "going back may lose {rows} row(s), listed above; nothing was done, add --yes to do it"
    )]
    WouldLose { rows: u64 },
    #[error("worker {number}: {what}")]
    Worker {
        number: usize,
        what: &'static str,
        source: io::Error,
    },
    #[error("worker {number} ended with {status}; what it said is above")]
    WorkerEnded { number: usize, status: ExitStatus },
    #[error("a task of this worker was lost")]
    LostTask { source: tokio::task::JoinError },
    #[error("talk to the process that started this one; workers are not started by hand")]
    NoForeman { source: io::Error },
    #[error("{failed} of {runs} run(s) failed, marked above")]
    Soak { failed: usize, runs: usize },
    #[error(transparent)]
    TableSetup(#[from] store_dynamodb::setup::SetupError),
    #[error(transparent)]
    Emulator(#[from] dynamodb_local::Error),
    #[error(transparent)]
    Bench(#[from] crate::bench::Failure),
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

/// Shows an error and everything that caused it on one line.
#[derive(Debug)]
pub(crate) struct Chain<'a>(pub(crate) &'a dyn StdError);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_names_each_cause_once() {
        let error = Error::Step {
            step: "tidy".to_owned(),
            source: Box::new(Error::File {
                action: "read",
                path: "README.md".to_owned(),
                source: io::Error::other("disk on fire"),
            }),
        };
        assert_eq!(
            Chain(&error).to_string(),
            "step `tidy` failed; again with `cargo xtask ci tidy`: read README.md: disk on fire"
        );
    }
}
