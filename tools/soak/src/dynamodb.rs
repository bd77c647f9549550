//! `cargo xtask soak dynamodb`: all three stores in one table, under real processes, behind a network
//! that fails.

mod backend;
mod collector;
mod report;
mod storm;
mod trouble;
mod window;
mod worker;

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::campaign::{Folder, create, outcome, time};
use crate::error::Error;
use crate::kind::Kind;
use crate::load::Part;
use crate::load::cache::Origin;
use crate::offset::OffsetClock;
use crate::workload::Workload;
use store_core::{Clock as _, SystemClock};

pub(crate) use self::window::work as work_on_window;
pub(crate) use self::worker::work;

use self::backend::{Backend, Storage};
use self::collector::Expected;
use self::report::Report;
use self::storm::Storm;

/// Do the stores keep their promises over several processes that share a DynamoDB table?
///
/// Every process runs tasks for each of the three stores, all in one table of the emulator, which is
/// built and started, or of another server. The load is that of `cargo xtask soak stores`. First come
/// the runs, each with a new table; then the storm; then one limit for all, under load through the rate
/// limiter that applications use. Each process writes down what it did at once; the whole is checked at the end.
///
/// With --faults, that many percent of the requests meet each kind of fault: two kinds of throttling,
/// internal errors, resets, slow answers, answers lost after the work was done, conflicts, and batches
/// left half done. With --skew, clocks differ by up to that much in either direction; the stores are
/// configured so, and what it costs is shown.
///
/// Then come three trials of a limit in trouble: the server stops for 6 s; 3,000 values are cleared; the same
/// on a table of 50 write units. The limit holds, and each process is granted a permit within 2 s once the
/// server answers.
///
/// In the storm the server is killed and started again on its file two seconds later, and then every
/// request is throttled for a third of the storm. Transient failures are written down and tolerated; any
/// other ends the soak.
///
///   requests  what all processes sent, without what the client sent again by itself
///
///   faulted   requests that met a fault
///
///   admitted  admissions whose permits were not given back, one per resource and permit
///
///   over      admissions at which a half-open window (t − window, t] held more than its limit, by
///             what the processes wrote down: one for several resources is counted on each at some
///             moment from the call to the one that the permit names; any fails
///
///   hits      values that were read from the cache
///
///   stale     hits on a version that had been invalidated before the read began, or on bytes that
///             were not whole; any fails
///
///   kept      keys of tasks that must hold what was last stored, or nothing if it was deleted
///
///   lost      reads of them, on the way or at the end, that found something else; any fails
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
///             the one it did leave in time, though no four jobs of the key had ended since; any fails
///
///   longest   the longest wait after the job's last sign of life
///
///   stuck     waits that took longer than a lease, the skew and the slack after the last sign of
///             life; any fails, except in the storm
///
///   errors    steps that failed for a reason that may pass; without faults and storm, any fails but
///             those that gave up: others were faster again and again, or the deadline of a wait
///             for a permit came before any answer
///
///   slowest   the longest step, waiting for its turn included
///
///   overrun   by how much a wait for a permit outlived its deadline at most: a question to the table
///             gets a second
///
///   late      steps longer than what they may wait for and four requests' time, those of the cache eight; any
///             fails
///
///   circuits  processes whose circuit breaker opened, of all; in the storm all must, and each must
///             have closed again at the end
///
/// A process that ends with an error or not at all fails the soak, and so does a run in which one
/// of the stores did nothing.
#[derive(Clone, Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// How many runs, one after the other; 0 goes straight to the storm.
    #[arg(long, value_name = "N", default_value = "20")]
    runs: usize,

    /// How long each run is.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    duration: Duration,

    /// How long the storm is; 0s leaves it out.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    storm: Duration,

    /// How long the run of one limit is; 0s leaves it out.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = humantime::parse_duration)]
    window: Duration,

    /// How often each trial of a limit in trouble is made; 0 leaves them out.
    #[arg(long, value_name = "N", default_value = "1")]
    trouble: u64,

    /// How many processes in runs and storm.
    #[arg(long, value_name = "N", default_value = "4")]
    processes: NonZeroUsize,

    /// How many tasks for each store in each process.
    #[arg(long, value_name = "N", default_value = "4")]
    tasks: NonZeroUsize,

    /// How many processes share the one limit.
    #[arg(long, value_name = "N", default_value = "8")]
    window_processes: NonZeroUsize,

    /// How many admissions a second the one limit allows.
    #[arg(long, value_name = "N", default_value = "100")]
    window_limit: NonZeroU32,

    /// How many percent of the requests meet each kind of fault, in runs.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = clap::value_parser!(u8).range(0..=12))]
    faults: u8,

    /// By how much the processes' clocks are ahead or behind at most, except in the storm.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    skew: Duration,

    /// How much longer than a lease a wait may take on a busy machine.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = time)]
    slack: Duration,

    /// Decides what is asked, stored and made to fail; when exactly is up to the machine.
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,

    /// A server to use instead of the emulator; it is not killed, and its tables are removed.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,

    /// Where files go, one folder per run, kept; must not exist [default: a temporary one].
    #[arg(long, value_name = "PATH")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let folder = Folder::open(args.folder.as_deref())?;
    let folder = folder.path();
    println!(
        "{} processes with {} tasks per store each, seed {}, {} % of each fault, clocks within ±{}, in {}",
        args.processes,
        args.tasks,
        args.seed,
        args.faults,
        humantime::format_duration(args.skew),
        folder.display()
    );
    let (mut failed, mut runs) = (0, 0);
    let mut reports = Vec::new();
    let timeline = (1..=args.runs).map(|number| (number.to_string(), None));
    let storm = (!args.storm.is_zero()).then(|| ("storm".to_owned(), Some(Storm::of(args.storm))));
    for (number, (name, storm)) in (0..).zip(timeline.chain(storm)) {
        let folder = folder.join(format!("run-{name}"));
        create(&folder)?;
        let report = run_one(args, &folder, &name, number, storm).inspect_err(|_| {
            eprintln!("run {name} was broken off; what came of those before:");
            print!("\n{}", report::table(&reports));
        })?;
        for complaint in report.complaints() {
            eprintln!("run {name}: {complaint}");
        }
        failed += usize::from(!report.passes());
        runs += 1;
        reports.push((name, report));
    }
    if !reports.is_empty() {
        print!("\n{}", report::table(&reports));
    }
    if !args.window.is_zero() {
        runs += 1;
        failed += usize::from(!check_window(args)?);
    }
    for round in 0..args.trouble {
        let seed = args.seed.wrapping_add(round);
        let (more_failed, trials) = trouble::run(args.endpoint_url.as_deref(), seed)?;
        failed += more_failed;
        runs += trials;
    }
    outcome(failed, runs)
}

