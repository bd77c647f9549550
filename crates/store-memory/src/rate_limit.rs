//! The rate limiter: a [`ResourceState`] per resource, decided and counted together under one lock.

mod activity;
mod admissions;
mod resource;
mod resources;

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use store_core::backend::window::{Denial, check_claims};
use store_core::backend::{AdaptiveSums, DefaultConfigs, new_permit, with_lapsed_cooldowns};
use store_core::{
    Acquire, Attempt, Claim, Decision, Limit, Page, PageRequest, Permit, Priority,
    RateLimitOptions, RateLimitStats, RateLimitStore, Resource, ResourceConfig, ResourceInfo,
    Result, Status, Timestamp,
};

use self::resource::ResourceState;
use self::resources::{Found, Resources, Slot};
use crate::moment::Moment;
use crate::options::CLEANUP_BATCH;
use crate::shared::Shared;

/// A rate limiter for the tasks of one process. Clones share their counts.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), store_core::Error> {
/// use store_memory::{Decision, Limit, MINUTE, MemoryRateLimitStore, RateLimitStoreExt, Resource};
///
/// let limiter = MemoryRateLimitStore::new(Limit::new(1, MINUTE)).limiter();
/// let issues = Resource::new("issues")?;
/// let first = limiter.try_acquire(&issues).await?;
/// let second = limiter.try_acquire(&issues).await?;
/// assert!(matches!(first, Decision::Granted(_)));
/// assert!(matches!(second, Decision::Denied { .. }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryRateLimitStore {
    shared: Arc<Shared<Resources>>,
    options: Arc<RateLimitOptions>,
    defaults: Arc<DefaultConfigs>,
}

/// The original packages' name of a limiter with an adaptive config, which
/// [`MemoryRateLimitStore::adaptive`] makes. It is the same type: `new` with a plain limit is not adaptive.
pub type MemoryAdaptiveRateLimitStore = MemoryRateLimitStore;

/// The resources of a request.
enum Slots {
    One(Slot),
    Several(Vec<Slot>),
}

impl Slots {
    fn as_slice(&self) -> &[Slot] {
        match self {
            Self::One(slot) => std::slice::from_ref(slot),
            Self::Several(slots) => slots,
        }
    }
}

impl MemoryRateLimitStore {
    /// A limiter with `default` as the config of resources that have no other.
    #[must_use]
    pub fn new(default: impl Into<ResourceConfig>) -> Self {
        Self::with_options(RateLimitOptions::default().with_default_config(default))
    }

    /// A limiter that shares 60 per minute between users and background by recent activity.
    #[must_use]
    pub fn adaptive() -> Self {
        Self::with_options(RateLimitOptions::adaptive(Limit::SIXTY_PER_MINUTE))
    }

    /// A limiter without admissions.
    #[must_use]
    pub fn with_options(options: RateLimitOptions) -> Self {
        Self {
            shared: Arc::new(Shared::new(Resources::default())),
            defaults: Arc::new(DefaultConfigs::new(&options, Limit::SIXTY_PER_MINUTE)),
            options: Arc::new(options),
        }
    }

    fn moment(&self) -> Moment {
        Moment::of(&*self.options.clock)
    }

    /// The resources of a valid request, prepared for a decision: they follow the clock, and have removed
    /// what no window holds.
    ///
    /// # Errors
    /// `InvalidInput` if a claim or its config is invalid; nothing has changed then.
    fn prepare(&self, resources: &mut Resources, request: &Acquire, at: Moment) -> Result<Slots> {
        check_claims(&request.claims)?;
        // First, because what was found must stay.
        resources.remove_some_idle(at);
        if let [claim] = &*request.claims {
            let found = self.find(resources, claim)?;
            return Ok(Slots::One(self.slot(resources, claim, found, at)));
        }
        let found = request
            .claims
            .iter()
            .map(|claim| self.find(resources, claim));
        let found = found.collect::<Result<Vec<_>>>()?;
        let claims = request.claims.iter().zip(found);
        let slots = claims.map(|(claim, found)| self.slot(resources, claim, found, at));
        Ok(Slots::Several(slots.collect()))
    }

    /// What there is of the resource of a claim.
    ///
    /// # Errors
    /// `InvalidInput` if the config of the claim is invalid.
    fn find(&self, resources: &Resources, claim: &Claim) -> Result<Found> {
        let found = resources.find(&claim.resource);
        let stored = resources.peek(found).and_then(ResourceState::config);
        self.effective(stored.map(|config| &**config), claim)
            .check()?;
        Ok(found)
    }

    /// The resource of a checked claim, prepared for a decision.
    fn slot(&self, resources: &mut Resources, claim: &Claim, found: Found, at: Moment) -> Slot {
        let slot = resources.slot_or_new(found, &claim.resource, &self.defaults, at);
        if let Some(state) = resources.at(slot) {
            let stored = state.config().cloned();
            let config = self.effective(stored.as_deref(), claim);
            state.prepare(claim, config, at);
        }
        slot
    }

