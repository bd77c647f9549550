//! [`SqliteDatabase`]: the handle that everything else shares.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, Transaction};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use crate::admin::Admin;
use crate::busy;
use crate::changes::{ChangeWatch, Changes};
use crate::checkpoint::Checkpointer;
use crate::connection::{max_pages, open_beside, open_writer};
use crate::error::{Error, ErrorKind, Result};
use crate::location::Location;
use crate::options::{DatabaseOptions, Execution};
use crate::presence::Presence;
use crate::reader::Readers;
use crate::writer::Writer;

/// How long rare, long work waits for others that do the same: rewriting a large table takes longer
/// than any statement of daily work.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The version of the SQLite library that both lanes use, such as `3.51.3`.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// A SQLite database that many tasks, threads and processes share.
///
/// A handle is cheap to clone; clones share connections, the writer and the threads. Whoever
/// opened the database closes it with [`close`](Self::close). When the last handle is dropped
/// instead, the writer thread finishes what is queued and closes in the background.
///
/// On Unix a file can be deleted, moved or replaced while it is open. Within a second every
/// operation then ends in [`ErrorKind::Unavailable`], because what other processes open under that
/// name is another database; what was committed meanwhile is gone with the file.
///
/// A closure passed to [`write`](Self::write) reads through the transaction it is given: other
/// connections do not see what it has written, and in memory they wait until it is done.
#[derive(Clone, Debug)]
pub struct SqliteDatabase {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    location: Location,
    subject: Arc<str>,
    options: Arc<DatabaseOptions>,
    readers: Readers,
    writer: Writer,
    changes: Arc<Changes>,
    admin: Admin,
    presence: Arc<Presence>,
    /// The bound on the size, as SQLite counts it.
    max_pages: i64,
    is_closed: AtomicBool,
}

