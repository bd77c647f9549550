//! The state that the clones of a store share: one lock, and whether the store is closed.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use store_core::{Error, ErrorKind, Result};

/// A store's state behind its lock, until the store is closed.
///
/// The lock is held for map operations only, never across an `await`. A thread that panicked while
/// holding it left the state as some completed operation did, so poisoning is ignored.
#[derive(Debug, Default)]
pub(crate) struct Shared<S> {
    inner: RwLock<Inner<S>>,
}

#[derive(Debug, Default)]
struct Inner<S> {
    state: S,
    is_closed: bool,
}

impl<S> Shared<S> {
    pub(crate) fn new(state: S) -> Self {
        Self {
            inner: RwLock::new(Inner {
                state,
                is_closed: false,
            }),
        }
    }

    /// Runs `operation` with exclusive access.
    ///
    /// # Errors
    /// `Closed`, and the errors of `operation`.
    pub(crate) fn write<T>(
        &self,
        name: &'static str,
        operation: impl FnOnce(&mut S) -> Result<T>,
    ) -> Result<T> {
        let mut inner = self.lock();
        if inner.is_closed {
            return Err(error(ErrorKind::Closed, name));
        }
        operation(&mut inner.state)
    }

    /// Runs `operation` with shared access.
    ///
    /// # Errors
    /// `Closed`.
    pub(crate) fn read<T>(&self, name: &'static str, operation: impl FnOnce(&S) -> T) -> Result<T> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        if inner.is_closed {
            return Err(error(ErrorKind::Closed, name));
        }
        Ok(operation(&inner.state))
    }

    /// Runs `operation` even if the store is closed: a permit or a job is given back.
    pub(crate) fn write_always<T>(&self, operation: impl FnOnce(&mut S) -> T) -> T {
        operation(&mut self.lock().state)
    }

    /// Fails every call from now on.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
    }

    fn lock(&self) -> RwLockWriteGuard<'_, Inner<S>> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error of this backend.
pub(crate) const fn error(kind: ErrorKind, operation: &'static str) -> Error {
    Error::new(kind, "memory", operation)
}
