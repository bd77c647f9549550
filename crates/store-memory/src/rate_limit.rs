//! The rate limiter: a [`ResourceState`] per resource, decided and counted together under one lock.

mod activity;
mod admissions;
mod resource;

use std::collections::BTreeMap;
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

/// The states of all resources.
#[derive(Debug, Default)]
struct Resources {
    states: BTreeMap<Resource, ResourceState>,
    /// The number of the last admission; a refund removes its own by number.
    last_id: u64,
    /// The number of resources from which on idle ones are removed.
    cleanup_at: usize,
}

/// Idle resources are not looked for below this number.
const MIN_CLEANUP_AT: usize = 1_024;

/// The admissions of one request on one resource.
#[derive(Debug)]
struct Admissions {
    resource: Resource,
    first_id: u64,
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

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// The effective config of the claimed resource.
    ///
    /// # Errors
    /// `InvalidInput` if it is invalid.
    fn config(&self, resources: &Resources, claim: &Claim) -> Result<ResourceConfig> {
        let state = resources.states.get(&claim.resource);
        let stored = state.and_then(ResourceState::config);
        let default = self.defaults.get(&claim.resource);
        claim.config_or(stored, default).cloned()
    }

    /// The config of every claim, all checked before anything is counted.
    fn configs(&self, resources: &Resources, request: &Acquire) -> Result<Vec<ResourceConfig>> {
        check_claims(&request.claims)?;
        let claims = request.claims.iter();
        claims.map(|claim| self.config(resources, claim)).collect()
    }

    fn permit(&self, admissions: Vec<Admissions>, request: &Acquire, now: Timestamp) -> Permit {
        let shared = Arc::clone(&self.shared);
        let (permits, priority) = (request.permits, request.priority);
        new_permit(now, move || {
            shared.write_always(|resources| {
                for admitted in &admissions {
                    if let Some(state) = resources.states.get_mut(&admitted.resource) {
                        state.refund(admitted.first_id, permits, priority);
                    }
                }
            });
        })
    }
}

impl Resources {
    fn state(&mut self, resource: &Resource, defaults: &DefaultConfigs) -> &mut ResourceState {
        self.states
            .entry(resource.clone())
            .or_insert_with(|| ResourceState::new(defaults.get(resource)))
    }

    /// Prepares the resources of a request for a decision at `now`.
    fn prepare(
        &mut self,
        request: &Acquire,
        configs: &[ResourceConfig],
        defaults: &DefaultConfigs,
        now: Timestamp,
    ) {
        if self.states.len() >= self.cleanup_at.max(MIN_CLEANUP_AT) {
            self.states.retain(|_, state| !state.is_idle(now));
            self.cleanup_at = self.states.len() * 2;
        }
        for (claim, config) in request.claims.iter().zip(configs) {
            let state = self.state(&claim.resource, defaults);
            state.prepare(claim, config, now);
        }
    }

    /// The denial of the request; `None` if it can be admitted.
    fn denial(
        &mut self,
        request: &Acquire,
        configs: &[ResourceConfig],
        now: Timestamp,
    ) -> Result<Option<Denial>> {
        let mut denial = None;
        for (claim, config) in request.claims.iter().zip(configs) {
            if let Some(state) = self.states.get_mut(&claim.resource) {
                let (permits, priority) = (request.permits, request.priority);
                let own = state.denial(&claim.resource, config, permits, priority, now)?;
                denial = Denial::later(denial, own);
            }
        }
        Ok(denial)
    }

    fn count_activity(&mut self, request: &Acquire, configs: &[ResourceConfig], now: Timestamp) {
        if request.attempt == Attempt::Repeat {
            return;
        }
        for (claim, config) in request.claims.iter().zip(configs) {
            if let Some(state) = self.states.get_mut(&claim.resource) {
                state.count_activity(config, request.priority, now);
            }
        }
    }

    /// The claimed resources whose cooldown is over and was not cleared.
    fn lapsed_cooldowns(&self, request: &Acquire, now: Timestamp) -> Vec<(Resource, Timestamp)> {
        let lapsed = request.claims.iter().filter_map(|claim| {
            let until = self.states.get(&claim.resource)?.lapsed_cooldown(now)?;
            Some((claim.resource.clone(), until))
        });
        lapsed.collect()
    }

    fn admit(&mut self, request: &Acquire, now: Timestamp) -> Vec<Admissions> {
        let first_id = self.last_id + 1;
        self.last_id += u64::from(request.permits.get());
        let claims = request.claims.iter();
        claims
            .map(|claim| {
                if let Some(state) = self.states.get_mut(&claim.resource) {
                    state.admit(first_id, request.permits, request.priority, now);
                }
                Admissions {
                    resource: claim.resource.clone(),
                    first_id,
                }
            })
            .collect()
    }
}

#[async_trait]
impl RateLimitStore for MemoryRateLimitStore {
    // Nothing is awaited between the admission and the answer, so no answer is lost on its way.
    async fn try_acquire(&self, request: Acquire) -> Result<Decision> {
        let now = self.now();
        self.shared.write("try_acquire", |resources| {
            let configs = self.configs(resources, &request)?;
            resources.prepare(&request, &configs, &self.defaults, now);
            let denial = resources.denial(&request, &configs, now)?;
            resources.count_activity(&request, &configs, now);
            if let Some(denial) = denial {
                return Ok(denial.into());
            }
            let admissions = resources.admit(&request, now);
            let permit = self.permit(admissions, &request, now);
            let lapsed = resources.lapsed_cooldowns(&request, now);
            Ok(Decision::Granted(with_lapsed_cooldowns(permit, lapsed)))
        })
    }

