//! The rate limit store: one row per admission, decided and written in one transaction.

mod activity;
mod admit;
mod config;
mod cooldown;
mod log;
mod read;
mod resource_state;
mod sweep;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Transaction;
use sqlite_database::SqliteDatabase;
use store_core::backend::window::check_claims;
use store_core::backend::{
    DefaultConfigs, Denials, Undelivered, new_permit, with_lapsed_cooldowns,
};
use store_core::{
    Acquire, Claim, Decision, Limit, Page, PageRequest, Permit, Priority, Random, RateLimitOptions,
    RateLimitStats, RateLimitStore, Resource, ResourceConfig, ResourceInfo, Result, Status,
    Timestamp,
};

use self::admit::{Outcome, RequestTransaction};
use self::log::InsertedRows;
use self::resource_state::ResourceState;
use crate::cleanup::{Cleanup, Step};
use crate::error::TransactionError;
use crate::handle::StoreHandle;
use crate::migrate;
use crate::options::DEFAULT_CLEANUP_BATCH;

/// A rate limiter in a SQLite file, shared by every process that opens it.
///
/// Cloning is cheap; clones are the same store.
///
/// ```
/// use store_sqlite::{
///     Decision, HOUR, Limit, RateLimitStoreExt, Resource, SqliteDatabase, SqliteRateLimitStore,
/// };
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = SqliteDatabase::in_memory().await?;
/// let limiter = SqliteRateLimitStore::new(&database, Limit::new(1, HOUR)).limiter();
/// let issues = Resource::new("issues")?;
/// let _permit = limiter.acquire(&issues).await?;
/// let second = limiter.try_acquire(&issues).await?;
/// assert!(matches!(second, Decision::Denied { .. }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteRateLimitStore {
    inner: Arc<Inner>,
}

/// The npm package's name for a limiter that divides a limit between users and background by
/// activity: create one with [`SqliteRateLimitStore::adaptive`], or use any adaptive configuration.
/// It is the same type: `new` with a plain limit is not adaptive.
pub type SqliteAdaptiveRateLimitStore = SqliteRateLimitStore;

#[derive(Debug)]
struct Inner {
    handle: StoreHandle,
    defaults: DefaultConfigs,
    cleanup_batch: u32,
    denials: Arc<Denials>,
    permit_ids: PermitIds,
}

/// The ids of permits: a random start for each store, then consecutive numbers. A random number for
/// each permit would cost more than its row.
#[derive(Debug)]
struct PermitIds(AtomicU64);

impl PermitIds {
    fn starting_at_random(random: &dyn Random) -> Self {
        Self(AtomicU64::new(random.next_u64()))
    }

    fn next(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed).cast_signed()
    }
}

impl SqliteRateLimitStore {
    /// A limiter over `database`; `default` limits each resource that has no configuration of its own.
    ///
    /// `default` is not stored: pass the same in every process, or store one with
    /// [`set_resource_config`](store_core::RateLimitStore::set_resource_config), which takes precedence.
    #[must_use]
    pub fn new(database: &SqliteDatabase, default: impl Into<ResourceConfig>) -> Self {
        let options = RateLimitOptions::default().with_default_config(default);
        Self::with_options(database, options)
    }

    /// A limiter over `database` with the npm package's adaptive default: 200 per hour, divided
    /// between users and background by activity.
    #[must_use]
    pub fn adaptive(database: &SqliteDatabase) -> Self {
        let options = RateLimitOptions::adaptive(Limit::TWO_HUNDRED_PER_HOUR);
        Self::with_options(database, options)
    }

    /// A limiter over `database`, with options.
    #[must_use]
    pub fn with_options(database: &SqliteDatabase, options: RateLimitOptions) -> Self {
        let permit_ids = PermitIds::starting_at_random(&*options.random);
        let defaults = DefaultConfigs::new(&options, Limit::SIXTY_PER_MINUTE);
        Self {
            inner: Arc::new(Inner {
                handle: StoreHandle::new(
                    database,
                    &migrate::RATE_LIMIT,
                    options.clock,
                    options.cleanup_interval,
                ),
                permit_ids,
                defaults,
                cleanup_batch: options
                    .cleanup_batch
                    .unwrap_or(DEFAULT_CLEANUP_BATCH)
                    .max(1),
                denials: Arc::default(),
            }),
        }
    }

