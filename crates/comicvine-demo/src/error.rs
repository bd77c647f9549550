//! The demo's error: a message with its causes, a help text, and the exit status.

use std::error::Error as StdError;
use std::io;
use std::process::ExitCode;

use store_core::ErrorChain;

use crate::output::print_notice;

/// Why the demo did not succeed.
///
/// It implements no `Error` trait, so that `?` converts every error into it.
#[derive(Debug)]
pub(crate) struct Error {
    /// `None` if there is nothing to report.
    pub(crate) message: Option<String>,
    status: u8,
}

impl Error {
    /// The command line is wrong.
    pub(crate) fn usage(message: &str) -> Self {
        Self {
            message: Some(message.to_owned()),
            status: 2,
        }
    }

    /// A setting is unusable.
    pub(crate) fn config(error: &(dyn StdError + 'static)) -> Self {
        Self::usage(&ErrorChain(error).to_string())
    }

    /// The demo failed, or a property was violated.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            status: 1,
        }
    }

    /// Ctrl-C.
    pub(crate) const fn interrupted() -> Self {
        Self {
            message: None,
            status: 130,
        }
    }

    /// Adds what the user can do about it.
    pub(crate) fn with_help(mut self, help: &str) -> Self {
        if let Some(message) = &mut self.message {
            message.push_str("\n  help: ");
            message.push_str(help);
        }
        self
    }

    /// Prints the error and returns the exit status.
    pub(crate) fn report(&self) -> ExitCode {
        if let Some(message) = &self.message {
            print_notice(&format!("error: {message}"));
        }
        ExitCode::from(self.status)
    }
}

impl<E: StdError + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let error: &(dyn StdError + 'static) = &error;
        let is_broken_pipe = error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        if is_broken_pipe {
            // The reader has gone away; that is not an error.
            return Self {
                message: None,
                status: 0,
            };
        }
        Self::failed(ErrorChain(error).to_string())
    }
}
