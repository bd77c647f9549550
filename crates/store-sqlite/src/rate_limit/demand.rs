//! Demand in buckets of time, and the share of users that follows from it.

use rusqlite::{Connection, Transaction, named_params, params};
use store_core::local::Denials;
use store_core::{
    Acquire, Activity, AdaptiveConfig, Allocation, Demand, Priority, Resource, Timestamp, calculate,
};

use super::config::millis;
use super::known::Known;
use crate::error::Failure;

/// Buckets per monitoring window: a second each, of the default 15 minutes.
const BUCKETS: i64 = 900;

/// Requests of both classes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Requests {
    pub(super) user: u64,
    pub(super) background: u64,
}

impl Requests {
    /// Those that were refused from memory and are not in the file yet.
    pub(super) fn refused(resource: &Resource, denials: &Denials) -> Self {
        let uncounted = denials.take_uncounted(resource);
        Self {
            user: uncounted.user,
            background: uncounted.background,
        }
    }

    /// `request`, unless it was counted before.
    pub(super) fn of(request: &Acquire) -> Self {
        let mut requests = Self::default();
        match (request.demand, request.priority) {
            (Demand::Counted, _) => {}
            (Demand::New, Priority::User) => requests.user = 1,
            (Demand::New, Priority::Background) => requests.background = 1,
        }
        requests
    }

    pub(super) const fn is_empty(self) -> bool {
        self.user == 0 && self.background == 0
    }
}

/// An allocation, and when it is calculated anew.
#[derive(Clone, Debug)]
pub(super) struct Share {
    pub(super) allocation: Allocation,
    pub(super) until: Timestamp,
}

/// Counts requests on a resource whose limit is shared.
pub(super) fn count(
    tx: &Transaction<'_>,
    resource: &Resource,
    known: &mut Known,
    config: &AdaptiveConfig,
    requests: Requests,
    now: Timestamp,
) -> Result<(), Failure> {
    let Requests { user, background } = requests;
    if requests.is_empty() {
        return Ok(());
    }
    let width = (millis(config.monitoring_window) / BUCKETS).max(1);
    tx.prepare_cached(
        "INSERT INTO rate_activity (resource, bucket, user, background)
         VALUES (:resource, :bucket, :user, :background)
         ON CONFLICT (resource, bucket) DO UPDATE SET
           user = user + excluded.user, background = background + excluded.background",
    )?
    .execute(named_params! {
        ":resource": resource.as_str(),
        ":bucket": now.as_millis() - now.as_millis().rem_euclid(width),
        ":user": i64::try_from(user).unwrap_or(i64::MAX),
        ":background": i64::try_from(background).unwrap_or(i64::MAX),
    })?;
    if user > 0 {
        known.last_user_at = Some(now);
        tx.prepare_cached("UPDATE rate_resources SET last_user_at = ?2 WHERE resource = ?1")?
            .execute(params![resource.as_str(), now.as_millis()])?;
    }
    if background > 0 && !known.is_background_seen {
        known.is_background_seen = true;
        tx.prepare_cached("UPDATE rate_resources SET background_seen = 1 WHERE resource = ?1")?
            .execute([resource.as_str()])?;
    }
    Ok(())
}

/// The share in force: the stored one while it is fresh, else a new one.
pub(super) fn share(
    db: &Connection,
    resource: &Resource,
    known: &Known,
    limit: u32,
    config: &AdaptiveConfig,
    now: Timestamp,
) -> Result<Share, Failure> {
    if let Some(allocation) = &known.allocation
        && let until = known.calculated_at + config.recalculation_interval
        && known.calculated_at <= now
        && now < until
        // It was made for another limit.
        && allocation.user_reserved.checked_add(allocation.background_max) == Some(limit)
    {
        let allocation = allocation.clone();
        return Ok(Share { allocation, until });
    }
    let activity = activity(db, resource, known, config, now)?;
    Ok(Share {
        allocation: calculate(now, limit, &activity, config),
        until: now + config.recalculation_interval,
    })
}

impl Share {
    /// Whether this was calculated now and is not stored yet.
    pub(super) fn is_new(&self, known: &Known, config: &AdaptiveConfig) -> bool {
        known.allocation.as_ref() != Some(&self.allocation)
            || self.until != known.calculated_at + config.recalculation_interval
    }
}

/// What was asked of a resource lately.
pub(super) fn activity(
    db: &Connection,
    resource: &Resource,
    known: &Known,
    config: &AdaptiveConfig,
    now: Timestamp,
) -> Result<Activity, Failure> {
    let mut activity = Activity::default();
    let mut buckets = db.prepare_cached(
        "SELECT bucket, user FROM rate_activity WHERE resource = ?1 AND bucket > ?2",
    )?;
    let since = now - config.monitoring_window;
    let mut rows = buckets.query(params![resource.as_str(), since.as_millis()])?;
    while let Some(row) = rows.next()? {
        let at = Timestamp::from_millis(row.get(0)?).min(now);
        let users = row.get::<_, i64>(1)?.unsigned_abs();
        activity.add_users(now, config, at, users);
    }
    activity.last_user = known.last_user_at.map(|at| at.min(now));
    activity.background_seen = known.is_background_seen;
    Ok(activity)
}

/// Removes buckets that the monitoring window has passed.
pub(super) fn forget(
    tx: &Transaction<'_>,
    resource: &Resource,
    config: &AdaptiveConfig,
    now: Timestamp,
) -> Result<(), Failure> {
    tx.prepare_cached("DELETE FROM rate_activity WHERE resource = ?1 AND bucket <= ?2")?
        .execute(params![
            resource.as_str(),
            (now - config.monitoring_window).as_millis()
        ])?;
    Ok(())
}

/// Moves demand from the future to now: the clock was set back, and it must not count for longer
/// than a monitoring window.
pub(super) fn restamp(
    tx: &Transaction<'_>,
    resource: &Resource,
    known: &mut Known,
    now: Timestamp,
) -> Result<(), Failure> {
    // No bucket begins after the last user but those of the background, which nobody reads.
    if known.last_user_at.is_none_or(|at| at <= now) {
        return Ok(());
    }
    known.last_user_at = Some(now);
    let moment = params![resource.as_str(), now.as_millis()];
    tx.prepare_cached("UPDATE rate_resources SET last_user_at = ?2 WHERE resource = ?1")?
        .execute(moment)?;
    tx.prepare_cached(
        "INSERT INTO rate_activity (resource, bucket, user, background)
         SELECT resource, ?2, sum(user), sum(background) FROM rate_activity
         WHERE resource = ?1 AND bucket > ?2 GROUP BY resource
         ON CONFLICT (resource, bucket) DO UPDATE SET
           user = user + excluded.user, background = background + excluded.background",
    )?
    .execute(moment)?;
    tx.prepare_cached("DELETE FROM rate_activity WHERE resource = ?1 AND bucket > ?2")?
        .execute(moment)?;
    Ok(())
}
