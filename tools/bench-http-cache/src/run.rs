//! A run: our store and the peers in turns, several rounds, each on new files.

use std::num::{NonZeroU64, NonZeroUsize};

use store_core::Random as _;
use store_core::backend::SeededRandom;

use crate::aims::Aims;
use crate::corpus::{self, Entry};
use crate::error::Error;
use crate::ours::{Growth, Ours, Size};
use crate::report::Report;
use crate::statistics::{Figures, Samples};
use crate::{parts, peers};

/// Entries that one store is given before it is the next one's turn.
const PUTS_PER_TURN: usize = 500;
const GETS_PER_TURN: usize = 5_000;
const WARM_UP_TURNS: usize = 2;
const TURNS: usize = 12;
/// Validations in a round.
const VALIDATIONS: usize = 2_000;

/// Measure the store beside the managers of the http-cache crate, in turns in one process.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs of each side; a figure is their median.
    #[arg(long, value_name = "N", default_value = "5")]
    rounds: NonZeroUsize,

    /// How many entries are stored.
    #[arg(long, value_name = "N", default_value = "10000")]
    entries: NonZeroU64,

    /// Fail if an aim is missed.
    #[arg(long)]
    strict: bool,
}

/// The corpus, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Corpus {
    pub(crate) entries: u64,
    pub(crate) bodies: u64,
}

/// What one side took in a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Side {
    pub(crate) put: Figures,
    pub(crate) hit: Figures,
}

/// A round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) ours: Side,
    pub(crate) moka: Side,
    pub(crate) redb: Side,
    pub(crate) validation: Figures,
    pub(crate) growth: Growth,
    pub(crate) size: Size,
    pub(crate) redb_file: u64,
}

pub(crate) async fn run(args: &Args) -> Result<(), Error> {
    let entries = corpus::entries(args.entries.get())?;
    let corpus = Corpus {
        entries: args.entries.get(),
        bodies: entries.iter().map(|entry| entry.body.len() as u64).sum(),
    };
    let mut rounds = Vec::new();
    for number in 0..args.rounds.get() {
        eprintln!("round {} of {}", number + 1, args.rounds);
        rounds.push(round(&entries).await?);
    }
    eprintln!("parts");
    let parts = parts::measure(&entries).await?;
    let aims = Aims::of(&rounds, &corpus);
    let report = Report {
        corpus,
        rounds,
        parts,
        aims,
    };
    print!("{report}");
    if args.strict && !report.aims.are_met() {
        return Err(Error::Missed);
    }
    Ok(())
}

/// A new folder for the files of a round.
pub(crate) fn folder() -> Result<tempfile::TempDir, Error> {
    tempfile::tempdir().map_err(Error::file("make a folder in", std::env::temp_dir()))
}

async fn round(entries: &[Entry]) -> Result<Round, Error> {
    let folder = folder()?;
    let mut ours = Ours::open(folder.path()).await?;
    let mut moka = peers::moka();
    let mut redb = peers::redb(folder.path())?;
    for some in entries.chunks(PUTS_PER_TURN) {
        ours.put(some).await?;
        moka.put(some).await?;
        redb.put(some).await?;
    }
    ours.verify(entries).await?;
    let random = SeededRandom::new(42);
    for turn in 0..WARM_UP_TURNS + TURNS {
        let is_counted = turn >= WARM_UP_TURNS;
        let some: Vec<&Entry> = (0..GETS_PER_TURN)
            .filter_map(|_| any(&random, entries))
            .collect();
        for entry in &some {
            ours.get(entry, is_counted).await?;
        }
        for entry in &some {
            moka.get(entry, is_counted).await?;
        }
        for entry in &some {
            redb.get(entry, is_counted).await?;
        }
    }
    let first = entries.get(..VALIDATIONS).unwrap_or(entries);
    let growth = ours.validate(first).await?;
    let size = ours.close().await?;
    let figures = |puts: &mut Samples, hits: &mut Samples| Side {
        put: std::mem::take(puts).figures(),
        hit: std::mem::take(hits).figures(),
    };
    Ok(Round {
        ours: figures(&mut ours.puts, &mut ours.hits),
        moka: figures(&mut moka.puts, &mut moka.hits),
        redb: figures(&mut redb.puts, &mut redb.hits),
        validation: std::mem::take(&mut ours.validations).figures(),
        growth,
        size,
        redb_file: redb.close(folder.path())?,
    })
}

/// An entry at random.
pub(crate) fn any<'a>(random: &SeededRandom, entries: &'a [Entry]) -> Option<&'a Entry> {
    let place = random.next_u64() % (entries.len() as u64).max(1);
    entries.get(usize::try_from(place).ok()?)
}
