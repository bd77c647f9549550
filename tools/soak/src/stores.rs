//! `cargo xtask soak stores`: all three stores in one file, under real processes that may be killed.

mod collector;
mod edges;
mod report;
mod worker;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::campaign::{Folder, create, outcome, time};
use crate::error::Error;
use crate::kind::Kind;
use crate::runtime;
use crate::workload::Workload;

pub(crate) use self::worker::work;

use self::worker::Job;

/// Do the stores keep their promises over several processes, and when these are killed?
///
/// Every process runs tasks for each of the three stores, all in one SQLite file. First come the
/// runs, each with a new file; then the storm, in which a random process is killed (SIGKILL) and
/// replaced again and again. Each process writes down what it did at once, so that its death takes
/// nothing back; the whole is checked at the end.
///
/// The limiter: requests of both classes for one or two resources at once, one or two permits each.
/// Some permits are given back. The others are dropped, at once or a little later, or held by a process
/// that is killed, and are used all the same. Some waits are abandoned and must use nothing; some usage
/// is recorded without a request. Limits are 30 per 300 ms together with 6 per 20 ms (shared between
/// users and background by activity), 20 per 250 ms, 1 per 4 ms, and 10 per 200 ms. The log is not
/// swept, so that it is the whole history at the end.
///
///   admitted  admissions whose permits were not given back, one per resource and permit
///
///   returned  permits that were given back
///
///   over      admissions at which a half-open window (t − window, t] held more than its limit: by
///             what the processes wrote down, and by the log in the file; any fails
///
///   mismatched admissions and records that were written down and are not in the file, whether their
///             permits were dropped or their process was killed, and, without kills, rows of the file
///             that no process wrote down; any fails
///
/// The cache: keys that all fill from an origin whose versions only rise, read, refresh and
/// invalidate (by key, tag and scope); and keys of each task's own that no other task touches.
///
///   hits      values that were read
///
///   dropped   fills that began before an invalidation or a later fill, and were not stored
///
///   stale     hits on a version that had been invalidated before the read began, or on bytes that
///             were not whole; any fails
///
///   kept      keys of tasks that must hold what was last stored, or nothing if it was deleted
///
///   lost      reads of them, on the way or at the end, that found something else; any fails
///
/// De-duplication, with a lease of 500 ms: owners complete, fail, renew their lease, oversleep it or
/// walk away, and all other callers join them.
///
///   accepted  jobs that ended as their owner said
///
///   fenced    jobs whose owner came too late
///
///   overlap   accepted jobs that began while another accepted job of their key was not over; any
///             fails
///
///   preempted jobs that were fenced though their lease had not lapsed; any fails
///
///   waited    waits for a job that another caller owned
///
///   wrong     waits that ended with a value or failure that the owner did not leave, or that missed
///             the one it did leave in time; any fails
///
///   longest   the longest wait after the last sign of life: the job's last heartbeat, or the
///             beginning of the wait
///
///   stuck     waits that took longer than a lease and the slack after that; any fails
///
///   file      what SQLite's integrity check finds; anything but ok fails
///
/// Trials of a few seconds come first, each with a file of its own: a read transaction that stays open
/// beside programs that write (half of the calls within 50 ms, all within the slack, and a short log after
/// it has ended); a full disk (what is kept is read, deleted and cleared, permits are granted, and the space
/// is used again; a real one is also filled up by others for a while); a second name for the file; a crowd of callers while the file is locked (each refused
/// within the busy timeout and the slack); runtimes that end in the middle of calls; files with a flipped bit
/// (a value is whole, missing or an error); a clock that steps by an hour both ways (permits come and are not
/// too many, leases, cooldowns and values end in their time).
///
/// A process that ends with an error or not at all fails the soak, and so does a run in which one
/// of the stores did nothing.
#[derive(Clone, Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// How many runs without kills, one after the other; 0 goes straight to the storm.
    #[arg(long, value_name = "N", default_value = "20")]
    runs: usize,

    /// How long each run is.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    duration: Duration,

    /// How long the storm is; 0s leaves it out.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    storm: Duration,

    /// How often a random process is killed in the storm.
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = time)]
    kill_every: Duration,

    /// How many processes.
    #[arg(long, value_name = "N", default_value = "4")]
    processes: NonZeroUsize,

    /// How many tasks for each store in each process.
    #[arg(long, value_name = "N", default_value = "4")]
    tasks: NonZeroUsize,

    /// How much longer than a lease a wait may take on a busy machine.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    slack: Duration,

    /// Decides what is asked, stored and killed; when exactly is up to the machine.
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,

    /// Whether the trials run.
    #[arg(long, value_name = "WHETHER", default_value_t = true, action = clap::ArgAction::Set)]
    trials: bool,

    /// A folder on a file system of some 16 MiB, which is filled up [default: one is imagined].
    #[arg(long, value_name = "PATH")]
    full_disk: Option<PathBuf>,

    /// Where files go, one folder per run, kept; must not exist [default: a temporary one].
    #[arg(long, value_name = "PATH")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let folder = Folder::open(args.folder.as_deref())?;
    let folder = folder.path();
    println!(
        "{} processes with {} tasks per store each, seed {}, in {}",
        args.processes,
        args.tasks,
        args.seed,
        folder.display()
    );
    let trials = if args.trials {
        edges::run(folder, args.full_disk.as_deref(), args.slack)?
    } else {
        Vec::new()
    };
    for complaint in trials.iter().flat_map(edges::Trial::complaints) {
        eprintln!("{complaint}");
    }
    let mut reports = Vec::new();
    let runs = (1..=args.runs).map(|number| (number.to_string(), args.duration, None));
    let storm = (!args.storm.is_zero()).then(|| {
        let every = Some(args.kill_every);
        ("storm".to_owned(), args.storm, every)
    });
    for (number, (name, duration, kill_every)) in (0..).zip(runs.chain(storm)) {
        let folder = folder.join(format!("run-{name}"));
        create(&folder)?;
        let database = folder.join("stores.db");
        let workload = Workload {
            kind: Kind::Stores,
            folder: &folder,
            processes: args.processes.get(),
            tasks: args.tasks.get(),
            seed: args.seed.wrapping_add(number),
            duration,
            kill_every,
        };
        let job = |part| Job {
            database: database.clone(),
            part,
        };
        let (counts, events) = workload.run(&name, job, |_| Ok(()))?;
        let report = collector::check(&database, counts, &events, args.slack);
        let report = runtime::block_on(report)?;
        for complaint in report.complaints() {
            eprintln!("run {name}: {complaint}");
        }
        reports.push((name, report));
    }
    if args.trials {
        print!("\n{}", edges::table(&trials));
    }
    print!("\n{}", report::table(&reports));
    let failed_trials = trials.iter().filter(|it| !it.passes()).count();
    let failed = reports.iter().filter(|(_, it)| !it.passes()).count();
    outcome(failed_trials + failed, trials.len() + reports.len())
}
