//! `cargo xtask bench`: how fast the stores are, beside the packages that they take over from.
//!
//! `cases` says what is measured and what is hoped for, `ours` and `driver.mjs` do the work, each in
//! a process of its own, `contest` lets them take turns, and `report` writes it down.

mod cases;
mod child;
mod contest;
mod crowd;
mod failure;
mod install;
mod job;
mod ours;
mod page;
mod peers;
mod report;
mod waking;

use clap::Subcommand;

use crate::error::Error;
use crate::repository::Repository;

pub(crate) use self::failure::Failure;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
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

pub(crate) fn run(repository: &Repository, args: &Args) -> Result<(), Error> {
    match &args.bench {
        Bench::Peers(args) => peers::run(repository, args),
        Bench::Ours { job } => ours::run(job),
    }
}
