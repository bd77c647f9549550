//! The rate limiter: a [`Ledger`] per resource, decided and counted together under one lock.

mod activity;
mod ledger;
mod log;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use store_core::rate_limit::sums::SharedSums;
use store_core::rate_limit::window::{Denial, check_claims};
use store_core::{
    Acquire, Claim, Decision, Demand, Page, PageRequest, Permit, Priority, RateLimitStats,
    RateLimitStore, Resource, ResourceConfig, ResourceInfo, Result, Status, Timestamp,
};

use self::ledger::Ledger;
use crate::options::RateLimitOptions;
use crate::store::Shared;

/// A rate limiter for the tasks of one process. Clones share their counts.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use store_core::{Acquire, Decision, Limit, MINUTE, RateLimitStore, Resource};
/// use store_memory::MemoryRateLimitStore;
///
/// let limits = MemoryRateLimitStore::new(Limit::new(1, MINUTE));
/// let issues = Resource::named("issues")?;
/// let first = limits.acquire(Acquire::one(&issues)).await?;
/// let second = limits.acquire(Acquire::one(&issues).user()).await?;
/// assert!(matches!(first, Decision::Granted(_)));
/// assert!(matches!(second, Decision::Denied { .. }));
/// # Ok::<(), store_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryRateLimitStore {
    shared: Arc<Shared<Books>>,
    options: Arc<RateLimitOptions>,
}

/// The original packages' name of the limiter that shares a limit by activity; what makes one is
/// [`MemoryRateLimitStore::adaptive`], or any adaptive configuration.
pub type MemoryAdaptiveRateLimitStore = MemoryRateLimitStore;

/// The ledgers of all resources.
#[derive(Debug, Default)]
struct Books {
    ledgers: BTreeMap<Resource, Ledger>,
    /// Numbers the admissions, so that a refund finds its own.
    last_id: u64,
    /// How many ledgers there may be before idle ones are looked for.
    crowded_at: usize,
}

/// Fewer ledgers than this are not worth looking for idle ones.
const FEW_LEDGERS: usize = 1_024;

/// One resource's part in an admission.
#[derive(Debug)]
struct Entry {
    resource: Resource,
    first_id: u64,
}

impl MemoryRateLimitStore {
    /// A limiter under which `default` holds for resources that nothing was stated for.
    #[must_use]
    pub fn new(default: impl Into<ResourceConfig>) -> Self {
        Self::with_options(RateLimitOptions::default().with_default_config(default))
    }

    /// A limiter that shares 60 per minute between users and background by recent activity.
    #[must_use]
    pub fn adaptive() -> Self {
        Self::with_options(RateLimitOptions::adaptive())
    }

    /// A limiter that has counted nothing yet.
    #[must_use]
    pub fn with_options(options: RateLimitOptions) -> Self {
        let mut books = Books::default();
        for (resource, config) in &options.resource_configs {
            books.ledger(resource, &options).state(config.clone());
        }
        Self {
            shared: Arc::new(Shared::new(books)),
            options: Arc::new(options),
        }
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// What holds for the claimed resource.
    ///
    /// # Errors
    /// `InvalidInput` if it admits nothing.
    fn config(&self, books: &Books, claim: &Claim) -> Result<ResourceConfig> {
        let ledger = books.ledgers.get(&claim.resource);
        let stated = ledger.and_then(Ledger::stated);
        claim
            .config_or(stated, &self.options.default_config)
            .cloned()
    }

    /// The configuration of every claim, all checked before anything is counted.
    fn configs(&self, books: &Books, request: &Acquire) -> Result<Vec<ResourceConfig>> {
        check_claims(&request.claims)?;
        let claims = request.claims.iter();
        claims.map(|claim| self.config(books, claim)).collect()
    }

    fn permit(&self, entries: Vec<Entry>, request: &Acquire, now: Timestamp) -> Permit {
        let shared = Arc::clone(&self.shared);
        let (permits, priority) = (request.permits, request.priority);
        Permit::new(now, move || {
            shared.settle(|books| {
                for entry in &entries {
                    if let Some(ledger) = books.ledgers.get_mut(&entry.resource) {
                        ledger.refund(entry.first_id, permits, priority);
                    }
                }
            });
        })
    }
}

impl Books {
    fn ledger(&mut self, resource: &Resource, options: &RateLimitOptions) -> &mut Ledger {
        self.ledgers
            .entry(resource.clone())
            .or_insert_with(|| Ledger::new(&options.default_config))
    }

