//! Refunds, and permits taken in advance. Giving up is safe: permits stay used until their window has passed.

use std::sync::Arc;
use std::time::Duration;

use store_core::{Priority, Timestamp};
use tokio::runtime::Handle as Runtime;

use super::acquire::Held;
use crate::rate_limit::commit::{Batch, Inner, View};
use crate::rate_limit::record::{Bucket, State};
use crate::rate_limit::transition::{Transition, give_back};

/// Permits to give back.
struct Refund {
    bucket: Bucket,
    class: Priority,
    permits: u32,
    /// How many of them nobody was given.
    ungranted: u32,
    /// For how long they have been used.
    age: Duration,
}

impl Inner {
    /// Gives permits back, as far as they count.
    pub(super) async fn undo(&self, held: Vec<Held>) {
        for held in held {
            let refund = Refund {
                bucket: held.bucket,
                class: held.class,
                permits: held.permits.get(),
                ungranted: 0,
                age: self.options.clock.monotonic().saturating_sub(held.since),
            };
            self.refund(&held.view, refund).await;
        }
    }

    async fn refund(&self, view: &View, refund: Refund) {
        let Refund {
            bucket,
            class,
            permits,
            ungranted,
            age,
        } = refund;
        let mut change = |state: &State, _: Timestamp| {
            let counts = age < state.past.keep() + self.options.max_clock_skew;
            let change = give_back(state, bucket, permits, class, ungranted);
            let Some(change) = change.filter(|_| counts) else {
                return Ok(Transition::IfFresh(None, ()));
            };
            // Whoever sees the room must not be refused from memory, nor whoever asked just before.
            self.denials.remove(&view.resource);
            Ok(Transition::Write(change, ()))
        };
        if let Err(error) = self.commit("give back", view, &mut change).await {
            tracing::warn!(%error, resource = %view.resource, "{permits} permits stay used");
        }
        self.denials.remove(&view.resource);
    }

    /// Keeps permits to hand out, and gives back later what is left of them.
    pub(super) fn keep_batch(self: &Arc<Self>, view: &Arc<View>, batch: Batch) {
        let Batch { bucket, .. } = batch;
        view.keep(batch);
        let Ok(runtime) = Runtime::try_current() else {
            return;
        };
        let (inner, view) = (Arc::downgrade(self), Arc::clone(view));
        let clock = Arc::clone(&self.options.clock);
        runtime.spawn(async move {
            // Whoever begins the next bucket gives back by the way; this is for those who fell silent.
            let later = bucket.until + bucket.until.since(bucket.start);
            clock.sleep_until(later).await;
            let Some(inner) = inner.upgrade() else { return };
            inner.return_batches(&view, Some(bucket)).await;
        });
    }

    /// Ends the batches of this process, those included that a request under way is about to bring: what
    /// was taken before a rule changed must not be handed out after it.
    pub(super) async fn end_batches(&self, view: &View) {
        if self.options.permit_batch_size.get() > 1 {
            // Whoever takes a batch holds the gate until it is kept.
            drop(view.gate.lock().await);
            self.return_batches(view, None).await;
        }
    }

    /// Gives back what is left of the batches of a bucket, or of all.
    pub(super) async fn return_batches(&self, view: &View, of: Option<Bucket>) {
        for batch in view.take_batches(of) {
            self.return_batch(view, &batch).await;
        }
    }

    async fn return_batch(&self, view: &View, batch: &Batch) {
        let refund = Refund {
            bucket: batch.bucket,
            class: batch.class,
            permits: batch.left,
            ungranted: batch.left,
            age: Duration::ZERO,
        };
        self.refund(view, refund).await;
    }

    /// Gives back a batch that is over, in the background.
    pub(super) fn return_later(self: &Arc<Self>, view: &Arc<View>, batch: Batch) {
        if let Ok(runtime) = Runtime::try_current() {
            let (inner, view) = (Arc::clone(self), Arc::clone(view));
            runtime.spawn(async move { inner.return_batch(&view, &batch).await });
        }
    }
}
