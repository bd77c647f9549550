//! Rate limiting: one row per admission, decided and written in one transaction.

mod admit;
mod config;
mod cooldown;
mod demand;
mod known;
mod ledger;
mod reports;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Transaction;
use sqlite_database::SqliteDatabase;
use store_core::local::Denials;
use store_core::rate_limit::window::check_claims;
use store_core::{
    Acquire, Claim, Decision, Page, PageRequest, Permit, Priority, Random, RateLimitStats,
    RateLimitStore, Resource, ResourceConfig, ResourceInfo, Result, Status, Timestamp,
};

use self::admit::Verdict;
use self::demand::Requests;
use self::ledger::Rows;
use crate::error::Failure;
use crate::migrate;
use crate::options::RateLimitOptions;
use crate::store::Handle;
use crate::sweeper::{Sweep, Sweeper};

/// A rate limiter in a SQLite file, shared by every process that opens it.
///
/// Cloning is cheap; clones are the same store.
///
/// ```
/// use store_core::{Acquire, Decision, HOUR, Limit, RateLimitStore, Resource};
/// use store_sqlite::{SqliteDatabase, SqliteRateLimitStore};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let db = SqliteDatabase::in_memory().await?;
/// let limits = SqliteRateLimitStore::new(&db, Limit::new(1, HOUR));
/// let issues = Resource::named("issues")?;
/// match limits.acquire(Acquire::one(&issues).user()).await? {
///     Decision::Granted(permit) => permit.commit(),
///     Decision::Denied { reason, .. } => unreachable!("{reason}"),
/// }
/// let again = limits.acquire(Acquire::one(&issues).user()).await?;
/// assert!(matches!(again, Decision::Denied { .. }));
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct SqliteRateLimitStore {
    inner: Arc<Inner>,
}

/// The original packages' name of the limiter that shares a limit by activity; what makes one is
/// [`SqliteRateLimitStore::adaptive`], or any adaptive configuration.
pub type SqliteAdaptiveRateLimitStore = SqliteRateLimitStore;

#[derive(Debug)]
struct Inner {
    handle: Handle,
    options: RateLimitOptions,
    sweeper: Sweeper,
    denials: Arc<Denials>,
    marks: Marks,
}

/// What tells the rows of one permit from those of every other: a number drawn at random for the
/// store, and the next for each permit. Asking the system anew costs more than an admission's row.
#[derive(Debug)]
struct Marks(AtomicU64);

impl Marks {
    fn drawn_from(random: &dyn Random) -> Self {
        Self(AtomicU64::new(random.next_u64()))
    }

    fn next(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed).cast_signed()
    }
}

impl SqliteRateLimitStore {
    /// A limiter in `database` under which `default` holds for resources that nothing was stated
    /// for.
    #[must_use]
    pub fn new(database: &SqliteDatabase, default: impl Into<ResourceConfig>) -> Self {
        let options = RateLimitOptions::default().with_default_config(default);
        Self::with_options(database, options)
    }

    /// A limiter in `database` with the original packages' adaptive default: 200 per hour, shared
    /// between users and background by activity.
    #[must_use]
    pub fn adaptive(database: &SqliteDatabase) -> Self {
        Self::with_options(database, RateLimitOptions::adaptive())
    }

    /// A limiter in `database`.
    #[must_use]
    pub fn with_options(database: &SqliteDatabase, options: RateLimitOptions) -> Self {
        let handle = Handle::new(database, &migrate::RATE_LIMIT, Arc::clone(&options.clock));
        let marks = Marks::drawn_from(&*options.random);
        Self {
            inner: Arc::new(Inner {
                handle,
                marks,
                options,
                sweeper: Sweeper::default(),
                denials: Arc::default(),
            }),
        }
    }

    fn handle(&self) -> &Handle {
        let Inner {
            handle,
            options,
            sweeper,
            ..
        } = &*self.inner;
        sweeper.start(&self.inner, handle.clock(), options.cleanup_interval);
        handle
    }

    /// Brings demand that was refused from memory to the file, so that a status tells of it.
    async fn count_refused(&self, claim: &Claim) -> Result<()> {
        let refused = Requests::refused(&claim.resource, &self.inner.denials);
        if refused.is_empty() {
            return Ok(());
        }
        let (inner, claim) = (Arc::clone(&self.inner), claim.clone());
        self.handle()
            .write("status", move |tx| {
                let options = &inner.options;
                admit::count_refused(tx, &claim, refused, options, options.clock.now())
            })
            .await
    }