    /// Prepares the ledgers of a request: the clock is obeyed, the allocations are up to date.
    fn prepare(
        &mut self,
        request: &Acquire,
        configs: &[ResourceConfig],
        options: &RateLimitOptions,
        now: Timestamp,
    ) {
        if self.ledgers.len() >= self.crowded_at.max(FEW_LEDGERS) {
            self.ledgers.retain(|_, ledger| !ledger.is_idle(now));
            self.crowded_at = self.ledgers.len() * 2;
        }
        for (claim, config) in request.claims.iter().zip(configs) {
            let ledger = self.ledger(&claim.resource, options);
            ledger.prepare(claim, config, now);
        }
    }

    /// Why the request is refused; none if it is not.
    fn refusal(
        &mut self,
        request: &Acquire,
        configs: &[ResourceConfig],
        now: Timestamp,
    ) -> Result<Option<Denial>> {
        let mut refusal = None;
        for (claim, config) in request.claims.iter().zip(configs) {
            if let Some(ledger) = self.ledgers.get_mut(&claim.resource) {
                let (permits, priority) = (request.permits, request.priority);
                let own = ledger.refusal(&claim.resource, config, permits, priority, now)?;
                refusal = Denial::longer(refusal, own);
            }
        }
        Ok(refusal)
    }

    fn count_demand(&mut self, request: &Acquire, configs: &[ResourceConfig], now: Timestamp) {
        if request.demand == Demand::Counted {
            return;
        }
        for (claim, config) in request.claims.iter().zip(configs) {
            if let Some(ledger) = self.ledgers.get_mut(&claim.resource) {
                ledger.count_demand(config, request.priority, now);
            }
        }
    }

    fn admit(&mut self, request: &Acquire, now: Timestamp) -> Vec<Entry> {
        let first_id = self.last_id + 1;
        self.last_id += u64::from(request.permits.get());
        let claims = request.claims.iter();
        claims
            .map(|claim| {
                if let Some(ledger) = self.ledgers.get_mut(&claim.resource) {
                    ledger.admit(first_id, request.permits, request.priority, now);
                }
                Entry {
                    resource: claim.resource.clone(),
                    first_id,
                }
            })
            .collect()
    }
}

#[async_trait]
impl RateLimitStore for MemoryRateLimitStore {
    async fn acquire(&self, request: Acquire) -> Result<Decision> {
        let now = self.now();
        self.shared.run("acquire", |books| {
            let configs = self.configs(books, &request)?;
            books.prepare(&request, &configs, &self.options, now);
            let refusal = books.refusal(&request, &configs, now)?;
            books.count_demand(&request, &configs, now);
            if let Some(Denial { retry_at, reason }) = refusal {
                return Ok(Decision::Denied { retry_at, reason });
            }
            let entries = books.admit(&request, now);
            Ok(Decision::Granted(self.permit(entries, &request, now)))
        })
    }

    async fn record(&self, request: Acquire) -> Result<()> {
        let now = self.now();
        self.shared.run("record", |books| {
            let configs = self.configs(books, &request)?;
            books.prepare(&request, &configs, &self.options, now);
            books.count_demand(&request, &configs, now);
            books.admit(&request, now);
            Ok(())
        })
    }

    async fn status(&self, claim: &Claim, priority: Priority) -> Result<Status> {
        let now = self.now();
        self.shared.run("status", |books| {
            let config = self.config(books, claim)?;
            match books.ledgers.get_mut(&claim.resource) {
                Some(ledger) => ledger.status(&claim.resource, &config, priority, now),
                None => Ledger::new(&config).status(&claim.resource, &config, priority, now),
            }
        })
    }

    async fn reset(&self, resource: &Resource) -> Result<()> {
        self.shared.run("reset", |books| {
            if let Some(ledger) = books.ledgers.get_mut(resource) {
                ledger.reset();
            }
            Ok(())
        })
    }

