//! Cargo, started from a program that cargo itself has started.

use std::env;
use std::process::{Command, Stdio};

use crate::error::Error;
use crate::repository::Repository;

/// Variables that `cargo run` sets for this process. Build scripts watch some of them, so passing
/// them on would rebuild crates each time one changes between `cargo` and `cargo xtask`.
const INHERITED: [&str; 3] = ["CARGO_BIN_", "CARGO_MANIFEST_", "CARGO_PKG_"];

/// One cargo command in the repository's root, without standard input.
#[derive(Debug)]
pub(crate) struct Cargo {
    command: Command,
    shown: String,
}

impl Cargo {
    pub(crate) fn new(repository: &Repository, arguments: &[&str]) -> Self {
        // The very cargo that runs us, so that a `+toolchain` on the command line holds.
        let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(repository.root())
            .stdin(Stdio::null());
        for (name, _) in env::vars_os() {
            let shown = name.to_string_lossy();
            if INHERITED.iter().any(|prefix| shown.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        Self {
            command,
            shown: format!("cargo {}", arguments.join(" ")),
        }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self.shown = format!("{name}=\"{value}\" {}", self.shown);
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

    /// Runs to the end and returns what it wrote to standard output.
    pub(crate) fn output(mut self) -> Result<Vec<u8>, Error> {
        let output = self
            .command
            .stderr(Stdio::inherit())
            .output()
            .map_err(|source| Error::Start {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let repository = Repository::locate().unwrap();
        let mut cargo = Cargo::new(&repository, &["no-such-command"]);
        cargo.command.stderr(Stdio::null());
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
