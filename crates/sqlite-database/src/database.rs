//! [`SqliteDatabase`]: a cheap handle that shares connections, writer and threads.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::runtime::Handle;

use crate::blocking::run_blocking;
use crate::busy::{self, Deadline};
use crate::changes::{ChangePoller, ChangeWatch, VersionReader};
use crate::checkpoint::Checkpointer;
use crate::connection::{open_existing, open_reader, open_writer, page_numbers};
use crate::error::{Error, ErrorKind, Result};
use crate::location::Location;
use crate::migrate::Turns;
use crate::opened_file::OpenedFile;
use crate::options::{DatabaseOptions, Execution};
use crate::pool::Pool;
use crate::reader::ReaderPool;
use crate::space::Space;
use crate::writer::{Growth, Writer};

/// The busy timeout of migrations and vacuums: another process may be rewriting a large table.
pub(crate) const LONG_BUSY_TIMEOUT: Duration = Duration::from_mins(1);

/// A SQLite database that many tasks, threads and processes share.
///
/// A handle is cheap to clone; clones share connections, the writer and the threads. Call
/// [`close`](Self::close) at the end. If the last handle is dropped instead, the writer thread
/// commits the queued operations and closes in the background.
///
/// On Unix a file can be deleted, moved or replaced while it is open. The path is looked at every second.
/// Once it leads to no file or to another one, every operation fails with [`ErrorKind::Unavailable`], because other
/// processes that open the path get a different database. Commits made in between are lost with the file.
///
/// A closure passed to [`write`](Self::write) reads through the transaction it is given: other
/// connections do not see its uncommitted rows, and those of an in-memory database block until it
/// ends.
#[derive(Clone, Debug)]
pub struct SqliteDatabase {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    location: Location,
    name: Arc<str>,
    options: Arc<DatabaseOptions>,
    readers: ReaderPool,
    writer: Writer,
    changes: Arc<ChangePoller>,
    /// `None` once closed.
    version: Mutex<Option<VersionReader>>,
    pool: Pool,
    file: Arc<OpenedFile>,
    /// `PRAGMA max_page_count` of the writer.
    max_pages: i64,
    turns: Turns,
    is_closed: AtomicBool,
}

