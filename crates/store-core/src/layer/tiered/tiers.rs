//! The two stores, and the way of a lookup through them.

use std::sync::Arc;
use std::time::Duration;

use super::copies::{Copies, Found, Promotion};
use super::follower::Follower;
use crate::cache::{CacheStore, Lookup};
use crate::clock::Clock;
use crate::error::Result;
use crate::key::Key;

#[derive(Debug)]
pub(super) struct Tiers<I, O> {
    pub(super) copies: Copies<I>,
    pub(super) outer: O,
    /// Absent without a feed.
    pub(super) follower: Option<Follower>,
    pub(super) clock: Arc<dyn Clock>,
}

impl<I: CacheStore, O: CacheStore> Tiers<I, O> {
    /// Whether a lookup that began at `began` may have a copy without a further reading of the feed.
    fn is_current(&self, began: Duration) -> bool {
        let follower = self.follower.as_ref();
        follower.is_none_or(|follower| follower.is_current(began))
    }

    /// Reads the feed if it was never read, so that what is promoted from here on stays.
    async fn begin_to_follow(&self, began: Duration) -> bool {
        match &self.follower {
            Some(follower) if !follower.has_read() => follower.refresh(began, &self.copies).await,
            _ => false,
        }
    }

    async fn refresh(&self, began: Duration) -> bool {
        match &self.follower {
            None => true,
            Some(follower) => follower.refresh(began, &self.copies).await,
        }
    }

    /// The copy of `key`, or the right to promote its value.
    pub(super) async fn copy(&self, key: &Key, began: Duration) -> Found {
        if self.is_current(began) {
            return self.copies.find(key, began).await;
        }
        // Boxed, because the memory for it would make every hit slower.
        Box::pin(self.copy_after_reading(key, began)).await
    }

    async fn copy_after_reading(&self, key: &Key, began: Duration) -> Found {
        let mut is_current = self.begin_to_follow(began).await;
        loop {
            let found = self.copies.find(key, began).await;
            if is_current || matches!(found, Found::Missing(_)) {
                return found;
            }
            is_current = self.refresh(began).await;
            if !is_current {
                return Found::Missing(None);
            }
        }
    }

    /// As [`copy`](Self::copy), for each of `keys`.
    pub(super) async fn copies(&self, keys: &[Key], began: Duration) -> Vec<Found> {
        let mut is_current = self.is_current(began) || self.begin_to_follow(began).await;
        loop {
            let found = self.copies.find_many(keys, began).await;
            let has_copy = found.iter().any(|one| matches!(one, Found::Copy(_)));
            if is_current || !has_copy {
                return found;
            }
            is_current = self.refresh(began).await;
            if !is_current {
                return keys.iter().map(|_| Found::Missing(None)).collect();
            }
        }
    }

    /// Looks `key` up in the outer store, and promotes what it has.
    pub(super) async fn look_up(&self, key: &Key, promotion: Option<Promotion>) -> Result<Lookup> {
        let lookup = self.outer.get(key).await?;
        self.promote(key, &lookup, promotion).await;
        Ok(lookup)
    }

    pub(super) async fn promote(&self, key: &Key, lookup: &Lookup, promotion: Option<Promotion>) {
        if let (Lookup::Hit(entry), Some(promotion)) = (lookup, promotion) {
            self.copies.promote(key, entry, promotion).await;
        }
    }
}
