//! The log of admissions: one row each, in one tree that is ordered as windows are walked.
//!
//! What must stay true: numbers rise with the time within a resource. An admission gets the one
//! after the newest, and is written only when none lies in the future.

use rusqlite::{Connection, OptionalExtension, Transaction, named_params, params};
use store_core::local::Denials;
use store_core::rate_limit::window::AdmissionLog;
use store_core::{Priority, Resource, Result, Timestamp};

use crate::error::{Failure, store_error};

/// The newest admission of a resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newest {
    pub(super) at: Timestamp,
    pub(super) id: i64,
}

/// The admissions of one resource that a window may still hold.
pub(super) struct Log<'a> {
    db: &'a Connection,
    resource: &'a Resource,
    newest: Option<Newest>,
    since: Timestamp,
    now: Timestamp,
    /// How many there are at most, once it was looked up.
    at_most: Option<i64>,
}

impl<'a> Log<'a> {
    /// Those made after `since`, up to the `newest`. One from the future counts as made now.
    pub(super) fn new(
        db: &'a Connection,
        resource: &'a Resource,
        newest: Option<Newest>,
        since: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            db,
            resource,
            newest,
            since,
            now,
            at_most: None,
        }
    }

    /// How many were made after `since`: of one class, or of both.
    pub(super) fn count_after(
        &self,
        class: Option<Priority>,
        since: Timestamp,
    ) -> Result<u32, Failure> {
        let count = self
            .db
            .prepare_cached(
                "SELECT count(*) FROM rate_limits WHERE resource = ?1 AND timestamp > ?2
                   AND (?3 IS NULL OR is_user = ?3)",
            )?
            .query_row(
                params![
                    self.resource.as_str(),
                    since.as_millis(),
                    class.map(is_user)
                ],
                |row| row.get(0),
            )?;
        Ok(count)
    }

    /// How many the window holds at most: by the numbers of the newest and the oldest, between which
    /// some may have been given back.
    fn at_most(&mut self) -> rusqlite::Result<i64> {
        if let Some(at_most) = self.at_most {
            return Ok(at_most);
        }
        let at_most = match self.newest.filter(|newest| newest.at > self.since) {
            None => 0,
            Some(newest) => {
                let oldest: i64 = self
                    .db
                    .prepare_cached(
                        "SELECT id FROM rate_limits WHERE resource = ?1 AND timestamp > ?2
                         ORDER BY timestamp, id LIMIT 1",
                    )?
                    .query_row(
                        params![self.resource.as_str(), self.since.as_millis()],
                        |row| row.get(0),
                    )?;
                newest.id - oldest + 1
            }
        };
        self.at_most = Some(at_most);
        Ok(at_most)
    }

    fn look_up(&mut self, class: Option<Priority>, nth: u32) -> rusqlite::Result<Option<i64>> {
        // Most requests end here: there is room for sure, however long the window.
        if self.at_most()? < i64::from(nth) {
            return Ok(None);
        }
        let (resource, since) = (self.resource.as_str(), self.since.as_millis());
        let skipped = nth.saturating_sub(1);
        let found = match class {
            None => self
                .db
                .prepare_cached(
                    "SELECT timestamp FROM rate_limits WHERE resource = ?1 AND timestamp > ?2
                     ORDER BY timestamp DESC LIMIT 1 OFFSET ?3",
                )?
                .query_row(params![resource, since, skipped], |row| row.get(0)),
            Some(class) => self
                .db
                .prepare_cached(
                    "SELECT timestamp FROM rate_limits WHERE resource = ?1 AND timestamp > ?2
                       AND is_user = ?4
                     ORDER BY timestamp DESC LIMIT 1 OFFSET ?3",
                )?
                .query_row(params![resource, since, skipped, is_user(class)], |row| {
                    row.get(0)
                }),
        };
        found.optional()
    }
}

impl AdmissionLog for Log<'_> {
    fn nth_newest(&mut self, class: Option<Priority>, nth: u32) -> Result<Option<Timestamp>> {
        let at = self
            .look_up(class, nth)
            .map_err(|error| store_error(error.into(), "acquire"))?;
        Ok(at.map(|at| Timestamp::from_millis(at).min(self.now)))
    }
}

/// A class as its column has it.
fn is_user(class: Priority) -> bool {
    class == Priority::User
}

/// Admissions of one resource with consecutive numbers.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) resource: Resource,
    first: i64,
    count: u32,
}

