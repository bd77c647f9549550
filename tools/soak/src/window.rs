//! `cargo xtask soak window`: one limit, shared by many tasks of many processes.

pub(crate) mod admissions;
pub(crate) mod job;
pub(crate) mod report;
mod worker;

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use store_core::{Clock as _, SystemClock};
use tempfile::TempDir;

use crate::campaign::{outcome, time};
use crate::error::Error;
use crate::kind::Kind;
use crate::workers;

pub(crate) use self::job::Admission;
pub(crate) use self::worker::work;

use self::job::Job;
use self::report::{Limiter, Parameters, Report};

/// Does one limit hold over several processes, and is it used up?
///
/// Every task of every process waits for a permit of the same resource in one SQLite file, through the
/// rate limiter that applications use, drops the permit at once and asks again. A dropped permit is
/// used: a limiter that took it back would grant more than the limit.
///
/// The columns of the table, and what fails a run:
///
///   admitted  admissions from the common start until the duration is over, the end not included
///
///   possible  limit × ⌈duration / window⌉: a full limit at the very start, and another as soon as
///             each window has passed
///
///   share     admitted of possible; less than 95 % fails
///
///   fullest   the most admissions in any half-open window (t − window, t], by the moments that the
///             limiter counted them at, late ones included; more than the limit fails
///
///   stray     admissions counted at a moment that is not between the call and its answer; any fails
///
///   a process the fewest and the most admissions of one process
#[derive(Clone, Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// How many processes.
    #[arg(long, value_name = "N", default_value = "4")]
    processes: NonZeroUsize,

    /// How many tasks in each process.
    #[arg(long, value_name = "N", default_value = "16")]
    tasks: NonZeroUsize,

    /// How many admissions a window may hold.
    #[arg(long, value_name = "N", default_value = "50")]
    limit: NonZeroU32,

    /// How long a window is, in whole milliseconds.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    window: Duration,

    /// How long a run is.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    duration: Duration,

    /// How many runs, one after the other, each with a resource of its own.
    #[arg(long, value_name = "N", default_value = "1")]
    runs: NonZeroUsize,

    /// The database file, created if it does not exist and kept [default: a temporary one].
    #[arg(long, value_name = "PATH")]
    database: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let folder = TempDir::new().map_err(Error::file("create", "a temporary folder"))?;
    let database = args
        .database
        .clone()
        .unwrap_or_else(|| folder.path().join("soak.db"));
    let parameters = Parameters {
        limit: args.limit.get(),
        window: args.window,
        duration: args.duration,
        limiter: Limiter::Exact,
    };
    println!(
        "{} processes with {} tasks each, {} per {}, for {}, on {}",
        args.processes,
        args.tasks,
        args.limit,
        humantime::format_duration(args.window),
        humantime::format_duration(args.duration),
        database.display(),
    );
    // A name that no earlier run has left admissions of in the file.
    let name = format!("soak-window-{}", SystemClock::new().now().as_millis());
    let mut reports = Vec::new();
    for number in 1..=args.runs.get() {
        eprintln!("run {number} of {}", args.runs);
        let job = || Job {
            database: database.clone(),
            resource: format!("{name}-{number}"),
            tasks: args.tasks.get(),
            limit: parameters.limit,
            window: parameters.window,
            duration: parameters.duration,
        };
        let jobs: Vec<Job> = (0..args.processes.get()).map(|_| job()).collect();
        let admissions = workers::run(Kind::Window, &jobs)?;
        reports.push(Report::new(
            &parameters,
            admissions.began_at,
            &admissions.workers,
        ));
    }
    println!("\n{}", report::table(&parameters, &reports));
    let failed = reports.iter().filter(|it| !it.passes(&parameters)).count();
    outcome(failed, reports.len())
}
