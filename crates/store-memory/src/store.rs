//! The three stores together, and what they have in common: one lock, and an end.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use store_core::{Error, ErrorKind, Result, Stores};

use crate::cache::MemoryCacheStore;
use crate::dedupe::MemoryDedupeStore;
use crate::options::StoreOptions;
use crate::rate_limit::MemoryRateLimitStore;

/// A fresh cache, de-duplication and rate limiter with default options.
///
/// ```
/// let stores = store_memory::stores();
/// assert!(stores.cache.is_some() && stores.dedupe.is_some() && stores.rate_limit.is_some());
/// ```
#[must_use]
pub fn stores() -> Stores {
    stores_with(StoreOptions::default())
}

/// A fresh cache, de-duplication and rate limiter.
///
/// ```
/// use store_core::{HOUR, Limit};
/// use store_memory::{RateLimitOptions, StoreOptions, stores_with};
///
/// let limit = RateLimitOptions::default().with_default_config(Limit::new(200, HOUR));
/// let stores = stores_with(StoreOptions::default().with_rate_limit(limit));
/// assert!(stores.rate_limit.is_some());
/// ```
#[must_use]
pub fn stores_with(options: StoreOptions) -> Stores {
    Stores::none()
        .with_cache(MemoryCacheStore::with_options(options.cache))
        .with_dedupe(MemoryDedupeStore::with_options(options.dedupe))
        .with_rate_limit(MemoryRateLimitStore::with_options(options.rate_limit))
}

/// A store's state behind its lock, until the store is closed.
///
/// The lock is held for map operations only, never across an `await`. A thread that panicked while
/// holding it left the state as some completed operation did, so poisoning is ignored.
#[derive(Debug, Default)]
pub(crate) struct Shared<S> {
    state: RwLock<State<S>>,
}

#[derive(Debug, Default)]
struct State<S> {
    held: S,
    closed: bool,
}

impl<S> Shared<S> {
    pub(crate) fn new(held: S) -> Self {
        Self {
            state: RwLock::new(State {
                held,
                closed: false,
            }),
        }
    }

    /// Runs `operation` alone.
    ///
    /// # Errors
    /// `Closed`, and those of `operation`.
    pub(crate) fn run<T>(
        &self,
        name: &'static str,
        operation: impl FnOnce(&mut S) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.lock();
        if state.closed {
            return Err(error(ErrorKind::Closed, name));
        }
        operation(&mut state.held)
    }

    /// Looks at the state, together with others who look.
    ///
    /// # Errors
    /// `Closed`.
    pub(crate) fn look<T>(&self, name: &'static str, look: impl FnOnce(&S) -> T) -> Result<T> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(error(ErrorKind::Closed, name));
        }
        Ok(look(&state.held))
    }

    /// Runs what is owed even after the end: a permit or a job is given back.
    pub(crate) fn settle<T>(&self, operation: impl FnOnce(&mut S) -> T) -> T {
        operation(&mut self.lock().held)
    }

    /// Refuses every call from now on.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }

    fn lock(&self) -> RwLockWriteGuard<'_, State<S>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error of this backend.
pub(crate) const fn error(kind: ErrorKind, operation: &'static str) -> Error {
    Error::new(kind, "memory", operation)
}
