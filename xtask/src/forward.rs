//! Chores that are programs of their own: cargo builds and starts them, with the arguments that the
//! chore was given, where it was called.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cargo::Cargo;
use crate::error::Error;
use crate::repository::Repository;

/// The arguments after the chore's name.
#[derive(Debug, clap::Args)]
pub(crate) struct Rest {
    /// Arguments of the program; `--help` lists them.
    #[arg(
        value_name = "ARGS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) arguments: Vec<OsString>,
}

/// A program that a chore forwards to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Program {
    Migrate,
    SetupDynamo,
    DynamoDbLocal,
    Soak,
    Bench,
}

const MANIFEST: &str = "Cargo.toml";
/// A workspace of its own, so that the other one compiles no benchmark.
const BENCH_MANIFEST: &str = "tools/bench/Cargo.toml";

impl Program {
    /// Runs the program to its end and hands on its exit status.
    pub(crate) fn run(self, repository: &Repository, rest: Rest) -> Result<ExitCode, Error> {
        Cargo::forward(&self.command(repository, rest.arguments)).hand_on()
    }

    /// The arguments for cargo.
    fn command(self, repository: &Repository, arguments: Vec<OsString>) -> Vec<OsString> {
        // By its manifest, so that the program runs in the caller's directory.
        let manifest = match self {
            Self::Bench => BENCH_MANIFEST,
            Self::Migrate | Self::SetupDynamo | Self::DynamoDbLocal | Self::Soak => MANIFEST,
        };
        let mut command: Vec<OsString> = ["run", "--quiet", "--manifest-path"]
            .map(OsString::from)
            .to_vec();
        command.push(repository.root().join(manifest).into());
        let words: &[&str] = match self {
            Self::Migrate => &["--package", "comicvine-cli", "--", "db"],
            Self::SetupDynamo => &["--package", "comicvine-cli", "--", "table", "setup"],
            Self::DynamoDbLocal => &["--package", "dynamodb-local", "--"],
            Self::Soak => &["--package", "soak", "--"],
            // Figures want a build for release.
            Self::Bench => &["--release", "--"],
        };
        command.extend(words.iter().map(OsString::from));
        match self {
            Self::Migrate => command.extend(migrate(arguments)),
            Self::SetupDynamo | Self::DynamoDbLocal | Self::Soak | Self::Bench => {
                command.extend(arguments);
            }
        }
        command
    }
}

/// Arguments of `migrate sqlite --database PATH …`, as `comicvine db` takes them. Without an action it
/// is `up`.
fn migrate(arguments: Vec<OsString>) -> impl Iterator<Item = OsString> {
    const ACTIONS: [&str; 7] = ["status", "plan", "up", "down", "help", "--help", "-h"];
    let is_action = |word: &OsString| ACTIONS.iter().any(|action| word == action);
    let action = (!arguments.iter().any(is_action)).then(|| "up".into());
    let backend = usize::from(arguments.first().is_some_and(|first| first == "sqlite"));
    let rest = arguments.into_iter().skip(backend).map(|argument| {
        let text = argument.to_str();
        match text.and_then(|text| text.strip_prefix("--database")) {
            Some("") => "--db".into(),
            Some(value) if value.starts_with('=') => format!("--db{value}").into(),
            Some(_) | None => argument,
        }
    });
    rest.chain(action)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cargo is to run, without the manifest's path.
    fn command(program: Program, arguments: &[&str]) -> String {
        let repository = Repository::locate().unwrap();
        let arguments = arguments.iter().map(OsString::from).collect();
        let command = program.command(&repository, arguments);
        let manifest = command[3].to_str().unwrap();
        assert!(manifest.ends_with("Cargo.toml"), "{manifest}");
        let words: Vec<&str> = command.iter().map(|word| word.to_str().unwrap()).collect();
        words[4..].join("|")
    }

    #[test]
    fn arguments_are_passed_on_as_they_are() {
        let odd = ["--help", "a b", "", "--", "-x=$y"];
        let passed = "--help|a b||--|-x=$y";
        for (program, begin) in [
            (Program::Soak, "--package|soak|--"),
            (Program::Bench, "--release|--"),
            (Program::DynamoDbLocal, "--package|dynamodb-local|--"),
            (
                Program::SetupDynamo,
                "--package|comicvine-cli|--|table|setup",
            ),
            (Program::Migrate, "--package|comicvine-cli|--|db"),
        ] {
            assert_eq!(command(program, &odd), format!("{begin}|{passed}"));
        }
    }

    #[test]
    fn a_migration_may_be_written_as_before() {
        let begin = "--package|comicvine-cli|--|db|";
        for (old, new) in [
            (
                &["sqlite", "--database", "comics.db", "plan"][..],
                "--db|comics.db|plan",
            ),
            (
                &["--database=sqlite", "down", "1", "--yes"],
                "--db=sqlite|down|1|--yes",
            ),
            (&["plan", "--db", "sqlite"], "plan|--db|sqlite"),
            (&["sqlite", "--database", "a.db"], "--db|a.db|up"),
            (&["--help"], "--help"),
        ] {
            assert_eq!(command(Program::Migrate, old), format!("{begin}{new}"));
        }
    }
}
