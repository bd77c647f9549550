//! Moves a damaged database file aside, so that a new one can be created in its place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use crate::blocking::run_blocking;
use crate::busy;
use crate::connection::PROBE;
use crate::copy;
use crate::database::{LONG_BUSY_TIMEOUT, SqliteDatabase};
use crate::error::{Error, ErrorKind, Result};
use crate::file_lock::FileLock;
use crate::leftovers;
use crate::location::{Location, beside};
use crate::opened_file::{Identity, identity};

/// The files that SQLite keeps beside a database file, in the order in which they follow it.
///
/// The database file goes first. After a crash there is then no database beside its companions, and
/// SQLite deletes a write-ahead log or journal that it finds beside an empty file, before it writes the
/// new database. Were the log moved first, a crash would leave a database without the commits and page
/// images in its log: it may look whole to the next process without being so.
///
/// The index of the log follows next: a process that still has the old file open uses it together with
/// whoever opens the same name.
const COMPANIONS: [&str; 3] = ["-shm", "-wal", "-journal"];

/// How a file is examined before it is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageCheck {
    /// Reads the header and the schema, in under a millisecond: for a file that could not be opened.
    Schema,
    /// Runs `PRAGMA quick_check` as well, which reads the whole file: for one that was opened, and
    /// failed with [`ErrorKind::Corrupt`] later.
    Contents,
}

impl SqliteDatabase {
    /// Moves the file at `path` to `NAME.damaged-1` beside it, or the next free number, if it is
    /// damaged; returns the new path.
    ///
    /// Call it after [`ErrorKind::Corrupt`], then open the path again, which creates a new file. The
    /// write-ahead log moves along, so the damaged database can be examined under its new name; the move
    /// does not change its bytes. `None` means that there is nothing to move: the file is missing or not damaged.
    /// Of several processes that find the same damage, one moves the file and the others get `None`, also
    /// if there is a new file by then. Handles that still have the moved file open notice, and fail with
    /// [`ErrorKind::Unavailable`] from then on.
    ///
    /// A file that is not a SQLite database counts as damaged, and so does an empty one beside a log: it
    /// was cut off. An empty file `NAME.lock` stays beside it; while it exists, connections of this crate
    /// wait with their opening until a move is finished.
    ///
    /// ```
    /// use sqlite_database::{DamageCheck, ErrorKind, SqliteDatabase};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// let path = directory.path().join("cache.db");
    /// std::fs::write(&path, "not a database, but long enough to be taken for one".repeat(20))?;
    /// let error = SqliteDatabase::open(&path).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Corrupt);
    /// let moved = SqliteDatabase::set_aside(&path, DamageCheck::Schema).await?;
    /// assert_eq!(moved, Some(directory.path().join("cache.db.damaged-1")));
    /// SqliteDatabase::open(&path).await?.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if `path` leads to a directory, a symbolic link or another thing that
    /// is no regular file, or if the file cannot be read, locked or renamed; [`ErrorKind::ReadOnly`] if
    /// the directory cannot be written; [`ErrorKind::Busy`] if other processes keep it locked for over a
    /// minute; [`ErrorKind::InvalidInput`] if the path is empty or `:memory:`.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the file is examined and moved even if the future is dropped.
    pub async fn set_aside(path: impl AsRef<Path>, check: DamageCheck) -> Result<Option<PathBuf>> {
        let location = Location::file(path.as_ref())?;
        let name = location.name();
        let outcome = run_blocking(move || match location.path() {
            Some(path) => set_aside(&location, path, check),
            None => Ok(None),
        });
        outcome
            .await
            .map_err(|error| error.with_context("set aside", &name))
    }
}

/// A file that was found damaged.
struct Damaged {
    identity: Option<Identity>,
    is_cut_off: bool,
    /// Keeps the identity from being given to another file. `None` on platforms without identities,
    /// which do not rename an open file.
    _connection: Option<Connection>,
}

fn set_aside(location: &Location, path: &Path, check: DamageCheck) -> Result<Option<PathBuf>> {
    // A missing file gets no lock file.
    if !is_regular_file(path)? {
        return Ok(None);
    }
    FileLock::create(path).map_err(|error| copy::io_error(error, path))?;
    // Not under the exclusive lock, for which every opening would wait while the file is read.
    let lock = FileLock::shared(location, LONG_BUSY_TIMEOUT)?;
    let Some(damaged) = examine(location, path, check, lock)? else {
        return Ok(None);
    };
    let _lock = FileLock::exclusive(path, LONG_BUSY_TIMEOUT)?;
    // Another process may have moved the file meanwhile, and created a new one.
    if !is_still_there(location, path, check, &damaged)? {
        return Ok(None);
    }
    let target = rename_all(path).map_err(|error| copy::io_error(error, path))?;
    tracing::warn!(
        database = %path.display(),
        target = %target.display(),
        "damaged; set aside"
    );
    Ok(Some(target))
}

