//! Giving back. Giving up is safe: the permits stay used until their window has passed.

use std::sync::Arc;

use store_core::{Priority, Result};
use tokio::runtime::Handle as Runtime;

use super::acquire::Held;
use super::amend;
use super::engine::{Inner, Written};
use super::local::{Lease, Local};
use super::state::Bucket;

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
                tracing::warn!(%error, resource = %local.resource, "a permit could not be given back and stays used");
            }
        }
    }

    async fn give_back(
        &self,
        local: &Local,
        bucket: Bucket,
        permits: u32,
        class: Priority,
        leased: u32,
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
            let change = amend::give_back(&state, bucket, permits, class, leased);
            let Some(change) = change.filter(|_| !is_outlived) else {
                if seen_at >= started {
                    return Ok(());
                }
                self.read("give back", local).await?;
                continue;
            };
            // Whoever sees the room must not be refused from memory, nor whoever asked just before.
            self.denials.forget(&local.resource);
            if let Written::Done = self
                .write("give back", local, &state, &change, None)
                .await?
            {
                self.denials.forget(&local.resource);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Keeps permits to hand out, and gives back later what is left of them.
    pub(super) fn keep_lease(self: &Arc<Self>, local: &Arc<Local>, lease: Lease) {
        let Lease { bucket, .. } = lease;
        local.keep(lease);
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
            inner.return_leases(&local, Some(bucket)).await;
        });
    }

    /// Ends the leases of this process, those included that a request under way is about to bring: what
    /// was taken before a rule changed must not be handed out after it.
    pub(super) async fn end_leases(&self, local: &Local) {
        if self.options.permit_batch_size.get() > 1 {
            // Whoever takes a lease holds the gate until it is kept.
            drop(local.gate.lock().await);
            self.return_leases(local, None).await;
        }
    }

    /// Gives back what is left of the leases of a bucket, or of all.
    pub(super) async fn return_leases(&self, local: &Local, of: Option<Bucket>) {
        for lease in local.take_leases(of) {
            self.return_lease(local, &lease).await;
        }
    }

    async fn return_lease(&self, local: &Local, lease: &Lease) {
        let Lease {
            bucket,
            class,
            left,
            ..
        } = *lease;
        let given_back = self.give_back(local, bucket, left, class, left, None).await;
        if let Err(error) = given_back {
            tracing::warn!(%error, resource = %local.resource, "unused permits of a batch could not be given back and stay used");
        }
    }

    /// Gives back a lease that is over, in the background.
    pub(super) fn return_later(self: &Arc<Self>, local: &Arc<Local>, lease: Lease) {
        if let Ok(runtime) = Runtime::try_current() {
            let (inner, local) = (Arc::clone(self), Arc::clone(local));
            runtime.spawn(async move { inner.return_lease(&local, &lease).await });
        }
    }
}
