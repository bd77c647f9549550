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
        let mut cells = self.flights.lock();
        // Let go under the lock, so that of several who leave at once the last one sees it, and
        // nobody joins in between.
        let own = std::mem::take(&mut self.cell);
        let is_current = cells
            .get(self.key)
            .is_some_and(|cell| Arc::ptr_eq(cell, &own));
        // The map's and this one: nobody else waits.
        if is_current && Arc::strong_count(&own) <= 2 {
            cells.remove(self.key);
        }
        drop(own);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    const LEAVERS: usize = 2;

    fn join<'a>(flights: &'a Flights, key: &'a Key) -> Participant<'a> {
        let cell = Arc::clone(flights.lock().entry(key.clone()).or_default());
        Participant { flights, key, cell }
    }

    /// Waits until every leaver has come here as often; spins, so that all go on at almost the same
    /// instant, and yields, so that a busy machine gets there too.
    fn meet(arrivals: &AtomicUsize, times: usize) {
        arrivals.fetch_add(1, Ordering::SeqCst);
        while arrivals.load(Ordering::SeqCst) < times * LEAVERS {
            thread::yield_now();
        }
    }

    #[test]
    fn a_flight_that_all_leave_at_once_is_removed() {
        let (flights, key) = (Flights::default(), Key::new("comics:4000-1").unwrap());
        let [joined, left, seen] = [const { AtomicUsize::new(0) }; 3];
        let leave = || {
            for round in 1..=500 {
                let own = join(&flights, &key);
                meet(&joined, round);
                drop(own);
                meet(&left, round);
                let is_removed = flights.lock().is_empty();
                meet(&seen, round);
                if !is_removed {
                    return false;
                }
            }
            true
        };
        let leavers: [_; LEAVERS] = thread::scope(|scope| {
            [scope.spawn(leave), scope.spawn(leave)].map(|leaver| leaver.join().unwrap())
        });
        assert_eq!(
            leavers, [true; LEAVERS],
            "a flight without callers is left behind"
        );
    }
}
