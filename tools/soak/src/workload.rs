//! The workers of one run: started together, killed and replaced if it storms, and waited for.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use indicatif::ProgressBar;
use serde::Serialize;
use store_core::{Clock as _, SystemClock};

use crate::campaign::progress;
use crate::error::Error;
use crate::kind::Kind;
use crate::load::Part;
use crate::load::journal::Events;
use crate::load::rng::Rng;
use crate::workers::Worker;

/// How long workers may take to finish what they are doing once the time is over.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the progress bar moves.
const TICK: Duration = Duration::from_millis(100);

/// The processes of one run: how many, where, for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload<'a> {
    pub(crate) kind: Kind,
    /// Holds the origin and what the workers write down.
    pub(crate) folder: &'a Path,
    pub(crate) processes: usize,
    /// Tasks for each of the three stores in each process.
    pub(crate) tasks: usize,
    pub(crate) seed: u64,
    pub(crate) duration: Duration,
    /// How often a worker is killed, if any is.
    pub(crate) kill_every: Option<Duration>,
}

/// Workers that did not end by themselves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WorkerCounts {
    pub(crate) kills: usize,
    /// Workers that had not ended in time.
    pub(crate) hung: usize,
}

impl Workload<'_> {
    pub(crate) fn origin(&self) -> PathBuf {
        self.folder.join("origin.db")
    }

    fn part(&self, number: usize, duration: Duration) -> Part {
        Part {
            origin: self.origin(),
            journal: self.folder.join(format!("worker-{number}.jsonl")),
            number,
            seed: self.seed,
            tasks: self.tasks,
            duration,
        }
    }

    /// Starts the workers, waits for their end and reads what they wrote down. `job` makes the job of
    /// a worker from its part, of which there are more than processes if some are killed; `meanwhile`
    /// is called often, with the time that has passed.
    pub(crate) fn run<J: Serialize>(
        &self,
        name: &str,
        job: impl Fn(Part) -> J,
        meanwhile: impl FnMut(Duration) -> Result<(), Error>,
    ) -> Result<(WorkerCounts, Events), Error> {
        let progress = progress(name, self.duration);
        let counts = self.work(&progress, job, meanwhile);
        progress.finish_and_clear();
        let counts = counts?;
        let numbers = 1..=self.processes + counts.kills;
        let journals = numbers.map(|number| self.part(number, self.duration).journal);
        Ok((counts, Events::read(journals)?))
    }

    fn work<J: Serialize>(
        &self,
        progress: &ProgressBar,
        job: impl Fn(Part) -> J,
        mut meanwhile: impl FnMut(Duration) -> Result<(), Error>,
    ) -> Result<WorkerCounts, Error> {
        let clock = SystemClock::new();
        let start =
            |number, duration| Worker::start(number, self.kind, &job(self.part(number, duration)));
        let mut workers = (1..=self.processes)
            .map(|number| start(number, self.duration))
            .collect::<Result<Vec<_>, _>>()?;
        for worker in &mut workers {
            worker.wait_until_ready()?;
        }
        for worker in &mut workers {
            worker.begin_at(clock.now())?;
        }

        let (began, rng) = (clock.monotonic(), Rng::new(self.seed, u64::MAX));
        let mut kills: u32 = 0;
        loop {
            let elapsed = clock.monotonic().saturating_sub(began);
            progress.set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
            if elapsed >= self.duration {
                break;
            }
            meanwhile(elapsed)?;
            let next_kill = self.kill_every.map(|every| every * (kills + 1));
            if next_kill.is_some_and(|at| at <= elapsed) {
                kills += 1;
                let victim = rng.below(workers.len());
                workers[victim].kill()?;
                let number = self.processes + usize::try_from(kills).unwrap_or(usize::MAX);
                // It need not wait for anybody.
                let mut replacement = start(number, self.duration.saturating_sub(elapsed))?;
                replacement.begin_at(clock.now())?;
                workers[victim] = replacement;
                continue;
            }
            let next = next_kill.map_or(TICK, |at| TICK.min(at.saturating_sub(elapsed)));
            thread::sleep(next.min(self.duration.saturating_sub(elapsed)));
        }
        let patience_ends = clock.monotonic() + PATIENCE;
        let mut hung = 0;
        for worker in workers {
            let patience = patience_ends.saturating_sub(clock.monotonic());
            hung += usize::from(!worker.ends_within(patience)?);
        }
        Ok(WorkerCounts {
            kills: usize::try_from(kills).unwrap_or(usize::MAX),
            hung,
        })
    }
}
