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
    #[error("cannot read the token file {}", path.display())]
    ReadToken { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Usage(String),
    #[error(
        "cannot listen on {address}; is another program listening there? Choose another with {option}"
    )]
    Listen {
        address: SocketAddr,
        option: &'static str,
        source: io::Error,
    },
    #[error("cannot read {}; it must be a file in PEM", path.display())]
    ReadPem {
        path: PathBuf,
        source: rustls::pki_types::pem::Error,
    },
    #[error(
        "cannot use the certificate {}; name its key with tls-key, which {} may not be", path.display(), key.display()
    )]
    Certificate {
        path: PathBuf,
        key: PathBuf,
        source: rustls::Error,
    },
    #[error("cannot set up TLS to the origin")]
    Tls(#[source] rustls::Error),
    #[error("cannot set up metrics")]
    Metrics(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("cannot wait for signals")]
    Signals(#[source] io::Error),
    #[error(
        "the folder {} does not exist; create it, or name another file with --db", folder.display()
    )]
    NoFolder { folder: PathBuf },
    #[error("cannot open the cache file {}", path.display())]
    OpenStore {
        path: PathBuf,
        source: Box<http_cache_db::Error>,
    },
    #[error("{} does not exist; look at the path after --db", path.display())]
    NoFile { path: PathBuf },
    #[error("{}", path.display())]
    Store {
        path: PathBuf,
        source: Box<http_cache_db::Error>,
    },
    #[error("{}", path.display())]
    Database {
        path: PathBuf,
        source: http_cache_db::sqlite_database::Error,
    },
    #[error("{0}")]
    Failed(String),
    #[error("cannot read standard input")]
    Input(#[source] io::Error),
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    #[error("cannot write the last counts of uses to the cache file")]
    Close(#[source] Box<http_cache_db::Error>),
}

impl Error {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::ReadConfig { .. }
            | Self::ParseConfig { .. }
            | Self::ReadPem { .. }
            | Self::Certificate { .. }
            | Self::ReadToken { .. }
            | Self::Usage(_) => ExitCode::from(2),
            Self::Listen { .. }
            | Self::Tls(_)
            | Self::Metrics(_)
            | Self::Signals(_)
            | Self::NoFolder { .. }
            | Self::OpenStore { .. }
            | Self::NoFile { .. }
            | Self::Store { .. }
            | Self::Database { .. }
            | Self::Failed(_)
            | Self::Input(_)
            | Self::Output(_)
            | Self::Close(_) => ExitCode::FAILURE,
        }
    }
}
