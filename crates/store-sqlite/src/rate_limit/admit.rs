//! The decision of a request: all of its claims are checked, then all admissions are written, or none.

use rusqlite::Transaction;
use store_core::backend::window::{Denial, Rules};
use store_core::backend::{Activity, Denials};
use store_core::{Acquire, Claim, Policy, ResourceConfig, Timestamp};

use super::activity::{self, CurrentAllocation};
use super::log::{self, InsertedRows, NewAdmissions, NewestAdmission, ResourceLog};
use super::resource_state::{self, ResourceState};
use crate::error::TransactionError;
use store_core::backend::DefaultConfigs;

/// The outcome of a request.
pub(super) enum Outcome {
    Granted { rows: Vec<InsertedRows> },
    Denied(Denial),
}

pub(super) fn acquire(
    tx: &Transaction<'_>,
    request: &Acquire,
    defaults: &DefaultConfigs,
    denials: &Denials,
    permit_id: i64,
    now: Timestamp,
) -> Result<Outcome, TransactionError> {
    let mut denial = None;
    let mut newest = Vec::with_capacity(request.claims.len());
    for claim in &request.claims {
        let mut state = ResourceState::load(tx, &claim.resource)?;
        log::clamp_to_now(tx, &claim.resource, &mut state.newest, now)?;
        newest.push(state.newest);
        let config = state.effective_config(claim, defaults)?.clone();
        state.save_claim(tx, claim, &config)?;
        let current = allocate_and_record(tx, request, claim, &mut state, &config, denials, now)?;
        let rules = Rules {
            resource: &claim.resource,
            config: &config,
            allocation: current
                .as_ref()
                .map(|current| (&current.allocation, current.valid_until)),
            cooldown_until: state.cooldown_until,
        };
        let since = now - config.longest_span();
        let mut log = ResourceLog::new(tx, &claim.resource, state.newest, since, now);
        let own = rules.denial(&mut log, request.permits, request.priority, now)?;
        denial = Denial::later(denial, own);
    }
    if let Some(denial) = denial {
        return Ok(Outcome::Denied(denial));
    }
    let rows = write(tx, request, &newest, Some(permit_id), now)?;
    Ok(Outcome::Granted { rows })
}

/// Records requests that were sent without a permit, whether they fit the limit or not.
pub(super) fn record(
    tx: &Transaction<'_>,
    request: &Acquire,
    defaults: &DefaultConfigs,
    denials: &Denials,
    now: Timestamp,
) -> Result<(), TransactionError> {
    let mut newest = Vec::with_capacity(request.claims.len());
    for claim in &request.claims {
        let mut state = ResourceState::load(tx, &claim.resource)?;
        log::clamp_to_now(tx, &claim.resource, &mut state.newest, now)?;
        newest.push(state.newest);
        let config = state.effective_config(claim, defaults)?.clone();
        state.save_claim(tx, claim, &config)?;
        allocate_and_record(tx, request, claim, &mut state, &config, denials, now)?;
    }
    write(tx, request, &newest, None, now)?;
    Ok(())
}

/// The current allocation of an adaptive limit, by the activity before the request, which is then
/// recorded.
fn allocate_and_record(
    tx: &Transaction<'_>,
    request: &Acquire,
    claim: &Claim,
    state: &mut ResourceState,
    config: &ResourceConfig,
    denials: &Denials,
    now: Timestamp,
) -> Result<Option<CurrentAllocation>, TransactionError> {
    let resource = &claim.resource;
    // Taken under any policy: kept until a policy that is set later, it would count as recent then.
    let denied = denials.take_activity(resource);
    let Policy::Adaptive(adaptive) = config.policy() else {
        return Ok(None);
    };
    activity::clamp_to_now(tx, resource, state, now)?;
    activity::record(tx, resource, state, adaptive, denied, now)?;
    let limit = config.shared_limit().count();
    let stored = CurrentAllocation::stored(state, limit, adaptive, now);
    let current = if let Some(stored) = stored {
        stored
    } else {
        let activity = activity::load(tx, resource, state, adaptive, now)?;
        let new = CurrentAllocation::calculated(limit, &activity, adaptive, now);
        let previous = state.allocation.as_ref();
        resource_state::store_allocation(tx, resource, previous, &new.allocation, now)?;
        activity::remove_expired(tx, resource, adaptive, now)?;
        new
    };
    activity::record(tx, resource, state, adaptive, activity::of(request), now)?;
    Ok(Some(current))
}

/// Records activity that was kept in memory.
pub(super) fn record_activity(
    tx: &Transaction<'_>,
    claim: &Claim,
    activity: Activity,
    defaults: &DefaultConfigs,
    now: Timestamp,
) -> Result<(), TransactionError> {
    let mut state = ResourceState::load(tx, &claim.resource)?;
    let config = state.effective_config(claim, defaults)?.clone();
    if let Policy::Adaptive(adaptive) = config.policy() {
        activity::record(tx, &claim.resource, &mut state, adaptive, activity, now)?;
    }
    Ok(())
}

fn write(
    tx: &Transaction<'_>,
    request: &Acquire,
    newest: &[Option<NewestAdmission>],
    permit_id: Option<i64>,
    now: Timestamp,
) -> Result<Vec<InsertedRows>, TransactionError> {
    let mut rows = Vec::with_capacity(request.claims.len());
    for (claim, newest) in request.claims.iter().zip(newest) {
        let admissions = NewAdmissions {
            resource: &claim.resource,
            newest: *newest,
            count: request.permits.get(),
            priority: request.priority,
            at: now,
            permit_id,
        };
        rows.push(admissions.insert(tx)?);
    }
    Ok(rows)
}

/// Removes admissions, activity and cooldowns; stored configurations stay.
pub(super) fn clear(tx: &Transaction<'_>) -> Result<(), TransactionError> {
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
