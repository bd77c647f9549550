//! Why there is no server.

use std::io;
use std::path::PathBuf;

/// Why a server could not be started or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The emulator's sources could not be built.
    #[error(
        "cannot build the emulator in {folder}; try `cargo build --manifest-path {folder}/Cargo.toml`"
    )]
    Build {
        /// Where they are.
        folder: PathBuf,
        /// What went wrong, if cargo itself did not start.
        source: Option<io::Error>,
    },
    /// The emulator did not start.
    #[error("the emulator {program} does not start")]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The emulator said something else than was expected.
    #[error("the emulator said {said:?} instead of {expected}")]
    Unexpected {
        /// What it said.
        said: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The server that tests share failed to start when it was first asked for.
    #[error("{0}")]
    Shared(String),
}