/// Whether a regular file is at `path`; an error if it is something else.
fn is_regular_file(path: &Path) -> Result<bool> {
    match found(fs::symlink_metadata(path), path)? {
        None => Ok(false),
        Some(metadata) if metadata.is_file() => Ok(true),
        Some(_) => {
            let detail = "not a regular file; name the file itself";
            Err(Error::new(ErrorKind::Unavailable, "set aside", detail))
        }
    }
}

/// `None` if the file at `path` is missing.
fn found<T>(outcome: io::Result<T>, path: &Path) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(copy::io_error(error, path)),
    }
}

/// Opens the file under `lock` and looks for damage; `None` if it is missing or whole.
fn examine(
    location: &Location,
    path: &Path,
    check: DamageCheck,
    lock: Option<FileLock>,
) -> Result<Option<Damaged>> {
    if !is_regular_file(path)? {
        return Ok(None);
    }
    let Some(identity) = found(identity(path), path)? else {
        return Ok(None);
    };
    // To SQLite it is a new database, whose log it would remove.
    let mut is_damaged = leftovers::is_cut_off(path);
    // Read-only, so that closing it neither checkpoints nor removes the log. Without the other pragmas:
    // a file that is mapped into memory while it is truncated would end the process.
    let connection = location.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_handler(Some(busy::busy_handler))?;
    if !is_damaged {
        is_damaged = finds_damage(|| {
            connection.query_row(PROBE, [], |_| Ok(()))?;
            Ok(false)
        })?;
    }
    // All files are open now.
    drop(lock);
    if !is_damaged && check == DamageCheck::Contents {
        is_damaged = finds_damage(|| {
            let is_damaged = |row: &rusqlite::Row<'_>| Ok(row.get_ref(0)? != ValueRef::Text(b"ok"));
            Ok(connection.query_row("PRAGMA quick_check(1)", [], is_damaged)?)
        })?;
    }
    Ok(is_damaged.then(|| Damaged {
        identity,
        is_cut_off: leftovers::is_cut_off(path),
        _connection: identity.map(|_| connection),
    }))
}

/// Runs a check with retries; a read that fails because of damage has found it.
fn finds_damage(check: impl FnMut() -> Result<bool>) -> Result<bool> {
    match busy::retry_while_busy(LONG_BUSY_TIMEOUT, check) {
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(true),
        outcome => outcome,
    }
}

/// Whether the damaged file is still at `path`, under the exclusive lock.
fn is_still_there(
    location: &Location,
    path: &Path,
    check: DamageCheck,
    damaged: &Damaged,
) -> Result<bool> {
    match found(identity(path), path)? {
        None => Ok(false),
        Some(None) => Ok(examine(location, path, check, None)?.is_some()),
        // Another process may be writing the first page of a new database.
        Some(_) if damaged.is_cut_off && !leftovers::is_cut_off(path) => Ok(false),
        identity => Ok(identity == Some(damaged.identity)),
    }
}

/// Renames the file and its companions; returns the new path of the file.
fn rename_all(path: &Path) -> io::Result<PathBuf> {
    let target = free_name(path)?;
    fs::rename(path, &target)?;
    for suffix in COMPANIONS {
        let companion = beside(path, suffix);
        match fs::symlink_metadata(&companion) {
            Ok(metadata) if metadata.is_file() => {
                fs::rename(&companion, beside(&target, suffix))?;
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    // A power loss must not bring an old companion back beside a new file.
    copy::sync_directory(&target)?;
    Ok(target)
}

/// The first numbered name that neither a file nor a companion has.
fn free_name(path: &Path) -> io::Result<PathBuf> {
    let mut number = 1_u32;
    loop {
        let name = beside(path, &format!(".damaged-{number}"));
        if is_free(&name)? {
            return Ok(name);
        }
        number += 1;
    }
}

fn is_free(name: &Path) -> io::Result<bool> {
    for suffix in [""].into_iter().chain(COMPANIONS) {
        match fs::symlink_metadata(beside(name, suffix)) {
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
