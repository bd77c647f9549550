//! One of the demo's two processes: works through its plan and tells what it does, a line of JSON
//! per event.

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use comicvine_client::{Budget, ComicVine, Error, Id, Outcome, ResourceKind};
use serde::{Deserialize, Serialize};
use store_core::pipeline::PipelineStats;
use store_core::{AdaptiveConfig, Clock, Limit, Policy, Priority, SystemClock};

use crate::cli::{Global, duration};
use crate::demo::plan::Ask;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// One of the demo's two processes.
#[derive(Args, Debug)]
pub(crate) struct DemoWorker {
    /// What to ask for: a file with one JSON request per line.
    #[arg(long)]
    plan: PathBuf,
    /// The path limit that the server enforces.
    #[arg(long)]
    limit: u32,
    /// The window of the path limit.
    #[arg(long, value_parser = duration)]
    window: Duration,
    /// The spacing that the server enforces.
    #[arg(long, value_parser = duration)]
    spacing: Duration,
    /// How many tasks ask at the same time.
    #[arg(long)]
    tasks: usize,
}

/// What a worker tells its parent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// A request of the plan, by its place, was answered from here.
    Answered(usize, String),
    /// A request of the plan has no answer.
    Lost(usize, String),
    /// The pipeline's figures so far.
    Stats(Stats),
}

/// The figures of a pipeline that the report shows.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stats {
    pub(crate) asked: u64,
    pub(crate) hits: u64,
    pub(crate) joined: u64,
    pub(crate) fetched: u64,
    pub(crate) stale: u64,
    pub(crate) attempts: u64,
    pub(crate) waits: u64,
    pub(crate) denied: u64,
    pub(crate) failed: u64,
    pub(crate) cooldowns: u64,
}

impl From<PipelineStats> for Stats {
    fn from(stats: PipelineStats) -> Self {
        Self {
            asked: stats.asked,
            hits: stats.hits,
            joined: stats.joined,
            fetched: stats.fetched,
            stale: stats.stale,
            attempts: stats.attempts,
            waits: stats.waits,
            denied: stats.denied,
            failed: stats.failed,
            cooldowns: stats.cooldowns,
        }
    }
}

/// A request is asked for again so often if its failure may pass.
const TRIES: u32 = 20;
/// Figures are told after this many answers.
const STATS_EVERY: usize = 10;

pub(crate) async fn run(global: &Global, worker: DemoWorker) -> Result<(), Failure> {
    let plan = fs::read_to_string(&worker.plan)?;
    let asks: Result<VecDeque<(usize, Ask)>, _> = plan
        .lines()
        .map(serde_json::from_str)
        .enumerate()
        .map(|(place, ask)| ask.map(|ask| (place, ask)))
        .collect();
    let asks = Arc::new(Mutex::new(asks.map_err(Failure::failed)?));
    let session = Session::open_within(global, budget(&worker)).await?;
    let done = work_through(&session, global, worker.tasks, &asks).await;
    session.close(done).await
}

async fn work_through(
    session: &Session,
    global: &Global,
    tasks: usize,
    asks: &Arc<Mutex<VecDeque<(usize, Ask)>>>,
) -> Result<(), Failure> {
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (comics, asks) = (session.comics.clone(), Arc::clone(asks));
            tokio::spawn(work(comics, global.priority, asks))
        })
        .collect();
    for task in tasks {
        task.await.map_err(Failure::failed)??;
    }
    tell(&Event::Stats(session.comics.stats().into()))
}

/// The server's limits as the client keeps them, with room for what a busy machine does to the
/// distance between two requests on their way.
fn budget(worker: &DemoWorker) -> Budget {
    let adaptive = AdaptiveConfig::default()
        .with_monitoring_window(worker.window)
        .with_recalculation_interval(worker.window / 10)
        .with_sustained_inactivity_threshold(worker.window * 2);
    Budget::default()
        .with_path(Limit::new(worker.limit, worker.window))
        .with_guard(worker.window / 20)
        .with_spacing(worker.spacing * 2)
        .with_policy(Policy::Adaptive(adaptive))
}

async fn work(
    comics: ComicVine,
    priority: Priority,
    asks: Arc<Mutex<VecDeque<(usize, Ask)>>>,
) -> Result<(), Failure> {
    let clock = SystemClock::new();
    loop {
        let next = asks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let Some((place, request)) = next else {
            return Ok(());
        };
        let mut tries = 1;
        let event = loop {
            match ask(&comics, priority, &request).await {
                Ok(outcome) => break Event::Answered(place, outcome.as_str().to_owned()),
                Err(error) if error.is_retryable() && tries < TRIES => {
                    tries += 1;
                    let now = clock.now();
                    let wait = error.retry_after(now).unwrap_or(Duration::from_millis(100));
                    clock.sleep_until(now + wait).await;
                }
                Err(error) => break Event::Lost(place, error.to_string()),
            }
        };
        tell(&event)?;
        if place % STATS_EVERY == 0 {
            tell(&Event::Stats(comics.stats().into()))?;
        }
    }
}

async fn ask(comics: &ComicVine, priority: Priority, request: &Ask) -> Result<Outcome, Error> {
    match request {
        Ask::Get { kind, id } => {
            let kind: ResourceKind = kind.parse()?;
            let got = comics.get(kind, Id::new(*id)).priority(priority).await?;
            Ok(got.outcome)
        }
        Ask::List {
            kind,
            offset,
            limit,
        } => {
            let kind: ResourceKind = kind.parse()?;
            let page = comics.list(kind).offset(*offset).limit(*limit);
            Ok(page.priority(priority).await?.outcome)
        }
    }
}

fn tell(event: &Event) -> Result<(), Failure> {
    let line = serde_json::to_string(event).map_err(Failure::failed)?;
    Ok(output::line(&line)?)
}