    /// The effective config of a claim.
    fn effective<'a>(
        &'a self,
        stored: Option<&'a ResourceConfig>,
        claim: &'a Claim,
    ) -> &'a ResourceConfig {
        let config = stored.or(claim.config.as_ref());
        config.unwrap_or_else(|| self.defaults.get(&claim.resource))
    }

    /// Runs `step` on each resource of the request and its effective config.
    fn each(
        &self,
        resources: &mut Resources,
        request: &Acquire,
        slots: &Slots,
        mut step: impl FnMut(&mut ResourceState, &Resource, &ResourceConfig),
    ) {
        for (claim, slot) in request.claims.iter().zip(slots.as_slice()) {
            if let Some(state) = resources.at(*slot) {
                let stored = state.config().cloned();
                let config = self.effective(stored.as_deref(), claim);
                step(state, &claim.resource, config);
            }
        }
    }

    /// The denial of the request; `None` if it can be admitted.
    fn denial(
        &self,
        resources: &mut Resources,
        request: &Acquire,
        slots: &Slots,
        now: Timestamp,
    ) -> Result<Option<Denial>> {
        let mut denial = Ok(None);
        let (permits, priority) = (request.permits, request.priority);
        self.each(resources, request, slots, |state, resource, config| {
            if let Ok(known) = &mut denial {
                match state.denial(resource, config, permits, priority, now) {
                    Ok(own) => *known = Denial::later(known.take(), own),
                    Err(error) => denial = Err(error),
                }
            }
        });
        denial
    }

    fn count_activity(
        &self,
        resources: &mut Resources,
        request: &Acquire,
        slots: &Slots,
        now: Timestamp,
    ) {
        if request.attempt == Attempt::First {
            self.each(resources, request, slots, |state, _, config| {
                state.count_activity(config, request.priority, now);
            });
        }
    }

    /// Counts the request, and its activity. Returns the number of its first admission, and the cooldowns that are
    /// over and were not cleared.
    fn admit(
        &self,
        resources: &mut Resources,
        request: &Acquire,
        slots: &Slots,
        at: Moment,
    ) -> (u64, Vec<(Resource, Timestamp)>) {
        let first_id = resources.last_id + 1;
        resources.last_id += u64::from(request.permits.get());
        let mut lapsed = Vec::new();
        self.each(resources, request, slots, |state, resource, config| {
            if request.attempt == Attempt::First {
                state.count_activity(config, request.priority, at.now);
            }
            state.admit(first_id, request.permits, request.priority, at);
            if let Some(until) = state.lapsed_cooldown(at.now) {
                lapsed.push((resource.clone(), until));
            }
        });
        (first_id, lapsed)
    }

    /// The permit of a request that was admitted under these numbers.
    fn permit(&self, request: Acquire, first_id: u64, now: Timestamp) -> Permit {
        let shared = Arc::clone(&self.shared);
        new_permit(now, move || {
            shared.write_always(|resources| {
                for claim in &request.claims {
                    if let Some(state) = resources.get(&claim.resource) {
                        state.refund(first_id, request.permits, request.priority);
                    }
                }
            });
        })
    }
}

#[async_trait]
impl RateLimitStore for MemoryRateLimitStore {
    // Nothing is awaited between the admission and the answer, so no answer is lost on its way.
    async fn try_acquire(&self, request: Acquire) -> Result<Decision> {
        let at = self.moment();
        self.shared.write("try_acquire", |resources| {
            let slots = self.prepare(resources, &request, at)?;
            if let Some(denial) = self.denial(resources, &request, &slots, at.now)? {
                self.count_activity(resources, &request, &slots, at.now);
                return Ok(denial.into());
            }
            let (first_id, lapsed) = self.admit(resources, &request, &slots, at);
            let permit = self.permit(request, first_id, at.now);
            Ok(Decision::Granted(with_lapsed_cooldowns(permit, lapsed)))
        })
    }

    fn record_activity(&self, request: &Acquire) {
        let at = self.moment();
        self.shared.write_always(|resources| {
            // An invalid request has no activity; `try_acquire` refuses it.
            if let Ok(slots) = self.prepare(resources, request, at) {
                self.count_activity(resources, request, &slots, at.now);
            }
        });
    }

    async fn record(&self, request: Acquire) -> Result<()> {
        let at = self.moment();
        self.shared.write("record", |resources| {
            let slots = self.prepare(resources, &request, at)?;
            self.admit(resources, &request, &slots, at);
            Ok(())
        })
    }

    async fn status(&self, claim: &Claim, priority: Priority) -> Result<Status> {
        let at = self.moment();
        self.shared.write("status", |resources| {
            let state = resources.get(&claim.resource);
            let stored = state.as_ref().and_then(|state| state.config().cloned());
            let default = self.defaults.get(&claim.resource);
            let config = claim.config_or(stored.as_deref(), default)?;
            match state {
                Some(state) => state.status(&claim.resource, config, priority, at),
                None => ResourceState::new(config).status(&claim.resource, config, priority, at),
            }
        })
    }

