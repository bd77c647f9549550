//! `cargo xtask soak crawl`: programs that list one list together, within scaled limits and through blocks.

mod program;
mod report;

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use comicvine_fake::{FakeServer, Fault, Injection, Limits};
use store_core::{Clock as _, SystemClock};

use crate::campaign::{Folder, create, outcome, time};
use crate::error::Error;
use crate::runtime;

use self::program::{Listing, Program, Row};
use self::report::Outcome;

/// Do several programs on one file use up the API's limit together, and lose nothing to a block?
///
/// Processes of `comicvine` list a part of the issues each, a row per request, from a server on loopback with
/// the limits of the API, scaled. First nothing is in their way; then in each run a block of another kind meets
/// four requests, with a `Retry-After` of two seconds, while the server takes longer than the spacing.
///
/// The columns of the table, and what fails a run:
///
///   rows      what the programs have listed
///
///   lost      rows of the list that no program has listed; any fails
///
///   extra     rows that were listed twice, or are not of the list; any fails
///
///   refused   requests over a limit of the server; any fails
///
///   rate      of what the server's limit allows, from the first row of the first window to the first row of
///             the last; less than 98 % fails
///
///   blocked   requests that met the block
///
///   together  of these, requests that came within a second of the one before. At the start of the block every
///             program may have one on its way; at the end of a cooldown more than one fails
#[derive(Clone, Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// How many rows in the run without a block.
    #[arg(long, value_name = "N", default_value = "1000")]
    rows: NonZeroU64,

    /// How many rows in each run with a block; 0 leaves these out.
    #[arg(long, value_name = "N", default_value = "60")]
    blocked_rows: u64,

    /// How many processes.
    #[arg(long, value_name = "N", default_value = "2")]
    processes: NonZeroU64,

    /// How many requests a window of the server may hold.
    #[arg(long, value_name = "N", default_value = "200")]
    limit: NonZeroU32,

    /// How long a window is.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = time)]
    window: Duration,

    /// The least time between two requests.
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = time)]
    spacing: Duration,

    /// The program `comicvine` [default: it is built].
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,

    /// Where files go, kept; must not exist [default: a temporary one].
    #[arg(long, value_name = "PATH")]
    folder: Option<PathBuf>,
}

/// How many requests a block meets.
const BLOCKED: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// How long the server takes during a block.
const SLOW: Duration = Duration::from_millis(400);

/// How often the server's counts are read.
const LOOK_EVERY: Duration = Duration::from_millis(2);

const BLOCKS: [(&str, Fault); 7] = [
    ("420", Fault::RateLimited),
    ("107", Fault::RateLimitedBody),
    ("403", Fault::Forbidden),
    ("1015", Fault::AddressBanned),
    ("429", Fault::AddressLimited),
    ("abnormal traffic", Fault::AbnormalTraffic),
    ("503", Fault::Unavailable),
];

pub(crate) fn run(args: &Args) -> Result<(), Error> {
    let folder = Folder::open(args.folder.as_deref())?;
    let program = match &args.program {
        Some(path) => Program::at(path),
        None => Program::build()?,
    };
    println!(
        "{} processes, {} per {}, {} apart, in {}",
        args.processes,
        args.limit,
        humantime::format_duration(args.window),
        humantime::format_duration(args.spacing),
        folder.path().display(),
    );
    let outcomes = runtime::block_on(async {
        let mut runs = vec![("no block", None, args.rows.get())];
        if args.blocked_rows > 0 {
            runs.extend(BLOCKS.map(|(name, fault)| (name, Some(fault), args.blocked_rows)));
        }
        let mut outcomes = Vec::new();
        for (number, (name, fault, rows)) in (1..).zip(runs) {
            eprintln!("run {number}: {name}");
            let files = folder.path().join(format!("run-{number}"));
            create(&files)?;
            outcomes.push(crawl(args, &program, &files, name, fault, rows).await?);
        }
        Ok::<_, Error>(outcomes)
    })?;
    print!("\n{}", report::table(&outcomes));
    let failed = outcomes.iter().filter(|it| !it.passes()).count();
    outcome(failed, outcomes.len())
}

async fn crawl(
    args: &Args,
    program: &Program,
    files: &Path,
    name: &'static str,
    fault: Option<Fault>,
    rows: u64,
) -> Result<Outcome, Error> {
    let unlimited = FakeServer::builder().limits(Limits::unlimited());
    let server = unlimited.start().await?;
    // The server makes its rows when it is first asked for them, which holds up others that ask.
    let listed = tokio::task::block_in_place(|| program.list_at_once(server.base_url(), rows));
    let expected = listed?;
    server.reset();
    let limits = Limits::default()
        .with_requests(args.limit)
        .with_window(args.window)
        .with_spacing(args.spacing);
    server.set_limits(limits);
    let mut outcome = tokio::task::block_in_place(|| {
        let part = rows.div_ceil(args.processes.get());
        let parts = (0..args.processes.get()).map(|number| Listing {
            database: files.join("comics.db"),
            base_url: server.base_url().to_owned(),
            offset: number * part,
            rows: part.min(rows.saturating_sub(number * part)),
            limit: format!("{}/{}ms", args.limit, args.window.as_millis()),
            spacing: format!("{}ms", args.spacing.as_millis()),
        });
        let parts = parts.filter(|part| part.rows > 0);
        observe(program, &server, fault, rows, &expected, parts.collect())
    })?;
    outcome.name = name;
    if fault.is_none() {
        outcome.measure_rate(args.limit, args.window);
    }
    outcome.refused = server.counts().total().refused();
    Ok(outcome)
}

/// Runs the programs to their end; the block begins when a quarter of the rows has come.
fn observe(
    program: &Program,
    server: &FakeServer,
    fault: Option<Fault>,
    rows: u64,
    expected: &BTreeSet<u64>,
    parts: Vec<Listing>,
) -> Result<Outcome, Error> {
    let clock = SystemClock::new();
    let (sender, receiver) = channel::<Row>();
    let mut running = Vec::new();
    for part in parts {
        running.push(program.start(&part, clock, sender.clone())?);
    }
    drop(sender);
    let mut fault = fault;
    let (mut came, mut blocked) = (Vec::new(), Vec::new());
    loop {
        match receiver.recv_timeout(LOOK_EVERY) {
            Ok(row) => came.push(row),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        let count = server.counts().total().injected;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        blocked.resize(count, clock.monotonic());
        if count as u64 == u64::from(BLOCKED.get()) {
            server.set_latency(Duration::ZERO);
        }
        if came.len() as u64 >= rows / 4
            && let Some(fault) = fault.take()
        {
            server.set_latency(SLOW);
            server.inject(
                Injection::new(fault)
                    .times(BLOCKED)
                    .retry_after(RETRY_AFTER),
            );
        }
    }
    for part in running {
        part.end()?;
    }
    Ok(Outcome::new(expected, &came, blocked))
}