    fn handle(&self) -> &StoreHandle {
        self.inner.handle.start_cleanup(&self.inner);
        &self.inner.handle
    }

    /// Updates the state of a resource and drops its cached denials.
    async fn update<T, F>(&self, operation: &'static str, resource: &Resource, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>, &Resource, Timestamp) -> Result<T, TransactionError>
            + Send
            + 'static,
    {
        let (denials, name) = (Arc::clone(&self.inner.denials), resource.clone());
        let updated = self.handle().write(operation, move |tx, now| {
            let updated = f(tx, &name, now)?;
            // Another task may commit this; by then the caller may be gone.
            denials.remove(&name);
            Ok(updated)
        });
        updated
            .await
            .map_err(|error| error.with_key(resource.as_str()))
    }
}

impl Inner {
    fn transaction<'a>(
        &'a self,
        tx: &'a Transaction<'_>,
        request: &'a Acquire,
        now: Timestamp,
    ) -> RequestTransaction<'a> {
        RequestTransaction {
            tx,
            request,
            defaults: &self.defaults,
            denials: &self.denials,
            now,
        }
    }

    /// A permit over rows that are committed or about to be; giving it back removes the rows with its
    /// id.
    fn permit(
        self: &Arc<Self>,
        admitted_at: Timestamp,
        rows: Vec<InsertedRows>,
        permit_id: i64,
    ) -> Permit {
        let inner = Arc::clone(self);
        new_permit(admitted_at, move || {
            let denials = Arc::clone(&inner.denials);
            inner.handle.database().write_detached(move |tx| {
                log::remove_permit(tx, &rows, admitted_at, permit_id, &denials)?;
                Ok(())
            });
        })
    }
}

#[async_trait]
impl RateLimitStore for SqliteRateLimitStore {
    async fn try_acquire(&self, request: Acquire) -> Result<Decision> {
        check_claims(&request.claims)?;
        let handle = self.handle();
        handle.ensure_open("try_acquire")?;
        if let Some(denial) = self.inner.denials.denial_of(&request, handle.now()) {
            return Ok(denial.into());
        }
        let inner = Arc::clone(&self.inner);
        let decision = handle
            .write("try_acquire", move |tx, now| {
                let permit_id = inner.permit_ids.next();
                let transaction = inner.transaction(tx, &request, now);
                let decision = match transaction.acquire(permit_id)? {
                    Outcome::Granted { rows, lapsed } => {
                        let permit = inner.permit(now, rows, permit_id);
                        Decision::Granted(with_lapsed_cooldowns(permit, lapsed))
                    }
                    Outcome::Denied(denial) => {
                        inner.denials.insert(&request, &denial, now);
                        denial.into()
                    }
                };
                // Another task may commit this; by then the caller may be gone.
                Ok(Undelivered::new(decision))
            })
            .await?;
        Ok(decision.deliver())
    }

    fn record_activity(&self, request: &Acquire) {
        self.inner.denials.record_activity(request);
    }

    async fn record(&self, request: Acquire) -> Result<()> {
        check_claims(&request.claims)?;
        let inner = Arc::clone(&self.inner);
        self.handle()
            .write("record", move |tx, now| {
                inner.transaction(tx, &request, now).record()
            })
            .await
    }

    async fn status(&self, claim: &Claim, priority: Priority) -> Result<Status> {
        let (inner, claim) = (Arc::clone(&self.inner), claim.clone());
        self.handle()
            .read("status", move |db, now| {
                let unwritten = inner.denials.activity(&claim.resource);
                read::status(db, &claim, priority, &inner.defaults, unwritten, now)
            })
            .await
    }

    async fn reset(&self, resource: &Resource) -> Result<()> {
        let reset = |tx: &Transaction<'_>, resource: &Resource, _now| log::reset(tx, resource);
        self.update("reset", resource, reset).await
    }

    async fn clear(&self) -> Result<()> {
        let inner = Arc::clone(&self.inner);
        self.handle()
            .write("clear", move |tx, _now| {
                admit::clear(tx)?;
                inner.denials.clear();
                Ok(())
            })
            .await
    }

