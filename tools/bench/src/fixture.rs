//! Alternating runs of the peer and of our side, each on a new file in one folder.

use std::fs;
use std::path::{Path, PathBuf};

use store_core::backend::SeededRandom;
use store_core::{Codec as _, Json};
use tempfile::TempDir;

use crate::cases::{CASES, Case};
use crate::child::Side;
use crate::error::Error;
use crate::job::{CallBreakdown, Job, Settings, Timing, Versions, Work};
use crate::median::median;
use crate::page;

/// Entries of the file that the peer writes and our side takes over.
const SEEDED: u64 = 2_000;
/// Bytes of a small value.
const VALUE: usize = 2_048;

/// The folder of all measurements, and the peer.
#[derive(Debug)]
pub(crate) struct Fixture<'a> {
    pub(crate) peer: &'a Path,
    folder: TempDir,
}

/// The result of one case, in microseconds per call.
#[derive(Clone, Debug)]
pub(crate) struct Measurement {
    pub(crate) case: Case,
    pub(crate) peer: f64,
    pub(crate) ours: f64,
}

impl Measurement {
    /// The time of the peer, divided by ours.
    pub(crate) fn ratio(&self) -> f64 {
        self.peer / self.ours
    }

    pub(crate) fn is_met(&self) -> Option<bool> {
        self.case.target.map(|target| self.ratio() >= target)
    }
}

impl<'a> Fixture<'a> {
    /// A folder on the disk of the peer's packages, with the values that both sides store.
    pub(crate) fn new(peer: &'a Path) -> Result<Self, Error> {
        let folder = TempDir::new_in(peer).map_err(Error::file("create", peer))?;
        let fixture = Self { peer, folder };
        fixture.write("page.json", &Json.encode(&page::page())?[1..])?;
        let mut prose = page::prose(&SeededRandom::new(2), VALUE);
        prose.truncate(VALUE);
        fixture.write("value.txt", prose.as_bytes())?;
        let mut seed = fixture.job(Work::Seed, "seed.db");
        seed.settings = Settings::Defaults;
        seed.ops = SEEDED;
        Side::Peer(peer).run::<Timing>(&seed)?;
        Ok(fixture)
    }

    /// A job of one task on a file of its own.
    pub(crate) fn job(&self, work: Work, database: &str) -> Job {
        Job {
            work,
            settings: Settings::Equal,
            folder: self.folder.path().to_owned(),
            database: self.folder.path().join(database),
            tasks: 1,
            warm_up: 0,
            ops: 0,
            limit: 200,
            filled: 0,
            millis: 0,
            begins_at: 0,
        }
    }

    pub(crate) fn versions(&self) -> Result<Versions, Error> {
        Side::Peer(self.peer).run(&self.job(Work::Versions, "versions.db"))
    }

    /// Every case, in `rounds` alternating runs.
    pub(crate) fn compare(
        &self,
        settings: Settings,
        rounds: usize,
        percent: u64,
    ) -> Result<Vec<Measurement>, Error> {
        let mut measurements = Vec::new();
        for case in CASES {
            let (mut peer, mut ours) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                peer.push(self.run_case(Side::Peer(self.peer), &case, settings, percent)?);
                ours.push(self.run_case(Side::Ours, &case, settings, percent)?);
            }
            let measurement = Measurement {
                case,
                peer: median(&peer),
                ours: median(&ours),
            };
            eprintln!(
                "{}, {} task(s): {:.1} us against {:.1} us",
                case.title, case.tasks, measurement.peer, measurement.ours
            );
            measurements.push(measurement);
        }
        Ok(measurements)
    }

    /// The breakdown of the time of our side.
    pub(crate) fn breakdown(&self, percent: u64) -> Result<Vec<CallBreakdown>, Error> {
        let database = self.clean("breakdown.db")?;
        let mut job = self.job(Work::Breakdown, "breakdown.db");
        job.ops = (20 * percent).max(100);
        let breakdown = Side::Ours.run(&job);
        remove(&database)?;
        breakdown
    }

    fn run_case(
        &self,
        side: Side<'_>,
        case: &Case,
        settings: Settings,
        percent: u64,
    ) -> Result<f64, Error> {
        let database = self.clean("case.db")?;
        if case.work == Work::SetTakenOver {
            let seed = self.folder.path().join("seed.db");
            fs::copy(&seed, &database).map_err(Error::file("copy", &seed))?;
        }
        let mut job = self.job(case.work, "case.db");
        (job.ops, job.warm_up) = case.calls(percent, settings);
        (job.settings, job.tasks) = (settings, case.tasks);
        (job.limit, job.filled) = (case.limit, case.filled);
        let timing: Timing = side.run(&job)?;
        remove(&database)?;
        Ok(timing.micros)
    }

    /// A path at which there is no database.
    pub(crate) fn clean(&self, name: &str) -> Result<PathBuf, Error> {
        let database = self.folder.path().join(name);
        remove(&database)?;
        Ok(database)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).map_err(Error::file("write", &path))
    }
}

/// Removes a database with all that SQLite and migrations leave beside it.
fn remove(database: &Path) -> Result<(), Error> {
    let Some((folder, name)) = database.parent().zip(database.file_name()) else {
        return Ok(());
    };
    let failed = || Error::file("remove", database);
    for entry in fs::read_dir(folder).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let is_part = entry
            .file_name()
            .to_string_lossy()
            .starts_with(&*name.to_string_lossy());
        if is_part {
            fs::remove_file(entry.path()).map_err(failed())?;
        }
    }
    Ok(())
}
