//! Opens `rusqlite` connections and sets their pragmas.

use rusqlite::{Connection, MAIN_DB, OpenFlags};

use crate::busy;
use crate::descriptors;
use crate::error::{Error, ErrorKind, Result};
use crate::file_lock::FileLock;
use crate::leftovers;
use crate::location::Location;
use crate::options::{CreateMode, DatabaseOptions, Synchronous};
use crate::read_timeout;

/// The version of the linked SQLite library, such as `3.51.3`.
///
/// `rusqlite` and `sqlx` use the same one.
///
/// ```
/// assert!(sqlite_database::sqlite_version().starts_with("3."));
/// ```
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// The number of prepared statements that a connection caches.
const STATEMENT_CACHE: usize = 128;
/// The size to which the WAL file is truncated when it is reset: 64 MiB.
const JOURNAL_SIZE_LIMIT: u32 = 64 * 1024 * 1024;

/// Opens the writer's connection; creates the file and enables WAL mode where needed.
///
/// A read-only handle gets a read-only connection: SQLite refuses its transactions.
pub(crate) fn open_writer(location: &Location, options: &DatabaseOptions) -> Result<Connection> {
    try_open_writer(location, options).map_err(|error| descriptors::explain(error, location))
}

fn try_open_writer(location: &Location, options: &DatabaseOptions) -> Result<Connection> {
    if location.is_read_only(options) {
        return open_reader(location, options);
    }
    let mut access = OpenFlags::SQLITE_OPEN_READ_WRITE;
    if options.create == CreateMode::IfMissing || matches!(location, Location::Memory(_)) {
        access |= OpenFlags::SQLITE_OPEN_CREATE;
        if let Some(path) = location.path() {
            leftovers::remove_if_missing(path)?;
        }
    }
    let _lock = FileLock::shared(location, options.busy_timeout)?;
    let connection = location.connect(access)?;
    // SQLite silently opens a file without write permission as read-only.
    ensure_writable(&connection)?;
    with_retry(options, || {
        configure(&connection, options)?;
        // A write transaction would look up each page in the WAL before it reads the mapping;
        // the writer's pages are in its page cache.
        connection.execute_batch("PRAGMA mmap_size = 0;")?;
        prepare_empty_file(&connection, options)?;
        if matches!(location, Location::File(_)) {
            enable_wal(&connection)?;
        }
        limit_size(&connection, options)?;
        // Checkpoints run on their own thread, never inside a caller's commit.
        Ok(connection.execute_batch("PRAGMA wal_autocheckpoint = 0;")?)
    })?;
    // And, once it has read it, a file of a format that it cannot write.
    ensure_writable(&connection)?;
    Ok(connection)
}

fn ensure_writable(connection: &Connection) -> Result<()> {
    if connection.is_readonly(MAIN_DB)? {
        return Err(Error::from_kind(ErrorKind::ReadOnly, "open"));
    }
    Ok(())
}

/// Opens a read-only connection.
pub(crate) fn open_reader(location: &Location, options: &DatabaseOptions) -> Result<Connection> {
    let connection = open_configured(location, options, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    read_timeout::install(&connection)?;
    Ok(connection)
}

/// Opens a second connection that writes, but never creates or converts the file.
pub(crate) fn open_existing(location: &Location, options: &DatabaseOptions) -> Result<Connection> {
    open_configured(location, options, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

fn open_configured(
    location: &Location,
    options: &DatabaseOptions,
    access: OpenFlags,
) -> Result<Connection> {
    let open = || {
        let _lock = FileLock::shared(location, options.busy_timeout)?;
        let connection = location.connect(access)?;
        configure_with_retry(&connection, options)?;
        Ok(connection)
    };
    open().map_err(|error| descriptors::explain(error, location))
}

/// Sets the pragmas and reads the file once, with retries.
///
/// While another process recovers the write-ahead log any statement may be busy, and SQLite does not
/// always call the busy handler then. The pragmas alone do not read the file; after the probe the log
/// is recovered.
fn configure_with_retry(connection: &Connection, options: &DatabaseOptions) -> Result<()> {
    with_retry(options, || {
        configure(connection, options)?;
        Ok(connection.query_row(PROBE, [], |_| Ok(()))?)
    })
}

fn with_retry<T>(options: &DatabaseOptions, work: impl FnMut() -> Result<T>) -> Result<T> {
    busy::retry_while_busy(options.busy_timeout, work)
}

/// A statement that reads any database file.
pub(crate) const PROBE: &str = "SELECT count(*) FROM sqlite_schema";

fn configure(connection: &Connection, options: &DatabaseOptions) -> Result<()> {
    connection.busy_handler(Some(busy::busy_handler))?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    let synchronous = match options.synchronous {
        Synchronous::Normal => "NORMAL",
        Synchronous::Full => "FULL",
    };
    // A negative cache size is in KiB instead of pages. In-memory databases ignore `mmap_size`.
    connection.execute_batch(&format!(
        "PRAGMA synchronous = {synchronous};
         PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -{};
         PRAGMA mmap_size = {};
         PRAGMA journal_size_limit = {JOURNAL_SIZE_LIMIT};",
        options.cache_kib, options.mmap_bytes,
    ))?;
    Ok(())
}

/// Sets what applies only to an empty file; on any other it would take the write lock.
fn prepare_empty_file(connection: &Connection, options: &DatabaseOptions) -> Result<()> {
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    if pages > 0 {
        return Ok(());
    }
    let page_bytes = options.page_bytes;
    Ok(connection.execute_batch(&format!(
        "PRAGMA page_size = {page_bytes}; PRAGMA auto_vacuum = INCREMENTAL;"
    ))?)
}

/// Sets the maximum size, which is a setting of the connection and not stored in the file.
fn limit_size(connection: &Connection, options: &DatabaseOptions) -> Result<()> {
    let Some(max_bytes) = options.max_bytes else {
        return Ok(());
    };
    let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = (max_bytes / page_bytes.unsigned_abs().max(1)).clamp(1, u64::from(u32::MAX - 1));
    Ok(connection.execute_batch(&format!("PRAGMA max_page_count = {pages}"))?)
}

/// The maximum size in pages of this connection, and the size of a page in bytes. The pragmas read the schema,
/// so that they may be busy as any first read.
pub(crate) fn page_numbers(
    connection: &Connection,
    options: &DatabaseOptions,
) -> Result<(i64, i64)> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    with_retry(options, || {
        Ok((number("max_page_count")?, number("page_size")?))
    })
}

/// Switches the file to WAL mode, which is stored in it: only the first process changes anything.
fn enable_wal(connection: &Connection) -> Result<()> {
    let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    if connection.pragma_query_value(None, "journal_mode", mode)? == "wal" {
        return Ok(());
    }
    let now = connection.pragma_update_and_check(None, "journal_mode", "WAL", mode)?;
    if now == "wal" {
        return Ok(());
    }
    let detail =
        format!("stays in journal mode `{now}`; move it to a file system with shared memory");
    Err(Error::new(ErrorKind::Unavailable, "open", detail))
}
