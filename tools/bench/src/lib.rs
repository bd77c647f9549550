//! `bench`: how fast the stores are, compared with the packages that they replace.
//!
//! `cases` lists the measurements and their targets, `ours` and `driver.mjs` do the work, each in a new
//! process, `fixture` runs them alternately, and `report` writes the page.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its standard streams"
)]

mod cases;
mod child;
mod contention;
mod error;
mod fixture;
mod install;
mod job;
mod median;
mod ours;
mod page;
mod peers;
mod report;
mod wakeup;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use store_core::ErrorChain;

use crate::error::Error;

/// Measure how fast the stores are.
#[derive(Debug, Parser)]
#[command(name = "bench", bin_name = "cargo xtask bench")]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    Peers(peers::Args),
    /// Our side of one measurement, started by the benchmark.
    #[command(hide = true)]
    Ours {
        /// The job, as JSON.
        job: String,
    },
}

fn run(bench: &Bench) -> Result<(), Error> {
    match bench {
        Bench::Peers(args) => peers::run(args),
        Bench::Ours { job } => ours::run(job),
    }
}

fn main() -> ExitCode {
    match run(&Cli::parse().bench) {
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
    fn the_command_that_the_page_shows_is_understood() {
        let page = include_str!("../../../docs/benchmarks.md");
        let command = page
            .lines()
            .find(|line| line.starts_with("cargo xtask bench "));
        let words = command.unwrap().split('#').next().unwrap();
        Cli::try_parse_from(words.split_whitespace().skip(2)).unwrap();
    }
}
