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
    #[error("{path} has no code block with a line that begins with `{begin}`")]
    NoCommand {
        path: &'static str,
        begin: &'static str,
    },
    #[error("{program} printed no address")]
    NoAddress { program: &'static str },
    #[error("the suite printed no results: {detail}")]
    NoResults { detail: String },
    #[error("{count} test(s) that passed before did not pass, listed above")]
    Lost { count: usize },
    #[error("{count} finding(s), listed above")]
    Untidy { count: usize },
    #[error("step `{step}` failed; again with `cargo xtask ci {step}`")]
    Step { step: String, source: Box<Error> },
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
