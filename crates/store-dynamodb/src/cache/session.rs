//! One call of the store: what every operation needs, and the requests that several make.

use std::num::NonZeroUsize;
use std::time::Duration;

use store_core::{CacheOptions, Result, Timestamp};
use tracing::debug;

use super::epoch::{AUTHORITY, COPIES, Epoch, epoch_key};
use super::head::Head;
use super::known::EpochCache;
use crate::item::{Item, ItemKey};
use crate::options::Settings;
use crate::parallel::execute_in_parallel;
use crate::table::{Query, QueryStart, Requests, SchemaNames};

/// How long the first wait is before a write that met another is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The most requests that one call has under way at once.
const PARALLEL: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// One call of the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session<'a> {
    pub(super) requests: Requests<'a>,
    pub(super) options: &'a Settings<CacheOptions>,
    pub(super) epochs: &'a EpochCache,
    pub(super) now: Timestamp,
}

impl Session<'_> {
    pub(super) fn names(&self) -> &SchemaNames {
        &self.requests.table.options().names
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
        Ok(Epoch::of(self.requests.get(copy).await?))
    }

    pub(super) fn head(&self, item: Item) -> Result<Option<Head>> {
        let name = self.requests.table.key_of(&item)?.sort;
        Head::read(item, &name, self.names())
    }

    /// A page of heads, and where the next one starts.
    pub(super) async fn heads_of(&self, query: Query) -> Result<(Vec<Head>, Option<QueryStart>)> {
        let page = self.requests.query(query).await?;
        let heads = page.items.into_iter().map(|item| self.head(item));
        let heads = heads.filter_map(Result::transpose).collect::<Result<_>>()?;
        Ok((heads, page.next))
    }

    pub(super) async fn wait(&self, attempt: u32) {
        let longest = FIRST_PAUSE * 2_u32.saturating_pow(attempt.min(6));
        self.requests.table.pause(longest).await;
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

    /// The caller waits for it: what a task of its own had not removed when the process ends would stay for good if
    /// the value never expires.
    pub(super) async fn discard_chunks(&self, keys: Vec<ItemKey>) {
        if let Err(error) = self.requests.delete_all(keys).await {
            debug!(%error, "chunks of a removed value stay until their time to live, if they have one");
        }
    }
}
