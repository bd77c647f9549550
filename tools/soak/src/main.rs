//! `soak`: real processes that share one backend, for as long as one likes, and a check of what they did.
//!
//! A soak is a file of its own with its options, what one worker does and how the whole is checked;
//! an arm of [`Soak`] and one of [`Kind`]. `workers` and `workload` start processes and collect their
//! output, `load` is what they do with the three stores.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its standard streams"
)]

mod campaign;
mod counters;
mod crawl;
mod dynamodb;
mod error;
mod http_cache;
mod kind;
mod load;
mod measure;
mod offset;
mod runtime;
mod stores;
mod table;
mod window;
mod workers;
mod workload;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use store_core::ErrorChain;

use crate::error::Error;
use crate::kind::Kind;

/// Let real processes work against each other for a while, and check what they did.
#[derive(Debug, Parser)]
#[command(name = "soak", bin_name = "cargo xtask soak")]
struct Cli {
    #[command(subcommand)]
    soak: Soak,
}

#[derive(Debug, Subcommand)]
enum Soak {
    Window(window::Args),
    Stores(stores::Args),
    #[command(name = "dynamodb")]
    DynamoDb(dynamodb::Args),
    HttpCache(http_cache::Args),
    Crawl(crawl::Args),
    /// One process of a soak, started by the soak.
    #[command(hide = true)]
    Worker {
        /// Which soak it works for.
        #[arg(value_enum)]
        kind: Kind,
    },
}

fn run(soak: Soak) -> Result<(), Error> {
    match soak {
        Soak::Window(args) => window::run(&args),
        Soak::Stores(args) => stores::run(&args),
        Soak::DynamoDb(args) => dynamodb::run(&args),
        Soak::HttpCache(args) => http_cache::run(&args),
        Soak::Crawl(args) => crawl::run(&args),
        Soak::Worker { kind } => match kind {
            Kind::Window => window::work(),
            Kind::Stores => stores::work(),
            Kind::DynamoDb => dynamodb::work(),
            Kind::DynamoDbWindow => dynamodb::work_on_window(),
            Kind::HttpCache => http_cache::work(),
        },
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().soak) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", ErrorChain(&error));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_commands_that_pages_show_are_understood() {
        let page = include_str!("../../../docs/testing.md");
        let shown: Vec<Vec<&str>> = page
            .lines()
            .filter(|line| line.starts_with("cargo xtask soak "))
            .map(|line| line.split('#').next().unwrap_or_default())
            .map(|command| command.split_whitespace().skip(2).collect())
            .collect();
        assert!(shown.len() >= 3, "{shown:?}");
        for words in shown {
            if let Err(error) = Cli::try_parse_from(&words) {
                panic!("{words:?}: {error}");
            }
        }
    }
}
