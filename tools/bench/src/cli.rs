//! The command line: the parts of the benchmark, each alone or all together.

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use store_core::ErrorChain;

use crate::error::Error;
use crate::{ours, peers, rust_peers, scale, task, waiters};

/// Measure how fast the stores are.
#[derive(Debug, Parser)]
#[command(name = "bench", bin_name = "cargo xtask bench")]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Everything, or the parts that are named, as the page wants it; takes ten minutes.
    All {
        /// Only this part; can be repeated.
        #[arg(long, value_name = "NAME")]
        only: Vec<Part>,
    },
    Peers(peers::Args),
    Scale(scale::Args),
    /// Measure the limiter's wait queue over the memory store, in half a minute.
    ///
    /// Writes its section of docs/benchmarks.md.
    Waiters,
    RustPeers(rust_peers::Args),
    /// Measure what each layer over a cache costs, in a minute.
    ///
    /// Writes its section of docs/benchmarks.md.
    Layers,
    /// Our side of one measurement, started by the benchmark.
    #[command(hide = true)]
    Ours {
        /// The job, as JSON.
        job: String,
    },
    /// The work of one process, started by the benchmark.
    #[command(hide = true)]
    Task {
        /// The task, as JSON.
        task: String,
    },
}

/// The parts, in their order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Part {
    Peers,
    Scale,
    Waiters,
    RustPeers,
    Layers,
}

impl Part {
    fn run(self) -> Result<(), Error> {
        match self {
            Self::Peers => peers::run(&peers::Args::full()),
            Self::Scale => scale::run(&scale::Args::full()),
            Self::Waiters => waiters::run(),
            Self::RustPeers => rust_peers::run(&rust_peers::Args::full()),
            Self::Layers => rust_peers::run_layers(),
        }
    }
}

fn run(bench: &Bench) -> Result<(), Error> {
    if cfg!(debug_assertions) {
        return Err(Error::NotReleased);
    }
    match bench {
        Bench::All { only } => Part::value_variants()
            .iter()
            .filter(|part| only.is_empty() || only.contains(part))
            .try_for_each(|part| part.run()),
        Bench::Peers(args) => peers::run(args),
        Bench::Scale(args) => scale::run(args),
        Bench::Waiters => waiters::run(),
        Bench::RustPeers(args) => rust_peers::run(args),
        Bench::Layers => rust_peers::run_layers(),
        Bench::Ours { job } => ours::run(job),
        Bench::Task { task } => task::run(task),
    }
}

/// Runs what the command line asks for.
#[must_use]
pub fn main() -> ExitCode {
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
    fn the_commands_that_the_page_shows_are_understood() {
        let page = include_str!("../../../docs/benchmarks.md");
        let is_ours =
            |line: &&str| line.starts_with("cargo xtask bench ") && !line.contains(" http-cache");
        let commands: Vec<&str> = page.lines().filter(is_ours).collect();
        assert!(!commands.is_empty());
        for command in commands {
            let words = command.split('#').next().unwrap();
            Cli::try_parse_from(words.split_whitespace().skip(2)).unwrap();
        }
    }
}
