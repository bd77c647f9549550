//! What can be read off the limiter.

use std::num::NonZeroU32;

use rusqlite::{Connection, params};
use store_core::rate_limit::sums::SharedSums;
use store_core::rate_limit::window::{AdmissionLog, Rules};
use store_core::{
    AdaptiveStatus, Claim, Page, PageRequest, Policy, Priority, RateLimitStats, Resource,
    ResourceConfig, ResourceInfo, Status, Timestamp,
};

use super::demand::{self, Share};
use super::known::{self, Known};
use super::ledger::Log;
use crate::error::Failure;
use crate::options::RateLimitOptions;

pub(super) fn status(
    db: &Connection,
    claim: &Claim,
    priority: Priority,
    options: &RateLimitOptions,
    now: Timestamp,
) -> Result<Status, Failure> {
    let snapshot = db.unchecked_transaction()?;
    status_in(&snapshot, claim, priority, options, now)
}

fn status_in(
    db: &Connection,
    claim: &Claim,
    priority: Priority,
    options: &RateLimitOptions,
    now: Timestamp,
) -> Result<Status, Failure> {
    let known = known::load(db, &claim.resource)?;
    let config = known.config(claim, options)?;
    let since = now - config.longest_window();
    let mut log = Log::new(db, &claim.resource, known.newest, since, now);
    let shared = config.shared_limit()?;
    let mut status = Status::unused(shared, now);

    status.used = log.count_after(None, now - shared.window)?;
    status.cooldown_until = known.cooldown_until.filter(|until| *until > now);
    let share = share(db, &claim.resource, &known, config, now)?;
    let rules = Rules {
        resource: &claim.resource,
        config,
        allocation: share
            .as_ref()
            .map(|(share, _)| (&share.allocation, share.until)),
        cooldown_until: known.cooldown_until,
    };
    status.remaining = rules.remaining(&mut log, priority, now)?;
    if let Some(denial) = rules.refusal(&mut log, NonZeroU32::MIN, priority, now)? {
        status.available_at = denial.retry_at;
    }
    if status.used > 0 {
        let newest = log.nth_newest(None, 1)?;
        status.full_reset_at = newest.map_or(now, |newest| newest + shared.window);
    }
    if status.used > 0 || status.remaining == 0 {
        status.reset_at = rules.remaining_rises_at(&mut log, status.remaining, priority, now)?;
    }
    status.adaptive = share.map(|(share, users)| AdaptiveStatus::new(share.allocation, users));
    Ok(status)
}

fn share(
    db: &Connection,
    resource: &Resource,
    known: &Known,
    config: &ResourceConfig,
    now: Timestamp,
) -> Result<Option<(Share, u64)>, Failure> {
    let Policy::Adaptive(adaptive) = &config.policy else {
        return Ok(None);
    };
    let limit = config.shared_limit()?.count;
    let share = demand::share(db, resource, known, limit, adaptive, now)?;
    let activity = demand::activity(db, resource, known, adaptive, now)?;
    Ok(Some((share, activity.users_in_window)))
}

pub(super) fn list(
    db: &Connection,
    page: &PageRequest,
    options: &RateLimitOptions,
    now: Timestamp,
) -> Result<Page<ResourceInfo>, Failure> {
    let snapshot = db.unchecked_transaction()?;
    list_in(&snapshot, page, options, now)
}

fn list_in(
    db: &Connection,
    page: &PageRequest,
    options: &RateLimitOptions,
    now: Timestamp,
) -> Result<Page<ResourceInfo>, Failure> {
    // A resource may cool down before anybody has asked for it.
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
        // Files of the original packages may hold names that are no resources.
        let Ok(resource) = Resource::named(row.get_ref(0)?.as_str().unwrap_or_default()) else {
            continue;
        };
        let claim = known::load(db, &resource)?.listed_claim(resource.clone())?;
        let status = status_in(db, &claim, Priority::Background, options, now)?;
        items.push(ResourceInfo::new(resource, status));
    }
    Ok(Page::cut(items, page.limit, |item| {
        item.resource.to_string()
    }))
}

pub(super) fn stats(
    db: &Connection,
    options: &RateLimitOptions,
    now: Timestamp,
) -> Result<RateLimitStats, Failure> {
    let mut stats = RateLimitStats::default();
    let mut shared = SharedSums::default();
    let snapshot = db.unchecked_transaction()?;
    let all = list_in(
        &snapshot,
        &PageRequest::default().with_limit(u32::MAX),
        options,
        now,
    )?;
    for ResourceInfo {
        resource, status, ..
    } in all.items
    {
        let known = known::load(db, &resource)?;
        let claim = known.listed_claim(resource.clone())?;
        let config = known.config(&claim, options)?;
        let since = now - config.longest_window();
        let log = Log::new(db, &resource, known.newest, since, now);
        let admissions = log.count_after(None, since)?;
        stats.total_requests += u64::from(admissions);
        stats.unique_resources += u64::from(admissions > 0);
        if let Some(adaptive) = &status.adaptive {
            let window = now - config.shared_limit()?.window;
            let background = log.count_after(Some(Priority::Background), window)?;
            shared.add(adaptive, background.into(), known.priority_mode_activations);
        }
        if status.available_at > now {
            stats.rate_limited_resources.push(resource);
        }
    }
    stats.adaptive = shared.metrics();
    Ok(stats)
}
