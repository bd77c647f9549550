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

mod cache_tests;
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

use clap::{Parser, Subcommand};

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
    /// Run the public suite of HTTP cache tests against http-cache-proxy, and compare with what passed.
    CacheTests(cache_tests::Args),
    /// Bring a database's schema up to date, look at it, or go back: `comicvine db`; after the word `http-cache`,
    /// `http-cache-proxy db migrate`.
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
    /// Measure how fast the stores are: `bench all`; or the HTTP cache: `bench http-cache`.
    #[command(disable_help_flag = true)]
    Bench(Rest),
}

impl Chore {
    fn run(self, repository: &Repository) -> Result<(), Error> {
        let forward = |program: Program, rest: Rest| Err(program.exec(repository, rest));
        match self {
            Self::Ci(args) => ci::run(repository, &args),
            Self::Tidy => tidy::run(repository),
            Self::Features(args) => features::run(repository, &args),
            Self::CacheTests(args) => cache_tests::run(repository, &args),
            Self::Migrate(rest) => forward(Program::Migrate, rest),
            Self::SetupDynamo(rest) => forward(Program::SetupDynamo, rest),
            Self::DynamodbLocal(rest) => forward(Program::DynamoDbLocal, rest),
            Self::Soak(rest) => forward(Program::Soak, rest),
            Self::Bench(mut rest) => forward(Program::bench(&mut rest), rest),
        }
    }
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
    use clap::CommandFactory as _;

    use crate::tree::{Tree, has_extension};

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

    /// What follows `cargo xtask` in a line, up to a comment or the end of the code.
    fn commands(line: &str) -> impl Iterator<Item = Vec<&str>> {
        let ends = ['`', '#', '>', '<'];
        let after = line.split("cargo xtask ").skip(1);
        after
            .filter_map(move |after| after.split(ends).next())
            .map(|command| command.split_whitespace().collect())
            .filter(|words: &Vec<&str>| !words.is_empty())
    }

    /// Arguments of a program that a chore forwards to are for its own tests.
    #[test]
    fn the_commands_that_pages_show_are_understood() {
        let repository = Repository::locate().unwrap();
        let tree = Tree::read(repository.root()).unwrap();
        let pages = tree.texts().filter(|(path, _)| has_extension(path, "md"));
        let mut shown = 0;
        for (path, line) in
            pages.flat_map(|(path, page)| page.lines().map(move |line| (path, line)))
        {
            for words in commands(line) {
                shown += 1;
                let parsed = Cli::try_parse_from(["cargo xtask"].into_iter().chain(words));
                assert!(parsed.is_ok(), "{path}: {line}: {}", parsed.unwrap_err());
            }
        }
        assert!(shown >= 20, "{shown}");
    }
}
