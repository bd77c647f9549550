//! Read-only queries: status, list and statistics.

use rusqlite::{Connection, params};
use store_core::backend::window::Rules;
use store_core::backend::{Activity, AdaptiveSums, DefaultConfigs};
use store_core::{
    Claim, Page, PageRequest, Policy, Priority, RateLimitStats, Resource, ResourceConfig,
    ResourceInfo, Status, Timestamp,
};

use super::activity::{self, CurrentAllocation};
use super::log::ResourceLog;
use super::resource_state::ResourceState;
use crate::error::TransactionError;

pub(super) fn status(
    db: &Connection,
    claim: &Claim,
    priority: Priority,
    defaults: &DefaultConfigs,
    unwritten: Activity,
    now: Timestamp,
) -> Result<Status, TransactionError> {
    let snapshot = db.unchecked_transaction()?;
    status_in(&snapshot, claim, priority, defaults, unwritten, now)
}

fn status_in(
    db: &Connection,
    claim: &Claim,
    priority: Priority,
    defaults: &DefaultConfigs,
    unwritten: Activity,
    now: Timestamp,
) -> Result<Status, TransactionError> {
    let state = ResourceState::load(db, &claim.resource)?;
    let config = state.effective_config(claim, defaults)?;
    let since = now - config.longest_span();
    let mut log = ResourceLog::new(db, &claim.resource, state.newest, since, now);
    let used = log.count_after(None, now - config.shared_limit().span())?;
    let current = current_allocation(db, &claim.resource, &state, config, unwritten, now)?;
    let rules = Rules {
        resource: &claim.resource,
        config,
        allocation: current
            .as_ref()
            .map(|(current, _)| (&current.allocation, current.valid_until)),
        cooldown_until: state.cooldown.map(|cooldown| cooldown.until(now)),
    };
    let users = current.as_ref().map(|(_, users)| *users);
    Ok(rules.status(&mut log, used, users, priority, now)?)
}

/// The current allocation of an adaptive limit, and the users' requests in the monitoring window.
fn current_allocation(
    db: &Connection,
    resource: &Resource,
    state: &ResourceState,
    config: &ResourceConfig,
    unwritten: Activity,
    now: Timestamp,
) -> Result<Option<(CurrentAllocation, u64)>, TransactionError> {
    let Policy::Adaptive(adaptive) = config.policy() else {
        return Ok(None);
    };
    let limit = config.shared_limit().count();
    let mut activity = activity::load(db, resource, state, adaptive, now)?;
    activity::add_unwritten(&mut activity, adaptive, unwritten, now);
    let current = CurrentAllocation::stored(state, limit, adaptive, now)
        .unwrap_or_else(|| CurrentAllocation::calculated(limit, &activity, adaptive, now));
    Ok(Some((current, activity.users_in_window)))
}

pub(super) fn list(
    db: &Connection,
    page: &PageRequest,
    defaults: &DefaultConfigs,
    now: Timestamp,
) -> Result<Page<ResourceInfo>, TransactionError> {
    let snapshot = db.unchecked_transaction()?;
    list_in(&snapshot, page, defaults, now)
}

fn list_in(
    db: &Connection,
    page: &PageRequest,
    defaults: &DefaultConfigs,
    now: Timestamp,
) -> Result<Page<ResourceInfo>, TransactionError> {
    // A resource may have a cooldown before its first request.
    let mut names = db.prepare_cached(
        "SELECT resource FROM rate_resources WHERE resource > ?1
         UNION
         SELECT origin FROM server_cooldowns WHERE origin > ?1 AND cooldown_until > ?2
         ORDER BY 1",
    )?;
    let after = page.after.as_deref().unwrap_or_default();
    let mut rows = names.query(params![after, now.as_millis()])?;
    let mut items = Vec::new();
    while items.len() <= page.limit as usize
        && let Some(row) = rows.next()?
    {
        // Files of the npm package may have rows that are no valid resource names.
        let Ok(resource) = Resource::new(row.get_ref(0)?.as_str().unwrap_or_default()) else {
            continue;
        };
        let claim = ResourceState::load(db, &resource)?.last_claim(resource.clone())?;
        let status = status_in(
            db,
            &claim,
            Priority::Background,
            defaults,
            Activity::default(),
            now,
        )?;
        items.push(ResourceInfo::new(resource, status));
    }
    Ok(Page::truncated(items, page.limit, |item| {
        item.resource.to_string()
    }))
}

pub(super) fn stats(
    db: &Connection,
    defaults: &DefaultConfigs,
    now: Timestamp,
) -> Result<RateLimitStats, TransactionError> {
    let mut totals = RateLimitStats::default();
    let mut sums = AdaptiveSums::default();
    let snapshot = db.unchecked_transaction()?;
    let all = list_in(
        &snapshot,
        &PageRequest::default().with_limit(u32::MAX),
        defaults,
        now,
    )?;
    for ResourceInfo {
        resource, status, ..
    } in all.items
    {
        let state = ResourceState::load(db, &resource)?;
        let claim = state.last_claim(resource.clone())?;
        let config = state.effective_config(&claim, defaults)?;
        let since = now - config.longest_span();
        let log = ResourceLog::new(db, &resource, state.newest, since, now);
        let admissions = log.count_after(None, since)?;
        totals.total_requests += u64::from(admissions);
        totals.unique_resources += u64::from(admissions > 0);
        if let Some(adaptive) = &status.adaptive {
            let since = now - config.shared_limit().span();
            let background = log.count_after(Some(Priority::Background), since)?;
            sums.add(adaptive, background.into(), state.priority_mode_activations);
        }
        if status.available_at > now {
            totals.rate_limited_resources.push(resource);
        }
    }
    totals.adaptive = sums.metrics();
    Ok(totals)
}
