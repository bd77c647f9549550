//! Cargo, started from a program that cargo itself has started.

use std::env;
use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::repository::Repository;

/// Variables that `cargo run` sets for this process. Build scripts watch some of them, so passing
/// them on would rebuild crates each time one changes between `cargo` and `cargo xtask`.
const INHERITED: [&str; 3] = ["CARGO_BIN_", "CARGO_MANIFEST_", "CARGO_PKG_"];

/// One cargo command.
#[derive(Debug)]
pub(crate) struct Cargo {
    command: Command,
    shown: String,
}

impl Cargo {
    /// A command in the repository's root, without standard input.
    pub(crate) fn new(repository: &Repository, arguments: &[&str]) -> Self {
        let mut command = cargo();
        command
            .args(arguments)
            .current_dir(repository.root())
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        Self {
            command,
            shown: format!("cargo {}", arguments.join(" ")),
        }
    }

    /// A command in the caller's directory, with the caller's standard input.
    pub(crate) fn forward(arguments: &[OsString]) -> Self {
        let mut command = cargo();
        command.args(arguments);
        let words = arguments.iter().map(|word| word.to_string_lossy());
        Self {
            command,
            shown: format!("cargo {}", words.collect::<Vec<_>>().join(" ")),
        }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self.shown = format!("{name}=\"{value}\" {}", self.shown);
        self
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Drops what it writes to standard error.
    pub(crate) fn quiet(mut self) -> Self {
        self.command.stderr(Stdio::null());
        self
    }

    /// Runs to the end, with the output going where ours goes.
    pub(crate) fn run(mut self) -> Result<(), Error> {
        println!("$ {}", self.shown);
        let status = self.command.status().map_err(|source| Error::Start {
            command: self.shown.clone(),
            source,
        })?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Failed {
            command: self.shown,
            status,
        })
    }

    /// Runs in place of this process, so that signals reach it and its exit status is ours. Returns only
    /// if it cannot be started.
    pub(crate) fn exec(mut self) -> Error {
        #[cfg(unix)]
        let source = std::os::unix::process::CommandExt::exec(&mut self.command);
        #[cfg(not(unix))]
        let source = match self.command.status() {
            Ok(status) => std::process::exit(status.code().unwrap_or(1)),
            Err(source) => source,
        };
        Error::Start {
            command: self.shown,
            source,
        }
    }

    /// Runs to the end and returns what it wrote to standard output.
    pub(crate) fn output(mut self) -> Result<Vec<u8>, Error> {
        let output = self.command.output().map_err(|source| Error::Start {
            command: self.shown.clone(),
            source,
        })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(Error::Failed {
            command: self.shown,
            status: output.status,
        })
    }
}

/// The very cargo that runs us, so that a `+toolchain` on the command line holds.
fn cargo() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let shown = name.to_string_lossy();
        if INHERITED.iter().any(|prefix| shown.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let repository = Repository::locate().unwrap();
        let cargo = Cargo::new(&repository, &["no-such-command"]).quiet();
        let error = cargo.run().unwrap_err().to_string();
        assert!(error.contains("cargo no-such-command"), "{error}");
    }

    #[test]
    fn a_command_that_succeeds_hands_over_its_output() {
        let repository = Repository::locate().unwrap();
        let version = Cargo::new(&repository, &["--version"]).output().unwrap();
        assert!(version.starts_with(b"cargo "));
    }
}
