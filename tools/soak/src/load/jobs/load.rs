//! The jobs of a task: owned, joined, ended.

use std::str;
use std::sync::Arc;
use std::time::Duration;

use store_core::{
    Clock as _, DedupeStore, EndOutcome, Heartbeat, JobId, JobOutcome, JobResult, Key, Ownership,
    Registration,
};

use crate::error::Error;
use crate::load::context::Context;
use crate::load::events::{Ending, Entry, JobEvent as Event, Observed, Role};
use crate::load::rng::Rng;

use super::timing::LEASE;

const KEYS: usize = 12;

/// Keys whose owners all fall silent, and that are seldom asked for: only the one who waits
/// notices that the lease has lapsed.
const QUIET_KEYS: usize = 100;

/// Longer than any wait may take, so that a waiter that is stuck shows.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long most jobs take at most.
const WORK: Duration = Duration::from_millis(8);

pub(crate) async fn run(
    context: &Context,
    jobs: Arc<dyn DedupeStore>,
    rng: Rng,
) -> Result<(), Error> {
    while context.is_running() {
        context
            .step(Role::Jobs, &rng, step(context, &*jobs, &rng))
            .await?;
        context.pause(rng.up_to(Duration::from_millis(3))).await;
    }
    Ok(())
}

async fn step(context: &Context, jobs: &dyn DedupeStore, rng: &Rng) -> Result<(), Error> {
    let is_quiet = rng.chance(5);
    let number = if is_quiet {
        KEYS + rng.below(QUIET_KEYS)
    } else {
        rng.below(KEYS)
    };
    let key = Key::new(format!("jobs:{number}"))?;
    let asked = context.millis();
    match jobs.register_or_join(&key, rng.priority()).await? {
        Registration::Owner(owner) if is_quiet => {
            fall_silent(context, owner);
            Ok(())
        }
        Registration::Owner(owner) => own(context, jobs, rng, number, asked, owner).await,
        Registration::Joined(job) => join(context, jobs, &key, &job).await,
    }
}

/// Keeps the job without a heartbeat for long after its lease, while the task goes on.
fn fall_silent(context: &Context, owner: Ownership) {
    let clock = context.clock;
    tokio::spawn(async move {
        clock.sleep_until(clock.now() + LEASE * 5).await;
        drop(owner);
    });
}

async fn own(
    context: &Context,
    jobs: &dyn DedupeStore,
    rng: &Rng,
    number: usize,
    asked: i64,
    mut owner: Ownership,
) -> Result<(), Error> {
    let got = context.millis();
    match rng.below(100) {
        // Walks away.
        0..10 => {
            context.pause(rng.up_to(WORK)).await;
            return Ok(());
        }
        // Falls silent for a little longer than a lease.
        10..13 => context.pause(LEASE + rng.up_to(WORK)).await,
        // Takes long, but not too long.
        13..23 => context.pause(rng.up_to(WORK * 8)).await,
        // Takes very long, and says so.
        23..27 => {
            for _ in 0..rng.below(6) {
                if !beat(context, jobs, &owner).await? {
                    break;
                }
                context.pause(LEASE / 3).await;
            }
        }
        _ => context.pause(rng.up_to(WORK)).await,
    }
    let job = owner.job().to_string();
    let ending = match rng.below(10) {
        0 => Ending::NotShared,
        1 => Ending::Failure(rng.next()),
        _ => Ending::Value(rng.next()),
    };
    let end = context.millis();
    let event = Event::Ending {
        job: job.clone(),
        ending,
    };
    context.log(&Entry::Job(event))?;
    let outcome = match ending {
        Ending::Value(value) => {
            let value = JobResult::Value(value.to_string().into());
            jobs.complete(&mut owner, value).await?
        }
        Ending::NotShared => jobs.complete(&mut owner, JobResult::NotShared).await?,
        Ending::Failure(failure) => jobs.fail(&mut owner, &failure.to_string()).await?,
    };
    context.log(&Entry::Job(Event::Ended {
        key: number,
        job,
        asked,
        got,
        ending: end,
        answered: context.millis(),
        is_accepted: outcome == EndOutcome::Ended,
    }))
}

/// Whether the job is still the owner's.
async fn beat(context: &Context, jobs: &dyn DedupeStore, owner: &Ownership) -> Result<bool, Error> {
    context.log(&Entry::Job(Event::Beating {
        job: owner.job().to_string(),
        at: context.millis(),
    }))?;
    match jobs.heartbeat(owner.key(), owner.job()).await? {
        Heartbeat::Renewed(_) => Ok(true),
        Heartbeat::Fenced => Ok(false),
    }
}

async fn join(
    context: &Context,
    jobs: &dyn DedupeStore,
    key: &Key,
    job: &JobId,
) -> Result<(), Error> {
    let asked = context.millis();
    let outcome = jobs.wait_for(key, job, PATIENCE).await?;
    context.log(&Entry::Job(Event::Waited {
        job: job.to_string(),
        asked,
        observed: context.millis(),
        outcome: observe(&outcome),
    }))
}

fn observe(outcome: &JobOutcome) -> Observed {
    let number = |text: &str| text.parse().ok();
    let ending = match outcome {
        JobOutcome::Value(value) => str::from_utf8(value)
            .ok()
            .and_then(number)
            .map(Ending::Value),
        JobOutcome::OwnerFailed(failure) => number(failure).map(Ending::Failure),
        JobOutcome::NotShared => Some(Ending::NotShared),
        JobOutcome::Lapsed => return Observed::Lapsed,
        JobOutcome::TimedOut => return Observed::TimedOut,
    };
    ending.map_or(Observed::Unknown, Observed::Ending)
}
