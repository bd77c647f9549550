//! How a run ends badly: one message, its causes once each, and the exit status.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::process::ExitCode;

use comicvine_client::{InvalidApiKey, InvalidId, InvalidQuery};
use store_core::ErrorKind;

use crate::output::remark;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was asked for wrongly.
    Usage(String),
    /// A setting is unusable, for the reason that the error gives.
    Setting(Box<dyn StdError + Send + Sync>),
    /// It could not be done.
    Failed(Box<dyn StdError + Send + Sync>),
    /// It was done, and the result is not what it should be.
    Unmet(String),
    /// The reader of the output has gone away.
    Unread,
}

impl Failure {
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::Usage(message.to_string())
    }

    pub(crate) fn failed(error: impl StdError + Send + Sync + 'static) -> Self {
        Self::Failed(error.into())
    }

    /// Prints what went wrong and returns the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Usage(message) => {
                remark(&format!("error: {message}"));
                ExitCode::from(2)
            }
            Self::Setting(error) => {
                remark(&chain(&**error));
                ExitCode::from(2)
            }
            Self::Failed(error) => {
                remark(&chain(&**error));
                ExitCode::FAILURE
            }
            Self::Unmet(message) => {
                remark(&format!("error: {message}"));
                ExitCode::FAILURE
            }
            Self::Unread => ExitCode::SUCCESS,
        }
    }
}

/// An error and its causes, each on its own line.
fn chain(error: &dyn StdError) -> String {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}\n  because: {error}");
        cause = error.source();
    }
    text
}

impl From<comicvine_client::Error> for Failure {
    fn from(error: comicvine_client::Error) -> Self {
        if matches!(error, comicvine_client::Error::InvalidInput { .. }) {
            Self::Setting(error.into())
        } else {
            Self::Failed(error.into())
        }
    }
}

impl From<store_core::Error> for Failure {
    /// A database that cannot be used is a setting to change; anything else may pass.
    fn from(error: store_core::Error) -> Self {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a kind that is not known to be a setting's fault may pass"
        )]
        match error.kind() {
            ErrorKind::Unavailable
            | ErrorKind::Corrupt
            | ErrorKind::SchemaNewer
            | ErrorKind::SchemaMissing
            | ErrorKind::ReadOnly
            | ErrorKind::InvalidInput => Self::Setting(error.into()),
            _ => Self::Failed(error.into()),
        }
    }
}

impl From<InvalidApiKey> for Failure {
    fn from(error: InvalidApiKey) -> Self {
        Self::Setting(error.into())
    }
}

impl From<InvalidId> for Failure {
    fn from(error: InvalidId) -> Self {
        Self::Setting(error.into())
    }
}

impl From<InvalidQuery> for Failure {
    fn from(error: InvalidQuery) -> Self {
        Self::Setting(error.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Unread
        } else {
            Self::Failed(error.into())
        }
    }
}