    /// Changes what is known of a resource; what was remembered of it may hold no longer.
    async fn change<T, F>(&self, operation: &'static str, resource: &Resource, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>, &Resource) -> Result<T, Failure> + Send + 'static,
    {
        let name = resource.clone();
        let changed = self.handle().write(operation, move |tx| f(tx, &name)).await;
        self.inner.denials.forget(resource);
        changed.map_err(|error| error.with_key(resource.as_str()))
    }
}

impl Inner {
    /// A permit over committed or yet uncommitted rows: dropped, it removes those that carry its
    /// mark and no others.
    fn permit(self: &Arc<Self>, admitted_at: Timestamp, rows: Vec<Rows>, mark: i64) -> Permit {
        let inner = Arc::clone(self);
        Permit::new(admitted_at, move || {
            let denials = Arc::clone(&inner.denials);
            inner.handle.database().write_detached(move |tx| {
                ledger::give_back(tx, &rows, admitted_at, mark, &denials)?;
                Ok(())
            });
        })
    }
}

#[async_trait]
impl RateLimitStore for SqliteRateLimitStore {
    async fn acquire(&self, request: Acquire) -> Result<Decision> {
        check_claims(&request.claims)?;
        let handle = self.handle();
        handle.ensure_open("acquire")?;
        if let Some(denial) = self.inner.denials.standing(&request, handle.now()) {
            return Ok(Decision::Denied {
                retry_at: denial.retry_at,
                reason: denial.reason,
            });
        }
        let inner = Arc::clone(&self.inner);
        handle
            .write("acquire", move |tx| {
                let Inner {
                    options, denials, ..
                } = &*inner;
                let (mark, now) = (inner.marks.next(), options.clock.now());
                match admit::acquire(tx, &request, options, denials, mark, now)? {
                    Verdict::Admitted { rows } => {
                        Ok(Decision::Granted(inner.permit(now, rows, mark)))
                    }
                    Verdict::Denied(denial) => {
                        denials.remember(&request, &denial, now);
                        Ok(Decision::Denied {
                            retry_at: denial.retry_at,
                            reason: denial.reason,
                        })
                    }
                }
            })
            .await
    }

    async fn record(&self, request: Acquire) -> Result<()> {
        check_claims(&request.claims)?;
        let inner = Arc::clone(&self.inner);
        self.handle()
            .write("record", move |tx| {
                let Inner {
                    options, denials, ..
                } = &*inner;
                admit::record(tx, &request, options, denials, options.clock.now())
            })
            .await
    }

    async fn status(&self, claim: &Claim, priority: Priority) -> Result<Status> {
        let (inner, claim) = (Arc::clone(&self.inner), claim.clone());
        self.count_refused(&claim).await?;
        self.handle()
            .read("status", move |db| {
                let options = &inner.options;
                reports::status(db, &claim, priority, options, options.clock.now())
            })
            .await
    }

    async fn reset(&self, resource: &Resource) -> Result<()> {
        self.change("reset", resource, ledger::reset).await
    }

    async fn clear(&self) -> Result<()> {
        self.handle().write("clear", admit::clear).await?;
        self.inner.denials.forget_all();
        Ok(())
    }

    async fn set_cooldown(&self, resource: &Resource, until: Timestamp) -> Result<Timestamp> {
        let extend =
            move |tx: &Transaction<'_>, resource: &Resource| cooldown::extend(tx, resource, until);
        self.change("set_cooldown", resource, extend).await
    }

    async fn cooldown(&self, resource: &Resource) -> Result<Option<Timestamp>> {
        let (resource, now) = (resource.clone(), self.handle().now());
        let stored = self
            .handle()
            .read("cooldown", move |db| cooldown::stored(db, &resource));
        Ok(stored.await?.filter(|until| *until > now))
    }

    async fn clear_cooldown(&self, resource: &Resource, seen: Timestamp) -> Result<()> {
        let end =
            move |tx: &Transaction<'_>, resource: &Resource| cooldown::end(tx, resource, seen);
        self.change("clear_cooldown", resource, end).await
    }

    async fn set_resource_config(&self, resource: &Resource, config: ResourceConfig) -> Result<()> {
        config.check()?;
        let state = move |tx: &Transaction<'_>, resource: &Resource| {
            known::state_config(tx, resource, &config)
        };
        self.change("set_resource_config", resource, state).await
    }

    async fn resource_config(&self, resource: &Resource) -> Result<Option<ResourceConfig>> {
        let resource = resource.clone();
        self.handle()
            .read("resource_config", move |db| {
                Ok(known::load(db, &resource)?.config)
            })
            .await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<ResourceInfo>> {
        let (inner, page) = (Arc::clone(&self.inner), page.clone());
        self.handle()
            .read("list", move |db| {
                let options = &inner.options;
                reports::list(db, &page, options, options.clock.now())
            })
            .await
    }

    async fn stats(&self) -> Result<RateLimitStats> {
        let inner = Arc::clone(&self.inner);
        self.handle()
            .read("stats", move |db| {
                let options = &inner.options;
                reports::stats(db, options, options.clock.now())
            })
            .await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.inner.sweep().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.sweeper.stop();
        self.inner.handle.close();
        Ok(())
    }

    fn resolution(&self, _window: Duration) -> Duration {
        Duration::ZERO
    }
}

impl Sweep for Inner {
    fn batch(&self) -> u32 {
        self.options.cleanup_batch
    }

    async fn sweep(&self) -> Result<u64> {
        let (now, batch) = (self.handle.now(), self.batch());
        // The look goes through all resources, so it happens without the lock.
        let rows = self
            .handle
            .read("cleanup", move |db| ledger::outlived(db, batch, now))
            .await?;
        if rows.is_empty() {
            return Ok(0);
        }
        self.handle
            .write("cleanup", move |tx| ledger::remove_outlived(tx, &rows, now))
            .await
    }
}
