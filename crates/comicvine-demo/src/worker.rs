//! One of the two worker processes: makes the requests of its plan and reports events, a line of JSON
//! each, on standard output.

use std::collections::VecDeque;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use comicvine_client::{ApiKey, Budget, ComicVine, Id, RawJson};
use store_core::{AdaptiveConfig, Clock, ErrorChain, Limit, Policy, Priority, SystemClock};

use crate::backend::OpenStores;
use crate::error::Error;
use crate::events::Event;
use crate::options::WorkerOptions;
use crate::output;
use crate::plan::PlannedRequest;
use crate::settings::{KEY, PATH_LIMIT, SPACING, SPACING_GUARD, TASKS, WINDOW};

/// How often a request is tried whose errors are retryable.
const TRIES: u32 = 20;
/// The counters are reported after this many requests.
const STATS_EVERY: usize = 10;
/// How long a request may wait for the rate limit.
const MAX_WAIT: Duration = Duration::from_mins(2);

/// The requests that are left, with their indices in the plan.
type Queue = Arc<Mutex<VecDeque<(usize, PlannedRequest)>>>;

pub(crate) async fn run(options: WorkerOptions) -> Result<(), Error> {
    let plan = fs::read_to_string(&options.plan)?;
    let requests: Result<VecDeque<_>, _> = plan
        .lines()
        .map(serde_json::from_str::<PlannedRequest>)
        .enumerate()
        .map(|(index, request)| request.map(|request| (index, request)))
        .collect();
    let queue = Arc::new(Mutex::new(requests?));
    let stores = OpenStores::open(&options.store).await?;
    let comics = ComicVine::builder(ApiKey::new(KEY)?)
        .stores(stores.stores.clone())
        .base_url(&options.base_url)
        .budget(budget())
        .max_wait(MAX_WAIT)
        .user_agent(concat!("comicvine-demo/", env!("CARGO_PKG_VERSION")))
        .build()?;
    let result = make_requests(&comics, options.priority, &queue).await;
    let closed = stores.close().await;
    result.and(closed)
}

async fn make_requests(comics: &ComicVine, priority: Priority, queue: &Queue) -> Result<(), Error> {
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| tokio::spawn(run_task(comics.clone(), priority, Arc::clone(queue))))
        .collect();
    for task in tasks {
        task.await??;
    }
    report(&Event::Stats(comics.stats().into()))
}

/// The server's limits as the client keeps them, with a margin for the delays of a busy machine.
fn budget() -> Budget {
    let adaptive = AdaptiveConfig::default()
        .with_monitoring_window(WINDOW)
        .with_recalculation_interval(WINDOW / 10)
        .with_sustained_inactivity_threshold(WINDOW * 2);
    Budget::default()
        .with_path(Limit::new(PATH_LIMIT, WINDOW))
        .with_guard(WINDOW / 20)
        .with_spacing(SPACING)
        .with_spacing_guard(SPACING_GUARD)
        .with_policy(Policy::Adaptive(adaptive))
}

async fn run_task(comics: ComicVine, priority: Priority, queue: Queue) -> Result<(), Error> {
    let clock = SystemClock::new();
    loop {
        let next = queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let Some((index, request)) = next else {
            return Ok(());
        };
        let mut tries = 1;
        let event = loop {
            match send(&comics, priority, &request).await {
                Ok(()) => break Event::Answered(index),
                Err(error) if error.is_retryable() && tries < TRIES => {
                    tries += 1;
                    let wait = error
                        .retry_after(clock.now())
                        .unwrap_or(Duration::from_millis(100));
                    clock.sleep(wait).await;
                }
                Err(error) => break failed(index, &error),
            }
        };
        report(&event)?;
        if index % STATS_EVERY == 0 {
            report(&Event::Stats(comics.stats().into()))?;
        }
    }
}

fn failed(index: usize, error: &comicvine_client::Error) -> Event {
    Event::Failed(index, ErrorChain(error).to_string())
}

async fn send(
    comics: &ComicVine,
    priority: Priority,
    request: &PlannedRequest,
) -> Result<(), comicvine_client::Error> {
    match *request {
        PlannedRequest::Get { kind, id } => {
            comics
                .get::<RawJson>(kind, Id::new(id))
                .priority(priority)
                .await?;
        }
        PlannedRequest::List {
            kind,
            offset,
            limit,
        } => {
            let page = comics.list::<RawJson>(kind).offset(offset).limit(limit);
            page.priority(priority).await?;
        }
    }
    Ok(())
}

fn report(event: &Event) -> Result<(), Error> {
    let line = serde_json::to_string(event)?;
    Ok(output::print_line(&line)?)
}

#[cfg(test)]
mod tests {
    use comicvine_client::ResourceKind;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn failed_request_is_reported_with_every_cause() {
        // Nobody listens there any more.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let comics = ComicVine::builder(ApiKey::new(KEY).unwrap())
            .base_url(&url)
            .build()
            .unwrap();
        let get = PlannedRequest::Get {
            kind: ResourceKind::Power,
            id: 1,
        };
        let error = send(&comics, Priority::User, &get).await.unwrap_err();
        let Event::Failed(7, reason) = failed(7, &error) else {
            panic!("another event");
        };
        assert!(reason.contains(&error.to_string()), "{reason}");
        assert!(reason.contains("refused"), "{reason}");
    }
}