impl SqliteDatabase {
    /// Opens the database at `path` with default options, creating the file if it is missing.
    ///
    /// # Errors
    ///
    /// As [`open_with`](Self::open_with).
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, DatabaseOptions::default()).await
    }

    /// Opens the database at `path`.
    ///
    /// The file is switched to WAL mode if it is not in it yet. Directories are not created. Several
    /// processes may open the same new file at the same moment.
    ///
    /// ```
    /// use sqlite_database::{DatabaseOptions, SqliteDatabase, Synchronous};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// let options = DatabaseOptions::default().with_synchronous(Synchronous::Full);
    /// let database = SqliteDatabase::open_with(directory.path().join("comics.db"), options).await?;
    /// database.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if the directory is missing, the file cannot be accessed or
    /// lies on a network file system; [`ErrorKind::ReadOnly`] if it cannot be written and is not
    /// opened with [`AccessMode::ReadOnly`](crate::AccessMode::ReadOnly);
    /// [`ErrorKind::Corrupt`] if it is not a SQLite database; [`ErrorKind::Busy`] if another process
    /// keeps it locked; [`ErrorKind::InvalidInput`] if the path is empty or `:memory:`, or
    /// [`page_bytes`](DatabaseOptions::page_bytes) is out of range.
    pub async fn open_with(path: impl AsRef<Path>, options: DatabaseOptions) -> Result<Self> {
        let location = Location::file(path.as_ref())?;
        Self::start(location, options, Pool::lazy()).await
    }

    /// Opens a new in-memory database, private to this handle and its clones.
    ///
    /// Its [`pool`](Self::pool) sees the same data. The data is lost when the database is closed or
    /// the last handle is dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if no thread can be started.
    pub async fn in_memory() -> Result<Self> {
        Self::in_memory_with(DatabaseOptions::default()).await
    }

    /// Opens a new in-memory database with options; those about files do not apply.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if no thread can be started.
    pub async fn in_memory_with(options: DatabaseOptions) -> Result<Self> {
        Self::start(Location::memory(), options, Pool::lazy()).await
    }

    /// Opens the file of an existing `sqlx` pool.
    ///
    /// Reads and writes use connections of their own; migrations connect with the pool's options, and
    /// [`pool`](Self::pool) returns it. [`close`](Self::close) leaves the pool open. The file is
    /// switched to WAL mode if it is not in it yet.
    ///
    /// ```
    /// use sqlite_database::SqliteDatabase;
    /// use sqlite_database::sqlx::SqlitePool;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let url = format!("sqlite://{}?mode=rwc", directory.path().join("app.db").display());
    /// let pool = SqlitePool::connect(&url).await?;
    /// let database = SqliteDatabase::from_pool(pool.clone()).await?;
    /// database.close().await?;
    /// assert!(!pool.is_closed());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the pool's database is in memory; otherwise as
    /// [`open_with`](Self::open_with).
    pub async fn from_pool(pool: SqlitePool) -> Result<Self> {
        Self::from_pool_with(pool, DatabaseOptions::default()).await
    }

    /// Opens the file of an existing `sqlx` pool with options, which do not apply to the pool.
    ///
    /// # Errors
    ///
    /// As [`from_pool`](Self::from_pool).
    pub async fn from_pool_with(pool: SqlitePool, options: DatabaseOptions) -> Result<Self> {
        let location = async {
            Handle::try_current().map_err(Error::no_runtime)?;
            Location::from_pool(&pool).await
        };
        let location = location
            .await
            .map_err(|error| error.with_context("open", &Arc::from("pool")))?;
        Self::start(location, options, Pool::External(pool)).await
    }

    async fn start(location: Location, options: DatabaseOptions, pool: Pool) -> Result<Self> {
        let name = location.name();
        let opened = Arc::clone(&name);
        let timeout = options.busy_timeout;
        let open = move || Inner::open(location, opened, Arc::new(options), pool);
        // Of all steps together.
        run_blocking(move || busy::with_busy_timeout(timeout, open))
            .await
            .map(|inner| Self {
                inner: Arc::new(inner),
            })
            .map_err(|error| error.with_context("open", &name))
    }

    /// The absolute path of the file; `None` in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.inner.location.path()
    }

    /// Runs `f` on a read-only connection, on the caller's thread.
    ///
    /// Each statement sees the latest commit; several that need one snapshot run in an
    /// [`unchecked_transaction`](Connection::unchecked_transaction). Keep reads short: an open read
    /// keeps the write-ahead log from being reset.
    ///
    /// # Errors
    ///
    /// The error of `f`; [`ErrorKind::Closed`] after [`close`](Self::close);
    /// [`ErrorKind::Unavailable`] if a connection cannot be opened, or if the file was deleted, moved
    /// or replaced; [`ErrorKind::ReadOnly`] if `f` writes; [`ErrorKind::Timeout`] if it takes longer
    /// than the [`read_timeout`](DatabaseOptions::read_timeout); [`ErrorKind::Busy`] if there are
    /// [`max_readers`](DatabaseOptions::max_readers) for too long.
    pub fn blocking_read<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.inner.read(f)
    }

    /// Runs `f` on a read-only connection, on the thread that [`DatabaseOptions::execution`]
    /// configures.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> sqlite_database::Result<()> {
    /// let database = sqlite_database::SqliteDatabase::in_memory().await?;
    /// let answer: i64 =
    ///     database.read(|db| Ok(db.query_row("SELECT 42", [], |row| row.get(0))?)).await?;
    /// assert_eq!(answer, 42);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`blocking_read`](Self::blocking_read).
    pub async fn read<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        match self.inner.options.execution {
            Execution::CallerThread => self.blocking_read(f),
            Execution::Background => {
                let inner = Arc::clone(&self.inner);
                run_blocking(move || inner.read(f)).await
            }
        }
    }

    /// Reads the file: the health check of a service.
    ///
    /// It opens the file anew, because what is open already has the first pages in memory, and neither writes
    /// nor waits for a writer. What is damaged behind the schema is found by [`check`](Self::check) only.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> sqlite_database::Result<()> {
    /// let database = sqlite_database::SqliteDatabase::in_memory().await?;
    /// assert!(database.ping().await.is_ok());
    /// database.close().await?;
    /// assert!(database.ping().await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`close`](Self::close); [`ErrorKind::Unavailable`] if the file cannot be
    /// opened, or was deleted, moved or replaced; [`ErrorKind::Corrupt`] if it is no database any more;
    /// [`ErrorKind::Busy`] if another program keeps it locked.
    pub async fn ping(&self) -> Result<()> {
        const OPERATION: &str = "ping";
        self.inner.file.check_path();
        self.inner.ensure_open(OPERATION)?;
        let inner = Arc::clone(&self.inner);
        let open = move || open_reader(&inner.location, &inner.options);
        let timeout = self.inner.options.busy_timeout;
        run_blocking(move || busy::with_busy_timeout(timeout, open))
            .await
            .map(drop)
            .map_err(|error| self.inner.add_context(error, OPERATION))
    }

    /// Runs a read of seconds on one of tokio's blocking threads, whatever
    /// [`DatabaseOptions::execution`] says.
    ///
    /// For what reads much of a file: a scan, a count, an export. While it has a snapshot, the
    /// write-ahead log of a busy database grows; read in portions where that is possible.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> sqlite_database::Result<()> {
    /// let database = sqlite_database::SqliteDatabase::in_memory().await?;
    /// let tables: i64 = database
    ///     .long_read(|db| Ok(db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?))
    ///     .await?;
    /// assert_eq!(tables, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`blocking_read`](Self::blocking_read); [`ErrorKind::Internal`] if `f` panics.
    ///
    /// # Cancel safety
    ///
    /// Once polled, `f` runs to its end even if the future is dropped.
    pub async fn long_read<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.long_read_as("read", f).await
    }

    /// A watch that reports commits of this process and others within
    /// [`poll_interval`](DatabaseOptions::poll_interval).
    ///
    /// Create it before reading the rows it is for: it reports only later commits.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> sqlite_database::Result<()> {
    /// let database = sqlite_database::SqliteDatabase::in_memory().await?;
    /// let mut watch = database.watch_changes();
    /// database.write(|tx| Ok(tx.execute_batch("CREATE TABLE book (title TEXT) STRICT")?)).await?;
    /// watch.changed().await;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn watch_changes(&self) -> ChangeWatch {
        self.inner.changes.watch()
    }

    /// A number that changes with every commit, of this process or another: equal numbers mean that
    /// nothing was committed in between.
    ///
    /// For what keeps rows in memory: take the number *before* reading the rows, and use them for as
    /// long as it is the same. It is read on the caller's thread, from a connection of its own, and for
    /// concurrent callers one after another. Several commits may count as one change, and
    /// a number may change without a commit. Only numbers from clones of one handle compare: this is
    /// SQLite's [`data_version`](https://sqlite.org/pragma.html#pragma_data_version), which belongs to a
    /// connection.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> sqlite_database::Result<()> {
    /// let database = sqlite_database::SqliteDatabase::in_memory().await?;
    /// let before = database.data_version()?;
    /// assert_eq!(database.data_version()?, before);
    /// database.write(|tx| Ok(tx.execute_batch("CREATE TABLE book (title TEXT) STRICT")?)).await?;
    /// assert_ne!(database.data_version()?, before);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Busy`] if the number cannot be read within the
    /// [`busy_timeout`](DatabaseOptions::busy_timeout), such as in memory during a write;
    /// [`ErrorKind::Closed`] after [`close`](Self::close); [`ErrorKind::Unavailable`] if the connection
    /// cannot be opened, or if the file was deleted, moved or replaced.
    pub fn data_version(&self) -> Result<i64> {
        self.inner
            .data_version()
            .map_err(|error| self.inner.add_context(error, "read"))
    }

    /// An `sqlx` pool on the same database: opened on first use, or the one given to
    /// [`from_pool`](Self::from_pool).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`close`](Self::close); otherwise as
    /// [`open_with`](Self::open_with).
    pub async fn pool(&self) -> Result<SqlitePool> {
        self.inner.ensure_open("open")?;
        self.ensure_runtime("open")?;
        let Inner {
            pool,
            location,
            options,
            max_pages,
            ..
        } = &*self.inner;
        pool.get(location, options, *max_pages)
            .await
            .map_err(|error| self.inner.add_context(error, "open"))
    }

    /// Commits the queued operations, checkpoints the write-ahead log and stops the threads.
    ///
    /// Later calls fail with [`ErrorKind::Closed`]. Closing again waits for the first call to finish.
    ///
    /// # Errors
    ///
    /// None at present; a write-ahead log that other processes still use is left in place.
    pub async fn close(&self) -> Result<()> {
        self.inner.is_closed.store(true, Ordering::Release);
        self.inner.changes.stop();
        self.inner.close_version_reader();
        self.inner.readers.close();
        self.inner.pool.close().await;
        self.inner.writer.stop();
        self.inner.writer.stopped().await;
        Ok(())
    }

    /// The connect options of the pool, for a single `sqlx` connection.
    pub(crate) fn connect_options(&self) -> Result<SqliteConnectOptions> {
        self.inner.ensure_open("migrate")?;
        let Inner {
            pool,
            location,
            options,
            max_pages,
            ..
        } = &*self.inner;
        Ok(pool.connect_options(location, options, *max_pages))
    }

    /// Runs a long read, with the operation that its errors name.
    pub(crate) async fn long_read_as<T, F>(&self, operation: &'static str, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        let read = run_blocking(move || {
            inner
                .file
                .ensure_in_place(operation)
                .and_then(|()| inner.readers.with_connection(None, f))
        });
        read.await
            .map_err(|error| self.inner.add_context(error, operation))
    }

    /// Runs a write of seconds on its own connection and a blocking thread.
    pub(crate) async fn long_write<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.inner.ensure_open("write")?;
        let inner = Arc::clone(&self.inner);
        run_blocking(move || {
            busy::with_busy_timeout(LONG_BUSY_TIMEOUT, || {
                f(&open_existing(&inner.location, &inner.options)?)
            })
        })
        .await
    }

    /// Fails once the database is closed, or its file is no longer in its place.
    pub(crate) fn ensure_open(&self, operation: &'static str) -> Result<()> {
        self.inner.ensure_open(operation)
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.inner.writer
    }

    pub(crate) fn location(&self) -> &Location {
        &self.inner.location
    }

    /// `PRAGMA max_page_count`, as the options set it.
    pub(crate) fn max_page_count(&self) -> i64 {
        self.inner.max_pages
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.inner.turns
    }

    pub(crate) fn opened_file(&self) -> &Arc<OpenedFile> {
        &self.inner.file
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.inner.location.is_read_only(&self.inner.options)
    }

    /// Fails outside a runtime, where `sqlx` panics.
    pub(crate) fn ensure_runtime(&self, operation: &'static str) -> Result<()> {
        Handle::try_current()
            .map(drop)
            .map_err(|error| self.add_context(Error::no_runtime(error), operation))
    }

    /// Adds the operation and this database to an error of a statement.
    pub(crate) fn add_context(&self, error: Error, operation: &'static str) -> Error {
        self.inner.add_context(error, operation)
    }
}

