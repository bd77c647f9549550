//! A caller that waits for a flight.

use std::time::Duration;

use tokio::sync::watch;

use super::{Flights, LoadResult, Mode};
use crate::key::Key;

/// A caller that waits for a flight.
pub(in crate::layer::read_through) struct Participant {
    pub(super) flights: Flights,
    pub(super) key: Key,
    pub(super) number: u64,
    pub(in crate::layer::read_through) started_at: Duration,
    pub(super) result: Option<watch::Receiver<Option<LoadResult>>>,
}

impl Participant {
    /// The result; `None` if the flight ended without one.
    pub(in crate::layer::read_through) async fn result(&mut self) -> Option<LoadResult> {
        let result = self.result.as_mut()?;
        match result.wait_for(Option::is_some).await {
            Ok(result) => result.clone(),
            Err(_) => None,
        }
    }

    /// Lets the flight go on without this caller.
    pub(in crate::layer::read_through) fn leave_to_background(self) {
        if let Some(flight) = self.flights.lock().flight(&self.key, self.number) {
            flight.mode = Mode::Background;
        }
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        let mut state = self.flights.lock();
        // Under the lock, so that of several who leave at once the last one sees it, and nobody joins in between.
        self.result = None;
        let is_abandoned = state.flight(&self.key, self.number).is_some_and(|flight| {
            flight.mode == Mode::Awaited && flight.result.receiver_count() == 0
        });
        if is_abandoned && let Some(flight) = state.flights.remove(&self.key) {
            drop(state);
            if let Some(task) = flight.task {
                task.abort();
            }
        }
    }
}