impl SqliteDatabase {
    /// Opens the database at `path` with default options, creating the file if it is missing.
    ///
    /// # Errors
    ///
    /// See [`open_with`](Self::open_with).
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, DatabaseOptions::default()).await
    }

    /// Opens the database at `path`.
    ///
    /// The file gets a write-ahead log if it has none. Directories are not created. Several
    /// processes may open the same new file at the same moment.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if the directory is missing, the file cannot be accessed or
    /// lies on a network file system; [`ErrorKind::ReadOnly`] if it cannot be written and is not
    /// opened with [`AccessMode::ReadOnly`](crate::AccessMode::ReadOnly);
    /// [`ErrorKind::Corrupt`] if it is not a database; [`ErrorKind::Busy`] if another process
    /// keeps it locked.
    pub async fn open_with(path: impl AsRef<Path>, options: DatabaseOptions) -> Result<Self> {
        let location = Location::file(path.as_ref())?;
        Self::start(location, options, Admin::own()).await
    }

    /// Opens a new database in memory, private to this handle and its clones.
    ///
    /// Both lanes see the same data. It is gone when the last handle is, or when it is closed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if no thread can be started.
    pub async fn in_memory() -> Result<Self> {
        Self::in_memory_with(DatabaseOptions::default()).await
    }

    /// Opens a new database in memory with options; those about files do not apply.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if no thread can be started.
    pub async fn in_memory_with(options: DatabaseOptions) -> Result<Self> {
        Self::start(Location::memory(), options, Admin::own()).await
    }

    /// Opens the file behind an application's pool, which stays the application's to close.
    ///
    /// The direct lane opens connections of its own; the pool serves the admin lane. The file
    /// gets a write-ahead log if it has none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the pool is in memory; otherwise as
    /// [`open_with`](Self::open_with).
    pub async fn from_pool(pool: SqlitePool) -> Result<Self> {
        Self::from_pool_with(pool, DatabaseOptions::default()).await
    }

    /// Opens the file behind an application's pool with options, which apply to the direct lane.
    ///
    /// # Errors
    ///
    /// As [`from_pool`](Self::from_pool).
    pub async fn from_pool_with(pool: SqlitePool, options: DatabaseOptions) -> Result<Self> {
        let location = Location::of_pool(&pool)
            .await
            .map_err(|error| error.during("open", &Arc::from("pool")))?;
        Self::start(location, options, Admin::Borrowed(pool)).await
    }

    async fn start(location: Location, options: DatabaseOptions, admin: Admin) -> Result<Self> {
        let subject = location.subject();
        let name = Arc::clone(&subject);
        off_thread(move || Inner::open(location, subject, Arc::new(options), admin))
            .await
            .map(|inner| Self {
                inner: Arc::new(inner),
            })
            .map_err(|error| error.during("open", &name))
    }

    /// The absolute path of the file; `None` in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.inner.location.path()
    }

    /// Runs `f` on a read-only connection, on the caller's thread.
    ///
    /// Each statement sees the latest commit; several that must agree want
    /// [`unchecked_transaction`](Connection::unchecked_transaction). Keep reads short: an open
    /// read keeps the write-ahead log from shrinking.
    ///
    /// # Errors
    ///
    /// Those of `f`; [`ErrorKind::Closed`] after [`close`](Self::close);
    /// [`ErrorKind::Unavailable`] if a connection cannot be opened.
    pub fn read<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.inner.read(f)
    }

    /// Runs `f` on a read-only connection, on the thread that [`DatabaseOptions::execution`]
    /// asks for.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub async fn fetch<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        match self.inner.options.execution {
            Execution::CallerThread => self.read(f),
            Execution::Background => {
                let inner = Arc::clone(&self.inner);
                off_thread(move || inner.read(f)).await
            }
        }
    }

    /// Runs `f` inside a write transaction and answers after its commit.
    ///
    /// While the writer is idle this happens on the caller's thread, otherwise on the writer's,
    /// together with whatever else has queued up. An error or a panic of `f` undoes `f` alone.
    /// Writes of one task take effect in the order in which it made them.
    ///
    /// # Errors
    ///
    /// Those of `f` ([`Error::aborted`] wraps a reason of its own); [`ErrorKind::Busy`] if
    /// another process holds the lock for too long; [`ErrorKind::Closed`] after
    /// [`close`](Self::close); [`ErrorKind::Internal`] if `f` panics; any kind if the commit
    /// fails, in which case nothing of `f` is kept.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the operation commits even when the future is dropped. Its result is then
    /// dropped after the commit, so a result that is a guard can compensate in its destructor.
    pub async fn write<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    {
        self.inner.ensure_open("write")?;
        self.inner
            .writer
            .write(f)
            .await
            .map_err(|error| self.inner.at(error, "write"))
    }

    /// Queues `f` for the writer thread and returns; a failure is logged.
    ///
    /// Never blocks and needs no async runtime, so destructors may call it. Nothing happens
    /// after [`close`](Self::close).
    pub fn write_detached<F>(&self, f: F)
    where
        F: FnOnce(&Transaction<'_>) -> Result<()> + Send + 'static,
    {
        self.inner.writer.write_detached(f);
    }

    /// Notices commits by anybody, this process or another, within
    /// [`poll_interval`](DatabaseOptions::poll_interval).
    ///
    /// Make the watch before reading what it guards: commits count from here on.
    #[must_use]
    pub fn watch_changes(&self) -> ChangeWatch {
        self.inner.changes.watch()
    }

    /// A pool for administration and reporting: opened on first use, or the one handed in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`close`](Self::close); any kind that opening may end in.
    pub async fn pool(&self) -> Result<SqlitePool> {
        self.inner.ensure_open("open")?;
        let Inner {
            admin,
            location,
            options,
            max_pages,
            ..
        } = &*self.inner;
        admin
            .pool(location, options, *max_pages)
            .await
            .map_err(|error| self.inner.at(error, "open"))
    }

    /// Finishes what is queued, empties the write-ahead log into the file, stops the threads.
    ///
    /// Later calls get [`ErrorKind::Closed`]. Closing again waits for the first to finish.
    ///
    /// # Errors
    ///
    /// None at present; a write-ahead log that others still use is left to them.
    pub async fn close(&self) -> Result<()> {
        self.inner.is_closed.store(true, Ordering::Release);
        self.inner.changes.stop();
        self.inner.readers.close();
        self.inner.admin.close().await;
        self.inner.writer.stop();
        self.inner.writer.stopped().await;
        Ok(())
    }

    /// How the admin lane connects: as the pool that was handed in, or as this database does.
    pub(crate) fn connect_options(&self) -> Result<SqliteConnectOptions> {
        self.inner.ensure_open("migrate")?;
        let Inner {
            admin,
            location,
            options,
            max_pages,
            ..
        } = &*self.inner;
        Ok(admin.connect_options(location, options, *max_pages))
    }

    /// Runs a read that takes its time on a thread for such work, whatever the options say.
    pub(crate) async fn read_at_length<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        // The caller names the operation.
        off_thread(move || {
            inner
                .presence
                .ensure("read")
                .and_then(|()| inner.readers.read(f))
        })
        .await
    }

    /// Runs a write that takes its time on a connection and a thread of its own.
    pub(crate) async fn write_at_length<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.inner.ensure_open("write")?;
        let inner = Arc::clone(&self.inner);
        off_thread(move || {
            let connection = open_beside(&inner.location, &inner.options)?;
            busy::wait_at_most(PATIENCE, || f(&connection))
        })
        .await
    }

    pub(crate) fn location(&self) -> &Location {
        &self.inner.location
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.inner.location.is_read_only(&self.inner.options)
    }

    /// Completes an error with this database's name.
    pub(crate) fn at(&self, error: Error, operation: &'static str) -> Error {
        self.inner.at(error, operation)
    }
}

impl Inner {
    fn open(
        location: Location,
        subject: Arc<str>,
        options: Arc<DatabaseOptions>,
        admin: Admin,
    ) -> Result<Self> {
        location.check(&options)?;
        let connection = open_writer(&location, &options)?;
        let presence = Arc::new(Presence::of(&location));
        let max_pages = max_pages(&connection)?;
        let checkpointer = Checkpointer::start(&location, &options, &presence)?;
        let writer = Writer::start(
            Arc::clone(&subject),
            Arc::clone(&options),
            connection,
            checkpointer,
        )?;
        Ok(Self {
            readers: Readers::new(location.clone(), Arc::clone(&options)),
            changes: Changes::new(location.clone(), Arc::clone(&options)),
            location,
            subject,
            options,
            writer,
            admin,
            presence,
            max_pages,
            is_closed: AtomicBool::new(false),
        })
    }

    fn read<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.presence
            .ensure("read")
            .and_then(|()| self.readers.read(f))
            .map_err(|error| self.at(error, "read"))
    }

    fn ensure_open(&self, operation: &'static str) -> Result<()> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(self.at(Error::closed(operation), operation));
        }
        self.presence
            .ensure(operation)
            .map_err(|error| self.at(error, operation))
    }

    fn at(&self, error: Error, operation: &'static str) -> Error {
        error.during(operation, &self.subject)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.changes.stop();
        self.writer.stop();
    }
}

/// Runs blocking work on tokio's threads for it.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|lost| {
            Err(Error::new(ErrorKind::Internal, "read", "the operation panicked").with_source(lost))
        })
}
