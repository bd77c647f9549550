//! Giving back. Giving up is safe: the permits stay used until their window has passed.

use std::sync::Arc;

use store_core::{Priority, Result};
use tokio::runtime::Handle as Runtime;

use super::acquire::Held;
use super::engine::{Inner, Written};
use super::local::{Local, PermitBatch};
use super::state::Bucket;
use super::update;

/// How often a write is tried that others are faster than.
const TRIES: u32 = 8;

impl Inner {
    /// Gives permits back, as far as they count.
    pub(super) async fn undo(&self, held: Vec<Held>) {
        for held in held {
            let Held {
                local,
                bucket,
                permits,
                class,
                since,
                ..
            } = held;
            let age = self.options.clock.monotonic().saturating_sub(since);
            let given_back = self
                .give_back(&local, bucket, permits.get(), class, 0, Some(age))
                .await;
            if let Err(error) = given_back {
                tracing::warn!(%error, resource = %local.resource, "a permit stays used");
            }
        }
    }

    async fn give_back(
        &self,
        local: &Local,
        bucket: Bucket,
        permits: u32,
        class: Priority,
        ungranted: u32,
        age: Option<std::time::Duration>,
    ) -> Result<()> {
        let started = self.moment();
        for _ in 0..TRIES {
            let Some((state, seen_at)) = local.seen() else {
                self.read("give back", local).await?;
                continue;
            };
            let keep = state.past.keep() + self.options.max_clock_skew;
            let is_outlived = age.is_some_and(|age| age >= keep);
            let change = update::give_back(&state, bucket, permits, class, ungranted);
            let Some(change) = change.filter(|_| !is_outlived) else {
                if seen_at >= started {
                    return Ok(());
                }
                self.read("give back", local).await?;
                continue;
            };
            // Whoever sees the room must not be refused from memory, nor whoever asked just before.
            self.denials.remove(&local.resource);
            if let Written::Done = self
                .write("give back", local, &state, &change, None)
                .await?
            {
                self.denials.remove(&local.resource);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Keeps permits to hand out, and gives back later what is left of them.
    pub(super) fn keep_batch(self: &Arc<Self>, local: &Arc<Local>, batch: PermitBatch) {
        let PermitBatch { bucket, .. } = batch;
        local.keep(batch);
        let Ok(runtime) = Runtime::try_current() else {
            return;
        };
        let (inner, local) = (Arc::downgrade(self), Arc::clone(local));
        let clock = Arc::clone(&self.options.clock);
        runtime.spawn(async move {
            // Whoever begins the next bucket gives back by the way; this is for those who fell silent.
            let later = bucket.until + bucket.until.since(bucket.start);
            clock.sleep_until(later).await;
            let Some(inner) = inner.upgrade() else { return };
            inner.return_batches(&local, Some(bucket)).await;
        });
    }

    /// Ends the batches of this process, those included that a request under way is about to bring: what
    /// was taken before a rule changed must not be handed out after it.
    pub(super) async fn end_batches(&self, local: &Local) {
        if self.options.permit_batch_size.get() > 1 {
            // Whoever takes a batch holds the gate until it is kept.
            drop(local.gate.lock().await);
            self.return_batches(local, None).await;
        }
    }

    /// Gives back what is left of the batches of a bucket, or of all.
    pub(super) async fn return_batches(&self, local: &Local, of: Option<Bucket>) {
        for batch in local.take_batches(of) {
            self.return_batch(local, &batch).await;
        }
    }

    async fn return_batch(&self, local: &Local, batch: &PermitBatch) {
        let PermitBatch {
            bucket,
            class,
            left,
            ..
        } = *batch;
        let given_back = self.give_back(local, bucket, left, class, left, None).await;
        if let Err(error) = given_back {
            tracing::warn!(%error, resource = %local.resource, "permits of a batch stay used");
        }
    }

    /// Gives back a batch that is over, in the background.
    pub(super) fn return_later(self: &Arc<Self>, local: &Arc<Local>, batch: PermitBatch) {
        if let Ok(runtime) = Runtime::try_current() {
            let (inner, local) = (Arc::clone(self), Arc::clone(local));
            runtime.spawn(async move { inner.return_batch(&local, &batch).await });
        }
    }
}
