//! What can be read off the limiter.

use std::num::NonZeroU32;

use rusqlite::{Connection, params};
use store_core::rate_limit::window::{AdmissionLog, Rules};
use store_core::{
    AdaptiveMetrics, AdaptiveStatus, Claim, Limit, Page, PageRequest, Policy, Priority,
    RateLimitStats, Resource, ResourceConfig, ResourceInfo, Status, Timestamp,
};

use super::demand::{self, Share};
use super::known::{self, Known};
use super::ledger::Log;
use crate::error::Failure;
use crate::options::RateLimitOptions;

/// How many more one bound allows, and when that number next rises.
#[derive(Clone, Copy)]
struct Room {
    used: u32,
    remaining: u32,
    rises_at: Timestamp,
}

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
    let mut log = Log::new(db, &claim.resource, now - config.longest_window(), now);
    let shared = config.shared_limit()?;
    let mut status = Status::unused(shared, now);

    let total = room(&mut log, None, shared, now)?;
    status.used = total.used;
    if let Some(newest) = log.nth_newest(None, 1)? {
        status.full_reset_at = (newest + shared.window).max(now);
    }
    let mut rooms = vec![total];
    for limit in &config.limits[1..] {
        rooms.push(room(&mut log, None, *limit, now)?);
    }
    let share = share(db, &claim.resource, &known, config, now)?;
    if let Some((share, recent_user_activity)) = &share {
        if priority == Priority::Background {
            rooms.push(background_room(&mut log, share, shared, now)?);
        }
        let allocation = share.allocation.clone();
        status.adaptive = Some(AdaptiveStatus::new(allocation, *recent_user_activity));
    }
    let rules = Rules {
        resource: &claim.resource,
        config,
        allocation: share
            .as_ref()
            .map(|(share, _)| (&share.allocation, share.until)),
        cooldown_until: known.cooldown_until,
    };
    if let Some(denial) = rules.refusal(&mut log, NonZeroU32::MIN, priority, now)? {
        status.available_at = denial.retry_at;
    }
    status.cooldown_until = known.cooldown_until.filter(|until| *until > now);
    status.remaining = rooms.iter().map(|room| room.remaining).min().unwrap_or(0);
    // All bounds that leave just this much must give way before there is more.
    status.reset_at = rooms
        .iter()
        .filter(|room| room.remaining == status.remaining)
        .map(|room| room.rises_at)
        .fold(now, Timestamp::max);
    Ok(status)
}

fn room(
    log: &mut Log<'_>,
    class: Option<Priority>,
    limit: Limit,
    now: Timestamp,
) -> Result<Room, Failure> {
    let used = log.count_after(class, now - limit.window)?;
    // Of an overfull window, more than the oldest must go before there is room.
    let next_to_go = match used.min(limit.count) {
        0 => None,
        nth => log.nth_newest(class, nth)?,
    };
    Ok(Room {
        used,
        remaining: limit.count.saturating_sub(used),
        rises_at: next_to_go.map_or(now, |at| at + limit.window),
    })
}

fn background_room(
    log: &mut Log<'_>,
    share: &Share,
    shared: Limit,
    now: Timestamp,
) -> Result<Room, Failure> {
    let most = Limit::new(share.allocation.background_max, shared.window);
    let room = room(log, Some(Priority::Background), most, now)?;
    if share.allocation.background_paused {
        return Ok(Room {
            remaining: 0,
            rises_at: share.until,
            ..room
        });
    }
    Ok(room)
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
    let mut names = db.prepare_cached(
        "SELECT resource FROM rate_resources WHERE resource > ?1 ORDER BY resource",
    )?;
    let mut rows = names.query(params![page.after.as_deref().unwrap_or_default()])?;
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
    let mut shared = Shared::default();
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
        let log = Log::new(db, &resource, since, now);
        let admissions = log.count_after(None, since)?;
        stats.total_requests += u64::from(admissions);
        stats.unique_resources += u64::from(admissions > 0);
        if let Some(adaptive) = &status.adaptive {
            let window = now - config.shared_limit()?.window;
            let background = log.count_after(Some(Priority::Background), window)?;
            shared.add(adaptive, background, known.priority_mode_activations);
        }
        if status.available_at > now {
            stats.rate_limited_resources.push(resource);
        }
    }
    stats.adaptive = shared.metrics();
    Ok(stats)
}

/// Sums over the resources whose limit is shared.
#[derive(Default)]
struct Shared {
    resources: u32,
    user_requests: u64,
    background_used: u64,
    background_granted: u64,
    activations: u64,
}

impl Shared {
    fn add(&mut self, status: &AdaptiveStatus, background: u32, activations: u64) {
        self.resources += 1;
        self.user_requests += status.recent_user_activity;
        self.background_used += u64::from(background);
        self.background_granted += u64::from(status.allocation.background_max);
        self.activations += activations;
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of requests are far below 2^53"
    )]
    fn metrics(&self) -> Option<AdaptiveMetrics> {
        if self.resources == 0 {
            return None;
        }
        let granted = self.background_granted.max(1) as f64;
        Some(AdaptiveMetrics::new(
            self.user_requests as f64 / f64::from(self.resources),
            (self.background_used as f64 / granted).min(1.0),
            self.activations,
        ))
    }
}
