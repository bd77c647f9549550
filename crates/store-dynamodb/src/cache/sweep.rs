//! Cleaning up: what has expired or is hidden becomes a tombstone, which takes no room to speak of, and
//! is removed once no fill can run into it any more.

use std::sync::{Mutex, PoisonError};

use store_core::Result;

use super::head::{Head, PREFIX, WITHOUT_VALUE, head_key, tombstone};
use super::known::Invalidations;
use super::order::is_still;
use super::session::Session;
use crate::options::CLEANUP_BATCH;
use crate::shards::partitions;
use crate::table::{Query, QueryStart};

/// The most requests by which one run looks for what it can free, and the most items of each.
const MOST_PAGES: usize = 64;
const PAGE: u32 = 500;

/// Position where a run ended: the partition and the key in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Cursor {
    shard: usize,
    start: Option<QueryStart>,
}

impl Session<'_> {
    /// Frees the room of a bounded number of values, looking at a bounded number of items from where the
    /// last run ended; returns how many it were.
    pub(super) async fn sweep(&self, swept_to: &Mutex<Cursor>) -> Result<u64> {
        let batch = self.options.cleanup_batch.unwrap_or(CLEANUP_BATCH);
        let batch = usize::try_from(batch).unwrap_or(usize::MAX);
        let epoch = self.republish().await?;
        let shards = partitions(PREFIX);
        let mut place = {
            let place = swept_to.lock().unwrap_or_else(PoisonError::into_inner);
            place.clone()
        };
        let (mut freed, mut swept, mut partitions_left) = (0, 0, shards.len() + 1);
        for _ in 0..MOST_PAGES {
            let Some(partition) = shards.get(place.shard) else {
                break;
            };
            let query = Query {
                partition: partition.clone(),
                attributes: Some(WITHOUT_VALUE.to_owned()),
                limit: Some(PAGE),
                start: place.start.clone(),
                ..Query::default()
            };
            let (heads, next) = self.heads_of(query).await?;
            let known = self.known_of(&epoch, &heads).await?;
            let garbage = heads.iter().filter(|head| self.is_garbage(head, &known));
            let mut garbage: Vec<&Head> = garbage.collect();
            let is_cut = garbage.len() > batch - swept;
            garbage.truncate(batch - swept);
            swept += garbage.len();
            let work = garbage.into_iter().map(|head| self.free(head, &known));
            let values = self.together(work).await?;
            freed += values.into_iter().map(u64::from).sum::<u64>();
            if is_cut {
                break;
            }
            if next.is_some() {
                place.start = next;
            } else {
                partitions_left -= 1;
                place = Cursor {
                    shard: (place.shard + 1) % shards.len(),
                    start: None,
                };
            }
            if partitions_left == 0 || swept == batch {
                break;
            }
        }
        *swept_to.lock().unwrap_or_else(PoisonError::into_inner) = place;
        Ok(freed)
    }

    fn is_garbage(&self, head: &Head, known: &Invalidations) -> bool {
        if head.body.is_none() {
            return head.is_over(self.now);
        }
        head.is_expired(self.now) || known.hidden_at(head).is_some()
    }

    /// Frees the room of a head, unless it was replaced meanwhile; whether a value went.
    async fn free(&self, head: &Head, known: &Invalidations) -> Result<bool> {
        let (key, condition) = (head_key(&head.key), is_still(&head.id));
        let gone = if head.is_over(self.now) {
            self.requests.delete(&key, condition).await?
        } else {
            // A fill from before the invalidation runs into the tombstone as it would into the value.
            let epoch = known.hidden_at(head).unwrap_or(head.epoch);
            let item = tombstone(epoch, &self.fresh_id(), self.names(), self.now);
            self.requests.replace(&key, item, condition).await?
        };
        // Whoever replaced it may not have come to its chunks.
        self.discard([head]).await;
        Ok(gone.is_ok() && head.body.is_some())
    }
}
