//! `comicvine demo`: two processes, one database file, one budget; and a crash in the middle.
//!
//! The server runs in this process and counts what reaches it. The two workers are processes of
//! this same program that share nothing but the file.

mod audit;
mod child;
mod plan;
mod report;
pub(crate) mod worker;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use comicvine_client::ApiKey;
use comicvine_fake::{FakeServer, Limits};
use indicatif::MultiProgress;
use store_core::{Clock, Priority, SECOND, SystemClock, Timestamp};

use crate::cli::Demo;
use crate::failure::Failure;
use crate::output;
use crate::session::open_database;

use audit::Audit;
use child::{Child, Setting};
use plan::Plan;
use report::Report;

/// The real limits are 200 per path and hour and one per second. These have the same shape, a burst
/// at the pace of the spacing and then a wait, in seconds instead of an hour.
const PATH_LIMIT: u32 = 25;
const WINDOW: Duration = Duration::from_secs(5);
const SPACING: Duration = Duration::from_millis(25);
/// How many requests each worker has under way.
const TASKS: usize = 32;
/// How long an answer of the server takes.
const LATENCY: Duration = Duration::from_millis(15);
/// A worker that has not finished by then never will.
const PATIENCE: Duration = Duration::from_mins(3);
/// Opens nothing but the server of this process.
const KEY: &str = "demo";

pub(crate) async fn run(demo: Demo) -> Result<(), Failure> {
    let clock = Arc::new(SystemClock::new());
    let folder = tempfile::tempdir()?;
    let server = start_server(demo.responses.as_deref()).await?;
    let plan = Plan::draw(&server, demo.requests);
    if plan.is_empty() {
        return Err(Failure::usage(
            "there are no usable responses in the folder",
        ));
    }
    let db_path = folder.path().join("comics.db");
    let db = open_database(&db_path).await?;
    let key = ApiKey::new(KEY)?;
    output::remark(&format!(
        "{} different requests, most of them wanted by both processes; {PATH_LIMIT} per path and \
         {} s, one per {} ms",
        plan.len(),
        WINDOW.as_secs(),
        SPACING.as_millis()
    ));

    let setting = Setting {
        base_url: server.base_url().to_owned(),
        db: db_path,
        plans: folder.path().to_owned(),
    };
    let bars = MultiProgress::new();
    let mut user = Child::start(&setting, Priority::User, plan.for_user(), &bars)?;
    let mut background =
        Child::start(&setting, Priority::Background, plan.for_background(), &bars)?;
    let mut audit = Audit::new(db.clone(), &key.fingerprint(), PATH_LIMIT, WINDOW, SPACING);
    let started = clock.now();
    let mut killed = None;
    while !(user.is_done() && background.is_done()) {
        if clock.now().since(started) > PATIENCE {
            return Err(Failure::Unmet(format!(
                "the workers did not finish within {} s",
                PATIENCE.as_secs()
            )));
        }
        tokio::select! {
            event = user.next() => user.take(event?),
            event = background.next() => background.take(event?),
            () = clock.sleep_until(clock.now() + Duration::from_millis(100)) => audit.look(clock.now()).await?,
        }
        if killed.is_none() && background.is_halfway() {
            killed = Some(kill(&mut background, &*clock).await?);
            background.restart(&setting)?;
        }
    }
    audit.look(clock.now()).await?;
    bars.clear()?;

    let report = Report {
        user,
        background,
        counts: server.counts(),
        admissions: audit.finish(),
        took: clock.now().since(started),
        kill: killed,
    };
    output::line(&report.to_string())?;
    db.close().await.map_err(Failure::failed)?;
    server.stop().await;
    match report.complaints() {
        complaints if complaints.is_empty() => Ok(()),
        complaints => Err(Failure::Unmet(complaints.join("; "))),
    }
}

/// What a kill explains: requests that the killed process may have sent without telling.
pub(crate) struct Kill {
    pub(crate) at: Timestamp,
    /// Requests of its plan that it had not answered.
    pub(crate) unanswered: BTreeSet<usize>,
}

async fn kill(child: &mut Child, clock: &dyn Clock) -> Result<Kill, Failure> {
    let unanswered = child.kill().await?;
    Ok(Kill {
        at: clock.now(),
        unanswered,
    })
}

async fn start_server(responses: Option<&Path>) -> Result<FakeServer, Failure> {
    let limits = Limits::default()
        .with_requests(NonZeroU32::new(PATH_LIMIT).unwrap_or(NonZeroU32::MIN))
        .with_window(WINDOW)
        .with_spacing(SPACING);
    let mut builder = FakeServer::builder()
        .limits(limits)
        .latency(LATENCY)
        // A machine that stalls for a moment lets requests arrive closer together than they were
        // sent. The real API would not say how long it is cross; this one does.
        .retry_after(SECOND)
        .accept_key(KEY);
    if let Some(folder) = responses {
        builder = builder.recordings(folder);
    }
    builder
        .start()
        .await
        .map_err(|error| Failure::Setting(error.into()))
}
