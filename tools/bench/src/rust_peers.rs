//! `cargo xtask bench rust-peers`: the stores beside crates of the same kind.

mod contender;
mod files;
mod layers;
mod limiter;
mod memory;
mod report;
pub(crate) mod trial;

use std::num::NonZeroUsize;

use tempfile::TempDir;

use self::contender::{Contender, Group};
use self::trial::Trial;
use crate::child;
use crate::document;
use crate::error::Error;
use crate::figures::Figures;
use crate::task::Task;

/// What a run must do at least to write the page.
const FULL_ROUNDS: usize = 3;
const FULL: u64 = 1_000_000;

/// Compare with other crates: memory caches, rate limiters in memory, caches in a file.
///
/// All contenders of a kind do the same work in turns, each time in a new process and on a new file. A run
/// of all kinds, rounds and sizes writes its section of docs/benchmarks.md.
#[derive(Clone, Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Runs of each contender; fewer than the default write no page.
    #[arg(long, value_name = "N", default_value = "3")]
    rounds: NonZeroUsize,

    /// The most entries; less than the default write no page.
    #[arg(long, value_name = "N", default_value_t = FULL, value_parser = clap::value_parser!(u64).range(1_000..))]
    entries: u64,

    /// Only one kind; writes no page.
    #[arg(long, value_name = "KIND")]
    only: Option<Group>,
}

impl Args {
    pub(crate) fn full() -> Self {
        Self {
            rounds: NonZeroUsize::MIN.saturating_add(FULL_ROUNDS - 1),
            entries: FULL,
            only: None,
        }
    }
}

/// What one contender's calls cost at one size, in the order of [`Group::calls`].
#[derive(Clone, Debug)]
struct Measured {
    contender: Contender,
    entries: u64,
    calls: Vec<Figures>,
}

pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let machine = document::machine();
    let mut measured = Vec::new();
    let is_chosen = |group: &Group| args.only.is_none_or(|only| only == *group);
    for group in Group::ALL.into_iter().filter(is_chosen) {
        for entries in group.sizes().filter(|size| *size <= args.entries) {
            measured.extend(compare(group, entries, args.rounds.get())?);
        }
    }
    let is_full = args.only.is_none() && args.rounds.get() >= FULL_ROUNDS && args.entries >= FULL;
    document::publish(&report::Report { machine, measured }.to_string(), is_full)
}

/// Measures what each layer adds to a call, and writes its section of the page.
pub(crate) fn run_layers() -> Result<(), Error> {
    let machine = document::machine();
    let measured = compare(Group::Layers, Group::Layers.typical(), FULL_ROUNDS)?;
    document::publish(&report::Layers { machine, measured }.to_string(), true)
}

/// All contenders of a kind at one size, in turns.
fn compare(group: Group, entries: u64, rounds: usize) -> Result<Vec<Measured>, Error> {
    let takes_part = |contender: &&Contender| contender.takes_part_at(entries);
    let contenders = || group.contenders().iter().filter(takes_part).copied();
    let mut results: Vec<_> = contenders()
        .map(|contender| (contender, Vec::new()))
        .collect();
    // Filling takes longest by far at the last size: one round says as much as can be had quickly.
    let rounds = if entries >= FULL { 1 } else { rounds };
    for _ in 0..rounds {
        for (contender, rounds) in &mut results {
            rounds.push(trial(*contender, entries, child::run)?);
        }
    }
    let mut measured = Vec::new();
    for (contender, rounds) in results {
        let call = |place: usize| {
            let figures: Vec<_> = rounds
                .iter()
                .filter_map(|calls| calls.get(place))
                .copied()
                .collect();
            Figures::median(&figures)
        };
        let mut calls: Vec<Figures> = (0..group.calls().len()).map(call).collect();
        if entries == group.typical() {
            // Once: it is the same number each time.
            let counted = trial(contender, entries, child::run_counting)?;
            for (call, counted) in calls.iter_mut().zip(counted) {
                call.allocations = counted.allocations;
            }
        }
        eprintln!(
            "{} at {entries} {}: {calls:.2?}",
            contender.name(),
            group.unit()
        );
        measured.push(Measured {
            contender,
            entries,
            calls,
        });
    }
    Ok(measured)
}

/// One contender in a new process, on a new file.
fn trial(
    contender: Contender,
    entries: u64,
    run: impl FnOnce(&Task) -> Result<Vec<Figures>, Error>,
) -> Result<Vec<Figures>, Error> {
    let work = document::work_folder()?;
    let folder = TempDir::new_in(&work).map_err(Error::file("create", &work))?;
    run(&Task::Trial(Trial {
        contender,
        entries,
        calls: contender.calls(),
        folder: folder.path().to_owned(),
    }))
}
