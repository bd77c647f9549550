//! `cargo xtask bench peers`: a comparison with the npm package that these stores replace.

use std::num::NonZeroUsize;

use crate::error::Error;
use crate::fixture::Fixture;
use crate::install;
use crate::job::Settings;
use crate::report::Report;
use crate::{contention, document, wakeup};

/// What a run must do at least to write the page.
const FULL_ROUNDS: usize = 5;
const FULL_PERCENT: u64 = 100;

/// Compare with the npm package @comic-vine/sqlite-store 0.2.0, side by side on this machine.
///
/// Needs Node.js 20 or later with npm; the package is installed into target/peers. Both sides do the
/// same work alternately, each time in a new process; the table shows the medians. A full run writes
/// docs/benchmarks.md and takes about five minutes on a machine with nothing else to do.
#[derive(Clone, Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Runs of each side per case; fewer than the default write no page.
    #[arg(long, value_name = "N", default_value = "5")]
    rounds: NonZeroUsize,

    /// How much of the work each run does; less than all of it writes no page.
    #[arg(long, value_name = "PERCENT", default_value_t = FULL_PERCENT, value_parser = clap::value_parser!(u64).range(1..=100))]
    percent: u64,
}

impl Args {
    pub(crate) fn full() -> Self {
        Self {
            rounds: NonZeroUsize::MIN.saturating_add(FULL_ROUNDS - 1),
            percent: FULL_PERCENT,
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let peer = install::peer(&document::root())?;
    let fixture = Fixture::new(&peer)?;
    let report = Report {
        rounds: args.rounds.get(),
        versions: fixture.versions()?,
        equal: fixture.compare(Settings::Equal, args.rounds.get(), args.percent)?,
        wakeup: wakeup::measure(&fixture)?,
        contention: contention::measure(&fixture)?,
        breakdown: fixture.breakdown(args.percent)?,
        defaults: fixture.compare(Settings::Defaults, args.rounds.get(), args.percent)?,
    };
    let is_full = args.rounds.get() >= FULL_ROUNDS && args.percent >= FULL_PERCENT;
    document::publish(&report.to_string(), is_full)
}
