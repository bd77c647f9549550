//! The run: starts the server, the store and the workers, kills one of them, and reports.

use std::time::Duration;

use store_core::{Clock, Priority, SystemClock};

use crate::backend::{SharedStore, StoreKind};
use crate::checks::Kill;
use crate::error::Error;
use crate::options::DemoOptions;
use crate::output;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report::Report;
use crate::server;
use crate::worker_process::{WorkerProcess, WorkerSetup};

/// Workers that send no event for so long are stuck.
const SILENCE_LIMIT: Duration = Duration::from_mins(1);
/// How often the store is observed and the progress drawn.
const OBSERVE_EVERY: Duration = Duration::from_millis(100);

pub(crate) async fn run(options: DemoOptions) -> Result<(), Error> {
    let (kind, is_tiered) = StoreKind::parse(&options.store)?;
    let folder = tempfile::tempdir()?;
    let server = server::start(options.responses.as_deref()).await?;
    let plan = Plan::generate(server::inventory(&server).await?, options.requests);
    if plan.is_empty() {
        return Err(Error::usage(
            "the folder of --responses holds no resource and no list, only errors; name another, \
             or omit it for the generated catalogue",
        ));
    }
    let mut store = kind.create(folder.path()).await?;
    server::enforce_limits(&server);
    let mut worker_store = store.worker_arguments();
    if is_tiered {
        worker_store.push("--tiered".into());
    }
    let setup = WorkerSetup {
        base_url: server.base_url().to_owned(),
        store: worker_store,
        plans: folder.path().to_owned(),
    };
    let run = Run::complete(&setup, &plan, store.as_mut()).await;
    let counts = server.counts();
    let admissions = store.fullest_windows(&counts);
    server.stop().await;
    // A table on a server of the user's is deleted even if the run failed.
    let deleted = store.delete().await;
    let run = run?;
    deleted?;

    let report = Report {
        different: plan.len(),
        counts,
        took: run.took,
        user: run.user.into_summary(),
        background: run.background.into_summary(),
        admissions,
        kill: run.kill,
    };
    output::print_line(&report.to_string())?;
    report.result()
}

/// The two workers, and what happened to them.
struct Run {
    user: WorkerProcess,
    background: WorkerProcess,
    kill: Option<Kill>,
    took: Duration,
}

impl Run {
    /// Starts the workers and waits until both are done.
    async fn complete(
        setup: &WorkerSetup,
        plan: &Plan,
        store: &mut dyn SharedStore,
    ) -> Result<Self, Error> {
        let clock = SystemClock::new();
        let mut run = Self {
            user: WorkerProcess::start(setup, Priority::User, plan.for_user())?,
            background: WorkerProcess::start(setup, Priority::Background, plan.for_background())?,
            kill: None,
            took: Duration::ZERO,
        };
        let started = clock.now();
        run.watch(setup, store, &clock).await?;
        run.took = clock.now().since(started);
        Ok(run)
    }

    /// Follows the workers until both are done, and kills the background worker halfway.
    async fn watch(
        &mut self,
        setup: &WorkerSetup,
        store: &mut dyn SharedStore,
        clock: &dyn Clock,
    ) -> Result<(), Error> {
        let mut progress = Progress::on_stderr();
        let mut last_event = clock.now();
        let mut observe_at = clock.now();
        while !(self.user.is_done() && self.background.is_done()) {
            tokio::select! {
                event = self.user.next() => {
                    self.user.record(event?);
                    last_event = clock.now();
                }
                event = self.background.next() => {
                    self.background.record(event?);
                    last_event = clock.now();
                }
                () = clock.sleep_until(observe_at) => {
                    store.observe(clock.now()).await?;
                    progress.draw(&[self.user.status_line(), self.background.status_line()]);
                    observe_at = clock.now() + OBSERVE_EVERY;
                }
            }
            if self.kill.is_none() && self.background.is_halfway() {
                let unanswered = self.background.kill().await?;
                progress.print(&format!(
                    "The background process was killed with {} requests unanswered; it starts again.",
                    unanswered.len()
                ));
                self.kill = Some(Kill::new(unanswered));
                self.background.restart(setup)?;
            }
            if clock.now().since(last_event) > SILENCE_LIMIT {
                return Err(Error::failed(format!(
                    "the workers sent no event for {} s",
                    SILENCE_LIMIT.as_secs()
                )));
            }
        }
        store.observe(clock.now()).await
    }
}
