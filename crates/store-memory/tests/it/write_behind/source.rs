//! The source of the values: it takes writes as a test says.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use store_core::{BoxError, Delivery, Key};
use tokio::sync::watch;

/// Clones are the same source.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    state: Arc<Mutex<State>>,
    is_held: Arc<watch::Sender<bool>>,
}

#[derive(Debug, Default)]
struct State {
    values: HashMap<Key, Bytes>,
    taken: Vec<Delivery>,
    begun: u32,
    faults: VecDeque<Fault>,
}

/// What happens to the next delivery.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Error,
    Panic,
    /// It never ends.
    Hang,
}

impl Source {
    pub(super) async fn take(self, delivery: Delivery) -> Result<(), BoxError> {
        let fault = self.with(|state| {
            state.begun += 1;
            state.faults.pop_front()
        });
        match fault {
            Some(Fault::Error) => return Err("it is down".into()),
            Some(Fault::Panic) => panic!("on purpose"),
            Some(Fault::Hang) => std::future::pending().await,
            None => {}
        }
        let mut held = self.is_held.subscribe();
        held.wait_for(|is_held| !is_held).await?;
        self.with(|state| {
            let write = &delivery.write;
            state.values.insert(write.key.clone(), write.value.clone());
            state.taken.push(delivery);
        });
        Ok(())
    }

    /// Lets deliveries wait, or go on.
    pub(super) fn hold(&self, is_held: bool) {
        self.is_held.send_replace(is_held);
    }

    pub(super) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.with(|state| state.faults.extend(faults));
    }

    pub(super) fn value(&self, key: &Key) -> Option<Bytes> {
        self.with(|state| state.values.get(key).cloned())
    }

    pub(super) fn taken(&self) -> Vec<Delivery> {
        self.with(|state| state.taken.clone())
    }

    /// The values that were taken, in their order.
    pub(super) fn taken_values(&self) -> Vec<Bytes> {
        let taken = self.taken().into_iter();
        taken.map(|delivery| delivery.write.value).collect()
    }

    /// How many deliveries have begun.
    pub(super) fn begun(&self) -> u32 {
        self.with(|state| state.begun)
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
