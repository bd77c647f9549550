//! The program's error: one message with each cause once, a help text, and the exit status.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::process::ExitCode;

use comicvine_client::{Field, InvalidApiKey, InvalidId, InvalidQuery, LimitReason, TimeLimit};
use store_core::{Clock, SystemClock};

use crate::names::{did_you_mean, nearest};
use crate::output::{local_time, print_notice};

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line is wrong.
    Usage(String),
    /// A setting or an argument is unusable.
    Config(Cause),
    /// The command failed.
    Failed(Cause),
    /// The command ran, and its result is negative: a check found faults, a key is not stored.
    CheckFailed(String),
    /// The reader of standard output has gone away.
    BrokenPipe,
    /// A signal asked the program to end.
    Stopped { status: u8 },
}

/// The error behind a failed command, with help where its own text has none.
#[derive(Debug)]
pub(crate) struct Cause {
    error: Box<dyn StdError + Send + Sync>,
    /// The error's text, if it is not its own.
    text: Option<String>,
    help: Option<Cow<'static, str>>,
}

impl Error {
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::Usage(message.to_string())
    }

    pub(crate) fn config(error: impl StdError + Send + Sync + 'static) -> Self {
        Self::Config(Cause::new(error))
    }

    pub(crate) fn failed(error: impl StdError + Send + Sync + 'static) -> Self {
        Self::Failed(Cause::new(error))
    }

    /// The error of a build without the feature `dynamodb`.
    #[cfg(not(feature = "dynamodb"))]
    pub(crate) fn without_dynamodb(what: &str) -> Self {
        Self::Usage(format!(
            "{what}: this program was built without DynamoDB; build it with the feature `dynamodb`, which \
             is on by default"
        ))
    }

    /// Adds what the user can do about it.
    pub(crate) fn with_help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        if let Self::Config(cause) | Self::Failed(cause) = &mut self {
            cause.help = Some(help.into());
        }
        self
    }

    /// Prints the error and returns the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        if let Some(message) = self.message() {
            print_notice(&message);
        }
        ExitCode::from(self.status())
    }

    /// The text that is printed, if any.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Usage(message) | Self::CheckFailed(message) => Some(format!("error: {message}")),
            Self::Config(cause) | Self::Failed(cause) => Some(cause.to_string()),
            Self::BrokenPipe | Self::Stopped { .. } => None,
        }
    }

    fn status(&self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::Failed(_) | Self::CheckFailed(_) => 1,
            Self::Usage(_) | Self::Config(_) => 2,
            Self::Stopped { status } => *status,
        }
    }
}

impl Cause {
    fn new(error: impl StdError + Send + Sync + 'static) -> Self {
        Self {
            error: Box::new(error),
            text: None,
            help: None,
        }
    }
}

