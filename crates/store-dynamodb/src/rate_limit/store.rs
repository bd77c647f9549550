//! The contract's methods: each is a command on one resource, or a walk over the list of resources.

mod acquire;
mod batches;
mod reports;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use store_core::backend::Undelivered;
use store_core::backend::window::check_claims;
use store_core::{
    Acquire, Attempt, Claim, Decision, Error, ErrorKind, Page, PageRequest, Priority,
    RateLimitStats, RateLimitStore, Resource, ResourceConfig, ResourceInfo, Result, Status,
    Timestamp,
};

use self::acquire::Purpose;
use super::DynamoDbRateLimitStore;
use super::commit::{Inner, View};
use super::record::State;
use super::transition::{
    Forget, Transition, configure, extend_cooldown, forget, move_cooldown, sweep,
};
use crate::error::BACKEND;
use crate::options::CLEANUP_BATCH;
use crate::table::Requests;

#[async_trait]
impl RateLimitStore for DynamoDbRateLimitStore {
    async fn try_acquire(&self, request: Acquire) -> Result<Decision> {
        const OPERATION: &str = "try_acquire";
        check_claims(&request.claims)?;
        self.inner.handle.requests(OPERATION)?;
        if let Some(denial) = self.inner.denials.denial_of(&request, self.inner.now()) {
            return Ok(denial.into());
        }
        // A caller that goes away must not leave a write behind that nobody hears of: the task goes on,
        // and a decision that nobody takes out of it gives its permit back.
        let inner = Arc::clone(&self.inner);
        let task = tokio::spawn(async move { acquire::acquire(&inner, &request).await });
        let decided = task.await.map_err(|source| {
            Error::new(ErrorKind::Unavailable, BACKEND, OPERATION).with_source(source)
        })?;
        decided.map(Undelivered::deliver)
    }

    fn record_activity(&self, request: &Acquire) {
        self.inner.denials.record_activity(request);
    }

    async fn record(&self, request: Acquire) -> Result<()> {
        check_claims(&request.claims)?;
        let requests = self.inner.handle.requests("record")?;
        for claim in &request.claims {
            let recorded = self.inner.ask(requests, claim, &request, Purpose::Record);
            recorded.await?;
        }
        Ok(())
    }

    async fn status(&self, claim: &Claim, priority: Priority) -> Result<Status> {
        let requests = self.inner.handle.requests("status")?;
        let request = Acquire::of(claim.clone()).priority(priority);
        let request = request.attempt(Attempt::Repeat);
        let told = self
            .inner
            .ask(requests, claim, &request, Purpose::CountDemand);
        told.await?;
        let view = self.inner.views.of(&claim.resource);
        let state = match view.seen() {
            Some((state, _)) => state,
            None => self.inner.read(requests, &view).await?,
        };
        self.inner.status_of(&state, claim, priority)
    }

    async fn reset(&self, resource: &Resource) -> Result<()> {
        let requests = self.inner.handle.requests("reset")?;
        let view = self.inner.views.of(resource);
        self.inner.return_batches(&view, None).await;
        let forgotten = self.inner.forget(requests, &view, Forget::Admissions);
        forgotten.await?;
        self.inner.denials.remove(resource);
        Ok(())
    }

    async fn clear(&self) -> Result<()> {
        let requests = self.inner.handle.requests("clear")?;
        for view in self.inner.views.all() {
            self.inner.return_batches(&view, None).await;
        }
        for (claim, _) in self.inner.listed(requests, &everything()).await? {
            let view = self.inner.views.of(&claim.resource);
            let forgotten = self.inner.forget(requests, &view, Forget::Everything);
            forgotten.await?;
        }
        self.inner.denials.clear();
        Ok(())
    }

    async fn set_cooldown(&self, resource: &Resource, until: Timestamp) -> Result<Timestamp> {
        let command = |state: &State, _| Ok(extend_cooldown(state, until));
        self.inner.restrict("set_cooldown", resource, command).await
    }

    async fn cooldown(&self, resource: &Resource) -> Result<Option<Timestamp>> {
        let state = self.inner.look("cooldown", resource).await?;
        let now = self.inner.now();
        Ok(state.cooldown_until.filter(|until| *until > now))
    }

