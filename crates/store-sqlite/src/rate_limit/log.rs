//! The admission log: one row per permit, in a table ordered by resource and time.
//!
//! Invariant: within a resource, row ids increase with time. A new row gets the id after the newest,
//! and is written only when no row is in the future.

use rusqlite::{Connection, OptionalExtension, Transaction, named_params, params};
use store_core::backend::Denials;
use store_core::backend::window::AdmissionLog;
use store_core::{Priority, Resource, Result, Timestamp};

use crate::error::{TransactionError, store_error};

/// The newest admission of a resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewestAdmission {
    pub(super) at: Timestamp,
    pub(super) id: i64,
}

/// The admissions of one resource that a window may still contain.
pub(super) struct ResourceLog<'a> {
    db: &'a Connection,
    resource: &'a Resource,
    newest: Option<NewestAdmission>,
    since: Timestamp,
    now: Timestamp,
    /// The cached [`max_count`](Self::max_count).
    max_count: Option<i64>,
}

impl<'a> ResourceLog<'a> {
    /// The admissions after `since`, up to `newest`. One in the future counts as now.
    pub(super) fn new(
        db: &'a Connection,
        resource: &'a Resource,
        newest: Option<NewestAdmission>,
        since: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            db,
            resource,
            newest,
            since,
            now,
            max_count: None,
        }
    }

    /// The number of admissions after `since`, of one priority or of both.
    pub(super) fn count_after(
        &self,
        class: Option<Priority>,
        since: Timestamp,
    ) -> Result<u32, TransactionError> {
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

    /// An upper bound of the number of admissions, from the ids of the newest and the oldest; some in
    /// between may have been given back.
    fn max_count(&mut self) -> rusqlite::Result<i64> {
        if let Some(max_count) = self.max_count {
            return Ok(max_count);
        }
        let max_count = match self.newest.filter(|newest| newest.at > self.since) {
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
        self.max_count = Some(max_count);
        Ok(max_count)
    }

    fn nth_newest_millis(
        &mut self,
        class: Option<Priority>,
        nth: u32,
    ) -> rusqlite::Result<Option<i64>> {
        // The usual case, which is independent of the window's length: the limit is far away.
        if self.max_count()? < i64::from(nth) {
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

impl AdmissionLog for ResourceLog<'_> {
    fn nth_newest(&mut self, class: Option<Priority>, nth: u32) -> Result<Option<Timestamp>> {
        let at = self
            .nth_newest_millis(class, nth)
            .map_err(|error| store_error(error.into(), "try_acquire"))?;
        Ok(at.map(|at| Timestamp::from_millis(at).min(self.now)))
    }
}

/// The stored form of a priority.
fn is_user(class: Priority) -> bool {
    class == Priority::User
}

/// Rows of one resource with consecutive ids.
#[derive(Clone, Debug)]
pub(super) struct InsertedRows {
    pub(super) resource: Resource,
    first: i64,
    count: u32,
}

/// Admissions to insert, equal except for their ids.
pub(super) struct NewAdmissions<'a> {
    pub(super) resource: &'a Resource,
    pub(super) newest: Option<NewestAdmission>,
    pub(super) count: u32,
    pub(super) priority: Priority,
    pub(super) at: Timestamp,
    /// The id of the permit, stored in each of its rows.
    pub(super) permit_id: Option<i64>,
}

impl NewAdmissions<'_> {
    pub(super) fn insert(&self, tx: &Transaction<'_>) -> Result<InsertedRows, TransactionError> {
        let first = self.newest.map_or(1, |newest| newest.id + 1);
        let mut insert = tx.prepare_cached(
            "INSERT INTO rate_limits (resource, timestamp, id, is_user, permit)
             VALUES (:resource, :at, :id, :is_user, :permit_id)",
        )?;
        for offset in 0..self.count {
            insert.execute(named_params! {
                ":resource": self.resource.as_str(),
                ":at": self.at.as_millis(),
                ":id": first + i64::from(offset),
                ":is_user": is_user(self.priority),
                ":permit_id": self.permit_id,
            })?;
        }
        Ok(InsertedRows {
            resource: self.resource.clone(),
            first,
            count: self.count,
        })
    }
}

/// Moves admissions from the future to now: the clock was set back, and they must not block for
/// longer than a window.
pub(super) fn clamp_to_now(
    tx: &Transaction<'_>,
    resource: &Resource,
    newest: &mut Option<NewestAdmission>,
    now: Timestamp,
) -> Result<(), TransactionError> {
    if let Some(newest) = newest.as_mut().filter(|newest| newest.at > now) {
        tx.prepare_cached(
            "UPDATE rate_limits SET timestamp = ?2 WHERE resource = ?1 AND timestamp > ?2",
        )?
        .execute(params![resource.as_str(), now.as_millis()])?;
        newest.at = now;
    }
    Ok(())
}

/// Removes the admissions of a resource.
pub(super) fn reset(tx: &Transaction<'_>, resource: &Resource) -> Result<(), TransactionError> {
    tx.prepare_cached("DELETE FROM rate_limits WHERE resource = ?1")?
        .execute([resource.as_str()])?;
    Ok(())
}

/// Removes the rows of a permit that is given back.
pub(super) fn remove_permit(
    tx: &Transaction<'_>,
    rows: &[InsertedRows],
    admitted_at: Timestamp,
    permit_id: i64,
    denials: &Denials,
) -> Result<(), TransactionError> {
    let mut remove = tx.prepare_cached(
        "DELETE FROM rate_limits WHERE resource = ?1 AND timestamp = ?2
           AND id >= ?3 AND id < ?4 AND permit = ?5",
    )?;
    for InsertedRows {
        resource,
        first,
        count,
    } in rows
    {
        let end = first + i64::from(*count);
        let name = resource.as_str();
        let at = admitted_at.as_millis();
        let mut removed = remove.execute(params![name, at, first, end, permit_id])?;
        if removed == 0 {
            // The clock was set back and the rows were moved, or they are removed already.
            removed = tx
                .prepare_cached("DELETE FROM rate_limits WHERE resource = ?1 AND permit = ?2")?
                .execute(params![name, permit_id])?;
        }
        if removed > 0 {
            denials.remove(resource);
        }
    }
    Ok(())
}
