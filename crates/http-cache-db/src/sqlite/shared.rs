//! What the clones of a store share: the file, and how it is read and written.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use sqlite_database::rusqlite::{Connection, Transaction};
use store_core::{Error, ErrorChain, ErrorKind, Result, Timestamp};

use super::compressor::Compressor;
use super::dictionaries::StoredCodecs;
use super::error::{BACKEND, store_error};
use super::open::Opened;
use super::options::SqliteStoreOptions;
use super::reader::Reader;
use super::recovery::{self, Recovery};
use super::remove::{Removed, log_purge};
use super::state::integer;
use super::train::TrainingSchedule;
use crate::events::Event;
use crate::store::FillingBytes;

type Done<T> = sqlite_database::Result<T>;

/// Within this time, in milliseconds, it is noticed that a file is gone.
const LATELY: i64 = 10_000;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) path: Option<PathBuf>,
    pub(super) options: SqliteStoreOptions,
    pub(super) compressor: Compressor,
    pub(super) reader: Reader,
    opened: RwLock<Arc<Opened>>,
    is_closed: AtomicBool,
    pub(super) recovery: Recovery,
    /// When the last cleanup began, in milliseconds.
    pub(super) cleaned_at: AtomicI64,
    /// When bodies were compressed again last, in milliseconds.
    pub(super) recompressed_at: AtomicI64,
    /// When something was invalidated last, in milliseconds of the monotonic clock; negative if never.
    invalidated_at: AtomicI64,
    pub(super) filling_bytes: FillingBytes,
    /// The bytes that may be stored before the length of the file is asked for.
    pub(super) unasked_room: AtomicI64,
    pub(super) training: TrainingSchedule,
}

impl Shared {
    pub(super) fn new(
        path: Option<PathBuf>,
        options: SqliteStoreOptions,
        opened: Arc<Opened>,
    ) -> Self {
        let codecs = StoredCodecs::new(options.codecs.clone());
        let events = options.events.clone();
        let clock = Arc::clone(&options.clock);
        Self {
            path,
            reader: Reader::new(codecs.clone(), events.clone(), Arc::clone(&clock)),
            compressor: Compressor {
                codecs,
                events,
                clock,
            },
            opened: RwLock::new(opened),
            is_closed: AtomicBool::new(false),
            recovery: Recovery::default(),
            cleaned_at: AtomicI64::new(options.clock.now().as_millis()),
            recompressed_at: AtomicI64::new(options.clock.now().as_millis()),
            invalidated_at: AtomicI64::new(-1),
            filling_bytes: FillingBytes::default(),
            unasked_room: AtomicI64::new(0),
            training: TrainingSchedule::default(),
            options,
        }
    }

    pub(super) fn opened(&self, operation: &'static str) -> Result<Arc<Opened>> {
        if self.is_closed() {
            return Err(Error::new(ErrorKind::Closed, BACKEND, operation));
        }
        Ok(self.current())
    }

    pub(super) fn current(&self) -> Arc<Opened> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&opened)
    }

    pub(super) fn replace(&self, opened: Arc<Opened>) -> Arc<Opened> {
        let mut current = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut current, opened)
    }

    /// Whether it was open until now.
    pub(super) fn close(&self) -> bool {
        !self.is_closed.swap(true, Ordering::AcqRel)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// The monotonic clock, in milliseconds.
    pub(super) fn monotonic(&self) -> i64 {
        integer(self.options.clock.monotonic().as_millis())
    }

    pub(super) fn note_invalidation(&self) {
        self.invalidated_at
            .store(self.monotonic(), Ordering::Release);
    }

    /// Whether something was invalidated so lately that it may have been written to a file that was gone by then.
    pub(super) fn has_invalidated_lately(&self) -> bool {
        let at = self.invalidated_at.load(Ordering::Acquire);
        at >= 0 && self.monotonic() - at <= LATELY
    }

    /// The error of an operation for its caller; if it says that the file is damaged or gone, the store gets another.
    pub(super) fn error(
        self: &Arc<Self>,
        error: sqlite_database::Error,
        operation: &'static str,
    ) -> Error {
        recovery::begin_if_needed(self, error.kind());
        store_error(error, operation)
    }

    /// Tells of the failure of something that nobody has called for.
    pub(super) fn failed_by_itself(&self, error: &Error) {
        self.options.events.emit_failure(|| Event::Error {
            operation: error.operation(),
            error: ErrorChain(error).to_string(),
        });
    }

    /// Tells of the failure of a task in the background, unless its file was closed meanwhile.
    pub(super) fn failed_in_the_background(
        self: &Arc<Self>,
        error: sqlite_database::Error,
        operation: &'static str,
    ) {
        let error = self.error(error, operation);
        if error.kind() != ErrorKind::Closed {
            self.failed_by_itself(&error);
        }
    }

    /// Runs a short read, on the caller's thread.
    pub(super) fn read<T>(
        self: &Arc<Self>,
        operation: &'static str,
        read: impl FnOnce(&Connection, &Opened) -> Done<T>,
    ) -> Result<T> {
        let opened = self.opened(operation)?;
        let found = opened.database.blocking_read(|db| read(db, &opened));
        self.remove_damaged(&opened);
        found.map_err(|error| self.error(error, operation))
    }

    /// Runs a transaction that removes responses. Yields how many, and writes down and tells that they are gone.
    pub(super) async fn remove<F>(
        self: &Arc<Self>,
        operation: &'static str,
        remove: F,
    ) -> Result<u64>
    where
        F: FnOnce(&Transaction<'_>, Timestamp) -> Done<Removed> + Send + 'static,
    {
        let (opened, now) = (self.opened(operation)?, self.options.clock.now());
        let removed = opened.database.write(move |tx| {
            let removed = remove(tx, now)?;
            log_purge(tx, operation, removed, now)?;
            Ok(removed)
        });
        let removed = removed
            .await
            .map_err(|error| self.error(error, operation))?;
        let responses = removed.responses;
        if responses > 0 {
            self.options
                .events
                .emit(|| Event::DeleteSuccess { responses });
        }
        Ok(responses)
    }
}
