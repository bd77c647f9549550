//! The repository's chores, run as `cargo xtask <chore>`.
//!
//! A new chore is a file of its own, one arm of [`Chore`] and one of [`Chore::run`]. What needs a store
//! is a program of its own, to which a chore only forwards. Nothing here goes through a shell:
//! programs are started with their arguments as a list.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its standard streams"
)]

mod cargo;
mod ci;
mod error;
mod features;
mod finding;
mod forward;
mod markdown;
mod metadata;
mod repository;
mod rust;
mod tidy;
mod tree;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::error::{Chain, Error};
use crate::forward::{Program, Rest};
use crate::repository::Repository;

/// This repository's chores.
///
/// Start with `cargo xtask ci`: it is everything that is checked before a change is accepted.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Check everything that is checked before a change is accepted.
    Ci(ci::Args),
    /// Check the house rules that no compiler knows: edges, file sizes, docs that name real things.
    Tidy,
    /// Write docs/features.md from the feature rows and the tests that cover them.
    Features(features::Args),
    /// Bring a database's schema up to date, look at it, or go back: `comicvine db`.
    #[command(disable_help_flag = true)]
    Migrate(Rest),
    /// Create the DynamoDB table that the stores need, or verify it: `comicvine table setup`.
    #[command(disable_help_flag = true)]
    SetupDynamo(Rest),
    /// Start a server that speaks DynamoDB on this machine, for development.
    #[command(disable_help_flag = true)]
    DynamodbLocal(Rest),
    /// Let real processes work against each other for a while, and check what they did.
    #[command(disable_help_flag = true)]
    Soak(Rest),
    /// Measure how fast the stores are.
    #[command(disable_help_flag = true)]
    Bench(Rest),
}

impl Chore {
    fn run(self, repository: &Repository) -> Result<(), Error> {
        let forward = |program: Program, rest: Rest| Err(program.exec(repository, rest));
        match self {
            Self::Ci(args) => ci::run(repository, &chore_names(), &args),
            Self::Tidy => tidy::run(repository, &chore_names()),
            Self::Features(args) => features::run(repository, &args),
            Self::Migrate(rest) => forward(Program::Migrate, rest),
            Self::SetupDynamo(rest) => forward(Program::SetupDynamo, rest),
            Self::DynamodbLocal(rest) => forward(Program::DynamoDbLocal, rest),
            Self::Soak(rest) => forward(Program::Soak, rest),
            Self::Bench(rest) => forward(Program::Bench, rest),
        }
    }
}

/// The chores' names, for pages that mention them.
fn chore_names() -> Vec<String> {
    Cli::command()
        .get_subcommands()
        .map(|chore| chore.get_name().to_owned())
        .collect()
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match Repository::locate().and_then(|repository| cli.chore.run(&repository)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", Chain(&error));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_a_program_are_left_to_it() {
        let words = ["cargo xtask", "soak", "--help", "window", "--", "-x"];
        let Ok(Cli {
            chore: Chore::Soak(rest),
        }) = Cli::try_parse_from(words)
        else {
            panic!("{words:?}");
        };
        assert_eq!(rest.arguments, words[2..]);
    }
    /// The commands in a page's blocks, without what the shell makes of them.
    fn commands(page: &str) -> impl Iterator<Item = Vec<&str>> {
        let lines = page.lines().filter(|line| line.starts_with("cargo xtask "));
        lines.map(|line| {
            let command = line.split(['#', '>']).next().unwrap_or_default();
            let words = command.split_whitespace().skip(2);
            std::iter::once("cargo xtask").chain(words).collect()
        })
    }

    /// Arguments of a program that a chore forwards to are for its own tests.
    #[test]
    fn the_commands_that_pages_show_are_understood() {
        let pages = [
            include_str!("../../docs/benchmarks.md"),
            include_str!("../../docs/dynamodb.md"),
            include_str!("../../docs/operations.md"),
            include_str!("../../docs/testing.md"),
        ];
        let shown: Vec<_> = pages.into_iter().flat_map(commands).collect();
        assert!(shown.len() >= 5, "{shown:?}");
        for words in shown {
            if let Err(refused) = Cli::try_parse_from(&words) {
                panic!("{words:?}: {refused}");
            }
        }
    }
}
