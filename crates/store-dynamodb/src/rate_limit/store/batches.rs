//! Refunds, and permits taken in advance. Giving up is safe: permits stay used until their window has passed.

use std::sync::Arc;

use store_core::Timestamp;

use super::acquire::Held;
use crate::rate_limit::commit::{Batch, Inner, View};
use crate::rate_limit::record::{Bucket, State};
use crate::rate_limit::transition::{Change, Transition, give_back};

impl Inner {
    /// Gives permits back, as far as they count.
    pub(super) async fn undo(&self, held: Vec<Held>) {
        for held in held {
            let (bucket, permits, class) = (held.bucket, held.permits.get(), held.class);
            let age = self.options.clock.monotonic().saturating_sub(held.since);
            let refund = |state: &State| {
                let counts = age < state.past.keep() + self.options.tuning.max_clock_skew;
                give_back(state, bucket, permits, class, 0).filter(|_| counts)
            };
            self.refund(&held.view, permits, refund).await;
        }
    }

    async fn refund(
        &self,
        view: &View,
        permits: u32,
        refund: impl Fn(&State) -> Option<Change> + Send + Sync,
    ) {
        let mut change = |state: &State, _: Timestamp| {
            let Some(change) = refund(state) else {
                return Ok(Transition::IfFresh(None, ()));
            };
            // Whoever sees the room must not be refused from memory, nor whoever asked just before.
            self.denials.remove(&view.resource);
            Ok(Transition::Write(change, ()))
        };
        let requests = self.handle.table().requests("give back");
        if let Err(error) = self.commit(requests, view, &mut change).await {
            tracing::warn!(%error, resource = %view.resource, "{permits} permits stay used");
        }
        self.denials.remove(&view.resource);
    }

    /// Keeps permits to hand out, and gives back later what is left of them.
    pub(super) fn keep_batch(self: &Arc<Self>, view: &Arc<View>, batch: Batch) {
        let bucket = batch.bucket;
        view.keep(batch);
        let (inner, view) = (Arc::downgrade(self), Arc::clone(view));
        let clock = Arc::clone(&self.options.clock);
        tokio::spawn(async move {
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
        if self.options.tuning.permit_batch_size.get() > 1 {
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
        let (bucket, left, class) = (batch.bucket, batch.left, batch.class);
        let refund = |state: &State| give_back(state, bucket, left, class, left);
        self.refund(view, left, refund).await;
    }

    /// Gives back a batch that is over, in the background.
    pub(super) fn return_later(self: &Arc<Self>, view: &Arc<View>, batch: Batch) {
        let (inner, view) = (Arc::clone(self), Arc::clone(view));
        tokio::spawn(async move { inner.return_batch(&view, &batch).await });
    }
}
