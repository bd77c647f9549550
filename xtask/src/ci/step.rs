//! The steps and the command behind each.

use clap::ValueEnum;

use crate::cargo::Cargo;
use crate::error::Error;
use crate::repository::Repository;
use crate::tidy;

use super::test_command;

/// One step, in the order of a full run: what is quick and fails often comes first.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Step {
    /// The formatting is rustfmt's.
    Fmt,
    /// No lint speaks, in code or tests.
    Clippy,
    /// The documentation builds without a warning.
    Doc,
    /// The house rules hold; the same as `cargo xtask tidy`.
    Tidy,
    /// The server that tests of DynamoDB run against builds; here, so that its time shows.
    Emulator,
    /// The tests pass, by the very command that the README tells its readers.
    Test,
    /// The demonstration runs from start to end.
    Demo,
}

impl Step {
    /// As written on the command line.
    pub(crate) fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    pub(crate) fn run(self, repository: &Repository) -> Result<(), Error> {
        let cargo = |arguments: &[&str]| Cargo::new(repository, arguments);
        match self {
            Self::Fmt => cargo(&["fmt", "--all", "--check"]).run(),
            Self::Clippy => cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ])
            .run(),
            Self::Doc => cargo(&["doc", "--workspace", "--no-deps", "--locked"])
                .env("RUSTDOCFLAGS", "-D warnings")
                .run(),
            Self::Tidy => tidy::run(repository),
            Self::Emulator => dynamodb_local::build().map(drop).map_err(Error::from),
            Self::Test => {
                let command = test_command::read(repository)?;
                let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
                cargo(&arguments).run()
            }
            Self::Demo => cargo(&[
                "run",
                "--release",
                "--locked",
                "-p",
                "comicvine-cli",
                "--",
                "demo",
            ])
            .run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_called_by_its_name() {
        for step in Step::value_variants() {
            assert_eq!(Step::from_str(&step.name(), false), Ok(*step));
        }
    }
}
