//! `cargo xtask bench scale`: calls on a file of a million entries, and how long another process waits
//! meanwhile; and the cost of a call as the file grows.

mod content;
pub(crate) mod growth;
mod operations;
mod report;
mod stalls;
pub(crate) mod watch;

pub(crate) use self::content::{VALUE, entry, fill};
pub(crate) use self::operations::grouped;

use tempfile::TempDir;

use self::growth::{Grown, Growth};
use crate::child;
use crate::document;
use crate::error::Error;
use crate::parent;
use crate::task::Task;

/// The entries that a run has to write into its file for its page to be kept.
const FULL: u64 = 1_000_000;
/// Timed calls on each file of the growth curve.
const CALLS: u64 = 2_000;
/// The sizes of the growth curve, as far as they are asked for.
pub(crate) const SIZES: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Call the SQLite stores on a file of many entries, while another process writes to it.
///
/// The other process does one `set` and one `acquire` after another; its longest call is how long the
/// calls hold others up. A run with all entries writes its section of docs/benchmarks.md.
#[derive(Clone, Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Entries of the file; fewer than the default write no page.
    #[arg(long, value_name = "N", default_value_t = FULL, value_parser = clap::value_parser!(u64).range(1_000..))]
    entries: u64,
}

impl Args {
    pub(crate) const fn full() -> Self {
        Self { entries: FULL }
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let machine = document::machine();
    let work = document::work_folder()?;
    let folder = TempDir::new_in(&work).map_err(Error::file("create", &work))?;
    let file = folder.path().join("scale.db");
    let operations = parent::runtime()?.block_on(operations::measure(&file, args.entries))?;
    // Each size on a file of its own; the first goes before the next comes.
    let folder = TempDir::new_in(&work).map_err(Error::file("create", &work))?;
    let mut curve: Vec<(u64, Grown)> = Vec::new();
    for entries in SIZES.into_iter().filter(|size| *size <= args.entries) {
        eprintln!("growth at {entries} entries");
        let growth = Growth {
            file: folder.path().join(format!("{entries}.db")),
            entries,
            calls: CALLS,
        };
        curve.push((entries, child::run(&Task::Grow(growth))?));
    }
    let report = report::Report {
        machine,
        entries: args.entries,
        operations,
        curve,
    };
    document::publish(&report.to_string(), args.entries >= FULL)
}
