//! The decision: every claim is judged, then all are written, or none.

use rusqlite::Transaction;
use store_core::local::Denials;
use store_core::rate_limit::window::{Denial, Rules};
use store_core::{Acquire, Claim, Policy, ResourceConfig, Timestamp};

use super::demand::{self, Requests, Share};
use super::known::{self, Known};
use super::ledger::{self, Admissions, Log, Newest, Rows};
use crate::error::Failure;
use crate::options::RateLimitOptions;

/// What became of a request.
pub(super) enum Verdict {
    Admitted { rows: Vec<Rows> },
    Denied(Denial),
}

pub(super) fn acquire(
    tx: &Transaction<'_>,
    request: &Acquire,
    options: &RateLimitOptions,
    denials: &Denials,
    mark: i64,
    now: Timestamp,
) -> Result<Verdict, Failure> {
    let mut refusal = None;
    let mut newest = Vec::with_capacity(request.claims.len());
    for claim in &request.claims {
        let mut known = known::load(tx, &claim.resource)?;
        ledger::restamp(tx, &claim.resource, &mut known.newest, now)?;
        newest.push(known.newest);
        let config = known.config(claim, options)?.clone();
        known.note_use(tx, claim, &config)?;
        let share = share_and_count(tx, request, claim, &mut known, &config, denials, now)?;
        let rules = Rules {
            resource: &claim.resource,
            config: &config,
            allocation: share.as_ref().map(|share| (&share.allocation, share.until)),
            cooldown_until: known.cooldown_until,
        };
        let since = now - config.longest_window();
        let mut log = Log::new(tx, &claim.resource, known.newest, since, now);
        let refused = rules.refusal(&mut log, request.permits, request.priority, now)?;
        refusal = Denial::longer(refusal, refused);
    }
    if let Some(denial) = refusal {
        return Ok(Verdict::Denied(denial));
    }
    let rows = write(tx, request, &newest, Some(mark), now)?;
    Ok(Verdict::Admitted { rows })
}

/// Counts what was sent without asking, whether it fits or not.
pub(super) fn record(
    tx: &Transaction<'_>,
    request: &Acquire,
    options: &RateLimitOptions,
    denials: &Denials,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut newest = Vec::with_capacity(request.claims.len());
    for claim in &request.claims {
        let mut known = known::load(tx, &claim.resource)?;
        ledger::restamp(tx, &claim.resource, &mut known.newest, now)?;
        newest.push(known.newest);
        let config = known.config(claim, options)?.clone();
        known.note_use(tx, claim, &config)?;
        share_and_count(tx, request, claim, &mut known, &config, denials, now)?;
    }
    write(tx, request, &newest, None, now)?;
    Ok(())
}

/// Says how a shared limit is shared now, by the demand before the request, and counts the request's.
fn share_and_count(
    tx: &Transaction<'_>,
    request: &Acquire,
    claim: &Claim,
    known: &mut Known,
    config: &ResourceConfig,
    denials: &Denials,
    now: Timestamp,
) -> Result<Option<Share>, Failure> {
    let Policy::Adaptive(adaptive) = &config.policy else {
        return Ok(None);
    };
    let resource = &claim.resource;
    demand::restamp(tx, resource, known, now)?;
    let refused = Requests::refused(resource, denials);
    demand::count(tx, resource, known, adaptive, refused, now)?;
    let limit = config.shared_limit()?.count;
    let share = demand::share(tx, resource, known, limit, adaptive, now)?;
    if share.is_new(known, adaptive) {
        let before = known.allocation.as_ref();
        known::share(tx, resource, before, &share.allocation, now)?;
        demand::forget(tx, resource, adaptive, now)?;
    }
    demand::count(tx, resource, known, adaptive, Requests::of(request), now)?;
    Ok(Some(share))
}

/// Counts demand that was refused from memory.
pub(super) fn count_refused(
    tx: &Transaction<'_>,
    claim: &Claim,
    refused: Requests,
    options: &RateLimitOptions,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut known = known::load(tx, &claim.resource)?;
    let config = known.config(claim, options)?.clone();
    if let Policy::Adaptive(adaptive) = &config.policy {
        demand::count(tx, &claim.resource, &mut known, adaptive, refused, now)?;
    }
    Ok(())
}

fn write(
    tx: &Transaction<'_>,
    request: &Acquire,
    newest: &[Option<Newest>],
    mark: Option<i64>,
    now: Timestamp,
) -> Result<Vec<Rows>, Failure> {
    let mut rows = Vec::with_capacity(request.claims.len());
    for (claim, newest) in request.claims.iter().zip(newest) {
        let admissions = Admissions {
            resource: &claim.resource,
            newest: *newest,
            count: request.permits.get(),
            priority: request.priority,
            at: now,
            mark,
        };
        rows.push(admissions.write(tx)?);
    }
    Ok(rows)
}

/// Forgets admissions, demand and cooldowns; what was stated stays.
pub(super) fn clear(tx: &Transaction<'_>) -> Result<(), Failure> {
    tx.execute_batch(
        "DELETE FROM rate_limits;
         DELETE FROM rate_activity;
         DELETE FROM server_cooldowns;
         DELETE FROM rate_resources WHERE config IS NULL;
         UPDATE rate_resources SET claimed = NULL, allocation = NULL, last_user_at = NULL,
           background_seen = 0, priority_mode_activations = 0;",
    )?;
    Ok(())
}
