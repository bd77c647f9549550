//! How a run ends badly: one message, its causes once each, what to do about it, and the exit
//! status.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::process::ExitCode;

use comicvine_client::{InvalidApiKey, InvalidId, InvalidQuery, LimitReason};

use crate::output::remark;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was asked for wrongly.
    Usage(String),
    /// A setting or an argument is unusable, for the reason that the error gives.
    Setting(Cause),
    /// It could not be done.
    Failed(Cause),
    /// It was done, and the result is not what it should be.
    Unmet(String),
    /// The reader of the output has gone away.
    Unread,
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

/// An error, and what can be done about it where its own text does not say.
#[derive(Debug)]
pub(crate) struct Cause {
    error: Box<dyn StdError + Send + Sync>,
    help: Option<&'static str>,
}

impl Failure {
    /// What shells expect of a program that SIGINT ended.
    const INTERRUPTED: u8 = 130;

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::Usage(message.to_string())
    }

    pub(crate) fn setting(error: impl StdError + Send + Sync + 'static) -> Self {
        Self::Setting(Cause::new(error))
    }

    pub(crate) fn failed(error: impl StdError + Send + Sync + 'static) -> Self {
        Self::Failed(Cause::new(error))
    }

    /// Adds what to do about it.
    pub(crate) fn with_help(mut self, help: &'static str) -> Self {
        if let Self::Setting(cause) | Self::Failed(cause) = &mut self {
            cause.help = Some(help);
        }
        self
    }

    /// Prints what went wrong and returns the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        if let Some(message) = self.message() {
            remark(&message);
        }
        ExitCode::from(self.status())
    }

    fn message(&self) -> Option<String> {
        match self {
            Self::Usage(message) | Self::Unmet(message) => Some(format!("error: {message}")),
            Self::Setting(cause) | Self::Failed(cause) => Some(cause.to_string()),
            Self::Unread | Self::Interrupted => None,
        }
    }

    fn status(&self) -> u8 {
        match self {
            Self::Unread => 0,
            Self::Failed(_) | Self::Unmet(_) => 1,
            Self::Usage(_) | Self::Setting(_) => 2,
            Self::Interrupted => Self::INTERRUPTED,
        }
    }
}

impl Cause {
    fn new(error: impl StdError + Send + Sync + 'static) -> Self {
        Self {
            error: Box::new(error),
            help: None,
        }
    }
}

impl fmt::Display for Cause {
    /// The error, its causes and the help, each on its own line. Some errors repeat what they are
    /// caused by; here everything is said once.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.error.to_string();
        write!(f, "error: {said}")?;
        let mut next = self.error.source();
        while let Some(error) = next {
            let text = error.to_string();
            if !said.contains(&text) {
                write!(f, "\n  because: {text}")?;
                said.push_str(&text);
            }
            next = error.source();
        }
        match self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl From<comicvine_client::Error> for Failure {
    fn from(error: comicvine_client::Error) -> Self {
        let help = help(&error);
        let failure = if matches!(error, comicvine_client::Error::InvalidInput { .. }) {
            Self::setting(error)
        } else {
            Self::failed(error)
        };
        match help {
            Some(help) => failure.with_help(help),
            None => failure,
        }
    }
}

/// What somebody at a shell can do about an error of the client.
fn help(error: &comicvine_client::Error) -> Option<&'static str> {
    use comicvine_client::Error;

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other errors say themselves what to do"
    )]
    match error {
        Error::RateLimited { reason, .. } => Some(match reason {
            LimitReason::Reserved | LimitReason::Paused => {
                "wait longer with --max-wait, or ask with --priority user"
            }
            LimitReason::Cooldown | LimitReason::Api => {
                "leave the key alone until then; what is in the cache is still answered"
            }
            _ => "wait longer with --max-wait; `comicvine budget` shows what is left",
        }),
        Error::Blocked { .. } => Some(
            "stop everything else that uses the key, too; what is in the cache is still answered",
        ),
        Error::NotFound { .. } => {
            Some("find its id with `comicvine search` or `comicvine list --filter name:…`")
        }
        Error::Timeout { .. } => Some("try again, or allow more time with --max-wait"),
        Error::Transport { .. } => {
            Some("check the network, and --base-url if it is set; try again")
        }
        Error::Decode { .. } => Some("check that --base-url leads to the API; try again"),
        Error::Store { .. } => {
            Some("check the database file or the table, or name another with --db or --store")
        }
        _ => None,
    }
}

impl From<store_core::Error> for Failure {
    fn from(error: store_core::Error) -> Self {
        Self::failed(error)
    }
}

impl From<InvalidApiKey> for Failure {
    fn from(error: InvalidApiKey) -> Self {
        Self::setting(error)
            .with_help("or name a file that holds the key, and nothing else, with --api-key-file")
    }
}

impl From<InvalidId> for Failure {
    fn from(error: InvalidId) -> Self {
        Self::setting(error)
    }
}

impl From<InvalidQuery> for Failure {
    fn from(error: InvalidQuery) -> Self {
        Self::setting(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Unread
        } else {
            Self::failed(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("cannot do it")
        }
    }

    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn causes_and_help_are_told_once_each() {
        let failure =
            Failure::setting(Outer(io::Error::other("the disk is full"))).with_help("free some");
        assert_eq!(
            failure.message().unwrap(),
            "error: cannot do it\n  because: the disk is full\n  help: free some"
        );
        let failure = Failure::failed(io::Error::other(Outer(io::Error::other("it"))));
        assert_eq!(failure.message().unwrap(), "error: cannot do it");
    }

    #[test]
    fn reader_that_has_seen_enough_is_no_error() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.message(), failure.status()), (None, 0));
    }

    #[test]
    fn wrong_requests_and_bad_days_have_statuses_of_their_own() {
        let status = |error: comicvine_client::Error| Failure::from(error).status();
        assert_eq!(status(comicvine_client::Error::InvalidKey), 1);
        let wrong = "x".parse::<comicvine_client::Sort>().unwrap();
        let wrong = wrong
            .check(comicvine_client::ResourceKind::Issue)
            .unwrap_err();
        assert_eq!(Failure::from(wrong.clone()).status(), 2);
        assert_eq!(status(wrong.into()), 2);
    }
}
