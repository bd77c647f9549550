//! One call of the store: what every operation needs, and the requests that several make.

use std::num::NonZeroUsize;
use std::time::Duration;

use store_core::{Error, ErrorKind, Result, Timestamp};
use tracing::debug;

use super::epoch::{AUTHORITY, COPIES, Epoch, epoch_key};
use super::head::Head;
use super::known::EpochCache;
use super::order::Condition;
use crate::error::{BACKEND, Cancellation, Failure};
use crate::item::{Item, ItemKey};
use crate::options::CacheSettings;
use crate::parallel::execute_in_parallel;
use crate::table::{DynamoDbTable, Query, QueryStart, SchemaNames, Update, Write};

/// How often a write is tried again while another is under way, and how long the first wait is.
const CONFLICT_TRIES: u32 = 6;
const CONFLICT_DELAY: Duration = Duration::from_millis(10);
/// The most requests that one call has under way at once.
const PARALLEL: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// One call of the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session<'a> {
    pub(super) table: &'a DynamoDbTable,
    pub(super) options: &'a CacheSettings,
    pub(super) epochs: &'a EpochCache,
    pub(super) operation: &'static str,
    pub(super) now: Timestamp,
}

impl Session<'_> {
    pub(super) fn names(&self) -> &SchemaNames {
        &self.table.options().names
    }

    /// A name that no other head has.
    pub(super) fn fresh_id(&self) -> String {
        let random = &self.options.random;
        format!("{:016x}{:016x}", random.next_u64(), random.next_u64())
    }

    /// One of the copies of the epoch, so that calls spread over all.
    pub(super) fn any_copy(&self) -> ItemKey {
        let random = self.options.random.next_u64() % u64::from(COPIES);
        epoch_key(u8::try_from(random).unwrap_or(AUTHORITY))
    }

    /// The epoch: all invalidations that have returned.
    pub(super) async fn epoch(&self) -> Result<Epoch> {
        self.read_epoch(&self.any_copy()).await
    }

    /// The epoch with all invalidations that have been counted, whether all copies show them or not.
    pub(super) async fn authority(&self) -> Result<Epoch> {
        self.read_epoch(&epoch_key(AUTHORITY)).await
    }

    async fn read_epoch(&self, copy: &ItemKey) -> Result<Epoch> {
        Ok(Epoch::of(self.table.get(self.operation, copy).await?))
    }

    pub(super) fn head(&self, item: Item) -> Result<Option<Head>> {
        let name = self.table.key_of(&item)?.sort;
        Head::read(item, &name, self.names())
    }

    /// A page of heads, and where the next one starts.
    pub(super) async fn heads_of(&self, query: Query) -> Result<(Vec<Head>, Option<QueryStart>)> {
        let page = self.table.query(self.operation, query).await?;
        let heads = page.items.into_iter().map(|item| self.head(item));
        let heads = heads.filter_map(Result::transpose).collect::<Result<_>>()?;
        Ok((heads, page.next))
    }

    /// Does a write, again while another write of the item is under way.
    async fn persist<T, F>(&self, write: impl Fn() -> F + Send) -> Result<T, Failure>
    where
        T: Send,
        F: Future<Output = Result<T, Failure>> + Send,
    {
        for attempt in 0..CONFLICT_TRIES {
            match write().await {
                Err(Failure::Conflict) => self.wait(attempt).await,
                other => return other,
            }
        }
        write().await
    }

    /// [`DynamoDbTable::replace`], which waits for other writes of the item.
    pub(super) async fn replace(
        &self,
        key: &ItemKey,
        item: Item,
        (condition, values): Condition,
    ) -> Result<Option<Item>, Failure> {
        let (table, operation) = (self.table, self.operation);
        self.persist(|| table.replace(operation, key, item.clone(), &condition, values.clone()))
            .await
    }

    /// [`DynamoDbTable::update`], which waits for other writes of the item.
    pub(super) async fn update(&self, update: Update) -> Result<Item, Failure> {
        self.persist(|| self.table.update(self.operation, update.clone()))
            .await
    }

    /// [`DynamoDbTable::change`], which waits for other writes of the item.
    pub(super) async fn change(&self, update: Update) -> Result<(), Failure> {
        self.persist(|| self.table.change(self.operation, update.clone()))
            .await
    }

    /// [`DynamoDbTable::delete`], which waits for other writes of the item.
    pub(super) async fn remove(
        &self,
        key: &ItemKey,
        (condition, values): Condition,
    ) -> Result<Option<Item>, Failure> {
        let (table, operation) = (self.table, self.operation);
        self.persist(|| table.delete(operation, key, &condition, values.clone()))
            .await
    }

    /// Passes over what keeps a transaction from taking place now, and fails for anything else.
    pub(super) fn check_contention(&self, failure: Failure) -> Result<()> {
        let reasons = match failure {
            Failure::Conflict => return Ok(()),
            Failure::Cancelled(reasons) => reasons,
            other @ (Failure::Refused(_) | Failure::Error(_)) => {
                return Err(other.into_error(self.operation));
            }
        };
        for reason in reasons {
            if let Cancellation::Other(code) = reason {
                let error = Error::new(ErrorKind::Unavailable, BACKEND, self.operation);
                return Err(error.with_detail(format!("the service answered {code}")));
            }
        }
        Ok(())
    }

    pub(super) async fn wait(&self, attempt: u32) {
        let longest = CONFLICT_DELAY * 2_u32.saturating_pow(attempt.min(6));
        self.table.pause(longest).await;
    }

    /// Does several things at once, but not too many; the answers are in their order.
    pub(super) async fn together<T: Send>(
        &self,
        work: impl IntoIterator<Item = impl Future<Output = Result<T>> + Send> + Send,
    ) -> Result<Vec<T>> {
        let work: Vec<_> = work.into_iter().collect();
        execute_in_parallel(work, |it| it, PARALLEL).await
    }

    /// Removes the chunks of values that are gone. What fails is left to the time to live.
    pub(super) async fn discard<'a>(&self, heads: impl IntoIterator<Item = &'a Head>) {
        let keys = heads.into_iter().flat_map(Head::chunk_keys);
        self.discard_chunks(keys.collect()).await;
    }

    pub(super) async fn discard_chunks(&self, keys: Vec<ItemKey>) {
        if keys.is_empty() {
            return;
        }
        let removals = keys.into_iter().map(Write::Delete).collect();
        if let Err(error) = self.table.batch_write(self.operation, removals).await {
            debug!(%error, "chunks of a removed value stay until their time to live");
        }
    }
}
