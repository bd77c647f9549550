//! The config file and the certificate, read again on SIGHUP.

use crate::args::Arguments;
use crate::config::Config;
use crate::error::Error;

/// The settings that the process began with, and where to read them again.
#[derive(Debug)]
pub(crate) struct Reload {
    arguments: Arguments,
    began_with: Config,
}

impl Reload {
    pub(crate) const fn new(arguments: Arguments, began_with: Config) -> Self {
        Self {
            arguments,
            began_with,
        }
    }

    /// Whether there is something to read again.
    pub(crate) fn is_possible(&self) -> bool {
        let has_file = self.arguments.file().is_some() || self.arguments.has_token_file();
        has_file || self.began_with.tls.is_some()
    }

    /// The settings as they are now, and the names of those that have changed and need a restart.
    pub(crate) fn read(&self) -> Result<(Config, Vec<&'static str>), Error> {
        let config = self.arguments.config()?;
        let fixed = config.fixed_differences(&self.began_with);
        Ok((config, fixed))
    }
}
