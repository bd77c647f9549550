//! The error of starting a fake server.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The error of starting a fake server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be bound: it is in use, or not an address of this machine.
    #[error("listen on {address}: failed; port 0 picks a free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// The folder of recorded responses cannot be read.
    #[error("read recorded responses in {dir}: failed", dir = dir.display())]
    Recordings {
        /// The folder.
        dir: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// No file in the folder is a recorded response of the API.
    #[error(
        "read recorded responses in {dir}: no *.json below it holds an envelope with \
         status_code and results; name another folder, or none for the generated catalogue",
        dir = dir.display()
    )]
    NoRecordings {
        /// The folder.
        dir: PathBuf,
    },
}