    async fn clear(&self) -> Result<()> {
        self.shared.run("clear", |books| {
            books.ledgers.retain(|_, ledger| ledger.stated().is_some());
            for ledger in books.ledgers.values_mut() {
                ledger.clear(&self.options.default_config);
            }
            Ok(())
        })
    }

    async fn set_cooldown(&self, resource: &Resource, until: Timestamp) -> Result<Timestamp> {
        self.shared.run("set_cooldown", |books| {
            let ledger = books.ledger(resource, &self.options);
            Ok(ledger.set_cooldown(until))
        })
    }

    async fn cooldown(&self, resource: &Resource) -> Result<Option<Timestamp>> {
        let now = self.now();
        self.shared.run("cooldown", |books| {
            let ledger = books.ledgers.get(resource);
            Ok(ledger.and_then(|ledger| ledger.cooldown(now)))
        })
    }

    async fn clear_cooldown(&self, resource: &Resource, seen: Timestamp) -> Result<()> {
        self.shared.run("clear_cooldown", |books| {
            if let Some(ledger) = books.ledgers.get_mut(resource) {
                ledger.clear_cooldown(seen);
            }
            Ok(())
        })
    }

    async fn set_resource_config(&self, resource: &Resource, config: ResourceConfig) -> Result<()> {
        config.check()?;
        self.shared.run("set_resource_config", |books| {
            books.ledger(resource, &self.options).state(config);
            Ok(())
        })
    }

    async fn resource_config(&self, resource: &Resource) -> Result<Option<ResourceConfig>> {
        self.shared.run("resource_config", |books| {
            let ledger = books.ledgers.get(resource);
            Ok(ledger.and_then(Ledger::stated).cloned())
        })
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<ResourceInfo>> {
        let now = self.now();
        let after = page.after.as_deref();
        let from = after.and_then(|name| Resource::named(name).ok());
        let start = from.map_or(Bound::Unbounded, Bound::Excluded);
        self.shared.run("list", |books| {
            let ledgers = books.ledgers.range_mut((start, Bound::Unbounded));
            // One more than fits tells whether there is a next page.
            let items = ledgers
                .take(page.limit as usize + 1)
                .map(|(resource, ledger)| {
                    let status = ledger.own_status(resource, now)?;
                    Ok(ResourceInfo::new(resource.clone(), status))
                });
            let items = items.collect::<Result<_>>()?;
            Ok(Page::cut(items, page.limit, |info| {
                info.resource.as_str().to_owned()
            }))
        })
    }

    async fn stats(&self) -> Result<RateLimitStats> {
        let now = self.now();
        self.shared.run("stats", |books| books.stats(now))
    }

    async fn cleanup(&self) -> Result<u64> {
        let now = self.now();
        let most = self.options.cleanup_batch as usize;
        self.shared.run("cleanup", |books| {
            let mut freed = 0;
            for ledger in books.ledgers.values_mut() {
                freed += ledger.sweep(most - freed, now);
            }
            books.ledgers.retain(|_, ledger| !ledger.is_idle(now));
            Ok(freed as u64)
        })
    }

    async fn close(&self) -> Result<()> {
        self.shared.close();
        Ok(())
    }

    fn resolution(&self, _window: Duration) -> Duration {
        Duration::ZERO
    }
}

impl Books {
    fn stats(&mut self, now: Timestamp) -> Result<RateLimitStats> {
        let (mut requests, mut resources, mut limited) = (0, 0, Vec::new());
        let mut sums = SharedSums::default();
        for (resource, ledger) in &mut self.ledgers {
            let counted = ledger.counted(now);
            requests += counted;
            resources += u64::from(counted > 0);
            let status = ledger.own_status(resource, now)?;
            if status.available_at > now {
                limited.push(resource.clone());
            }
            if let Some(shared) = &status.adaptive {
                let activations = ledger.priority_mode_activations();
                sums.add(shared, ledger.background_used(now), activations);
            }
        }
        let adaptive = sums.metrics();
        Ok(RateLimitStats::new(requests, resources, limited, adaptive))
    }
}