    fn record_activity(&self, request: &Acquire) {
        let now = self.now();
        self.shared.write_always(|resources| {
            // An invalid request has no activity; `try_acquire` refuses it.
            if let Ok(configs) = self.configs(resources, request) {
                resources.prepare(request, &configs, &self.defaults, now);
                resources.count_activity(request, &configs, now);
            }
        });
    }

    async fn record(&self, request: Acquire) -> Result<()> {
        let now = self.now();
        self.shared.write("record", |resources| {
            let configs = self.configs(resources, &request)?;
            resources.prepare(&request, &configs, &self.defaults, now);
            resources.count_activity(&request, &configs, now);
            resources.admit(&request, now);
            Ok(())
        })
    }

    async fn status(&self, claim: &Claim, priority: Priority) -> Result<Status> {
        let now = self.now();
        self.shared.write("status", |resources| {
            let config = self.config(resources, claim)?;
            match resources.states.get_mut(&claim.resource) {
                Some(state) => state.status(&claim.resource, &config, priority, now),
                None => ResourceState::new(&config).status(&claim.resource, &config, priority, now),
            }
        })
    }

    async fn reset(&self, resource: &Resource) -> Result<()> {
        self.shared.write("reset", |resources| {
            if let Some(state) = resources.states.get_mut(resource) {
                state.reset();
            }
            Ok(())
        })
    }

    async fn clear(&self) -> Result<()> {
        self.shared.write("clear", |resources| {
            resources.states.retain(|_, state| state.config().is_some());
            for (resource, state) in &mut resources.states {
                state.clear(self.defaults.get(resource));
            }
            Ok(())
        })
    }

    async fn set_cooldown(&self, resource: &Resource, until: Timestamp) -> Result<Timestamp> {
        self.shared.write("set_cooldown", |resources| {
            let state = resources.state(resource, &self.defaults);
            Ok(state.set_cooldown(until))
        })
    }

    async fn cooldown(&self, resource: &Resource) -> Result<Option<Timestamp>> {
        let now = self.now();
        self.shared.write("cooldown", |resources| {
            let state = resources.states.get(resource);
            Ok(state.and_then(|state| state.cooldown(now)))
        })
    }

    async fn clear_cooldown(&self, resource: &Resource, seen: Timestamp) -> Result<()> {
        self.shared.write("clear_cooldown", |resources| {
            if let Some(state) = resources.states.get_mut(resource) {
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
        self.shared.write("move_cooldown", |resources| {
            let state = resources.states.get_mut(resource);
            Ok(state.is_some_and(|state| state.move_cooldown(seen, until)))
        })
    }

    async fn set_resource_config(&self, resource: &Resource, config: ResourceConfig) -> Result<()> {
        config.check()?;
        self.shared.write("set_resource_config", |resources| {
            let state = resources.state(resource, &self.defaults);
            state.set_config(config);
            Ok(())
        })
    }

    async fn resource_config(&self, resource: &Resource) -> Result<Option<ResourceConfig>> {
        self.shared.write("resource_config", |resources| {
            let state = resources.states.get(resource);
            Ok(state.and_then(ResourceState::config).cloned())
        })
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<ResourceInfo>> {
        let now = self.now();
        let after = page.after.as_deref();
        let from = after.and_then(|name| Resource::new(name).ok());
        let start = from.map_or(Bound::Unbounded, Bound::Excluded);
        self.shared.write("list", |resources| {
            let from_start = resources.states.range_mut((start, Bound::Unbounded));
            // One more than the page holds tells whether there is a next one.
            let items = from_start
                .take(page.limit as usize + 1)
                .map(|(resource, state)| {
                    let status = state.own_status(resource, now)?;
                    Ok(ResourceInfo::new(resource.clone(), status))
                });
            let items = items.collect::<Result<_>>()?;
            Ok(Page::truncated(items, page.limit, |info| {
                info.resource.as_str().to_owned()
            }))
        })
    }

    async fn stats(&self) -> Result<RateLimitStats> {
        let now = self.now();
        self.shared.write("stats", |resources| resources.stats(now))
    }

    async fn cleanup(&self) -> Result<u64> {
        let now = self.now();
        let most = self.options.cleanup_batch.unwrap_or(CLEANUP_BATCH) as usize;
        self.shared.write("cleanup", |resources| {
            let mut removed = 0;
            for state in resources.states.values_mut() {
                removed += state.cleanup(most - removed, now);
            }
            resources.states.retain(|_, state| !state.is_idle(now));
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

impl Resources {
    fn stats(&mut self, now: Timestamp) -> Result<RateLimitStats> {
        let (mut requests, mut resources, mut limited) = (0, 0, Vec::new());
        let mut sums = AdaptiveSums::default();
        for (resource, state) in &mut self.states {
            let counted = state.counted(now);
            requests += counted;
            resources += u64::from(counted > 0);
            let status = state.own_status(resource, now)?;
            if status.available_at > now {
                limited.push(resource.clone());
            }
            if let Some(shared) = &status.adaptive {
                let activations = state.priority_mode_activations();
                sums.add(shared, state.background_used(now), activations);
            }
        }
        let adaptive = sums.metrics();
        Ok(RateLimitStats::new(requests, resources, limited, adaptive))
    }
}