impl Inner {
    fn open(
        location: Location,
        name: Arc<str>,
        options: Arc<DatabaseOptions>,
        pool: Pool,
    ) -> Result<Self> {
        location.validate(&options)?;
        let connection = open_writer(&location, &options)?;
        let (max_pages, page_bytes) = page_numbers(&connection, &options)?;
        let file = Arc::new(OpenedFile::new(&location));
        let space = Arc::new(Space::new(&location, &options, page_bytes));
        let checkpointer = Checkpointer::start(&location, &options, &file, &space)?;
        let writer = Writer::start(
            Arc::clone(&name),
            Arc::clone(&options),
            connection,
            Growth::new(space, max_pages),
            checkpointer,
        )?;
        Ok(Self {
            readers: ReaderPool::new(location.clone(), Arc::clone(&options)),
            changes: ChangePoller::new(location.clone(), Arc::clone(&options)),
            version: Mutex::new(Some(VersionReader::new(
                location.clone(),
                Arc::clone(&options),
            ))),
            location,
            name,
            options,
            writer,
            pool,
            file,
            max_pages,
            turns: Turns::default(),
            is_closed: AtomicBool::new(false),
        })
    }

    fn read<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.file
            .ensure_in_place("read")
            .and_then(|()| {
                let limit = self.options.read_timeout;
                self.readers.with_connection(limit, f)
            })
            .map_err(|error| self.add_context(error, "read"))
    }

    fn data_version(&self) -> Result<i64> {
        self.file.ensure_in_place("read")?;
        // Before the wait for the other callers.
        let deadline = Deadline::after(self.options.busy_timeout);
        let mut reader = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *reader {
            Some(reader) => busy::with_deadline(deadline, || reader.version()),
            None => Err(Error::from_kind(ErrorKind::Closed, "read")),
        }
    }

    fn close_version_reader(&self) {
        // A binding, so that the connection closes after the mutex is unlocked.
        let reader = self
            .version
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(reader);
    }

    fn ensure_open(&self, operation: &'static str) -> Result<()> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(self.add_context(Error::closed(operation), operation));
        }
        self.file
            .ensure_in_place(operation)
            .map_err(|error| self.add_context(error, operation))
    }

    fn add_context(&self, error: Error, operation: &'static str) -> Error {
        error.with_context(operation, &self.name)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.changes.stop();
        self.writer.stop();
    }
}
