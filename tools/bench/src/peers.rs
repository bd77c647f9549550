//! `cargo xtask bench peers`: a comparison with the npm package that these stores replace.

use std::env;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::fixture::Fixture;
use crate::install;
use crate::job::Settings;
use crate::report::Report;
use crate::{contention, wakeup};

const PAGE: &str = "docs/benchmarks.md";
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

pub(crate) fn run(args: &Args) -> Result<(), Error> {
    if cfg!(debug_assertions) {
        return Err(Error::NotReleased);
    }
    let root = root();
    let peer = install::peer(&root)?;
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
    let text = report.to_string();
    println!("{text}");
    if args.rounds.get() < FULL_ROUNDS || args.percent < FULL_PERCENT {
        return Ok(());
    }
    let page = root.join(PAGE);
    let before = fs::read_to_string(&page).map_err(Error::file("read", &page))?;
    let text = format!("{text}{}", other_benchmark(&before));
    fs::write(&page, text).map_err(Error::file("write", &page))
}

/// What the page says of the HTTP cache, which another program measures.
fn other_benchmark(page: &str) -> &str {
    let start = page.find("\n## HTTP cache\n");
    start
        .and_then(|start| page.get(start..))
        .unwrap_or_default()
}

/// The repository of this program.
///
/// Asked for at run time: a path compiled in would outlive a checkout that has moved.
fn root() -> PathBuf {
    let compiled = env!("CARGO_MANIFEST_DIR");
    let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| compiled.into());
    Path::new(&manifest).join("../..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_of_the_page_on_the_http_cache_is_kept() {
        let kept = other_benchmark("# Benchmarks\n\n## HTTP cache\n\nText.\n");
        assert_eq!(kept, "\n## HTTP cache\n\nText.\n");
        assert_eq!(other_benchmark("# Benchmarks\n"), "");
    }
}
