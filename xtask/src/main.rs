//! The repository's chores, run as `cargo xtask <chore>`.
//!
//! A new chore is a file of its own, one arm of [`Chore`] and one of [`Chore::run`]. Nothing here
//! goes through a shell: programs are started with their arguments as a list.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its standard streams"
)]

mod bench;
mod capacity;
mod cargo;
mod ci;
mod dynamodb_local;
mod error;
mod features;
mod finding;
mod migrate;
mod mutants;
mod repository;
mod runtime;
mod rust;
mod setup_dynamo;
mod soak;
mod table;
mod tidy;
mod tree;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::error::{Chain, Error};
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
    /// Bring a database's schema up to date, look at it, or go back.
    Migrate(migrate::Args),
    /// Create the DynamoDB table that the stores need, or verify the one that there is.
    SetupDynamo(setup_dynamo::Args),
    /// Start a server that speaks DynamoDB on this machine, for development.
    DynamodbLocal(dynamodb_local::Args),
    /// Let real processes work against each other for a while, and check what they did.
    Soak(soak::Args),
    /// Measure how fast the stores are.
    Bench(bench::Args),
    /// Write docs/dynamodb-capacity.md: what a limit that many processes share costs.
    Capacity(capacity::Args),
    /// Put the mistakes of the past back, one at a time, and see a test fail for each.
    Mutants(mutants::Args),
}

impl Chore {
    fn run(self, repository: &Repository) -> Result<(), Error> {
        match self {
            Self::Ci(args) => ci::run(repository, &args),
            Self::Tidy => tidy::run(repository),
            Self::Features(args) => features::run(repository, &args),
            Self::Migrate(args) => migrate::run(&args),
            Self::SetupDynamo(args) => setup_dynamo::run(&args),
            Self::DynamodbLocal(args) => dynamodb_local::run(&args),
            Self::Soak(args) => soak::run(args),
            Self::Bench(args) => bench::run(repository, &args),
            Self::Capacity(args) => capacity::run(repository, &args),
            Self::Mutants(args) => mutants::run(repository, &args),
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
    let outcome = Repository::locate().and_then(|repository| cli.chore.run(&repository));
    match outcome {
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

    /// The commands in a page's blocks, without what the shell makes of them.
    fn commands(page: &str) -> impl Iterator<Item = Vec<&str>> {
        let lines = page.lines().filter(|line| line.starts_with("cargo xtask "));
        lines.map(|line| {
            let command = line.split(['#', '>']).next().unwrap_or_default();
            let words = command.split_whitespace().skip(2);
            std::iter::once("cargo xtask").chain(words).collect()
        })
    }

    #[test]
    fn the_commands_that_pages_show_are_understood() {
        let pages = [
            include_str!("../../docs/dynamodb.md"),
            include_str!("../../docs/operations.md"),
            include_str!("../../docs/testing.md"),
            include_str!("../../docs/benchmarks.md"),
        ];
        let shown: Vec<_> = pages.into_iter().flat_map(commands).collect();
        assert!(shown.len() > 10, "{shown:?}");
        for words in shown {
            if let Err(refused) = Cli::try_parse_from(&words) {
                panic!("{words:?}: {refused}");
            }
        }
    }
}
