//! The check of a whole file: what SQLite finds, and every stored value against its checksum.

use rusqlite::{Connection, params};
use sqlite_database::{CheckReport, ErrorKind as DatabaseKind, SqliteDatabase};
use store_core::{Key, Result};

use crate::cache::StoredValue;
use crate::dedupe::ended_job;
use crate::error::store_error;
use crate::write_queue::StoredWrite;

/// The rows that are read at once: a read without end would keep the write-ahead log from being reset.
const ROWS_PER_READ: usize = 200;
/// The bytes of values that are read at once.
const BYTES_PER_READ: usize = 8 * 1024 * 1024;

/// The result of a [`check()`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCheckReport {
    /// What SQLite finds: damage of the file, and dangling references.
    pub file: CheckReport,
    /// The keys of cached values that are not what was stored. A damaged key is given as it is read.
    pub damaged_values: Vec<String>,
    /// The keys of ended jobs whose rows are not what was stored.
    pub damaged_jobs: Vec<String>,
    /// The keys of queued writes that are not what was queued: they are not delivered.
    pub damaged_writes: Vec<String>,
    /// The values, jobs and writes that were compared with their checksum.
    pub checked: u64,
    /// The values and jobs that have none: rows of earlier versions, until they are written again.
    pub without_checksum: u64,
}

impl StoreCheckReport {
    /// Whether nothing is damaged.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.file.is_ok()
            && self.damaged_values.is_empty()
            && self.damaged_jobs.is_empty()
            && self.damaged_writes.is_empty()
    }
}

/// Checks the whole file: its structure, as [`SqliteDatabase::check`] does, and every cached value, shared
/// result and queued write against its checksum.
///
/// It reads the file twice and changes nothing; readers and writers go on. A damaged value is never
/// served, and is removed by the first lookup that finds it.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = store_sqlite::SqliteDatabase::in_memory().await?; // or `open("stores.db")`
/// assert!(store_sqlite::check(&database).await?.is_ok());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Damage is reported, not an error. `Unavailable` if the file cannot be read, `Closed` if the database is
/// closed.
pub async fn check(database: &SqliteDatabase) -> Result<StoreCheckReport> {
    let in_check = |error| store_error(error, "check");
    let file = database.check().await.map_err(in_check)?;
    let mut report = StoreCheckReport {
        file,
        ..StoreCheckReport::default()
    };
    for table in [Table::Cache, Table::Jobs, Table::Results, Table::Writes] {
        let mut last = i64::MIN;
        loop {
            let read = database.long_read(move |db| Ok(table.check_after(db, last)?));
            let some = match read.await {
                Ok(some) => some,
                // The pages of the table are damaged, which SQLite has found as well.
                Err(error) if error.kind() == DatabaseKind::Corrupt => {
                    if report.file.damage.is_empty() {
                        report.file.damage.push(error.to_string());
                    }
                    break;
                }
                Err(error) => return Err(in_check(error)),
            };
            let Some(checked) = some.last() else { break };
            last = checked.row;
            report.add(table, some);
        }
    }
    Ok(report)
}

impl StoreCheckReport {
    fn add(&mut self, table: Table, rows: Vec<CheckedRow>) {
        for CheckedRow { key, state, .. } in rows {
            match (state, table) {
                (State::Unchecked, _) => self.without_checksum += 1,
                (State::Intact, _) => self.checked += 1,
                (State::Damaged, Table::Cache) => {
                    self.checked += 1;
                    self.damaged_values.push(key);
                }
                (State::Damaged, Table::Jobs | Table::Results) => {
                    self.checked += 1;
                    self.damaged_jobs.push(key);
                }
                (State::Damaged, Table::Writes) => {
                    self.checked += 1;
                    self.damaged_writes.push(key);
                }
            }
        }
    }
}

/// A table whose rows have checksums.
#[derive(Clone, Copy, Debug)]
enum Table {
    Cache,
    Jobs,
    Results,
    Writes,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Intact,
    Damaged,
    Unchecked,
}

#[derive(Debug)]
struct CheckedRow {
    row: i64,
    key: String,
    state: State,
}

impl Table {
    /// Checks the next rows after `last`; none if the table is not there yet, or has no checksums.
    fn check_after(self, db: &Connection, last: i64) -> rusqlite::Result<Vec<CheckedRow>> {
        let (name, sql) = match self {
            Self::Cache => (
                "cache",
                "SELECT expires_at, created_at, epoch, value, checksum, rowid, hash FROM cache
                 WHERE rowid > ?1 ORDER BY rowid",
            ),
            Self::Jobs => (
                "dedupe_jobs",
                "SELECT status, updated_at, error, result, checksum, rowid, hash, job_id
                 FROM dedupe_jobs WHERE rowid > ?1 AND status <> 'pending' ORDER BY rowid",
            ),
            Self::Results => (
                "dedupe_results",
                "SELECT status, updated_at, error, result, checksum, rowid, hash, job_id
                 FROM dedupe_results WHERE rowid > ?1 ORDER BY rowid",
            ),
            Self::Writes => (
                "queued_writes",
                "SELECT sequence, queued_at, checksum, value, checksum, rowid, hash FROM queued_writes
                 WHERE rowid > ?1 ORDER BY rowid",
            ),
        };
        let mut has_checksums = db.prepare_cached(
            "SELECT 1 FROM pragma_table_info WHERE arg = ?1 AND name = 'checksum'",
        )?;
        if !has_checksums.exists([name])? {
            return Ok(Vec::new());
        }
        let mut statement = db.prepare_cached(sql)?;
        let mut rows = statement.query(params![last])?;
        let (mut checked, mut bytes) = (Vec::new(), 0);
        while checked.len() < ROWS_PER_READ
            && bytes < BYTES_PER_READ
            && let Some(row) = rows.next()?
        {
            // Lossy, because a damaged key may be no text.
            let key = row.get_ref(6)?.as_bytes_or_null().ok().flatten();
            let key = String::from_utf8_lossy(key.unwrap_or_default()).into_owned();
            bytes += row
                .get_ref(3)?
                .as_bytes_or_null()
                .ok()
                .flatten()
                .map_or(0, <[u8]>::len);
            let is_intact = match self {
                Self::Cache => StoredValue::read(row)?.is_some_and(|value| value.is_intact(&key)),
                Self::Jobs | Self::Results => {
                    let job = row.get_ref(7)?.as_str().unwrap_or_default();
                    ended_job(row, [&key, job])?.is_some()
                }
                Self::Writes => {
                    let stored = StoredWrite::read(row)?;
                    Key::new(&key).is_ok_and(|key| stored.intact(&key).is_some())
                }
            };
            let has_checksum = row.get_ref(4)? != rusqlite::types::ValueRef::Null;
            let state = match (is_intact, has_checksum) {
                (false, _) => State::Damaged,
                (true, true) => State::Intact,
                (true, false) => State::Unchecked,
            };
            let row = row.get(5)?;
            checked.push(CheckedRow { row, key, state });
        }
        Ok(checked)
    }
}