    async fn clear_cooldown(&self, resource: &Resource, seen: Timestamp) -> Result<()> {
        let requests = self.inner.handle.requests("clear_cooldown")?;
        let view = self.inner.views.of(resource);
        let mut command = |state: &State, _: Timestamp| Ok(move_cooldown(state, seen, None));
        self.inner.commit(requests, &view, &mut command).await?;
        self.inner.denials.remove(resource);
        Ok(())
    }

    async fn move_cooldown(
        &self,
        resource: &Resource,
        seen: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        let command = |state: &State, _| Ok(move_cooldown(state, seen, Some(until)));
        self.inner
            .restrict("move_cooldown", resource, command)
            .await
    }

    async fn set_resource_config(&self, resource: &Resource, config: ResourceConfig) -> Result<()> {
        config.check()?;
        let random = self.inner.options.random.next_u64();
        let command = |state: &State, now| configure(state, &config, now, random);
        let configured = self
            .inner
            .restrict("set_resource_config", resource, command);
        configured.await
    }

    async fn resource_config(&self, resource: &Resource) -> Result<Option<ResourceConfig>> {
        let state = self.inner.look("resource_config", resource).await?;
        Ok(state.config.clone())
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<ResourceInfo>> {
        let requests = self.inner.handle.requests("list")?;
        let infos = self.inner.listed(requests, page).await?.into_iter();
        let infos = infos.map(|(claim, state)| {
            let status = self.inner.status_of(&state, &claim, Priority::Background)?;
            Ok(ResourceInfo::new(claim.resource, status))
        });
        let infos = infos.collect::<Result<Vec<_>>>()?;
        Ok(Page::truncated(infos, page.limit, |info| {
            info.resource.to_string()
        }))
    }

    async fn stats(&self) -> Result<RateLimitStats> {
        let requests = self.inner.handle.requests("stats")?;
        self.inner.stats_of_all(requests).await
    }

    async fn cleanup(&self) -> Result<u64> {
        let requests = self.inner.handle.requests("cleanup")?;
        let (inner, skew) = (&self.inner, self.inner.options.tuning.max_clock_skew);
        let most = u64::from(inner.options.cleanup_batch.unwrap_or(CLEANUP_BATCH));
        let mut freed = 0;
        for (claim, listed) in inner.listed(requests, &everything()).await? {
            let left = most - freed;
            if left == 0 {
                break;
            }
            let mut command = |state: &State, now| Ok(sweep(state, now, skew, left));
            if let Ok(Transition::Write(..)) = command(&listed, inner.now()) {
                let view = inner.views.of(&claim.resource);
                freed += inner.commit(requests, &view, &mut command).await?;
            }
        }
        Ok(freed)
    }

    async fn close(&self) -> Result<()> {
        self.inner.handle.close();
        for view in self.inner.views.all() {
            self.inner.return_batches(&view, None).await;
        }
        Ok(())
    }

    fn resolution(&self, span: Duration) -> Duration {
        let bucket = span.as_nanos() / 1_000_000;
        let bucket = bucket.div_ceil(u128::from(self.inner.options.tuning.buckets.get()));
        let bucket = Duration::from_millis(u64::try_from(bucket).unwrap_or(u64::MAX).max(1));
        bucket.saturating_add(self.inner.options.tuning.max_clock_skew)
    }
}

/// All resources that are listed.
fn everything() -> PageRequest {
    PageRequest::default().with_limit(u32::MAX - 1)
}

impl Inner {
    /// The state that is in the table.
    async fn look(&self, operation: &'static str, resource: &Resource) -> Result<Arc<State>> {
        let requests = self.handle.requests(operation)?;
        self.read(requests, &self.views.of(resource)).await
    }

    async fn forget(&self, requests: Requests<'_>, view: &View, what: Forget) -> Result<()> {
        let (skew, random) = (
            self.options.tuning.max_clock_skew,
            self.options.random.next_u64(),
        );
        let mut command =
            |state: &State, now: Timestamp| Ok(forget(state, now, skew, what, random));
        self.commit(requests, view, &mut command).await
    }

    /// Changes a rule of a resource: what was granted or denied before it applies is not after it.
    async fn restrict<T>(
        &self,
        operation: &'static str,
        resource: &Resource,
        mut command: impl FnMut(&State, Timestamp) -> Result<Transition<T>>,
    ) -> Result<T> {
        let requests = self.handle.requests(operation)?;
        let view = self.views.of(resource);
        let outcome = self.commit(requests, &view, &mut command).await?;
        self.end_batches(&view).await;
        self.denials.remove(resource);
        Ok(outcome)
    }
}
