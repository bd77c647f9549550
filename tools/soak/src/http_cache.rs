//! `cargo xtask soak http-cache`: stored responses in one file, under real processes that may be killed.

mod clock;
mod full_disk;
mod histogram;
mod kills;
mod made;
mod reading;
mod report;
mod site;
mod tally;
mod tasks;
mod worker;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_cache_db::store::ResponseStore as _;
use store_core::{Clock as _, SystemClock};

use crate::campaign::{Folder, create, outcome, time};
use crate::error::Error;
use crate::kind::Kind;
use crate::{runtime, workers};

pub(crate) use self::worker::work;

use self::clock::FastClock;
use self::report::{Outcome, Verified};
use self::tally::Tally;
use self::worker::Job;

/// Does the HTTP cache keep its promises over several processes, and when these are killed?
///
/// In the storm every process runs tasks that read, store, freshen, invalidate, remove, evict, count, clean up, compress
/// again and, seldom, clear responses of a few hundred targets in one SQLite file. Bodies have 100 bytes to 3 MiB; each
/// follows from a field of its response, so that every reader knows what it has to be. The clock of the stores is
/// faster than the real one, so that what is kept for a minute or an hour goes within the storm.
///
///   busy      calls that failed because the file was locked; any fails
///
///   errors    calls that failed for another reason; any fails
///
///   torn      bodies that are not those of their response, not whole, or not readable; any fails
///
///   stale     responses that were read though their fill began before an invalidation, and the read after it
///             in the same process; any fails
///
///   wrong     what the verifier of the store finds at the end, before and after a cleanup; any fails
///
///   left      bodies without a response after a cleanup an hour later; any fails
///
/// Then a process that works on another file is killed (SIGKILL) again and again, a few milliseconds after its
/// start. After each kill the file is opened, everything is read, and the verifier runs.
#[derive(Clone, Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// How long the storm is; 0s leaves it out.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    duration: Duration,

    /// How many processes in the storm.
    #[arg(long, value_name = "N", default_value = "4")]
    processes: NonZeroUsize,

    /// How many tasks in each process.
    #[arg(long, value_name = "N", default_value = "25")]
    tasks: NonZeroUsize,

    /// How many targets.
    #[arg(long, value_name = "N", default_value = "300")]
    targets: NonZeroUsize,

    /// How many bytes the responses may take, in MiB; beyond that some are evicted.
    #[arg(long, value_name = "MIB", default_value = "64")]
    max_mib: u64,

    /// How many processes are killed, one after the other.
    #[arg(long, value_name = "N", default_value = "200")]
    kills: usize,

    /// The latest moment of a kill, after the work has begun.
    #[arg(long, value_name = "TIME", default_value = "150ms", value_parser = time)]
    kill_within: Duration,

    /// A folder on a file system of a few MiB, which is filled up while a cache goes on.
    #[arg(long, value_name = "PATH")]
    full_disk: Option<PathBuf>,

    /// How long a call waits while the file is locked.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    busy_timeout: Duration,

    /// Decides what is asked and stored; when exactly is up to the machine.
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,

    /// Where files go, kept; must not exist [default: a temporary one].
    #[arg(long, value_name = "PATH")]
    folder: Option<PathBuf>,
}

impl Args {
    fn job(&self, database: &Path, number: usize, duration: Duration) -> Job {
        Job {
            database: database.to_owned(),
            number,
            seed: self.seed,
            tasks: self.tasks.get(),
            targets: self.targets.get(),
            max_bytes: self.max_mib << 20,
            duration,
            busy_timeout: self.busy_timeout,
            clock: FastClock::starting_now(),
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let folder = Folder::open(args.folder.as_deref())?;
    let folder = folder.path();
    println!(
        "{} processes with {} tasks each, {} targets, seed {}, in {}",
        args.processes,
        args.tasks,
        args.targets,
        args.seed,
        folder.display()
    );
    let mut outcomes = Vec::new();
    if !args.duration.is_zero() {
        outcomes.push(storm(args, folder)?);
    }
    if args.kills > 0 {
        outcomes.push(kills::run(args, folder)?);
    }
    if let Some(small) = &args.full_disk {
        outcomes.push(runtime::block_on(full_disk::run(small))?);
    }
    for outcome in &outcomes {
        for complaint in outcome.complaints() {
            eprintln!("{}: {complaint}", outcome.name);
        }
    }
    print!("\n{}", report::table(&outcomes));
    let failed = outcomes.iter().filter(|it| !it.passes()).count();
    outcome(failed, outcomes.len())
}

fn storm(args: &Args, folder: &Path) -> Result<Outcome, Error> {
    let folder = folder.join("storm");
    create(&folder)?;
    let database = folder.join("cache.db");
    let jobs: Vec<_> = (1..=args.processes.get())
        .map(|number| args.job(&database, number, args.duration))
        .collect();
    eprintln!("storm");
    let reports: workers::Reports<Tally> = workers::run(Kind::HttpCache, &jobs)?;
    let took = SystemClock::new().now().since(reports.began_at);
    let mut tally = Tally::default();
    for worker in reports.workers.into_iter().flatten() {
        tally.add(worker);
    }
    print!("\n{}", report::operations(&tally, took));
    let verified = runtime::block_on(verify(&args.job(&database, 0, args.duration), &mut tally))?;
    Ok(Outcome {
        name: "storm",
        kills: 0,
        tally,
        verified,
        must_read: true,
    })
}

/// Reads everything, and lets the store verify its file before and after a cleanup.
async fn verify(job: &Job, tally: &mut Tally) -> Result<Verified, Error> {
    let mut verified = Verified::default();
    for is_later in [false, true] {
        let store = if is_later {
            job.open_later().await?
        } else {
            job.open().await?
        };
        reading::everything(&store, job.targets, tally).await?;
        if is_later {
            store.cleanup().await?;
            verified.left = reading::left(&store).await?;
        }
        verified.add(store.verify().await?);
        store.close().await?;
    }
    Ok(verified)
}
