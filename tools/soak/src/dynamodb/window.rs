//! One limit, shared by many tasks of many processes: is it kept, is it used up, what does it cost?

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{
    Clock as _, Limit, RateLimitStore as _, RateLimiter, RateLimiterOptions, Resource, SystemClock,
    Timestamp,
};
use store_dynamodb::{DynamoDbRateLimitStore, RateLimitOptions, Tuning};

use crate::error::Error;
use crate::kind::Kind;
use crate::load::events::Sent;
use crate::offset::OffsetClock;
use crate::runtime;
use crate::window::Admission;
use crate::window::admissions::{OnRetryable, admissions};
use crate::window::report::{self, Limiter, Parameters, Report};
use crate::workers;

use super::backend::{self, Backend};

pub(super) const WINDOW: Duration = Duration::from_secs(1);
const TASKS: usize = 4;
/// How long after it was decided an admission may be answered on a busy machine.
const LAG: Duration = Duration::from_millis(200);

/// One limit that all workers use.
#[derive(Debug)]
pub(crate) struct WindowRun {
    pub(crate) processes: usize,
    pub(crate) limit: u32,
    pub(crate) duration: Duration,
    pub(crate) skew: Duration,
    pub(crate) resource: String,
}

/// What the processes of a run told.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) began_at: Timestamp,
    /// The admissions of each process.
    pub(super) workers: Vec<Vec<Admission>>,
    sent: Vec<Sent>,
}

/// The job of one worker.
#[derive(Debug, Deserialize, Serialize)]
struct Job {
    endpoint: String,
    table: String,
    resource: String,
    limit: u32,
    duration: Duration,
    offset_millis: i64,
    skew: Duration,
}

/// A message of a worker.
#[derive(Debug, Deserialize, Serialize)]
enum Message {
    Admitted(Admission),
    Sent(Sent),
}

fn options(limit: u32) -> RateLimitOptions {
    RateLimitOptions::default().with_default_config(Limit::new(limit, WINDOW))
}

fn tuning(skew: Duration) -> Tuning {
    let mut tuning = Tuning::default();
    tuning.max_clock_skew += skew;
    tuning
}

impl WindowRun {
    /// Whether the limit was kept and used up; what came of it is printed.
    pub(crate) fn run(&self, backend: &Backend) -> Result<bool, Error> {
        let window = humantime::format_duration(WINDOW);
        eprintln!("{} processes, {} per {window}", self.processes, self.limit);
        let Answers {
            began_at,
            workers,
            sent,
        } = self.admissions(backend, backend.direct_url())?;
        let parameters = self.parameters(backend);
        let report = Report::new(&parameters, began_at, &workers);
        println!(
            "\n{} processes with {TASKS} tasks each, {} per {window}, for {}, clocks within ±{}:\n",
            self.processes,
            self.limit,
            humantime::format_duration(self.duration),
            humantime::format_duration(self.skew),
        );
        let passes = report.passes(&parameters);
        println!("{}", report::table(&parameters, &[report]));
        let units: f64 = sent.iter().map(|it| it.write_units).sum();
        let refused: u64 = sent.iter().map(|it| it.refused_writes).sum();
        let admitted: usize = workers.iter().map(Vec::len).sum();
        let each = |units: f64| units / f64::from(u32::try_from(admitted.max(1)).unwrap_or(1));
        let refused = f64::from(u32::try_from(refused).unwrap_or(u32::MAX));
        println!(
            "Write units per admission: {:.2}, of which {:.2} for writes that were refused.",
            each(units + refused),
            each(refused)
        );
        if !self.skew.is_zero() {
            let exact = Self {
                skew: Duration::ZERO,
                resource: self.resource.clone(),
                ..*self
            };
            let without = exact.parameters(backend).possible();
            println!(
                "With clocks that agree {without} would have been possible: the skew leaves {} %.",
                parameters.possible() * 100 / without.max(1)
            );
        }
        Ok(passes)
    }

    /// The admissions that processes get at `endpoint`.
    pub(super) fn admissions(&self, backend: &Backend, endpoint: &str) -> Result<Answers, Error> {
        let job = |number| Job {
            endpoint: endpoint.to_owned(),
            table: backend.table().to_owned(),
            resource: self.resource.clone(),
            limit: self.limit,
            duration: self.duration,
            offset_millis: OffsetClock::spread(self.skew, number, self.processes),
            skew: self.skew * 2,
        };
        let jobs: Vec<Job> = (0..self.processes).map(job).collect();
        let messages = workers::run::<_, Message>(Kind::DynamoDbWindow, &jobs)?;
        let (mut workers, mut sent) = (Vec::new(), Vec::new());
        for worker in messages.workers {
            let mut admissions = Vec::new();
            for report in worker {
                match report {
                    Message::Admitted(admission) => admissions.push(admission),
                    Message::Sent(more) => sent.push(more),
                }
            }
            workers.push(admissions);
        }
        Ok(Answers {
            began_at: messages.began_at,
            workers,
            sent,
        })
    }

    fn parameters(&self, backend: &Backend) -> Parameters {
        let longer = backend.block_on(async {
            let store = DynamoDbRateLimitStore::with_tuning(
                &backend.handle().await,
                options(self.limit),
                tuning(self.skew * 2),
            );
            // What the clocks of one machine are allowed to differ by is no excuse.
            let skew = Tuning::default().max_clock_skew;
            store.resolution(WINDOW).saturating_sub(skew)
        });
        Parameters {
            limit: self.limit,
            window: WINDOW,
            duration: self.duration,
            limiter: Limiter::Coarse {
                longer,
                clocks_agree: self.skew.is_zero(),
                lag: LAG,
            },
        }
    }
}

pub(crate) fn work() -> Result<(), Error> {
    runtime::block_on(run_tasks(workers::job()?))
}

async fn run_tasks(job: Job) -> Result<(), Error> {
    let table = backend::handle(&job.endpoint, &job.table).await;
    let local = OffsetClock::new(job.offset_millis);
    let limits = options(job.limit).with_clock(local);
    let limits = DynamoDbRateLimitStore::with_tuning(&table, limits, tuning(job.skew));
    let limiter =
        RateLimiter::with_options(limits, RateLimiterOptions::default().with_clock(local));
    let resource = Resource::new(&job.resource)?;

    let begins_at = workers::ready()?;
    let ends_at = begins_at + job.duration;
    SystemClock::new().sleep_until(begins_at).await;
    let on_retryable = OnRetryable::AskAgain;
    for admission in admissions(&limiter, &resource, TASKS, ends_at, on_retryable).await? {
        workers::report(&Message::Admitted(admission))?;
    }
    workers::report(&Message::Sent(table.consumed_capacity().into()))
}