impl fmt::Display for Cause {
    /// The error, its causes and the help, a line each. A cause whose text the error already contains
    /// is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = || self.error.to_string();
        let mut shown = self.text.clone().unwrap_or_else(own);
        write!(f, "error: {shown}")?;
        let mut next = self.error.source();
        while let Some(error) = next {
            let text = error.to_string();
            if !shown.contains(&text) {
                write!(f, "\n  because: {text}")?;
                shown.push_str(&text);
            }
            next = error.source();
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl From<comicvine_client::Error> for Error {
    fn from(error: comicvine_client::Error) -> Self {
        let is_config = matches!(error, comicvine_client::Error::InvalidInput { .. });
        let cause = Cause {
            text: with_local_time(&error),
            help: help(&error).map(Cow::Borrowed),
            error: Box::new(error),
        };
        if is_config {
            Self::Config(cause)
        } else {
            Self::Failed(cause)
        }
    }
}

/// The text of an error that names a moment, which the client does in UTC.
fn with_local_time(error: &comicvine_client::Error) -> Option<String> {
    let at = error.retry_at()?;
    let local = local_time(at, SystemClock::new().now());
    Some(error.to_string().replace(&at.to_string(), &local))
}

/// Help for an error of the client.
fn help(error: &comicvine_client::Error) -> Option<&'static str> {
    use comicvine_client::Error;

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the texts of the other errors need no help"
    )]
    match error {
        Error::RateLimited { reason, .. } => Some(match reason {
            LimitReason::Reserved | LimitReason::Paused => {
                "wait longer with --max-wait, or use --priority user"
            }
            LimitReason::Cooldown | LimitReason::Api => {
                "do not use the key until then; answers in the cache are still shown"
            }
            _ => "wait longer with --max-wait; `comicvine budget` shows what is left",
        }),
        Error::Blocked { .. } => {
            Some("stop every other program that uses the key; answers in the cache are still shown")
        }
        Error::NotFound { .. } => Some(
            "find its id with `comicvine search NAME` or `comicvine list RESOURCE --filter name:NAME`",
        ),
        Error::Timeout { limit, .. } => Some(match limit {
            TimeLimit::MaxWait => "wait longer with --max-wait",
            _ => "allow one request more time with --timeout, or more retries with --max-wait",
        }),
        Error::Transport { .. } => {
            Some("check the network, and --base-url if it is set; try again")
        }
        Error::Incomplete { .. } => {
            Some("the rows so far were given; try again later, with --offset to go on behind them")
        }
        Error::WebPage { .. } | Error::Interrupted { .. } => {
            Some("answers in the cache are shown with --offline")
        }
        Error::Decode { .. } => Some("try again; if it stays so, check --base-url if it is set"),
        Error::NotCached { .. } => Some("ask the API for it, without --offline"),
        Error::Store { .. } => {
            Some("check the database file or the table, or name another with --db or --store")
        }
        _ => None,
    }
}

impl From<store_core::Error> for Error {
    fn from(error: store_core::Error) -> Self {
        Self::failed(error)
    }
}

impl From<sqlite_database::Error> for Error {
    fn from(error: sqlite_database::Error) -> Self {
        Self::failed(error)
    }
}

#[cfg(feature = "dynamodb")]
impl From<store_dynamodb::setup::SetupError> for Error {
    fn from(error: store_dynamodb::setup::SetupError) -> Self {
        if let store_dynamodb::setup::SetupError::Request(error) = error {
            Self::failed(error)
        } else {
            Self::failed(error)
        }
    }
}

impl From<InvalidApiKey> for Error {
    fn from(error: InvalidApiKey) -> Self {
        Self::config(error).with_help("or name a file that holds only the key with --api-key-file")
    }
}

impl From<InvalidId> for Error {
    fn from(error: InvalidId) -> Self {
        Self::config(error)
    }
}

impl From<InvalidQuery> for Error {
    fn from(error: InvalidQuery) -> Self {
        let meant = nearest_field(&error).map(did_you_mean);
        let error = Self::config(error);
        match meant {
            Some(meant) => error.with_help(meant),
            None => error,
        }
    }
}

/// The field that a misspelt one is nearest to.
fn nearest_field(error: &InvalidQuery) -> Option<&'static str> {
    let (InvalidQuery::NotFilterable { kind, field } | InvalidQuery::NotSortable { kind, field }) =
        error
    else {
        return None;
    };
    nearest(field, kind.fields().iter().map(Field::name)).filter(|name| name != field)
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::BrokenPipe
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
    fn causes_and_help_are_shown_once_each() {
        let error =
            Error::config(Outer(io::Error::other("the disk is full"))).with_help("free some");
        assert_eq!(
            error.message().unwrap(),
            "error: cannot do it\n  because: the disk is full\n  help: free some"
        );
        let error = Error::failed(io::Error::other(Outer(io::Error::other("it"))));
        assert_eq!(error.message().unwrap(), "error: cannot do it");
    }

    #[test]
    fn broken_pipe_is_no_error() {
        let error = Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((error.message(), error.status()), (None, 0));
    }

    #[test]
    fn usage_errors_and_failures_have_different_statuses() {
        let status = |error: comicvine_client::Error| Error::from(error).status();
        assert_eq!(status(comicvine_client::Error::InvalidKey), 1);
        let wrong = "x".parse::<comicvine_client::Sort>().unwrap();
        let wrong = wrong
            .check(comicvine_client::ResourceKind::Issue)
            .unwrap_err();
        assert_eq!(Error::from(wrong.clone()).status(), 2);
        assert_eq!(status(wrong.into()), 2);
    }
}
