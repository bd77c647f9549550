//! The stores, whose turn it is, and which keys are read from the primary.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::options::RoutedOptions;
use super::written::Written;
use crate::key::Key;

#[derive(Debug)]
pub(super) struct Routes<P, R> {
    pub(super) primary: P,
    pub(super) replicas: Vec<R>,
    next: AtomicUsize,
    pub(super) options: RoutedOptions,
    written: Mutex<Written>,
}

/// What a write concerns; the window begins when the write ends, however it ends.
pub(super) struct Writing<'a, P, R> {
    routes: &'a Routes<P, R>,
    /// `None` concerns every key.
    keys: Option<&'a [Key]>,
}

impl<P, R> Drop for Writing<'_, P, R> {
    fn drop(&mut self) {
        self.routes.note(self.keys);
    }
}

impl<P, R> Routes<P, R> {
    pub(super) fn new(primary: P, replicas: Vec<R>, options: RoutedOptions) -> Self {
        Self {
            primary,
            replicas,
            next: AtomicUsize::new(0),
            options,
            written: Mutex::default(),
        }
    }

    /// Begins a write: from here on the primary is read, and for the window after its end.
    pub(super) fn write<'a>(&'a self, keys: Option<&'a [Key]>) -> Writing<'a, P, R> {
        self.note(keys);
        Writing { routes: self, keys }
    }

    fn note(&self, keys: Option<&[Key]>) {
        let mut written = self.written();
        // Under the lock, so that no later write of a key is noted with an earlier end.
        let now = self.options.clock.monotonic();
        let until = now.saturating_add(self.options.read_your_writes);
        match keys {
            Some(keys) => written.add(keys, now, until),
            None => written.add_everything(until),
        }
    }

    pub(super) fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The replica whose turn it is.
    pub(super) fn replica(&self) -> Option<&R> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.replicas.get(turn.checked_rem(self.replicas.len())?)
    }
}
