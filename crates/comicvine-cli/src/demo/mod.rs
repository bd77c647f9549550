//! `comicvine demo`: two processes, one database file, one budget; and a crash in the middle.
//!
//! The server runs in this process and counts what reaches it. The two workers are processes of
//! this same program that share nothing but the file.

mod audit;
mod child;
mod plan;
mod report;
mod stage;
mod verdict;
pub(crate) mod worker;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use comicvine_client::ApiKey;
use indicatif::MultiProgress;
use store_core::{Clock, Priority, SystemClock};

use crate::cli::{Global, count};
use crate::failure::Failure;
use crate::output;
use crate::store::sqlite::open_database;

use audit::Audit;
use child::{Child, Setting};
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
/// How often the log of admissions is read.
const AUDIT_EVERY: Duration = Duration::from_millis(100);
/// Opens nothing but the server of this process.
const KEY: &str = "demo";

const EXAMPLES: &str = "\
Examples:
  comicvine demo
  comicvine demo --requests 60
  comicvine demo --responses recorded/

Exit status 0 means that every promise was kept; otherwise the broken ones are named.";

/// Watch two processes share one budget, against a server on this machine.
///
/// Starts the API on loopback with scaled-down limits and two processes that ask for an overlapping
/// set of resources over one database file, kills one halfway, starts it again, and shows at the end
/// what was asked and what was sent, that no limit was exceeded, that nothing was lost, and that
/// nothing was fetched twice.
///
/// Needs no key and no network. It has a server, a key and a database file of its own: of the
/// settings below, only `--log` concerns it.
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
    let clock = SystemClock::new();
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
    stage::raise_limits(&server);
    let setting = Setting {
        base_url: server.base_url().to_owned(),
        db: folder.path().join("comics.db"),
        plans: folder.path().to_owned(),
        log: global.log.clone(),
    };
    let db = open_database(&setting.db).await?;
    let key = ApiKey::new(KEY)?.fingerprint();
    let bars = MultiProgress::new();
    let mut performance = Performance {
        user: Child::start(&setting, Priority::User, plan.for_user(), &bars)?,
        background: Child::start(&setting, Priority::Background, plan.for_background(), &bars)?,
        audit: Audit::new(db.clone(), &key, PATH_LIMIT, WINDOW, SPACING),
        kill: None,
    };
    let started = clock.now();
    performance.watch(&setting, &bars, &clock).await?;
    let took = clock.now().since(started);
    bars.clear()?;
    db.close().await.map_err(Failure::failed)?;

    let report = Report {
        different: plan.len(),
        counts: server.counts(),
        took,
        user: performance.user.into_tally(),
        background: performance.background.into_tally(),
        admissions: performance.audit.finish(),
        kill: performance.kill,
    };
    server.stop().await;
    output::line(&report.to_string())?;
    report.judge()
}

/// The two workers at work, and what is watched meanwhile.
struct Performance {
    user: Child,
    background: Child,
    audit: Audit,
    kill: Option<Kill>,
}

impl Performance {
    /// Follows the workers until both are done, and kills the second one halfway.
    async fn watch(
        &mut self,
        setting: &Setting,
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
                    self.audit.look(clock.now()).await?;
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
        self.audit.look(clock.now()).await
    }
}
