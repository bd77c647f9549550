//! Opens connections of the direct lane and sets their pragmas.

use rusqlite::{Connection, MAIN_DB, OpenFlags};

use crate::busy;
use crate::error::{Error, ErrorKind, Result};
use crate::location::Location;
use crate::options::{CreateMode, DatabaseOptions, Synchronous};

/// Distinct statements a connection keeps prepared.
const STATEMENT_CACHE: usize = 128;
/// The WAL file is cut back to this size when it restarts: 64 MiB.
const JOURNAL_SIZE_LIMIT: u32 = 64 * 1024 * 1024;

/// Opens the connection that writes, creating the file and turning on the WAL where needed.
///
/// A handle that only looks gets one that cannot write: SQLite refuses its transactions.
pub(crate) fn open_writer(location: &Location, options: &DatabaseOptions) -> Result<Connection> {
    if location.is_read_only(options) {
        return open_reader(location, options);
    }
    let mut access = OpenFlags::SQLITE_OPEN_READ_WRITE;
    if options.create == CreateMode::IfMissing || matches!(location, Location::Memory(_)) {
        access |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = location.connect(access)?;
    // SQLite quietly opens a file it may not write as read-only.
    if connection.is_readonly(MAIN_DB)? {
        return Err(Error::of_kind(ErrorKind::ReadOnly, "open"));
    }
    busy::wait_at_most(options.busy_timeout, || {
        busy::retry(options.busy_timeout, || {
            configure(&connection, options)?;
            // In a transaction that writes, SQLite would look each page up in the log before it takes
            // it from the mapping; the writer's pages are in its cache.
            connection.execute_batch("PRAGMA mmap_size = 0;")?;
            prepare_empty_file(&connection, options)?;
            if matches!(location, Location::File(_)) {
                turn_on_wal(&connection)?;
            }
            bound(&connection, options)?;
            // Checkpoints run on a thread of their own, never in a caller's commit.
            Ok(connection.execute_batch("PRAGMA wal_autocheckpoint = 0;")?)
        })
    })?;
    Ok(connection)
}

/// Opens a connection that cannot write.
pub(crate) fn open_reader(location: &Location, options: &DatabaseOptions) -> Result<Connection> {
    let connection = location.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    configure_patiently(&connection, options)?;
    Ok(connection)
}

/// Opens a connection beside the writer: it writes, but never creates or converts the file.
pub(crate) fn open_beside(location: &Location, options: &DatabaseOptions) -> Result<Connection> {
    let connection = location.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    configure_patiently(&connection, options)?;
    Ok(connection)
}

/// A process that recovers the write-ahead log of another that was just converting the file can
/// make any statement busy, and SQLite does not always ask the busy handler then. The settings alone
/// do not touch the file, so it is read once: who gets the connection finds the log recovered.
fn configure_patiently(connection: &Connection, options: &DatabaseOptions) -> Result<()> {
    busy::wait_at_most(options.busy_timeout, || {
        busy::retry(options.busy_timeout, || {
            configure(connection, options)?;
            Ok(connection.query_row(FIRST_READ, [], |_| Ok(()))?)
        })
    })
}

/// Reads the file, whatever is in it.
pub(crate) const FIRST_READ: &str = "SELECT count(*) FROM sqlite_schema";

fn configure(connection: &Connection, options: &DatabaseOptions) -> Result<()> {
    connection.busy_handler(Some(busy::on_busy))?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    let synchronous = match options.synchronous {
        Synchronous::Normal => "NORMAL",
        Synchronous::Full => "FULL",
    };
    // A negative cache size counts KiB instead of pages. Databases in memory ignore `mmap_size`.
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

/// Sets what only a file without content takes; on any other it would take the write lock.
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

/// Sets the size that the file does not outgrow; the file itself does not remember it.
fn bound(connection: &Connection, options: &DatabaseOptions) -> Result<()> {
    let Some(max_bytes) = options.max_bytes else {
        return Ok(());
    };
    let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = (max_bytes / page_bytes.unsigned_abs().max(1)).clamp(1, u64::from(u32::MAX - 1));
    Ok(connection.execute_batch(&format!("PRAGMA max_page_count = {pages}"))?)
}

/// The largest size in pages, as SQLite has it for this connection.
pub(crate) fn max_pages(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "max_page_count", |row| row.get(0))?)
}

/// The mode is stored in the file, so only the first process to open it changes anything.
fn turn_on_wal(connection: &Connection) -> Result<()> {
    let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    if connection.pragma_query_value(None, "journal_mode", mode)? == "wal" {
        return Ok(());
    }
    let now = connection.pragma_update_and_check(None, "journal_mode", "WAL", mode)?;
    if now == "wal" {
        return Ok(());
    }
    let detail = format!(
        "stays in journal mode `{now}`; move it to a file system that offers shared memory"
    );
    Err(Error::new(ErrorKind::Unavailable, "open", detail))
}
