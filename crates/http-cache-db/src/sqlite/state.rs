//! The numbers that the whole file shares.

use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, Transaction, params};

pub(super) fn get(db: &Connection, name: &str) -> Result<i64> {
    let mut statement = db.prepare_cached("SELECT value FROM state WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0))?)
}

pub(super) fn set(tx: &Transaction<'_>, name: &str, value: i64) -> Result<()> {
    let mut statement = tx.prepare_cached("UPDATE state SET value = ?2 WHERE name = ?1")?;
    statement.execute(params![name, value])?;
    Ok(())
}

/// Adds one, and yields the sum.
pub(super) fn increment(tx: &Transaction<'_>, name: &str) -> Result<i64> {
    let mut statement =
        tx.prepare_cached("UPDATE state SET value = value + 1 WHERE name = ?1 RETURNING value")?;
    Ok(statement.query_row([name], |row| row.get(0))?)
}

/// A number as SQLite has it; no length or count here reaches the greatest.
pub(super) fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