    async fn set_cooldown(&self, resource: &Resource, until: Timestamp) -> Result<Timestamp> {
        let extend = move |tx: &Transaction<'_>, resource: &Resource, now| {
            cooldown::extend(tx, resource, until, now)
        };
        self.update("set_cooldown", resource, extend).await
    }

    async fn cooldown(&self, resource: &Resource) -> Result<Option<Timestamp>> {
        let name = resource.clone();
        let (stored, now) = self
            .handle()
            .read("cooldown", move |db, now| {
                Ok((cooldown::stored(db, &name)?, now))
            })
            .await?;
        let until = match stored {
            // Its end would move on with the clock until it is written down.
            Some(cooldown) if cooldown.is_of_the_future(now) => {
                let clamp = |tx: &Transaction<'_>, resource: &Resource, now| {
                    cooldown::clamp_to_now(tx, resource, cooldown::stored(tx, resource)?, now)
                };
                self.update("cooldown", resource, clamp).await?
            }
            stored => stored.map(|cooldown| cooldown.until(now)),
        };
        Ok(until.filter(|until| *until > now))
    }

    async fn clear_cooldown(&self, resource: &Resource, seen: Timestamp) -> Result<()> {
        let remove = move |tx: &Transaction<'_>, resource: &Resource, _now| {
            cooldown::remove(tx, resource, seen)
        };
        self.update("clear_cooldown", resource, remove).await
    }

    async fn move_cooldown(
        &self,
        resource: &Resource,
        seen: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        let move_end = move |tx: &Transaction<'_>, resource: &Resource, now| {
            cooldown::move_end(tx, resource, seen, until, now)
        };
        self.update("move_cooldown", resource, move_end).await
    }

    async fn set_resource_config(&self, resource: &Resource, config: ResourceConfig) -> Result<()> {
        config.check()?;
        let set = move |tx: &Transaction<'_>, resource: &Resource, _now| {
            resource_state::set_config(tx, resource, &config)
        };
        self.update("set_resource_config", resource, set).await
    }

    async fn resource_config(&self, resource: &Resource) -> Result<Option<ResourceConfig>> {
        let resource = resource.clone();
        self.handle()
            .read("resource_config", move |db, _now| {
                Ok(ResourceState::load(db, &resource)?.config)
            })
            .await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<ResourceInfo>> {
        let (inner, page) = (Arc::clone(&self.inner), page.clone());
        self.handle()
            .read("list", move |db, now| {
                read::list(db, &page, &inner.defaults, now)
            })
            .await
    }

    async fn stats(&self) -> Result<RateLimitStats> {
        let inner = Arc::clone(&self.inner);
        self.handle()
            .read("stats", move |db, now| {
                read::stats(db, &inner.defaults, now)
            })
            .await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.inner.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.handle.close();
        Ok(())
    }

    fn resolution(&self, _span: Duration) -> Duration {
        Duration::ZERO
    }
}

impl Cleanup for Inner {
    async fn sweep(&self) -> Result<Step> {
        let batch = self.cleanup_batch;
        // Finding expired rows visits all resources, so it runs without the write lock.
        let rows = self
            .handle
            .long_read("cleanup", move |db, now| {
                sweep::find_expired(db, batch, now)
            })
            .await?;
        if rows.is_empty() {
            return self.sweep_idle().await;
        }
        let removed = self
            .handle
            .write_step(move |tx, now, time| sweep::remove_expired(tx, &rows, now, time))
            .await?;
        Ok(Step {
            removed,
            has_more: true,
        })
    }
}

impl Inner {
    /// Removes resources that nothing needs any more, which do not count as admissions.
    async fn sweep_idle(&self) -> Result<Step> {
        let batch = self.cleanup_batch;
        let names = self
            .handle
            .long_read("cleanup", move |db, now| sweep::find_idle(db, batch, now))
            .await?;
        let found = names.len();
        let mut has_more = found >= batch as usize;
        if found > 0 {
            let done = self
                .handle
                .write_step(move |tx, now, time| sweep::remove_idle(tx, &names, now, time))
                .await?;
            has_more |= done < found;
        }
        Ok(Step {
            removed: 0,
            has_more,
        })
    }
}
