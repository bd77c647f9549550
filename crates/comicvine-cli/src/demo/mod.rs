//! `comicvine demo`: two processes, one store, one budget; and a crash in the middle.
//!
//! The server runs in this process and counts what reaches it. The two workers are processes of
//! this same program that share nothing but a file or a table.

mod audit;
mod child;
mod ground;
mod plan;
mod report;
mod stage;
mod verdict;
pub(crate) mod worker;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::MultiProgress;
use store_core::{Clock, Priority, SystemClock};

use crate::cli::{Global, count};
use crate::failure::Failure;
use crate::output;

use child::{Child, Setting};
use ground::{Ground, Kind};
use plan::Plan;
use report::Report;
use verdict::Kill;

/// The real limits are 200 per path and hour and one per second. These have the same shape, a burst
/// at the pace of the spacing and then a wait, in seconds instead of an hour.
const PATH_LIMIT: u32 = 25;
const WINDOW: Duration = Duration::from_secs(5);
const SPACING: Duration = Duration::from_millis(25);
/// How many requests each worker has under way.
const TASKS: usize = 32;
/// Workers that have been silent for so long will never finish.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often the store is looked at.
const AUDIT_EVERY: Duration = Duration::from_millis(100);
/// Opens nothing but the server of this process.
const KEY: &str = "demo";

const EXAMPLES: &str = "\
Examples:
  comicvine demo
  comicvine demo --requests 60
  comicvine demo --responses recorded/
  comicvine demo --store dynamodb                # in a checkout of the project
  DYNAMODB_ENDPOINT_URL=http://127.0.0.1:8000 comicvine demo --store dynamodb

Exit status 0 means that every promise was kept; otherwise the broken ones are named.";

/// Watch two processes share one budget, against a server on this machine.
///
/// Starts the API on loopback with scaled-down limits and two processes that ask for an overlapping
/// set of resources over one database file, kills one halfway, starts it again, and shows at the end
/// what was asked and what was sent, that no limit was exceeded, that nothing was lost, and that
/// nothing was fetched twice.
///
/// Needs no key and no network. It has a server, a key and a store of its own: of the settings below,
/// only `--log` and `--store` concern it.
///
/// `--store dynamodb` does the same over a DynamoDB table, which the demo makes and deletes. Its
/// server is the one at `DYNAMODB_ENDPOINT_URL`; if that is not set, `cargo xtask dynamodb-local`
/// starts one for as long as the demo runs, which works in a checkout of the project. Its windows are
/// counted where requests arrive.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Demo {
    /// Serve the recorded responses (`*.json`) below this folder instead of an invented catalogue.
    #[arg(long, value_name = "DIR")]
    responses: Option<PathBuf>,
    /// How many different requests the two processes ask for, if the server holds so many.
    #[arg(long, value_name = "N", default_value = "300")]
    #[arg(value_parser = count, allow_negative_numbers = true)]
    requests: u64,
}

pub(crate) async fn run(global: &Global, demo: Demo) -> Result<(), Failure> {
    let kind = Kind::of(global)?;
    let folder = tempfile::tempdir()?;
    let server = stage::start_server(demo.responses.as_deref()).await?;
    let wanted = usize::try_from(demo.requests).unwrap_or(usize::MAX);
    let plan = Plan::draw(stage::survey(&server).await?, wanted);
    if plan.is_empty() {
        return Err(Failure::usage(
            "the folder of --responses holds no resource and no list, only errors; name another, \
             or none for the invented catalogue",
        ));
    }
    let mut ground = kind.make(folder.path()).await?;
    stage::raise_limits(&server);
    let setting = Setting {
        base_url: server.base_url().to_owned(),
        store: ground.arguments(),
        plans: folder.path().to_owned(),
        log: global.log.clone(),
    };
    let performed = Performance::of(&setting, &plan, ground.as_mut()).await;
    let counts = server.counts();
    let admissions = ground.worst(&counts);
    server.stop().await;
    // A table of somebody's server is cleared away however the demo went.
    let cleared = ground.clear().await;
    let performance = performed?;
    cleared?;

    let report = Report {
        different: plan.len(),
        counts,
        took: performance.took,
        user: performance.user.into_tally(),
        background: performance.background.into_tally(),
        admissions,
        kill: performance.kill,
    };
    output::line(&report.to_string())?;
    report.judge()
}

/// The two workers at work, and what is watched meanwhile.
struct Performance {
    user: Child,
    background: Child,
    kill: Option<Kill>,
    took: Duration,
}

impl Performance {
    /// From start to end.
    async fn of(setting: &Setting, plan: &Plan, ground: &mut dyn Ground) -> Result<Self, Failure> {
        let clock = SystemClock::new();
        let bars = MultiProgress::new();
        let mut performance = Self {
            user: Child::start(setting, Priority::User, plan.for_user(), &bars)?,
            background: Child::start(setting, Priority::Background, plan.for_background(), &bars)?,
            kill: None,
            took: Duration::ZERO,
        };
        let started = clock.now();
        performance.watch(setting, ground, &bars, &clock).await?;
        performance.took = clock.now().since(started);
        bars.clear()?;
        Ok(performance)
    }

    /// Follows the workers until both are done, and kills the second one halfway.
    async fn watch(
        &mut self,
        setting: &Setting,
        ground: &mut dyn Ground,
        bars: &MultiProgress,
        clock: &dyn Clock,
    ) -> Result<(), Failure> {
        let mut heard = clock.now();
        let mut look = clock.now();
        while !(self.user.is_done() && self.background.is_done()) {
            tokio::select! {
                event = self.user.next() => {
                    self.user.take(event?);
                    heard = clock.now();
                }
                event = self.background.next() => {
                    self.background.take(event?);
                    heard = clock.now();
                }
                () = clock.sleep_until(look) => {
                    ground.look(clock.now()).await?;
                    look = clock.now() + AUDIT_EVERY;
                }
            }
            if self.kill.is_none() && self.background.is_halfway() {
                let unanswered = self.background.kill().await?;
                // A bar that nobody sees has no room for remarks, which is no loss.
                let _ = bars.println(format!(
                    "The background process was killed with {} requests unanswered; it starts again.",
                    unanswered.len()
                ));
                self.kill = Some(Kill::new(unanswered));
                self.background.restart(setting)?;
            }
            if clock.now().since(heard) > PATIENCE {
                return Err(Failure::Unmet(format!(
                    "the workers have been silent for {} s",
                    PATIENCE.as_secs()
                )));
            }
        }
        ground.look(clock.now()).await
    }
}
