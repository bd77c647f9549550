//! What ends the program.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read the config file {}", path.display())]
    ReadConfig { path: PathBuf, source: io::Error },
    #[error("the config file {} is not valid", path.display())]
    ParseConfig {
        path: PathBuf,
        source: toml::de::Error,
    },
    #[error("{0}")]
    Usage(String),
    #[error(
        "cannot listen on {address}; is another program listening there? Choose another with --listen"
    )]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("cannot set up TLS to the origin")]
    Tls(#[source] rustls::Error),
    #[error("cannot wait for signals")]
    Signals(#[source] io::Error),
}

impl Error {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::ReadConfig { .. } | Self::ParseConfig { .. } | Self::Usage(_) => {
                ExitCode::from(2)
            }
            Self::Listen { .. } | Self::Tls(_) | Self::Signals(_) => ExitCode::FAILURE,
        }
    }
}