/// Runs the workload once, or in the storm.
fn run_one(
    args: &Args,
    folder: &Path,
    name: &str,
    number: u64,
    storm: Option<Storm>,
) -> Result<Report, Error> {
    let seed = args.seed.wrapping_add(number);
    let is_storm = storm.is_some();
    let skew = if is_storm { Duration::ZERO } else { args.skew };
    let share = if is_storm { 0 } else { args.faults };
    let storage = match storm {
        Some(_) => Storage::File(folder.join("table.db")),
        None => Storage::Memory,
    };
    let mut backend = Backend::open(args.endpoint_url.as_deref(), storage, seed)?;
    backend.inject_faults(share);
    let workload = Workload {
        kind: Kind::DynamoDb,
        folder,
        processes: args.processes.get(),
        tasks: args.tasks.get(),
        seed,
        duration: storm.map_or(args.duration, |storm| storm.duration),
        kill_every: None,
    };
    // Made here, so that the workers do not get into each other's way before they begin.
    backend.block_on(async { Origin::open(&workload.origin()).await?.close().await })?;
    let (endpoint, table) = (backend.url(), backend.table().to_owned());
    let job = |part: Part| worker::Job {
        endpoint: endpoint.clone(),
        table: table.clone(),
        offset_millis: OffsetClock::spread(skew, part.number - 1, workload.processes),
        skew: skew * 2,
        part,
    };
    let mut schedule = storm.map(storm::Schedule::new);
    let (counts, events) = workload.run(name, job, |elapsed| match &mut schedule {
        Some(schedule) => schedule.apply_due(&mut backend, elapsed),
        None => Ok(()),
    })?;
    let expected = Expected {
        slack: args.slack + skew * 2,
        skew: skew * 2,
        has_faults: share > 0,
        is_storm,
    };
    let report = collector::check(&backend, counts, &events, expected);
    backend.close()?;
    report
}

/// Runs one limit for all processes, by itself.
fn check_window(args: &Args) -> Result<bool, Error> {
    let backend = Backend::open(args.endpoint_url.as_deref(), Storage::Memory, args.seed)?;
    let window_run = window::WindowRun {
        processes: args.window_processes.get(),
        limit: args.window_limit.get(),
        duration: args.window,
        skew: args.skew,
        resource: format!("soak-{}", SystemClock::new().now().as_millis()),
    };
    let kept = window_run.run(&backend);
    backend.close()?;
    kept
}
