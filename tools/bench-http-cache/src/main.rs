//! `bench-http-cache`: how fast the HTTP cache is, beside the managers of the `http-cache` crate and beside nginx.
//!
//! `corpus` invents the responses; `ours` and `peers` store and find them, `run` has them do it in turns, `aims` says
//! what is to be reached, `parts` what the time goes into, and `report` prints it all. `proxy` compares programs.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its standard streams"
)]

mod aims;
mod corpus;
mod error;
mod ours;
mod parts;
mod peers;
mod proxy;
mod report;
mod run;
mod statistics;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use store_core::ErrorChain;

use crate::error::Error;

/// Measure how fast the HTTP cache is, beside the managers of the http-cache crate.
#[derive(Debug, Parser)]
#[command(
    name = "bench-http-cache",
    bin_name = "cargo xtask bench http-cache",
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(flatten)]
    store: run::Args,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Proxy(proxy::Args),
}

fn run(cli: &Cli) -> Result<(), Error> {
    if cfg!(debug_assertions) {
        return Err(Error::NotReleased);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Error::Runtime { source })?;
    match &cli.command {
        None => runtime.block_on(run::run(&cli.store)),
        Some(Command::Proxy(args)) => runtime.block_on(proxy::run(args)),
    }
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
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
    fn the_commands_that_the_page_shows_are_understood() {
        let page = include_str!("../../../docs/benchmarks.md");
        let mut shown = 0;
        for line in page.lines() {
            let Some(rest) = line.strip_prefix("cargo xtask bench http-cache") else {
                continue;
            };
            shown += 1;
            let words = rest.split('#').next().unwrap().split_whitespace();
            Cli::try_parse_from(["bench-http-cache"].into_iter().chain(words)).unwrap();
        }
        assert!(shown >= 2);
    }
}
