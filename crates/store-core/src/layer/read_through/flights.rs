//! The loads in flight: one task per key, which outlives its caller as long as somebody wants the value.
//!
//! - A task that nobody waits for any more is aborted, unless it was told to go on.
//! - A task removes its flight before it hands on the result, and after the result is stored: a caller who
//!   comes too late for the flight finds the value in the cache.
//! - A task that panics, or that the runtime drops, wakes those who wait; one of them begins another.

mod participant;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tracing::Instrument as _;

pub(super) use self::participant::Participant;
use crate::codec::loaded::StoredValue;
use crate::key::Key;
use crate::typed::LoadError;

/// The loads in flight of one cache, by key. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights {
    state: Arc<Mutex<State>>,
    /// The number of tasks that have not ended.
    tasks: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    flights: HashMap<Key, Flight>,
    last_number: u64,
    is_closed: bool,
}

#[derive(Debug)]
struct Flight {
    /// Told apart from an earlier flight of the same key.
    number: u64,
    /// On the monotonic clock.
    started_at: Duration,
    result: watch::Sender<Option<LoadResult>>,
    /// `None` until the task is spawned.
    task: Option<AbortHandle>,
    mode: Mode,
}

/// Whether a load goes on without anybody who waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// As long as somebody waits.
    Awaited,
    /// To its end.
    Background,
}

/// The result of a flight.
pub(super) type LoadResult = Result<(StoredValue, Origin), LoadError>;

/// Where a flight has its value from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was in the cache by the time the flight began.
    Cache,
    /// Another process loaded it.
    Elsewhere,
    /// The flight loaded it.
    Load,
}

/// How a caller takes part in a flight.
pub(super) enum Participation {
    /// In one that began before.
    Joined(Participant),
    /// In one that begins with this caller's load.
    Started(Participant),
    /// There is no flight, and none may begin.
    Closed,
}

impl Flights {
    /// Joins the flight of `key`, or begins one with `load`, which is called only then.
    pub(super) fn join_or_start<R>(
        &self,
        key: &Key,
        mode: Mode,
        now: Duration,
        load: impl FnOnce() -> R,
    ) -> Participation
    where
        R: Future<Output = LoadResult> + Send + 'static,
    {
        let (result, receiver) = watch::channel(None);
        let mut state = self.lock();
        if let Some(flight) = state.flights.get(key) {
            return Participation::Joined(self.participant(key, flight, flight.result.subscribe()));
        }
        if state.is_closed {
            return Participation::Closed;
        }
        state.last_number += 1;
        let number = state.last_number;
        let flight = Flight {
            number,
            started_at: now,
            result: result.clone(),
            task: None,
            mode,
        };
        let participant = self.participant(key, &flight, receiver);
        state.flights.insert(key.clone(), flight);
        // Under the lock: whoever closes and waits sees every flight that has begun.
        self.tasks.send_modify(|tasks| *tasks += 1);
        drop(state);

        let running = Running {
            flights: self.clone(),
            key: key.clone(),
            number,
            result,
        };
        let load = load();
        let span = tracing::debug_span!("load", %key);
        // Not under the lock: a runtime that shuts down drops the task here, which takes the lock.
        let flight = async move {
            // Dropped after the load, whose lease is abandoned by the time that the flight has ended.
            let running = running;
            let result = load.await;
            running.finish(result);
        };
        let task = tokio::spawn(flight.instrument(span));
        // The participant has kept it from being aborted so far.
        if let Some(flight) = self.lock().flights.get_mut(key)
            && flight.number == number
        {
            flight.task = Some(task.abort_handle());
        }
        Participation::Started(participant)
    }

    /// Lets no further flight begin.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
    }

    /// Completes once no task runs.
    pub(super) async fn wait_idle(&self) {
        let mut tasks = self.tasks.subscribe();
        // The sender lives in `self`, so this cannot fail while we borrow it.
        let _idle = tasks.wait_for(|tasks| *tasks == 0).await;
    }

    fn participant(
        &self,
        key: &Key,
        flight: &Flight,
        result: watch::Receiver<Option<LoadResult>>,
    ) -> Participant {
        Participant {
            flights: self.clone(),
            key: key.clone(),
            number: flight.number,
            started_at: flight.started_at,
            result: Some(result),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn flight(&mut self, key: &Key, number: u64) -> Option<&mut Flight> {
        self.flights
            .get_mut(key)
            .filter(|flight| flight.number == number)
    }
}

/// The part of a flight that its task holds.
struct Running {
    flights: Flights,
    key: Key,
    number: u64,
    result: watch::Sender<Option<LoadResult>>,
}

impl Running {
    fn finish(self, result: LoadResult) {
        self.remove_flight();
        self.result.send_replace(Some(result));
    }

    fn remove_flight(&self) {
        let mut state = self.flights.lock();
        if state.flight(&self.key, self.number).is_some() {
            state.flights.remove(&self.key);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without a result, the last sender goes with this: those who wait learn that none comes.
        self.remove_flight();
        self.flights.tasks.send_modify(|tasks| *tasks -= 1);
    }
}
