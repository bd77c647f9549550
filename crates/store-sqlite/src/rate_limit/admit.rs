//! The decision of a request: all of its claims are checked, then all admissions are written, or none.

use rusqlite::Transaction;
use store_core::backend::window::{Denial, Rules};
use store_core::backend::{DefaultConfigs, Denials};
use store_core::{Acquire, Claim, Policy, Resource, ResourceConfig, Timestamp};

use super::activity::{self, CurrentAllocation};
use super::cooldown;
use super::log::{self, InsertedRows, NewAdmissions, NewestAdmission, ResourceLog};
use super::resource_state::{self, ResourceState};
use crate::error::TransactionError;

/// The outcome of a request.
pub(super) enum Outcome {
    Granted {
        rows: Vec<InsertedRows>,
        /// The resources whose cooldown is over and was not cleared.
        lapsed: Vec<(Resource, Timestamp)>,
    },
    Denied(Denial),
}

/// The transaction of one request.
#[derive(Clone, Copy)]
pub(super) struct RequestTransaction<'a> {
    pub(super) tx: &'a Transaction<'a>,
    pub(super) request: &'a Acquire,
    pub(super) defaults: &'a DefaultConfigs,
    pub(super) denials: &'a Denials,
    pub(super) now: Timestamp,
}

/// A claim with the state of its resource before the decision; the activity is recorded.
struct PreparedClaim {
    state: ResourceState,
    config: ResourceConfig,
    /// Of an adaptive limit, by the activity before the request.
    allocation: Option<CurrentAllocation>,
}

impl RequestTransaction<'_> {
    /// Admits the request if all of its claims can be admitted.
    pub(super) fn acquire(self, permit_id: i64) -> Result<Outcome, TransactionError> {
        let Self {
            tx, request, now, ..
        } = self;
        let mut denial = None;
        let mut lapsed = Vec::new();
        let mut newest = Vec::with_capacity(request.claims.len());
        for claim in &request.claims {
            let PreparedClaim {
                state,
                config,
                allocation,
            } = self.prepare(claim)?;
            newest.push(state.newest);
            let cooldown_until = cooldown::clamp_to_now(tx, &claim.resource, state.cooldown, now)?;
            if let Some(until) = cooldown_until.filter(|until| *until <= now) {
                lapsed.push((claim.resource.clone(), until));
            }
            let rules = Rules {
                resource: &claim.resource,
                config: &config,
                allocation: allocation
                    .as_ref()
                    .map(|current| (&current.allocation, current.valid_until)),
                cooldown_until,
            };
            let since = now - config.longest_span();
            let mut log = ResourceLog::new(tx, &claim.resource, state.newest, since, now);
            let own = rules.denial(&mut log, request.permits, request.priority, now)?;
            denial = Denial::later(denial, own);
        }
        if let Some(denial) = denial {
            return Ok(Outcome::Denied(denial));
        }
        let rows = self.insert(&newest, Some(permit_id))?;
        Ok(Outcome::Granted { rows, lapsed })
    }

    /// Records requests that were sent without a permit, whether they fit the limit or not.
    pub(super) fn record(self) -> Result<(), TransactionError> {
        let claims = self.request.claims.iter();
        let newest = claims
            .map(|claim| Ok(self.prepare(claim)?.state.newest))
            .collect::<Result<Vec<_>, TransactionError>>()?;
        self.insert(&newest, None)?;
        Ok(())
    }

    fn prepare(self, claim: &Claim) -> Result<PreparedClaim, TransactionError> {
        let mut state = ResourceState::load(self.tx, &claim.resource)?;
        log::clamp_to_now(self.tx, &claim.resource, &mut state.newest, self.now)?;
        let config = state.effective_config(claim, self.defaults)?.clone();
        state.save_claim(self.tx, claim, &config)?;
        let allocation = self.allocate_and_record(&claim.resource, &mut state, &config)?;
        Ok(PreparedClaim {
            state,
            config,
            allocation,
        })
    }

    /// The current allocation of an adaptive limit, by the activity before the request, which is then
    /// recorded.
    fn allocate_and_record(
        self,
        resource: &Resource,
        state: &mut ResourceState,
        config: &ResourceConfig,
    ) -> Result<Option<CurrentAllocation>, TransactionError> {
        let Self {
            tx, request, now, ..
        } = self;
        // Taken under any policy: kept until a policy that is set later, it would count as recent then.
        let unwritten = self.denials.take_activity(resource);
        let Policy::Adaptive(adaptive) = config.policy() else {
            return Ok(None);
        };
        activity::clamp_to_now(tx, resource, state, now)?;
        activity::record(tx, resource, state, adaptive, unwritten, now)?;
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

    fn insert(
        self,
        newest: &[Option<NewestAdmission>],
        permit_id: Option<i64>,
    ) -> Result<Vec<InsertedRows>, TransactionError> {
        let claims = self.request.claims.iter().zip(newest);
        claims
            .map(|(claim, newest)| {
                let admissions = NewAdmissions {
                    resource: &claim.resource,
                    newest: *newest,
                    count: self.request.permits.get(),
                    priority: self.request.priority,
                    at: self.now,
                    permit_id,
                };
                admissions.insert(self.tx)
            })
            .collect()
    }
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
