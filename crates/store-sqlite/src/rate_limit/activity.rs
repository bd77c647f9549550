//! Request counts in time buckets, and the allocation of an adaptive limit calculated from them.

use rusqlite::{Connection, Transaction, named_params, params};
use store_core::backend::Activity as NewActivity;
use store_core::{
    Acquire, Activity, AdaptiveConfig, Allocation, Attempt, Resource, Timestamp, calculate,
};

use super::config::millis;
use super::resource_state::ResourceState;
use crate::error::TransactionError;

/// The number of buckets per monitoring window: of one second each in the default 15 minutes.
const BUCKETS: i64 = 900;

/// The activity that `request` adds: none if an earlier attempt was counted.
pub(super) fn of(request: &Acquire) -> NewActivity {
    let mut activity = NewActivity::default();
    if request.attempt == Attempt::First {
        activity.add(request.priority);
    }
    activity
}

/// An allocation, and the time at which it is recalculated.
#[derive(Clone, Debug)]
pub(super) struct CurrentAllocation {
    pub(super) allocation: Allocation,
    pub(super) valid_until: Timestamp,
}

/// Adds requests to the activity of a resource with an adaptive limit.
pub(super) fn record(
    tx: &Transaction<'_>,
    resource: &Resource,
    state: &mut ResourceState,
    config: &AdaptiveConfig,
    requests: NewActivity,
    now: Timestamp,
) -> Result<(), TransactionError> {
    let NewActivity { user, background } = requests;
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
        state.last_user_at = Some(now);
        tx.prepare_cached("UPDATE rate_resources SET last_user_at = ?2 WHERE resource = ?1")?
            .execute(params![resource.as_str(), now.as_millis()])?;
    }
    if background > 0 && !state.is_background_seen {
        state.is_background_seen = true;
        tx.prepare_cached("UPDATE rate_resources SET background_seen = 1 WHERE resource = ?1")?
            .execute([resource.as_str()])?;
    }
    Ok(())
}

impl CurrentAllocation {
    /// The stored allocation, while it is valid.
    pub(super) fn stored(
        state: &ResourceState,
        limit: u32,
        config: &AdaptiveConfig,
        now: Timestamp,
    ) -> Option<Self> {
        let allocation = state.allocation.as_ref()?;
        let valid_until = state.calculated_at + config.recalculation_interval;
        let is_valid = state.calculated_at <= now
            && now < valid_until
            // Otherwise it was calculated for a different limit.
            && allocation.user_reserved.checked_add(allocation.background_max) == Some(limit);
        is_valid.then(|| Self {
            allocation: allocation.clone(),
            valid_until,
        })
    }

    /// A new allocation, which is not stored yet.
    pub(super) fn calculated(
        limit: u32,
        activity: &Activity,
        config: &AdaptiveConfig,
        now: Timestamp,
    ) -> Self {
        Self {
            allocation: calculate(now, limit, activity, config),
            valid_until: now + config.recalculation_interval,
        }
    }
}

/// The activity of a resource within the monitoring window.
pub(super) fn load(
    db: &Connection,
    resource: &Resource,
    state: &ResourceState,
    config: &AdaptiveConfig,
    now: Timestamp,
) -> Result<Activity, TransactionError> {
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
    activity.last_user = state.last_user_at.map(|at| at.min(now));
    activity.background_seen = state.is_background_seen;
    Ok(activity)
}

/// Adds requests that are not written yet to the activity of a resource, as [`record`] would.
pub(super) fn add_unwritten(
    activity: &mut Activity,
    config: &AdaptiveConfig,
    requests: NewActivity,
    now: Timestamp,
) {
    activity.add_users(now, config, now, requests.user);
    activity.background_seen |= requests.background > 0;
}

/// Removes buckets from before the monitoring window.
pub(super) fn remove_expired(
    tx: &Transaction<'_>,
    resource: &Resource,
    config: &AdaptiveConfig,
    now: Timestamp,
) -> Result<(), TransactionError> {
    tx.prepare_cached("DELETE FROM rate_activity WHERE resource = ?1 AND bucket <= ?2")?
        .execute(params![
            resource.as_str(),
            (now - config.monitoring_window).as_millis()
        ])?;
    Ok(())
}

/// Moves activity from the future to now: the clock was set back, and it must not count for longer
/// than a monitoring window.
pub(super) fn clamp_to_now(
    tx: &Transaction<'_>,
    resource: &Resource,
    state: &mut ResourceState,
    now: Timestamp,
) -> Result<(), TransactionError> {
    // Buckets after the last user request have only background counts, which are not read.
    if state.last_user_at.is_none_or(|at| at <= now) {
        return Ok(());
    }
    state.last_user_at = Some(now);
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
