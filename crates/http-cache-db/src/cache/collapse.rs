//! One request to the origin for equal requests at the same time.
//!
//! The first request for a target that has to go to the origin leads; the others wait until its answer is stored,
//! or is known not to be, and then are decided on anew.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};
use store_core::{Clock, MINUTE};
use tokio::sync::watch;

use super::jobs::Job;
use crate::keys::TargetKey;

/// How long it is remembered that waiting for the answer of a target is of no use.
pub(super) const VERDICT_LIFETIME: Duration = MINUTE;
/// More targets than this are not remembered.
const MAX_VERDICTS: usize = 10_000;

/// The requests to the origin that others may wait for.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    flights: HashMap<TargetKey, watch::Receiver<Option<Ending>>>,
    /// Targets whose answers were of no use to others, each until a monotonic time.
    useless: HashMap<TargetKey, Duration>,
    stored: u64,
}

/// What waiting for an answer was good for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ending {
    /// What is stored now may answer others.
    #[serde(rename = "stored")]
    LookAgain,
    /// It answers nobody else.
    Useless,
}

/// How a request goes on.
#[derive(Debug)]
pub(super) enum Turn {
    /// It asks the origin, and nobody waits for it.
    Alone,
    /// It asks the origin, and others wait for it.
    Lead(Lead),
    /// It has waited, and is to be decided on anew.
    Waited,
}

/// How many answers were stored: a request that looked into the store before the latest one looks again before it
/// leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen(u64);

/// The first request for a target, which others wait for. Dropped, the next one leads.
pub(super) struct Lead {
    flights: Arc<Flights>,
    clock: Arc<dyn Clock>,
    target: TargetKey,
    ending: Option<Ending>,
    /// Whether the ending is known of the answer, rather than of its client, who may go away before.
    is_of_answer: bool,
    told: watch::Sender<Option<Ending>>,
    /// That of all processes.
    job: Option<Job>,
}

enum Joined {
    Turn(Turn),
    Wait(watch::Receiver<Option<Ending>>),
}

impl Flights {
    pub(super) fn seen(&self) -> Seen {
        Seen(self.state().stored)
    }

    /// Waits for a request for the same target, if there is one, at most so long. `waiting` is called before it does.
    pub(super) async fn turn(
        self: &Arc<Self>,
        target: TargetKey,
        clock: &Arc<dyn Clock>,
        longest: Duration,
        waiting: impl FnOnce(),
    ) -> Turn {
        let mut over = pin!(clock.sleep(longest));
        let mut waiting = Some(waiting);
        loop {
            let mut ending = match self.join(target, clock) {
                Joined::Turn(turn) => return turn,
                Joined::Wait(ending) => ending,
            };
            if let Some(waiting) = waiting.take() {
                waiting();
            }
            let told = async { ending.wait_for(Option::is_some).await.is_ok() };
            match select(pin!(told), over.as_mut()).await {
                Either::Left((true, _)) => return Turn::Waited,
                // The leader's client went away.
                Either::Left((false, _)) => {}
                Either::Right(_) => {
                    self.state().remember(target, clock.monotonic());
                    return Turn::Waited;
                }
            }
        }
    }

    fn join(self: &Arc<Self>, target: TargetKey, clock: &Arc<dyn Clock>) -> Joined {
        let mut state = self.state();
        if state.is_useless(target, clock.monotonic()) {
            return Joined::Turn(Turn::Alone);
        }
        if let Some(flight) = state.flights.get(&target) {
            return Joined::Wait(flight.clone());
        }
        let (told, ending) = watch::channel(None);
        state.flights.insert(target, ending);
        Joined::Turn(Turn::Lead(Lead {
            flights: Arc::clone(self),
            clock: Arc::clone(clock),
            target,
            ending: None,
            is_of_answer: false,
            told,
            job: None,
        }))
    }

    /// A response that may answer others was stored. Whether waiting for it was known to be of no use.
    pub(super) fn stored(&self, target: TargetKey) -> bool {
        let mut state = self.state();
        state.stored += 1;
        state.useless.remove(&target).is_some()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_useless(&self, target: TargetKey, now: Duration) -> bool {
        self.useless.get(&target).is_some_and(|until| now < *until)
    }

    fn remember(&mut self, target: TargetKey, now: Duration) {
        if self.useless.len() >= MAX_VERDICTS {
            self.useless.retain(|_, until| now < *until);
        }
        if self.useless.len() < MAX_VERDICTS || self.useless.contains_key(&target) {
            self.useless
                .insert(target, now.saturating_add(VERDICT_LIFETIME));
        }
    }
}

impl Lead {
    /// Tells those who wait.
    pub(super) fn end(mut self, ending: Ending) {
        self.ending = Some(ending);
        self.is_of_answer = true;
    }

    /// Leads those of other processes, too, who wait for this job.
    pub(super) fn share(&mut self, job: Job) {
        self.job = Some(job);
    }

    /// Whether this request leads those of other processes, too.
    pub(super) const fn is_shared(&self) -> bool {
        self.job.is_some()
    }

    /// The answer is on its way: if its client goes away now, those who wait ask for themselves, rather than each
    /// after the other.
    pub(super) const fn answered(&mut self) {
        self.ending = Some(Ending::Useless);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let mut state = self.flights.state();
        state.flights.remove(&self.target);
        if self.ending == Some(Ending::Useless) {
            state.remember(self.target, self.clock.monotonic());
        }
        drop(state);
        if let Some(ending) = self.ending {
            self.told.send_replace(self.ending);
            if let Some(job) = self.job.take() {
                job.end(ending, self.is_of_answer);
            }
        }
    }
}

impl fmt::Debug for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lead")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