    async fn reset(&self, resource: &Resource) -> Result<()> {
        self.shared.write("reset", |resources| {
            if let Some(state) = resources.get(resource) {
                state.reset();
            }
            Ok(())
        })
    }

    async fn clear(&self) -> Result<()> {
        self.shared.write("clear", |resources| {
            resources.remove_unconfigured();
            for (resource, state) in resources.all() {
                state.clear(self.defaults.get(resource));
            }
            Ok(())
        })
    }

    async fn set_cooldown(&self, resource: &Resource, until: Timestamp) -> Result<Timestamp> {
        let at = self.moment();
        self.shared.write("set_cooldown", |resources| {
            let found = resources.find(resource);
            let slot = resources.slot_or_new(found, resource, &self.defaults, at);
            let state = resources.at(slot);
            Ok(state.map_or(until, |state| state.set_cooldown(until, at)))
        })
    }

    async fn cooldown(&self, resource: &Resource) -> Result<Option<Timestamp>> {
        let at = self.moment();
        self.shared.write("cooldown", |resources| {
            let state = resources.get(resource);
            Ok(state.and_then(|state| state.cooldown(at)))
        })
    }

    async fn clear_cooldown(&self, resource: &Resource, seen: Timestamp) -> Result<()> {
        self.shared.write("clear_cooldown", |resources| {
            if let Some(state) = resources.get(resource) {
                state.clear_cooldown(seen);
            }
            Ok(())
        })
    }

    async fn move_cooldown(
        &self,
        resource: &Resource,
        seen: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        let at = self.moment();
        self.shared.write("move_cooldown", |resources| {
            let state = resources.get(resource);
            Ok(state.is_some_and(|state| state.move_cooldown(seen, until, at)))
        })
    }

    async fn set_resource_config(&self, resource: &Resource, config: ResourceConfig) -> Result<()> {
        config.check()?;
        let at = self.moment();
        self.shared.write("set_resource_config", |resources| {
            let found = resources.find(resource);
            let slot = resources.slot_or_new(found, resource, &self.defaults, at);
            if let Some(state) = resources.at(slot) {
                state.set_config(config);
            }
            Ok(())
        })
    }

    async fn resource_config(&self, resource: &Resource) -> Result<Option<ResourceConfig>> {
        self.shared.write("resource_config", |resources| {
            let state = resources.get(resource);
            let config = state.and_then(|state| state.config().cloned());
            Ok(config.map(Arc::unwrap_or_clone))
        })
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<ResourceInfo>> {
        let at = self.moment();
        let after = page.after.as_deref();
        let from = after.and_then(|name| Resource::new(name).ok());
        let start = from.map_or(Bound::Unbounded, Bound::Excluded);
        self.shared.write("list", |resources| {
            // One more than the page holds tells whether there is a next one.
            let slots = resources.page(start, page.limit as usize + 1).into_iter();
            let items = slots.filter_map(|slot| {
                let (resource, state) = resources.named(slot)?;
                let status = state.own_status(resource, self.defaults.get(resource), at);
                Some(status.map(|status| ResourceInfo::new(resource.clone(), status)))
            });
            let items = items.collect::<Result<_>>()?;
            Ok(Page::truncated(items, page.limit, |info| {
                info.resource.as_str().to_owned()
            }))
        })
    }

    async fn stats(&self) -> Result<RateLimitStats> {
        let at = self.moment();
        self.shared
            .write("stats", |resources| self.stats_of(resources, at))
    }

    async fn cleanup(&self) -> Result<u64> {
        let at = self.moment();
        let most = self.options.cleanup_batch.unwrap_or(CLEANUP_BATCH) as usize;
        self.shared.write("cleanup", |resources| {
            let mut removed = 0;
            for (_, state) in resources.all() {
                removed += state.cleanup(most - removed, at.now);
            }
            if removed < most {
                resources.remove_idle(usize::MAX, at);
            }
            Ok(removed as u64)
        })
    }

    async fn close(&self) -> Result<()> {
        self.shared.close();
        Ok(())
    }

    fn resolution(&self, _span: Duration) -> Duration {
        Duration::ZERO
    }
}

impl MemoryRateLimitStore {
    fn stats_of(&self, resources: &mut Resources, at: Moment) -> Result<RateLimitStats> {
        let (mut requests, mut used, mut limited) = (0, 0, Vec::new());
        let mut sums = AdaptiveSums::default();
        for (resource, state) in resources.all() {
            let default = self.defaults.get(resource);
            let counted = state.counted(default, at.now);
            requests += counted;
            used += u64::from(counted > 0);
            let status = state.own_status(resource, default, at)?;
            if status.available_at > at.now {
                limited.push(resource.clone());
            }
            if let Some(shared) = &status.adaptive {
                let activations = state.priority_mode_activations();
                sums.add(shared, state.background_used(default, at.now), activations);
            }
        }
        limited.sort_unstable();
        let adaptive = sums.metrics();
        Ok(RateLimitStats::new(requests, used, limited, adaptive))
    }
}
