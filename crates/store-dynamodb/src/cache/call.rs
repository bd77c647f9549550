//! One call of the store: what every operation needs, and the requests that several make.

use std::num::NonZeroUsize;
use std::time::Duration;

use store_core::{Result, Timestamp};
use tracing::debug;

use super::epoch::{Epoch, EpochCache, Invalidations, Subject, epoch_key};
use super::head::Head;
use crate::error::Failure;
use crate::item::{Item, ItemKey};
use crate::options::CacheSettings;
use crate::parallel::execute_in_parallel;
use crate::table::{DynamoDbTable, SchemaNames, Update, Values, Write};

/// How often a write is tried again while another is under way, and how long the first wait is.
const CONFLICT_TRIES: u32 = 6;
const CONFLICT_DELAY: Duration = Duration::from_millis(10);
/// The most requests that one call has under way at once, and the most for each partition where it
/// asks all of them.
const PARALLEL: NonZeroUsize = NonZeroUsize::new(16).unwrap();
const PARALLEL_WITHIN: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// One call of the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) table: &'a DynamoDbTable,
    pub(super) options: &'a CacheSettings,
    pub(super) epochs: &'a EpochCache,
    pub(super) operation: &'static str,
    pub(super) now: Timestamp,
}

impl Call<'_> {
    pub(super) fn names(&self) -> &SchemaNames {
        &self.table.options().names
    }

    /// A name that no other head has.
    pub(super) fn fresh_id(&self) -> String {
        let random = &self.options.random;
        format!("{:016x}{:016x}", random.next_u64(), random.next_u64())
    }

    pub(super) async fn epoch(&self) -> Result<Epoch> {
        let item = self.table.get(self.operation, &epoch_key()).await?;
        Ok(Epoch::of(item))
    }

    pub(super) fn head(&self, item: Item) -> Result<Option<Head>> {
        let name = self.table.key_of(&item)?.sort;
        Head::read(item, &name, self.names())
    }

    /// Finds out which of the subjects were invalidated, and when, as of `epoch`. Each comes with the
    /// epoch after which it matters. Takes no request if no slot is suspicious, or all were seen before.
    pub(super) async fn known(
        &self,
        epoch: &Epoch,
        asked: impl IntoIterator<Item = (u64, &[Subject])> + Send,
    ) -> Result<Invalidations> {
        let mut known = Invalidations::new(epoch)?;
        let mut unseen: Vec<(ItemKey, &Subject, u64)> = Vec::new();
        for (than, subjects) in asked {
            for (subject, slot) in epoch.suspicious(than, subjects)? {
                if known.has(subject) {
                    continue;
                }
                let seen = self.epochs.recall(subject, slot);
                known.learn(subject.clone(), seen.unwrap_or_default());
                if seen.is_none() {
                    unseen.push((subject.item_key(), subject, slot));
                }
            }
        }
        if unseen.is_empty() {
            return Ok(known);
        }
        let keys: Vec<ItemKey> = unseen.iter().map(|(key, ..)| key.clone()).collect();
        let found = self.table.batch_get(self.operation, &keys).await?;
        for (key, subject, slot) in unseen {
            let newest = match found.get(&key) {
                Some(item) => item.count("e")?,
                None => 0,
            };
            known.learn(subject.clone(), newest);
            self.epochs.remember(subject.clone(), slot, newest);
        }
        Ok(known)
    }

    /// The same for heads that were read.
    pub(super) async fn known_of(&self, epoch: &Epoch, heads: &[&Head]) -> Result<Invalidations> {
        let asked: Vec<(u64, &[Subject])> = heads
            .iter()
            .map(|head| (head.epoch, &*head.subjects))
            .collect();
        self.known(epoch, asked).await
    }

    /// [`DynamoDbTable::replace`], again while another write of the item is under way.
    pub(super) async fn replace(
        &self,
        key: &ItemKey,
        item: Item,
        (condition, values): (String, Values),
    ) -> Result<Option<Item>, Failure> {
        let (table, operation) = (self.table, self.operation);
        for attempt in 0..CONFLICT_TRIES {
            let (item, values) = (item.clone(), values.clone());
            match table
                .replace(operation, key, item, &condition, values)
                .await
            {
                Err(Failure::Conflict) => self.wait(attempt).await,
                other => return other,
            }
        }
        table
            .replace(operation, key, item, &condition, values)
            .await
    }

    /// [`DynamoDbTable::update`], again while another write of the item is under way.
    pub(super) async fn update(&self, update: Update) -> Result<Item, Failure> {
        for attempt in 0..CONFLICT_TRIES {
            match self.table.update(self.operation, update.clone()).await {
                Err(Failure::Conflict) => self.wait(attempt).await,
                other => return other,
            }
        }
        self.table.update(self.operation, update).await
    }

    /// [`DynamoDbTable::delete`], again while another write of the item is under way.
    pub(super) async fn remove(
        &self,
        key: &ItemKey,
        (condition, values): (String, Values),
    ) -> Result<Option<Item>, Failure> {
        let (table, operation) = (self.table, self.operation);
        for attempt in 0..CONFLICT_TRIES {
            match table
                .delete(operation, key, &condition, values.clone())
                .await
            {
                Err(Failure::Conflict) => self.wait(attempt).await,
                other => return other,
            }
        }
        table.delete(operation, key, &condition, values).await
    }

    pub(super) async fn wait(&self, attempt: u32) {
        let longest = CONFLICT_DELAY * 2_u32.saturating_pow(attempt.min(6));
        self.table.pause(longest).await;
    }

    /// Does several things at once, but not too many; the answers are in their order.
    pub(super) async fn together<T: Send>(
        &self,
        work: Vec<impl Future<Output = Result<T>> + Send>,
    ) -> Result<Vec<T>> {
        execute_in_parallel(work, |it| it, PARALLEL).await
    }

    /// The same within what is done for each of several partitions.
    pub(super) async fn together_within<T: Send>(
        &self,
        work: Vec<impl Future<Output = Result<T>> + Send>,
    ) -> Result<Vec<T>> {
        execute_in_parallel(work, |it| it, PARALLEL_WITHIN).await
    }

    /// Removes the chunks of values that are gone. What fails is left to the time to live.
    pub(super) async fn discard<'a>(&self, heads: impl IntoIterator<Item = &'a Head>) {
        let removals = heads.into_iter().filter_map(|head| {
            let body = head.body.as_ref()?;
            Some(body.removals(&head.id))
        });
        self.discard_chunks(removals.flatten().collect()).await;
    }

    pub(super) async fn discard_chunks(&self, removals: Vec<Write>) {
        if removals.is_empty() {
            return;
        }
        if let Err(error) = self.table.batch_write(self.operation, removals).await {
            debug!(%error, "chunks of a removed value stay until their time to live");
        }
    }
}
