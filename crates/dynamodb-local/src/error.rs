//! Errors of the emulator.

use std::io;
use std::path::PathBuf;

/// Error of building, starting or using the emulator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The emulator could not be built.
    #[error(
        "cannot build the emulator in {folder}; try `cargo build --manifest-path {folder}/Cargo.toml`"
    )]
    Build {
        /// Folder of its sources.
        folder: PathBuf,
        /// Why cargo did not start; `None` if the build failed.
        source: Option<io::Error>,
    },
    /// The emulator did not start.
    #[error("the emulator {program} does not start")]
    Start {
        /// Path of the program.
        program: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The emulator printed an unexpected line.
    #[error("the emulator printed {output:?} instead of {expected}")]
    Unexpected {
        /// The line, or the error of reading it.
        output: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The shared server of [`endpoint`](crate::endpoint) failed to start on the first call.
    #[error("{0}")]
    Shared(String),
}