/// Admissions to write: equal but for their numbers.
pub(super) struct Admissions<'a> {
    pub(super) resource: &'a Resource,
    pub(super) newest: Option<Newest>,
    pub(super) count: u32,
    pub(super) priority: Priority,
    pub(super) at: Timestamp,
    /// What tells the permit's rows from all others.
    pub(super) mark: Option<i64>,
}

impl Admissions<'_> {
    pub(super) fn write(&self, tx: &Transaction<'_>) -> Result<Rows, Failure> {
        let first = self.newest.map_or(1, |newest| newest.id + 1);
        let mut insert = tx.prepare_cached(
            "INSERT INTO rate_limits (resource, timestamp, id, is_user, permit)
             VALUES (:resource, :at, :id, :is_user, :mark)",
        )?;
        for offset in 0..self.count {
            insert.execute(named_params! {
                ":resource": self.resource.as_str(),
                ":at": self.at.as_millis(),
                ":id": first + i64::from(offset),
                ":is_user": is_user(self.priority),
                ":mark": self.mark,
            })?;
        }
        Ok(Rows {
            resource: self.resource.clone(),
            first,
            count: self.count,
        })
    }
}

/// Moves admissions from the future to now: the clock was set back, and they must not block for
/// longer than a window.
pub(super) fn restamp(
    tx: &Transaction<'_>,
    resource: &Resource,
    newest: &mut Option<Newest>,
    now: Timestamp,
) -> Result<(), Failure> {
    if let Some(newest) = newest.as_mut().filter(|newest| newest.at > now) {
        tx.prepare_cached(
            "UPDATE rate_limits SET timestamp = ?2 WHERE resource = ?1 AND timestamp > ?2",
        )?
        .execute(params![resource.as_str(), now.as_millis()])?;
        newest.at = now;
    }
    Ok(())
}

/// Forgets the admissions of a resource.
pub(super) fn reset(tx: &Transaction<'_>, resource: &Resource) -> Result<(), Failure> {
    tx.prepare_cached("DELETE FROM rate_limits WHERE resource = ?1")?
        .execute([resource.as_str()])?;
    Ok(())
}

/// Removes the rows of a permit; each frees room on its resource.
pub(super) fn give_back(
    tx: &Transaction<'_>,
    rows: &[Rows],
    admitted_at: Timestamp,
    mark: i64,
    denials: &Denials,
) -> Result<(), Failure> {
    let mut given_back = tx.prepare_cached(
        "DELETE FROM rate_limits WHERE resource = ?1 AND timestamp = ?2
           AND id >= ?3 AND id < ?4 AND permit = ?5",
    )?;
    for Rows {
        resource,
        first,
        count,
    } in rows
    {
        let end = first + i64::from(*count);
        let name = resource.as_str();
        let at = admitted_at.as_millis();
        let mut removed = given_back.execute(params![name, at, first, end, mark])?;
        if removed == 0 {
            // The clock was set back, and they were moved; or somebody else has removed them.
            removed = tx
                .prepare_cached("DELETE FROM rate_limits WHERE resource = ?1 AND permit = ?2")?
                .execute(params![name, mark])?;
        }
        if removed > 0 {
            denials.forget(resource);
        }
    }
    Ok(())
}

/// The key of a row.
pub(super) type Key = (String, i64, i64);

/// Rows that no window holds any more, the oldest of each resource first.
pub(super) fn outlived(db: &Connection, batch: u32, now: Timestamp) -> Result<Vec<Key>, Failure> {
    let mut rows = db.prepare_cached(
        "SELECT log.resource, log.timestamp, log.id
         FROM rate_resources AS known CROSS JOIN rate_limits AS log
           ON log.resource = known.resource AND log.timestamp <= ?1 - known.keep_ms
         LIMIT ?2",
    )?;
    let keys = rows.query_map(params![now.as_millis(), batch], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    Ok(keys.collect::<Result<_, _>>()?)
}

pub(super) fn remove_outlived(
    tx: &Transaction<'_>,
    rows: &[Key],
    now: Timestamp,
) -> Result<u64, Failure> {
    // A longer window may have been stated since the rows were found.
    let mut remove = tx.prepare_cached(
        "DELETE FROM rate_limits WHERE resource = ?1 AND timestamp = ?2 AND id = ?3
           AND timestamp <= ?4 - (SELECT keep_ms FROM rate_resources WHERE resource = ?1)",
    )?;
    let mut removed = 0;
    for (resource, at, id) in rows {
        removed += remove.execute(params![resource, at, id, now.as_millis()])? as u64;
    }
    Ok(removed)
}
