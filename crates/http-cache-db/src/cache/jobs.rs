//! One request to the origin for equal requests of all processes.
//!
//! The request that leads those of its process registers a job for its target in a de-duplication store. The owner of the job
//! asks the origin; the leads of other processes wait for its ending as those that they lead wait for theirs.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use store_core::backend::breaker::{Breaker, CircuitBreakerOptions, Class, Health};
use store_core::{
    Codec, DedupeStore, DedupeStoreExt, Error, ErrorChain, JobId, JobOutcome, Json, Key, Ownership,
    Priority, Registration,
};
use tokio::sync::oneshot;

use super::collapse::{Ending, Lead, Turn, VERDICT_LIFETIME};
use super::exchange::Exchange;
use super::target::Target;
use crate::events::Event;
use crate::keys::TargetKey;

/// The scope of the keys, which have nothing else than the salted hash of a target.
const SCOPE: &str = "http-cache";

/// The jobs of all processes that share a store.
#[derive(Debug)]
pub(super) struct Jobs {
    store: Arc<dyn DedupeStore>,
    /// A store that is down costs the patience of a few requests, and not of each.
    breaker: Breaker,
}

/// A job that this process owns. Dropped without an ending, one of those who wait takes over.
#[derive(Debug)]
pub(super) struct Job(oneshot::Sender<(Ending, bool)>);

impl Jobs {
    pub(super) fn new(store: Arc<dyn DedupeStore>) -> Self {
        // One or two may be late on a busy machine.
        let options = CircuitBreakerOptions::default().with_failure_threshold(3);
        Self {
            store,
            breaker: Breaker::new(options),
        }
    }

    /// Takes over the job of a target, or joins it; `None` if the store fails.
    pub(super) async fn register(
        &self,
        target: &Target,
        priority: Priority,
    ) -> Option<Registration> {
        let clock = &target.cache.settings.clock;
        let admitted = self.breaker.admit(Class::Foreground, clock.monotonic());
        let pass = admitted.ok()?;
        let key = key(target.key)?;
        let registering = self.store.register_or_join(&key, priority);
        let registered = target.patience().wait("register", registering).await;
        let health = match &registered {
            Ok(_) => Health::Answered,
            Err(_) => Health::Failing,
        };
        pass.report(health, clock.monotonic(), String::new);
        registered.map_err(|error| failed(target, &error)).ok()
    }

    /// Waits for the end of a joined job; `None` if the store fails.
    async fn wait(&self, target: &Target, job: &JobId, longest: Duration) -> Option<JobOutcome> {
        let key = key(target.key)?;
        // A store that hangs keeps nobody longer.
        let over = target.cache.settings.clock.sleep(longest);
        let ended = self.store.wait_for(&key, job, longest);
        match select(pin!(ended), pin!(over)).await {
            Either::Left((ended, _)) => ended.map_err(|error| failed(target, &error)).ok(),
            Either::Right(_) => Some(JobOutcome::TimedOut),
        }
    }

    /// Keeps the lease of a job until it ends, in a task of its own, and then tells those who wait, and those who come
    /// later if waiting is of no use.
    pub(super) fn start(&self, target: &Target, owner: Ownership) -> Job {
        let (job, ended) = oneshot::channel();
        let (store, target) = (Arc::clone(&self.store), target.clone());
        tokio::spawn(async move {
            let clock = &target.cache.settings.clock;
            let work = async {
                let ended = ended.await;
                let (ending, is_of_answer) = ended.map_err(|_dropped| "its client went away")?;
                if ending == Ending::Useless && is_of_answer {
                    let until = clock.now() + VERDICT_LIFETIME;
                    target.set_hit_for_miss(Some(until)).await;
                }
                Ok::<_, &str>(ending)
            };
            // A failure of the work has told those who wait to take over.
            let _ended = store.run_as_owner(&**clock, owner, work).await;
        });
        Job(job)
    }
}

impl Job {
    /// Tells those who wait. `is_of_answer`: the ending is known of the answer, not only of its client.
    pub(super) fn end(self, ending: Ending, is_of_answer: bool) {
        // The runtime may have dropped the task.
        let _ended = self.0.send((ending, is_of_answer));
    }
}

impl Exchange {
    /// The turn among those of all processes of the request that leads this one. Waits until this monotonic time.
    pub(super) async fn turn_among_processes(
        &self,
        jobs: &Jobs,
        mut lead: Lead,
        until: Duration,
    ) -> Turn {
        let target = &self.target;
        if target.is_hit_for_miss().await {
            lead.end(Ending::Useless);
            return Turn::Alone;
        }
        let clock = &target.cache.settings.clock;
        let mut has_told = false;
        loop {
            let job = match jobs.register(target, Priority::User).await {
                Some(Registration::Owner(owner)) => {
                    lead.share(jobs.start(target, owner));
                    return Turn::Lead(lead);
                }
                Some(Registration::Joined(job)) => job,
                None => return Turn::Lead(lead),
            };
            if !std::mem::replace(&mut has_told, true) {
                target.emit(|url| Event::Collapsed { url });
            }
            let left = until.saturating_sub(clock.monotonic());
            let ending = match jobs.wait(target, &job, left).await {
                None => return Turn::Lead(lead),
                Some(JobOutcome::Value(ending)) => {
                    // A later version may say something else, which is in the store, too.
                    Json.decode(&ending).unwrap_or(Ending::LookAgain)
                }
                // Its owner was killed, or its client went away: one of those who wait takes over.
                Some(JobOutcome::Lapsed | JobOutcome::OwnerFailed(_)) if !left.is_zero() => {
                    continue;
                }
                Some(JobOutcome::NotShared) => Ending::LookAgain,
                Some(JobOutcome::TimedOut | JobOutcome::Lapsed | JobOutcome::OwnerFailed(_)) => {
                    Ending::Useless
                }
            };
            lead.end(ending);
            return Turn::Waited;
        }
    }
}

fn key(target: TargetKey) -> Option<Key> {
    Key::new(format!("{SCOPE}:{target}")).ok()
}

fn failed(target: &Target, error: &Error) {
    target.cache.events().emit_failure(|| Event::Error {
        operation: error.operation(),
        error: ErrorChain(error).to_string(),
    });
}
