//! Single flight: of the callers of one key one runs, the others get its result.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::OnceCell;

use super::LoadError;
use crate::key::Key;

/// The flights of one cache, by key. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights {
    cells: Arc<Mutex<HashMap<Key, Arc<OnceCell<Shared>>>>>,
}

/// The result of a flight, for those who waited.
#[derive(Clone, Debug)]
pub(super) enum Shared {
    /// The encoded value.
    Value(Bytes),
    /// The error.
    Failed(LoadError),
    /// Nothing that can be handed on: look again.
    Nothing,
}

impl Flights {
    /// The result of the flight of `key`: this caller's own, run by `work`, or that of another. If the
    /// caller that runs is dropped, one of those who wait runs instead.
    pub(super) async fn run<R>(&self, key: &Key, work: impl FnOnce() -> R) -> Shared
    where
        R: Future<Output = Shared>,
    {
        let cell = Arc::clone(self.lock().entry(key.clone()).or_default());
        let participant = Participant {
            flights: self,
            key,
            cell,
        };
        let shared = participant.cell.get_or_init(work).await.clone();
        participant.remove_flight();
        shared
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<OnceCell<Shared>>>> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller of a flight; the last one to leave removes it.
struct Participant<'a> {
    flights: &'a Flights,
    key: &'a Key,
    cell: Arc<OnceCell<Shared>>,
}

impl Participant<'_> {
    /// Removes the finished flight, so that the next caller starts a new one.
    fn remove_flight(&self) {
        let mut cells = self.flights.lock();
        if cells
            .get(self.key)
            .is_some_and(|cell| Arc::ptr_eq(cell, &self.cell))
        {
            cells.remove(self.key);
        }
    }
}

impl Drop for Participant<'_> {
    fn drop(&mut self) {
        // One reference is the map's, one this caller's: no other caller waits.
        if Arc::strong_count(&self.cell) <= 2 {
            self.remove_flight();
        }
    }
}
