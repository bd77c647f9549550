//! The integrity check.

use std::fmt;

use rusqlite::Connection;

use crate::error::{Error, ErrorKind, Result};

/// The result of a [`check`](crate::SqliteDatabase::check).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// Messages of `PRAGMA integrity_check`, at most 100. Empty if the file is undamaged.
    pub damage: Vec<String>,
    /// Foreign key violations. Empty if foreign keys were always enforced.
    pub broken_references: Vec<BrokenReference>,
}

impl CheckReport {
    /// Whether there is neither damage nor a broken reference.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.damage.is_empty() && self.broken_references.is_empty()
    }
}

/// A foreign key violation: a row that refers to a row that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenReference {
    /// The table of the referring row.
    pub table: String,
    /// The rowid of the referring row; `None` in `WITHOUT ROWID` tables.
    pub row: Option<i64>,
    /// The table that is referred to.
    pub parent: String,
}

impl fmt::Display for BrokenReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Some(row) => write!(f, "row {row} of {}", self.table)?,
            None => write!(f, "a row of {}", self.table)?,
        }
        write!(f, " refers to a row of {} that does not exist", self.parent)
    }
}

pub(super) fn run(db: &Connection) -> Result<CheckReport> {
    let mut report = CheckReport::default();
    // Damage may abort the check, which is then part of the report.
    if let Err(error) = integrity_check(db, &mut report.damage) {
        record_damage(error, &mut report.damage)?;
    }
    match foreign_key_check(db) {
        Ok(broken) => report.broken_references = broken,
        Err(error) => record_damage(error, &mut report.damage)?,
    }
    Ok(report)
}

fn record_damage(error: Error, damage: &mut Vec<String>) -> Result<()> {
    if error.kind() != ErrorKind::Corrupt {
        return Err(error);
    }
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    let text = cause.unwrap_or_else(|| error.detail().to_owned());
    if !damage.contains(&text) {
        damage.push(text);
    }
    Ok(())
}

fn integrity_check(db: &Connection, damage: &mut Vec<String>) -> Result<()> {
    let mut statement = db.prepare("PRAGMA integrity_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        if text != "ok" {
            damage.push(text);
        }
    }
    Ok(())
}

fn foreign_key_check(db: &Connection) -> Result<Vec<BrokenReference>> {
    let mut statement = db.prepare("PRAGMA foreign_key_check")?;
    let broken = statement.query_map([], |row| {
        Ok(BrokenReference {
            table: row.get(0)?,
            row: row.get(1)?,
            parent: row.get(2)?,
        })
    })?;
    Ok(broken.collect::<rusqlite::Result<_>>()?)
}
