//! Why a fake server could not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a fake server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is taken or not one of this machine.
    #[error("listen on {address}: refused; port 0 takes any free one")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The folder of recorded responses cannot be read.
    #[error("read recorded responses in {dir}: failed", dir = dir.display())]
    Recordings {
        /// The folder asked for.
        dir: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The folder can be read, but none of its files is a response of the API.
    #[error(
        "read recorded responses in {dir}: no *.json below it holds an envelope with \
         status_code and results; name another folder, or none for the invented catalogue",
        dir = dir.display()
    )]
    NoRecordings {
        /// The folder asked for.
        dir: PathBuf,
    },
}
