//! Whether a database is whole.

use std::fmt;

use rusqlite::Connection;

use crate::error::{Error, ErrorKind, Result};

/// What a check of a database found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// Damage in SQLite's words, at most 100 of it. Empty in a file that is whole.
    pub damage: Vec<String>,
    /// Rows that refer to rows that do not exist. Empty where foreign keys were always enforced.
    pub broken_references: Vec<BrokenReference>,
}

impl CheckReport {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.damage.is_empty() && self.broken_references.is_empty()
    }
}

/// A row that refers to a row that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokenReference {
    /// The table that refers.
    pub table: String,
    /// The row's number; `None` in tables without row numbers.
    pub row: Option<i64>,
    /// The table that lacks the row.
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
    // Damage may end a check halfway; then that is what there is to report.
    if let Err(error) = integrity(db, &mut report.damage) {
        note(error, &mut report.damage)?;
    }
    match references(db) {
        Ok(broken) => report.broken_references = broken,
        Err(error) => note(error, &mut report.damage)?,
    }
    Ok(report)
}

fn note(error: Error, damage: &mut Vec<String>) -> Result<()> {
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

fn integrity(db: &Connection, damage: &mut Vec<String>) -> Result<()> {
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

fn references(db: &Connection) -> Result<Vec<BrokenReference>> {
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
