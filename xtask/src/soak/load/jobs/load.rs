//! What a task does with jobs.

use std::str;
use std::sync::Arc;
use std::time::Duration;

use store_core::{
    Clock as _, DedupeStore, Heartbeat, JobId, JobOutcome, JobResult, Key, Ownership, Registration,
    Settlement,
};

use crate::error::Error;
use crate::soak::load::desk::{Desk, Role};
use crate::soak::load::dice::Dice;
use crate::soak::load::journal::Entry;

use super::{Ending, Event, Heard, LEASE};

const KEYS: usize = 12;

/// Keys whose owners all fall silent, and that are seldom asked for: nobody but the one who waits
/// notices that the lease has lapsed.
const QUIET_KEYS: usize = 100;

/// Longer than any wait may take, so that a waiter that is stuck is told apart.
pub(in crate::soak) const PATIENCE: Duration = Duration::from_secs(10);

/// How long most jobs take at most.
const WORK: Duration = Duration::from_millis(8);

pub(in crate::soak) async fn run(
    desk: &Desk,
    jobs: Arc<dyn DedupeStore>,
    dice: Dice,
) -> Result<(), Error> {
    while desk.is_open() {
        desk.step(Role::Jobs, &dice, step(desk, &*jobs, &dice))
            .await?;
        desk.pause(dice.up_to(Duration::from_millis(3))).await;
    }
    Ok(())
}

async fn step(desk: &Desk, jobs: &dyn DedupeStore, dice: &Dice) -> Result<(), Error> {
    let is_quiet = dice.chance(5);
    let number = if is_quiet {
        KEYS + dice.below(QUIET_KEYS)
    } else {
        dice.below(KEYS)
    };
    let key = Key::new(&format!("jobs:{number}"))?;
    let asked = desk.millis();
    match jobs.register_or_join(&key, dice.priority()).await? {
        Registration::Owner(owner) if is_quiet => {
            fall_silent(desk, owner);
            Ok(())
        }
        Registration::Owner(owner) => own(desk, jobs, dice, number, asked, owner).await,
        Registration::Joined(job) => join(desk, jobs, &key, &job).await,
    }
}

/// Keeps the job without a word for long after its lease, while the task goes on.
fn fall_silent(desk: &Desk, owner: Ownership) {
    let clock = desk.clock;
    tokio::spawn(async move {
        clock.sleep_until(clock.now() + LEASE * 5).await;
        drop(owner);
    });
}

async fn own(
    desk: &Desk,
    jobs: &dyn DedupeStore,
    dice: &Dice,
    number: usize,
    asked: i64,
    owner: Ownership,
) -> Result<(), Error> {
    let got = desk.millis();
    match dice.below(100) {
        // Walks away.
        0..10 => {
            desk.pause(dice.up_to(WORK)).await;
            return Ok(());
        }
        // Falls silent for a little longer than a lease.
        10..13 => desk.pause(LEASE + dice.up_to(WORK)).await,
        // Takes long, but not too long.
        13..23 => desk.pause(dice.up_to(WORK * 8)).await,
        // Takes very long, and says so.
        23..27 => {
            for _ in 0..dice.below(6) {
                if !beat(desk, jobs, &owner).await? {
                    break;
                }
                desk.pause(LEASE / 3).await;
            }
        }
        _ => desk.pause(dice.up_to(WORK)).await,
    }
    let job = owner.job().to_string();
    let ending = match dice.below(10) {
        0 => Ending::NotShared,
        1 => Ending::Failure(dice.roll()),
        _ => Ending::Value(dice.roll()),
    };
    let end = desk.millis();
    let told = Event::Ending {
        job: job.clone(),
        ending,
    };
    desk.tell(&Entry::Job(told))?;
    let settlement = match ending {
        Ending::Value(value) => {
            let value = JobResult::Value(value.to_string().into());
            jobs.complete(owner, value).await?
        }
        Ending::NotShared => jobs.complete(owner, JobResult::NotShared).await?,
        Ending::Failure(failure) => jobs.fail(owner, &failure.to_string()).await?,
    };
    desk.tell(&Entry::Job(Event::Ended {
        key: number,
        job,
        asked,
        got,
        ending: end,
        answered: desk.millis(),
        is_settled: settlement == Settlement::Settled,
    }))
}

/// Whether the job is still the owner's.
async fn beat(desk: &Desk, jobs: &dyn DedupeStore, owner: &Ownership) -> Result<bool, Error> {
    desk.tell(&Entry::Job(Event::Beating {
        job: owner.job().to_string(),
        at: desk.millis(),
    }))?;
    match jobs.heartbeat(owner.key(), owner.job()).await? {
        Heartbeat::Renewed(_) => Ok(true),
        Heartbeat::Fenced => Ok(false),
    }
}

async fn join(desk: &Desk, jobs: &dyn DedupeStore, key: &Key, job: &JobId) -> Result<(), Error> {
    let asked = desk.millis();
    let outcome = jobs.wait_for(key, job, PATIENCE).await?;
    desk.tell(&Entry::Job(Event::Waited {
        job: job.to_string(),
        asked,
        heard: desk.millis(),
        outcome: understand(&outcome),
    }))
}

fn understand(outcome: &JobOutcome) -> Heard {
    let number = |text: &str| text.parse().ok();
    let ending = match outcome {
        JobOutcome::Value(value) => str::from_utf8(value)
            .ok()
            .and_then(number)
            .map(Ending::Value),
        JobOutcome::OwnerFailed(failure) => number(failure).map(Ending::Failure),
        JobOutcome::NotShared => Some(Ending::NotShared),
        JobOutcome::Lapsed => return Heard::Lapsed,
        JobOutcome::TimedOut => return Heard::TimedOut,
    };
    ending.map_or(Heard::Nonsense, Heard::Ending)
}
