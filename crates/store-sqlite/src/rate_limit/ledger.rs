//! The log of admissions: one row each.

use rusqlite::{Connection, OptionalExtension, Transaction, named_params, params};
use store_core::local::Denials;
use store_core::rate_limit::window::AdmissionLog;
use store_core::{Priority, Resource, Result, Timestamp};

use crate::error::{Failure, store_error};

/// The admissions of one resource that a window may still hold.
pub(super) struct Log<'a> {
    db: &'a Connection,
    resource: &'a Resource,
    since: Timestamp,
    now: Timestamp,
}

impl<'a> Log<'a> {
    /// Those made after `since`. One from the future counts as made now.
    pub(super) fn new(
        db: &'a Connection,
        resource: &'a Resource,
        since: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            db,
            resource,
            since,
            now,
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
                   AND (?3 IS NULL OR priority = ?3)",
            )?
            .query_row(
                params![
                    self.resource.as_str(),
                    since.as_millis(),
                    class.map(Priority::as_str)
                ],
                |row| row.get(0),
            )?;
        Ok(count)
    }

    fn look_up(&self, class: Option<Priority>, nth: u32) -> rusqlite::Result<Option<i64>> {
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
                       AND priority = ?4
                     ORDER BY timestamp DESC LIMIT 1 OFFSET ?3",
                )?
                .query_row(params![resource, since, skipped, class.as_str()], |row| {
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

/// An admission to write.
pub(super) struct Admission<'a> {
    pub(super) resource: &'a Resource,
    pub(super) priority: Priority,
    pub(super) at: Timestamp,
    pub(super) keep_until: Timestamp,
    /// What tells the permit's rows from all others.
    pub(super) mark: Option<i64>,
}

impl Admission<'_> {
    /// Writes the admission and returns its row.
    pub(super) fn write(&self, tx: &Transaction<'_>) -> Result<i64, Failure> {
        let row = tx
            .prepare_cached(
                "INSERT INTO rate_limits (resource, timestamp, priority, keep_until, permit)
                 VALUES (:resource, :at, :priority, :keep_until, :mark)",
            )?
            .insert(named_params! {
                ":resource": self.resource.as_str(),
                ":at": self.at.as_millis(),
                ":priority": self.priority.as_str(),
                ":keep_until": self.keep_until.as_millis(),
                ":mark": self.mark,
            })?;
        Ok(row)
    }
}

/// Moves admissions from the future to now: the clock was set back, and they must not block for
/// longer than a window.
pub(super) fn restamp(
    tx: &Transaction<'_>,
    resource: &Resource,
    now: Timestamp,
) -> Result<(), Failure> {
    let moment = params![resource.as_str(), now.as_millis()];
    // There are none but after a jump, and looking costs less than an update of nothing.
    let is_ahead = tx
        .prepare_cached("SELECT 1 FROM rate_limits WHERE resource = ?1 AND timestamp > ?2")?
        .exists(moment)?;
    if is_ahead {
        tx.prepare_cached(
            "UPDATE rate_limits SET timestamp = ?2, keep_until = keep_until - timestamp + ?2
             WHERE resource = ?1 AND timestamp > ?2",
        )?
        .execute(moment)?;
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
    rows: &[i64],
    mark: i64,
    denials: &Denials,
) -> Result<(), Failure> {
    let mut given_back = tx.prepare_cached(
        "DELETE FROM rate_limits WHERE id = ?1 AND permit = ?2 RETURNING resource",
    )?;
    for row in rows {
        let resource: Option<String> = given_back
            .query_row([row, &mark], |row| row.get(0))
            .optional()?;
        if let Some(resource) = resource {
            denials.forget(&Resource::named(&resource)?);
        }
    }
    Ok(())
}

/// Rows that no window holds any more.
pub(super) fn outlived(db: &Connection, batch: u32, now: Timestamp) -> Result<Vec<i64>, Failure> {
    let mut rows = db
        .prepare_cached("SELECT id FROM rate_limits WHERE keep_until <= ?1 ORDER BY id LIMIT ?2")?;
    let ids = rows.query_map(params![now.as_millis(), batch], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

pub(super) fn remove_outlived(
    tx: &Transaction<'_>,
    rows: &[i64],
    now: Timestamp,
) -> Result<u64, Failure> {
    let mut remove =
        tx.prepare_cached("DELETE FROM rate_limits WHERE id = ?1 AND keep_until <= ?2")?;
    let mut removed = 0;
    for row in rows {
        removed += remove.execute([*row, now.as_millis()])? as u64;
    }
    Ok(removed)
}
