//! `cargo xtask bench peers`: against the npm package that these stores take over from.

use std::env;
use std::fs;
use std::num::NonZeroUsize;

use super::contest::Arena;
use super::install;
use super::job::Settings;
use super::report::Report;
use super::{crowd, waking};
use crate::cargo::Cargo;
use crate::error::Error;
use crate::repository::Repository;

const PAGE: &str = "docs/benchmarks.md";
/// What a run that writes the page must at least do.
const FULL_ROUNDS: usize = 5;
const FULL_PERCENT: u64 = 100;

/// Compare with the npm package @comic-vine/sqlite-store 0.2.0, side by side on this machine.
///
/// Needs Node.js 20 or later with npm; the package is installed into target/peers. Both sides do the
/// same work in turns, each in a process of its own; the table shows the medians. A full run writes
/// docs/benchmarks.md and takes about five minutes on a machine with nothing else to do.
#[derive(Clone, Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Turns of each side; fewer than the default write no page.
    #[arg(long, value_name = "N", default_value = "5")]
    rounds: NonZeroUsize,

    /// How much of the work each turn does; less than all of it writes no page.
    #[arg(long, value_name = "PERCENT", default_value_t = FULL_PERCENT, value_parser = clap::value_parser!(u64).range(1..=100))]
    percent: u64,
}

pub(super) fn run(repository: &Repository, args: &Args) -> Result<(), Error> {
    if cfg!(debug_assertions) {
        return again_for_release(repository);
    }
    let peer = install::peer(repository)?;
    let arena = Arena::new(&peer)?;
    let report = Report {
        rounds: args.rounds.get(),
        versions: arena.versions()?,
        equal: arena.compare(Settings::Equal, args.rounds.get(), args.percent)?,
        waking: waking::measure(&arena)?,
        crowds: crowd::measure(&arena)?,
        parts: arena.parts(args.percent)?,
        defaults: arena.compare(Settings::Defaults, args.rounds.get(), args.percent)?,
    };
    let text = report.to_string();
    println!("{text}");
    if args.rounds.get() < FULL_ROUNDS || args.percent < FULL_PERCENT {
        return Ok(());
    }
    let page = repository.root().join(PAGE);
    fs::write(&page, text).map_err(Error::file("write", &page))
}

/// Chores are built for development; figures want a build for release.
fn again_for_release(repository: &Repository) -> Result<(), Error> {
    let ours: Vec<_> = env::args().skip(1).collect();
    let mut arguments = vec!["run", "--quiet", "--release", "--package", "xtask", "--"];
    arguments.extend(ours.iter().map(String::as_str));
    Cargo::new(repository, &arguments).run()
}
